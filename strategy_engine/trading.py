"""The trading engine: the one component of an account that turns requests into orders."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from gcg_quant.component import event_handler
from gcg_quant.errors import ComponentError, SettingsError
from gcg_quant.events import (
    AlertEvent,
    Applied,
    Bar,
    BookDelta,
    CancelRequest,
    ConfigChangeEvent,
    Depth,
    Funding,
    GatewayStatus,
    InstrumentEvent,
    Lane,
    MarketDataEvent,
    ModifyRequest,
    OrderRequest,
    SystemEvent,
    Tick,
    TimerEvent,
    TradeTick,
    World,
)
from gcg_quant.kill_switch import KILL_ACCOUNT, KILL_ON
from gcg_quant.open_calendars import OpenCalendars
from gcg_quant.reader import Cursor
from gcg_quant.stateful import Stateful

from .accounts.accounts import Accounts
from .accounts.currencies import CurrencyRates
from .accounts.funding_book import FundingBook
from .desk.beginning import TRADING_BEGAN, TRADING_ENDED, TradingBeginning
from .desk.books import Books
from .desk.desk import TradingDesk
from .desk.fold import TradingFold
from .desk.restart import finish
from .desk.seed import last_of_each_kind
from .gateways.base import Gateway, GatewayReport
from .gateways.paper import PaperGateway
from .orders.manager import OrderManager, Publish
from .risk.engine import RiskEngine
from .risk.limits import RiskLimits, RiskRules
from .venue.desk import VenueDesk
from .venue.halt import RESUME
from .venue.link import VenueLink

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.history import History
    from gcg_quant.settings import Settings

__all__ = ["TradingConfig", "TradingEngine"]

_SEED_NS = 60_000_000_000  # market data of this long before the last own event shows where the market stood
_SEED_EVENTS = 500_000  # ... but not of more events than these, which are seconds of a very busy market
_SEQ = (1 << 60) - 1


class TradingConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a trading engine needs to know of its account."""

    account: str = "paper"
    currency: str = "USD"
    cash: float = 1_000_000.0  # of a new account, in its currency; later the journal knows better
    default: bool = True  # requests that name no account are this one's, too
    mark_interval_ns: int = 1_000_000_000  # least event time between two marks of an instrument or a currency
    hold_ns: int = 0  # event time that new orders wait for a real gateway that is down; 0 refuses them at once
    stale_ns: int = 10_000_000_000  # older than this, what was left over from a restart or a lost connection is not sent any more
    answer_ns: int = 10_000_000_000  # event time after which an order or a cancel that a real venue has not answered is looked up
    cash_tolerance: float = 0.01  # how far the cash of a real venue may be from ours, in its currency


_MARKET = (Tick, TradeTick, Depth, BookDelta, Bar)


