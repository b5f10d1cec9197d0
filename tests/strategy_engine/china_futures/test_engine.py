"""A counter under the whole engine: from a strategy's order to the position, and what restarts, slow answers and clocks do to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fakes.china.api import FakeApi
from fakes.china.counter import Counter
from fakes.china.holdings import LONG as HELD_LONG

from gcg_quant.bus import EventBus
from gcg_quant.clock import from_iso, now_ns
from gcg_quant.events import Fill, OrderEvent, PositionSide, RiskVerdict, Side
from gcg_quant.strategy_engine.accounts.audit import audit

from .trading_floor import TradingFloor

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


@pytest.fixture
def bus(live_bus: EventBus) -> EventBus:
    """Return the live bus."""
    return live_bus


@pytest.fixture
def floor(live_bus: EventBus, counter: Counter, make: Callable[..., Any]) -> Iterator[TradingFloor]:
    """Return a floor at the counter, on which nobody trades yet."""
    made = TradingFloor(live_bus, counter, make)
    yield made
    made.close()
    audit(live_bus)


def test_a_strategy_opens_and_closes_at_the_counter(
    floor: TradingFloor, counter: Counter, start_manager: Any, command: Any, write_file: Any
) -> None:
    """Its orders get the offset that says what they do; fills come back to it and to the position; risk stops too large a one."""
    write_file(
        "turner.py",
        """
        class Turner(Strategy):
            symbols = ("rb2105",)
            def on_tick(self, tick):
                if self.position.is_flat and not self.orders and tick.last_price == 3999.0:
                    self.buy(2, price=4000.0)
                    self.buy(50, price=4000.0)
            def on_fill(self, fill):
                if fill.side == Side.BUY:
                    self.sell(1, price=4010.0)
        """,
    )
    floor.now_ns = now_ns()  # by which a strategy dates its orders, too: the counter has its day
    counter.trading_day = str(floor.bus.instruments.get("rb2105").trading_day(floor.now_ns))
    start_manager()
    floor.start()
    assert command("run", "s", file="turner").ok
    floor.tick(price=3999.0)
    floor.until(lambda: [one.status.name for one in floor.seen(OrderEvent)].count("ACCEPTED") == 1, "its acknowledgement")
    counter.trading.trade(2, 4000.0)
    floor.until(lambda: floor.sent()[1:] == ["sell 3 1"], "the order that closes")
    floor.until(lambda: [one.status.name for one in floor.seen(OrderEvent)].count("ACCEPTED") == 2, "its acknowledgement")
    counter.trading.trade(1, 4010.0)
    floor.until(lambda: floor.position(LONG) == (1.0, 0.0), "the rest of the position")
    assert floor.sent() == ["buy 0 2", "sell 3 1"]
    assert [one.reasons == 0 for one in floor.seen(RiskVerdict)] == [True, False, True]


def test_offsets_of_today_and_yesterday(floor: TradingFloor, counter: Counter) -> None:
    """After a night, what was opened before is closed as yesterday's and what is new as today's; other exchanges know one way to close."""
    floor.start()
    floor.holds("a", Side.BUY, 3)
    floor.holds("b", Side.SELL, 1, 5200.0, "IF2101")
    assert floor.position(LONG) == (3.0, 0.0)
    counter.stop()
    counter.trading.next_day("20210105")
    floor.now_ns = from_iso("2021-01-05T09:00:00+08:00")
    counter.start()
    floor.until(lambda: not floor.is_up or counter.sessions > 1, "the break")
    floor.until_up()
    floor.holds("c", Side.BUY, 2)
    floor.until(lambda: floor.position(LONG) == (2.0, 3.0), "two of today and three of before")
    for name, lots, symbol in (("d", 3, "rb2105"), ("e", 1, "rb2105")):
        floor.order(name, Side.SELL, lots, symbol=symbol)
        floor.until_is(name, "ACCEPTED")
        floor.trade(name, lots)
        floor.until_is(name, "FILLED")
    floor.order("f", Side.BUY, 1, 5200.0, "IF2101")
    floor.until_is("f", "ACCEPTED")
    floor.trade("f", 1, 5201.0)
    floor.until_is("f", "FILLED")
    assert floor.sent() == ["buy 0 3", "sell 0 1", "buy 0 2", "sell 4 3", "sell 3 1", "buy 1 1"]
    floor.until(lambda: floor.position(LONG) == (1.0, 0.0), "one of today")
    floor.until(lambda: floor.position(SHORT, "IF2101") == (0.0, 0.0), "none of the other")
    assert {one.trading_day for one in floor.seen(Fill)} == {20210104, 20210105}
    assert not floor.alerts() or set(floor.alerts()) == {"gateway_down", "gateway_up"}


def test_a_cancel_and_what_the_counter_refuses(floor: TradingFloor, counter: Counter) -> None:
    """An open order is cancelled, also after a part of it; a close of more than the counter has is refused in its words."""
    floor.start()
    floor.order("a", Side.BUY, 2)
    floor.until_is("a", "ACCEPTED")
    floor.trade("a", 1)
    floor.until_is("a", "PARTLY_FILLED")
    floor.cancel("a")
    assert floor.until_is("a", "CANCELLED").filled_quantity == 1.0
    counter.trading.holdings.put("rb2105", "SHFE", HELD_LONG, 0)  # somebody has closed it at another terminal
    floor.order("b", Side.SELL, 1)
    assert "not enough of today's lots" in floor.until_is("b", "REJECTED").reason
    assert floor.position(LONG) == (1.0, 0.0)


def test_the_engine_starts_again_with_orders_and_positions(floor: TradingFloor, counter: Counter) -> None:
    """What traded, ended and still works while nobody was there is known after the start; nothing is sent twice, and all goes on."""
    floor.start()
    floor.holds("a", Side.BUY, 2)
    for name in ("b", "c", "d"):
        floor.order(name, Side.BUY, 3, 3990.0)
        floor.until_is(name, "ACCEPTED")
    names = {name: floor.of(name) for name in "bcd"}
    floor.stop()
    floor.trade("b", 1, 3990.0)
    floor.trade("c", 3, 3990.0)
    other = next(one for one in counter.trading.orders.values() if one["OrderSysID"].strip() == names["d"].venue_order_id[5:])
    other |= {"OrderStatus": "5", "StatusMsg": "cancelled by the exchange"}
    floor.start()
    assert [
        floor.until_is(name, state).filled_quantity for name, state in (("b", "PARTLY_FILLED"), ("c", "FILLED"), ("d", "CANCELLED"))
    ] == [
        1.0,
        3.0,
        0.0,
    ]
    floor.until(lambda: floor.position(LONG) == (6.0, 0.0), "the position")
    floor.cancel("b")
    floor.until_is("b", "CANCELLED")
    floor.order("e", Side.SELL, 6)
    floor.until_is("e", "ACCEPTED")
    assert floor.sent() == ["buy 0 2", "buy 0 3", "buy 0 3", "buy 0 3", "sell 3 6"]
    assert floor.alerts() == []


def test_positions_that_differ_halt_the_account(floor: TradingFloor, counter: Counter) -> None:
    """Lots that somebody else has bought stop new orders, until a person has seen it."""
    floor.start()
    floor.holds("a", Side.BUY, 1)
    floor.stop()
    counter.trading.holdings.put("rb2105", "SHFE", HELD_LONG, 5, 3)
    floor.start(up=False)
    floor.until(lambda: "account_halted" in floor.alerts(), "the halt")
    floor.order("b", Side.BUY, 1)
    assert "halted" in floor.until_is("b", "REJECTED").reason


def test_the_counter_starts_again(floor: TradingFloor, counter: Counter) -> None:
    """An order that got lost with it fails or goes out once more, one that traded meanwhile is filled, and a cancel is asked again."""
    floor.start()
    floor.order("a", Side.BUY, 2)
    floor.order("b", Side.BUY, 2)
    floor.until(lambda: floor.status("a") == floor.status("b") == "ACCEPTED", "both")
    counter.trading.lose = 1
    floor.order("c", Side.BUY, 1)
    floor.until(lambda: len(floor.sent()) == 3, "the lost one")
    counter.silent.add("OrderAction")
    floor.cancel("b")
    floor.until_is("b", "CANCELLING")
    counter.stop()
    counter.silent.clear()
    floor.trade("a", 2)
    floor.until(lambda: not floor.is_up, "the break")
    floor.order("x", Side.BUY, 1)
    assert "not connected" in floor.until_is("x", "REJECTED").reason
    counter.start()
    floor.until_up()
    floor.until_is("a", "FILLED")
    floor.until_is("b", "CANCELLED")
    floor.until_is("c", "ACCEPTED")
    assert floor.sent() == ["buy 0 2", "buy 0 2", "buy 0 1", "buy 0 1"]
    assert len(counter.trading.orders) == 3


def test_answers_that_are_slow_or_get_lost(floor: TradingFloor, counter: Counter) -> None:
    """A slow counter delays and doubles nothing; an acknowledgement and a fill that nobody heard are found by asking."""
    floor.start(answer_ns=10**9)
    counter.slow_s = 0.3
    floor.order("a", Side.BUY, 2)
    floor.until_is("a", "ACCEPTED")
    floor.trade("a", 2, twice=True)
    floor.cancel("a")
    floor.until_is("a", "FILLED")
    counter.slow_s = 0.0
    counter.trading.mute = True
    floor.order("b", Side.BUY, 2, 3999.0)
    floor.until_is("b", "ACCEPTED")
    counter.trading.mute = False
    floor.trade("b", 2, 3999.0)
    floor.until_is("b", "FILLED")
    assert floor.sent() == ["buy 0 2", "buy 0 2"]
    assert [one.quantity for one in floor.seen(Fill)] == [2.0, 2.0]


def test_queries_keep_to_the_flow_control(floor: TradingFloor, counter: Counter) -> None:
    """A counter answers a query in a while and refuses others: after breaks in a row none is refused, and orders go out meanwhile."""
    counter.query_s = 0.1
    floor.start(query_s=0.1)
    floor.order("a", Side.BUY, 2)
    floor.until_is("a", "ACCEPTED")
    for _ in range(3):
        session = counter.sessions
        counter.drop()
        floor.until(lambda before=session: counter.sessions > before, "another login")
    floor.until_up()
    for number in range(20):
        floor.order(f"n{number}", Side.BUY, 1)
    floor.until(lambda: len(counter.trading.orders) == 21, "all orders")
    assert counter.refused == 0
    assert floor.until_is("a", "ACCEPTED").filled_quantity == 0.0


def test_looking_for_an_answer_leaves_time_for_trading(floor: TradingFloor, counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that the exchange does not answer is looked up again and again, but not all of the time: each look takes two queries."""
    floor.start(query_s=0.1, answer_ns=1)
    looks: list[float] = []
    request = counter.request

    def timed(api: FakeApi, name: str, fields: dict[str, Any], number: int) -> int:
        if name == "QryOrder":
            looks.append(time.monotonic())
        return request(api, name, fields, number)

    monkeypatch.setattr(counter, "request", timed)
    counter.trading.deaf = True
    floor.order("a", Side.BUY, 2)
    floor.until(lambda: counter.trading.orders, "the order")
    floor.until(lambda: len(looks) == 2, "two looks", tick_s=0.001)
    assert looks[1] - looks[0] > 1.0  # ten times as long as a look takes
    assert floor.status("a") == "SUBMITTING"


