"""Shares -> events: China's A shares (docs/a_shares.md), and in their own files Hong Kong's and the USA's (docs/hk_us.md)."""

from .akshare import AkshareCollector, AkshareOptions
from .baostock import BaostockCollector, BaostockOptions

__all__ = ["AkshareCollector", "AkshareOptions", "BaostockCollector", "BaostockOptions"]
