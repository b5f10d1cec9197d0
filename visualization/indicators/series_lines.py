"""The lines of one series: each indicator computed once, however many pages show it, and its newest values again as candles change.

A value is computed from the rows in front of it that its indicator needs (`Indicator.lead`), so that the live value is the one that is
computed afterwards from stored bars. Running totals (OBV ...) count from one bar of the series, `anchor_ns`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .columns import ColumnBuffer, Columns
from .indicator import Indicator
from .shapes import Drawn, Tracker

if TYPE_CHECKING:
    from gcg_quant.calendar import Calendar

    from ..series.candles import Candle

__all__ = ["Lines", "SeriesLines", "lines_of"]

_SPARE_ROWS = 2_000
_MOST_ROWS = 200_000
Lines = Mapping[str, Drawn]  # by the indicator's key


class SeriesLines:
    """The newest rows of a series and its indicators. One thread at a time."""

    def __init__(self, calendar: Calendar | None = None, anchor_ns: int | None = None) -> None:
        self.indicators: dict[str, Indicator] = {}
        self.anchor_ns = anchor_ns
        self._buffer = ColumnBuffer(calendar)
        self._first_ns = 0  # rows are there from this start on
        self._trackers: dict[str, Tracker] = {}  # of the indicators with shapes that have been told since the rows began where they begin
        self._bases: dict[tuple[str, str], float] = {}  # a running total in the first row, once the anchor has been trimmed away

    def seed(self, columns: Columns, indicators: Iterable[Indicator]) -> None:
        """Take the rows that new indicators begin with; the rows that are here stay if these reach less far back."""
        if len(columns.time) and (not self.indicators or columns.start_ns[0] < self._first_ns):
            self._buffer.replace(Columns._make(column.copy() for column in columns))
            self._first_ns = int(columns.start_ns[0])
            self._bases.clear()
            self._trackers.clear()
        self.indicators |= {one.key: one for one in indicators}

    def keep(self, keys: set[str]) -> None:
        """Forget the indicators that nobody wants any more, and without any the rows."""
        self.indicators = {key: one for key, one in self.indicators.items() if key in keys}
        self._trackers = {key: one for key, one in self._trackers.items() if key in keys}
        if not self.indicators:
            self._buffer.replace(Columns.of([]))
            self._bases.clear()

    def update(self, candles: Sequence[Candle]) -> Lines:
        """Take candles that are new or have changed, sorted, and return the values of every line in their rows.

        Of shapes those come that are new or have changed, the first time all.
        """
        if not candles or not self.indicators:
            return {}
        first = self._buffer.put(candles)
        columns = self._buffer.columns
        if self.anchor_ns is None:
            self.anchor_ns = int(columns.start_ns[0])
        rows = np.searchsorted(columns.time, np.array([one.time for one in candles], np.int64))
        found = {key: self._lines(one, columns, first, rows) for key, one in self.indicators.items()}
        self._trim(len(columns.time))
        return found

    def _lines(self, one: Indicator, columns: Columns, first: int, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Drawn:
        begin = _front_of(one, columns, first)
        values = one.values(columns.part(begin), self.anchor_ns)
        if one.kind.anchored:
            for name in values.keys() & {name for key, name in self._bases if key == one.key}:
                values[name] = one.anchored(values[name], 0, self._bases[one.key, name])
        found = Drawn({name: line[rows - begin] for name, line in values.items()})
        if one.kind.track is not None:
            known = one.key in self._trackers
            tracker = self._trackers[one.key] if known else self._trackers.setdefault(one.key, one.kind.track(one.parameters))
            found.shapes = tracker.take(columns, first if known else 0)
        return found

    def _trim(self, count: int) -> None:
        whole = any(one.kind.whole_days or one.kind.anchored for one in self.indicators.values())
        keep = _MOST_ROWS if whole else max(one.lead for one in self.indicators.values()) + _SPARE_ROWS
        if count <= 2 * keep:
            return
        columns = self._buffer.columns
        at = count - keep
        for one in self.indicators.values():
            if one.kind.anchored:
                rows = np.array([at])
                self._bases |= {(one.key, name): float(line[0]) for name, line in self._lines(one, columns, at, rows).items()}
        self._buffer.trim(keep)
        self._trackers.clear()
        self._first_ns = int(self._buffer.columns.start_ns[0])


def _front_of(one: Indicator, columns: Columns, first: int) -> int:
    """Return the row from which an indicator has to be computed so that its value in the row `first` is right."""
    if one.kind.anchored or not len(columns.time):
        return 0
    if one.kind.whole_days:
        return int(np.searchsorted(columns.day, columns.day[min(first, len(columns.day) - 1)]))
    return max(first - one.lead, 0)


def lines_of(indicators: Iterable[Indicator], columns: Columns, first: int, anchor_ns: int | None) -> Lines:
    """Return the values of every line in the rows from `first` on, and all shapes."""
    found = {}
    for one in indicators:
        begin = _front_of(one, columns, first)
        found[one.key] = Drawn({name: line[first - begin :] for name, line in one.values(columns.part(begin), anchor_ns).items()})
        if one.kind.track is not None:
            found[one.key].shapes = one.kind.track(one.parameters).take(columns, 0)
    return found
