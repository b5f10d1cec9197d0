"""Crypto exchanges -> events: Binance and OKX read directly, any other by ccxt. See docs/crypto.md."""

from .collector import CcxtCollector
from .options import CcxtOptions

__all__ = ["CcxtCollector", "CcxtOptions"]
