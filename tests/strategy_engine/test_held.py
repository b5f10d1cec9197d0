"""Orders that are held here: stops, trailing stops and expiries that a gateway does not know, OCO groups and brackets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import (
    AlertEvent,
    Bar,
    CancelCommand,
    CancelRequest,
    ConfigChangeEvent,
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
    RiskReason,
    RiskVerdict,
    Side,
    Tick,
    TimeInForce,
    TimerEvent,
)
from gcg_quant.instruments import preset
from gcg_quant.strategy_engine import PaperGateway, RiskLimits, TradingConfig, TradingEngine
from gcg_quant.strategy_engine.gateways.base import GatewayReport, ReportKind

NOW = 1_790_000_000_000_000_000
SECOND = 1_000_000_000
NAMES: dict[str, Any] = {"symbol": "BTC/USDT", "venue": "SIM", "event_ns": NOW, "account": "paper", "strategy": "s"}
Journal = Callable[..., list[Any]]


class PlainVenue(PaperGateway):
    """A venue that knows market and limit orders until they are cancelled, and can lose its line."""

    order_types: ClassVar[frozenset[OrderType]] = frozenset({OrderType.MARKET, OrderType.LIMIT})
    times_in_force: ClassVar[frozenset[TimeInForce]] = frozenset({TimeInForce.GTC, TimeInForce.IOC})
    down = False

    @property
    def connected(self) -> bool:
        """Whether an order would reach it."""
        return not self.down and super().connected


class Floor:
    """A bus with BTC/USDT and an engine that is driven by hand; `say` publishes and lets it handle all there is."""

    def __init__(self, bus: EventBus, limits: RiskLimits | None = None) -> None:
        self.bus = bus
        self.number = bus.instruments.add(preset("crypto", "BTC/USDT", "SIM"))
        self.venue = PlainVenue()
        self.engine = TradingEngine(TradingConfig(cash=100_000.0), limits, self.venue)
        self.engine.start(bus, threaded=False)
        self.seconds = 0

    def say(self, *events: Event) -> int:
        """Publish events and have them handled; return the last one's id."""
        ids = [self.bus.publish(event, cause=0) for event in events]
        while self.engine.turn():
            pass
        return ids[-1]

    def tick(self, price: float, size: float = 10.0, spread: float = 0.02) -> int:
        """Show a market, a second later."""
        self.seconds += 1
        quote = {"bid_price": price, "ask_price": round(price + spread, 2), "bid_size": size, "ask_size": size}
        return self.say(Tick(symbol="BTC/USDT", venue="SIM", event_ns=NOW + self.seconds * SECOND, last_price=price, **quote))

    def order(self, client_id: str, side: Side, quantity: float, price: float | None = None, **fields: Any) -> int:
        """Send an order; without a type its prices say it."""
        stop = fields.get("stop_price")
        plain = OrderType.MARKET if price is None else OrderType.LIMIT
        stopped = OrderType.STOP if price is None else OrderType.STOP_LIMIT
        fields.setdefault("order_type", plain if stop is None else stopped)
        return self.say(OrderRequest(**{**NAMES, "client_id": client_id, "side": side, "quantity": quantity, "price": price, **fields}))

    def cancel(self, client_id: str) -> int:
        """Cancel an order."""
        return self.say(CancelRequest(client_id=client_id, **NAMES))

    def open_lots(self, side: Side) -> float:
        """Return what risk counts as open on a side, in units."""
        risk = self.engine.desk.risk
        lots = risk.native.open_lots(risk.strategy_number("s"), self.number, side)
        return self.engine.desk.terms.get(self.number).quantity(lots)


@pytest.fixture
def floor(bus: EventBus) -> Iterator[Floor]:
    """Return a floor with a market at 100."""
    made = Floor(bus)
    made.tick(100.0)
    yield made
    assert made.engine.stop()


@pytest.fixture
def walk(journal: Journal) -> Callable[[str], list[tuple[str, str]]]:
    """Return a function that returns the states and reasons of an order."""

    def read(client_id: str) -> list[tuple[str, str]]:
        return [(one.status.name, one.reason) for one in journal(OrderEvent) if one.client_id == client_id]

    return read


Walk = Callable[[str], list[tuple[str, str]]]
OCO = {"group": "exit", "order_flags": int(OrderFlag.OCO)}


