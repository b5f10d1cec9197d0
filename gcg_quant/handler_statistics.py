"""What handlers have done: how many calls, how many of them raised, and how long they took."""

from __future__ import annotations

from bisect import bisect_left
from operator import add

import msgspec

from gcg_quant import _native

__all__ = ["HANDLER_BOUNDS_S", "HandlerStatistics", "HandlerTally"]

_BOUNDS_NS = _native.HANDLER_BOUNDS_NS
HANDLER_BOUNDS_S = tuple(bound / 1e9 for bound in _BOUNDS_NS)  # of the classes that calls are counted in, by the time they took


class HandlerStatistics(msgspec.Struct, frozen=True):
    """Calls of handlers, how many raised, the time they took, and since when one is running (monotonic; 0: none is).

    `calls` counts those that took at most each of HANDLER_BOUNDS_S (and more than the one before), then those that took longer. Calls
    of the last moment may be in `handled` and not yet in `calls` and `spent_ns`, which belong together.
    """

    handled: int
    errors: int
    spent_ns: int
    longest_ns: int
    busy_since_ns: int
    calls: tuple[int, ...]

    @property
    def mean_us(self) -> float:
        """The mean time of a call in microseconds; 0 if there was none."""
        timed = sum(self.calls)
        return self.spent_ns / timed / 1e3 if timed else 0.0

    def plus(self, later: HandlerStatistics) -> HandlerStatistics:
        """Return both together."""
        return HandlerStatistics(
            self.handled + later.handled,
            self.errors + later.errors,
            self.spent_ns + later.spent_ns,
            max(self.longest_ns, later.longest_ns),
            later.busy_since_ns,
            tuple(map(add, self.calls, later.calls)),
        )


class HandlerTally:
    """Counts calls of handlers. Written by one thread."""

    __slots__ = ("_calls", "_errors", "_handled", "_longest_ns", "_spent_ns")

    def __init__(self) -> None:
        self._handled = self._errors = self._spent_ns = self._longest_ns = 0
        self._calls = [0] * (len(_BOUNDS_NS) + 1)

    def add(self, spent_ns: int, *, calls: int = 1, errors: int = 0) -> None:
        """Count calls that took so long together; each has the same share of it, and the longest is thought as long as all."""
        self._handled += calls
        self._errors += errors
        self._spent_ns += spent_ns
        if spent_ns > self._longest_ns:
            self._longest_ns = spent_ns
        if calls:
            self._calls[bisect_left(_BOUNDS_NS, spent_ns / calls)] += calls

    def add_all(self, statistics: HandlerStatistics) -> None:
        """Count what somebody else has counted."""
        self._handled += statistics.handled
        self._errors += statistics.errors
        self._spent_ns += statistics.spent_ns
        self._longest_ns = max(self._longest_ns, statistics.longest_ns)
        self._calls = list(map(add, self._calls, statistics.calls))

    def statistics(self) -> HandlerStatistics:
        """Return what was counted; from any thread."""
        return HandlerStatistics(self._handled, self._errors, self._spent_ns, self._longest_ns, 0, tuple(self._calls))
