"""Refills: stretches that a collector has missed, filled in from the venue's own history once that has them."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from typing import NamedTuple

from gcg_quant.asking import ROWS
from gcg_quant.backoff import Backoff
from gcg_quant.clock import NS_PER_SECOND
from gcg_quant.errors import EventError
from gcg_quant.periods import period_ns, period_start

__all__ = ["Refill", "Refills"]

_SETTLES_NS = NS_PER_SECOND  # until a venue's history has what its stream has just shown
_ATTEMPTS = 10


class Refill(NamedTuple):
    """A stretch of a symbol that is missing: of what, and how often filling it in has failed."""

    symbol: str
    what: str
    start_ns: int
    end_ns: int
    attempts: int = 0


class Refills:
    """Keeps what is to be filled in, and says when. Any thread.

    Args:
        fill: fills one in; returns how many rows came, or None if the venue keeps no such history. Raises OSError: try again.
        send: runs a function on a worker thread.
        failed: takes a sentence about what could not be filled in.
        wall: our clock.
        backoff: how long to wait after a failure.
    """

    def __init__(
        self,
        fill: Callable[[Refill], int | None],
        send: Callable[[Callable[[], None]], None],
        failed: Callable[[str], None],
        wall: Callable[[], int],
        backoff: Backoff,
    ) -> None:
        self._fill, self._send, self._failed, self._wall, self._backoff = fill, send, failed, wall, backoff
        self._lock = threading.Lock()
        self._due: list[tuple[int, int, Refill]] = []
        self._numbers = itertools.count()
        self._sent = 0
        self.settles_ns = _SETTLES_NS

    @property
    def pending(self) -> int:
        """How many are not done."""
        with self._lock:
            return len(self._due) + self._sent

    def add(self, refill: Refill) -> None:
        """Fill a stretch in once the venue's history has it: bars when the last one of the stretch is over."""
        over_ns = refill.end_ns
        if refill.what not in ROWS:
            try:
                over_ns = period_start(refill.end_ns - 1, refill.what) + period_ns(refill.what)
            except EventError:
                return  # an own kind of rows
        self._put(max(self._wall(), over_ns) + self.settles_ns, refill)

    def look(self) -> None:
        """Send what is due on its way."""
        now = self._wall()
        while True:
            with self._lock:
                if not self._due or self._due[0][0] > now:
                    return
                refill = heapq.heappop(self._due)[2]
                self._sent += 1
            self._send(lambda refill=refill: self._run(refill))  # type: ignore[misc]

    def _put(self, due_ns: int, refill: Refill) -> None:
        with self._lock:
            heapq.heappush(self._due, (due_ns, next(self._numbers), refill))

    def _run(self, refill: Refill) -> None:
        try:
            self._fill(refill)
            self._backoff.reset()
        except OSError as error:
            again = refill._replace(attempts=refill.attempts + 1)
            if again.attempts < _ATTEMPTS:
                self._put(self._wall() + round(self._backoff.next_s() * NS_PER_SECOND), again)
            else:
                self._failed(f"{refill.symbol} {refill.what}: {error}")
        except Exception as error:  # an adapter's fault: the gap stays told of
            self._failed(f"{refill.symbol} {refill.what}: {type(error).__name__}: {error}")
        finally:
            with self._lock:
                self._sent -= 1
