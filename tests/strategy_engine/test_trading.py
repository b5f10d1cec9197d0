"""The trading engine over a real bus: from a request to the account, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.errors import ComponentError
from gcg_quant.events import (
    AccountEvent,
    AlertEvent,
    Applied,
    CancelCommand,
    CancelRequest,
    ConfigChangeEvent,
    Event,
    Fill,
    InstrumentEvent,
    LogEvent,
    ModifyRequest,
    OrderCommand,
    OrderEvent,
    OrderFlag,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionEvent,
    RiskReason,
    RiskVerdict,
    Side,
    Tick,
    TimerEvent,
    World,
)
from gcg_quant.instruments import Instrument, preset
from gcg_quant.settings import Settings
from gcg_quant.strategy_engine import PaperGateway, RiskLimits, TradingConfig, TradingEngine

NOW = 1_790_000_000_000_000_000
SECOND = 1_000_000_000
NAMES: dict[str, Any] = {"symbol": "BTC/USDT", "venue": "SIM", "event_ns": NOW, "account": "paper", "strategy": "s"}
Journal = Callable[..., list[Any]]
Wait = Callable[..., None]


class Floor:
    """A bus with BTC/USDT and a running engine; `say` publishes and waits until the engine has handled it."""

    def __init__(self, bus: EventBus, wait_until: Wait, gateway: PaperGateway | None = None, limits: RiskLimits | None = None) -> None:
        self.bus = bus
        self.number = bus.instruments.add(preset("crypto", "BTC/USDT", "SIM"))
        self.engine = TradingEngine(TradingConfig(cash=100_000.0), limits, gateway)
        self.wait_until = wait_until
        self.engine.start(bus)
        self.wait_until(lambda: self.engine.state == "running", "the engine's start")

    def say(self, *events: Event) -> int:
        """Publish events; return the last one's id."""
        handled, ids = self.engine.health().handled, [self.bus.publish(event, cause=0) for event in events]
        self.wait_until(lambda: self.engine.health().handled >= handled + len(events), "the engine's answer")
        return ids[-1]

    def tick(self, bid: float, ask: float, size: float = 10.0, at: int = 0) -> int:
        """Show a market."""
        return self.say(
            Tick(
                symbol="BTC/USDT",
                venue="SIM",
                event_ns=NOW + at,
                last_price=bid,
                bid_price=bid,
                bid_size=size,
                ask_price=ask,
                ask_size=size,
            )
        )

    def order(self, client_id: str, side: Side, quantity: float, price: float | None = None, **fields: Any) -> int:
        """Ask for an order."""
        kind = OrderType.MARKET if price is None else OrderType.LIMIT
        terms = {**NAMES, "order_type": kind, **fields}
        return self.say(OrderRequest(client_id=client_id, side=side, quantity=quantity, price=price, **terms))


@pytest.fixture
def floor(bus: EventBus, wait_until: Wait) -> Iterator[Floor]:
    """Return a trading floor with a market."""
    made = Floor(bus, wait_until)
    made.tick(100.0, 101.0)
    yield made
    assert made.engine.stop()


def test_every_step_is_published_in_order_with_its_cause(floor: Floor, journal: Journal) -> None:
    """Verdict, command, acknowledgement, fill, position and account follow each other, each caused by the one before."""
    request = floor.order("a", Side.BUY, 2.0)
    steps = journal(RiskVerdict, OrderEvent, OrderCommand, Fill, PositionEvent, AccountEvent)
    names = [type(step).__name__ + (f" {step.status.name}" if isinstance(step, OrderEvent) else "") for step in steps]
    assert names == [
        "AccountEvent",  # the account is opened
        "RiskVerdict",
        "OrderEvent SUBMITTING",
        "OrderCommand",
        "OrderEvent ACCEPTED",
        "Fill",
        "OrderEvent FILLED",
        "PositionEvent",
        "AccountEvent",
    ]
    verdict, submitting, command, accepted, fill, filled, position, account = steps[1:]
    assert verdict.cause == request
    assert submitting.cause == command.cause == accepted.cause == fill.cause == verdict.id
    assert filled.cause == position.cause == account.cause == fill.id
    assert {step.request for step in (verdict, submitting, command, accepted, fill, filled)} == {request}
    assert (fill.price, fill.quantity, position.quantity, position.average_price) == (101.0, 2.0, 2.0, 101.0)
    assert account.cash == -202.0 - fill.fee
    assert {step.source for step in steps} == {"trading-paper"}


