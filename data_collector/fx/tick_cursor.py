"""Which ticks of a terminal are new. Copied for the bridge client, too: needs nothing but NumPy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["TICKS", "TickCursor", "tick_rows"]

# As copy_ticks_from and copy_ticks_range return them ("Python Integration" of the MQL5 Reference).
TICKS = np.dtype(
    [
        ("time", "<i8"),
        ("bid", "<f8"),
        ("ask", "<f8"),
        ("last", "<f8"),
        ("volume", "<u8"),
        ("time_msc", "<i8"),
        ("flags", "<u4"),
        ("volume_real", "<f8"),
    ]
)
_SAME = ("bid", "ask", "last", "volume_real")  # what tells ticks of one millisecond apart; their flags depend on who asks when


def tick_rows(data: bytes) -> np.ndarray[Any, np.dtype[np.void]]:
    """Return ticks as `TICKS`.

    Raises:
        ValueError: the bytes are no whole number of ticks.
    """
    if len(data) % TICKS.itemsize:
        raise ValueError(f"{len(data)} bytes are no ticks of {TICKS.itemsize} bytes each: another build of MetaTrader5?")
    return np.frombuffer(data, TICKS)


class TickCursor:
    """Where in the ticks of one symbol its reader is.

    Each tick is new once: it is told apart from others of its millisecond by its prices, and of equal ones the count decides. A terminal
    can be asked again for what it has already told, and may put a tick behind others of the same millisecond at any time.
    """

    def __init__(self, newest_ms: int, known: Iterable[tuple[float, ...]] = ()) -> None:
        """Args: `newest_ms`: time of the newest known tick, server's clock. `known`: bid, ask, last and volume of those of that time."""
        self.newest_ms = newest_ms
        self._known = Counter(known)

    def begin(self, rows: np.ndarray[Any, np.dtype[np.void]]) -> None:
        """Take all these ticks as known."""
        if len(rows):
            self.newest_ms = int(rows["time_msc"].max())
            self._known = Counter(_keys(rows[rows["time_msc"] == self.newest_ms]))

    def new(self, rows: np.ndarray[Any, np.dtype[np.void]]) -> np.ndarray[Any, np.dtype[np.void]]:
        """Return those of the ticks that are new, in the order of their times, and take them as known."""
        times = rows["time_msc"]
        if len(times) > 1 and (times[1:] < times[:-1]).any():
            rows = rows[np.argsort(times, kind="stable")]
            times = rows["time_msc"]
        fresh = times > self.newest_ms
        left = self._known.copy()
        for at in np.flatnonzero(times == self.newest_ms):
            (key,) = _keys(rows[at : at + 1])
            if left[key]:
                left[key] -= 1
            else:
                fresh[at] = True
                self._known[key] += 1
        found = rows[fresh]
        if len(found) and int(found["time_msc"][-1]) > self.newest_ms:
            self.begin(found)
        return found


def _keys(rows: np.ndarray[Any, np.dtype[np.void]]) -> list[tuple[float, ...]]:
    return list(zip(*(rows[field].tolist() for field in _SAME)))
