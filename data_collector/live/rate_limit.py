"""A limit of how often a venue is asked, shared by threads: a bucket of tokens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["RateLimiter"]


class RateLimiter:
    """Lets pass `rate` units a second on average, and up to `burst` at once; who comes too early waits. Any thread.

    Args:
        rate: units a second.
        burst: most units at once; what one call takes may be more, and waits longer.
        clock: seconds that never decrease.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        rate: float,
        burst: float = 1.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if rate <= 0 or burst <= 0:
            raise ValueError(f"RateLimiter needs a rate and a burst above 0, found {rate:g} and {burst:g}.")
        self._rate, self._burst = rate, burst
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._tokens = burst
        self._at = clock()

    def take(self, units: float = 1.0) -> float:
        """Wait until so many units are free, take them, and return the seconds waited."""
        wait_s = self.reserve(units)
        if wait_s > 0:
            self._sleep(wait_s)
        return wait_s

    def reserve(self, units: float = 1.0) -> float:
        """Take so many units, and return the seconds after which they may be used: for who waits by other means."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - units
            self._at = now
            return max(0.0, -self._tokens / self._rate)  # below zero: whoever comes next waits behind us

    def pause(self, seconds: float) -> None:
        """Let nobody pass for so long: what a venue asks for that says "too many requests"."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._tokens + (now - self._at) * self._rate, 0.0) - seconds * self._rate
            self._at = now
