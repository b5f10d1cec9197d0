"""Candles in memory: what ticks and finished bars of one instrument say about its chart, for any period.

Only seconds are made here (by the core's `BarAggregator`); longer candles are folded from seconds and minutes, or where none come from
the shortest bars that do, and a finished bar from the bus always takes the place of what was folded.
"""

from __future__ import annotations

import math
from functools import lru_cache

from gcg_quant.bar_grid import BarGrid
from gcg_quant.bars import BarAggregator, period_ns, period_start
from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_MINUTE, NS_PER_SECOND
from gcg_quant.events import Bar, BarBasis, Tick, TradeTick

from .candle import Candle, Span, candle_of, candles_of, chart_time, fold
from .long_candles import LongCandles
from .months import MONTH, month_at, month_span
from .parts import Parts

__all__ = ["Candle", "CandleBook", "CandleSeries", "Span", "candles_of", "span_of"]

_KEPT = {"1s": 300, "1m": 600}  # finished candles in memory; history has the older ones
_KEPT_OTHERS = 300
_SLACK = 64
_NEVER = 1 << 62


def span_of(ns: int, period: str, calendar: Calendar | None = None) -> Span:
    """Return the interval of `period` that holds `ns`, as the bars of the calendar have it (see `gcg_quant.bar_grid`)."""
    if period == MONTH:
        return month_span(month_at(ns, calendar), calendar)
    interval = _grid(period, calendar).at(ns)
    if interval is None:  # outside of the sessions nothing counts
        start = period_start(ns, period)
        return Span(start, start + period_ns(period), start // NS_PER_SECOND)
    return Span(interval.start_ns, interval.end_ns, chart_time(interval.start_ns, period, interval.trading_day))


@lru_cache(maxsize=256)
def _grid(period: str, calendar: Calendar | None) -> BarGrid:
    return BarGrid(period, calendar)


class CandleSeries:
    """The newest finished candles of one period, by start."""

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self.version = 0
        self.cut_ns = 0  # candles that started before this have been dropped
        self.held_from_ns = _NEVER  # those from here on stay, however many they are
        self._candles: dict[int, Candle] = {}
        self._sorted = True

    def put(self, candle: Candle) -> None:
        """Add a candle, or replace the one of the same start; the oldest leave."""
        newest = next(reversed(self._candles), candle.start_ns)
        if candle.start_ns < newest and candle.start_ns not in self._candles:
            self._sorted = False
        self._candles[candle.start_ns] = candle
        self.version += 1
        if len(self._candles) > self.keep + _SLACK and next(iter(self._candles)) < self.held_from_ns:
            self._trim()

    def get(self, start_ns: int) -> Candle | None:
        """Return the candle that starts there, or None."""
        return self._candles.get(start_ns)

    def between(self, start_ns: int, end_ns: int) -> list[Candle]:
        """Return the candles that start from `start_ns` up to, but not including, `end_ns`, sorted."""
        self._sort()
        found: list[Candle] = []
        for candle in reversed(self._candles.values()):
            if candle.start_ns < start_ns:
                break
            if candle.start_ns < end_ns:
                found.append(candle)
        found.reverse()
        return found

    def all(self) -> list[Candle]:
        """Return every candle, sorted."""
        self._sort()
        return list(self._candles.values())

    def _sort(self) -> None:
        if not self._sorted:
            self._candles = dict(sorted(self._candles.items()))
            self._sorted = True

    def _trim(self) -> None:
        self._sort()
        for start in list(self._candles)[: len(self._candles) - self.keep]:
            if start >= self.held_from_ns:
                break
            del self._candles[start]
        self.cut_ns = max(self.cut_ns, next(iter(self._candles)))


class CandleBook:
    """The candles of one instrument. One thread at a time.

    Args:
        basis: the price that candles are made of.
        calendar: the market's trading days, None for days of UTC.
    """

    def __init__(self, basis: BarBasis = BarBasis.LAST, calendar: Calendar | None = None) -> None:
        self.basis = basis
        self.calendar = calendar
        self.seen_from_ns = _NEVER
        self._second = BarAggregator("1s", basis, calendar)
        self._series: dict[str, CandleSeries] = {}
        self._minute_ns = 0
        self._folds: dict[str, tuple[int, int, Candle | None]] = {}
        self._long = LongCandles(self)
        self.parts = Parts()

    def see(self, from_ns: int) -> None:
        """Say that every bar and tick from this time of the venue on has passed by, or is stored and will be seeded."""
        self.seen_from_ns = min(self.seen_from_ns, max(from_ns, self.parts.floor_ns))

    def update(self, event: Tick | TradeTick) -> int:
        """Take a live tick or trade; return the start of its second, or 0 if it has no price of the basis."""
        finished = self._second.update(event)
        for bar in finished:
            if self.series("1s").get(bar.start_ns) is None:  # a bar that has come already did not wait for late ticks
                self.series("1s").put(candle_of(bar))
        if not self._second.end_ns:
            return 0
        start_ns = self._second.end_ns - NS_PER_SECOND
        self._take_part("1s", start_ns)
        minute_ns = start_ns - start_ns % NS_PER_MINUTE
        if minute_ns != self._minute_ns:
            self._close_minute(self._minute_ns)
            self._minute_ns = minute_ns
            self._long.roll(minute_ns)
        return start_ns

    def add(self, bar: Bar) -> None:
        """Take a finished bar; it wins over what was folded."""
        if bar.basis == self.basis and not math.isnan(bar.open + bar.high + bar.low + bar.close):
            self._take_part(bar.period, bar.start_ns)
            self._long.roll(bar.start_ns)
            self.series(bar.period).put(candle_of(bar))

    def seed_days(self, days: list[Candle], from_ns: int) -> None:
        """Take stored days for months, finished and complete from `from_ns` on, where none is known yet."""
        self._long.seed(days, from_ns)

    def seed(self, period: str, candles: list[Candle], from_ns: int) -> None:
        """Take stored candles that are complete from `from_ns` on, where none is known yet."""
        series = self.series(period)
        series.keep = max(series.keep, len(candles) + _KEPT.get(period, _KEPT_OTHERS))
        for candle in candles:
            if series.get(candle.start_ns) is None:
                series.put(candle)
        if series.cut_ns <= from_ns:
            self.parts.seed(period, from_ns, len(candles))
            self.see(from_ns)

    def series(self, period: str) -> CandleSeries:
        """Return the finished candles of one period as they came."""
        if period not in self._series:
            self._series[period] = CandleSeries(_KEPT.get(period, _KEPT_OTHERS))
        return self._series[period]

    def base(self, period: str) -> str:
        """Return the period that candles of `period` are folded from."""
        return self.parts.base(period)

    def follows(self, period: str, of: str) -> bool:
        """Return whether a finished bar of the period `of` changes candles of `period`."""
        return of in (period, self.base(period)) or (period == MONTH and of == self.base("1d"))

    def hold(self, period: str) -> None:
        """Keep from now on all that the newest candle of `period` is made of, however long it is."""
        self._long.hold(period)

    def complete_from(self, period: str) -> int:
        """Return the time from which every candle of `period` is known in full here."""
        if period == MONTH:
            return self._long.days_from_ns
        parts = self.series(period if period in ("1s", "1m") else self.base(period))
        return max(self.seen_from_ns, parts.cut_ns)

    def span(self, ns: int, period: str) -> Span:
        """Return the interval of `period` that holds `ns`."""
        return span_of(ns, period, self.calendar)

    def inside(self, ns: int, period: str) -> Span | None:
        """Return the interval of `period` that holds `ns`, or None outside of the sessions."""
        return None if _grid(period, self.calendar).at(ns) is None else self.span(ns, period)

    @property
    def newest_ns(self) -> int:
        """The start of the newest second or bar, 0 if there is none."""
        if self._second.end_ns:
            return self._second.end_ns - NS_PER_SECOND
        return max((series.all()[-1].start_ns for series in self._series.values() if series.all()), default=0)

    def candle(self, start_ns: int, period: str) -> Candle | None:
        """Return the candle of `period` that holds `start_ns` as it is now, or None if nothing is known of it."""
        if period == MONTH:
            return self._long.month(month_at(start_ns, self.calendar))
        span = self.span(start_ns, period)
        known = self.series(period).get(span.start_ns)
        if known is not None:
            return known
        if period == "1s":
            return self._current(span)
        base = self.base(period)
        closed = self._closed(span, period, base)
        ahead = self.candle(self._minute_ns, "1m") if base == "1m" else self._current(span)
        if ahead is None or not span.start_ns <= ahead.start_ns < span.end_ns or self.series(base).get(ahead.start_ns) is not None:
            return closed
        return fold(span, [ahead] if closed is None else [closed, ahead])

    def candles(self, period: str) -> list[Candle]:
        """Return every candle of `period` that anything is known of, sorted."""
        if period == MONTH:
            return self._long.months()
        starts = {candle.start_ns for candle in self.series(period).all()}
        if period != "1s":
            starts |= {self.span(one.start_ns, period).start_ns for one in self.series(self.base(period)).all()}
        if self.newest_ns:
            starts.add(self.span(self.newest_ns, period).start_ns)
        found = (self.candle(start, period) for start in sorted(starts))
        return [candle for candle in found if candle is not None]

    def _take_part(self, period: str, start_ns: int) -> None:
        if self.parts.take(period, start_ns):
            self.seen_from_ns = max(self.seen_from_ns, start_ns)
            self._folds.clear()
            self._long.hold_parts()

    def _current(self, span: Span) -> Candle | None:
        # The unfinished second, if it lies in `span` and has not come as a bar already.
        bar = self._second.current
        if bar is None or not span.start_ns <= bar.start_ns < span.end_ns or self.series("1s").get(bar.start_ns) is not None:
            return None
        return candle_of(bar)

    def _closed(self, span: Span, period: str, base: str) -> Candle | None:
        # What finished candles say; kept until one of them changes, since a day has 1,440 minutes.
        series = self.series(base)
        kept = self._folds.get(period)
        if kept is None or kept[:2] != (span.start_ns, series.version):
            kept = self._folds[period] = (span.start_ns, series.version, fold(span, series.between(span.start_ns, span.end_ns)))
        return kept[2]

    def _close_minute(self, start_ns: int) -> None:
        # The bar of the minute follows on the bus a moment later; until then (or if none is made) this one stands for it.
        if start_ns and self.series("1m").get(start_ns) is None:
            span = self.span(start_ns, "1m")
            candle = fold(span, self.series("1s").between(span.start_ns, span.end_ns))
            if candle is not None:
                self.series("1m").put(candle)
