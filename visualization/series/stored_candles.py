"""Stored candles of any period: the newest, those before or after a point, and as many in front as indicators need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gcg_quant.bars import resample
from gcg_quant.clock import NS_PER_DAY, NS_PER_SECOND
from gcg_quant.errors import InstrumentError
from gcg_quant.events import Bar, BarBasis
from gcg_quant.history import History, RecordArray
from gcg_quant.periods import period_ns, period_start

from .candle import Candle, candles_of
from .long_bars import LongBars
from .months import DAYS, MONTH, length_ns, month_of, month_span, months_of

if TYPE_CHECKING:
    from gcg_quant.calendar import Calendar

    from .market_view import MarketView

__all__ = ["StoredCandles"]

_MOST_PARTS = 100_000  # shorter bars read to make longer ones
_MOST_LEAD = 100_000


class StoredCandles:
    """Asks a history for candles. Any thread may ask.

    Args:
        history: stored bars, or None: then there are none.
    """

    def __init__(self, history: History | None = None) -> None:
        self.history = history
        self._long = LongBars(history)

    def newest(self, view: MarketView, period: str, limit: int) -> list[Candle]:
        """Return the newest `limit` candles. Raises StorageError if the history cannot be read."""
        return self.between(view, period, limit=limit)

    def before(self, view: MarketView, period: str, before_s: int | None, limit: int) -> list[Candle]:
        """Return at least `limit` candles that stand before `before_s`, where there are so many; some may stand behind it."""
        end_ns = None if before_s is None else before_s * NS_PER_SECOND + _slack(period)
        return self.between(view, period, end_ns=end_ns, limit=limit + 2)

    def after(self, view: MarketView, period: str, after_s: int, limit: int, *, oldest: bool = True) -> list[Candle]:
        """Return at least `limit` candles that stand at `after_s` or behind it, where there are so many; some may stand before it.

        Of more than that the first ones, without `oldest` the newest.
        """
        start_ns = max(after_s * NS_PER_SECOND - 2 * _slack(period), 0)
        return self.between(view, period, start_ns=start_ns, limit=limit + 3, oldest=oldest)

    def lead(self, view: MarketView, period: str, first: Candle, count: int, whole_day: bool) -> list[Candle]:
        """Return the candles in front of `first`: `count` of them, with `whole_day` at least those since its trading day began."""
        found = self.between(view, period, end_ns=first.start_ns, limit=min(count, _MOST_LEAD)) if count > 0 else []
        if whole_day and length_ns(period) < NS_PER_DAY:
            begin = _day_begin(first.start_ns, view.candles.calendar)
            if begin < (found[0].start_ns if found else first.start_ns):
                found = self.between(view, period, start_ns=begin, end_ns=first.start_ns, limit=_MOST_LEAD)
        return [one for one in found if one.time < first.time]

    def between(
        self,
        view: MarketView,
        period: str,
        *,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int | None = None,
        oldest: bool = False,
    ) -> list[Candle]:
        """Return the candles of bars from `start_ns` up to `end_ns`; `limit` keeps the newest, with `oldest` the first."""
        if period == MONTH:
            return self._months(view, start_ns, end_ns, limit, oldest)
        bases = (view.candles.basis, *([BarBasis.MID, BarBasis.BID] if view.candles.basis == BarBasis.LAST else []))
        long = self._long.bars(view, period, bases, start_ns, end_ns, limit, oldest)
        if long is not None:
            return candles_of(long, period)
        bars = self._bars(view, period, bases, start_ns, end_ns, limit, oldest)
        if not len(bars) and period not in ("1s", "1m"):
            bars = self._made(view, period, bases, start_ns, end_ns, limit, oldest)
        return candles_of(bars, period)

    def _months(self, view: MarketView, start_ns: int | None, end_ns: int | None, limit: int | None, oldest: bool) -> list[Candle]:
        # Of days. One that is cut by the bounds or the limit is left out; that of today is as far as its days are stored.
        calendar = view.candles.calendar
        count = None if limit is None else (limit + 1) * DAYS
        days = self.between(view, "1d", start_ns=start_ns, end_ns=end_ns, limit=count, oldest=oldest)
        months = months_of(days, calendar)
        if count is not None and len(days) >= count:
            months = months[:-1] if oldest else months[1:]
        whole = []
        for one in months:
            span = month_span(month_of(one), calendar)
            if (start_ns is None or span.start_ns >= start_ns) and (end_ns is None or span.end_ns <= end_ns):
                whole.append(one)
        if limit is None or limit >= len(whole):
            return whole
        return whole[:limit] if oldest else whole[-limit:]

    def _made(
        self,
        view: MarketView,
        period: str,
        bases: tuple[BarBasis, ...],
        start_ns: int | None,
        end_ns: int | None,
        limit: int | None,
        oldest: bool,
    ) -> RecordArray:
        # A history need not make longer bars of its shorter ones. The one at the cut may lack a part: it is left out. Where many
        # shorter ones lie outside of the sessions more of them are read.
        base = view.candles.base(period)
        parts = None if limit is None else min(limit * (period_ns(period) // period_ns(base)), _MOST_PARTS)
        while True:
            bars = self._bars(view, base, bases, start_ns, end_ns, parts, oldest)
            made = resample(bars, period, view.candles.calendar)
            if parts is None or limit is None or len(bars) < parts:
                return made
            made = made[:-1] if oldest else made[1:]
            if len(made) >= limit or parts == _MOST_PARTS:
                return made
            parts = min(4 * parts, _MOST_PARTS)

    def _bars(
        self,
        view: MarketView,
        period: str,
        bases: tuple[BarBasis, ...],
        start_ns: int | None,
        end_ns: int | None,
        limit: int | None,
        oldest: bool,
    ) -> RecordArray:
        none = np.empty(0, Bar.dtype)
        if self.history is None:
            return none
        symbol, venue = view.instrument.symbol, view.instrument.venue
        for basis in bases:
            try:
                bars = self.history.bars(
                    symbol, period, venue=venue, start_ns=start_ns, end_ns=end_ns, limit=limit, basis=basis, oldest=oldest
                )
            except InstrumentError:
                return none  # the bus knows the instrument, and nothing is stored of it yet
            if len(bars):
                return bars
        return none


def _slack(period: str) -> int:
    # A daily bar stands at its trading day's date, while its night session began the day before; a month at the first, while its first
    # trading day may come, or the holidays before it begin, more than a week off: more is read and cut.
    if period == MONTH:
        return 15 * NS_PER_DAY
    return NS_PER_DAY if period_ns(period) >= NS_PER_DAY else 0


def _day_begin(ns: int, calendar: Calendar | None) -> int:
    return period_start(ns, "1d") if calendar is None else calendar.bounds(calendar.trading_day(ns))[0]
