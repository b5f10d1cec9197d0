"""`run --config examples/crypto.toml` against fake exchanges: live depth and candles on the page, also after both were restarted."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes.process import FakeVenue

from gcg_quant.bus import EventBus
from gcg_quant.events import GapEvent

from ..conftest import System
from .opened import AdminPage, opened

pytestmark = [pytest.mark.browser, pytest.mark.slow]
DESK = {"width": 1440, "height": 900}
SHOTS = os.environ.get("GCG_SCREENSHOTS")
BOOK = "[...document.querySelectorAll('#asks .level:not([hidden]), #bids .level:not([hidden])')].map((node) => node.textContent).join()"


@pytest.fixture(scope="module")
def venues(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeVenue, FakeVenue]]:
    """Return a fake Binance and a fake OKX, which know their accounts' orders and fills after a kill, as exchanges do."""
    pytest.importorskip("ccxt", reason="ccxt is not installed")
    folder = tmp_path_factory.mktemp("venues")
    with FakeVenue("binance", "--state", str(folder / "binance")) as binance, FakeVenue("okx", "--state", str(folder / "okx")) as okx:
        yield binance, okx


@pytest.fixture(scope="module")
def live(venues: tuple[FakeVenue, FakeVenue], tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Return a system that runs the example, with the fakes' addresses."""
    folder = tmp_path_factory.mktemp("crypto")
    binance, okx = (f"http://127.0.0.1:{venue.port}" for venue in venues)
    variables = {
        "GCG_QUANT_COLLECTORS__URLS": json.dumps({"binance": binance, "binanceusdm": binance, "okx": okx}),
        "GCG_QUANT_GATEWAY__URL": binance,
        "GCG_QUANT_CREDENTIALS__BINANCE__API_KEY": "fake-key",
        "GCG_QUANT_CREDENTIALS__BINANCE__SECRET": "fake-secret",
    }
    running = System(folder / "home", "--config", "examples/crypto.toml", variables=variables)
    try:
        yield running
    finally:
        running.close()


def watch(page: AdminPage, name: str) -> None:
    """Look at an instrument; wait for its ten levels and a candle."""
    page.wait(f"document.querySelector(\"#watch-rows li[data-name='{name}'] .last\")?.textContent.length > 1", 60)
    page.page.click(f"#watch-rows li[data-name='{name}']")
    page.wait("document.querySelectorAll('#asks .level:not([hidden])').length === 10", 60)
    page.wait("document.getElementById('chart').view.bars.length > 0", 90)


def moves(page: AdminPage) -> None:
    """Wait until the book and the newest candle have changed."""
    book = page.page.evaluate(BOOK)
    page.wait(f"{BOOK} !== {json.dumps(book)}", 60)
    candle = page.page.evaluate("JSON.stringify(document.getElementById('chart').view.bars.at(-1))")
    page.wait(f"JSON.stringify(document.getElementById('chart').view.bars.at(-1)) !== {json.dumps(candle)}", 60)


def fills(page: AdminPage) -> int:
    """Return how many fills the page counts."""
    return int(page.page.evaluate("+document.getElementById('tab-fills').textContent.replace(/[^0-9]/g, '')"))


def trades(page: AdminPage, venue: FakeVenue) -> None:
    """Move the market to and fro by more than the grid is wide, until more of its orders were filled and the page shows them."""
    before, deadline, turn = fills(page), time.monotonic() + 60, 0
    while fills(page) <= before:
        assert time.monotonic() < deadline, "no order of the grid was filled"
        last = float(venue.state["markets"].get("BTC/USDT", {}).get("last") or 60_000)
        venue.do("move", symbol="BTC/USDT", price=round(last * (1.002 if turn % 2 else 0.998), 2))
        turn += 1
        page.page.wait_for_timeout(1500)


def shown(page: AdminPage, name: str) -> None:
    """Take a picture if asked to."""
    if SHOTS:
        page.page.screenshot(path=str(Path(SHOTS) / f"crypto-{name}.png"))


@pytest.mark.parametrize("name", ["BTC/USDT@binance", "BTC/USDT:USDT@binanceusdm", "BTC/USDT@okx"])
def test_depth_and_candles_are_live(window: Any, live: System, name: str) -> None:
    """Ten levels a side and candles that move, of both exchanges, spot and futures."""
    with opened(window, live, viewport=DESK) as page:
        page.page.goto(page.origin)
        watch(page, name)
        moves(page)
        shown(page, name.replace("/", "-").replace(":", "-"))


def test_restart_of_both_exchanges_is_survived(window: Any, live: System, venues: tuple[FakeVenue, FakeVenue]) -> None:
    """Killed and started again, both go on on the open page; the journal tells of the gap of every symbol."""
    with opened(window, live, viewport=DESK) as page:
        page.page.goto(page.origin)
        watch(page, "BTC/USDT@binance")
        trades(page, venues[0])
        watch(page, "BTC/USDT@okx")
        for venue in venues:
            venue.kill()
        for venue in venues:
            venue.start()
        moves(page)
        watch(page, "BTC/USDT@binance")
        moves(page)
        trades(page, venues[0])
        shown(page, "restarted")
    with httpx.Client(base_url=f"{live.url}/api/v1", timeout=20) as rest:
        assert rest.get("/accounts/halts").json() == []
    with EventBus(live.home / "bus", create=False, read_only=True) as bus, bus.reader(start="begin", events=[GapEvent]) as reader:
        told = {(gap.symbol, gap.venue) for gap in reader if isinstance(gap, GapEvent) and gap.kind == "disconnect"}
    assert told >= {("BTC/USDT", "binance"), ("BTC/USDT:USDT", "binanceusdm"), ("BTC/USDT", "okx")}
