"""Rows of one record type that come in parts, side by side in one array that grows without a second copy of it."""

from __future__ import annotations

import numpy as np

from gcg_quant.events import Record

from .wanted import Rows

__all__ = ["RowBuffer"]

_STEP = 8  # it grows by an eighth


class RowBuffer:
    """Takes parts and gives them back as one array, once. Memory beyond the rows: at most an eighth of them, while it grows."""

    def __init__(self, record: type[Record], expected: int = 0) -> None:
        """Args: `expected`: so many rows there will be, about. Room that is not used takes no memory."""
        self.record = record
        self._rows: Rows = np.empty(max(expected, 1), f"V{record.dtype.itemsize}")
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, rows: Rows) -> None:
        """Copy rows of the record's dtype behind those that are there, with every byte of them."""
        end = self._count + len(rows)
        if end > len(self._rows):
            self._rows.resize(max(end, len(self._rows) + len(self._rows) // _STEP), refcheck=False)
        self._rows[self._count : end] = rows.view(self._rows.dtype)
        self._count = end

    def take(self) -> Rows:
        """Return all rows, and forget them."""
        rows = self._rows
        rows.resize(self._count, refcheck=False)
        self._rows, self._count = np.empty(0, rows.dtype), 0
        return rows.view(self.record.dtype)
