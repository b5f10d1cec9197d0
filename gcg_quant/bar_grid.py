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

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from gcg_quant import _native
from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_DAY, day_end, day_of, day_start
from gcg_quant.periods import period_ns, period_start
from gcg_quant.session_lines import SessionLines, session_lines
from gcg_quant.session_table import Times, session_table

if TYPE_CHECKING:
    from gcg_quant.instruments import Instrument

__all__ = ["BarGrid", "Interval", "Intervals", "grid_of"]

_MONDAY = 4  # the epoch's day 4 was one
_FOR_EVER = (1 << 63) - 1


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

    @property
    def is_plain(self) -> bool:
        """Whether the clock alone decides."""
        return self._plain

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
        lines = session_lines(calendar.market, calendar.align)
        moments = np.array([ns], np.int64)
        row, inside = lines.rows(moments, np.array([end_ns], np.int64) if end_ns else None)
        if not inside[0]:
            return None
        opens, closes = int(lines.opens[row[0]]), int(lines.closes[row[0]])
        if self._dated:
            return self._of_days(self._number(int(lines.days[row[0]])))._replace(from_ns=opens, until_ns=closes)
        found = _cut(lines, moments, row, inside, self.length_ns)
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
        lines = session_lines(self.calendar.market, self.calendar.align)
        row, inside = lines.rows(moments, ends)
        return self._many_days(lines.days[row], inside) if self._dated else _cut(lines, moments, row, inside, self.length_ns)

    def native(self, start_ns: int, end_ns: int) -> _native.BarGrid:
        """Return the grid for C++, which knows no calendars: the same intervals for all moments from `start_ns` to `end_ns`.

        Moments outside of that stretch may belong to no interval there. By the clock alone all moments are known.
        """
        calendar = self.calendar
        if self._plain or calendar is None:
            origin_ns = _MONDAY * NS_PER_DAY if self.period.endswith("w") else 0
            return _native.BarGrid(self.length_ns, origin_ns)
        if not self._sessions:
            return _native.BarGrid(self.length_ns, cells=np.array(self._day_cells(calendar, start_ns, end_ns), np.int64))
        lines = session_lines(calendar.market, calendar.align)
        first, last = np.searchsorted(lines.begins, [start_ns, end_ns], "right") - 1
        # Whole trading days; one more behind them: a bar that begins outside may go on into the next session.
        days = lines.days[[max(first, 0), min(last + 1, len(lines.days) - 1)]]
        rows = slice(np.searchsorted(lines.days, days[0], "left"), np.searchsorted(lines.days, days[1], "right"))
        begins, lates, opens, closes, trading_days = (column[rows] for column in lines[:5])
        if not self._dated:
            sessions = np.column_stack([begins, lates, opens, closes, trading_days])
            return _native.BarGrid(self.length_ns, sessions=sessions, across_breaks=calendar.align == "day")
        found = self._many_days(trading_days, np.ones(len(opens), bool))
        columns = begins, lates, opens, found.start_ns, found.end_ns, found.due_ns, found.trading_day, found.whole
        return _native.BarGrid(self.length_ns, cells=np.column_stack(columns).astype(np.int64))

    def _day_cells(self, calendar: Calendar, start_ns: int, end_ns: int) -> list[tuple[int, ...]]:
        # (from, until, from, start, end, due, trading day, whole) of each trading day, and of each date before the calendar begins.
        table = session_table(calendar.market)
        begin_ns = int(table.boundaries[0])
        cells: list[tuple[int, ...]] = []
        from_ns = start_ns
        while from_ns < min(begin_ns, end_ns + 1):
            day = day_of(from_ns, calendar.timezone)
            from_ns, until_ns = day_start(day, calendar.timezone), min(day_end(day, calendar.timezone), begin_ns)
            cells.append((from_ns, until_ns, from_ns, *self._of_days(self._number(day))[:5]))
            from_ns = until_ns
        first, last = np.searchsorted(table.boundaries, [start_ns, end_ns], "right") - 1
        untils = np.append(table.boundaries[1:], _FOR_EVER)
        for row in range(max(first, 0), last + 1):
            from_ns = int(table.boundaries[row])
            cells.append((from_ns, int(untils[row]), from_ns, *self._of_days(self._number(int(table.days[row])))[:5]))
        return cells

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


def grid_of(terms: Instrument, period: str) -> BarGrid:
    """Return the grid of an instrument's bars, by its calendar; the calendar is loaded only where the clock alone does not decide."""
    decides = period[-1:] in ("d", "w") or ":" in terms.calendar
    return BarGrid(period, Calendar(terms.calendar) if decides else None)


def _cut(lines: SessionLines, moments: Times, row: npt.NDArray[np.intp], inside: npt.NDArray[np.bool_], length_ns: int) -> Intervals:
    traded = lines.offsets[row] + np.clip(moments, lines.opens[row], lines.closes[row] - 1) - lines.opens[row]
    begin = traded - (traded - lines.bases[row]) % length_ns
    end = np.minimum(begin + length_ns, lines.tops[row])
    first = np.searchsorted(lines.offsets, begin, "right") - 1
    last = np.searchsorted(lines.offsets, end, "left") - 1
    start_ns = lines.opens[first] + begin - lines.offsets[first]
    end_ns = lines.opens[last] + end - lines.offsets[last]
    due_ns = np.where(end_ns == lines.closes[last], lines.lates[last], end_ns)
    return Intervals(start_ns, end_ns, due_ns, lines.days[row], begin == lines.day_bases[row], inside)


def _date(day: int) -> int:
    # Days since the epoch of YYYYMMDD.
    return day_start(day) // NS_PER_DAY


def _day(date: int) -> int:
    text = str(np.datetime64(date, "D"))
    return int(text.replace("-", ""))
