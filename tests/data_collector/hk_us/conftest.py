"""Fixtures of the collectors of Hong Kong's and the USA's shares: a fake TWS and a fake Yahoo, each a process of its own on loopback."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.process import FakeVenue

from gcg_quant.backoff import Backoff
from gcg_quant.bus import EventBus
from gcg_quant.clock import from_iso
from gcg_quant.data_collector.stocks.ib import IbCollector
from gcg_quant.data_collector.stocks.ib_options import IbOptions
from gcg_quant.data_collector.stocks.yahoo import YahooCollector, YahooOptions

# Where this is missing, the fakes have no daily bars.
STOCK = Path(__file__).resolve().parents[4] / "shared" / "data" / "stock"


@pytest.fixture
def wait_until() -> Callable[..., Any]:
    """Return a function that waits for a condition with a deadline, and returns its value."""

    def wait(condition: Callable[[], Any], timeout_s: float = 30.0) -> Any:
        deadline = time.monotonic() + timeout_s
        while not (found := condition()):
            assert time.monotonic() < deadline, "the condition did not come about in time"
            time.sleep(0.005)
        return found

    return wait


@pytest.fixture
def published(bus: EventBus) -> Callable[..., list[Any]]:
    """Return a function that returns all events of a kind on the bus."""

    def read(kind: Any, **more: Any) -> list[Any]:
        with bus.reader(start="begin", events=[kind], **more) as reader:
            return list(reader)

    return read


@pytest.fixture
def open_market() -> Callable[[], int]:
    """Return a clock of a Tuesday on which New York has just opened."""
    begin = from_iso("2023-11-14 15:00", "UTC") - time.monotonic_ns()
    return lambda: begin + time.monotonic_ns()


@pytest.fixture
def tws() -> Iterator[FakeVenue]:
    """Return a fake TWS."""
    with FakeVenue("tws", "--stock", str(STOCK)) as venue:
        yield venue


@pytest.fixture
def ib(bus: EventBus, tws: FakeVenue) -> Iterator[Callable[..., IbCollector]]:
    """Return a function that starts a collector at the fake TWS, or at another port."""
    started: list[IbCollector] = []

    def start(port: int = 0, options: dict[str, Any] | None = None, **given: Any) -> IbCollector:
        own = IbOptions(**{"check_s": 0.1, **(options or {})})
        settings = {"symbols": ["AAPL"], "backoff": Backoff(0.01, 0.1), **given}
        collector = IbCollector("ib", url=f"tws://127.0.0.1:{port or tws.port}", options=own, **settings)
        started.append(collector)
        collector.start(bus)
        return collector

    yield start
    for collector in started:
        collector.stop()


@pytest.fixture
def yahoo_server() -> Iterator[FakeVenue]:
    """Return a fake Yahoo."""
    with FakeVenue("yahoo", "--stock", str(STOCK)) as venue:
        yield venue


@pytest.fixture
def yahoo(bus: EventBus, yahoo_server: FakeVenue) -> Iterator[Callable[..., YahooCollector]]:
    """Return a function that starts a collector at the fake Yahoo, or at another port."""
    from yfinance.data import YfData  # before anybody dials: importing it may take longer than a test lets a dial take

    started: list[YahooCollector] = []

    def start(port: int = 0, options: dict[str, Any] | None = None, **given: Any) -> YahooCollector:
        own = YahooOptions(**{"requests_per_s": 100.0, **(options or {})})
        settings = {"symbols": ["SPY"], "backoff": Backoff(0.01, 0.1), **given}
        collector = YahooCollector("yahoo", url=f"http://127.0.0.1:{port or yahoo_server.port}", options=own, **settings)
        started.append(collector)
        collector.start(bus)
        return collector

    yield start
    for collector in started:
        collector.stop()
    YfData.cache_get.cache_clear()  # pages of one test are not another's
