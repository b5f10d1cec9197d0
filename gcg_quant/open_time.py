"""How much of a stretch of time a market was open in."""

from __future__ import annotations

import numpy as np

from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_DAY, NS_PER_HOUR

__all__ = ["OpenTime"]


class OpenTime:
    """Measures stretches in the sessions of a calendar; a break ends one session and begins the next. "24/7": every day of UTC is one."""

    def __init__(self, calendar: Calendar) -> None:
        self._always = calendar.market == "24/7"
        self._calendar = calendar
        if not self._always:
            self._opens, self._closes = calendar.segments()
            self._before = np.concatenate([[0], np.cumsum(self._closes - self._opens)])  # what was open before each session

    def between(self, start_ns: int, end_ns: int) -> int:
        """Return the nanoseconds of sessions from `start_ns` to `end_ns`."""
        return max(0, end_ns - start_ns) if self._always else max(0, self._until(end_ns) - self._until(start_ns))

    def within(self, start_ns: int, end_ns: int) -> tuple[int, int]:
        """Return the stretch without the closed time at both its ends; it must hold some open time."""
        if self._always:
            return start_ns, end_ns
        first = int(np.searchsorted(self._closes, start_ns, "right"))
        last = int(np.searchsorted(self._opens, end_ns, "left")) - 1
        return max(start_ns, int(self._opens[first])), min(end_ns, int(self._closes[last]))

    def whole_sessions(self, start_ns: int, end_ns: int) -> int:
        """Return how many sessions lie in the stretch from their opening to their close."""
        if self._always:
            return max(0, end_ns // NS_PER_DAY - -(-start_ns // NS_PER_DAY))
        first = int(np.searchsorted(self._opens, start_ns, "left"))
        last = int(np.searchsorted(self._closes, end_ns, "right"))
        return max(0, last - first)

    def days(self, start_ns: int, end_ns: int) -> int:
        """Return how many trading days have some of their open time in the stretch."""
        if self.between(start_ns, end_ns) == 0:
            return 0
        if self._always:
            return -(-end_ns // NS_PER_DAY) - start_ns // NS_PER_DAY
        start_ns, end_ns = self.within(start_ns, end_ns)
        opens = self._opens[(self._opens > start_ns) & (self._opens < end_ns)]  # hours are not enough for short sessions
        trading = np.unique(self._calendar.trading_days(np.concatenate([np.arange(start_ns, end_ns, NS_PER_HOUR), opens])))
        return sum(self._calendar.is_trading_day(int(day)) for day in trading)

    def _until(self, ns: int) -> int:
        row = int(np.searchsorted(self._opens, ns, "right"))
        return int(self._before[row]) - (max(0, int(self._closes[row - 1]) - ns) if row else 0)