def test_stop_is_held_and_sent_as_a_market_order(floor: Floor, journal: Journal, walk: Walk) -> None:
    """It is ACCEPTED and held, counted as open, and sent by the price that reaches it, which is the cause."""
    floor.order("a", Side.BUY, 2.0)
    floor.order("stop", Side.SELL, 2.0, stop_price=95.0)
    assert walk("stop") == [("ACCEPTED", "held: waits for its stop price")]
    assert floor.open_lots(Side.SELL) == 2.0
    floor.tick(95.01)
    assert len(walk("stop")) == 1
    reached = floor.tick(95.0)
    assert walk("stop")[1:] == [("SUBMITTING", "triggered"), ("ACCEPTED", ""), ("FILLED", "")]
    command = journal(OrderCommand)[-1]
    assert (command.order_type, command.quantity, command.cause) == (OrderType.MARKET, 2.0, reached)
    assert command.stop_price != command.stop_price
    assert journal(OrderEvent)[-1].stop_price == 95.0
    assert floor.open_lots(Side.SELL) == 0.0


def test_stop_limit_is_sent_as_a_limit_order(floor: Floor, journal: Journal) -> None:
    """A buy stop is reached from below; its limit is what is sent."""
    floor.order("stop", Side.BUY, 1.0, 105.0, stop_price=104.0)
    floor.tick(104.5)
    command = journal(OrderCommand)[-1]
    assert (command.order_type, command.price) == (OrderType.LIMIT, 105.0)
    assert journal(Fill)[-1].price == pytest.approx(104.52)


def test_stop_that_the_market_has_passed_is_sent_at_once(floor: Floor, walk: Walk) -> None:
    """A sell stop above the market has been reached already."""
    floor.order("stop", Side.SELL, 1.0, stop_price=101.0)
    assert [state for state, _ in walk("stop")] == ["ACCEPTED", "SUBMITTING", "ACCEPTED", "FILLED"]


def test_held_order_is_cancelled_and_changed_here(floor: Floor, journal: Journal, walk: Walk) -> None:
    """Neither needs the venue; the changed stop counts at once."""
    floor.order("a", Side.SELL, 1.0, stop_price=95.0)
    floor.order("b", Side.SELL, 1.0, stop_price=95.0)
    asked = floor.cancel("a")
    assert walk("a")[-1] == ("CANCELLED", "")
    assert journal(OrderEvent)[-1].cause == asked
    floor.say(ModifyRequest(client_id="b", stop_price=97.0, quantity=3.0, **NAMES))
    assert walk("b")[-1] == ("ACCEPTED", "modified")
    assert floor.open_lots(Side.SELL) == 3.0
    floor.tick(96.5)
    assert walk("b")[-1] == ("FILLED", "")
    assert journal(CancelCommand) == []
    assert [fill.quantity for fill in journal(Fill)] == [3.0]


def test_change_that_reaches_the_market_sends_it(floor: Floor, walk: Walk) -> None:
    """A stop that is moved beyond the price is due at once."""
    floor.order("b", Side.SELL, 1.0, stop_price=95.0)
    floor.say(ModifyRequest(client_id="b", stop_price=100.5, **NAMES))
    assert [state for state, _ in walk("b")][-1] == "FILLED"


@pytest.mark.parametrize(
    ("side", "prices", "stops"),
    [(Side.SELL, (102.0, 101.0, 103.0), [98.0, 100.0, 101.0]), (Side.BUY, (98.0, 99.0, 97.0), [102.0, 100.0, 99.0])],
)
def test_trailing_stop_follows_and_never_goes_back(floor: Floor, journal: Journal, side: Side, prices: Any, stops: Any) -> None:
    """Each new best price moves it, in whole ticks, and is published; the way back triggers it."""
    floor.order("trail", side, 1.0, order_type=OrderType.TRAILING_STOP, trail_amount=2.0)
    for price in prices:
        floor.tick(price)
    events = journal(OrderEvent)
    assert [event.reason for event in events] == ["held: trails the market", "trailed", "trailed"]
    assert [event.stop_price for event in events] == stops
    floor.tick(stops[-1])
    assert journal(Fill)[-1].client_id == "trail"