class TradingEngine(Stateful[TradingFold]):
    """One account's risk, orders, accounts and gateway, which call each other directly and publish every step in order.

    OrderRequest -> RiskVerdict -> OrderEvent SUBMITTING -> OrderCommand -> OrderEvent ACCEPTED -> Fill -> OrderEvent -> PositionEvent ->
    AccountEvent. Its state is what the journal says: after a restart it reads its newest snapshot and its own events behind it without
    publishing anything, finishes what was left half done, and goes on after the last event it had handled. It refuses to start on a
    replay or import bus.

    Args:
        config: the account.
        rules: the risk limits; changed while running by ConfigChangeEvents with "risk." keys.
        gateway: where orders go; a PaperGateway without latency if None.
        name: its name as a component, "trading-ACCOUNT" if empty.
    """

    capabilities: ClassVar[tuple[str, ...]] = ("trading", "risk", "accounts")

    def __init__(
        self,
        config: TradingConfig | None = None,
        rules: RiskRules | RiskLimits | None = None,
        gateway: Gateway | None = None,
        *,
        name: str = "",
    ) -> None:
        self.config = config or TradingConfig()
        super().__init__(name or f"trading-{self.config.account}", durable=True)
        self._rules = RiskRules(limits=rules) if isinstance(rules, RiskLimits) else rules or RiskRules()
        self._gateway = gateway or PaperGateway()
        self._handled_before = 0
        self._told = False  # where it began is on the journal
        self._desk: TradingDesk | None = None
        self._link: VenueLink | None = None
        self._calendars: OpenCalendars | None = None

    @classmethod
    def from_settings(cls, settings: Settings, account: str = "") -> TradingEngine:
        """Return the engine that `[trading]` and `[risk]` describe: of an account by name, of the default one without.

        Raises:
            SettingsError: there is no such account, or its settings cannot be used.
        """
        from .gateways.kinds import make_gateway  # with what checks settings, which the tick engine does without

        default = account in ("", settings.trading.account)
        settings = settings if default else settings.of_account(account)
        trading = settings.trading
        hold_ns = round(trading.hold_s * 1e9)
        config = TradingConfig(
            account=trading.account,
            currency=trading.currency,
            cash=trading.cash,
            default=default,
            hold_ns=hold_ns,
            cash_tolerance=settings.gateway.cash_tolerance,
        )
        try:
            gateway = make_gateway(settings)
        except SettingsError as error:
            if default:
                raise
            raise SettingsError(f"[[trading.accounts]] {account!r}: {error.message}", **error.context) from None
        return cls(config, RiskRules().changed(settings.risk.model_dump()), gateway)

    @property
    def desk(self) -> TradingDesk:
        """The desk with orders, books and risk; for its own thread and for looking after it has stopped.

        Raises:
            ComponentError: it was never started.
        """
        if self._desk is None:
            raise ComponentError(f"Component {self.name!r} has not been started: call start(bus) first.", name=self.name)
        return self._desk

    # ---- its life

    def start(self, bus: EventBus, history: History | None = None, *, threaded: bool = True) -> None:
        """Start it on a bus, with a thread or driven by hand.

        Raises:
            ComponentError: it runs already; the bus is a replay or import; its gateway is real and the bus is not live.
        """
        if bus.world in (World.REPLAY, World.IMPORT):
            raise ComponentError(
                f"Component {self.name!r} does not trade on {bus.world.name.lower()} buses: run it on a live, paper or backtest one.",
                name=self.name,
                world=bus.world,
            )
        self._gateway.check_world(bus.world)
        super().start(bus, history, threaded=threaded)

    def on_start(self) -> None:
        """Open the gateway, read back what the journal says, finish what was left half done, and go on from there."""
        desk = self._desk = self._make_desk(self._gateway)
        fold = TradingFold(desk, self.name, self._is_ours)
        head = self.head_of_bus()
        fold.load(self._recovered(head))
        start = self._resume_at(fold)
        self._tell_beginning(head, start)
        self._commit()  # one that is killed before its first batch is done must not begin at the journal's end
        self._seed(start, fold.last_time_ns)
        self._handled_before = start
        if fold.kill_switch:
            self._change_rules({"kill_switch": True})
        self._gateway.open(self.bus, self._listen)
        try:
            self._link = self._make_link(desk)
            finish(fold, desk, start, self.handle, self._link)
        except BaseException:  # its thread would go on connecting for an engine that is gone
            self._gateway.close()
            raise
        if desk.risk.rules.limits.kill_switch:
            self._kill(0, news=True)
        self._calendars = OpenCalendars(self.bus)
        self._calendars.look()

    def on_stop(self) -> None:
        """Close the gateway; working orders stay where they are."""
        if self._told:
            self.publish(SystemEvent(action=TRADING_ENDED, component=self.name, data={"at": self._here}), cause=0)
        self._gateway.close()

    def on_idle(self) -> None:
        """Handle what the gateway has reported meanwhile, and be ready for the first prices of new instruments."""
        self.on_batch()
        if self._calendars is not None:
            self._calendars.look()

    def on_batch(self) -> None:
        """Handle what the gateway has reported meanwhile, and see whether it is still there."""
        self.desk.drain(0)
        if self._link is not None:
            self._link.poll()

    # ---- handlers

    @event_handler(*_MARKET)
    def on_market(self, event: MarketDataEvent) -> None:
        """Take in market data."""
        self.desk.market(event)

    @event_handler(OrderRequest, CancelRequest, ModifyRequest)
    def on_request(self, event: OrderRequest | CancelRequest | ModifyRequest) -> None:
        """Handle a request to this account, once."""
        if event.id >= self._handled_before and self._is_ours(event.account):
            self.handle(event)

    @event_handler(TimerEvent)
    def on_timer(self, event: TimerEvent) -> None:
        """Let time pass: orders arrive at the paper venue and expire without market data, too."""
        self.desk.advance(event.event_ns, event.id)

    @event_handler(Funding)
    def on_funding(self, event: Funding) -> None:
        """Pay what was due before a rate was told, and take note of it."""
        self.desk.funding.advance(event.event_ns, event.id)
        self.desk.funding.note(event)

    @event_handler(InstrumentEvent)
    def on_instrument(self, event: InstrumentEvent) -> None:
        """Take over new terms, if nothing of the instrument is open."""
        self.desk.terms.get(self.bus.instruments.number(event.symbol, event.venue))

    @event_handler(ConfigChangeEvent)
    def on_config(self, event: ConfigChangeEvent) -> None:
        """Put changed limits in force, and write down from which point on; lift the halt of the account if the event says so."""
        if self._link is not None:
            self._link.resume(event)
        elif event.changes.get(RESUME) == self.config.account:
            refusal = f"Account {self.config.account} is not halted: its gateway has no venue that could differ."
            self.publish(Applied(control=event.id, component=self.name, ok=False, detail=refusal, at=self._here))
        changes = {key.removeprefix("risk."): value for key, value in event.changes.items() if key.startswith("risk.")}
        if event.changes.get(KILL_ACCOUNT) == self.config.account:
            changes["kill_switch"] = event.changes.get(KILL_ON)
        if not changes:
            return
        before = self.desk.risk.rules.limits.kill_switch
        if before and event.revision == 1 and changes.get("kill_switch") is False:
            changes["kill_switch"] = True  # a run begins with the limits of its settings, but only switching it off ends the switch
        try:
            self._change_rules(changes)
        except SettingsError as error:
            self.publish(Applied(control=event.id, component=self.name, ok=False, detail=error.message, at=self._here))
            self.log(error.message, level="error", about=event.id)
            return
        words = msgspec.json.encode({f"risk.{key}": value for key, value in changes.items()}).decode()
        self.publish(Applied(control=event.id, component=self.name, detail=words, at=self._here))
        if changes.get("kill_switch"):
            self._kill(event.id, news=not before)

    def handle(self, event: OrderRequest | CancelRequest | ModifyRequest) -> None:
        """Answer one request, or hold it while a real gateway is down."""
        if self._link is not None and self._link.holds(event):
            return
        if isinstance(event, OrderRequest):
            self.desk.request(event)
        elif isinstance(event, CancelRequest):
            self.desk.cancel(event)
        else:
            self.desk.modify(event)

    def voice(self) -> Publish:
        """Return how the desk publishes: what `publish` does, without the way through it, which an order takes three times."""
        return self.bus.voice(self.name).publish

    def new_fold(self) -> TradingFold:
        """Return an empty fold on a desk of its own, whose gateway is never opened: nothing is traded there."""
        desk = self._make_desk(PaperGateway(name=self._gateway.name))
        desk.funding.enabled = not self._gateway.real
        return TradingFold(desk, self.name, self._is_ours)

    # ---- inside

    def head_of_bus(self) -> Cursor:
        """Return up to where the journal is read back at the start."""
        return Cursor(self.bus.bus_id, self.bus.epoch, *(self.bus.head(lane) for lane in Lane))

    # On a live or paper bus; a backtest is run again from its own inputs.
    def _tell_beginning(self, head: Cursor, start: int) -> None:
        self._told = self.bus.world in (World.LIVE, World.PAPER)
        if not self._told:
            return
        beginning = TradingBeginning(
            control=head.control,
            market=head.market,
            log=head.log,
            start=start & _SEQ,
            started_ns=self._started_ns,
            config=msgspec.to_builtins(self.config),
            rules=msgspec.to_builtins(self._rules),
            gateway=self._gateway.options if isinstance(self._gateway, PaperGateway) else None,
        )
        self.publish(SystemEvent(action=TRADING_BEGAN, component=self.name, data=msgspec.to_builtins(beginning)), cause=0)

    @property
    def _here(self) -> int:
        return (Lane.MARKET << 60) | self.reader.cursor.market

    def _recovered(self, head: Cursor) -> Any:
        follower = self.recover(head)
        # An account that is new to an old journal has left nothing in it.
        if follower.began > 1 and (follower.snapshots.traces or follower.fold.last_time_ns):
            raise ComponentError(
                f"Account {self.config.account} cannot go on: the market lane of {self.bus.path} begins at event {follower.began}, and no "
                "snapshot of the account can be read, so that its positions are unknown: put the removed pages back, or begin a new bus.",
                account=self.config.account,
                began=follower.began,
            )
        return follower.state()

    def _make_desk(self, gateway: Gateway) -> TradingDesk:
        config, instruments = self.config, self.bus.instruments
        risk = RiskEngine(self._rules.of_account(config.account), currency=config.currency, mark_interval_ns=config.mark_interval_ns)
        accounts = Accounts(config.account, config.currency, config.cash)
        if self._gateway.tells_funding:
            accounts.funding = FundingBook()
        rates = CurrencyRates(config.currency, instruments, risk.native.last_price)
        publish = self.voice()
        books = Books(accounts, risk, rates, publish, lambda text: self.log(text, level="warning"), config.mark_interval_ns)
        orders = OrderManager(config.account, gateway.name, publish, self.bus.bus_id)
        make = VenueDesk if gateway.real else TradingDesk
        return make(self.bus, books, gateway, orders, publish, self._say)

    def _make_link(self, desk: TradingDesk) -> VenueLink | None:
        if isinstance(desk, VenueDesk):
            return VenueLink(desk, self.config, self.publish, self.name, self._started_ns)
        self.publish(GatewayStatus(gateway=self._gateway.name, account=self.config.account, status="connected"), cause=0)
        return None

    def _say(self, text: str, level: str, about: int) -> None:
        self.log(text, level=level, about=about)

    def _listen(self, report: GatewayReport) -> None:
        self.desk.listen(report)

    def _is_ours(self, account: str) -> bool:
        return account == self.config.account or (not account and self.config.default)

    def _resume_at(self, fold: TradingFold) -> int:
        # The stored cursor may lag behind what was handled: whatever led to something was handled, and all before it. A request
        # that was never answered is where to go on, so that it meets the market of its time.
        cursor = self.reader.cursor
        seq = max(cursor.market, (fold.last_input & _SEQ) + 1)
        seq = min([seq, *(one & _SEQ for one in fold.pending if one > fold.last_input)])
        if seq != cursor.market:
            self.reader.seek(msgspec.structs.replace(cursor, market=seq))
            self.reader.commit()  # a new reader's stored cursor is at the end: if this engine dies, the next must not believe it
        return (Lane.MARKET << 60) | seq

    def _seed(self, before: int, time_ns: int) -> None:
        # Where the market stood: the data of the minute before the engine spoke last, or of the last minute.
        with self.bus.reader(start="begin", events=_MARKET, backfill=False) as reader:
            reader.seek_time((time_ns or self._started_ns) - _SEED_NS)
            cursor, least = reader.cursor, (before & _SEQ) - _SEED_EVENTS
            if cursor.market < least:
                reader.seek(msgspec.structs.replace(cursor, market=least))
            for event in last_of_each_kind(takewhile(lambda event: event.id < before, reader)):
                self.desk.seed(event)

    def _change_rules(self, changes: Mapping[str, Any]) -> None:
        self._rules = self._rules.changed(changes)
        self.desk.risk.set_rules(self._rules.of_account(self.config.account))

    def _kill(self, cause: int, *, news: bool) -> None:
        # Also where it is on already: a killed engine may have stopped before the last order was cancelled.
        count = self.desk.cancel_all(self.desk.clock_ns, cause)
        if not news and not count:
            return
        message = f"The kill switch of account {self.config.account} is on: {count} orders are being cancelled, new ones are refused."
        self.publish(AlertEvent(level="critical", component=self.name, name="kill_switch", message=message, about=cause))
