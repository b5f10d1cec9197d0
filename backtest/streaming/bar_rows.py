"""What a feed of bars shows of the bars that come, and which of them it passes over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gcg_quant.events import Bar, BarBasis

from ..conversion.days import days_from_ns, one_day_from_ns
from ..history.bars import BarArray

__all__ = ["VALUES", "BarRows", "Columns", "FeedRow", "Place", "rows_of"]

FeedRow = tuple[Any, ...]  # the values of VALUES, then start_ns, end_ns and the event id (0: of no live event)
VALUES = ("close", "low", "high", "open", "volume", "openinterest", "datetime")  # in the order of a feed's lines
PERIOD_BITS = np.dtype(f"u{Bar.dtype['period'].itemsize}")
FIELDS = ("close", "low", "high", "open", "volume", "open_interest")


class Columns(NamedTuple):
    """What a feed shows of many events: the columns of VALUES, where each bar starts and ends in nanoseconds, and the events' ids."""

    values: tuple[NDArray[np.float64], ...]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    ids: NDArray[np.uint64]  # 0: of no live event


class Place:
    """The symbol of a feed and its venue, which may become known with the first event."""

    def __init__(self, symbol: str, venue: str) -> None:
        self.symbol = symbol
        self.venue = venue

    def fits(self, symbol: str, venue: str) -> bool:
        """Return whether something of (symbol, venue) concerns the feed."""
        return symbol == self.symbol and (not self.venue or venue == self.venue)

    def among(self, rows: NDArray[Any], mask: NDArray[np.bool_], name_of: Callable[[int], tuple[str, str]]) -> NDArray[np.bool_]:
        """Return which of the rows of a bus reader that `mask` has are of this place; without a venue: of the first that fits."""
        numbers = rows["instrument"]
        some = numbers[mask]
        if not len(some):
            return mask
        of_place = np.zeros(len(rows), np.bool_)
        for number in [int(some[0])] if (some == some[0]).all() else dict.fromkeys(some.tolist()):
            symbol, venue = name_of(number)
            if self.fits(symbol, venue):
                of_place |= numbers == number
                self.venue = self.venue or venue
        return mask & of_place


class BarRows:
    """Takes bars of one symbol, period and basis; each start once, and none that begins before one that was taken.

    Args:
        place: of the feed.
        period: of its bars.
        basis: which prices; None is the basis of the first bar that fits.
        stamp_end: `datetime` shows where a bar ends, not where it starts.
    """

    classes = (Bar,)

    def __init__(self, place: Place, period: str, basis: BarBasis | None, *, stamp_end: bool) -> None:
        self.place = place
        self.basis = basis
        self.skipped = 0
        self.last_start_ns = -(2**63)
        self._period_name = period
        self._period = np.array(period.encode(), Bar.dtype["period"]).view(PERIOD_BITS)[()]  # compared as a number: texts take longer
        self._stamp_end = stamp_end

    def begin_with(self, rows: BarArray) -> Columns:
        """Return the columns of the history that the feed begins with: what comes now must be behind it, and of its basis."""
        if len(rows):
            self.last_start_ns = int(rows["start_ns"][-1])
            self.basis = BarBasis(int(rows["basis"][0]))
        return self._columns(rows, np.zeros(len(rows), np.uint64))

    def take(self, bar: Bar) -> FeedRow | None:
        """Return what the feed shows of a bar, or None if it is not for it."""
        if bar.period != self._period_name or not self.place.fits(bar.symbol, bar.venue) or self.basis not in (None, bar.basis):
            return None
        start_ns, end_ns = bar.start_ns, bar.end_ns
        if start_ns <= self.last_start_ns:
            self.skipped += 1
            return None
        self.last_start_ns, self.basis = start_ns, bar.basis
        self.place.venue = self.place.venue or bar.venue
        day = one_day_from_ns(end_ns if self._stamp_end else start_ns)
        return bar.close, bar.low, bar.high, bar.open, bar.volume, bar.open_interest, day, start_ns, end_ns, bar.id

    def take_all(self, rows: NDArray[Any], name_of: Callable[[int], tuple[str, str]]) -> tuple[NDArray[np.intp], Columns]:
        """Return which rows of a bus reader are for the feed, and what it shows of them: as `take` for one bar after the other."""
        mask = self.place.among(rows, rows["period"].view(self._period.dtype) == self._period, name_of)
        if self.basis is None and mask.any():
            self.basis = BarBasis(int(rows["basis"][np.argmax(mask)]))
        if self.basis is not None:
            mask &= rows["basis"] == int(self.basis)
        (at,) = np.nonzero(mask)
        starts = rows["start_ns"][at]
        before = np.maximum.accumulate(np.concatenate(([self.last_start_ns], starts)))
        new = starts > before[:-1]
        self.skipped += int(len(new) - np.count_nonzero(new))
        self.last_start_ns = int(before[-1])
        at = at[new]
        chosen = rows if len(at) == len(rows) else rows[at]
        return at, self._columns(chosen, chosen["id"])

    def _columns(self, rows: NDArray[Any], ids: NDArray[np.uint64]) -> Columns:
        starts, ends = rows["start_ns"], rows["event_ns"]
        return Columns((*(rows[name] for name in FIELDS), days_from_ns(ends if self._stamp_end else starts)), starts, ends, ids)


def rows_of(columns: Columns, first: int = 0, count: int | None = None) -> list[FeedRow]:
    """Return `count` of the rows of columns from `first` on, or all of them."""
    part = slice(first, None if count is None else first + count)
    every = (*columns.values, columns.starts, columns.ends, columns.ids)
    return list(zip(*(column[part].tolist() for column in every), strict=True))