@pytest.mark.parametrize("clock", ["08:00:00", "11:00:00"])
def test_a_counter_whose_clock_is_off(floor: TradingFloor, counter: Counter, clock: str) -> None:
    """Its times are written down as told; lots belong to its trading day, and orders that it does not answer are looked up."""
    counter.trading.clock = clock
    floor.start(answer_ns=10**9)
    floor.holds("a", Side.BUY, 2)
    counter.silent.add("OrderAction")
    floor.order("b", Side.BUY, 1)
    floor.until_is("b", "ACCEPTED")
    floor.cancel("b")
    floor.until_is("b", "CANCELLING")
    counter.silent.clear()
    counter.trading.mute = True
    order = next(one for one in counter.trading.orders.values() if one["VolumeTotal"])
    order |= {"OrderStatus": "5", "StatusMsg": "cancelled"}
    floor.until_is("b", "CANCELLED")
    counter.trading.mute = False
    floor.order("c", Side.SELL, 2)
    floor.until_is("c", "ACCEPTED")
    assert floor.sent()[-1] == "sell 3 2"
    assert {one.event_ns for one in floor.seen(Fill)} == {from_iso(f"2021-01-04T{clock}+08:00")}


def test_the_day_changes_with_the_night_session(floor: TradingFloor, counter: Counter) -> None:
    """On Monday evening it is Tuesday at the counter: orders of the day have expired, its lots are yesterday's, and new ones Tuesday's."""
    floor.start()
    floor.holds("a", Side.BUY, 3)
    floor.order("b", Side.BUY, 1, 3900.0)
    floor.until_is("b", "ACCEPTED")
    counter.stop()
    counter.trading.next_day("20210105")
    counter.trading.clock = "21:00:01"
    floor.now_ns = from_iso("2021-01-04T21:00:00+08:00")
    counter.start()
    assert "20210104 is over" in floor.until_is("b", "EXPIRED").reason
    floor.until_up()
    floor.holds("c", Side.BUY, 1)
    floor.until(lambda: floor.position(LONG) == (1.0, 3.0), "one of Tuesday and three of before")
    floor.order("d", Side.SELL, 3)
    floor.until_is("d", "ACCEPTED")
    floor.trade("d", 3)
    floor.until_is("d", "FILLED")
    assert floor.sent()[-1] == "sell 4 3"
    last = floor.seen(Fill)[-1]
    assert (last.event_ns, last.trading_day) == (from_iso("2021-01-04T21:00:01+08:00"), 20210105)
