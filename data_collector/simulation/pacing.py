"""Simulated time against the clock: how far a simulation may go, without a burst after a stall."""

from __future__ import annotations

import time
from collections.abc import Callable

from gcg_quant.clock import NS_PER_SECOND

__all__ = ["Pacer"]


class Pacer:
    """Lets simulated time run as fast as a clock. After a stall it catches up by at most `catch_up_ns`; the rest of the time stays lost,
    and `lost_ns` counts it. `granted_ns` is up to where simulated time was let go.
    """

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns, *, ahead_ns: int = 0, catch_up_ns: int = NS_PER_SECOND) -> None:
        """Args: `clock`: returns nanoseconds that never decrease; `ahead_ns`: how much simulated time has passed at the start."""
        self._clock = clock
        self._catch_up_ns = catch_up_ns
        self._started_ns = clock() - ahead_ns
        self.granted_ns = 0
        self.lost_ns = 0

    def due(self) -> int:
        """Return up to where simulated time may go now, in nanoseconds since the start."""
        elapsed = self._clock() - self._started_ns - self.lost_ns
        behind = elapsed - self.granted_ns - self._catch_up_ns
        if behind > 0:
            self.lost_ns += behind
            elapsed -= behind
        self.granted_ns = max(self.granted_ns, elapsed)
        return self.granted_ns

    def wait_s(self, simulated_ns: int) -> float:
        """Return the seconds until simulated time reaches `simulated_ns`; 0 if it has."""
        return max(0, simulated_ns - (self._clock() - self._started_ns - self.lost_ns)) / NS_PER_SECOND
