"""`strategies test`: what can be said of a strategy file before it trades."""

from .strategy_check import CheckRow, check_strategy

__all__ = ["CheckRow", "check_strategy"]
