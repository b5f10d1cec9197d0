"""A stateful test of the whole trading engine: random requests, reports, faults, kills and restarts find no impossible state."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from torture import examples

from gcg_quant.bus import EventBus
from gcg_quant.errors import OrderError
from gcg_quant.events import (
    CancelCommand,
    CancelRequest,
    Event,
    Fill,
    LogEvent,
    ModifyRequest,
    OrderCommand,
    OrderEvent,
    OrderFlag,
    OrderRequest,
    OrderStatus,
    OrderType,
    RiskVerdict,
    Side,
    Tick,
    TimeInForce,
    TimerEvent,
    World,
)
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine import RiskLimits, TradingConfig
from gcg_quant.strategy_engine.desk.fold import TradingFold
from gcg_quant.strategy_engine.gateways.base import Change, Gateway, GatewayReport, Listener, ReportKind, VenueOrder
from gcg_quant.strategy_engine.orders.order import Order
from gcg_quant.strategy_engine.orders.states import FINAL_STATES, may_follow

from .mortal import Killed, Mortal

NOW = 1_790_000_000_000_000_000
SECOND = 1_000_000_000
SHARE = Instrument(symbol="XYZ", venue="SIM", kind="stock", tick_size=0.5, lot_size=1.0)
NAMES: dict[str, Any] = {"symbol": "XYZ", "venue": "SIM", "account": "paper", "strategy": "s"}
OWN = (OrderRequest, CancelRequest, ModifyRequest, RiskVerdict, OrderEvent, OrderCommand, CancelCommand, Fill)


SIDES = st.sampled_from([Side.BUY, Side.SELL])
LOTS = st.sampled_from([1, 3, 5])
KINDS = st.sampled_from(["market", "limit", "stop", "trail"])
PRICES = st.integers(195, 205)  # half units; the market is between 196 and 204
SOON = st.sampled_from([True, True, False])  # whether what the venue says arrives at once


@dataclass
class Sent:
    """An order as the venue has it."""

    client_id: str
    lots: int
    filled: int = 0
    trades: list[tuple[str, int]] = field(default_factory=list)
    accepted: bool = False
    end: ReportKind | None = None
    asked: list[Change | None] = field(default_factory=list)  # changes that wait for an answer; None is a cancellation


class ScriptedGateway(Gateway):
    """A venue that does what the test says; what it reports is on its way until the test delivers it."""

    real: ClassVar[bool] = False
    order_types: ClassVar[frozenset[OrderType]] = frozenset({OrderType.MARKET, OrderType.LIMIT})

    def __init__(self) -> None:
        super().__init__("script")
        self.down = False
        self.orders: dict[str, Sent] = {}
        self.on_the_way: list[GatewayReport] = []
        self.delivered: list[GatewayReport] = []
        self.listener: Listener | None = None

    def connect(self, bus: EventBus, listener: Listener) -> None:
        """Speak to this engine from now on; what was on its way to another one is lost."""
        self.listener = listener
        self.on_the_way.clear()

    @property
    def connected(self) -> bool:
        """Whether an order would reach the venue."""
        return not self.down

    def submit(self, command: OrderCommand) -> None:
        """Take an order, or be sure that it was not sent."""
        assert command.client_id not in self.orders, "an order is sent once"
        if self.down:
            raise OrderError("the line is down")
        self.orders[command.client_id] = Sent(command.client_id, int(command.quantity))

    def cancel(self, command: CancelCommand) -> None:
        """Note what is asked."""
        sent = self.orders.get(command.client_id)
        if sent is not None:  # of one that never arrived before a restart, FAILED is on its way
            sent.asked.append(None)

    def modify(self, change: Change, event_ns: int) -> None:
        """Note what is asked."""
        sent = self.orders.get(change.client_id)
        if sent is not None:
            sent.asked.append(change)

    def restore(self, orders: Sequence[Order]) -> None:
        """Report all that is known of each order; one that never arrived has failed."""
        for order in orders:
            assert not order.held, "a held order is none of the venue's"
            sent = self.orders.get(order.client_id)
            if sent is None:
                self.tell(order.client_id, ReportKind.FAILED, at_once=True)
                continue
            sent.asked.clear()
            if sent.accepted:
                self.tell(sent.client_id, ReportKind.ACCEPTED, at_once=True)
            for trade_id, lots in sent.trades:
                self.tell(sent.client_id, ReportKind.FILLED, at_once=True, trade_id=trade_id, quantity=float(lots), price=100.0)
            if sent.end is not None:
                self.tell(sent.client_id, sent.end, at_once=True)

    def query_orders(self) -> list[VenueOrder]:
        """Nobody asks."""
        return []

    def close(self) -> None:
        """Say nothing more."""

    def tell(self, client_id: str, kind: ReportKind, *, at_once: bool = False, **fields: Any) -> None:
        """Send a report on its way."""
        report = GatewayReport(kind=kind, client_id=client_id, event_ns=NOW, venue_order_id=f"V{client_id}", **fields)
        self.on_the_way.append(report)
        if at_once:
            self.deliver(len(self.on_the_way) - 1)

    def deliver(self, place: int) -> None:
        """Let a report arrive, not always the oldest one."""
        report = self.on_the_way.pop(place)
        self.delivered.append(report)
        assert self.listener is not None
        self.listener(report)


class TradingMachine(RuleBasedStateMachine):
    """One account, one instrument, a venue of moods, and an engine that may die before any of its events."""

    @initialize()
    def open(self) -> None:
        """Begin with an empty account and a market."""
        self.folder = Path(tempfile.mkdtemp())
        self.bus = EventBus(self.folder / "bus", world=World.PAPER, source="test", page_mb=0.25, sync="none")
        self.number = self.bus.instruments.add(SHARE)
        self.venue = ScriptedGateway()
        self.names: list[str] = []
        self.clock = NOW
        self.trades = 0
        self.engine = self.started(-1)
        self.tick(200)

    def teardown(self) -> None:
        """Let everything come to its end, and leave nothing behind."""
        if not hasattr(self, "bus"):
            return
        try:
            self.come_to_an_end()
        finally:
            self.left(self.engine)
            self.bus.close()
            shutil.rmtree(self.folder)

    def come_to_an_end(self) -> None:
        """When the venue has answered everything and ended what it has, and the market was everywhere, no order is open."""
        self.engine.life = -1
        self.venue.down = False
        for price in (200, 100, 400, 200):
            self.tick(price)
            self.deliver_all()
            while any(sent.asked for sent in self.venue.orders.values()):
                self.answer(0, willing=False, soon=False)
                self.deliver_all()
            for sent in self.venue.orders.values():
                order = self.engine.desk.orders.find(client_id=sent.client_id)
                if order is not None and not order.is_final:
                    sent.end = ReportKind.EXPIRED if sent.accepted or sent.filled else ReportKind.REJECTED
                    self.venue.tell(sent.client_id, sent.end)
            self.deliver_all()
        self.promises_hold()
        assert [order.client_id for order in self.engine.desk.orders.open_orders()] == []

    # ---- the engine's life

    def started(self, life: int) -> Mortal:
        """Return a new engine, made from the journal; one that dies while it starts is followed by another one."""
        limits = RiskLimits(max_order_quantity=50.0, max_open_orders=12)
        engine = Mortal(TradingConfig(cash=1e6), limits, self.venue)
        engine.life = life
        try:
            engine.start(self.bus, threaded=False)
        except Killed:
            self.left(engine)
            return self.started(-1)
        return engine

    @staticmethod
    def left(engine: Mortal) -> None:
        """Free the name of an engine that is dead: it commits nothing, it says nothing."""
        engine.reader.close()
        if engine._follower is not None:
            engine._follower.close()

    def work(self) -> None:
        """Let the engine handle all there is; if it dies, another one goes on."""
        try:
            self.engine.on_idle()
            while self.engine.turn():
                pass
        except Killed:
            self.left(self.engine)
            self.engine = self.started(-1)
            self.work()

    def say(self, event: Event) -> None:
        """Publish an event and have it handled."""
        self.bus.publish(event, cause=0)
        self.work()

    def name(self, choice: int) -> str:
        """Return the client id of an order, or of none."""
        return self.names[choice % len(self.names)] if self.names else "nobody"

    # ---- what strategies do

    def ask(self, side: Side, lots: int, kind: str, price: int, **fields: Any) -> str:
        """Ask for an order; prices are in ticks, stops are on the far side of the market."""
        terms: dict[str, Any] = {"order_type": OrderType.MARKET}
        if kind == "limit":
            terms = {"order_type": OrderType.LIMIT, "price": price / 2}
        elif kind == "stop":
            terms = {"order_type": OrderType.STOP, "stop_price": price / 2}
        elif kind == "trail":
            terms = {"order_type": OrderType.TRAILING_STOP, "trail_amount": 1.5}
        name = f"k{len(self.names)}"
        self.names.append(name)
        self.say(OrderRequest(client_id=name, side=side, quantity=float(lots), event_ns=self.clock, **NAMES, **terms, **fields))
        return name

    @rule(side=SIDES, lots=LOTS, kind=KINDS, price=PRICES, seconds=st.sampled_from([None, None, 0, 2, 4]), reduce=st.booleans())
    def request(self, side: Side, lots: int, kind: str, price: int, seconds: int | None, reduce: bool) -> None:
        """Ask for an order on its own, now and then with an end or to close alone, or too large."""
        fields: dict[str, Any] = {"order_flags": int(OrderFlag.REDUCE_ONLY)} if reduce and kind != "limit" else {}
        if seconds is not None:
            fields |= {"time_in_force": TimeInForce.GTD, "expire_ns": self.clock + seconds * SECOND}
        self.ask(side, lots if price != 195 else 60, kind, price, **fields)

    @rule(side=SIDES, lots=LOTS, kinds=st.tuples(KINDS, KINDS), price=PRICES, group=st.integers(0, 5))
    def pair(self, side: Side, lots: int, kinds: tuple[str, str], price: int, group: int) -> None:
        """Ask for two legs of a group, perhaps one that exists."""
        for kind in kinds:
            self.ask(side, lots, kind, price, group=f"g{group}", order_flags=int(OrderFlag.OCO))

    @rule(side=SIDES, lots=LOTS, kind=KINDS, ways=st.lists(KINDS, min_size=1, max_size=2), price=PRICES)
    def bracket(self, side: Side, lots: int, kind: str, ways: list[str], price: int) -> None:
        """Ask for a parent and its ways out."""
        parent = self.ask(side, lots, kind, price)
        for way in ways:
            self.ask(Side.SELL if side == Side.BUY else Side.BUY, lots, way, 400 - price, parent=parent)

    @rule(side=SIDES, lots=LOTS, kind=KINDS, price=PRICES, parent=st.integers(0, 50))
    def child(self, side: Side, lots: int, kind: str, price: int, parent: int) -> None:
        """Ask for a child of any order, or of none."""
        self.ask(side, lots, kind, price, parent=self.name(parent))

    @precondition(lambda self: self.names)
    @rule(choice=st.integers(0, 50))
    def ask_again(self, choice: int) -> None:
        """Use a client id twice."""
        self.say(OrderRequest(client_id=self.name(choice), side=Side.BUY, quantity=1.0, order_type=OrderType.MARKET, **NAMES))

    @precondition(lambda self: self.names)
    @rule(choice=st.integers(0, 50))
    def cancel(self, choice: int) -> None:
        """Ask for a cancellation at any time."""
        self.say(CancelRequest(client_id=self.name(choice), event_ns=self.clock, **NAMES))

    @precondition(lambda self: self.names)
    @rule(choice=st.integers(0, 50), lots=st.sampled_from([None, 2, 4, 9]), price=st.sampled_from([None, 99.0, 101.5]), stop=st.booleans())
    def modify(self, choice: int, lots: int | None, price: float | None, stop: bool) -> None:
        """Ask for other terms at any time."""
        prices = {"stop_price": price} if stop else {"price": price}
        quantity = None if lots is None else float(lots)
        self.say(ModifyRequest(client_id=self.name(choice), event_ns=self.clock, quantity=quantity, **prices, **NAMES))

    # ---- what the market does

    def tick(self, price: int) -> None:
        """A second passes, and a price is seen."""
        self.clock += SECOND
        self.say(Tick(symbol="XYZ", venue="SIM", event_ns=self.clock, last_price=price / 2, bid_price=price / 2, ask_price=price / 2))

    @rule(price=st.sampled_from([None, *range(196, 205)]), lots=st.lists(st.integers(1, 5), max_size=3), soon=SOON)
    def market(self, price: int | None, lots: list[int], soon: bool) -> None:
        """Time passes with a price or without one, and the venue trades."""
        if price is not None:
            self.tick(price)
        else:
            self.clock += SECOND
            self.say(TimerEvent(component="x", name="t", event_ns=self.clock))
        for number, some in enumerate(lots):
            sent = self.working(number)
            if sent is not None:
                self.trade(sent, some)
        self.arrive(soon)

    # ---- what the venue does

    def arrive(self, soon: bool) -> None:
        """Let what the venue has said arrive, or be on its way for longer."""
        if soon:
            self.deliver_all()

    def working(self, choice: int) -> Sent | None:
        """Return an order that is open at the venue."""
        orders = [sent for sent in self.venue.orders.values() if sent.end is None and sent.filled < sent.lots]
        return orders[choice % len(orders)] if orders else None

    @precondition(lambda self: self.working(0) is not None)
    @rule(choice=st.integers(0, 50), soon=SOON)
    def accept(self, choice: int, soon: bool) -> None:
        """The venue acknowledges, for the first time or again."""
        sent = self.working(choice)
        assert sent is not None
        sent.accepted = True
        self.venue.tell(sent.client_id, ReportKind.ACCEPTED)
        self.arrive(soon)

    @precondition(lambda self: self.working(0) is not None)
    @rule(choice=st.integers(0, 50), lots=st.integers(1, 5), soon=SOON)
    def fill(self, choice: int, lots: int, soon: bool) -> None:
        """The venue fills, acknowledged or not."""
        sent = self.working(choice)
        assert sent is not None
        self.trade(sent, lots)
        self.arrive(soon)

    def trade(self, sent: Sent, lots: int) -> None:
        """Fill an order with what is left of it, if that is less."""
        lots = min(lots, sent.lots - sent.filled)
        sent.filled += lots
        self.trades += 1
        sent.trades.append((f"T{self.trades}", lots))
        self.venue.tell(sent.client_id, ReportKind.FILLED, trade_id=f"T{self.trades}", quantity=float(lots), price=100.0)

    @precondition(lambda self: self.working(0) is not None)
    @rule(choice=st.integers(0, 50), kind=st.sampled_from([ReportKind.REJECTED, ReportKind.EXPIRED, ReportKind.CANCELLED]), soon=SOON)
    def end(self, choice: int, kind: ReportKind, soon: bool) -> None:
        """The venue ends an order of its own accord."""
        sent = self.working(choice)
        if sent is None or (kind == ReportKind.REJECTED and sent.filled):
            return
        sent.end = kind
        self.venue.tell(sent.client_id, kind)
        self.arrive(soon)

    @precondition(lambda self: self.venue.orders)
    @rule(choice=st.integers(0, 50))
    def trigger(self, choice: int) -> None:
        """The venue says that an order was triggered, whatever it is."""
        self.venue.tell(list(self.venue.orders)[choice % len(self.venue.orders)], ReportKind.TRIGGERED)

    @precondition(lambda self: any(sent.asked for sent in self.venue.orders.values()))
    @rule(choice=st.integers(0, 50), willing=st.booleans(), soon=SOON)
    def answer(self, choice: int, willing: bool, soon: bool) -> None:
        """The venue answers a cancellation or a change."""
        asking = [sent for sent in self.venue.orders.values() if sent.asked]
        sent = asking[choice % len(asking)]
        change = sent.asked.pop(0)
        open_now = sent.end is None and sent.filled < sent.lots
        if change is None and willing and open_now:
            sent.end = ReportKind.CANCELLED
            self.venue.tell(sent.client_id, ReportKind.CANCELLED)
        elif change is None:
            self.venue.tell(sent.client_id, ReportKind.CANCEL_REFUSED, reason="too late")
        elif willing and open_now and (change.quantity is None or change.quantity > sent.filled):
            sent.lots = sent.lots if change.quantity is None else int(change.quantity)
            self.venue.tell(sent.client_id, ReportKind.MODIFIED)
        else:
            self.venue.tell(sent.client_id, ReportKind.MODIFY_REFUSED, reason="no")
        self.arrive(soon)

    @precondition(lambda self: self.venue.on_the_way)
    @rule(place=st.integers(0, 50))
    def deliver(self, place: int) -> None:
        """One of the reports arrives: late, early, out of order."""
        self.venue.deliver(place % len(self.venue.on_the_way))
        self.work()

    @precondition(lambda self: self.venue.on_the_way)
    @rule()
    def deliver_all(self) -> None:
        """All reports arrive, in order."""
        while self.venue.on_the_way:
            self.venue.deliver(0)
        self.work()

    @precondition(lambda self: self.venue.delivered)
    @rule(place=st.integers(0, 50))
    def repeat(self, place: int) -> None:
        """A report that has arrived arrives again."""
        self.venue.on_the_way.append(self.venue.delivered[place % len(self.venue.delivered)])
        self.venue.deliver(len(self.venue.on_the_way) - 1)
        self.work()

    @rule(what=st.sampled_from(["nonsense", "down", "up", "up"]))
    def mishap(self, what: str) -> None:
        """A fill of an order that nobody knows arrives; the line goes down, or comes back."""
        if what == "nonsense":
            self.trades += 1
            self.venue.tell("stranger", ReportKind.FILLED, at_once=True, trade_id=f"T{self.trades}", quantity=1.0, price=100.0)
        else:
            self.venue.down = what == "down"
        self.work()

    # ---- what happens to the engine

    @rule(how=st.sampled_from(["soon", "soon", "now", "now", "cleanly"]), life=st.integers(0, 6))
    def kill(self, how: str, life: int) -> None:
        """It dies before one of its next events, or now, and the next one perhaps while it recovers; or it stops cleanly."""
        if how == "soon":
            self.engine.life = life
            return
        if how == "cleanly":
            self.engine.life = -1
            self.engine.stop()
        else:
            self.left(self.engine)
        self.engine = self.started(life if how == "now" and life < 4 else -1)
        self.work()

    # ---- what holds always

    def journal(self) -> list[Any]:
        """Return all requests and what the engine has published of orders."""
        with self.bus.reader(start="begin", events=OWN) as reader:
            return list(reader)

    @invariant()
    def promises_hold(self) -> None:
        """The journal is a possible one, and the live state is what it says."""
        if not hasattr(self, "engine"):
            return
        events = self.journal()
        check_verdicts_and_commands(events)
        check_walks(events)
        self.check_live(events)
        self.check_fold()
        self.check_log()

    def check_log(self) -> None:
        """Nothing was raised within the engine."""
        with self.bus.reader(start="begin", events=[LogEvent]) as reader:
            raised = [one for one in reader if isinstance(one, LogEvent) and " raised " in one.message]
        assert not raised, raised[0].message + raised[0].detail

    def check_live(self, events: list[Any]) -> None:
        """Orders have the distinct fills of the journal, and risk counts what is open of them."""
        desk = self.engine.desk
        filled: dict[int, float] = defaultdict(float)
        for one in events:
            if isinstance(one, Fill):
                filled[one.request] += one.quantity
        seen = [one for one in events if isinstance(one, Fill)]
        assert len({(one.client_id, one.trade_id) for one in seen}) == len(seen), "no trade counts twice"
        open_lots: Counter[Side] = Counter()
        orders = [desk.orders.find(one.id) for one in events if isinstance(one, OrderRequest)]
        working = [order for order in orders if order is not None and not order.is_final]
        for order in orders:
            if order is not None:
                assert order.filled_lots == filled[order.request_id]
        for order in working:
            open_lots[order.side] += max(0, desk.reports.expected(order).lots - order.filled_lots)
            assert order.status not in (OrderStatus.NEW, OrderStatus.RISK_CHECKED)
            assert order.held != (order.client_id in self.venue.orders or order.status != OrderStatus.ACCEPTED)
            assert order.waits == (order.held and order.whole.lots == 0)
        risk = desk.risk
        strategy = risk.strategy_number("s")
        assert risk.native.open_orders(0, self.number) == len(working)
        for side in (Side.BUY, Side.SELL):
            assert risk.native.open_lots(strategy, self.number, side) == open_lots[side]

    def check_fold(self) -> None:
        """What a restart would find is what is there."""
        fold: TradingFold = self.engine.new_fold()
        with self.bus.reader(start="begin") as reader:
            fold.listen(reader)
            for event in reader:
                fold.apply(event)
        live, read = self.engine.desk.orders, fold.desk.orders
        assert [order.request_id for order in live.open_orders()] == [order.request_id for order in read.open_orders()]
        for order, again in zip(live.open_orders(), read.open_orders(), strict=True):
            assert (again.status, again.whole, again.held, again.waits) == (order.status, order.whole, order.held, order.waits)
            assert (again.filled_lots, again.expire_ns, again.asked_lots) == (order.filled_lots, order.expire_ns, order.asked_lots)
        assert not fold.unreported
        assert not fold.refused
        assert not fold.checked
        assert not fold.pending


def check_verdicts_and_commands(events: list[Any]) -> None:
    """Each order is judged once, sent at most once, and only if it passed; a child not before its parent has a fill."""
    verdicts = [one for one in events if isinstance(one, RiskVerdict)]
    assert max(Counter(one.request for one in verdicts).values(), default=1) == 1
    passed = {one.request for one in verdicts if one.passed}
    commands = [one for one in events if isinstance(one, OrderCommand)]
    assert max(Counter(one.request for one in commands).values(), default=1) == 1
    assert {one.request for one in commands} <= passed
    first_fill: dict[str, int] = {}
    for one in events:
        if isinstance(one, Fill):
            first_fill.setdefault(one.client_id, one.id)
    assert all(first_fill[one.parent] < one.id for one in commands if one.parent)


def check_walks(events: list[Any]) -> None:
    """Each order walks through possible states, and after its end there are late fills and answers alone."""
    before: dict[int, OrderStatus] = {}
    for one in events:
        if not isinstance(one, OrderEvent) or not one.request:
            continue
        last = before.get(one.request, OrderStatus.RISK_CHECKED)
        refused = one.status == OrderStatus.REJECTED and one.request not in before
        assert one.status == last or may_follow(last, one.status) or refused, (last, one)
        if last in FINAL_STATES:
            words: Callable[[str], bool] = one.reason.startswith
            assert words("filled after") or words("cancel refused") or words("change refused") or words("duplicate request"), one
        before[one.request] = one.status


TradingMachine.TestCase.settings = settings(
    max_examples=examples(48),
    stateful_step_count=35,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestTradingMachine = TradingMachine.TestCase
TestTradingMachine.__doc__ = "Random interleavings of everything find no impossible state."
