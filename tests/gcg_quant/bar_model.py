"""Bars, slowly and in plain Python: what the native maker of bars is held against."""

from __future__ import annotations

import math

from gcg_quant.bar_grid import BarGrid, Interval
from gcg_quant.bars import period_ns
from gcg_quant.calendar import Calendar
from gcg_quant.errors import EventError
from gcg_quant.events import Bar, BarBasis, BarOrigin, Quality, Tick, TradeTick, VolumeKind
from gcg_quant.traded import Traded

__all__ = ["BarModel"]

NAN = math.nan


class OpenBar:
    """The bar of an interval. Whoever adds to it knows that it belongs here, and whether it is the newest so far."""

    __slots__ = (
        "close",
        "count",
        "high",
        "interval",
        "low",
        "open",
        "open_interest",
        "quote_size",
        "revision",
        "symbol",
        "trading_day",
        "turnover",
        "venue",
        "volume",
    )

    def __init__(self, interval: Interval, symbol: str, venue: str) -> None:
        self.interval = interval
        self.symbol = symbol
        self.venue = venue
        self.open = self.high = self.low = self.close = NAN
        self.volume = self.turnover = self.open_interest = self.quote_size = NAN
        self.count = 0
        self.trading_day = interval.trading_day
        self.revision = 0

    def add(self, price: float, volume: float, turnover: float, newest: bool) -> None:
        """Add one price; an older one moves high and low only. Amounts that are NaN are not known."""
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        elif self.open != self.open:
            self.open = self.high = self.low = price
        if newest:
            self.close = price
        if volume == volume:
            self.volume = volume + self.volume if self.volume == self.volume else volume
        if turnover == turnover:
            self.turnover = turnover + self.turnover if self.turnover == self.turnover else turnover
        self.count += 1

    def add_bar(self, bar: Bar, newest: bool) -> None:
        """Add a smaller bar; a count that one of them does not know is not known (-1)."""
        first, count = self.open != self.open, self.count
        self.add(bar.close, bar.volume, bar.turnover, newest)
        if first:
            self.open = bar.open
        self.high, self.low = max(self.high, bar.high), min(self.low, bar.low)
        self.count = -1 if bar.count < 0 or count < 0 else count + bar.count
        if newest:
            self.note(bar.open_interest, bar.quote_size, bar.trading_day)

    def note(self, open_interest: float, quote_size: float, trading_day: int) -> None:
        """Take over what the newest event says of these, as far as it does."""
        if open_interest == open_interest:
            self.open_interest = open_interest
        if quote_size == quote_size:
            self.quote_size = quote_size
        if trading_day:
            self.trading_day = trading_day

    def bar(self, period: str, basis: BarBasis) -> Bar:
        """Return the bar as it is now."""
        return Bar(
            symbol=self.symbol,
            venue=self.venue,
            period=period,
            basis=basis,
            origin=BarOrigin.AGGREGATED,
            start_ns=self.interval.start_ns,
            event_ns=self.interval.end_ns,
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            volume=self.volume,
            turnover=self.turnover,
            open_interest=self.open_interest,
            quote_size=self.quote_size,
            count=self.count,
            trading_day=self.trading_day,
            revision=self.revision,
        )


_LONG_AGO = -(1 << 63)


