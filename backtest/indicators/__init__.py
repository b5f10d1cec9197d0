"""Indicators for Backtrader classes that Backtrader itself has not."""

from .chan import ChanPivot, ChanStroke

__all__ = ["ChanPivot", "ChanStroke"]
