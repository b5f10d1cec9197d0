"""Currencies -> events: a MetaTrader 5 terminal, here or on a Windows machine. See docs/fx.md."""

from .collector import Mt5Collector

__all__ = ["Mt5Collector"]
