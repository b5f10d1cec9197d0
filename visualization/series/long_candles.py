"""Candles that are longer than what memory keeps of minutes: what they are made of stays, and days become months."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from gcg_quant.clock import NS_PER_MINUTE

from .candle import Candle, Span, fold
from .months import MONTH, length_ns, month_at, month_of, month_span

if TYPE_CHECKING:
    from .candles import CandleBook

__all__ = ["LongCandles"]

_ALWAYS_KEPT_NS = 600 * NS_PER_MINUTE
_NEVER = 1 << 62


class _Closed(NamedTuple):
    key: tuple[int, ...]
    candle: Candle | None


class LongCandles:
    """The days and longer candles of one `CandleBook` that somebody looks at. One thread at a time.

    The minutes (or whatever else they are made of) of a candle in the making are held, and for months those of yesterday, too: late
    ones still count. The day before yesterday is put among the finished days.
    """

    def __init__(self, book: CandleBook) -> None:
        self._book = book
        self._periods: set[str] = set()
        self._today: Span | None = None
        self._yesterday: Span | None = None
        self._closed: dict[int, _Closed] = {}
        self._held: set[str] = set()  # the periods of the bars that are kept
        self.days_from_ns = _NEVER  # every day from here on is known

    def hold(self, period: str) -> None:
        """Keep from now on all that the newest candle of `period` is made of."""
        if length_ns(period) > _ALWAYS_KEPT_NS and period not in self._periods:
            self._periods.add(period)
            if self._book.newest_ns:
                self.roll(self._book.newest_ns)
                self.hold_parts()

    def seed(self, days: list[Candle], from_ns: int) -> None:
        """Take stored days, finished and complete from `from_ns` on, where none is known yet."""
        series = self._book.series("1d")
        for day in days:
            if series.get(day.start_ns) is None:
                series.put(day)
        self.days_from_ns = min(self.days_from_ns, from_ns)

    def roll(self, ns: int) -> None:
        """Note that the market has come to `ns`."""
        if not self._periods or (self._today is not None and ns < self._today.end_ns):
            return
        today = self._day(ns)
        if today is None:
            return
        if self._yesterday is not None and MONTH in self._periods:
            self._finish(self._yesterday)
        self._yesterday, self._today = self._today, today
        self.hold_parts()

    def hold_parts(self) -> None:
        """Keep what the candles in the making are made of now, and let go what they are no longer made of."""
        self._closed.clear()
        if self._today is None:
            return
        first = self._today if self._yesterday is None or MONTH not in self._periods else self._yesterday
        begins = [self._book.span(self._today.start_ns, period).start_ns for period in self._periods - {MONTH}]
        bases = {self._book.base("1d" if period == MONTH else period) for period in self._periods}
        for base in self._held | bases:
            self._book.series(base).held_from_ns = min([first.start_ns, *begins]) if base in bases else _NEVER
        self._held = bases

    def month(self, month: int) -> Candle | None:
        """Return the candle of a month YYYYMM as it is now, or None if nothing is known of it."""
        book, span = self._book, month_span(month, self._book.calendar)
        newest = book.newest_ns
        today = self._day(newest) if newest else None
        closed = self._finished(month, span, today)
        ahead = book.candle(newest, "1d") if today is not None and month_at(newest, book.calendar) == month else None
        return fold(span, [one for one in (closed, ahead) if one is not None])

    def months(self) -> list[Candle]:
        """Return every month that anything is known of, sorted."""
        book = self._book
        known = {month_of(day, book.calendar) for day in book.series("1d").all()}
        if book.newest_ns:
            known.add(month_at(book.newest_ns, book.calendar))
        found = (self.month(month) for month in sorted(known))
        return [one for one in found if one is not None]

    def _day(self, ns: int) -> Span | None:
        return self._book.inside(ns, "1d")

    def _finish(self, day: Span) -> None:
        book = self._book
        if book.complete_from("1d") <= day.start_ns and book.series("1d").get(day.start_ns) is None:
            made = book.candle(day.start_ns, "1d")
            if made is not None:
                book.series("1d").put(made)

    def _finished(self, month: int, span: Span, today: Span | None) -> Candle | None:
        # All days but today, kept until one of them changes.
        days, parts = self._book.series("1d"), self._book.series(self._book.base("1d"))
        key = days.version, parts.version, today.start_ns if today is not None else 0
        kept = self._closed.get(month)
        if kept is None or kept.key != key:
            if kept is None and len(self._closed) > 1:
                self._closed.clear()
            kept = self._closed[month] = _Closed(key, self._fold_days(month, span, today))
        return kept.candle

    def _fold_days(self, month: int, span: Span, today: Span | None) -> Candle | None:
        book = self._book
        days = {one.time: one for one in book.series("1d").all() if month_of(one, book.calendar) == month}
        starts = [one.start_ns for one in book.series(book.base("1d")).all()]
        at = bisect_left(starts, min(span.end_ns, today.start_ns if today is not None else span.end_ns)) - 1
        while at >= 0 and starts[at] >= span.start_ns:
            day = self._day(starts[at])
            if day is None:  # outside of the sessions
                at -= 1
                continue
            made = None if day.time in days else book.candle(day.start_ns, "1d")
            if made is not None:
                days[day.time] = made
            at = bisect_left(starts, day.start_ns) - 1
        if today is not None:
            days.pop(today.time, None)
        return fold(span, [days[at] for at in sorted(days)])
