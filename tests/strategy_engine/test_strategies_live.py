"""Strategies with the real trading engine and the paper gateway: from a tick to the fill and back, on one bus."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.errors import JournalError
from gcg_quant.events import (
    Fill,
    Lane,
    LogEvent,
    OrderCommand,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    PositionEvent,
    RiskVerdict,
    Side,
    StrategyStatusEvent,
    Tick,
)
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine import LoadRequest, RiskLimits, StrategyManager, TradingConfig, TradingEngine

Journal = Callable[..., list[Any]]
Command = Callable[..., Any]
WriteFile = Callable[[str, str], Path]
WaitUntil = Callable[..., None]
Start = Callable[..., StrategyManager]

BTC = {"symbol": "BTC/USDT", "venue": "SIM"}


@pytest.fixture
def engine(bus: EventBus, wait_until: WaitUntil) -> Iterator[TradingEngine]:
    """Run a trading engine on the bus, with a limit of 10 units an order."""
    bus.instruments.add(Instrument(**BTC, tick_size=0.01, lot_size=0.001))
    made = TradingEngine(TradingConfig(account="paper", cash=1_000_000.0), RiskLimits(max_order_quantity=10.0))
    made.start(bus)
    wait_until(lambda: made.state in ("running", "failed"), "the engine's start")
    assert made.state == "running"
    yield made
    assert made.stop()


class Walk:
    """A quote that walks at random, in even steps of time, from one tick of the bus to the next."""

    def __init__(self, bus: EventBus, seed: int = 1, price: float = 64_000.0) -> None:
        self.bus = bus
        self.price = price
        self.time_ns = 1_700_000_000_000_000_000
        self._random = random.Random(seed)

    def step(self, move: float | None = None) -> None:
        """Publish the next tick: `move` is the change as a fraction, at random if None."""
        self.price *= 1 + (self._random.gauss(0, 1.5e-4) if move is None else move)
        self.time_ns += 100_000_000
        bid, ask = round(self.price - 0.4, 2), round(self.price + 0.4, 2)
        self.bus.publish(
            Tick(**BTC, event_ns=self.time_ns, bid_price=bid, ask_price=ask, bid_size=9.0, ask_size=9.0, last_price=round(self.price, 2))
        )


def settle(bus: EventBus, wait_until: WaitUntil, calm: int = 1) -> None:
    """Wait until all readers have come to the end and nothing more is said, `calm` looks in a row."""
    seen = [-1]
    looks = [0]

    def quiet() -> bool:
        try:
            lag = sum(sum(reader.lag.values()) for reader in bus.readers() if reader.alive)
        except JournalError:
            return False
        before, seen[0] = seen[0], bus.head(Lane.CONTROL) + bus.head(Lane.MARKET)
        looks[0] = looks[0] + 1 if lag == 0 and before == seen[0] else 0
        return looks[0] >= calm

    wait_until(quiet, "quiet", timeout_s=20.0)


def folded(fills: list[Fill], strategy: str) -> float:
    """Return the position that a strategy's fills add up to."""
    return round(sum(one.quantity if one.side == Side.BUY else -one.quantity for one in fills if one.strategy == strategy), 9)


def test_tick_leads_to_a_fill_and_back(
    bus: EventBus,
    engine: TradingEngine,
    start_manager: Start,
    command: Command,
    write_file: WriteFile,
    journal: Journal,
    wait_until: WaitUntil,
) -> None:
    """Tick, request, verdict, command, order events, fill, on_fill: each names what led to it, and the position is there."""
    write_file(
        "buyer.py",
        """
        class Buyer(Strategy):
            symbols = ("BTC/USDT",)
            def on_tick(self, tick):
                if self.position.is_flat and not self.orders:
                    self.buy(0.5)
            def on_order(self, order):
                self.log(f"order {order.status.name}")
            def on_fill(self, fill):
                self.log(f"fill {fill.quantity:g} held {self.position.quantity:g} open {len(self.orders)}")
        """,
    )
    start_manager()
    assert command("run", "mine", file="buyer").ok
    walk = Walk(bus)
    for _ in range(3):
        walk.step()
        settle(bus, wait_until)
    settle(bus, wait_until, calm=40)
    lines = [event.message for event in journal(LogEvent) if event.component == "mine"]
    assert lines[-2:] == ["fill 0.5 held 0.5 open 1", "order FILLED"]
    request, fill = journal(OrderRequest)[0], journal(Fill)[0]
    assert request.cause == journal(Tick)[0].id
    assert journal(RiskVerdict)[0].request == journal(OrderCommand)[0].request == fill.request == request.id
    assert (fill.strategy, fill.client_id, fill.price) == ("mine", request.client_id, pytest.approx(64_000, rel=1e-3))
    assert len(journal(OrderRequest)) == 1
    assert journal(PositionEvent)[-1].quantity == 0.5


