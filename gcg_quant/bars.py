"""Bars: made of ticks, trades or smaller bars, by one aggregator that everybody uses.

`BarAggregator` takes events one by one; `resample` does the same to a whole array of bars, and yields the same bars. A bar holds
what happened from its start up to, but not including, its end. Bars begin at multiples of their period since the epoch, UTC (weeks
on Mondays); daily bars follow the trading day of a calendar if one is given. An interval in which nothing happened has no bar.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_DAY
from gcg_quant.errors import EventError
from gcg_quant.events import Bar, BarBasis, BarOrigin, Quality, Tick, TradeTick, VolumeKind
from gcg_quant.history import RecordArray
from gcg_quant.periods import PERIODS, period_ns, period_start
from gcg_quant.traded import Traded

__all__ = ["PERIODS", "BarAggregator", "period_ns", "period_start", "resample"]

NAN = math.nan
_LONG_AGO = -(1 << 63)


class BarAggregator:
    """Bars of one instrument, one period and one basis, made one event at a time. One thread; time never goes back.

    Which events count: a `Tick` with the price of the basis (last, bid, ask or their mean), a `TradeTick` for basis LAST, a
    smaller `Bar` of the same basis. Feed one kind only, or volume counts twice. Prices that are missing or that the source marked as
    suspicious are passed over. An event of an interval that is already finished is dropped (`late` counts them); one that is
    older than the last one, but of the same interval, moves high and low only.
    """

    _has_price: bool
    _closed: bool  # whether its bar is out already
    _open_price: float
    _high: float
    _low: float
    _close: float
    _volume: float
    _turnover: float
    _open_interest: float
    _quote_size: float
    _count: int
    _trading_day: int

    def __init__(self, period: str, basis: BarBasis = BarBasis.LAST, calendar: Calendar | None = None) -> None:
        self.period = period
        self.basis = basis
        self.late = 0
        self._length_ns = period_ns(period)
        self._calendar = calendar if period == "1d" else None
        self._start_ns = self._end_ns = self._last_ns = _LONG_AGO
        self._traded = Traded()
        self._identity = ("", "")
        self._clear()

    @property
    def current(self) -> Bar | None:
        """The unfinished bar, or None."""
        return self._bar() if self._has_price else None

    @property
    def end_ns(self) -> int:
        """When the unfinished bar ends; 0 if there is none."""
        return self._end_ns if self._has_price else 0

    def update(self, event: Tick | TradeTick | Bar) -> list[Bar]:
        """Take one event; return the bars that it finishes: the one before it, and its own if a smaller bar completes it."""
        if isinstance(event, Bar):
            return self._update_bar(event)
        if isinstance(event, TradeTick):
            if self.basis != BarBasis.LAST:
                return []
            finished = self._open(event, event.event_ns, event.price, event.quality)
            if finished is None:
                return []
            self._add(event.event_ns, event.price, event.size, event.turnover)
            return finished
        return self._update_tick(event)

    def advance(self, now_ns: int) -> list[Bar]:
        """Finish the bar whose end has come by `now_ns`; return it as a list, or []."""
        if not self._has_price or now_ns < self._end_ns:
            return []
        return [self._finish()]

    def _update_tick(self, tick: Tick) -> list[Bar]:
        price = self._price(tick)
        finished = self._open(tick, tick.event_ns, price, tick.quality)
        if finished is None:
            return []
        volume = turnover = NAN
        if self.basis == BarBasis.LAST and (tick.volume_kind == VolumeKind.SINGLE or tick.event_ns >= self._last_ns):
            volume, turnover = self._traded.since(tick)
        self._add(tick.event_ns, price, volume, turnover)
        self._open_interest = _known(tick.open_interest, self._open_interest)
        if self.basis == BarBasis.BID:
            self._quote_size = _known(tick.bid_size, self._quote_size)
        elif self.basis == BarBasis.ASK:
            self._quote_size = _known(tick.ask_size, self._quote_size)
        return finished

    def _update_bar(self, bar: Bar) -> list[Bar]:
        if bar.basis != self.basis:
            return []
        if period_ns(bar.period) > self._length_ns:
            raise EventError(f"A bar of {bar.period} cannot be part of a bar of {self.period}.", period=bar.period)
        if math.isnan(bar.open + bar.high + bar.low):
            return []
        finished = self._open(bar, bar.start_ns, bar.close, Quality.NORMAL)
        if finished is None:
            return []
        first, older = not self._has_price, bar.start_ns < self._last_ns
        count = self._count
        self._add(bar.start_ns, bar.close, bar.volume, bar.turnover)
        self._open_price = bar.open if first else self._open_price
        self._high, self._low = max(self._high, bar.high), min(self._low, bar.low)
        self._count = -1 if bar.count < 0 or count < 0 else count + bar.count
        if not older:
            self._open_interest = _known(bar.open_interest, self._open_interest)
            self._quote_size = _known(bar.quote_size, self._quote_size)
        if bar.event_ns >= self._end_ns:
            finished.append(self._finish())
        return finished

    def _price(self, tick: Tick) -> float:
        if self.basis == BarBasis.LAST:
            return tick.last_price
        if self.basis == BarBasis.BID:
            return tick.bid_price
        return tick.ask_price if self.basis == BarBasis.ASK else (tick.bid_price + tick.ask_price) / 2

    def _open(self, event: Tick | TradeTick | Bar, at_ns: int, price: float, quality: Quality) -> list[Bar] | None:
        # Go to the interval of `at_ns`: return what that finishes, or None if the event does not count.
        if math.isnan(price) or quality != Quality.NORMAL:
            return None
        finished: list[Bar] = []
        if at_ns >= self._end_ns:
            if self._has_price:
                finished.append(self._finish())
            self._start_ns, self._end_ns, self._trading_day = self._interval(at_ns)
            self._identity = (event.symbol, event.venue)
            self._closed = False
        elif self._closed or (at_ns < self._start_ns and self._interval(at_ns)[0] < self._start_ns):
            self.late += 1
            return None
        self._trading_day = event.trading_day or self._trading_day
        return finished

    def _interval(self, at_ns: int) -> tuple[int, int, int]:
        # (start, end, trading day); an auction before the session's start is before the start of its own day, too
        if self._calendar is None:
            start = period_start(at_ns, self.period)
            return start, start + self._length_ns, 0
        day = self._calendar.trading_day(at_ns)
        return *self._calendar.bounds(day), day

    def _add(self, at_ns: int, price: float, volume: float, turnover: float) -> None:
        if not self._has_price:
            self._open_price = self._high = self._low = self._close = price
            self._has_price = True
        else:
            self._high, self._low = max(self._high, price), min(self._low, price)
            if at_ns >= self._last_ns:
                self._close = price
        self._volume = _sum(self._volume, volume)
        self._turnover = _sum(self._turnover, turnover)
        self._count += 1
        self._last_ns = max(self._last_ns, at_ns)

    def _finish(self) -> Bar:
        bar = self._bar()
        self._clear()
        self._closed = True
        return bar

    def _clear(self) -> None:
        self._has_price = False
        self._closed = False
        self._open_price = self._high = self._low = self._close = NAN
        self._volume = self._turnover = self._open_interest = self._quote_size = NAN
        self._count = 0
        self._trading_day = 0

    def _bar(self) -> Bar:
        return Bar(
            symbol=self._identity[0],
            venue=self._identity[1],
            period=self.period,
            basis=self.basis,
            origin=BarOrigin.AGGREGATED,
            start_ns=self._start_ns,
            event_ns=self._end_ns,
            open=self._open_price,
            high=self._high,
            low=self._low,
            close=self._close,
            volume=self._volume,
            turnover=self._turnover,
            open_interest=self._open_interest,
            quote_size=self._quote_size,
            count=self._count,
            trading_day=self._trading_day,
        )


def resample(bars: RecordArray, period: str, calendar: Calendar | None = None) -> RecordArray:
    """Return bars of a longer period made of an array of bars: of one instrument and basis, sorted by start_ns.

    The last one may be unfinished. Rows without prices are passed over. Equal to feeding a BarAggregator one by one.
    Raises EventError for bars that are not sorted, of several bases, or longer than `period`.
    """
    _check_rows(bars, period)
    rows = bars[~np.isnan(bars["open"] + bars["high"] + bars["low"] + bars["close"])]
    if not len(rows):
        return np.empty(0, Bar.dtype)
    starts, ends, days = _intervals(rows["start_ns"], period, calendar)
    first = np.flatnonzero(np.append(True, starts[1:] != starts[:-1]))
    last = np.append(first[1:], len(rows)) - 1
    group = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(rows))))
    made = np.zeros(len(first), Bar.dtype)
    made["start_ns"], made["event_ns"] = starts[first], ends[first]
    made["instrument"] = rows["instrument"][first]
    made["open"], made["close"] = rows["open"][first], rows["close"][last]
    made["high"] = np.maximum.reduceat(rows["high"], first)
    made["low"] = np.minimum.reduceat(rows["low"], first)
    for field in ("volume", "turnover"):
        made[field] = _sums(rows[field], group, len(first))
    for field in ("open_interest", "quote_size"):
        made[field] = _last_known(rows[field], group, len(first))
    made["count"] = np.where(np.minimum.reduceat(rows["count"], first) < 0, -1, np.add.reduceat(rows["count"], first))
    stated = _last_known(np.where(rows["trading_day"] == 0, NAN, rows["trading_day"]), group, len(first))
    made["trading_day"] = np.where(np.isnan(stated), 0 if days is None else days[first], np.nan_to_num(stated))
    made["period"] = period.encode()
    made["basis"] = rows["basis"][0]
    made["origin"] = BarOrigin.AGGREGATED
    return made


def _check_rows(bars: RecordArray, period: str) -> None:
    backwards = np.flatnonzero(bars["start_ns"][1:] < bars["start_ns"][:-1])
    if len(backwards):
        raise EventError(f"Bars to resample must be sorted by start_ns; row {int(backwards[0]) + 1} goes back.", row=int(backwards[0]) + 1)
    for field, what in (("basis", "basis"), ("instrument", "instrument")):
        if len(np.unique(bars[field])) > 1:
            raise EventError(f"Bars to resample must be of one {what}; split the array first.", field=field)
    for source in np.unique(bars["period"]):
        if period_ns(bytes(source).decode()) > period_ns(period):
            raise EventError(f"A bar of {bytes(source).decode()} cannot be part of a bar of {period}.", period=period)


def _intervals(
    starts: npt.NDArray[np.int64], period: str, calendar: Calendar | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64] | None]:
    # Start and end of the interval of each row, and its trading day where a calendar decides.
    length = period_ns(period)
    if calendar is None or period != "1d":
        origin = period_start(4 * NS_PER_DAY, period) if period.endswith("w") else 0
        begin = starts - (starts - origin) % length
        return begin, begin + length, None
    days = calendar.trading_days(starts)
    bounds = {day: calendar.bounds(day) for day in np.unique(days).tolist()}
    begin = np.array([bounds[day][0] for day in days.tolist()], np.int64)
    end = np.array([bounds[day][1] for day in days.tolist()], np.int64)
    return begin, end, days


def _sums(values: npt.NDArray[np.float64], group: npt.NDArray[np.intp], groups: int) -> npt.NDArray[np.float64]:
    # bincount adds in order, as the incremental aggregator does; reduceat would add pairwise and differ in the last bit.
    known = ~np.isnan(values)
    sums = np.bincount(group[known], weights=values[known], minlength=groups)
    return np.where(np.bincount(group[known], minlength=groups) > 0, sums, NAN)


def _last_known(values: npt.NDArray[np.float64], group: npt.NDArray[np.intp], groups: int) -> npt.NDArray[np.float64]:
    found = np.full(groups, NAN)
    known = ~np.isnan(values)
    found[group[known]] = values[known]  # of several values for one group the last one stays
    return found


def _sum(total: float, part: float) -> float:
    if math.isnan(part):
        return total
    return part if math.isnan(total) else total + part


def _known(value: float, otherwise: float) -> float:
    return otherwise if math.isnan(value) else value
