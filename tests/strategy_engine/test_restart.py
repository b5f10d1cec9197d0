"""A manager that is started again: what it loads, and what its strategies find."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import (
    Applied,
    CancelRequest,
    Fill,
    LogEvent,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionEvent,
    Side,
    StrategyControlEvent,
    StrategyStatusEvent,
    SystemEvent,
    Tick,
)
from gcg_quant.strategy_engine import LoadRequest, StrategyManager

Journal = Callable[..., list[Any]]
Command = Callable[..., Any]
WriteFile = Callable[[str, str], Path]
WaitUntil = Callable[..., None]
Start = Callable[..., StrategyManager]

BTC = {"symbol": "BTC/USDT", "venue": "SIM"}
REPORTER = """
class Reporter(Strategy):
    symbols = ("BTC/USDT",)
    size = Parameter(1.0)
    def on_start(self):
        self.log(f"start {self.position.quantity:g} {[order.tag for order in self.orders]} {self.size:g}")
    def on_tick(self, tick):
        self.buy(self.size, 50.0, tag="resting")
    def on_stop(self):
        self.log(f"stop {self.may_trade}")
        self.close_position()
"""


@pytest.fixture(autouse=True)
def reporter(bus: EventBus, write_file: WriteFile) -> Path:
    """Register the instrument and write the strategy that all tests here use."""
    bus.instruments.number("BTC/USDT", "SIM")
    return write_file("reporter.py", REPORTER)


def shown(manager: StrategyManager) -> list[tuple[str, str]]:
    """Return ids and states."""
    return [(info.id, info.state) for info in manager.strategies()]


def lines(journal: Journal) -> list[str]:
    """Return what the strategy logged itself."""
    return [event.message for event in journal(LogEvent) if event.component == "mine" and event.level == "info"]


def test_strategies_of_commands_come_back_as_they_were(start_manager: Start, command: Command) -> None:
    """Running ones run again with their parameters, stopped ones are loaded, unloaded ones are gone."""
    first = start_manager()
    for name in ("runs", "stopped", "gone"):
        assert command("run", name, file="reporter", parameters={"size": 2}, symbols=["BTC/USDT@SIM"]).ok
    assert command("load", "loaded", file="reporter").ok
    assert command("stop", "stopped").ok
    assert command("unload", "gone").ok
    assert first.stop()
    second = start_manager()
    assert shown(second) == [("runs", "running"), ("stopped", "loaded"), ("loaded", "loaded")]
    again = second.strategies()[0]
    assert (again.parameters, again.symbols) == ({"size": 2.0}, ("BTC/USDT@SIM",))
    before = shown(second)
    assert second.stop()
    assert shown(start_manager()) == before


def test_position_and_open_orders_are_found_again(
    bus: EventBus, start_manager: Start, command: Command, journal: Journal, wait_until: WaitUntil
) -> None:
    """on_start after a restart sees the position and the open orders that the journal tells, with what came while nobody ran."""
    first = start_manager()
    assert command("run", "mine", file="reporter").ok
    for _ in range(2):
        bus.publish(Tick(**BTC, last_price=1.0))
    wait_until(lambda: len(journal(OrderRequest)) == 2, "two orders")
    assert first.stop()
    filled, resting = (request.client_id for request in journal(OrderRequest))
    bus.publish(OrderEvent(**BTC, strategy="mine", client_id=filled, status=OrderStatus.FILLED))
    bus.publish(Fill(**BTC, strategy="mine", client_id=filled, side=Side.BUY, quantity=3.0, price=50.0))
    bus.publish(PositionEvent(**BTC, strategy="mine", quantity=3.0, average_price=50.0))
    accepted = OrderEvent(**BTC, strategy="mine", client_id=resting, status=OrderStatus.ACCEPTED, order_type=OrderType.LIMIT, tag="resting")
    bus.publish(accepted)
    start_manager()
    wait_until(lambda: len(lines(journal)) == 3, "the second start")
    assert lines(journal) == ["start 0 [] 1", "stop False", "start 3 ['resting'] 1"]


def test_client_ids_are_unique_over_restarts(
    bus: EventBus, start_manager: Start, command: Command, journal: Journal, wait_until: WaitUntil
) -> None:
    """Orders of two lives of a strategy never share a client id."""
    for life in (1, 2, 3):
        manager = start_manager()
        if life == 1:
            assert command("run", "mine", file="reporter").ok
        for number in (1, 2):
            bus.publish(Tick(**BTC, last_price=1.0))
            wait_until(lambda expected=2 * (life - 1) + number: len(journal(OrderRequest)) == expected, "an order")
        assert manager.stop()
    assert len({request.client_id for request in journal(OrderRequest)}) == 6


def test_going_down_is_no_stop(start_manager: Start, command: Command, journal: Journal) -> None:
    """When the process ends, on_stop is called and may not trade, what it raises is only logged, and the state stays running."""
    manager = start_manager()
    assert command("run", "mine", file="reporter").ok
    assert manager.stop()
    assert lines(journal)[-1] == "stop False"
    assert journal(StrategyStatusEvent)[-1].state == "running"


def test_settings_strategies_are_not_doubled(start_manager: Start, command: Command) -> None:
    """After a restart of the process alone a strategy of the settings is there once, as it was left."""
    load = [LoadRequest(file="reporter", id="mine", start=True), LoadRequest(file="reporter", id="other", start=True)]
    first = start_manager(load=load)
    assert command("set_parameters", "mine", parameters={"size": 5}).ok
    assert command("stop", "mine").ok
    assert command("unload", "other").ok
    assert first.stop()
    second = start_manager(load=load)
    assert shown(second) == [("mine", "loaded")]
    assert second.strategies()[0].parameters == {"size": 5.0}


def test_strategy_that_waited_for_its_start_still_starts(
    bus: EventBus, start_manager: Start, command: Command, wait_until: WaitUntil
) -> None:
    """The process ends while a strategy of the settings waits for its instrument; the next one starts it, but not one that was stopped."""
    load = [
        LoadRequest(file="reporter", id=name, symbols=(symbol,), start=True) for name, symbol in (("late", "LATE"), ("mine", "BTC/USDT"))
    ]
    first = start_manager(load=load)
    assert shown(first) == [("late", "loaded"), ("mine", "running")]
    assert command("stop", "mine").ok
    assert first.stop()
    for _ in range(2):
        again = start_manager(load=load)
        assert shown(again) == [("late", "loaded"), ("mine", "loaded")]
        assert again.stop()
    bus.publish(Tick(symbol="LATE", venue="SIM", last_price=1.0))
    last = start_manager(load=load)
    wait_until(lambda: shown(last) == [("late", "running"), ("mine", "loaded")], "the start")


def test_settings_decide_when_the_whole_system_starts(bus: EventBus, start_manager: Start, command: Command, journal: Journal) -> None:
    """A new run takes the settings' strategies as the settings say, drops those that left them, and keeps those of commands."""
    load = [LoadRequest(file="reporter", id="mine", start=True), LoadRequest(file="reporter", id="other", start=True)]
    first = start_manager(load=load)
    assert command("set_parameters", "mine", parameters={"size": 5}).ok
    assert command("stop", "mine").ok
    assert command("run", "by-hand", file="reporter").ok
    assert first.stop()
    bus.publish(SystemEvent(action="start"))
    second = start_manager(load=load[:1])
    assert shown(second) == [("mine", "running"), ("by-hand", "running")]
    assert second.strategies()[0].parameters == {"size": 1.0}
    gone = [event.strategy for event in journal(StrategyStatusEvent) if event.state == "unloaded"]
    assert gone == ["other"]
    before = shown(second)
    assert second.stop()
    assert shown(start_manager(load=load[:1])) == before


