"""Keeping a venue's rate limits: requests wait here instead of being refused there, and what would wait too long is given up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Literal

__all__ = ["Bucket", "Kind", "RateLimit", "TooBusyError"]

Kind = Literal["order", "cancel", "question"]


class TooBusyError(Exception):
    """A request would have to wait for longer than it is worth; nothing was sent."""


class Bucket:
    """Lets `burst` requests pass at once and `rate` a second in the long run. It belongs to one event loop."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = max(1.0, burst)
        self._clock = clock
        self._tokens = self._burst
        self._filled = clock()

    def wait_s(self, cost: float = 1.0) -> float:
        """Take tokens and return how long to wait until they are there, s; the next one waits behind them."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._rate) - cost
        self._filled = now
        return max(0.0, -self._tokens / self._rate)

    def give_back(self, cost: float = 1.0) -> None:
        """Return tokens that were not used."""
        self._tokens += cost


class RateLimit:
    """The limits of one account: orders, cancels and questions have a bucket each, and a venue that says "wait" stops all.

    Args:
        orders: orders and changes a second, and how many at once; the same for cancels, which no flood of orders delays.
        questions: all other requests.
        patience_s: the longest that an order waits: later it is not meant any more.
        clock: the seconds.
    """

    def __init__(
        self,
        orders: tuple[float, float],
        questions: tuple[float, float],
        patience_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._buckets: dict[Kind, Bucket] = {
            "order": Bucket(*orders, clock),
            "cancel": Bucket(*orders, clock),
            "question": Bucket(*questions, clock),
        }
        self._patience_s = patience_s
        self._clock = clock
        self._until = 0.0

    def pause(self, seconds: float) -> None:
        """Let nothing pass for so long, because the venue said so."""
        self._until = max(self._until, self._clock() + seconds)

    async def take(self, kind: Kind, cost: float = 1.0) -> None:
        """Wait until a request may go out.

        Raises:
            TooBusyError: it is an order, and would wait too long.
        """
        bucket = self._buckets[kind]
        wait_s = max(bucket.wait_s(cost), self._until - self._clock())
        if kind == "order" and wait_s > self._patience_s:
            bucket.give_back(cost)
            raise TooBusyError(f"the rate limit would hold it for {wait_s:.1f} s")
        while wait_s > 0:
            await asyncio.sleep(wait_s)
            wait_s = self._until - self._clock()
