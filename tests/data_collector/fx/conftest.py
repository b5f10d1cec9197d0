"""Fixtures of the FX collector's tests: a fake terminal behind a real rpyc server, and collectors of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes.mt5_process import FakeMt5
from fakes.mt5_terminal import ACCOUNT, PASSWORD, SERVER

from gcg_quant.backoff import Backoff
from gcg_quant.bus import EventBus
from gcg_quant.credentials import Credentials
from gcg_quant.data_collector.fx import Mt5Collector
from gcg_quant.data_collector.fx.options import Mt5Options

WaitUntil = Callable[..., Any]
LOGIN = {"account": str(ACCOUNT), "password": PASSWORD, "server": SERVER}


@pytest.fixture
def wait_until() -> WaitUntil:
    """Return a function that waits for a condition with a deadline, and returns its value."""

    def wait(condition: Callable[[], Any], timeout_s: float = 60.0) -> Any:
        deadline = time.monotonic() + timeout_s
        while not (found := condition()):
            assert time.monotonic() < deadline, "the condition did not come about in time"
            time.sleep(0.002)
        return found

    return wait


@pytest.fixture(scope="session")
def ticks_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a thousand ticks of EUR/USD, three a second, some of which share a time; the first are of 2014-05-01T00:00 UTC."""
    path = tmp_path_factory.mktemp("ticks") / "ticks.csv"
    lines = ["time,bid,ask"]
    for at in range(1000):
        time_ms = at * 333 - (at % 7 == 0) * 333 * (at > 0)
        moment = datetime(2014, 5, 1) + timedelta(milliseconds=time_ms)
        lines.append(
            f"{moment.isoformat(timespec='milliseconds')},{1.38 + (at * 7919 % 100) / 1e5:.5f},{1.3815 + (at * 7919 % 100) / 1e5:.5f}"
        )
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def make_mt5(ticks_file: Path) -> Iterator[Callable[..., FakeMt5]]:
    """Return a function that starts a machine with a terminal."""
    made: list[FakeMt5] = []

    def make(*options: str) -> FakeMt5:
        made.append(FakeMt5(str(ticks_file), *options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def running_mt5(ticks_file: Path) -> Iterator[FakeMt5]:
    """Return the machine that most tests share."""
    with FakeMt5(str(ticks_file)) as running:
        yield running


@pytest.fixture
def mt5(running_mt5: FakeMt5) -> FakeMt5:
    """Return a machine whose terminal is as at its start."""
    running_mt5.reset()
    return running_mt5


@pytest.fixture
def collect(bus: EventBus) -> Iterator[Callable[..., Mt5Collector]]:
    """Return a function that starts a collector of EUR/USD at a port; `mt5` tells it our clock: that of the newest tick."""
    started: list[Mt5Collector] = []

    def start(port: int, mt5: FakeMt5 | None = None, *, login: dict[str, str] | None = None, **terms: Any) -> Mt5Collector:
        options = Mt5Options(**{"poll_ms": 2, "call_s": 5.0, **terms.pop("options", {})})
        settings: dict[str, Any] = {"symbols": ["EUR/USD"], "backoff": Backoff(0.01, 0.1), "connect_s": 5.0, **terms}
        if mt5 is not None:
            settings.setdefault("wall", lambda: mt5.now_ns)
        credentials = Credentials("fx", LOGIN if login is None else login)
        collector = Mt5Collector("fx", options=options, credentials=credentials, url=f"rpyc://127.0.0.1:{port}", **settings)
        collector.start(bus)
        started.append(collector)
        return collector

    yield start
    for collector in started:
        collector.stop()


@pytest.fixture
def published(bus: EventBus) -> Callable[[Any], list[Any]]:
    """Return a function that returns all events of a kind on the bus."""

    def read(kind: Any) -> list[Any]:
        with bus.reader(start="begin", events=[kind]) as reader:
            return list(reader)

    return read