def test_trail_of_a_fraction_keeps_the_limit_s_distance(floor: Floor, journal: Journal) -> None:
    """2 % below the best price; the limit stays as far below the stop as it was."""
    floor.order("trail", Side.SELL, 1.0, 97.5, order_type=OrderType.TRAILING_STOP_LIMIT, stop_price=98.0, trail_percent=0.02)
    floor.tick(110.0)
    last = journal(OrderEvent)[-1]
    assert (last.stop_price, last.price) == (107.8, 107.3)
    floor.tick(107.0)
    command = journal(OrderCommand)[-1]
    assert (command.order_type, command.price) == (OrderType.LIMIT, 107.3)


def test_quotes_trigger_only_where_nobody_trades(floor: Floor, walk: Walk) -> None:
    """Of an instrument with trades, a tick without a last price says nothing; one without trades is looked at by its quotes."""
    floor.order("stop", Side.SELL, 1.0, stop_price=95.0)
    floor.say(Tick(symbol="BTC/USDT", venue="SIM", event_ns=NOW + 2 * SECOND, bid_price=90.0, ask_price=101.0))
    assert walk("stop")[-1][1] == "held: waits for its stop price"
    floor.bus.instruments.add(preset("fx", "EUR/USD", "SIM"))
    quote = {"symbol": "EUR/USD", "venue": "SIM"}
    floor.say(Tick(event_ns=NOW + 3 * SECOND, bid_price=1.1, ask_price=1.1002, **quote))
    floor.order("fx", Side.BUY, 1000.0, stop_price=1.1010, symbol="EUR/USD")
    floor.say(Tick(event_ns=NOW + 4 * SECOND, bid_price=1.1009, ask_price=1.1010, **quote))
    assert walk("fx")[-1] == ("FILLED", "")


def test_bars_trigger_by_their_range_where_there_is_nothing_finer(floor: Floor, journal: Journal, walk: Walk) -> None:
    """A bar that began before the order counts with its close alone; the worse order of events is taken."""
    floor.bus.instruments.add(preset("us", "ABC", "SIM"))
    minute = 60 * SECOND

    def bar(number: int, low: float, high: float, close: float) -> None:
        times = {"start_ns": NOW + number * minute, "end_ns": NOW + (number + 1) * minute, "event_ns": NOW + (number + 1) * minute}
        floor.say(Bar(symbol="ABC", venue="SIM", period="1m", open=close, high=high, low=low, close=close, volume=1e6, **times))

    bar(0, 99.0, 101.0, 100.0)
    floor.order("stop", Side.SELL, 10.0, stop_price=95.0, symbol="ABC", event_ns=NOW + minute + 1)
    floor.order("trail", Side.SELL, 10.0, order_type=OrderType.TRAILING_STOP, trail_amount=3.0, symbol="ABC", event_ns=NOW + minute + 1)
    bar(1, 94.0, 101.0, 100.0)  # it began a moment before the orders
    assert len(journal(OrderCommand)) == 0
    bar(2, 99.0, 103.5, 103.0)  # up by 3.5 and down by 4.5, or the other way round
    assert walk("trail")[1][0] == "SUBMITTING"
    bar(3, 95.0, 103.0, 102.0)
    assert walk("stop")[1][0] == "SUBMITTING"


def test_held_day_and_date_orders_expire(floor: Floor, walk: Walk) -> None:
    """They end by the first event or timer at their time, with EXPIRED."""
    floor.order("date", Side.SELL, 1.0, stop_price=95.0, time_in_force=TimeInForce.GTD, expire_ns=NOW + 10 * SECOND)
    floor.order("day", Side.SELL, 1.0, stop_price=95.0, time_in_force=TimeInForce.DAY)
    floor.order("late", Side.SELL, 1.0, stop_price=95.0, time_in_force=TimeInForce.GTD, expire_ns=NOW)
    assert walk("late") == [("EXPIRED", "expired")]
    floor.say(TimerEvent(component="x", name="t", event_ns=NOW + 10 * SECOND))
    assert walk("date")[-1] == ("EXPIRED", "expired")
    assert len(walk("day")) == 1
    floor.say(TimerEvent(component="x", name="t", event_ns=NOW + 86_400 * SECOND))
    assert walk("day")[-1] == ("EXPIRED", "expired")
    assert floor.open_lots(Side.SELL) == 0.0


