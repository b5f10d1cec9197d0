"""`strategies test`: what can be said of a strategy file before it trades."""

from .check_spec import CheckSpec
from .strategy_check import CheckRow, check_strategy

__all__ = ["CheckRow", "CheckSpec", "check_strategy"]
