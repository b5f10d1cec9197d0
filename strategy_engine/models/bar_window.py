"""The newest bars as columns: what every feature is computed from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["BarWindow", "Floats"]

Floats = npt.NDArray[np.float64]
_COLUMNS = 5


class BarWindow:
    """At most the newest `size` bars, as contiguous columns that are views: they hold until the next `add`.

    Args:
        size: how many bars it gives back at most.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.count = 0  # of all bars that were added
        self.start_ns = self.end_ns = 0  # of the newest one
        self._columns = np.empty((_COLUMNS, max(4 * size, 1024)))
        self._end = 0

    def add(self, start_ns: int, end_ns: int, prices: tuple[float, float, float, float], volume: float) -> None:
        """Take the next bar: open, high, low and close, and the volume (NaN where there is none)."""
        columns = self._columns
        if self._end == columns.shape[1]:
            kept = self.size - 1
            columns[:, :kept] = columns[:, self._end - kept :]
            self._end = kept
        columns[0, self._end], columns[1, self._end], columns[2, self._end], columns[3, self._end] = prices
        columns[4, self._end] = volume
        self._end += 1
        self.count += 1
        self.start_ns, self.end_ns = start_ns, end_ns

    def column(self, number: int, count: int) -> Floats:
        """Return the newest `count` values (no more than `size`) of open, high, low, close or volume: 0 to 4, oldest first."""
        return self._columns[number, self._end - count : self._end]

    def closes(self, count: int) -> Floats:
        """Return the newest `count` closes, oldest first."""
        return self._columns[3, self._end - count : self._end]
