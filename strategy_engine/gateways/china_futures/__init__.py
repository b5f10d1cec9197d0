"""Orders to China's futures exchanges by a counter of CTP's kind. See docs/china_futures.md."""

from .gateway import CtpGateway, TtsGateway

__all__ = ["CtpGateway", "TtsGateway"]
