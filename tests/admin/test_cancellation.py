"""Cancelling from outside, answered by a real trading engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gcg_quant.admin.changes.cancellation import Cancellation, cancel_orders, still_open
from gcg_quant.bus import EventBus
from gcg_quant.errors import NotRunningError
from gcg_quant.events import OrderEvent, OrderRequest, OrderType, Side, Tick
from gcg_quant.instruments import preset
from gcg_quant.kill_switch import kill_change
from gcg_quant.strategy_engine import PaperGateway, TradingEngine

NOW = 1_790_000_000_000_000_000


def wait_for(condition: Callable[[], Any]) -> None:
    """Wait until the condition holds, or fail."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the condition did not hold in time"
        time.sleep(0.002)


def tick(bid: float, at_ns: int = 0) -> Tick:
    """Return a market."""
    return Tick(
        symbol="BTC/USDT", venue="SIM", event_ns=NOW + at_ns, last_price=bid, bid_price=bid, bid_size=9, ask_price=bid + 1, ask_size=9
    )


def ask(client_id: str, price: float) -> OrderRequest:
    """Return a limit order to buy."""
    names: dict[str, Any] = {"symbol": "BTC/USDT", "venue": "SIM", "event_ns": NOW, "account": "paper", "strategy": "s"}
    return OrderRequest(client_id=client_id, quantity=1.0, price=price, side=Side.BUY, order_type=OrderType.LIMIT, **names)


def orders(bus: EventBus) -> list[OrderEvent]:
    """Return the last event of every order."""
    with bus.reader(start="begin", events=[OrderEvent]) as reader:
        return list({event.request: event for event in reader if isinstance(event, OrderEvent)}.values())


@pytest.fixture
def start(bus: EventBus) -> Iterator[Callable[..., TradingEngine]]:
    """Return a function that starts an engine with a market."""
    made: list[TradingEngine] = []

    def starter(latency_ns: int = 0) -> TradingEngine:
        bus.instruments.add(preset("crypto", "BTC/USDT", "SIM"))
        engine = TradingEngine(None, None, PaperGateway(latency_ns=latency_ns))
        made.append(engine)
        engine.start(bus)
        wait_for(lambda: engine.state == "running")
        bus.publish(tick(100.0))
        return engine

    yield starter
    for engine in made:
        assert engine.stop(60.0)


def test_each_order_has_its_own_answer(bus: EventBus, start: Callable[..., TradingEngine]) -> None:
    """Open orders are cancelled; one that is filled or unknown is refused with the engine's words."""
    start()
    for client_id, price in (("a", 90.0), ("b", 200.0), ("c", 91.0)):
        bus.publish(ask(client_id, price))
    wait_for(lambda: len(orders(bus)) == 3 and orders(bus)[2].status.name == "ACCEPTED")
    assert cancel_orders(bus, [*orders(bus), "nobody"]) == [
        Cancellation("a", "cancelled"),
        Cancellation("b", "refused", "cancel refused: the order is FILLED"),
        Cancellation("c", "cancelled"),
        Cancellation("nobody", "refused", "cancel refused: there is no such order"),
    ]
    assert cancel_orders(bus, []) == []


def test_venue_that_takes_its_time_is_told_so(bus: EventBus, start: Callable[..., TradingEngine]) -> None:
    """While event time stands still a venue with a latency does not answer: the order is being cancelled, and that is no refusal."""
    start(1_000_000)
    bus.publish(ask("a", 90.0))
    bus.publish(tick(100.0, 2_000_000))
    wait_for(lambda: [order.status.name for order in orders(bus)] == ["ACCEPTED"])
    (answer,) = cancel_orders(bus, ["a"], timeout_s=0.3)
    assert answer == Cancellation("a", "cancelling", "the venue has not confirmed it yet")
    assert answer.ok
    bus.publish(tick(100.0, 4_000_000))
    wait_for(lambda: [order.status.name for order in orders(bus)] == ["CANCELLED"])


def test_orders_that_do_not_end_are_named(bus: EventBus, start: Callable[..., TradingEngine]) -> None:
    """After the time those are left that are still open; none is as soon as the last one has ended."""
    start(1_000_000)
    assert still_open(bus, 5.0) == []
    for client_id in ("a", "b"):
        bus.publish(ask(client_id, 90.0))
    bus.publish(tick(100.0, 2_000_000))
    wait_for(lambda: [order.status.name for order in orders(bus)] == ["ACCEPTED"] * 2)
    assert [order.client_id for order in still_open(bus, 0.1)] == ["a", "b"]
    bus.publish(kill_change(True, "test"))
    wait_for(lambda: [order.status.name for order in orders(bus)] == ["CANCELLING"] * 2)
    later = threading.Timer(0.1, lambda: bus.publish(tick(100.0, 4_000_000)))
    later.start()
    assert still_open(bus, 5.0) == []
    later.join()


def test_nobody_there_is_an_error(bus: EventBus) -> None:
    """Without a trading engine the command ends after its time, with a sentence."""
    with pytest.raises(NotRunningError, match=r"No trading engine answered within 0\.1 s"):
        cancel_orders(bus, ["a"], timeout_s=0.1)
