"""The shipped strategies and the examples, run by a real manager; the tests say what the market and the trading engine say."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import nan
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import (
    Bar,
    CancelRequest,
    Fill,
    LogEvent,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionEvent,
    Side,
    SignalEvent,
    StrategyStatusEvent,
    Tick,
)
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine import StrategyLoader, StrategyManager

Journal = Callable[..., list[Any]]
Command = Callable[..., Any]
WaitUntil = Callable[..., None]
Start = Callable[..., StrategyManager]

ROOT = Path(__file__).resolve().parents[2]
BTC = {"symbol": "BTC/USDT", "venue": "SIM"}


class Desk:
    """What a test says to a strategy, and what the strategy has asked for."""

    def __init__(self, bus: EventBus, journal: Journal, wait_until: WaitUntil, name: str) -> None:
        self.bus = bus
        self.journal = journal
        self.wait_until = wait_until
        self.name = name
        self.held = 0.0
        self.gone: set[str] = set()
        self.marks = 0

    def quote(self, bid: float, ask: float, last: float = nan) -> None:
        """Publish a tick and wait until the strategy has seen it."""
        self.bus.publish(Tick(**BTC, bid_price=bid, ask_price=ask, last_price=last))
        self.settle()

    def settle(self) -> None:
        """Wait until the manager has handled all that was published: a signal sent behind it is logged by the strategy "echo"."""
        self.marks += 1
        self.bus.publish(SignalEvent(**BTC, strategy="desk", name=f"mark {self.marks}", event_ns=0))
        self.wait_until(lambda: any(line.message == f"mark {self.marks}" for line in self.journal(LogEvent)), "the echo")

    def requests(self) -> list[OrderRequest]:
        """Return all requests so far."""
        return self.journal(OrderRequest)

    def open(self) -> dict[float, Side]:
        """Return the open limit orders by price, without those that are being cancelled."""
        cancelled = {one.client_id for one in self.journal(CancelRequest)} | self.gone
        return {one.price: one.side for one in self.requests() if one.client_id not in cancelled}

    def answer(self, price: float, status: OrderStatus) -> None:
        """Say what became of the newest order at a price; a fill is followed by its position."""
        order = next(one for one in reversed(self.requests()) if one.price == price and one.client_id not in self.gone)
        known = {**BTC, "strategy": self.name, "client_id": order.client_id, "side": order.side}
        self.gone.add(order.client_id)
        if status == OrderStatus.FILLED:
            self.bus.publish(Fill(**known, quantity=order.quantity, price=price))
        self.bus.publish(
            OrderEvent(**known, status=status, price=price, quantity=order.quantity, tag=order.tag, order_type=OrderType.LIMIT)
        )
        if status == OrderStatus.FILLED:
            self.held = round(self.held + (order.quantity if order.side == Side.BUY else -order.quantity), 9)
            self.bus.publish(PositionEvent(**BTC, strategy=self.name, quantity=self.held, average_price=price))
        self.settle()

    def confirm_cancels(self) -> None:
        """Say that every order whose cancellation was asked for is cancelled."""
        for one in self.journal(CancelRequest):
            if one.client_id not in self.gone:
                price = next(request.price for request in self.requests() if request.client_id == one.client_id)
                order = next(request for request in self.requests() if request.client_id == one.client_id)
                self.gone.add(order.client_id)
                known = {**BTC, "strategy": self.name, "client_id": one.client_id, "side": order.side}
                self.bus.publish(OrderEvent(**known, status=OrderStatus.CANCELLED, price=price, quantity=order.quantity, tag=order.tag))
        self.settle()


ECHO = """
class Echo(Strategy):
    def on_signal(self, signal):
        if signal.name.startswith("mark"):
            self.log(signal.name)