def test_venue_without_dates_gets_the_order_and_a_cancellation(floor: Floor, journal: Journal, walk: Walk) -> None:
    """It works until cancelled there; its time is kept here, and its end is EXPIRED."""
    floor.order("date", Side.BUY, 1.0, 90.0, time_in_force=TimeInForce.GTD, expire_ns=NOW + 10 * SECOND)
    assert journal(OrderCommand)[-1].time_in_force == TimeInForce.GTC
    floor.seconds = 9
    due = floor.tick(100.0)
    assert walk("date")[-2:] == [("CANCELLING", "expired"), ("EXPIRED", "")]
    assert journal(CancelCommand)[-1].cause == due


def test_gateway_that_is_down_lets_stops_wait_for_another_price(floor: Floor, journal: Journal, walk: Walk) -> None:
    """Nothing is sent blindly; the first price that reaches the stop after the line is back sends it."""
    floor.order("stop", Side.SELL, 1.0, stop_price=95.0)
    floor.venue.down = True
    floor.tick(94.0)
    floor.tick(93.0)
    assert len(walk("stop")) == 1
    assert sum("has reached its stop" in one.message for one in journal(LogEvent)) == 1
    floor.venue.down = False
    floor.tick(96.0)
    assert len(walk("stop")) == 1
    floor.tick(94.0)
    assert walk("stop")[-1] == ("FILLED", "")


def test_risk_is_asked_again_when_an_order_is_due(bus: EventBus, journal: Journal, walk: Walk) -> None:
    """One that opens is refused by the limits of that moment, with their words; one that closes passes."""
    floor = Floor(bus, RiskLimits(max_orders_per_second=2.0, max_open_orders=2.0))
    floor.tick(100.0)
    floor.order("a", Side.BUY, 2.0)
    floor.order("out", Side.SELL, 2.0, stop_price=98.0)
    floor.tick(100.0)
    floor.order("in", Side.BUY, 1.0, stop_price=102.0)
    floor.say(ConfigChangeEvent(revision=1, changes={"risk.max_order_value": 50.0}))
    floor.tick(102.0)
    assert walk("in")[-1] == ("REJECTED", "refused when it was due: order value 102 is above max_order_value 50")
    floor.tick(98.0)
    assert walk("out")[-1] == ("FILLED", "")
    assert [verdict.passed for verdict in journal(RiskVerdict)] == [1, 1, 1]
    assert floor.engine.desk.risk.native.open_orders(0, 0) == 0


def test_kill_switch_cancels_held_orders(floor: Floor, walk: Walk) -> None:
    """Held orders are open orders; a bracket's children go with their parent, each once."""
    floor.order("stop", Side.SELL, 1.0, stop_price=95.0)
    floor.order("in", Side.BUY, 1.0, 90.0)
    floor.order("tp", Side.SELL, 1.0, 110.0, parent="in")
    floor.say(ConfigChangeEvent(revision=1, changes={"risk.kill_switch": True}))
    assert [walk(name)[-1][0] for name in ("stop", "in", "tp")] == ["CANCELLED"] * 3
    assert sum(state == "CANCELLED" for state, _ in walk("tp")) == 1


def test_fill_of_one_leg_cancels_the_other(floor: Floor, journal: Journal, walk: Walk) -> None:
    """A held leg ends at once; one at the venue is cancelled there."""
    floor.order("in", Side.BUY, 2.0)
    floor.order("tp", Side.SELL, 2.0, 105.0, **OCO)
    floor.order("sl", Side.SELL, 2.0, stop_price=95.0, **OCO)
    floor.tick(105.0)
    assert walk("tp")[-1] == ("FILLED", "")
    assert walk("sl")[-1] == ("CANCELLED", "the leg tp of its group is FILLED")
    other = {**OCO, "group": "next"}
    floor.order("in2", Side.BUY, 2.0)
    floor.order("tp2", Side.SELL, 2.0, 115.0, **other)
    floor.order("sl2", Side.SELL, 2.0, stop_price=95.0, **other)
    floor.tick(95.0)
    assert walk("sl2")[-1] == ("FILLED", "")
    assert walk("tp2")[-2:] == [("CANCELLING", "the leg sl2 of its group is FILLED"), ("CANCELLED", "")]
    assert sum(fill.quantity if fill.side == Side.BUY else -fill.quantity for fill in journal(Fill)) == 0.0
    assert floor.open_lots(Side.SELL) == 0.0


