"""The venue's clock beside ours, and ours beside itself."""

from __future__ import annotations

from collections.abc import Callable

from gcg_quant.clock import NS_PER_SECOND

__all__ = ["ClockWatch", "VenueClock"]

_MOST_NS = NS_PER_SECOND  # what both clocks may differ by


class VenueClock:
    """How far a venue's clock is ahead of ours, as measured last.

    Args:
        ask: returns the venue's clock, None if it tells none; may raise OSError.
        wall: our clock.
    """

    def __init__(self, ask: Callable[[], int | None], wall: Callable[[], int]) -> None:
        self._ask = ask
        self._wall = wall
        self.offset_ns: int | None = None

    def measure(self) -> str:
        """Ask the venue, and return a sentence if its clock is more than a second off, what the way there and back cannot explain; else "".

        Raises: what asking raises.
        """
        before = self._wall()
        told = self._ask()
        after = self._wall()
        if told is None:
            return ""
        self.offset_ns = told - (before + after) // 2
        way_ns = (after - before) // 2
        if abs(self.offset_ns) <= _MOST_NS + way_ns:
            return ""
        ahead = "ahead of" if self.offset_ns > 0 else "behind"
        return f"the venue's clock is {abs(self.offset_ns) / NS_PER_SECOND:.3f} s {ahead} ours"


class ClockWatch:
    """Notices that our own clock was set, beside one that never is.

    Args:
        wall: our clock, nanoseconds.
        clock: seconds that never decrease.
    """

    def __init__(self, wall: Callable[[], int], clock: Callable[[], float]) -> None:
        self._wall, self._clock = wall, clock
        self._ahead_ns = self._now_ahead_ns()

    def step_ns(self) -> int:
        """Return by how much our clock was set since the last look, if that is more than a second; else 0."""
        ahead_ns = self._now_ahead_ns()
        step_ns, self._ahead_ns = ahead_ns - self._ahead_ns, ahead_ns
        return step_ns if abs(step_ns) > _MOST_NS else 0

    def _now_ahead_ns(self) -> int:
        return self._wall() - round(self._clock() * NS_PER_SECOND)
