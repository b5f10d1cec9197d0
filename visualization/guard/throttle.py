"""Slowing down whoever guesses: wrong tokens are counted by address and together."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable

__all__ = ["Throttle"]

_WINDOW_S = 600.0
_FREE = 5  # wrong tokens of an address that cost no time
_FIRST_WAIT_S = 10.0  # doubles with each further one
_LONGEST_WAIT_S = 900.0
_ALL_FREE = 100  # of all addresses together within the window
_ALL_WAIT_S = 30.0
_MOST_ADDRESSES = 10_000


class Throttle:
    """How long an address must wait before it may show a token again. One event loop.

    An address that has shown the right token lately is not slowed down by what others guess.

    Args:
        clock: returns seconds that only go on.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how many, and when the last one came
        self._passed: OrderedDict[str, float] = OrderedDict()
        self._all: deque[float] = deque(maxlen=_ALL_FREE)

    def wait_s(self, address: str) -> float:
        """Return for how many seconds an address must not try; 0 if it may."""
        now = self._clock()
        count, last = self._wrong.get(address, (0, 0.0))
        if now - last > _WINDOW_S + _LONGEST_WAIT_S:
            self._wrong.pop(address, None)
            count = 0
        own = last + min(_FIRST_WAIT_S * 2 ** min(count - _FREE, 20), _LONGEST_WAIT_S) - now if count >= _FREE else 0.0
        crowded = len(self._all) == _ALL_FREE and now - self._all[0] < _WINDOW_S
        known = now - self._passed.get(address, -1e9) < 24 * 3600
        others = self._all[-1] + _ALL_WAIT_S - now if crowded and not known else 0.0
        return max(0.0, own, others)

    def failed(self, address: str) -> None:
        """Count a wrong token."""
        now = self._clock()
        count, last = self._wrong.pop(address, (0, 0.0))
        self._wrong[address] = (1 if now - last > _WINDOW_S + _LONGEST_WAIT_S else count + 1, now)
        self._all.append(now)
        if len(self._wrong) > _MOST_ADDRESSES:
            self._wrong.popitem(last=False)

    def passed(self, address: str) -> None:
        """Forget the wrong tokens of an address that has shown the right one."""
        self._wrong.pop(address, None)
        self._passed.pop(address, None)
        self._passed[address] = self._clock()
        if len(self._passed) > _MOST_ADDRESSES:
            self._passed.popitem(last=False)