def test_partial_fill_of_a_leg_makes_the_others_smaller(floor: Floor, journal: Journal, walk: Walk) -> None:
    """A held leg is cut here, one at the venue by a change; together they fill what was asked for."""
    floor.order("in", Side.BUY, 5.0)
    floor.order("tp", Side.SELL, 5.0, 105.0, **OCO)
    floor.order("sl", Side.SELL, 5.0, stop_price=95.0, **OCO)
    floor.order("tp2", Side.SELL, 5.0, 106.0, **OCO)
    floor.tick(105.0, size=2.0)
    assert walk("tp")[-1][0] == "PARTLY_FILLED"
    last = {event.client_id: event for event in journal(OrderEvent)}
    assert (last["sl"].quantity, last["sl"].reason) == (3.0, "held: waits for its stop price")
    assert (last["tp2"].quantity, last["tp2"].reason) == (3.0, "modified")
    floor.tick(95.0)
    assert [walk(name)[-1][0] for name in ("sl", "tp", "tp2")] == ["FILLED", "CANCELLED", "CANCELLED"]
    assert sum(fill.quantity for fill in journal(Fill) if fill.side == Side.SELL) == 5.0


def test_end_of_one_leg_ends_the_other(floor: Floor, walk: Walk) -> None:
    """Cancelled or expired, it takes the others with it; one that was refused leaves them alone."""
    floor.order("a", Side.SELL, 1.0, stop_price=95.0, **OCO)
    floor.order("b", Side.BUY, 1.0, stop_price=105.0, **OCO)
    floor.order("huge", Side.BUY, 1e6, stop_price=105.0, **OCO)
    assert walk("huge")[-1][0] == "REJECTED"
    assert walk("a")[-1][0] == walk("b")[-1][0] == "ACCEPTED"
    floor.cancel("b")
    assert walk("a")[-1] == ("CANCELLED", "the leg b of its group is CANCELLED")


def test_leg_that_comes_too_late_is_not_sent(floor: Floor, journal: Journal, walk: Walk) -> None:
    """A group whose name was used is over when a leg of it has ended."""
    floor.order("a", Side.BUY, 1.0, **OCO)
    floor.order("b", Side.BUY, 1.0, 90.0, **OCO)
    assert walk("b") == [("CANCELLED", "the leg a of its group is FILLED")]
    assert [command.client_id for command in journal(OrderCommand)] == ["a"]


def test_legs_close_reduce_only_together(floor: Floor, walk: Walk) -> None:
    """Two legs may both close the whole position: only one of them is filled. What is left to close is looked up again when one is due."""
    both = {"group": "exit", "order_flags": int(OrderFlag.OCO | OrderFlag.REDUCE_ONLY)}
    floor.order("in", Side.BUY, 4.0)
    floor.order("sl", Side.SELL, 4.0, stop_price=95.0, **both)
    floor.order("sl2", Side.SELL, 9.0, stop_price=94.0, **both)
    assert floor.open_lots(Side.SELL) == 8.0
    floor.order("part", Side.SELL, 3.0)
    floor.tick(95.0)
    assert walk("sl")[-1] == ("FILLED", "")
    assert floor.engine.desk.books.accounts.position("s", floor.number).lots == 0  # type: ignore[union-attr]


def bracket(floor: Floor, quantity: float = 5.0, price: float | None = 99.0) -> None:
    """Send a parent and both ways out."""
    floor.order("in", Side.BUY, quantity, price)
    floor.order("tp", Side.SELL, quantity, 105.0, parent="in")
    floor.order("sl", Side.SELL, quantity, stop_price=95.0, parent="in")