def test_refused_order_comes_back_as_rejected(
    bus: EventBus,
    engine: TradingEngine,
    start_manager: Start,
    command: Command,
    write_file: WriteFile,
    journal: Journal,
    wait_until: WaitUntil,
) -> None:
    """What risk refuses is told by on_order with the reason, is open no longer, and does not stop the strategy."""
    write_file(
        "buyer.py",
        """
        class Buyer(Strategy):
            symbols = ("BTC/USDT",)
            done = False
            def on_tick(self, tick):
                if not self.done:
                    self.buy(11)
                self.done = True
            def on_order(self, order):
                self.log(f"{order.status.name} {len(self.orders)} {order.reason}")
        """,
    )
    manager = start_manager()
    assert command("run", "mine", file="buyer").ok
    Walk(bus).step()
    wait_until(lambda: [event for event in journal(LogEvent) if event.component == "mine"], "the refusal")
    line = next(event.message for event in journal(LogEvent) if event.component == "mine")
    assert line.startswith("REJECTED 0 ")
    assert "quantity" in line
    assert manager.strategies()[0].state == "running"
    assert journal(OrderCommand) == []


def test_orders_of_a_strategy_that_throws_are_cancelled(
    bus: EventBus,
    engine: TradingEngine,
    start_manager: Start,
    command: Command,
    write_file: WriteFile,
    journal: Journal,
    wait_until: WaitUntil,
) -> None:
    """A resting order of a strategy that fails is cancelled by the engine."""
    write_file(
        "thrower.py",
        """
        class Thrower(Strategy):
            symbols = ("BTC/USDT",)
            def on_tick(self, tick):
                self.buy(1, 60_000.0)
            def on_order(self, order):
                if order.status == OrderStatus.ACCEPTED:
                    raise RuntimeError("done")
        """,
    )
    start_manager()
    assert command("run", "mine", file="thrower").ok
    Walk(bus).step()
    wait_until(lambda: OrderStatus.CANCELLED in [event.status for event in journal(OrderEvent)], "the cancellation")
    assert journal(StrategyStatusEvent)[-1].state == "failed"
    assert journal(Fill) == []


def test_grid_trades_within_its_bounds(
    bus: EventBus, engine: TradingEngine, start_manager: Start, command: Command, journal: Journal, wait_until: WaitUntil
) -> None:
    """On a random walk the grid buys low and sells high, never exceeds its inventory, and its view equals the engine's."""
    manager = start_manager()
    assert command("run", "grid", file="grid").ok
    walk = Walk(bus)
    for _ in range(400):
        walk.step()
        settle(bus, wait_until)
    settle(bus, wait_until, calm=40)
    fills, requests = journal(Fill), journal(OrderRequest)
    assert len(fills) >= 10
    assert {fill.side for fill in fills} == {Side.BUY, Side.SELL}
    held = 0.0
    for fill in fills:
        held += fill.quantity if fill.side == Side.BUY else -fill.quantity
        assert abs(held) <= 0.05 + 1e-9
    view = manager._roster.portfolios["grid"].position("BTC/USDT", "SIM")
    assert round(view.quantity, 9) == folded(fills, "grid") == round(journal(PositionEvent)[-1].quantity, 9)
    assert len({request.client_id for request in requests}) == len(requests)
    assert [event for event in journal(LogEvent) if event.level == "error"] == []
    assert manager.strategies()[0].state == "running"


def test_grid_goes_on_after_a_restart(
    bus: EventBus,
    engine: TradingEngine,
    start_manager: Start,
    managers: list[StrategyManager],
    command: Command,
    journal: Journal,
    wait_until: WaitUntil,
) -> None:
    """The manager is stopped and started: the old orders are taken down, the position goes on, and the view equals the engine's."""
    start_manager()
    assert command("run", "grid", file="grid", parameters={"max_inventory": 20}).ok
    walk = Walk(bus)
    for life in range(3):
        for _ in range(60):
            walk.step()
            settle(bus, wait_until)
        if life < 2:
            assert managers[-1].stop()
            walk.step(-0.001)
            start_manager()
    settle(bus, wait_until, calm=40)
    view = managers[-1]._roster.portfolios["grid"]
    last = {}
    for event in journal(OrderEvent):
        last[event.client_id] = event.status
    working = {name for name, status in last.items() if status in (OrderStatus.ACCEPTED, OrderStatus.PARTLY_FILLED)}
    assert set(view.orders) == working
    assert 1 <= len(working) <= 6
    assert round(view.position("BTC/USDT", "SIM").quantity, 9) == folded(journal(Fill), "grid")


def test_ten_grids_trade_side_by_side(
    bus: EventBus, engine: TradingEngine, start_manager: Start, journal: Journal, wait_until: WaitUntil
) -> None:
    """Ten strategies on one symbol each have a position of their own, which adds up from their own fills."""
    load = [
        LoadRequest(file="grid", id=f"grid-{number}", parameters={"step_percent": 0.03 + number * 0.01}, start=True) for number in range(10)
    ]
    manager = start_manager(load=load)
    walk = Walk(bus)
    for _ in range(120):
        walk.step()
        settle(bus, wait_until)
    settle(bus, wait_until, calm=40)
    fills = journal(Fill)
    for number in range(10):
        name = f"grid-{number}"
        view = manager._roster.portfolios[name].position("BTC/USDT", "SIM")
        assert round(view.quantity, 9) == folded(fills, name)
    assert len({fill.strategy for fill in fills}) >= 8
    assert {info.state for info in manager.strategies()} == {"running"}