def test_fill_by_a_tick_is_caused_by_it_and_names_its_request(floor: Floor, journal: Journal) -> None:
    """Lineage follows the request, the cause is the market."""
    request = floor.order("a", Side.BUY, 2.0, 99.0)
    tick = floor.tick(98.0, 99.0, at=1)
    (fill,) = journal(Fill)
    assert (fill.request, fill.cause, fill.price) == (request, tick, 99.0)


def test_refused_order_has_a_verdict_and_a_rejected_event(bus: EventBus, wait_until: Wait, journal: Journal) -> None:
    """Both say why, and no command exists."""
    floor = Floor(bus, wait_until, limits=RiskLimits(max_order_value=100.0))
    floor.tick(100.0, 101.0)
    floor.order("a", Side.BUY, 2.0)
    floor.order("b", Side.BUY, 1.0, symbol="NOPE")
    floor.order("c", Side.NONE, 0.5)
    floor.order("d", Side.BUY, 0.5, 100.0, order_flags=int(OrderFlag.HIDDEN))
    floor.order("e", Side.BUY, 0.5, order_type=OrderType.TRAILING_STOP)
    assert floor.engine.stop()
    verdicts = journal(RiskVerdict)
    assert [verdict.reasons for verdict in verdicts] == [
        RiskReason.ORDER_VALUE,
        RiskReason.UNKNOWN_INSTRUMENT,
        RiskReason.UNSUPPORTED,
        RiskReason.UNSUPPORTED,
        RiskReason.BAD_PRICE,
    ]
    events = journal(OrderEvent)
    assert [(event.status, event.reason) for event in events] == [(OrderStatus.REJECTED, verdict.message) for verdict in verdicts]
    assert verdicts[0].message == "order value 200 is above max_order_value 100"
    assert verdicts[1].message == "no instrument NOPE@SIM is known"
    assert verdicts[3].message == "the paper gateway has no HIDDEN orders"
    assert verdicts[4].message.startswith("A trailing order needs either a trail_amount")
    assert journal(OrderCommand) == []


def test_cancel_is_commanded_and_confirmed(floor: Floor, journal: Journal) -> None:
    """A working order goes over CANCELLING to CANCELLED; a second cancel is told why not."""
    floor.order("a", Side.BUY, 1.0, 90.0)
    cancel = floor.say(CancelRequest(client_id="a", **NAMES))
    again = floor.say(CancelRequest(client_id="a", **NAMES))
    unknown = floor.say(CancelRequest(client_id="zzz", **NAMES))
    (command,) = journal(CancelCommand)
    assert (command.cause, command.venue_order_id != "") == (cancel, True)
    ends = journal(OrderEvent)[-4:]
    assert [event.status.name for event in ends] == ["CANCELLING", "CANCELLED", "CANCELLED", "REJECTED"]
    assert (ends[2].cause, ends[2].reason) == (again, "cancel refused: the order is CANCELLED")
    assert (ends[3].cause, ends[3].reason) == (unknown, "cancel refused: there is no such order")
    assert floor.engine.desk.orders.impossible == 2


def test_change_is_checked_and_confirmed(floor: Floor, journal: Journal) -> None:
    """New terms pass risk with a verdict of their own; what cannot be is answered with the reason."""
    floor.order("a", Side.BUY, 1.0, 90.0)
    change = floor.say(ModifyRequest(client_id="a", price=95.0, quantity=2.0, **NAMES))
    floor.say(ModifyRequest(client_id="a", price=95.0, **NAMES))
    floor.say(ModifyRequest(client_id="a", quantity=1e6, **NAMES))
    floor.say(ModifyRequest(client_id="a", price=95.001, **NAMES))
    verdicts = journal(RiskVerdict)
    assert [(verdict.request == change, verdict.passed) for verdict in verdicts[1:]] == [(True, 1), (False, 0)]
    events = journal(OrderEvent)[2:]
    assert [event.status for event in events] == [OrderStatus.ACCEPTED] * 4
    assert (events[0].reason, events[0].price, events[0].quantity) == ("modified", 95.0, 2.0)
    assert events[1].reason == "change refused: nothing would change"
    assert events[2].reason.startswith("change refused: needs 95")
    assert "tick size" in events[3].reason
    floor.tick(94.0, 94.5, at=1)
    assert journal(Fill)[-1].quantity == 2.0