def test_children_wait_until_their_parent_is_filled(floor: Floor, journal: Journal, walk: Walk) -> None:
    """They can fill nothing before; then the limit is sent and the stop is held, both of what was filled."""
    bracket(floor)
    assert walk("tp") == walk("sl") == [("ACCEPTED", "held: waits for its parent")]
    assert journal(OrderEvent)[-1].quantity == 5.0
    assert floor.open_lots(Side.SELL) == 0.0
    floor.tick(99.0, size=2.0, spread=0.0)
    assert walk("in")[-1][0] == "PARTLY_FILLED"
    last = {event.client_id: event for event in journal(OrderEvent)}
    assert (last["tp"].status, last["tp"].quantity) == (OrderStatus.ACCEPTED, 2.0)
    assert (last["sl"].reason, last["sl"].quantity) == ("held: waits for its stop price", 2.0)
    floor.tick(98.0, spread=0.5)
    last = {event.client_id: event for event in journal(OrderEvent)}
    assert last["in"].status == OrderStatus.FILLED
    assert (last["tp"].quantity, last["tp"].reason) == (5.0, "modified")
    assert last["sl"].quantity == 5.0
    assert floor.open_lots(Side.SELL) == 10.0
    floor.tick(94.0)
    assert [walk(name)[-1][0] for name in ("sl", "tp")] == ["FILLED", "CANCELLED"]
    assert floor.engine.desk.risk.native.open_orders(0, 0) == 0


def test_children_of_a_filled_parent_work_at_once(floor: Floor, journal: Journal, walk: Walk) -> None:
    """A parent at the market is filled before its children are read."""
    bracket(floor, price=None)
    assert [reason for _, reason in walk("tp")] == ["held: waits for its parent", "", ""]
    assert walk("sl")[-1][1] == "held: waits for its stop price"
    floor.tick(106.0)
    assert [walk(name)[-1][0] for name in ("sl", "tp")] == ["CANCELLED", "FILLED"]


def test_children_end_with_an_unfilled_parent(floor: Floor, walk: Walk) -> None:
    """A parent that is cancelled or refused leaves nothing to close; a child without a parent is refused."""
    bracket(floor)
    floor.cancel("in")
    assert walk("tp")[-1] == walk("sl")[-1] == ("CANCELLED", "its parent in is CANCELLED, unfilled")
    floor.order("late", Side.SELL, 1.0, 105.0, parent="in")
    assert walk("late") == [("CANCELLED", "its parent in is CANCELLED, unfilled")]
    floor.order("orphan", Side.SELL, 1.0, 105.0, parent="nobody")
    assert walk("orphan") == [("REJECTED", "its parent nobody is not known")]


def test_child_that_would_not_close_is_refused(floor: Floor, walk: Walk) -> None:
    """The same side or another instrument is no way out, and an OCO order needs a group."""
    floor.order("in", Side.BUY, 1.0, 99.0)
    floor.order("same", Side.BUY, 1.0, 98.0, parent="in")
    floor.order("alone", Side.BUY, 1.0, 98.0, order_flags=int(OrderFlag.OCO))
    assert walk("same")[-1][1].startswith("it must close what its parent in opens")
    assert walk("alone")[-1] == ("REJECTED", "an OCO order needs the name of a group")


def test_parent_that_ends_partly_filled_leaves_children_of_that_size(floor: Floor, journal: Journal, walk: Walk) -> None:
    """What was bought is protected."""
    bracket(floor)
    floor.tick(99.0, size=2.0, spread=0.0)
    floor.cancel("in")
    floor.tick(94.0)
    assert walk("sl")[-1] == ("FILLED", "")
    assert [fill.quantity for fill in journal(Fill) if fill.client_id == "sl"] == [2.0]
    assert walk("tp")[-1][0] == "CANCELLED"


def test_way_out_that_was_taken_ends_the_way_in(floor: Floor, journal: Journal, walk: Walk) -> None:
    """When a take-profit has sold what was bought, the rest is not bought any more, and the stop loss has nothing to sell."""
    bracket(floor)
    floor.tick(99.0, size=2.0, spread=0.0)
    floor.tick(105.0)
    assert walk("tp")[-1] == ("FILLED", "")
    assert ("CANCELLING", "its child tp is FILLED") in walk("in")
    assert walk("in")[-1][0] == "CANCELLED"
    assert walk("sl")[-2:] == [("ACCEPTED", "held: waits for its parent"), ("CANCELLED", "the fills of its group leave nothing of it")]
    assert sum(fill.quantity if fill.side == Side.BUY else -fill.quantity for fill in journal(Fill)) == 0.0
    assert journal(AlertEvent) == []


