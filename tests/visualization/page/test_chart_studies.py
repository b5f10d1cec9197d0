"""Indicators and strategies' plots on the chart in a real browser."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_SECOND
from gcg_quant.events import PlotEvent
from gcg_quant.visualization.server import AppServer

from .watched import Open

pytestmark = pytest.mark.browser

IDS = "view.config.indicators.map(one => one.id).join()"


def test_indicators_are_added_edited_hidden_and_removed(market: Any, long_server: AppServer, open_page: Open) -> None:
    """The search finds an indicator; its values are the server's, over the price and below; each can be changed and taken away."""
    page = open_page(long_server)
    page.page.click("#indicators-open")
    page.wait_text(".indicator-offers h3", "Common")
    page.page.fill(".indicator-search", "ema")
    page.page.keyboard.press("Enter")
    page.page.fill(".indicator-search", "macd")
    page.page.click("[data-indicator='MACD']")
    page.page.fill(".indicator-search", "willr")
    page.page.click("[data-indicator='WILLR']")
    page.wait_pane(f"{IDS} === 'ema-1,macd-2,willr-3'")
    page.page.click(".own-indicators .name:text-is('EMA 20')")
    page.page.fill(".indicator-form input[name=timeperiod]", "0")
    page.wait_text(".indicator-form .field.wrong", "from 1 to 1000")
    page.page.fill(".indicator-form input[name=timeperiod]", "5")
    page.wait_pane("view.feed.series.studies.get('ema-1')?.title === 'EMA 5'")
    page.page.keyboard.press("Escape")
    page.wait("document.querySelectorAll('.plot.below canvas').length > 0 && document.querySelectorAll('.plot.below').length === 2")
    page.wait_text(".plot.main .studies", "EMA 5")
    asked = '[{"id":"x","name":"EMA","parameters":{"timeperiod":5}}]'
    query = {"symbol": "BTC/USDT", "venue": "SIM", "period": "1m", "limit": 300, "indicators": asked}
    answer = httpx.get(f"{long_server.url}/api/v1/bars", params=query).json()
    values = dict(zip([bar[0] for bar in answer["bars"]], answer["lines"][0]["lines"]["ema"]["values"], strict=True))
    drawn = page.pane(
        "view.bars.slice(-50, -1).map((bar, at) => [bar[0], view.feed.series.studies.get('ema-1').lines.ema.values.at(at - 50)])"
    )
    assert [value for _, value in drawn] == pytest.approx([values[at] for at, _ in drawn])
    market.tick(140.0)
    page.wait_pane("view.feed.series.studies.get('ema-1').lines.ema.values.at(-1) > 105")
    page.wait_pane("node.querySelector('[data-study=\"ema-1\"]').parentElement.querySelector('b').textContent > '105'")
    page.page.click("[data-study='macd-2'].name")
    page.page.click(".indicator-form .tick input")
    page.page.keyboard.press("Escape")
    page.wait("document.querySelectorAll('.plot.below').length === 1")
    page.page.click("[aria-label='Remove WILLR 14']")
    page.wait_pane(f"{IDS} === 'ema-1,macd-2'")
    page.wait("document.querySelectorAll('.plot.below').length === 0")


def test_no_more_than_three_charts_below_and_they_can_be_resized(long_server: AppServer, open_page: Open) -> None:
    """A fourth one says that it is not drawn; the edge of one is moved with the arrow keys."""
    panes = [
        {"name": "BTC/USDT@SIM", "indicators": [{"id": f"rsi-{n}", "name": "RSI", "parameters": {"timeperiod": n}} for n in (5, 6, 7, 8)]}
    ]
    httpx.patch(f"{long_server.url}/api/v1/charts/config", json={"layout": {"panes": panes}}).raise_for_status()
    page = open_page(long_server)
    page.wait("document.querySelectorAll('.plot.below').length === 3")
    page.wait_text(".plot.main .studies", "at most three charts below")
    widths = page.wait_pane(
        "(w => new Set(w).size === 1 && w[0] > 0 && w)([view.chart, ...view.plots.below.values().map(b => b.chart)].map(c => c.scaleWidth))"
    )
    assert len(widths) == 4
    before = page.page.locator(".plot.below").first.bounding_box()["height"]
    page.page.locator(".split").first.focus()
    page.page.keyboard.press("ArrowDown")
    assert page.page.locator(".plot.below").first.bounding_box()["height"] < before


def test_strategies_draw_lines(bus: EventBus, market: Any, long_server: AppServer, open_page: Open) -> None:
    """What a strategy plots is a line with an entry in the legend, over the price or below, until the chart's menu turns them off."""

    def plot(name: str, value: float, place: str) -> None:
        at = market.minute_ns + market.ticks * 1_000_000
        bus.publish(PlotEvent(symbol="BTC/USDT", venue="SIM", strategy="grid", name=name, value=value, event_ns=at, place=place))

    plot("band", 101.5, "price")
    page = open_page(long_server)
    page.wait_text(".plot.main .studies", "grid · band")
    page.wait_text(".plot.main .studies", "101.50")
    plot("score", 0.75, "below")
    page.wait_text(".plot.below .studies", "grid · score")
    page.wait_text(".plot.below .studies", "0.75")
    page.page.click(".pane-menu-open")
    page.page.click(".pane-menu [data-switch='plots']")
    page.wait("document.querySelectorAll('.plot.below, .studies li').length === 0")


def test_lines_of_a_short_chart_go_on_with_its_bars(market: Any, long_server: AppServer, open_page: Open) -> None:
    """Where there are so few bars that older ones are asked for and none come, the lines grow with the bars all the same."""
    for second in range(5):
        market.tick(100.0, at_ns=market.minute_ns + second * NS_PER_SECOND)
    panes = [{"name": "BTC/USDT@SIM", "period": "1s", "indicators": [{"id": "ema-1", "name": "EMA", "parameters": {"timeperiod": 2}}]}]
    httpx.patch(f"{long_server.url}/api/v1/charts/config", json={"layout": {"panes": panes}}).raise_for_status()
    page = open_page(long_server)
    page.wait_pane("view.bars.length === 5 && !view.feed.moreBefore && !view.feed.loading")
    market.tick(160.0, at_ns=market.minute_ns + 6 * NS_PER_SECOND)
    page.wait_pane("view.bars.length === 6")
    page.wait_pane("/^1[3-6]/.test(node.querySelector('[data-study=\"ema-1\"]').parentElement.querySelector('b').textContent)")