def test_client_id_used_twice_is_sent_once(floor: Floor, journal: Journal) -> None:
    """The second request is answered with the order's state and goes nowhere."""
    floor.order("a", Side.BUY, 1.0, 90.0)
    second = floor.order("a", Side.BUY, 1.0, 90.0)
    assert len(journal(OrderCommand)) == 1
    assert (journal(OrderEvent)[-1].reason, journal(OrderEvent)[-1].cause) == ("duplicate request", second)


def test_reduce_only_order_is_cut_to_what_can_be_closed(floor: Floor, journal: Journal) -> None:
    """It becomes a plain order of the rest of the position, and is refused with a sentence when nothing is left."""
    only = {"order_flags": int(OrderFlag.REDUCE_ONLY)}
    floor.order("flat", Side.SELL, 1.0, **only)
    floor.order("a", Side.BUY, 3.0)
    floor.order("more", Side.BUY, 1.0, **only)
    floor.order("part", Side.SELL, 1.0, 120.0, **only)
    floor.order("rest", Side.SELL, 10.0, **only)
    floor.order("none", Side.SELL, 0.5, **only)
    messages = {verdict.client_id: verdict.message for verdict in journal(RiskVerdict)}
    assert messages == {
        "flat": "reduce-only: nothing of BTC/USDT is left to sell",
        "a": "",
        "more": "reduce-only: nothing of BTC/USDT is left to buy back",
        "part": "",
        "rest": "",
        "none": "reduce-only: nothing of BTC/USDT is left to sell, open orders close all of it",
    }
    assert {(one.client_id, one.quantity, one.order_flags) for one in journal(OrderCommand)} == {
        ("a", 3.0, 0),
        ("part", 1.0, 0),
        ("rest", 2.0, 0),
    }
    assert journal(PositionEvent)[-1].quantity == 1.0
    floor.say(CancelRequest(client_id="part", **NAMES))
    floor.order("last", Side.SELL, 1.0, **only)
    assert journal(PositionEvent)[-1].quantity == 0.0


def test_other_account_s_requests_are_left_alone(floor: Floor, journal: Journal) -> None:
    """A request that names another account is not ours; one that names none is."""
    floor.order("a", Side.BUY, 1.0, account="other")
    assert journal(RiskVerdict) == []
    floor.order("b", Side.BUY, 1.0, account="")
    assert [verdict.account for verdict in journal(RiskVerdict)] == ["paper"]


def test_limits_change_at_a_recorded_point(floor: Floor, journal: Journal) -> None:
    """A change of [risk] is applied from its Applied event on; a bad one is answered and changes nothing."""
    control = floor.say(ConfigChangeEvent(revision=1, changes={"risk.max_order_value": 50.0, "web.port": 1}))
    floor.order("a", Side.BUY, 1.0)
    bad = floor.say(ConfigChangeEvent(revision=2, changes={"risk.max_order_valu": 1.0}))
    floor.say(ConfigChangeEvent(revision=3, changes={"web.port": 1}))
    applied = journal(Applied)
    assert [(one.control, one.ok) for one in applied] == [(control, True), (bad, False)]
    assert msgspec.json.decode(applied[0].detail) == {"risk.max_order_value": 50.0}
    assert "Did you mean 'max_order_value'?" in applied[1].detail
    assert journal(RiskVerdict)[0].reasons == RiskReason.ORDER_VALUE


