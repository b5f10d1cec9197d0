"""Fixtures of live collectors: a tiny venue on loopback, and the collector that reads it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.backoff import Backoff
from gcg_quant.bus import EventBus

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # a kind is a module that can be imported
from tiny import TinyCollector, TinyVenue  # noqa: E402

WaitUntil = Callable[..., Any]


@pytest.fixture
def wait_until() -> WaitUntil:
    """Return a function that waits for a condition with a deadline, and returns its value."""

    def wait(condition: Callable[[], Any], timeout_s: float = 30.0) -> Any:
        deadline = time.monotonic() + timeout_s
        while not (found := condition()):
            assert time.monotonic() < deadline, "the condition did not come about in time"
            time.sleep(0.002)
        return found

    return wait


@pytest.fixture
def venue() -> Iterator[TinyVenue]:
    """Return a venue."""
    opened = TinyVenue()
    yield opened
    opened.close()


@pytest.fixture
def collect(bus: EventBus) -> Iterator[Callable[..., TinyCollector]]:
    """Return a function that starts a collector of symbol A at a port."""
    started: list[TinyCollector] = []

    def start(port: int, **options: Any) -> TinyCollector:
        settings = {"symbols": ["A"], "backoff": Backoff(0.01, 0.1), **options}
        own = {name: settings.pop(name) for name in ("past", "greet", "venue_clock", "calendar", "beat_s") if name in settings}
        collector = TinyCollector("tiny", url=f"tiny://127.0.0.1:{port}", **settings)
        for name, value in own.items():
            setattr(collector, {"venue_clock": "venue_clock_ns"}.get(name, name), value)
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
