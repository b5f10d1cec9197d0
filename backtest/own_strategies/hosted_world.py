"""The small bus on which one of our classes lives while it runs under Backtrader."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import backtrader as bt
import numpy as np

from gcg_quant.bars import BarAggregator
from gcg_quant.bus import EventBus
from gcg_quant.calendar import Calendar
from gcg_quant.events import Bar, StrategyStatusEvent, Tick, TradeTick, VolumeKind, World
from gcg_quant.history import MemoryHistory
from gcg_quant.instruments import Instrument, preset
from gcg_quant.market_terms import market_of
from gcg_quant.periods import period_ns

from ..conversion.days import ns_from_days
from ..conversion.facts import bounds_of, place_of
from ..conversion.timeframes import period_of, timeframe_of

if TYPE_CHECKING:
    from ..history.bars import BarArray

__all__ = ["HostedWorld"]

VENUE = "BT"
TICKS = "ticks"
MADE_OF_TICKS = ("1s", "1m")  # as in a running system
FIELDS = ("open", "high", "low", "close", "volume")


class HostedWorld:
    """A bus, a history and instruments for the feeds of a cerebro.

    Args:
        datas: the feeds.
        instruments: the terms of their symbols, as far as they are known.
    """

    def __init__(self, datas: Sequence[Any], instruments: Sequence[Instrument]) -> None:
        folder = tempfile.mkdtemp(prefix="gcg_quant-")
        self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)  # also where the run was never stopped
        self.bus = EventBus(Path(folder) / "bus", world=World.BACKTEST, source="backtrader", sync="none", page_mb=1)
        self.history = MemoryHistory()
        self.periods = [_period(data) for data in datas]  # TICKS of a feed of ticks
        known = {one.symbol: one for one in instruments}
        self.places: list[tuple[str, str]] = []
        for data in datas:
            symbol, venue = place_of(data)
            terms = known.get(symbol) or preset(market_of(symbol), symbol, venue or VENUE)
            self.bus.instruments.add(terms)
            self.places.append((terms.symbol, terms.venue))
        of_bars = {place for place, period in zip(self.places, self.periods, strict=True) if period != TICKS}
        self._makers = {
            at: [BarAggregator(period, calendar=_calendar(self.bus, *place)) for period in MADE_OF_TICKS]
            for at, (place, period) in enumerate(zip(self.places, self.periods, strict=True))
            if period == TICKS and place not in of_bars
        }
        self.now_ns = 0  # the end of the newest bar or tick that was shown
        self._errors = self.bus.reader(start="begin", events=[StrategyStatusEvent])

    @property
    def names(self) -> tuple[str, ...]:
        """The symbols of the feeds, each once."""
        return tuple(dict.fromkeys(f"{symbol}@{venue}" for symbol, venue in self.places))

    @property
    def bar_periods(self) -> tuple[str, ...]:
        """The periods of the bars that come onto the bus, each once: those of the feeds, and those that are made of ticks."""
        made = MADE_OF_TICKS if self._makers else ()
        return tuple(dict.fromkeys([*(period for period in self.periods if period != TICKS), *made]))

    def show(self, at: int, data: Any, seen: int) -> None:
        """Publish the bar or tick that a feed shows; those that it has had before and nobody has seen become history.

        What a feed of ticks shows is a `TradeTick`, if it is ours and one of trades, else a `Tick` with its volume; behind it come the bars
        that it finishes.
        """
        symbol, venue = self.places[at]
        if self.periods[at] == TICKS:
            self._show_tick(at, data, seen)
            return
        before = len(data) - 1 - seen
        if before > 0:
            self.history.add_bars(symbol, venue, self._rows(at, data, before))
        start_ns, end_ns = bounds_of(data)
        if start_ns == end_ns:  # a feed that tells one time of a bar: its start, as data files do
            end_ns = start_ns + period_ns(self.periods[at])
        self.now_ns = max(self.now_ns, end_ns)
        prices: dict[str, Any] = {name: float(getattr(data, name)[0]) for name in FIELDS}
        self.bus.publish(
            Bar(symbol=symbol, venue=venue, period=self.periods[at], start_ns=start_ns, end_ns=end_ns, recv_ns=end_ns, **prices), cause=0
        )

    def _show_tick(self, at: int, data: Any, seen: int) -> None:
        symbol, venue = self.places[at]
        past: list[Bar] = []
        for back in range(len(data) - 1 - seen, 0, -1):
            past += self._bars_of(at, self._tick(at, data, -back))
        for period in MADE_OF_TICKS:
            bars = [bar for bar in past if bar.period == period]
            if bars:
                self.history.add_bars(symbol, venue, _array_of(bars))
        tick = self._tick(at, data, 0)
        self.now_ns = max(self.now_ns, tick.event_ns)
        self.bus.publish(tick, cause=0)
        for bar in self._bars_of(at, tick):
            self.bus.publish(bar, cause=0)

    def _bars_of(self, at: int, tick: Tick | TradeTick) -> list[Bar]:
        return [bar for maker in self._makers.get(at, ()) for bar in maker.update(tick)]

    def _tick(self, at: int, data: Any, ago: int) -> Tick | TradeTick:
        symbol, venue = self.places[at]
        now_ns = bounds_of(data)[1] if ago == 0 else ns_from_days(data.datetime[ago])
        price, size = float(data.close[ago]), float(data.volume[ago])
        key: dict[str, Any] = {"symbol": symbol, "venue": venue, "event_ns": now_ns, "recv_ns": now_ns}
        if getattr(data, "of_trades", False):
            return TradeTick(**key, price=price, size=size)
        interest = float(data.openinterest[ago])
        return Tick(**key, last_price=price, last_size=size, volume=size, volume_kind=VolumeKind.SINGLE, open_interest=interest)

    def last_error(self) -> str:
        """Return what the manager said last of a failed strategy, "" if nothing."""
        return self._told

    def close(self) -> None:
        """Remove everything."""
        if self.bus.closed:
            return
        told = [event.error for event in self._errors if isinstance(event, StrategyStatusEvent) and event.error]
        self._told = told[-1] if told else ""
        self._errors.close()
        self.bus.close()
        self._remove()

    _told = ""

    def _rows(self, at: int, data: Any, count: int) -> BarArray:
        rows = np.zeros(count, Bar.dtype)
        for name in FIELDS:
            rows[name] = [getattr(data, name)[-back] for back in range(count, 0, -1)]
        rows["open_interest"] = np.nan
        rows["start_ns"] = [ns_from_days(data.datetime[-back]) for back in range(count, 0, -1)]
        rows["event_ns"] = rows["recv_ns"] = rows["start_ns"] + period_ns(self.periods[at])
        rows["period"] = self.periods[at].encode()
        return rows


def _period(data: Any) -> str:
    if data._timeframe == bt.TimeFrame.Ticks:
        return TICKS
    own = getattr(data.p, "period", None)
    if isinstance(own, str) and timeframe_of(own) == (data._timeframe, data._compression):
        return own  # "1h", which Backtrader calls 60 minutes
    return period_of(data._timeframe, data._compression)


# Of markets that never close a day is a day.
def _calendar(bus: EventBus, symbol: str, venue: str) -> Calendar | None:
    name = bus.instruments.get(symbol, venue).calendar
    return None if name == "24/7" else Calendar(name)


def _array_of(bars: list[Bar]) -> BarArray:
    rows = np.zeros(len(bars), Bar.dtype)
    for name in Bar.dtype.names or ():
        if name != "instrument":
            rows[name] = [getattr(bar, name) for bar in bars]
    return rows