def test_kill_switch_cancels_all_and_refuses_the_rest(floor: Floor, journal: Journal) -> None:
    """Open orders are cancelled, new ones refused, and an alert goes out; switched off, orders pass again."""
    floor.order("a", Side.BUY, 1.0, 90.0)
    floor.say(ConfigChangeEvent(revision=1, changes={"risk.kill_switch": True}))
    floor.order("b", Side.BUY, 1.0)
    floor.say(ConfigChangeEvent(revision=2, changes={"risk.kill_switch": False}))
    floor.order("c", Side.BUY, 1.0)
    last = {event.client_id: event.status for event in journal(OrderEvent)}
    assert last == {"a": OrderStatus.CANCELLED, "b": OrderStatus.REJECTED, "c": OrderStatus.FILLED}
    (alert,) = journal(AlertEvent)
    assert alert.message == "The kill switch of account paper is on: 1 orders are being cancelled, new ones are refused."


def test_positions_are_marked_once_a_second(floor: Floor, journal: Journal) -> None:
    """Price changes publish position and account at most every second of event time."""
    floor.order("a", Side.BUY, 1.0)
    before = len(journal(PositionEvent))
    for step in range(1, 31):
        floor.tick(100.0 + step, 101.0 + step, at=step * SECOND // 10)
    marks = journal(PositionEvent)[before:]
    assert len(marks) == 3
    assert marks[-1].unrealised_pnl == marks[-1].last_price - 101.0
    assert len([one for one in journal(AccountEvent) if one.currency == "USDT"]) >= 3


def test_new_day_publishes_every_currency(floor: Floor, journal: Journal) -> None:
    """The first event of a UTC day is where the day's profit counts from."""
    floor.order("a", Side.BUY, 1.0)
    before = len(journal(AccountEvent))
    floor.tick(100.0, 101.0, at=86_400 * SECOND)
    assert {one.currency for one in journal(AccountEvent)[before:]} == {"USD", "USDT"}


def test_timer_lets_orders_arrive_without_market_data(bus: EventBus, wait_until: Wait, journal: Journal) -> None:
    """Event time passes with timers, too."""
    floor = Floor(bus, wait_until, PaperGateway(latency_ns=1000))
    floor.tick(100.0, 101.0)
    floor.order("a", Side.BUY, 1.0)
    assert journal(Fill) == []
    floor.say(TimerEvent(component="x", name="t", event_ns=NOW + 1000))
    assert len(journal(Fill)) == 1
    assert floor.engine.stop()


def test_backfilled_history_fills_nothing(floor: Floor, journal: Journal) -> None:
    """History that is filled in on a bus is not a market."""
    floor.order("a", Side.BUY, 1.0, 90.0)
    old = Tick(symbol="BTC/USDT", venue="SIM", event_ns=NOW - SECOND, last_price=50.0, bid_price=50.0, ask_price=50.0)
    floor.bus.publish(old, backfill=True)
    floor.tick(100.0, 101.0, at=1)
    assert journal(Fill) == []


def test_new_terms_are_taken_while_nothing_is_open(floor: Floor, journal: Journal) -> None:
    """A change of the tick size counts from the next order on, but not under an open one."""
    finer = preset("crypto", "BTC/USDT", "SIM", tick_size=0.001)
    floor.bus.instruments.add(finer)
    floor.say(InstrumentEvent(symbol="BTC/USDT", venue="SIM", terms={}))
    floor.order("a", Side.BUY, 1.0, 90.001)
    floor.bus.instruments.add(preset("crypto", "BTC/USDT", "SIM"))
    floor.order("b", Side.BUY, 1.0, 90.002)
    assert [verdict.passed for verdict in journal(RiskVerdict)] == [1, 1]
    assert floor.engine.desk.terms.get(floor.number).tick_size == finer.tick_size


def test_instrument_without_terms_trades_once_it_has_a_market(floor: Floor, journal: Journal) -> None:
    """Terms that nobody gave are the defaults; a symbol without terms and without a market is unknown."""
    terms = {**NAMES, "symbol": "NEW"}
    request = OrderRequest(client_id="a", side=Side.BUY, quantity=1.0, order_type=OrderType.MARKET, **terms)
    floor.say(request)
    floor.say(Tick(symbol="NEW", venue="SIM", event_ns=NOW, last_price=5.0))
    floor.say(request.replace(client_id="b"))
    assert [verdict.reasons for verdict in journal(RiskVerdict)] == [RiskReason.UNKNOWN_INSTRUMENT, 0]
    assert journal(Fill)[0].price == 5.0


def test_order_is_measured_in_the_account_s_currency(floor: Floor, journal: Journal) -> None:
    """A million yen is no million dollars: the pair's last price says what an order needs."""
    floor.bus.instruments.add(preset("fx", "USD/JPY", "SIM", margin_rate=1.0))
    terms = {**NAMES, "symbol": "USD/JPY"}
    floor.say(Tick(symbol="USD/JPY", venue="SIM", event_ns=NOW, last_price=160.0, bid_price=160.0, ask_price=160.001))
    for name, quantity in (("a", 90_000.0), ("b", 20_000.0)):
        floor.say(OrderRequest(client_id=name, side=Side.BUY, quantity=quantity, order_type=OrderType.MARKET, **terms))
    first, second = journal(RiskVerdict)
    assert (first.passed, second.reasons) == (1, RiskReason.BUYING_POWER)
    assert second.value == pytest.approx(20_000.0)


def test_currency_without_a_rate_is_warned_of_once(floor: Floor, journal: Journal) -> None:
    """Only an order in a currency needs its rate."""
    floor.bus.instruments.add(preset("cn_stock", "600519", "SIM"))
    terms = {**NAMES, "symbol": "600519"}
    floor.say(Tick(symbol="600519", venue="SIM", event_ns=NOW, last_price=10.0, bid_price=10.0, ask_price=10.01))
    assert [event for event in journal(LogEvent) if event.level == "warning"] == []
    for name in ("a", "b"):
        floor.say(OrderRequest(client_id=name, side=Side.BUY, quantity=100.0, order_type=OrderType.MARKET, **terms))
    (warning,) = [event for event in journal(LogEvent) if event.level == "warning"]
    assert "what a CNY is worth in USD" in warning.message


@pytest.mark.parametrize("world", [World.REPLAY, World.IMPORT])
def test_engine_refuses_to_trade_on_history(tmp_path: Any, world: World) -> None:
    """Replays and imports are no place to trade."""
    with (
        EventBus(tmp_path / "bus", world=world, page_mb=0.25, sync="none") as bus,
        pytest.raises(ComponentError, match=f"does not trade on {world.name.lower()} buses"),
    ):
        TradingEngine().start(bus)


def test_engine_is_made_of_the_settings() -> None:
    """[trading] and [risk] say it all."""
    engine = TradingEngine.from_settings(Settings())
    assert engine.name == "trading-paper"
    assert engine.config.cash == Settings().trading.cash
    with pytest.raises(ComponentError, match="has not been started"):
        _ = engine.desk


def test_same_journal_gives_the_same_events(tmp_path: Any, wait_until: Wait) -> None:
    """Two engines on the same inputs publish the same bytes."""
    runs = []
    for name in ("one", "two"):
        with EventBus(tmp_path / name, world=World.BACKTEST, page_mb=0.25, sync="none") as bus:
            floor = Floor(bus, wait_until, PaperGateway(latency_ns=5, slippage_ticks=1))
            floor.tick(100.0, 101.0)
            for step in range(20):
                floor.order(f"o{step}", Side.BUY if step % 3 else Side.SELL, 1.0 + step % 4, None if step % 2 else 100.0)
                floor.tick(100.0 + step % 5, 101.0 + step % 5, 1.0, at=step * SECOND)
            assert floor.engine.stop()
            kinds = [RiskVerdict, OrderEvent, OrderCommand, Fill, PositionEvent, AccountEvent]
            with bus.reader(start="begin", events=kinds) as reader:
                runs.append([bytes(memoryview(event)) for event in reader])
    assert len(runs[0]) > 100
    assert runs[0] == runs[1]


def test_default_instrument_has_fine_lots() -> None:
    """What the engine assumes without terms lets every price and quantity pass."""
    assert Instrument(symbol="X", venue="").ticks(1.23456789) == 123456789