class BarModel:
    """What `gcg_quant.bars.BarAggregator` is to do; see there."""

    def __init__(self, period: str, basis: BarBasis = BarBasis.LAST, calendar: Calendar | None = None, *, revise: bool = False) -> None:
        self.period = period
        self.basis = basis
        self.late = self.outside = 0
        self._grid = BarGrid(period, calendar)
        self._revise = revise
        self._traded = Traded()
        self._is_last = basis == BarBasis.LAST
        self._bar: OpenBar | None = None
        self._before: OpenBar | None = None  # the one that was finished last, where it may be revised
        self._start_ns = self._last_ns = _LONG_AGO
        self._from_ns = self._until_ns = _LONG_AGO  # what happens in between belongs to the open bar for certain

    @property
    def current(self) -> Bar | None:
        """The unfinished bar, or None."""
        return None if self._bar is None else self._bar.bar(self.period, self.basis)

    @property
    def end_ns(self) -> int:
        """When the unfinished bar ends; 0 if there is none."""
        return 0 if self._bar is None else self._bar.interval.end_ns

    @property
    def due_ns(self) -> int:
        """When its last prices have come, a little after a session's close; 0 if there is none."""
        return 0 if self._bar is None else self._bar.interval.due_ns

    def update(self, event: Tick | TradeTick | Bar) -> list[Bar]:
        """Take one event; return the bars that it finishes: the one before it, and its own if a smaller bar completes it."""
        if isinstance(event, Tick):
            price = event.last_price if self._is_last else self._price(event)
            if price != price or event.quality:
                return []
            at_ns = event.event_ns
            finished = [] if self._from_ns <= at_ns < self._until_ns else self._enter(event, at_ns)
            bar = self._bar if finished is not None else self._reopened(event, at_ns)
            if bar is None:
                return []
            self._add_tick(bar, event, at_ns, price)
            return self._revised(bar) if finished is None else finished
        if isinstance(event, Bar):
            return self._update_bar(event)
        if not self._is_last or event.price != event.price or event.quality != Quality.NORMAL:
            return []
        at_ns = event.event_ns
        finished = [] if self._from_ns <= at_ns < self._until_ns else self._enter(event, at_ns)
        bar = self._bar if finished is not None else self._reopened(event, at_ns)
        if bar is None:
            return []
        newest = at_ns >= self._last_ns
        bar.add(event.price, event.size, event.turnover, newest)
        if newest:
            self._last_ns = at_ns
            bar.note(NAN, NAN, event.trading_day)
        return self._revised(bar) if finished is None else finished

    def advance(self, now_ns: int) -> list[Bar]:
        """Finish the bar whose last prices have come by `now_ns`; return it as a list, or []."""
        if self._bar is None or now_ns < self._bar.interval.due_ns:
            return []
        return [self._finish(self._bar)]

    def _add_tick(self, bar: OpenBar, tick: Tick, at_ns: int, price: float) -> None:
        if at_ns < self._last_ns:
            single = self._is_last and tick.volume_kind == VolumeKind.SINGLE
            bar.add(price, tick.volume if single else NAN, tick.turnover if single else NAN, False)
            return
        self._last_ns = at_ns
        if self._is_last:
            day = tick.trading_day
            volume, turnover = self._traded.of(tick.volume_kind, tick.volume, tick.turnover, day, whole=bar.interval.whole)
            bar.add(price, volume, turnover, True)
            bar.note(tick.open_interest, NAN, day)
        else:
            bar.add(price, NAN, NAN, True)
            size = tick.bid_size if self.basis == BarBasis.BID else tick.ask_size if self.basis == BarBasis.ASK else NAN
            bar.note(tick.open_interest, size, tick.trading_day)

    def _update_bar(self, event: Bar) -> list[Bar]:
        if event.basis != self.basis:
            return []
        if period_ns(event.period) > self._grid.length_ns:
            raise EventError(f"A bar of {event.period} cannot be part of a bar of {self.period}.", period=event.period)
        if math.isnan(event.open + event.high + event.low + event.close):
            return []
        at_ns, end_ns = event.start_ns, event.event_ns
        finished = [] if self._from_ns <= at_ns < self._until_ns else self._enter(event, at_ns, end_ns)
        bar = self._bar if finished is not None else self._reopened(event, at_ns, end_ns)
        if bar is None:
            return []
        bar.add_bar(event, at_ns >= self._last_ns)
        self._last_ns = max(self._last_ns, at_ns)
        if finished is None:
            return self._revised(bar)
        return [*finished, self._finish(bar)] if end_ns >= bar.interval.end_ns else finished

    def _price(self, tick: Tick) -> float:
        if self.basis == BarBasis.BID:
            return tick.bid_price
        return tick.ask_price if self.basis == BarBasis.ASK else (tick.bid_price + tick.ask_price) / 2

    def _enter(self, event: Tick | TradeTick | Bar, at_ns: int, end_ns: int = 0) -> list[Bar] | None:
        # Go to the interval of `at_ns`: return what that finishes, or None if the event is late or outside.
        interval = self._grid.at(at_ns, end_ns)
        if interval is None or interval.start_ns < self._start_ns or (interval.start_ns == self._start_ns and self._bar is None):
            return None
        finished = []
        if interval.start_ns > self._start_ns:
            if self._bar is not None:
                finished.append(self._finish(self._bar))
            self._bar = OpenBar(interval, event.symbol, event.venue)
            self._start_ns = interval.start_ns
        self._from_ns, self._until_ns = interval.from_ns, interval.until_ns
        return finished

    def _reopened(self, event: Tick | TradeTick | Bar, at_ns: int, end_ns: int = 0) -> OpenBar | None:
        # The finished bar that a late event belongs to, if it may be revised.
        interval = self._grid.at(at_ns, end_ns)
        if interval is None:
            self.outside += 1
            return None
        self.late += 1
        before = self._before
        return before if before is not None and before.interval.start_ns == interval.start_ns else None

    def _revised(self, bar: OpenBar) -> list[Bar]:
        bar.revision += 1
        return [bar.bar(self.period, self.basis)]

    def _finish(self, bar: OpenBar) -> Bar:
        self._bar = None
        self._before = bar if self._revise else None
        self._from_ns = self._until_ns = _LONG_AGO
        return bar.bar(self.period, self.basis)