"""


@pytest.fixture
def run_mine(write_file: Callable[[str, str], Path], start_manager: Start, command: Command, desk: Desk) -> Callable[..., None]:
    """Return a function that starts a manager and runs a strategy as "mine"."""
    write_file("echo.py", ECHO)

    def run(file: str, **parameters: Any) -> None:
        start_manager()
        assert command("run", "echo", file="echo", symbols=["BTC/USDT"]).ok
        answer = command("run", "mine", file=file, symbols=["BTC/USDT"], parameters=parameters)
        assert answer.ok, answer.detail

    return run


@pytest.fixture
def desk(bus: EventBus, journal: Journal, wait_until: WaitUntil) -> Desk:
    """Return a desk for the strategy "mine", with an instrument of tick 1 and lot 0.01."""
    bus.instruments.add(Instrument(**BTC, tick_size=1.0, lot_size=0.01))
    return Desk(bus, journal, wait_until, "mine")


@pytest.fixture
def grid(desk: Desk, run_mine: Callable[..., None]) -> Desk:
    """Run a grid of three lines a side, one percent apart, and lay it around 1000."""
    run_mine("grid", step_percent=1, max_inventory=4)
    desk.quote(999, 1001)
    return desk


LAID = {990.0: Side.BUY, 980.0: Side.BUY, 970.0: Side.BUY, 1010.0: Side.SELL, 1020.0: Side.SELL, 1030.0: Side.SELL}


def test_grid_lays_orders_on_both_sides(grid: Desk) -> None:
    """Three buys below and three sells above the middle, each of the quantity, tagged with their line."""
    assert grid.open() == LAID
    assert {one.quantity for one in grid.requests()} == {0.01}
    assert {one.tag for one in grid.requests()} == {f"grid:{line}" for line in (-3, -2, -1, 1, 2, 3)}
    grid.quote(998, 1000)
    assert grid.open() == LAID


def test_grid_follows_a_fill_with_the_opposite_order(grid: Desk) -> None:
    """After the first buy a sell stands at the centre; after that sold, a buy stands where the first was."""
    grid.answer(990.0, OrderStatus.FILLED)
    grid.quote(989, 991)
    assert grid.open() == {price: side for price, side in LAID.items() if price != 990.0} | {1000.0: Side.SELL}
    grid.answer(1000.0, OrderStatus.FILLED)
    grid.quote(998, 1000)
    assert grid.open() == LAID


def test_grid_walks_down_and_up_again(grid: Desk) -> None:
    """Two lines down and back: each sell is one step above its buy, and the grid is whole again in the end."""
    for price in (990.0, 980.0):
        grid.answer(price, OrderStatus.FILLED)
        grid.quote(price - 1, price + 1)
    assert grid.held == 0.02
    assert {price for price, side in grid.open().items() if side == Side.SELL} == {990.0, 1000.0, 1010.0, 1020.0, 1030.0}
    for price in (990.0, 1000.0):
        grid.answer(price, OrderStatus.FILLED)
        grid.quote(price - 1, price + 1)
    assert grid.held == 0.0
    assert grid.open() == LAID


def test_grid_keeps_its_inventory_bound(desk: Desk, run_mine: Callable[..., None], bus: EventBus) -> None:
    """Position and working orders together never exceed the bound, in either direction."""
    bus.publish(PositionEvent(**BTC, strategy="mine", quantity=0.03, average_price=1000.0))
    run_mine("grid", step_percent=1, max_inventory=4)
    desk.quote(999, 1001)
    sides = list(desk.open().values())
    assert (sides.count(Side.BUY), sides.count(Side.SELL)) == (1, 3)
    assert 990.0 in desk.open()


def test_grid_moves_with_the_market(grid: Desk) -> None:
    """When the price leaves the grid all is cancelled, and laid anew only once nothing is open any more."""
    grid.quote(1039, 1041)
    assert grid.open() == {}
    grid.quote(1039, 1041)
    assert len(grid.requests()) == 6
    grid.confirm_cancels()
    grid.quote(1049, 1051)
    prices = sorted(grid.open())
    assert prices[0] == pytest.approx(1018, abs=1)
    assert len(prices) == 6


def test_grid_waits_after_a_refusal(grid: Desk, command: Command) -> None:
    """A refused order is not sent again at once, and is sent again after the pause."""
    assert command("set_parameters", "mine", parameters={"retry_seconds": 0.2}).ok
    grid.confirm_cancels()
    grid.quote(999, 1001)
    grid.answer(990.0, OrderStatus.REJECTED)
    count = len(grid.requests())
    grid.quote(999, 1001)
    assert len(grid.requests()) == count

    def again() -> bool:
        grid.quote(999, 1001)
        return len(grid.requests()) > count

    grid.wait_until(again, "the order's return")
    assert [(one.price, one.side) for one in grid.requests()[count:]] == [(990.0, Side.BUY)]


def test_grid_ignores_quotes_that_say_nothing(desk: Desk, run_mine: Callable[..., None], journal: Journal) -> None:
    """One-sided quotes and empty ticks lay no grid; a last price does."""
    run_mine("grid", step_percent=1)
    for bid, ask in ((1000, nan), (nan, 1000), (nan, nan)):
        desk.quote(bid, ask)
    assert desk.requests() == []
    desk.quote(nan, nan, last=1000)
    assert desk.open() == LAID
    assert journal(StrategyStatusEvent)[-1].state == "running"


def test_grid_takes_its_orders_down_after_a_restart(grid: Desk, start_manager: Start, managers: list[StrategyManager]) -> None:
    """The new life cancels the old one's orders first, and lays its own grid only when they are gone."""
    assert managers[0].stop()
    start_manager()
    grid.settle()
    assert grid.open() == {}
    grid.quote(1099, 1101)
    assert len(grid.requests()) == 6
    grid.confirm_cancels()
    grid.quote(1099, 1101)
    assert len(grid.requests()) == 12
    assert len({one.client_id for one in grid.requests()}) == 12


