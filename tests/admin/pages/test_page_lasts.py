"""The chart page of a real system through a long day: its server is killed under it, and the ticks never end."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gcg_quant.admin.running.stored_history import StoredHistory
from gcg_quant.clock import NS_PER_SECOND
from gcg_quant.settings import Settings

from ...visualization.page.heap import Heap, Held, growth
from ...visualization.page.watched import spacing
from ..conftest import System
from .opened import AdminPage, opened

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SOAK_S = float(os.environ.get("GCG_SOAK_S", "12"))  # the long form: GCG_SOAK_S=1800
LONG_S = 300  # from here on it is long enough to tell a slope from noise
EACH = 1_500  # bytes of a candle with its values in the chart, or of a marker, at most
LENGTHS = {"1s": 1, "1m": 60}
NAME = "BTC/USDT@SIM"
RATE = 600 if "GCG_SOAK_S" in os.environ else 150  # ticks a second: a server that is killed has some under way at either
CONFIG = f"""
[simulated]
enabled = true
symbols = ["BTC/USDT", "ETH/USDT", "SPY"]
ticks_per_second = {RATE}
[[strategies.load]]
file = "grid"
id = "grid-btc"
symbols = ["BTC/USDT"]
parameters = {{ step_percent = 0.01 }}
"""


def free_port() -> int:
    """Return a port that nobody listens on: the page must find its server again where it was."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pane(period: str, *indicators: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a pane of BTC/USDT."""
    return {"name": NAME, "period": period, "indicators": [{"id": one["name"], **one} for one in indicators]}


LAYOUT = {
    "grid": "2h",
    "panes": [
        pane("1s", {"name": "EMA", "parameters": {"timeperiod": 5}}, {"name": "VWAP"}),
        pane("1m", {"name": "BOLL"}, {"name": "RSI"}),
    ],
}


