"""Chan elements on the chart in a real browser: chosen like an indicator, drawn, and changed as bars come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_MINUTE
from gcg_quant.events import Bar
from gcg_quant.history import MemoryHistory
from gcg_quant.settings import Settings
from gcg_quant.strategy_engine.chan import ChanAnalyzer
from gcg_quant.visualization.bridge import WebSocketEventBridge
from gcg_quant.visualization.indicators import chan_kind
from gcg_quant.visualization.server import AppServer, create_app, serve

from .watched import Open, Watched

pytestmark = pytest.mark.browser

PARTS = ["strokes", "segments", "pivots", "points"]
SHAPES = "view.feed.series.studies.get('chan-1')?.shapes"
# What is written on the canvas, and how often with dashes.
SPY = """
window.drawn = { texts: new Set(), dashed: 0 };
const { fillText, setLineDash } = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.fillText = function (text, ...more) {
  window.drawn.texts.add(text);
  return fillText.call(this, text, ...more);
};
CanvasRenderingContext2D.prototype.setLineDash = function (dashes) {
  if (String(dashes) === "4,3") window.drawn.dashed += 1;
  return setLineDash.call(this, dashes);
};
"""


@pytest.fixture
def chan_server(bus: EventBus, settings: Settings, market: Any, until: Any) -> Iterator[AppServer]:
    """Return a server that offers Chan elements, with 4,000 minutes of a random walk up to now."""
    count = 4_000
    random = np.random.default_rng(4)
    bars = np.zeros(count, Bar.dtype)
    bars["start_ns"] = market.minute_ns - np.arange(count, 0, -1) * NS_PER_MINUTE
    bars["event_ns"] = bars["start_ns"] + NS_PER_MINUTE
    bars["period"] = b"1m"
    bars["close"] = 200 + np.round(random.normal(0, 0.3, count).cumsum(), 2)
    bars["open"] = np.append(200, bars["close"][:-1])
    bars["high"] = np.maximum(bars["open"], bars["close"]) + np.round(random.random(count) / 3, 2)
    bars["low"] = np.minimum(bars["open"], bars["close"]) - np.round(random.random(count) / 3, 2)
    history = MemoryHistory()
    history.add_bars("BTC/USDT", "SIM", bars)
    market.tick(float(bars["close"][-1]))
    bridge = WebSocketEventBridge(settings, kinds=[chan_kind(ChanAnalyzer)])
    bridge.start(bus, history)
    until(lambda: bridge.state == "running", "the bridge running")
    running = serve(create_app(bus, settings, None, bridge), port=0)
    yield running
    assert running.stop(60.0)
    assert bridge.stop(60.0)


def asked(server: AppServer, **parameters: int) -> dict[str, Any]:
    """Return the shapes as the server computes them now."""
    wanted = json.dumps([{"id": "x", "name": "CHAN", "parameters": parameters}])
    query = {"symbol": "BTC/USDT", "venue": "SIM", "period": "1m", "indicators": wanted}
    shapes: dict[str, Any] = httpx.get(f"{server.url}/api/v1/bars", params=query).json()["lines"][0]["shapes"]
    return {name: part["rows"] for name, part in shapes.items()}


def rows(page: Watched) -> dict[str, Any]:
    """Return the shapes that the page has."""
    found: dict[str, Any] = page.pane(f"Object.fromEntries(Object.entries({SHAPES} ?? {{}}).map(([name, part]) => [name, part.rows]))")
    return found


def test_chan_is_chosen_drawn_and_follows_the_market(market: Any, chan_server: AppServer, open_page: Open, until: Any) -> None:
    """From the dialog onto the chart, with words at marks and dashes where it may change; new bars change it as the server says."""
    page = open_page(chan_server, script=SPY)
    page.page.click("#indicators-open")
    page.page.fill(".indicator-search", "chan")
    page.page.click("[data-indicator='CHAN']")
    page.wait_pane(f"Object.keys({SHAPES} ?? {{}}).length === 4")
    page.page.keyboard.press("Escape")
    page.wait_text(".plot.main .studies", "CHAN old-strict area 2")
    assert rows(page) == asked(chan_server)
    assert all(len(found) > 3 for found in rows(page).values())
    page.wait("drawn.dashed > 0")
    page.wait("[...drawn.texts].some(text => /^[BS][123]$/.test(text))")
    boxes = page.pane(
        "view.plots.price.shapes.places.filter(one => one.style === 'box' && one.x !== null && one.x2 > one.x && one.y > one.y2)"
    )
    assert boxes
    assert not all(row[4] for found in rows(page).values() for row in found)
    before = rows(page)
    price = float(page.pane("view.bars.at(-1)[4]"))
    for minute in range(14):  # up to a new top, and down from it
        price += 2 if minute < 7 else -2
        market.tick(price, at_ns=market.minute_ns + minute * NS_PER_MINUTE + 1_000_000)
        page.wait_pane(f"Math.abs(view.bars.at(-1)[4] - {price}) < 0.001")
    until(lambda: rows(page) == asked(chan_server), "the page has what the server computes")
    assert rows(page)["strokes"] != before["strokes"]
    assert rows(page)["strokes"][-1][3] > before["strokes"][-1][1]


def test_its_parts_and_rules_are_options_that_stay(chan_server: AppServer, open_page: Open) -> None:
    """The dialog has the variants as words and a box for each part; what was chosen is there again after a reload."""
    panes = [{"name": "BTC/USDT@SIM", "indicators": [{"id": "chan-1", "name": "CHAN"}]}]
    httpx.patch(f"{chan_server.url}/api/v1/charts/config", json={"layout": {"panes": panes}}).raise_for_status()
    page = open_page(chan_server, script=SPY)
    page.page.click("[data-study='chan-1'].name")
    page.page.select_option(".indicator-form select[name=variant]", label="new, loose")
    page.page.uncheck(".indicator-form input[name=pivots]")
    page.wait_pane(f"Object.keys({SHAPES} ?? {{}}).join() === 'strokes,segments,points'")
    page.wait_text(".plot.main .studies", "CHAN new-loss area 2")
    page.wait_text(".own-indicators", "CHAN new, loose")
    assert rows(page) == asked(chan_server, variant=4, pivots=0)
    page.page.reload()
    page.wait_pane(f"Object.keys({SHAPES} ?? {{}}).join() === 'strokes,segments,points'")
    page.page.click("[data-study='chan-1'].name")
    page.page.uncheck(".indicator-form .tick input")
    page.wait_pane("view.plots.price.shapes.shapes.length === 0")


def test_four_charts_in_chinese_and_light(chan_server: AppServer, open_page: Open) -> None:
    """Each chart has its own elements, with Chinese words, in the colours of the theme; going back in time brings older ones."""
    chan = [{"id": "chan-1", "name": "CHAN", "parameters": {"trend_pivots": 1}}]
    panes = [{"name": "BTC/USDT@SIM", "period": period, "indicators": chan} for period in ("1m", "5m", "15m", "1m")]
    config = {"language": "zh", "theme": "light", "layout": {"grid": "4", "panes": panes}}
    httpx.patch(f"{chan_server.url}/api/v1/charts/config", json=config).raise_for_status()
    page = open_page(chan_server, script=SPY)
    for number in range(4):
        page.wait_pane(f"{SHAPES}?.strokes.rows.length > 3 && view.plots.price.shapes.places.length > 1", number)
    counts = [page.pane(f"{SHAPES}.strokes.rows.length", number) for number in range(4)]
    assert counts[0] == counts[3] > counts[1] > counts[2]
    page.wait("[...drawn.texts].some(text => /^[一二三][买卖]$/.test(text))")
    page.wait_text(".plot.main .studies", "中枢")
    assert page.pane("view.plots.price.shapes.colours.up") == page.page.evaluate(
        "getComputedStyle(document.documentElement).getPropertyValue('--up').trim()"
    )
    page.pane("view.goTo(view.bars.at(-1)[0] - 86400 * 2)")
    page.wait_pane("view.bars[0][0] < view.bars.at(-1)[0] - 86400 && view.chart.visible.to < Date.now() / 1000 - 86400")
    page.wait_pane(f"{SHAPES}.strokes.rows.some(row => row[0] < view.bars[200][0]) && view.plots.price.shapes.places.length > 1")