def test_grid_step_is_never_less_than_a_tick(desk: Desk, run_mine: Callable[..., None]) -> None:
    """With a step smaller than the tick the lines stand one tick apart."""
    run_mine("grid", step_percent=0.001)
    desk.quote(999, 1001)
    assert sorted(desk.open()) == [997.0, 998.0, 999.0, 1001.0, 1002.0, 1003.0]


def bar(number: int, close: float) -> Bar:
    """Return the bar of minute `number`."""
    start = number * 60_000_000_000
    return Bar(**BTC, period="1m", start_ns=start, event_ns=start + 60_000_000_000, open=close, high=close, low=close, close=close)


def feed(desk: Desk, closes: list[float], begin: int = 0) -> None:
    """Publish bars with these closes."""
    for number, close in enumerate(closes, begin):
        desk.bus.publish(bar(number, close))
    desk.settle()


@pytest.mark.parametrize(("short", "quantities"), [(False, [10.0, 10.0]), (True, [10.0, 21.11])])
def test_sma_cross_turns_with_the_averages(
    short: bool, quantities: list[float], desk: Desk, run_mine: Callable[..., None], journal: Journal, bus: EventBus
) -> None:
    """It buys on the crossing above and sells on the crossing below what it holds, or more if it may go short."""
    run_mine("sma_cross", fast=2, slow=4, value=1000, short=short)
    feed(desk, [90, 90, 90, 90, 90, 100])
    request = desk.requests()[0]
    assert (request.side, request.order_type, request.quantity) == (Side.BUY, OrderType.MARKET, 10.0)
    known = {**BTC, "strategy": "mine", "client_id": request.client_id, "side": Side.BUY}
    bus.publish(Fill(**known, quantity=10.0, price=100.0))
    bus.publish(OrderEvent(**known, status=OrderStatus.FILLED))
    feed(desk, [100, 100, 90, 90, 80], begin=6)
    assert [one.quantity for one in desk.requests()] == quantities
    assert [one.direction for one in journal(SignalEvent) if one.strategy == "mine"] == [Side.BUY, Side.SELL]


def test_sma_cross_does_not_order_while_an_order_is_open(desk: Desk, run_mine: Callable[..., None]) -> None:
    """A turn that has not been filled is not followed by another one."""
    run_mine("sma_cross", fast=1, slow=2, short=True)
    feed(desk, [100, 90, 110, 80, 120, 70])
    assert len(desk.requests()) == 1


def test_sma_cross_takes_one_lot_at_least(desk: Desk, run_mine: Callable[..., None]) -> None:
    """A position worth less than a lot is a lot."""
    run_mine("sma_cross", fast=1, slow=2, value=0)
    feed(desk, [100, 90, 110])
    assert [one.quantity for one in desk.requests()] == [0.01]


def test_breakout_example_buys_a_new_high(desk: Desk, run_mine: Callable[..., None], folder: Path, bus: EventBus) -> None:
    """The example buys above the highest high, and leaves below the lowest low."""
    (folder / "breakout.py").write_bytes((ROOT / "examples/strategies/breakout.py").read_bytes())
    run_mine("breakout", entry=3, exit=2)
    feed(desk, [100, 101, 100, 101, 102])
    request = desk.requests()[0]
    assert (request.side, request.quantity) == (Side.BUY, 0.1)
    known = {**BTC, "strategy": "mine", "client_id": request.client_id, "side": Side.BUY}
    bus.publish(Fill(**known, quantity=0.1, price=102.0))
    bus.publish(OrderEvent(**known, status=OrderStatus.FILLED))
    feed(desk, [103, 100], begin=5)
    assert [one.side for one in desk.requests()] == [Side.BUY, Side.SELL]


def test_strategy_of_the_docs_loads(folder: Path) -> None:
    """The first strategy that docs/strategies.md shows can be loaded as it stands there."""
    text = (ROOT / "docs/strategies.md").read_text()
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    (folder / "dip.py").write_text(found[1])
    assert StrategyLoader([folder]).load("dip").make({}).parameters == {"period": "1m", "falls": 3, "size": 0.01}