def test_quantity_of_a_leg_cannot_be_changed(floor: Floor, walk: Walk) -> None:
    """It follows the group; prices can be changed."""
    bracket(floor)
    floor.say(ModifyRequest(client_id="sl", quantity=3.0, **NAMES))
    assert walk("sl")[-1][1] == "change refused: its quantity follows its parent and group: change its prices alone"
    floor.say(ModifyRequest(client_id="sl", stop_price=96.0, **NAMES))
    floor.tick(98.0, spread=0.5)
    floor.tick(96.0)
    assert walk("sl")[-1] == ("FILLED", "")


def test_child_is_sent_when_the_gateway_is_back(floor: Floor, walk: Walk) -> None:
    """A child that is due while the line is down says so, and goes out with the next event after."""
    bracket(floor)
    floor.venue.down = True
    floor.order("x", Side.BUY, 1.0)
    assert walk("x")[-1] == ("REJECTED", "the paper gateway is not connected")
    floor.tick(98.0, spread=0.5)
    assert walk("in")[-1][0] == "FILLED"
    assert walk("tp")[-1] == ("ACCEPTED", "held: waits for the gateway")
    floor.venue.down = False
    floor.tick(98.0)
    assert walk("tp")[-2:] == [("SUBMITTING", ""), ("ACCEPTED", "")]


def test_risk_reasons_of_a_bracket_are_one_verdict_each(floor: Floor, journal: Journal) -> None:
    """A held order is judged when it is asked for, like any other."""
    bracket(floor)
    floor.order("bad", Side.SELL, 1.0, stop_price=95.0001, parent="in")
    verdicts = journal(RiskVerdict)
    assert [verdict.passed for verdict in verdicts] == [1, 1, 1, 0]
    assert verdicts[-1].reasons == RiskReason.BAD_PRICE


def test_fill_that_nobody_knows_is_an_alert(floor: Floor, journal: Journal) -> None:
    """It is counted, logged and told as critical; no position is made of it."""
    fill = {"kind": ReportKind.FILLED, "event_ns": NOW, "price": 100.0, "quantity": 2.0}
    floor.engine.desk.listen(GatewayReport(client_id="stranger", trade_id="T1", **fill))
    floor.engine.desk.listen(GatewayReport(client_id="", venue_order_id="V7", trade_id="T2", **fill))
    floor.engine.on_idle()
    alerts = journal(AlertEvent)
    assert [(alert.level, alert.name) for alert in alerts] == [("critical", "unknown_fill")] * 2
    assert "2 at 100, order 'stranger', trade 'T1'" in alerts[0].message
    assert "order 'V7'" in alerts[1].message
    assert floor.engine.desk.reports.unknown == 2
    assert journal(Fill) == []


def test_fill_after_the_end_counts_once_also_after_a_restart(floor: Floor, bus: EventBus, journal: Journal, walk: Walk) -> None:
    """A late fill is money; the same trade id told to the next engine is not."""
    floor.order("a", Side.BUY, 2.0, 90.0)
    floor.cancel("a")
    late = GatewayReport(kind=ReportKind.FILLED, client_id="a", event_ns=NOW, trade_id="T1", price=90.0, quantity=1.0)
    floor.engine.desk.listen(late)
    floor.engine.on_idle()
    assert walk("a")[-1] == ("CANCELLED", "filled after its end")
    assert floor.engine.stop()
    floor.engine = TradingEngine(TradingConfig(cash=100_000.0), None, floor.venue)
    floor.engine.start(bus, threaded=False)
    floor.engine.desk.listen(late)
    floor.engine.on_idle()
    assert len(journal(Fill)) == 1
    assert floor.engine.desk.orders.duplicates == 1


def test_bracket_that_fills_after_its_way_out_is_an_alert(floor: Floor, journal: Journal) -> None:
    """Nothing closes what a parent buys when its children are done: somebody has to know."""
    bracket(floor)
    floor.tick(99.0, size=2.0, spread=0.0)
    floor.tick(105.0)
    late = GatewayReport(kind=ReportKind.FILLED, client_id="in", event_ns=NOW, trade_id="T1", price=99.0, quantity=1.0)
    floor.engine.desk.listen(late)
    floor.engine.on_idle()
    assert [(alert.level, alert.name) for alert in journal(AlertEvent)] == [("critical", "open_bracket")]
