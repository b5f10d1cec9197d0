"""What the page shows of one instrument: quote, sparkline, depth, tape, markers, and its candles."""

from __future__ import annotations

import math
from collections import deque

from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_DAY, NS_PER_MILLISECOND
from gcg_quant.events import Bar, BarBasis, Depth, EventFlag, Fill, Quality, SignalEvent, Tick, TradeTick, VolumeKind
from gcg_quant.instruments import Instrument
from gcg_quant.periods import period_start

from ..adapter import EventToChartAdapter, Row
from .candles import CandleBook
from .plots import Plots
from .watch import Watch

__all__ = ["MarketView"]

_SPARK = 48  # closes of minutes
_TAPE = 60
_MARKERS = 500
_adapter = EventToChartAdapter


class MarketView:
    """The state of one instrument. One thread at a time: the bridge holds its lock.

    Args:
        instrument: its terms.
        read_from_ns: all that was published from this time on is given to this view.
    """

    def __init__(self, instrument: Instrument, read_from_ns: int = 0) -> None:
        self.instrument = instrument
        self.name = _adapter.name(instrument.symbol, instrument.venue)
        self.tick: Tick | None = None
        self.depth: Depth | None = None
        self.last = math.nan
        self.time_ns = 0
        self.tape: deque[tuple[int, float, float, int]] = deque(maxlen=_TAPE)
        self.new_trades = 0
        self.markers: deque[Row] = deque()
        self._marked: set[str] = set()  # the keys of the markers
        self.new_markers: list[Row] = []
        self.watches: dict[str, Watch] = {}
        self.plots = Plots()
        self.readers = 0  # pages that show depth and tape
        self.anchors: dict[str, int] = {}  # by period: the bar from which running totals count
        self.depth_changed = False
        self.spark_changed = False
        self._source: type[Tick] | type[TradeTick] | None = None  # which kind of event makes prices and candles
        self._traded_kind: type[Tick] | type[TradeTick] = Tick
        self._volume_before = math.nan
        self._day = 0
        self._day_base = math.nan
        self._spark: deque[float] = deque(maxlen=_SPARK)
        self._spark_ns = 0
        self._has_bars = False
        calendar = Calendar(instrument.calendar) if instrument.calendar != "24/7" else None
        self.candles = CandleBook(calendar=calendar)
        self.decimals: int | None = None  # shown by the prices, where the terms do not tell
        self._read_from_ns = read_from_ns

    # ---- events

    def on_tick(self, tick: Tick) -> None:
        """Take a live tick: quote, tape and candles."""
        if self.tick is None:
            self._first(tick, tick.event_ns, period_start(tick.event_ns, "1m"))
        self.tick, self.time_ns = tick, tick.event_ns
        if tick.quality != Quality.NORMAL:
            return
        price = _adapter.price(tick)
        if price == price:
            self._priced(price, tick.event_ns)
        if self._source is None and price == price and self._chooses(tick):
            self._source = Tick
        if self._source is Tick:
            self._touch(self.candles.update(tick))
        if self._traded_kind is Tick:
            self._tape_of(tick)

    def on_trade(self, trade: TradeTick) -> None:
        """Take a live trade."""
        if self._traded_kind is Tick:
            self._first(trade, trade.event_ns, period_start(trade.event_ns, "1m"))
        self._traded_kind = TradeTick
        self.tape.append(_adapter.trade(trade))
        self.new_trades += 1
        if trade.quality != Quality.NORMAL:
            return
        if self._source is None:
            self._source = TradeTick
        if self._source is TradeTick:
            self.time_ns = trade.event_ns
            self._priced(trade.price, trade.event_ns)
            self._touch(self.candles.update(trade))

    def on_bar(self, bar: Bar) -> None:
        """Take a finished bar, also one of the past."""
        if not bar.flags & EventFlag.BACKFILL:
            self._first(bar, bar.event_ns, bar.start_ns if self.candles.parts.fits(bar.period) else bar.event_ns)
        if not self._has_bars and self._source is None:
            self._choose_basis(bar.basis)
        self.candles.add(bar)
        if bar.basis != self.candles.basis:
            return
        self._has_bars = True
        for watch in self.watches.values():
            if self.candles.follows(watch.period, bar.period):
                watch.touched.add(bar.start_ns)
        if bar.period == "1m" and bar.start_ns > self._spark_ns:
            self._spark_ns = bar.start_ns
            self._spark.append(bar.close)
            self.spark_changed = True
        if self._source is None and bar.event_ns > self.time_ns:
            self.time_ns = bar.event_ns
            self._priced(bar.close, bar.start_ns)

    def on_depth(self, depth: Depth) -> None:
        """Take an order book."""
        self.depth = depth
        self.depth_changed = True

    def on_marker(self, event: Fill | SignalEvent) -> None:
        """Take a fill or a signal; one that is known already changes nothing."""
        row = _adapter.fill_marker(event) if isinstance(event, Fill) else _adapter.signal_marker(event)
        if row["key"] in self._marked:
            return
        self._marked.add(row["key"])
        self.markers.append(row)
        if len(self.markers) > _MARKERS:
            self._marked.discard(self.markers.popleft()["key"])
        self.new_markers.append(row)

    # ---- who looks

    def watch(self, period: str, through: int) -> Watch:
        """Return the watch of a period, with one page more; changes are counted from event `through` on."""
        watch = self.watches.get(period)
        if watch is None:
            watch = self.watches[period] = Watch(period, through, self.candles.calendar)
        watch.pages += 1
        return watch

    def unwatch(self, period: str) -> None:
        """Take one page from the watch of a period; the last one ends it."""
        watch = self.watches.get(period)
        if watch is not None:
            watch.pages -= 1
            if watch.pages <= 0:
                del self.watches[period]

    def forget_news(self) -> None:
        """Begin to collect anew what is to be sent."""
        self.new_trades = 0
        self.new_markers = []
        self.plots.forget_news()
        self.depth_changed = self.spark_changed = False

    # ---- rows

    def quote(self) -> Row:
        """Return the quote of the watch list; `change` is a fraction of yesterday's close, or of the day's first price."""
        tick = self.tick
        return {
            "name": self.name,
            "time_ms": self.time_ns // NS_PER_MILLISECOND,
            "last": self.last,
            "change": self.last / self._base() - 1 if self._base() > 0 else math.nan,
            "bid": tick.bid_price if tick else math.nan,
            "bid_size": tick.bid_size if tick else math.nan,
            "ask": tick.ask_price if tick else math.nan,
            "ask_size": tick.ask_size if tick else math.nan,
        }

    def spark(self) -> list[float]:
        """Return the closes of recent minutes, the last price at their end."""
        return [*self._spark, self.last] if self.last == self.last else list(self._spark)

    def terms(self) -> Row:
        """Return the instrument's terms for the page."""
        return _adapter.instrument(self.instrument, self.decimals)

    # ---- inside

    def _chooses(self, tick: Tick) -> bool:
        # As the core's bar builder does: a last price makes candles; of a currency pair without one the mean of bid and ask does.
        if tick.last_price == tick.last_price:
            self._choose_basis(BarBasis.LAST)
            return True
        if self.instrument.kind == "fx":
            self._choose_basis(BarBasis.MID)
            return True
        return False

    def _choose_basis(self, basis: BarBasis) -> None:
        if basis != self.candles.basis:
            old, self.candles = self.candles, CandleBook(basis, self.candles.calendar)
            self.candles.see(old.seen_from_ns)

    def _first(self, event: Tick | TradeTick | Bar, at_ns: int, from_ns: int) -> None:
        # From when on everything is known, on the venue's clock, which may be years behind ours when old data is replayed.
        ahead_ns = event.time_ns - self._read_from_ns
        self.candles.see(min(from_ns, at_ns - max(ahead_ns, 0)))

    def _priced(self, price: float, at_ns: int) -> None:
        day = at_ns // NS_PER_DAY
        if day != self._day:
            self._day, self._day_base = day, price if math.isnan(self.last) else self.last
        self.last = price
        shown = _adapter.guessed_decimals(self.instrument, price)
        if shown is not None:
            self.decimals = max(shown, self.decimals or 0)

    def _base(self) -> float:
        for before in (self.tick.prev_settlement, self.tick.prev_close) if self.tick else ():
            if before > 0:
                return before
        return self._day_base

    def _touch(self, second_ns: int) -> None:
        if second_ns:
            for watch in self.watches.values():
                watch.touched.add(second_ns)

    def _tape_of(self, tick: Tick) -> None:
        size = tick.last_size
        if tick.volume_kind == VolumeKind.DAY:
            grown = tick.volume - self._volume_before
            self._volume_before = tick.volume
            if not grown > 0:
                return
            size = grown
        if size > 0 and tick.last_price == tick.last_price:
            self.tape.append(_adapter.tick_trade(tick, size))
            self.new_trades += 1
