"""Stored market data, played onto a paper bus as if it happened now."""

from .collector import ReplayCollector
from .part import ReplayPart

__all__ = ["ReplayCollector", "ReplayPart"]