# What a pane holds, all of one moment.
HELD = """({
  bars: view.bars,
  lines: [...view.feed.series.studies.values()].flatMap(({ lines }) => Object.values(lines).map(({ values }) => values)),
  markers: [...view.feed.markers.values()],
  drawn: [...view.marks.groups.values()].flatMap(({ rows }) => rows.map(({ key }) => key)),
})"""


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Return a running system of three instruments that tick fast, and a strategy that trades often."""
    folder = tmp_path_factory.mktemp("lasting")
    (folder / "gcg_quant.toml").write_text(CONFIG)
    system = System(folder / "home", "--config", str(folder / "gcg_quant.toml"), "--port", str(free_port()))
    try:
        httpx.patch(f"{system.url}/api/v1/charts/config", json={"layout": LAYOUT}).raise_for_status()
        yield system
    finally:
        system.close()


def open_charts(page: AdminPage) -> None:
    """Open the chart page and wait for both charts, and for a fill."""
    page.page.goto(page.origin)
    for number in (0, 1):
        page.wait_pane("node.dataset.state === 'ready' && Number(node.dataset.markers) > 0", number)


def served(web: httpx.Client, period: str, like: list[list[float]]) -> list[list[float]]:
    """Return the bars that the REST API has from the first to the last of these."""
    query = {"symbol": "BTC/USDT", "venue": "SIM", "period": period, "before": like[-1][0] + 1, "limit": 1000}
    return [bar for bar in web.get("/bars", params=query).raise_for_status().json()["bars"] if bar[0] >= like[0][0]]


def stored(home: Path, period: str, like: list[list[float]]) -> list[list[float]]:
    """Return the same of the database, as soon as it has the last of them."""
    history = StoredHistory(Settings.model_validate({"system": {"home": str(home)}}))
    span = {"start_ns": int(like[0][0]) * NS_PER_SECOND, "end_ns": int(like[-1][0] + LENGTHS[period]) * NS_PER_SECOND}
    deadline = time.monotonic() + 30
    try:
        while (found := history.bars("BTC/USDT", period, venue="SIM", **span))["start_ns"][-1:] // NS_PER_SECOND != [like[-1][0]]:
            assert time.monotonic() < deadline, f"the {period} bars of the database do not come up to {like[-1][0]}"
            time.sleep(0.1)
    finally:
        history.close()
    return [
        [int(row["start_ns"]) // NS_PER_SECOND, *(float(row[name]) for name in ("open", "high", "low", "close", "volume"))] for row in found
    ]


def same(bars: list[list[float]], others: list[list[float]]) -> None:
    """Assert that the bars are the same; volumes are sums, which differ in their last digits."""
    assert [bar[0] for bar in bars] == [bar[0] for bar in others]
    for bar, other in zip(bars, others, strict=True):
        assert bar == pytest.approx(other, abs=1e-6)


def test_a_killed_server_leaves_no_trace_in_the_charts(chromium: Any, lasting: System) -> None:
    """The server's process is killed; the page comes back by itself, with each candle, study and fill once, as they are stored."""
    with opened(chromium, lasting, viewport={"width": 1440, "height": 900}) as page, httpx.Client(base_url=f"{lasting.url}/api/v1") as web:
        open_charts(page)
        begin = page.pane("view.bars.at(-1)[0]")
        page.wait_pane(f"view.bars.at(-1)[0] >= {begin + 3}")
        (group,) = [one for one in web.get("/groups").json() if "web" in one["components"]]
        os.kill(group["pid"], signal.SIGKILL)
        killed = int(time.time())
        page.wait("document.body.dataset.connection === 'lost'")
        assert len(page.pane("view.bars")) > 3  # what it had stands
        page.wait("document.body.dataset.connection === 'live'", 60)
        page.wait_pane(f"view.bars.at(-1)[0] >= {killed + 6} && view.feed.through")
        page.wait_pane(f"view.feed.through && view.bars.at(-1)[0] + 60 > {killed}", 1)
        (again,) = [one for one in web.get("/groups").json() if "web" in one["components"]]
        assert again["pid"] != group["pid"]

        charts = [page.pane(HELD, number) for number in (0, 1)]
        end = int(charts[0]["bars"][-1][0]) - 1  # before it everything is finished
        seconds = [bar for bar in charts[0]["bars"] if bar[0] < end]
        minutes = [bar for bar in charts[1]["bars"] if bar[0] < end // 60 * 60]
        assert seconds[0][0] <= begin < killed < seconds[-1][0]
        for period, bars in (("1s", seconds), ("1m", minutes[-900:])):
            assert spacing(bars) == {LENGTHS[period]}
            same(bars, served(web, period, bars))
            same(bars, stored(lasting.home, period, bars))
        fills = [one for one in web.get("/fills", params={"limit": 1000}).json() if one["time_ns"] < end * NS_PER_SECOND]
        for chart in charts:
            assert len(chart["lines"]) >= 2
            for values in chart["lines"]:
                assert len(values) == len(chart["bars"])
                assert None not in values[next(at for at, value in enumerate(values) if value is not None) :]
            told = [one for one in chart["markers"] if one["kind"] == "fill" and one["time_ms"] < end * 1000]
            assert sorted((one["price"], one["quantity"]) for one in told) == sorted((one["price"], one["quantity"]) for one in fills)
            assert len(chart["drawn"]) == len(set(chart["drawn"])) > 0
        page.faults[:] = [one for one in page.faults if "ERR_CONNECTION" not in one and "WebSocket connection" not in one]


@pytest.mark.skipif("GCG_SOAK_S" not in os.environ, reason="test_page_memory.py shows it of old candles; GCG_SOAK_S says for how long")
@pytest.mark.timeout(SOAK_S + 180)
def test_ticks_without_end_do_not_fill_the_memory(chromium: Any, lasting: System) -> None:
    """While 600 ticks a second come in, the page's heap grows with its candles and markers alone, which it keeps 20,000 and 2,000 of.

    In the long form the slope is that of what was measured after a third of the time, when the tables have their 500 rows.
    """
    measured: list[Held] = []
    kept: list[int] = []  # candles and markers
    with opened(chromium, lasting, viewport={"width": 1440, "height": 900}) as page:
        open_charts(page)
        heap = Heap(page.page)
        begin = time.monotonic()
        while time.monotonic() < begin + SOAK_S:
            page.page.wait_for_timeout(max(1.0, SOAK_S / 90) * 1000)
            one = heap.measure()
            measured.append(one)
            kept.append(sum(page.pane("view.bars.length + view.feed.markers.size", number) for number in (0, 1)))
            if SOAK_S >= LONG_S:
                counts = f"{one.nodes} nodes  {one.listeners} listeners  {kept[-1]} candles and markers"
                print(f"{one.seconds:7.0f} s  {one.heap / 1e6:8.3f} MB  {counts}", flush=True)
        assert page.page.evaluate("document.body.dataset.connection") == "live"
    third = len(measured) // 3
    settled, seconds = measured[third:], measured[-1].seconds - measured[third].seconds
    allowed = EACH * (kept[-1] - kept[third]) / seconds + 500
    assert max(one.nodes for one in settled) < 2_500
    assert max(one.listeners for one in settled) < 400
    assert max(one.heap for one in settled) < measured[0].heap + 4e6 + EACH * (kept[-1] - kept[0])
    if SOAK_S >= LONG_S:
        print(f"{growth(settled):.0f} bytes/s, of which candles and markers explain {allowed - 500:.0f}")
        assert growth(settled) < allowed
