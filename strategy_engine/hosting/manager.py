"""The strategy manager: runs the strategies of one process on one reader."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from gcg_quant import clock
from gcg_quant.busy_mark import BusyMark, mark_path
from gcg_quant.cold_events import REFILLED
from gcg_quant.component import event_handler
from gcg_quant.events import (
    AccountEvent,
    Bar,
    BookDelta,
    Depth,
    Event,
    Fill,
    GapEvent,
    GatewayStatus,
    OrderEvent,
    PositionEvent,
    RiskVerdict,
    SignalEvent,
    StrategyControlEvent,
    Tick,
    TimerEvent,
    TradeTick,
    World,
)
from gcg_quant.open_calendars import OpenCalendars
from gcg_quant.stateful import Stateful

from ..strategy.account_view import AccountBook
from ..strategy.bar_book import BarBook, periods_of
from ..strategy.market import Market
from ..strategy.session import Session
from ..strategy.timers import Timers
from .adapter import StrategyAdapter
from .commands import Commands
from .diary import Diary
from .discovery import StrategyFile
from .feeds import Feeds
from .file_watch import FileWatch
from .hosted import StrategyInfo
from .loader import StrategyLoader
from .recovery import Past
from .restart import plan_restart
from .roster import LoadRequest, Roster
from .routes import Routes
from .start_list import StartList

if TYPE_CHECKING:
    from gcg_quant.settings import Settings

__all__ = ["StrategyManager"]

_METRICS_EVERY_S = 10.0
_DOWN = ("disconnected", "halted")  # words of GatewayStatus


class StrategyManager(Stateful[Past]):
    """Loads and runs strategies as `StrategyControlEvent`s say, and routes events to them.

    The actions are "load", "run" (load and start), "start", "stop", "unload", "reload" and "set_parameters". Each is answered by an
    `Applied` on the market lane, with what was wrong in `detail`; each change of a state by a `StrategyStatusEvent`, with the command as
    its cause. One thread and one reader serve all strategies; a strategy that throws is stopped, and the others run on.

    After a restart of its process the strategies are loaded again, and started if they ran, with their positions and open orders.

    Args:
        folders: where strategy files may lie, besides the shipped folder.
        load: what to load at the start.
        adapters: for strategy classes of other frameworks.
        account: the account of strategies that name none.
        accounts: all that a strategy may name; any if there are none.
        bar_periods: the periods of the bars that the bus carries; other periods are aggregated from them.
        reload_changed: send a "reload" for a strategy whose file changes.
        event_time: the strategies' clock is the market's, as in a backtest: for recorded data that is played on a paper bus.
    """

    capabilities = ("strategies",)

    def __init__(
        self,
        folders: Iterable[Path | str] = (),
        *,
        load: Sequence[LoadRequest] = (),
        adapters: Sequence[StrategyAdapter] = (),
        account: str = "",
        accounts: Sequence[str] = (),
        bar_periods: Sequence[str] = ("1s", "1m"),
        reload_changed: bool = False,
        event_time: bool = False,
        name: str = "strategies",
    ) -> None:
        super().__init__(name, start="end")
        self.accepts_orders = False
        self._loader = StrategyLoader(folders, adapters)
        self._load = tuple(load)
        self._account = account
        self._accounts = tuple(accounts)
        self._bar_periods = tuple(bar_periods)
        self._market_clock = event_time
        self.event_time = event_time
        self._now_ns = 0
        self._feeds = Feeds(self)
        self._reload_changed = reload_changed
        self._watch: FileWatch | None = None
        self._calendars: OpenCalendars | None = None
        self._metrics_at = 0.0
        self._begin()

    @classmethod
    def from_settings(cls, settings: Settings, adapters: Sequence[StrategyAdapter] = ()) -> Self:
        """Return a manager for `[strategies]`, the accounts of `[trading]`, and the bars of `[bars]` and `[replay]`."""
        return cls(
            settings.strategy_folders,
            load=[LoadRequest.of_entry(entry) for entry in settings.strategies.load],
            adapters=adapters,
            account=settings.trading.account,
            accounts=settings.trading.names,
            bar_periods=periods_of(settings),
            reload_changed=settings.strategies.reload_changed,
            event_time=bool(settings.replay.data),
        )

    # ---- what it has

    def discover(self) -> list[StrategyFile]:
        """Return every strategy file that may be loaded, without running any."""
        return self._loader.discover()

    def strategies(self) -> list[StrategyInfo]:
        """Return what is loaded, in the order of loading."""
        return [hosted.info() for hosted in self._roster]

    # ---- its life

    def on_start(self) -> None:
        """Take up what the journal knows, then load what the settings and the journal say."""
        self.event_time = self._market_clock or self.bus.world not in (World.LIVE, World.PAPER)
        self._now_ns = 0 if self.event_time else clock.now_ns()
        self._prepare()
        if self.bus.world in (World.LIVE, World.PAPER):
            self._roster.mark = BusyMark(mark_path(self.bus.path, self.name))
        if self._reload_changed:
            self._watch = FileWatch(self._loader.folders, self._ask_for_reload)
        cursor = self.reader.cursor
        past = self.recover(cursor).copy()
        self._diary.begin(
            cursor,
            self._now_ns,
            event_time=self.event_time,
            account=self._account,
            accounts=self._accounts,
            bar_periods=self._bar_periods,
            load=self._load,
        )
        self._calendars = OpenCalendars(self.bus)
        self._calendars.look()
        self._take_up(past)
        self._waiting.start_ready(self.market.knows, self._now_ns)

    def on_stop(self) -> None:
        """Call on_stop of the running strategies; no order leaves any more."""
        self._diary.end(self._now_ns)
        self.accepts_orders = False
        if self._watch is not None:
            self._watch.stop()
            self._watch = None
        self._roster.close(self._now_ns)
        self._feeds.close()

    def on_batch(self) -> None:
        """Let coroutines go on, publish timers that are due and, now and then, measurements."""
        self._roster.turn()
        if self._waiting:
            self._waiting.start_ready(self.market.knows, self._now_ns)
        due_at = self._now_ns if self.event_time else clock.now_ns()
        for timer, cause in self._timers.due(due_at):
            self.publish(timer, cause=cause)
        if time.monotonic() >= self._metrics_at:
            self._publish_metrics()

    def on_idle(self) -> None:
        """Do the same while nothing comes, and be ready for the first prices of new instruments."""
        self.on_batch()
        if self._calendars is not None:
            self._calendars.look()

    def new_fold(self) -> Past:
        """Return an empty past."""
        return Past()

    # ---- commands

    @event_handler(StrategyControlEvent)
    def handle_control(self, event: StrategyControlEvent) -> None:
        """Do what the command says and answer it."""
        self._advance(event)
        self._commands.handle(event, self._now_ns)

    # ---- market data

    def _on_tick(self, tick: Tick) -> None:
        self.market.note_tick(tick)
        self._deliver("on_tick", tick)

    def _on_trade(self, trade: TradeTick) -> None:
        self.market.note_trade(trade)
        self._deliver("on_trade", trade)

    def _on_depth(self, depth: Depth) -> None:
        self._deliver("on_depth", depth)

    def _on_delta(self, delta: BookDelta) -> None:
        self._deliver("on_delta", delta)

    def _on_bar(self, bar: Bar) -> None:
        self.market.note_bar(bar)
        self._advance(bar)
        for closed in self.bar_book.add(bar):
            for hosted in self._routes.of_bar(closed, self.bar_book.basis(closed.symbol, closed.venue)):
                hosted.handle("on_bar", closed, bar.id, self._now_ns)

    def _deliver(self, callback: str, event: Tick | Depth | BookDelta | TradeTick) -> None:
        now_ns = self._advance(event)
        for hosted in self._routes.of_market(callback, event):
            hosted.handle(callback, event, event.id, now_ns)

    # ---- what becomes of orders

    @event_handler(OrderEvent)
    def handle_order(self, event: OrderEvent) -> None:
        """Fold an order's change into its strategy's portfolio and tell the strategy."""
        self._roster.portfolios[event.strategy].order(event)
        self._tell(event.strategy, "on_order", event)

    @event_handler(Fill)
    def handle_fill(self, event: Fill) -> None:
        """Fold a fill into its strategy's portfolio and tell the strategy."""
        self._roster.portfolios[event.strategy].fill(event)
        self._tell(event.strategy, "on_fill", event)

    @event_handler(PositionEvent)
    def handle_position(self, event: PositionEvent) -> None:
        """Take over a position from the trading engine."""
        self._roster.portfolios[event.strategy].settle(event)

    @event_handler(AccountEvent)
    def handle_account(self, event: AccountEvent) -> None:
        """Note what the trading engine tells of an account."""
        self.account_book.note(event)

    @event_handler(RiskVerdict)
    def handle_verdict(self, event: RiskVerdict) -> None:
        """Close an order that risk refused."""
        self._roster.portfolios[event.strategy].verdict(event)

    # ---- the rest

    @event_handler(SignalEvent)
    def handle_signal(self, event: SignalEvent) -> None:
        """Show a signal to the other strategies of its symbol."""
        now_ns = self._advance(event)
        for hosted in self._routes.matching(event):
            if hosted.id != event.strategy:
                hosted.handle("on_signal", event, event.id, now_ns)

    @event_handler(GapEvent)
    def handle_gap(self, event: GapEvent) -> None:
        """Tell the strategies of a symbol that data is missing."""
        now_ns = self._advance(event)
        if event.kind == REFILLED:
            return
        for hosted in self._routes.matching(event):
            hosted.handle("on_gap", event, event.id, now_ns)
            if event.kind == "disconnect":
                hosted.handle("on_disconnect", event, event.id, now_ns)

    @event_handler(GatewayStatus)
    def handle_gateway(self, event: GatewayStatus) -> None:
        """Tell the strategies of an account that its gateway is down."""
        now_ns = self._advance(event)
        if event.status in _DOWN:
            for hosted in self._roster:
                if hosted.session.account in ("", event.account):
                    hosted.handle("on_disconnect", event, event.id, now_ns)

    @event_handler(TimerEvent)
    def handle_timer(self, event: TimerEvent) -> None:
        """Tell the strategy whose timer it is, if that is still set."""
        if event.source == self.name and self._timers.knows(event.component, event.name):
            self._timers.done(event)
            self._tell(event.component, "on_timer", event)

    def _tell(self, strategy_id: str, callback: str, event: Event) -> None:
        now_ns = self._advance(event)
        hosted = self._roster.find(strategy_id)
        if hosted is not None:
            hosted.handle(callback, event, event.id, now_ns)

    def symbols_changed(self) -> None:
        """Bring a strategy what it has subscribed to (for its session)."""
        self._refresh()

    def set_timer(self, session: Session, name: str, interval_ns: int, repeat: bool) -> None:
        """Set a timer of a strategy (for its session)."""
        self._timers.set(session.strategy_id, name, session.now_ns, interval_ns, repeat, session.cause)

    def cancel_timer(self, session: Session, name: str) -> None:
        """Forget a timer of a strategy (for its session)."""
        self._timers.cancel(session.strategy_id, name)

    # ---- inside

    def _prepare(self) -> None:
        self._diary = Diary(self)
        self.market = Market(self.bus)
        self.account_book = AccountBook()
        self.bar_book = BarBook(self.history, self._bar_periods, self.market.sessions, self._diary.note)
        self._begin()
        self.accepts_orders = True

    def _take_up(self, past: Past) -> None:
        self._roster.portfolios.update(past.portfolios)
        self.account_book = past.accounts
        self._commands.answer_late(past)
        for planned in plan_restart(self._load, past):
            self._commands.load(planned, self._now_ns)

    def _begin(self) -> None:
        self._timers = Timers()
        self._roster = Roster(self, self._loader, self._timers, self._account, self._refresh, self._accounts)
        self._routes = Routes(self._roster)
        self._waiting = StartList(self._roster, lambda text, level: self.log(text, level=level), self._answer)
        self._commands = Commands(self, self._roster, self._waiting)

    def _answer(self, control: int, ok: bool, detail: str) -> None:
        self._commands.answer(control, ok, detail)

    def _advance(self, event: Event) -> int:
        # On a live or paper bus the journal's own stamp is the clock: it never goes back and is ours. In a backtest or a replay
        # time is the market's, and an event without one does not move it.
        time_ns = (getattr(event, "event_ns", 0) or 0) if self.event_time else event.time_ns
        self._now_ns = max(self._now_ns, time_ns)
        return self._now_ns

    def _refresh(self) -> None:
        self._routes.clear()
        hosted = list(self._roster)
        self.bar_book.want({period for one in hosted for period in one.strategy.wanted_periods()}, self._now_ns)
        self._feeds.want(Tick, self._on_tick, hosted)
        self._feeds.want(Bar, self._on_bar, hosted)
        self._feeds.want(Depth, self._on_depth, [one for one in hosted if one.handles("on_depth")])
        self._feeds.want(BookDelta, self._on_delta, [one for one in hosted if one.handles("on_delta")])
        self._feeds.want(TradeTick, self._on_trade, [one for one in hosted if one.handles("on_trade")])
        if self._watch is not None:
            self._watch.want({path: digest for one in hosted for path, digest in one.loaded.digests.items()})

    # On the watch's own thread: the command takes its way over the bus, as everybody's does.
    def _ask_for_reload(self, path: Path) -> None:
        for hosted in self._roster:
            if path in hosted.loaded.digests:
                self.publish(StrategyControlEvent(action="reload", strategy=hosted.id), cause=0)

    def _publish_metrics(self) -> None:
        self._metrics_at = time.monotonic() + _METRICS_EVERY_S
        for hosted in self._roster:
            for metric in hosted.metrics(self.name):
                self.publish(metric)
