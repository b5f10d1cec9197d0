"""Closing positions and changing orders from outside, answered by a real trading engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from gcg_quant.admin.changes.closing import chosen_positions, close_positions
from gcg_quant.admin.changes.order_change import OrderChange, change_order
from gcg_quant.admin.views.system_view import SystemView
from gcg_quant.bus import EventBus
from gcg_quant.errors import NotRunningError, OrderError
from gcg_quant.events import OrderEvent, OrderFlag, OrderRequest, OrderStatus, PositionEvent
from gcg_quant.kill_switch import kill_change
from gcg_quant.strategy_engine import TradingEngine

from .test_cancellation import ask, orders, start, tick, wait_for

__all__ = ["start"]  # a fixture


def positions(bus: EventBus) -> list[PositionEvent]:
    """Return what is held."""
    return chosen_positions(SystemView.of(bus, PositionEvent))


def hold(bus: EventBus, *strategies: str) -> None:
    """Let strategies buy one each."""
    for at, name in enumerate(strategies):
        bus.publish(ask(f"buy-{at}", 200.0).replace(strategy=name))
    wait_for(lambda: len(positions(bus)) == len(strategies))


def test_positions_are_closed_by_orders_of_their_strategies(bus: EventBus, start: Callable[..., TradingEngine]) -> None:
    """Each is sold at the market by a reduce-only order, and nobody else's is touched."""
    start()
    hold(bus, "one", "two", "three")
    chosen = chosen_positions(SystemView.of(bus, PositionEvent), strategy="one", symbol="BTC/*", account="paper", venue="SIM")
    (answer,) = close_positions(bus, chosen)
    assert (answer.strategy, answer.status, answer.filled_quantity, answer.average_price) == ("one", "closed", 1.0, 100.0)
    assert sorted(one.strategy for one in positions(bus)) == ["three", "two"]
    with bus.reader(start="begin", events=[OrderRequest]) as reader:
        sent = [event for event in reader if isinstance(event, OrderRequest)][-1]
    assert (sent.strategy, sent.side.name, sent.order_type.name, sent.order_flags) == ("one", "SELL", "MARKET", int(OrderFlag.REDUCE_ONLY))
    assert [one.status for one in close_positions(bus, positions(bus))] == ["closed", "closed"]
    assert positions(bus) == []
    assert close_positions(bus, []) == []


def test_what_is_closed_already_opens_nothing(bus: EventBus, start: Callable[..., TradingEngine]) -> None:
    """Asked twice, the second order is refused: there is nothing left to sell, and no short position comes of it."""
    start()
    hold(bus, "one")
    known = positions(bus)
    assert [one.status for one in close_positions(bus, [*known, *known])] == ["closed", "refused"]
    (again,) = close_positions(bus, known)
    assert (again.status, again.ok) == ("refused", False)
    assert "nothing of BTC/USDT is left to sell" in again.detail
    assert positions(bus) == []


def test_the_kill_switch_stands_above_it(bus: EventBus, start: Callable[..., TradingEngine]) -> None:
    """While it is on every order is refused, also one that closes, and the answer says so."""
    start()
    hold(bus, "one")
    bus.publish(kill_change(True, "test"))
    (answer,) = close_positions(bus, positions(bus))
    assert answer.status == "refused"
    assert "kill switch is on" in answer.detail
    assert len(positions(bus)) == 1


@pytest.mark.no_fold("its engine is the test")
def test_whoever_looks_after_the_answer_sees_nothing_held(bus: EventBus) -> None:
    """An engine tells the order before the position; the answer comes after both, also of one that is held up between them."""
    held = PositionEvent(symbol="BTC/USDT", venue="SIM", account="paper", strategy="one", quantity=1.0)
    bus.publish(held)

    def answer() -> None:
        with bus.reader(start="begin", events=[OrderRequest]) as reader:
            order = reader.read(30.0)
        assert isinstance(order, OrderRequest)
        names: dict[str, Any] = {"symbol": "BTC/USDT", "venue": "SIM", "request": order.id, "client_id": order.client_id}
        bus.publish(OrderEvent(**names, status=OrderStatus.FILLED, filled_quantity=1.0, average_price=100.0), cause=7)
        time.sleep(0.2)
        bus.publish(held.replace(quantity=0.0), cause=7)

    engine = threading.Thread(target=answer)
    engine.start()
    (answered,) = close_positions(bus, [held], timeout_s=30.0)
    assert positions(bus) == []
    assert (answered.status, answered.filled_quantity) == ("closed", 1.0)
    engine.join()


def test_a_venue_that_takes_its_time(bus: EventBus, start: Callable[..., TradingEngine]) -> None:
    """While event time stands still nothing is filled: the order works, which is no refusal."""
    start(1_000_000)
    bus.publish(ask("buy", 200.0))
    wait_for(lambda: orders(bus))
    bus.publish(tick(100.0, 2_000_000))
    wait_for(lambda: positions(bus))
    (answer,) = close_positions(bus, positions(bus), timeout_s=0.3)
    assert (answer.status, answer.ok) == ("working", True)
    bus.publish(tick(100.0, 4_000_000))
    wait_for(lambda: not positions(bus))


def test_orders_are_changed_or_the_engine_says_why_not(bus: EventBus, start: Callable[..., TradingEngine]) -> None:
    """Price and quantity of a working order; a price between two ticks, no change, and a done order are refused."""
    start()
    bus.publish(ask("a", 90.0))
    bus.publish(ask("done", 200.0))
    wait_for(lambda: [one.status.name for one in orders(bus)] == ["ACCEPTED", "FILLED"])
    working, done = orders(bus)
    changed = change_order(bus, working, OrderChange(price=91.0, quantity=2.0))
    assert (changed.price, changed.quantity, changed.status.name) == (91.0, 2.0, "ACCEPTED")
    for order, change, words in (
        (working, OrderChange(price=91.0), "nothing would change"),
        (working, OrderChange(quantity=1e9), "change refused"),
        (working, OrderChange(price=-1.0), "above 0"),
        (done, OrderChange(price=91.0), "the order is FILLED"),
    ):
        with pytest.raises(OrderError, match=words):
            change_order(bus, order, change)


def test_nobody_there_is_an_error(bus: EventBus) -> None:
    """Without a trading engine both end after their time, with a sentence."""
    one = PositionEvent(symbol="BTC/USDT", venue="SIM", account="paper", strategy="one", quantity=1.0)
    with pytest.raises(NotRunningError, match=r"No trading engine answered within 0\.1 s"):
        close_positions(bus, [one], timeout_s=0.1)
    order: Any = OrderEvent(symbol="BTC/USDT", venue="SIM", request=5, client_id="a")
    with pytest.raises(NotRunningError, match=r"No trading engine answered within 0\.1 s"):
        change_order(bus, order, OrderChange(price=1.0), timeout_s=0.1)