def test_failed_strategy_is_loaded_but_not_started(
    bus: EventBus, start_manager: Start, command: Command, write_file: WriteFile, wait_until: WaitUntil
) -> None:
    """A strategy that threw waits for a person after the restart, still telling why."""
    write_file("bad.py", "class Bad(Strategy):\n    symbols = ('BTC/USDT',)\n    def on_tick(self, tick):\n        1 / 0\n")
    first = start_manager()
    assert command("run", "bad", file="bad").ok
    bus.publish(Tick(**BTC, last_price=1.0))
    wait_until(lambda: shown(first) == [("bad", "failed")], "the failure")
    assert first.stop()
    second = start_manager()
    assert shown(second) == [("bad", "failed")]
    assert "ZeroDivisionError" in second.strategies()[0].error
    assert command("start", "bad").ok


def test_strategy_that_hung_is_loaded_but_not_started(bus: EventBus, start_manager: Start, command: Command, journal: Journal) -> None:
    """What the supervisor says of a strategy holds: it waits for a person, its orders are cancelled, and a start makes it run again."""
    first = start_manager()
    assert command("run", "mine", file="reporter").ok
    assert command("run", "other", file="reporter").ok
    bus.publish(OrderEvent(**BTC, strategy="mine", client_id="c1", request=9, quantity=1.0, status=OrderStatus.ACCEPTED))
    assert first.stop()
    bus.publish(SystemEvent(action="strategy_hung", component="mine", detail="on_bar: it did not come back", data={"callback": "on_bar"}))
    second = start_manager()
    assert shown(second) == [("mine", "failed"), ("other", "running")]
    assert second.strategies()[0].error == "on_bar: it did not come back"
    assert [(one.strategy, one.client_id) for one in journal(CancelRequest)] == [("mine", "c1")]
    assert second.stop()
    third = start_manager()
    assert shown(third) == [("mine", "failed"), ("other", "running")]
    assert command("start", "mine").ok
    assert third.stop()
    assert shown(start_manager()) == [("mine", "running"), ("other", "running")]


