"""What a strategy is told of its connections: gateways that are down, feeds that were; and symbols that it adds by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import GapEvent, GatewayStatus, LogEvent, StrategyStatusEvent, Tick
from gcg_quant.strategy_engine import StrategyManager

Journal = Callable[..., list[Any]]
Command = Callable[..., Any]
WriteFile = Callable[[str, str], Path]
WaitUntil = Callable[..., None]
Start = Callable[..., StrategyManager]

SOURCE = """
class Mine(Strategy):
    symbols = ("BTC/USDT",)
    async def on_disconnect(self, event):
        self.log(f"lost {event.status if isinstance(event, GatewayStatus) else event.kind}")
    def on_gap(self, gap):
        self.log(f"gap {gap.kind}")
    def on_tick(self, tick):
        self.log(f"tick {tick.symbol}")
"""


@pytest.fixture
def lines(journal: Journal) -> Callable[[], list[str]]:
    """Return a function that returns what the strategy has logged."""
    return lambda: [event.message for event in journal(LogEvent) if event.component == "mine"]


def test_gateway_that_is_down_is_told_to_the_strategies_of_its_account(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, wait_until: WaitUntil, lines: Callable[[], list[str]]
) -> None:
    """Disconnected and halted are told, connecting and connected are not, and other accounts' are not."""
    write_file("mine.py", SOURCE)
    start_manager()
    assert command("run", "mine", file="mine").ok
    for account, status in (
        ("other", "disconnected"),
        ("paper", "connecting"),
        ("paper", "connected"),
        ("paper", "disconnected"),
        ("paper", "halted"),
    ):
        bus.publish(GatewayStatus(gateway="paper", account=account, status=status))
    wait_until(lambda: len(lines()) >= 2, "both")
    assert lines() == ["lost disconnected", "lost halted"]


def test_feed_that_was_cut_is_a_gap_and_a_lost_connection(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, wait_until: WaitUntil, lines: Callable[[], list[str]]
) -> None:
    """A gap of another kind is a gap only."""
    bus.instruments.number("BTC/USDT", "SIM")
    write_file("mine.py", SOURCE)
    start_manager()
    assert command("run", "mine", file="mine").ok
    for kind in ("sequence", "disconnect"):
        bus.publish(GapEvent(symbol="BTC/USDT", venue="SIM", kind=kind, start_ns=1, end_ns=2))
    wait_until(lambda: len(lines()) >= 3, "all three")
    assert lines() == ["gap sequence", "gap disconnect", "lost disconnect"]


def test_strategy_that_subscribes_sees_more(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, wait_until: WaitUntil, lines: Callable[[], list[str]]
) -> None:
    """`subscribe` takes effect at once, also in the middle of a callback, and adds to what was there; twice is once."""
    source = SOURCE + "        self.subscribe('ETH/USDT', 'BTC/USDT')\n    def on_start(self):\n        self.subscribe('XRP/USDT')\n"
    write_file("mine.py", source)
    start_manager()
    assert command("run", "mine", file="mine").ok
    for symbol in ("ETH/USDT", "XRP/USDT", "ETH/USDT", "BTC/USDT"):
        bus.publish(Tick(symbol=symbol, venue="SIM", last_price=1.0))
        if symbol == "XRP/USDT":
            wait_until(lambda: lines(), "the first tick")
    wait_until(lambda: len(lines()) >= 3, "the ticks")
    assert lines() == ["tick XRP/USDT", "tick ETH/USDT", "tick BTC/USDT"]


def test_subscribed_symbols_are_told_with_its_state(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, journal: Journal
) -> None:
    """A strategy without symbols of its own is refused unless it subscribes; what was added in on_start stands in its status."""
    write_file("mine.py", SOURCE + "    def on_start(self):\n        self.subscribe('XRP/USDT')\n")
    start_manager()
    assert command("run", "mine", file="mine").ok
    assert journal(StrategyStatusEvent)[-1].symbols == ["BTC/USDT", "XRP/USDT"]
