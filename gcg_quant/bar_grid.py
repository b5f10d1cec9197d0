"""Which interval of a period a moment belongs to: by the clock, by trading days, or by the sessions of a market.

Without a calendar intervals begin at multiples of the period since the epoch, UTC (weeks on Mondays). With one, days and weeks are those of
its trading days. Intervals within the day follow the calendar's alignment:

    clock     as without a calendar, and everything counts, whenever it happens
    session   counted from each opening anew: a break cuts the bar
    day       counted in trading time from the day's first opening: a bar goes on behind a break

With the last two the prices of an auction, and those that come a little after a close, belong to the session beside them
(`session_table.margins`), and what happens at other times belongs to no bar, of days and weeks neither.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gcg_quant.calendar import Align, Calendar
from gcg_quant.clock import NS_PER_DAY, day_end, day_start
from gcg_quant.periods import period_ns, period_start
from gcg_quant.session_table import Times, margins, session_table

__all__ = ["BarGrid", "Interval", "Intervals"]

_MONDAY = 4  # the epoch's day 4 was one


class Interval(NamedTuple):
    """One interval. `due_ns` is when its last prices have come; `whole` says that a day's total so far was traded in it.

    Whatever happens from `from_ns` up to, but not including, `until_ns` belongs to it; that is the part around the moment asked for.
    """

    start_ns: int
    end_ns: int
    due_ns: int
    trading_day: int
    whole: bool
    from_ns: int
    until_ns: int


class Intervals(NamedTuple):
    """The intervals of many moments, as arrays of their fields; `inside` is False for a moment that belongs to none."""

    start_ns: Times
    end_ns: Times
    due_ns: Times
    trading_day: Times
    whole: npt.NDArray[np.bool_]
    inside: npt.NDArray[np.bool_]

    def picked(self, chosen: npt.NDArray[np.bool_]) -> Intervals:
        """Return those of some of the moments."""
        return Intervals(
            self.start_ns[chosen],
            self.end_ns[chosen],
            self.due_ns[chosen],
            self.trading_day[chosen],
            self.whole[chosen],
            self.inside[chosen],
        )


class BarGrid:
    """The intervals of one period; later moments are never in earlier ones. Any thread may ask."""

    def __init__(self, period: str, calendar: Calendar | None = None) -> None:
        self.period = period
        self.length_ns = period_ns(period)
        self.calendar = calendar
        self._dated = calendar is not None and period[-1] in "dw"
        self._sessions = calendar is not None and calendar.align != "clock"
        self._plain = not self._dated and not self._sessions
        self._found: dict[int, Interval] = {}  # dated ones by their number

    def at(self, ns: int, end_ns: int = 0) -> Interval | None:
        """Return the interval of a moment, or None if it belongs to none; `end_ns`: of a bar, which belongs where a part of it does."""
        if self._plain:
            start = period_start(ns, self.period)
            end = start + self.length_ns
            return Interval(start, end, end, 0, False, start, end)
        calendar = self.calendar
        assert calendar is not None
        if not self._sessions:
            return self._of_days(self._number(calendar.trading_day(ns)))
        lines = _lines(calendar.market, calendar.align)
        moments = np.array([ns], np.int64)
        row, inside = lines.rows(moments, np.array([end_ns], np.int64) if end_ns else None)
        if not inside[0]:
            return None
        opens, closes = int(lines.opens[row[0]]), int(lines.closes[row[0]])
        if self._dated:
            return self._of_days(self._number(int(lines.days[row[0]])))._replace(from_ns=opens, until_ns=closes)
        found = lines.cut(moments, row, inside, self.length_ns)
        start, end, due, day = (int(column[0]) for column in found[:4])
        return Interval(start, end, due, day, bool(found.whole[0]), max(start, opens), min(end, closes))

    def many(self, moments: Times, ends: Times | None = None) -> Intervals:
        """Return the intervals of many moments (or of bars, with their `ends`); where `inside` is False the other fields say nothing."""
        everywhere = np.ones(len(moments), bool)
        if self._plain or self.calendar is None:
            origin = period_start(_MONDAY * NS_PER_DAY, self.period) if self.period.endswith("w") else 0
            begin = moments - (moments - origin) % self.length_ns
            return Intervals(begin, begin + self.length_ns, begin + self.length_ns, np.zeros_like(begin), ~everywhere, everywhere)
        if not self._sessions:
            return self._many_days(self.calendar.trading_days(moments), everywhere)
        lines = _lines(self.calendar.market, self.calendar.align)
        row, inside = lines.rows(moments, ends)
        return self._many_days(lines.days[row], inside) if self._dated else lines.cut(moments, row, inside, self.length_ns)

    # ---- days and weeks: consecutive dates by number, of which those that trade make the interval

    def _number(self, day: int) -> int:
        count = int(self.period[:-1])
        date = _date(day)
        return (date - _MONDAY) // (7 * count) if self.period.endswith("w") else date // count

    def _of_days(self, number: int) -> Interval:
        found = self._found.get(number)
        if found is None:
            found = self._found[number] = self._new_days(number)
        return found

    def _new_days(self, number: int) -> Interval:
        calendar = self.calendar
        assert calendar is not None
        count = int(self.period[:-1]) * (7 if self.period.endswith("w") else 1)
        first = number * count + (_MONDAY if self.period.endswith("w") else 0)
        dates = [_day(date) for date in range(first, first + count)]
        known = session_table(calendar.market).days
        trading = [day for day in dates if calendar.is_trading_day(day)]
        if not trading or dates[0] < int(known[0]):  # before the calendar begins: dates
            start, end = day_start(dates[0], calendar.timezone), day_end(dates[-1], calendar.timezone)
        else:
            start, end = calendar.bounds(trading[0])[0], calendar.bounds(trading[-1])[1]
        return Interval(start, end, end, (trading or dates)[-1], self._sessions, start, end)

    def _many_days(self, days: Times, inside: npt.NDArray[np.bool_]) -> Intervals:
        if not len(days):
            nothing = np.empty(0, np.int64)
            return Intervals(nothing, nothing, nothing, nothing, inside, inside)
        different, which = np.unique(days, return_inverse=True)
        found = [self._of_days(self._number(int(day))) for day in different]
        starts, ends, dues, last_days = np.array([one[:4] for one in found], np.int64)[which].T
        return Intervals(starts, ends, dues, last_days, np.full(len(days), self._sessions), inside)


class _Lines(NamedTuple):
    # One row a session: from when and until when prices belong to it, its hours, and what was traded before it, in ns since the first one;
    # `base` and `top` are that count at the beginning and the end of what is divided: the session, or all of its trading day.
    begins: Times
    lates: Times
    opens: Times
    closes: Times
    days: Times
    offsets: Times
    bases: Times
    tops: Times
    day_bases: Times

    def rows(self, moments: Times, ends: Times | None) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        row = np.searchsorted(self.begins, moments, "right") - 1
        inside = (row >= 0) & (moments < self.lates[np.maximum(row, 0)])
        if ends is not None:  # a bar that begins outside and goes on into the next session is that one's
            after = np.minimum(row + 1, len(self.opens) - 1)
            reaches = ~inside & (row + 1 < len(self.opens)) & (ends > self.opens[after])
            row, inside = np.where(reaches, after, row), inside | reaches
        return np.maximum(row, 0), inside

    def cut(self, moments: Times, row: npt.NDArray[np.intp], inside: npt.NDArray[np.bool_], length_ns: int) -> Intervals:
        traded = self.offsets[row] + np.clip(moments, self.opens[row], self.closes[row] - 1) - self.opens[row]
        begin = traded - (traded - self.bases[row]) % length_ns
        end = np.minimum(begin + length_ns, self.tops[row])
        first = np.searchsorted(self.offsets, begin, "right") - 1
        last = np.searchsorted(self.offsets, end, "left") - 1
        start_ns = self.opens[first] + begin - self.offsets[first]
        end_ns = self.opens[last] + end - self.offsets[last]
        due_ns = np.where(end_ns == self.closes[last], self.lates[last], end_ns)
        return Intervals(start_ns, end_ns, due_ns, self.days[row], begin == self.day_bases[row], inside)


@lru_cache(maxsize=64)
def _lines(market: str, align: Align) -> _Lines:
    table = session_table(market)
    opens, closes = table.segment_opens, table.segment_closes
    begins, lates = margins(market)
    day = np.searchsorted(table.opens, opens, "right") - 1
    lengths = closes - opens
    ends = np.cumsum(lengths)
    offsets = ends - lengths
    first = np.searchsorted(day, day, "left")
    day_bases, day_tops = offsets[first], ends[np.searchsorted(day, day, "right") - 1]
    bases, tops = (day_bases, day_tops) if align == "day" else (offsets, ends)
    return _Lines(begins, lates, opens, closes, table.days[day], offsets, bases, tops, day_bases)


def _date(day: int) -> int:
    # Days since the epoch of YYYYMMDD.
    return day_start(day) // NS_PER_DAY


def _day(date: int) -> int:
    text = str(np.datetime64(date, "D"))
    return int(text.replace("-", ""))
