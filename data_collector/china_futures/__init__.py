"""Live market data of China's futures exchanges, from a counter of CTP's kind. See docs/china_futures.md."""

from .collector import CtpCollector, TtsCollector
from .depth import DepthReader, parse_depth

__all__ = ["CtpCollector", "DepthReader", "TtsCollector", "parse_depth"]