@pytest.mark.parametrize("listed", [True, False])
def test_file_that_hung_is_not_run_again(bus: EventBus, start_manager: Start, command: Command, journal: Journal, listed: bool) -> None:
    """It is reported as failed without being loaded; the command that was not answered gets the reason; the next system tries again."""
    load = [LoadRequest(file="reporter", id="mine", start=True)] if listed else []
    if not listed:
        first = start_manager()
        assert command("run", "mine", file="reporter").ok
        assert first.stop()
    reload = bus.publish(StrategyControlEvent(action="reload", strategy="mine"))
    nameless = bus.publish(StrategyControlEvent(action="load", file="mine"))
    bus.publish(SystemEvent(action="strategy_hung", component="mine", detail="load: it did not come back", data={"callback": "load"}))
    second = start_manager(load=load)
    assert shown(second) == []
    told = journal(StrategyStatusEvent)[-1]
    assert (told.strategy, told.state, told.error) == ("mine", "failed", "load: it did not come back")
    answer = next(event for event in journal(Applied) if event.control == reload)
    assert (answer.ok, answer.detail) == (False, "reload mine: not done, load: it did not come back")
    answer = next(event for event in journal(Applied) if event.control == nameless)
    assert (answer.ok, answer.detail) == (False, "load mine: not done, load: it did not come back")
    assert second.stop()
    bus.publish(SystemEvent(action="start"))
    assert shown(start_manager(load=load)) == ([("mine", "running")] if listed else [])


def test_file_that_vanished_is_reported(start_manager: Start, command: Command, journal: Journal, reporter: Path) -> None:
    """A strategy whose file is gone is failed after the restart, and the others are there."""
    first = start_manager()
    assert command("run", "mine", file="reporter").ok
    assert command("run", "grid", file="grid").ok
    assert first.stop()
    reporter.unlink()
    assert shown(start_manager()) == [("grid", "running")]
    failed = next(event for event in journal(StrategyStatusEvent) if event.state == "failed")
    assert failed.strategy == "mine"
    assert "There is no strategy file" in failed.error


def test_start_waits_for_the_instrument(bus: EventBus, start_manager: Start, command: Command, wait_until: WaitUntil) -> None:
    """A strategy of the start list starts once its symbol is known to the bus; a stop before that lets it be."""
    load = [LoadRequest(file="reporter", id=name, symbols=("LATE",), start=True) for name in ("mine", "unwanted")]
    manager = start_manager(load=load)
    assert shown(manager) == [("mine", "loaded"), ("unwanted", "loaded")]
    assert command("stop", "unwanted").ok
    bus.publish(Tick(symbol="LATE", venue="SIM", last_price=1.0))
    wait_until(lambda: shown(manager) == [("mine", "running"), ("unwanted", "loaded")], "the start")


def test_manager_that_stops_lets_go_of_the_modules(write_file: WriteFile, start_manager: Any, command: Any, folder: Path) -> None:
    """A manager that is started again and again in one process leaves no module of a strategy behind."""
    write_file("quiet.py", "class Quiet(Strategy):\n    symbols = ('X@V',)\n")
    manager = start_manager()
    assert command("load", "q", file="quiet.py").ok

    def loaded() -> list[str]:
        return [name for name, module in sys.modules.items() if str(getattr(module, "__file__", "")).startswith(str(folder))]

    assert loaded()
    assert manager.stop()
    assert loaded() == []
