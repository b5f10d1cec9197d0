"""The bridge between the bus and the pages: events in, messages out, and the pages' changes back onto the bus."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import ClassVar

from pydantic import ValidationError

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_HOUR, NS_PER_MILLISECOND, now_ns
from gcg_quant.component import event_handler
from gcg_quant.events import (
    AccountEvent,
    AlertAcknowledgeEvent,
    AlertEvent,
    Applied,
    Bar,
    ChartConfigEvent,
    ConfigChangeEvent,
    Depth,
    Fill,
    GatewayStatus,
    Lane,
    LogEvent,
    OrderEvent,
    PlotEvent,
    PositionEvent,
    SignalEvent,
    StrategyStatusEvent,
    Tick,
    TradeTick,
)
from gcg_quant.histogram import Histogram
from gcg_quant.history import History
from gcg_quant.instruments import Instrument
from gcg_quant.open_calendars import OpenCalendars
from gcg_quant.periods import period_start
from gcg_quant.reader import BusReader, Cursor
from gcg_quant.sections import ChartSettings
from gcg_quant.settings import Settings
from gcg_quant.stateful import Stateful

from .adapter import EventToChartAdapter
from .charts import ChartManager, Window
from .config.page_config import Document
from .indicators import Kind
from .ledger import Ledger
from .pages import messages
from .pages.desk import Desk
from .pages.hub import Hub, Parcel
from .pages.line_messages import Asked
from .series.market_view import MarketView
from .series.markets import Markets
from .series.plots import Place

__all__ = ["WebSocketEventBridge"]

_FLUSH_S = 0.05
_STATUS_S = 1.0
_PAST_EVENTS = 3_000_000  # how many events of the market lane are looked through for markers, and without a snapshot for rows
_PAST_LOG = 20_000
_PAST_PLOTS = 500_000
_PAST_BARS_NS = NS_PER_HOUR


class WebSocketEventBridge(Stateful[Ledger]):
    """Keeps what the pages show up to date and sends its changes, at most 20 times a second, each message encoded once.

    It polls (a page needs no microseconds) and holds `markets.lock` while it handles a batch, so that snapshots are consistent.

    Args:
        settings: [chart] is what a page shows first.
        name: of the component.
        kinds: indicators that pages may choose beside those of the catalogue.
    """

    capabilities: ClassVar[tuple[str, ...]] = ("charts",)

    def __init__(self, settings: Settings, name: str = "charts", kinds: Sequence[Kind] = ()) -> None:
        super().__init__(name, wait="sleep", sleep_s=0.01)
        self.settings = settings
        self.kinds = {kind.name: kind for kind in kinds}
        self.hub = Hub()
        self.markets = Markets()
        self.charts = ChartManager(self.markets)
        self._ledger = Ledger(self._terms)
        self.desk = Desk(self)
        self._changed: set[MarketView] = set()
        self._meter = messages.RateMeter()
        self._next_flush_s = self._next_status_s = 0.0
        self._calendars: OpenCalendars | None = None
        self._oldest_ns = 0  # when the first tick was published that no page has been told of
        self.delivery = Histogram()  # from a tick on the bus until its messages go out, s: the oldest tick of each flush

    # ---- its life

    def start(self, bus: EventBus, history: History | None = None, *, threaded: bool = True) -> None:
        """Open the reader at the beginning of this minute and start the thread."""
        self.charts.history = history
        super().start(bus, history, threaded=threaded)

    def open_reader(self, bus: EventBus) -> BusReader:
        """Begin where this minute began, so that its candles are complete."""
        self.markets.open(bus.instruments, period_start(now_ns(), "1m"))
        self._ledger = Ledger(self._terms)
        reader = super().open_reader(bus)
        reader.seek_time(self.markets.read_from_ns)
        return reader

    def new_fold(self) -> Ledger:
        """Return an empty ledger."""
        return Ledger(self._terms)

    def on_start(self) -> None:
        """Take up the drawer's rows, and look through the newest part of the journal for what the charts show of the past."""
        bus = self.bus
        self._calendars = OpenCalendars(bus)
        self._calendars.look()
        with self.markets.lock:
            with bus.reader(start="begin", events=[Fill, SignalEvent]) as past:
                begin = past.cursor
                market = max(begin.market, bus.head(Lane.MARKET) - _PAST_EVENTS)
                log = max(begin.log, bus.head(Lane.LOG) - _PAST_LOG)
                cursor = Cursor(begin.bus_id, begin.epoch, begin.control, market, log)
                self._ledger = self.recover(begin=cursor).copy()
                past.seek(cursor)
                self._look_through(past)
            with bus.reader(start="begin", events=[PlotEvent]) as plots:
                begin = plots.cursor
                log = max(begin.log, bus.head(Lane.LOG) - _PAST_PLOTS)
                plots.seek(Cursor(begin.bus_id, begin.epoch, bus.head(Lane.CONTROL), bus.head(Lane.MARKET), log))
                self._look_through(plots)
            with bus.reader(start="begin", events=[Bar]) as bars:
                bars.seek_time(self.markets.read_from_ns - _PAST_BARS_NS)
                self._look_through(bars)
        self._forget_news()
        self.hub.drop_all()

    def _look_through(self, past: BusReader) -> None:
        ends = [self.bus.head(lane) for lane in Lane]
        while not self.stopping and (events := past.read_many(5_000)):
            for event in events:
                if isinstance(event, Fill):
                    self._mark(event)  # its row is in the ledger
                else:
                    self.dispatch(event)
            cursor = past.cursor
            if all(at >= end for at, end in zip((cursor.control, cursor.market, cursor.log), ends, strict=True)):
                break

    def read_batch(self) -> int:
        """Read and dispatch one batch under the lock."""
        if not self.reader.wait(0.02):
            return 0
        with self.markets.lock:
            count = self.handle_waiting(0.0)
            self.markets.position = self.reader.cursor.market - 1
        return count

    def on_batch(self) -> None:
        """Send what has changed, if it is time."""
        self._flush()

    def on_idle(self) -> None:
        """Send what has changed, if it is time, and be ready for the first prices of new instruments."""
        self._flush()
        if self._calendars is not None:
            self._calendars.look()

    # ---- events

    @event_handler(Tick)
    def on_tick(self, tick: Tick) -> None:
        """Take a live tick."""
        view = self.markets.numbered(tick.instrument)
        view.on_tick(tick)
        self._changed.add(view)
        self._oldest_ns = self._oldest_ns or tick.time_ns

    @event_handler(TradeTick)
    def on_trade(self, trade: TradeTick) -> None:
        """Take a live trade."""
        view = self.markets.numbered(trade.instrument)
        view.on_trade(trade)
        self._changed.add(view)

    @event_handler(Bar, backfill=True)
    def on_bar(self, bar: Bar) -> None:
        """Take a finished bar, also one of the past."""
        view = self.markets.numbered(bar.instrument)
        view.on_bar(bar)
        self._changed.add(view)

    @event_handler(Depth)
    def on_depth(self, depth: Depth) -> None:
        """Take an order book."""
        view = self.markets.numbered(depth.instrument)
        view.on_depth(depth)
        self._changed.add(view)

    @event_handler(Fill)
    def on_fill(self, fill: Fill) -> None:
        """Take a fill: a marker and a row."""
        self._ledger.on_fill(fill)
        self._mark(fill)

    @event_handler(SignalEvent)
    def on_signal(self, signal: SignalEvent) -> None:
        """Take a signal: a marker; of a model, which speaks after each bar, a point of its line."""
        probability = EventToChartAdapter.model_probability(signal)
        if probability is None or not signal.symbol:
            self._mark(signal)
            return
        view = self.markets.named(EventToChartAdapter.name(signal.symbol, signal.venue))
        view.plots.put(signal.strategy, "probability", "below", signal.event_ns // NS_PER_MILLISECOND, probability)
        self._changed.add(view)

    @event_handler(PlotEvent)
    def on_plot(self, point: PlotEvent) -> None:
        """Take a point that a strategy draws."""
        place: Place = "below" if point.place == "below" else "price"
        view = self.markets.named(EventToChartAdapter.name(point.symbol, point.venue))
        view.plots.put(point.strategy, point.name, place, point.event_ns // NS_PER_MILLISECOND, point.value)
        self._changed.add(view)

    def _mark(self, event: Fill | SignalEvent) -> None:
        if isinstance(event, Fill):
            view = self.markets.numbered(event.instrument)
        elif event.symbol:
            view = self.markets.named(EventToChartAdapter.name(event.symbol, event.venue))
        else:
            return
        view.on_marker(event)
        self._changed.add(view)

    @event_handler(OrderEvent)
    def on_order(self, order: OrderEvent) -> None:
        """Take an order's state."""
        self._ledger.on_order(order)

    @event_handler(PositionEvent)
    def on_position(self, position: PositionEvent) -> None:
        """Take a position."""
        self._ledger.on_position(position)

    @event_handler(AccountEvent)
    def on_account(self, account: AccountEvent) -> None:
        """Take an account."""
        self._ledger.on_account(account)

    @event_handler(StrategyStatusEvent)
    def on_strategy(self, status: StrategyStatusEvent) -> None:
        """Take a strategy's state."""
        self._ledger.on_strategy(status)

    @event_handler(LogEvent, AlertEvent)
    def on_log(self, event: LogEvent | AlertEvent) -> None:
        """Take a log line or an alert."""
        self._ledger.on_log(event)

    @event_handler(AlertAcknowledgeEvent, GatewayStatus)
    def on_attention(self, event: AlertAcknowledgeEvent | GatewayStatus) -> None:
        """Take what may need a person, or no longer."""
        self._ledger.attention.apply(event)

    @event_handler(ConfigChangeEvent)
    def on_config(self, change: ConfigChangeEvent) -> None:
        """Take what is asked of the kill switch, and what a page shows first."""
        self._ledger.on_kill(change)
        chart = {key.removeprefix("chart."): value for key, value in change.changes.items() if key.startswith("chart.")}
        if chart:
            with contextlib.suppress(ValidationError):  # somebody's command that makes no sense
                changed = ChartSettings.model_validate({**self.settings.chart.model_dump(), **chart})
                self.settings = self.settings.model_copy(update={"chart": changed})

    @event_handler(ChartConfigEvent)
    def on_chart_config(self, change: ChartConfigEvent) -> None:
        """Take a change of the page's configuration."""
        self._ledger.config.apply(change)

    @event_handler(Applied)
    def on_applied(self, applied: Applied) -> None:
        """Take what has become of the kill switch, and tell the page that asked what became of its command."""
        self._ledger.on_kill(applied)
        self.desk.applied(applied)

    # ---- messages

    def greeting(self, client: int) -> str:
        """Return the first message for the new page `client`. From any thread."""
        views = self.charts.views()
        with self.markets.lock:
            return messages.greeting(self.bus, self.settings.chart, views, self._ledger, client, self._time_ms())

    def config(self) -> Document:
        """Return the page's configuration. From any thread."""
        with self.markets.lock:
            return self._ledger.config.document(self.settings.chart)

    def change_config(self, patch: Document, client: str) -> Document:
        """Change the page's configuration and return all of it as it will be at once. From any thread.

        Raises:
            EventError: the patch makes no sense; nothing has changed.
        """
        with self.markets.lock:
            changed = self._ledger.config.check(patch, self.settings.chart)
            self.publish(ChartConfigEvent(client=client, options=patch), cause=0)
        return changed

    def newest_messages(self) -> list[str]:
        """Return the newest state of what everybody is told, for a page that has not kept up. From any thread."""
        views = self.charts.views()
        with self.markets.lock:
            return messages.newest(self.settings.chart, views, self._ledger)

    def history_message(self, name: str, period: str, request: int, window: Window, pane: int = 0, asked: Sequence[Asked] = ()) -> str:
        """Return the answer to a subscription. From any thread."""
        with self.markets.lock:
            return messages.history(self.markets.named(name), period, request, window, pane, asked)

    def book_message(self, name: str) -> str:
        """Return depth and tape of an instrument, which one page more reads from now on. From any thread."""
        view = self.charts.view(name)
        with self.markets.lock:
            view.readers += 1
            return messages.book(view)

    def terms_of(self, name: str) -> tuple[str, str]:
        """Return symbol and venue behind the page's name of an instrument that is shown. From any thread."""
        with self.markets.lock:
            instrument = self.markets.named(name).instrument
            return instrument.symbol, instrument.venue

    def users_of(self, name: str) -> list[str]:
        """Return who needs the market data of an instrument: running strategies, and "an open position". From any thread."""
        with self.markets.lock:
            return self._ledger.users_of(name)

    def _flush(self) -> None:
        now_s = time.monotonic()
        if now_s < self._next_flush_s:
            return
        self._next_flush_s = now_s + _FLUSH_S
        oldest_ns, self._oldest_ns = self._oldest_ns, 0
        with self.markets.lock:
            parcels = self._news() if self.hub.pages else []
            self._forget_news()
            if now_s >= self._next_status_s:
                self._next_status_s = now_s + _STATUS_S
                parcels += self._status(now_s)
            self.hub.post(parcels)  # under the lock: who joins an audience after it gets the next one
        if oldest_ns and self.hub.pages:
            self.delivery.observe((now_ns() - oldest_ns) / 1e9)

    def _news(self) -> list[Parcel]:
        parcels = messages.quotes(self._changed)
        for view in self._changed:
            parcels += messages.news_of(view, self.markets.position)
        parcels += messages.tables(self._ledger.take()) + messages.kill(self._ledger.take_kill())
        return parcels + messages.config(self._ledger.config.take()) + messages.attention(self._ledger.attention.take())

    def _forget_news(self) -> None:
        for view in self._changed:
            view.forget_news()
        self._changed.clear()
        if not self.hub.pages:
            self._ledger.take()
            self._ledger.take_kill()
            self._ledger.config.take()
            self._ledger.attention.take()

    def _status(self, now_s: float) -> list[Parcel]:
        # Once a second: the rate of events, the value of positions, new instruments, commands that nobody took.
        self._ledger.on_prices({view.name: view.last for view in self.markets})
        self.desk.expire(now_s)
        if (whole := self._ledger.config.whole(now_ns())) is not None:
            self.publish(whole, cause=0)
        status = self._meter.status(self.bus, self.reader.lag, now_s, self._time_ms())
        return messages.instruments(self.markets.take_changed()) + status

    def _time_ms(self) -> int:
        # Data that is replayed is as old as its market says, not as old as it is today.
        time_ns = self.markets.newest_ns if self.settings.replay.data else 0
        return (time_ns or now_ns()) // NS_PER_MILLISECOND

    def _terms(self, symbol: str, venue: str) -> Instrument:
        return self.markets.named(EventToChartAdapter.name(symbol, venue)).instrument
