"""Fixtures of the strategy engine: a folder of strategy files, a running manager, and commands with their answers."""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import Applied, Event, StrategyControlEvent
from gcg_quant.strategy_engine import StrategyManager

sys.path.insert(0, str(Path(__file__).resolve().parent))  # for `fake_venue`, which is also run as a process

WriteFile = Callable[[str, str], Path]
WaitUntil = Callable[..., None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an allowed folder for strategy files."""
    made = tmp_path / "strategies"
    made.mkdir()
    return made


@pytest.fixture
def write_file(folder: Path) -> WriteFile:
    """Return a function that writes a strategy file; the usual imports are put in front."""

    def write(name: str, source: str) -> Path:
        path = folder / name
        head = "from gcg_quant.events import *\nfrom gcg_quant.strategy_engine import Parameter, Strategy\n"
        path.write_text(head + textwrap.dedent(source))
        return path

    return write


@pytest.fixture
def wait_until() -> WaitUntil:
    """Return a function that waits for a condition, and fails after a deadline."""

    def wait(condition: Callable[[], Any], what: str = "the condition", timeout_s: float = 30.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(f"{what} did not come true within {timeout_s} s")
            time.sleep(0.002)

    return wait


@pytest.fixture
def journal(bus: EventBus) -> Callable[..., list[Any]]:
    """Return a function that reads all events of some classes from the bus's beginning."""

    def read(*kinds: type[Event]) -> list[Any]:
        with bus.reader(start="begin", events=kinds) as reader:
            return list(reader)

    return read


@pytest.fixture
def managers() -> Iterator[list[StrategyManager]]:
    """Return a list of managers that are stopped at the end."""
    made: list[StrategyManager] = []
    yield made
    for manager in made:
        assert manager.stop()


@pytest.fixture
def start_manager(bus: EventBus, folder: Path, managers: list[StrategyManager], wait_until: WaitUntil) -> Callable[..., StrategyManager]:
    """Return a function that starts a manager on the bus and waits until it runs."""

    def start(history: Any = None, **options: Any) -> StrategyManager:
        manager = StrategyManager([folder], account="paper", **options)
        managers.append(manager)
        manager.start(bus, history)
        wait_until(lambda: manager.state in ("running", "failed"), "the manager's start")
        assert manager.state == "running"
        return manager

    return start


@pytest.fixture
def command(bus: EventBus, journal: Callable[..., list[Any]], wait_until: WaitUntil) -> Callable[..., Applied]:
    """Return a function that sends a command to the manager and returns its answer."""

    def send(action: str, strategy: str = "", **fields: Any) -> Applied:
        control = bus.publish(StrategyControlEvent(action=action, strategy=strategy, **fields))
        answers: list[Applied] = []

        def answered() -> bool:
            answers[:] = [event for event in journal(Applied) if event.control == control]
            return bool(answers)

        wait_until(answered, f"an answer to {action} {strategy}")
        return answers[0]

    return send
