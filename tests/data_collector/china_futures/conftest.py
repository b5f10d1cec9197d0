"""Fixtures of the futures counters' collector: the real library of CTP, a counter in memory, and a collector that reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fakes.china.api import FakeLibrary
from fakes.china.counter import USER, Counter
from fakes.china.fixtures import ctp_library, fresh_counter, waiting  # noqa: F401

from gcg_quant.backoff import Backoff
from gcg_quant.bus import EventBus
from gcg_quant.credentials import Credentials
from gcg_quant.data_collector.china_futures import CtpCollector
from gcg_quant.data_collector.china_futures.options import CtpOptions
from gcg_quant.openctp_library import Library


class CounterCollector(CtpCollector):
    """The collector with the fake counter's API objects, and our clock where the test puts it."""

    fake: FakeLibrary

    def library(self) -> Library:
        """Return the fake."""
        return self.fake


@pytest.fixture
def collect(bus: EventBus, counter: Counter) -> Iterator[Callable[..., CtpCollector]]:
    """Return a function that starts a collector of symbols at the counter."""
    started: list[CtpCollector] = []

    def start(*symbols: str, address: str = "", fronts: tuple[str, ...] = (), **more: Any) -> CtpCollector:
        options = {key: more.pop(key) for key in ("trader_fronts", "block", "outside") if key in more}
        settings: dict[str, Any] = {"backoff": Backoff(0.01, 0.1), "credentials": Credentials("ctp", more.pop("user", USER)), **more}
        made = CounterCollector(
            "ctp",
            symbols=symbols,
            options=CtpOptions(fronts=fronts or (address or counter.address,), **options),
            **settings,
        )
        assert counter.library is not None
        made.fake = counter.library
        made.start(bus)
        started.append(made)
        return made

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
