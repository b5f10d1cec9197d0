"""Removing a backtest that the recorder has not stored yet: it stays away."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.admin.monitor import Monitor
from gcg_quant.admin.reports import run_list
from gcg_quant.admin.reports.run_list import RunList
from gcg_quant.admin.views.system_view import BACKTEST_REMOVED
from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, Recorder
from gcg_quant.errors import BacktestError
from gcg_quant.events import BacktestRequestEvent, BacktestResultEvent, SystemEvent, Tick
from gcg_quant.settings import Settings

from .monitoring.conftest import wait_until

RUN = "sma-1"


class Looked(RunList):
    """Counts how often the store was looked at."""

    looks = 0

    def __init__(self, settings: Settings, monitor: Monitor, bus: EventBus) -> None:
        super().__init__(settings, monitor, bus)
        table = self.kept.table

        @contextlib.contextmanager
        def counted() -> Iterator[Any]:
            self.looks += 1
            with table() as found:
                yield found

        self.kept.table = counted  # type: ignore[method-assign]


@pytest.fixture
def runs(bus: EventBus, tmp_path: Path) -> Iterator[Looked]:
    """Return the list of a home folder in which one run has ended, which no recorder has stored yet."""
    monitor = Monitor()
    monitor.start(bus)
    wait_until(lambda: monitor.state == "running", "the monitor running")
    bus.publish(BacktestRequestEvent(run=RUN, file="sma_cross.py", class_name="SmaCross", symbols=["SPY"], period="1d"))
    bus.publish(BacktestResultEvent(run=RUN, ok=True, results={"sharpe": 1.5}))
    monitor.catch_up()
    made = Looked(Settings.model_validate({"system": {"home": str(tmp_path / "home")}}), monitor, bus)
    assert [run.name for run in made.newest()] == [RUN]
    made.looks = 0
    yield made
    assert monitor.stop()


def group_started(bus: EventBus, *components: str) -> None:
    """Publish that a process group runs."""
    facts = {"pid": 1, "components": list(components), "capabilities": {name: [name] for name in components}}
    bus.publish(SystemEvent(action="group_started", component="services", data=facts))


def removals(bus: EventBus) -> int:
    """Return how often a removal was told on the bus."""
    with bus.reader(start="begin", events=[SystemEvent]) as reader:
        return sum(isinstance(event, SystemEvent) and event.action == BACKTEST_REMOVED for event in reader)


def test_a_run_that_is_stored_late_is_removed_for_good(bus: EventBus, runs: Looked, tmp_path: Path) -> None:
    """The removal waits for a recorder that is behind, which therefore cannot bring the run back."""
    group_started(bus, "recorder")
    runs._monitor.catch_up()
    removal = threading.Thread(target=lambda: runs.remove(RUN))
    removal.start()
    wait_until(lambda: runs.looks >= 3 or not removal.is_alive(), "the removal waiting")
    assert removals(bus) == 0
    with Database(home=tmp_path / "home") as database:
        recorder = Recorder(database, flush_ms=1)
        recorder.start(bus)
        removal.join(30)
        assert not removal.is_alive()
        assert removals(bus) == 1
        assert runs.newest() == []
        bus.publish(Tick(symbol="A", venue="V", event_ns=1, last_price=1.0))
        wait_until(lambda: database.counts().get("ticks") == 1, "the recorder behind the removal")
        assert recorder.stop()
    assert runs.newest() == []
    assert not runs.kept.has(RUN)
    with pytest.raises(BacktestError, match="There is no backtest 'sma-1'"):
        runs.find(RUN)


def test_a_recorder_that_stores_nothing_is_not_waited_for_long(bus: EventBus, runs: Looked, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that hangs holds up a removal for a moment only."""
    monkeypatch.setattr(run_list, "_STORING_S", 0.3)
    group_started(bus, "recorder")
    runs._monitor.catch_up()
    runs.remove(RUN)
    assert runs.looks >= 2
    assert (runs.newest(), removals(bus)) == ([], 1)


def test_without_a_recorder_nothing_is_waited_for(bus: EventBus, runs: Looked) -> None:
    """Where no recorder runs, or the run has not ended, nobody will store it: the store is looked at once, to remove it there."""
    group_started(bus, "web")
    runs._monitor.catch_up()
    runs.remove(RUN)
    assert (runs.looks, removals(bus)) == (1, 1)
    assert runs.newest() == []
