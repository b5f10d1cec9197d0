"""The engine as a component: requests on the live bus, each in a process and on a bus of its own."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from patience import within

from gcg_quant.backtest import BacktestEngine
from gcg_quant.bus import EventBus
from gcg_quant.events import Applied, BacktestCancelEvent, BacktestProgressEvent, BacktestRequestEvent, BacktestResultEvent, Lane, World

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "strategies"
SLOW = """
import time

import backtrader as bt


class Slow(bt.Strategy):
    def next(self):
        time.sleep(0.05)
"""


@pytest.fixture
def recorded(tmp_path: Path, kit: ModuleType) -> str:
    """Return a recorded journal with 300 days of X."""
    with EventBus(tmp_path / "recorded", world=World.PAPER, source="test", sync="none", page_mb=1) as bus:
        rows = kit.random_bars(300, period="1d")
        rows["instrument"] = bus.instruments.number("X", "SIM")
        bus.publish_batch(rows)
    return str(tmp_path / "recorded")


@pytest.fixture
def engine(tmp_path: Path, bus: EventBus) -> Iterator[BacktestEngine]:
    """Return an engine that answers requests of the bus."""
    folder = tmp_path / "strategies"
    folder.mkdir()
    (folder / "slow.py").write_text(SLOW)
    component = BacktestEngine(tmp_path / "home", folders=[folder, EXAMPLES], parallel=1)
    component.start(bus)
    yield component
    component.stop(5.0)


def wait_for(bus: EventBus, condition: Callable[[list[Any]], bool], timeout_s: float = 60.0) -> list[Any]:
    """Return the backtest events of a bus once they fulfil a condition."""
    deadline = time.monotonic() + timeout_s
    kinds = [BacktestRequestEvent, BacktestProgressEvent, BacktestResultEvent]
    with bus.reader(start="begin", events=kinds) as reader:
        events: list[Any] = []
        while not condition(events):
            assert time.monotonic() < deadline, f"the answer did not come in time: {events}"
            events += reader.read_many(timeout_s=0.05)
    return events


def results(events: list[Any]) -> list[BacktestResultEvent]:
    """Return the results among events."""
    return [event for event in events if isinstance(event, BacktestResultEvent)]


def test_request_is_answered_with_progress_and_result(bus: EventBus, engine: BacktestEngine, recorded: str, tmp_path: Path) -> None:
    """A request brings progress up to the total and a result, caused by it; nothing else of the run is on the live bus."""
    request = BacktestRequestEvent(
        run="asked", file=str(EXAMPLES / "sma_cross.py"), symbols=["X"], parameters={"fast": 5}, options={"journal": recorded}
    )
    cause = bus.publish(request)
    events = wait_for(bus, lambda events: bool(results(events)))
    (outcome,) = results(events)
    assert (outcome.run, outcome.ok, outcome.error, outcome.cause) == ("asked", True, "", cause)
    assert outcome.results["bars"] == 300
    assert outcome.inputs["data"][0]["bars"] == 300
    progress = [event for event in events if isinstance(event, BacktestProgressEvent)]
    assert (progress[-1].run, progress[-1].done, progress[-1].total) == ("asked", 300, 300)
    assert all(event.cause == cause for event in progress)
    assert (tmp_path / "home" / "backtests" / "asked" / "result.json").exists()
    assert bus.head(Lane.MARKET) == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"file": "nothing_there.py"}, "There is no strategy file 'nothing_there.py'"),
        ({"symbols": ["Y"]}, "no instrument 'Y'"),
        ({"parameters": {"fats": 1}}, "no parameter 'fats'"),
        ({"options": {"jornal": "x"}}, "Did you mean 'journal'"),
    ],
)
def test_bad_request_is_answered_with_a_sentence(
    bus: EventBus, engine: BacktestEngine, recorded: str, fields: dict[str, Any], words: str
) -> None:
    """What is wrong with a request is its result."""
    given = {"run": "bad", "file": str(EXAMPLES / "sma_cross.py"), "symbols": ["X"], "options": {"journal": recorded}, **fields}
    bus.publish(BacktestRequestEvent(**given))
    (outcome,) = results(wait_for(bus, lambda events: bool(results(events))))
    assert not outcome.ok
    assert words in outcome.error


def test_without_a_database_the_answer_says_so(bus: EventBus, engine: BacktestEngine) -> None:
    """Stored bars need a database."""
    bus.publish(BacktestRequestEvent(run="no-store", file=str(EXAMPLES / "sma_cross.py"), symbols=["X"]))
    (outcome,) = results(wait_for(bus, lambda events: bool(results(events))))
    assert "There is no database" in outcome.error


def test_killed_child_is_reported(bus: EventBus, engine: BacktestEngine, recorded: str) -> None:
    """A run whose process is killed has a result that says so."""
    bus.publish(BacktestRequestEvent(run="killed", file="slow", symbols=["X"], options={"journal": recorded}))
    wait_for(bus, lambda events: any(isinstance(event, BacktestProgressEvent) for event in events))
    os.kill(engine._children[0][1].pid, signal.SIGKILL)
    (outcome,) = results(wait_for(bus, lambda events: bool(results(events))))
    assert outcome.error == "The backtest's process ended with signal 9."


def test_cancelled_runs_end_with_a_result_that_says_so(bus: EventBus, engine: BacktestEngine, recorded: str) -> None:
    """A waiting run is taken out of the queue, a running one ended; each has one result, and each cancellation its answer."""
    for name in ("running", "waiting", "kept"):
        file = "slow" if name != "kept" else str(EXAMPLES / "sma_cross.py")
        bus.publish(BacktestRequestEvent(run=name, file=file, symbols=["X"], options={"journal": recorded}))
    wait_for(bus, lambda events: any(isinstance(event, BacktestProgressEvent) for event in events))
    asked = {bus.publish(BacktestCancelEvent(run=name)): name for name in ("waiting", "running", "nothing")}
    found = results(wait_for(bus, lambda events: len(results(events)) == 3))
    assert [(event.run, event.ok, event.error) for event in found] == [
        ("waiting", False, "The backtest was cancelled."),
        ("running", False, "The backtest was cancelled."),
        ("kept", True, ""),
    ]
    with bus.reader(start="begin", events=[Applied]) as reader:
        answers = {asked[event.control]: (event.ok, event.detail) for event in reader if isinstance(event, Applied)}
    assert answers == {"waiting": (True, ""), "running": (True, ""), "nothing": (False, "No backtest 'nothing' is running or waiting.")}


def test_stop_ends_running_and_waiting_requests(bus: EventBus, engine: BacktestEngine, recorded: str) -> None:
    """When the system stops, runs end within a second, and each request has its result."""
    for name in ("running", "waiting"):
        bus.publish(BacktestRequestEvent(run=name, file="slow", symbols=["X"], options={"journal": recorded}))
    wait_for(bus, lambda events: any(isinstance(event, BacktestProgressEvent) for event in events))
    begin = time.monotonic()
    assert engine.stop(within(3.0, 20.0))
    assert time.monotonic() - begin < within(2.0, 10.0)
    found = results(wait_for(bus, lambda events: len(results(events)) == 2))
    assert {event.run for event in found} == {"running", "waiting"}
    assert all("stopped before the backtest ended" in event.error for event in found)
