"""How often Interactive Brokers may be asked for history: who asks too fast is refused, and disconnected in the end."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

__all__ = ["HistoryPacing"]

# TWS API, "Historical Data Limitations": at most 60 requests in ten minutes, fewer than six for the same contract in two seconds,
# and not the same request twice in fifteen seconds. Since it was lifted for bars of a minute and longer there is a soft limit instead
# that nobody states; the old one is safe.
_WINDOW_S, _MOST = 600.0, 60
_SHORT_S, _MOST_SHORT = 2.0, 5
_SAME_S = 15.0


class HistoryPacing:
    """Says how long to wait before a request for history. Any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._all: deque[float] = deque()
        self._of_contract: dict[str, deque[float]] = {}
        self._same: dict[tuple[str, ...], float] = {}

    def wait_s(self, contract: str, *request: str) -> float:
        """Return the seconds until a request may be sent; 0 takes note that it is sent now."""
        with self._lock:
            now = self._clock()
            mine = self._of_contract.setdefault(contract, deque())
            key = (contract, *request)
            wait_s = max(
                _until_free(self._all, _MOST, _WINDOW_S, now),
                _until_free(mine, _MOST_SHORT, _SHORT_S, now),
                self._same.get(key, now - _SAME_S) + _SAME_S - now,
                0.0,
            )
            if wait_s == 0.0:
                self._all.append(now)
                mine.append(now)
                self._same = {other: at for other, at in self._same.items() if now - at < _SAME_S} | {key: now}
            return wait_s

    def pause(self) -> None:
        """Take note that IB found the requests too many: the window counts as full."""
        with self._lock:
            now = self._clock()
            self._all.extend([now] * (_MOST - len(self._all)))


def _until_free(sent: deque[float], most: int, window_s: float, now: float) -> float:
    while sent and now - sent[0] >= window_s:
        sent.popleft()
    return sent[-most] + window_s - now if len(sent) >= most else 0.0
