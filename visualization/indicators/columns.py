"""The columns that indicators are computed from: the candles of one series as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gcg_quant.clock import NS_PER_DAY

if TYPE_CHECKING:
    from gcg_quant.calendar import Calendar

    from ..series.candles import Candle

__all__ = ["SOURCES", "ColumnBuffer", "Columns", "Floats"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
SOURCES = ("close", "open", "high", "low", "hl2", "hlc3", "ohlc4", "volume")


class Columns(NamedTuple):
    """Arrays of one length, sorted by time: starts (ns), times (s, as the chart counts), trading days, prices, volumes (NaN: unknown)."""

    start_ns: Integers
    time: Integers
    day: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    @classmethod
    def of(cls, candles: Sequence[Candle], calendar: Calendar | None = None) -> Columns:
        """Return the columns of candles; without a calendar days are those of UTC."""
        if not candles:
            nothing, floats = np.empty(0, np.int64), np.empty(0)
            return cls(nothing, nothing, nothing, floats, floats, floats, floats, floats)
        start_ns, time, *prices = zip(*candles, strict=True)
        starts = np.array(start_ns, np.int64)
        days = starts // NS_PER_DAY if calendar is None else calendar.trading_days(starts)
        return cls(starts, np.array(time, np.int64), days, *(np.array(one, np.float64) for one in prices))

    def part(self, first: int, end: int | None = None) -> Columns:
        """Return the rows from `first` up to, but not including, `end`; they share memory with these."""
        return Columns._make(column[first:end] for column in self)

    def source(self, name: str) -> Floats:
        """Return the price that is called `name`, one of SOURCES."""
        if name == "hl2":
            return (self.high + self.low) / 2
        if name == "hlc3":
            return (self.high + self.low + self.close) / 3
        if name == "ohlc4":
            return (self.open + self.high + self.low + self.close) / 4
        if name == "volume":
            return np.nan_to_num(self.volume)
        column: Floats = getattr(self, name)
        return column


class ColumnBuffer:
    """Columns that grow at their end, and of which the newest rows change. One thread at a time."""

    def __init__(self, calendar: Calendar | None = None) -> None:
        self._calendar = calendar
        self._columns = Columns.of([])
        self._count = 0

    @property
    def columns(self) -> Columns:
        """The rows so far; they share memory with the buffer and change with it."""
        return self._columns.part(0, self._count)

    def replace(self, columns: Columns) -> None:
        """Take other rows."""
        self._columns, self._count = columns, len(columns.time)

    def put(self, candles: Sequence[Candle]) -> int:
        """Add candles, or replace those of the same place; return the index of the first row that has changed."""
        first = self._count
        for row in zip(*Columns.of(candles, self._calendar), strict=True):
            at = self._place(int(row[1]))
            if at == self._count or self._columns.time[at] != row[1]:
                self._insert(at)
            for column, value in zip(self._columns, row, strict=True):
                column[at] = value
            first = min(first, at)
        return first

    def trim(self, keep: int) -> None:
        """Keep the newest `keep` rows."""
        self.replace(Columns._make(column.copy() for column in self.columns.part(max(self._count - keep, 0))))

    def _place(self, time: int) -> int:
        if not self._count or time > self._columns.time[self._count - 1]:
            return self._count
        return int(np.searchsorted(self._columns.time[: self._count], time))

    def _insert(self, at: int) -> None:
        if self._count == len(self._columns.time):
            self._columns = Columns._make(_longer(column, self._count) for column in self._columns)
        for column in self._columns:
            column[at + 1 : self._count + 1] = column[at : self._count].copy()
        self._count += 1


def _longer(column: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
    longer = np.zeros(max(2 * count, 256), column.dtype)
    longer[:count] = column
    return longer
