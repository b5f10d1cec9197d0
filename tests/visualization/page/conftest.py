"""Fixtures of the tests in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_MINUTE
from gcg_quant.events import Bar
from gcg_quant.history import MemoryHistory
from gcg_quant.settings import Settings
from gcg_quant.visualization.server import AppServer, create_app, serve

from .watched import Open, Tabs, Watched


@pytest.fixture(scope="module")
def tabs(chromium: Any) -> Iterator[Tabs]:
    """Return pages to be used again."""
    kept = Tabs(chromium)
    yield kept
    kept.close()


@pytest.fixture
def open_page(tabs: Tabs) -> Iterator[Open]:
    """Return a function that opens the page of a server and waits for its chart."""
    opened: list[Watched] = []

    def opener(server: AppServer, state: str = "ready", **options: Any) -> Watched:
        # Without motion a page takes a third less of the processor, and nothing that is looked at here moves.
        usual = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", "color_scheme": "light"}
        page = tabs.take(**{**usual, **options})
        watched = Watched(page, server.url)
        opened.append(watched)
        watched.page.goto(server.url)
        watched.page.wait_for_selector(f"#chart[data-state={state}]")
        return watched

    yield opener
    faults = [fault for watched in opened for fault in watched.faults]
    for watched in opened:
        watched.look_away()
    tabs.give_back(keep=not faults)
    assert faults == []


@pytest.fixture
def long_server(bus: EventBus, settings: Settings, market: Any) -> Iterator[AppServer]:
    """Return a server whose history has 60,000 minutes of BTC/USDT and 2,000 of ETH/USDT up to now; prices and volumes swing slowly."""
    history = MemoryHistory()
    for symbol, count, base in (("BTC/USDT", 60_000, 100.0), ("ETH/USDT", 2_000, 50.0)):
        bars = np.zeros(count, Bar.dtype)
        bars["start_ns"] = market.minute_ns - np.arange(count, 0, -1) * NS_PER_MINUTE
        bars["event_ns"] = bars["start_ns"] + NS_PER_MINUTE
        bars["period"] = b"1m"
        bars["close"] = np.round(base + 5 * np.sin(np.arange(count) / 40) + np.arange(count) % 3, 2)
        bars["open"] = np.append(base, bars["close"][:-1])
        bars["high"], bars["low"] = np.maximum(bars["open"], bars["close"]) + 1, np.minimum(bars["open"], bars["close"]) - 1
        bars["volume"] = 10 + np.arange(count) % 5
        history.add_bars(symbol, "SIM", bars)
    market.tick(100.0)
    market.tick(50.0, symbol="ETH/USDT")
    running = serve(create_app(bus, settings, history), port=0)
    yield running
    assert running.stop(60.0)
