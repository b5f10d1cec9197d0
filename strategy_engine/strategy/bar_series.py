"""Closed bars of one symbol and period, as one growing array."""

from __future__ import annotations

from typing import Any

import numpy as np

from gcg_quant.events import Bar

__all__ = ["BarArray", "BarSeries", "join_bars", "no_bars"]

BarArray = np.ndarray[Any, Any]


def no_bars() -> BarArray:
    """Return an empty array of bars."""
    return np.empty(0, Bar.dtype)


def join_bars(earlier: BarArray, later: BarArray) -> BarArray:
    """Return two arrays of bars as one. (`np.concatenate` would pack the fields and lose the dtype.)"""
    joined = np.empty(len(earlier) + len(later), Bar.dtype)
    joined[: len(earlier)] = earlier
    joined[len(earlier) :] = later
    return joined


class BarSeries:
    """The newest bars, at most `keep`, in the order of their start; each start once."""

    def __init__(self, keep: int = 5_000) -> None:
        self._keep = keep
        self._rows = np.zeros(min(256, 2 * keep), Bar.dtype)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> BarArray:
        """A view on the bars: copy it before you give it away."""
        return self._rows[: self._count]

    def add(self, bar: Bar) -> bool:
        """Append a bar; one that is there already is replaced, an older one is passed over. Return whether it is new."""
        last = int(self._rows["start_ns"][self._count - 1]) if self._count else None
        row = np.frombuffer(memoryview(bar), Bar.dtype)[0]
        if last is None or bar.start_ns > last:
            self._make_room()
            self._rows[self._count] = row
            self._count += 1
            return True
        place = int(np.searchsorted(self.rows["start_ns"], bar.start_ns))
        if self._rows["start_ns"][place] == bar.start_ns:
            self._rows[place] = row
        return False

    def _make_room(self) -> None:
        if self._count < len(self._rows):
            return
        if self._count >= 2 * self._keep:
            self._rows[: self._keep] = self._rows[self._count - self._keep : self._count]
            self._count = self._keep
            return
        grown = np.zeros(min(2 * len(self._rows), 2 * self._keep), Bar.dtype)
        grown[: self._count] = self._rows
        self._rows = grown
