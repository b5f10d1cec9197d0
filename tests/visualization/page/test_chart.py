"""The chart in a real browser, over a real server and a real bus."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_MINUTE, NS_PER_SECOND
from gcg_quant.events import (
    Bar,
    SignalEvent,
)
from gcg_quant.history import MemoryHistory
from gcg_quant.settings import Settings
from gcg_quant.visualization.bridge import WebSocketEventBridge
from gcg_quant.visualization.server import AppServer, create_app, serve

from .watched import Open, served, spacing

pytestmark = pytest.mark.browser


def test_candles_appear_and_the_last_price_changes(market: Any, server: AppServer, open_page: Open) -> None:
    """History is drawn, then every tick moves candle, legend, watch list and book."""
    starts = market.past(30)
    market.tick(100.0)
    page = open_page(server)
    bars = page.bars()
    assert [bar[0] for bar in bars[:30]] == [start // NS_PER_SECOND for start in starts]
    assert spacing(bars) == {60}
    assert page.text(".legend h2") == "BTC/USDT"
    market.tick(1234.5)
    page.wait_text("#watch-rows li[data-name='BTC/USDT@SIM'] .last", "1,234.50")
    page.wait_text("#middle-price", "1,234.50 ▲")
    page.wait_text(".legend", "1,234.50")
    page.wait_text("#tape", "1,234.50")
    assert page.bars()[-1][4] == 1234.5
    market.tick(99.25)
    page.wait_text("#middle-price", "99.25 ▼")
    page.wait_text("#watch-rows li[data-name='BTC/USDT@SIM'] .change", "−0.75 %")


def test_fill_becomes_a_marker_with_its_card(market: Any, server: AppServer, open_page: Open) -> None:
    """A fill is an arrow on the chart and a row of the drawer; the card at the arrow tells order and cause."""
    market.past(30)
    market.tick(100.0)
    page = open_page(server)
    fill = market.fill(100.0)
    page.wait("document.getElementById('chart').dataset.markers === '1'")
    page.page.click("#tab-fills")
    page.wait_text(".drawer-view:not([hidden])", "control #17")
    plot = page.page.locator(".plot.main").bounding_box()
    low = page.page.evaluate("(({view}) => view.chart.point(view.bars.at(-1)[0], view.bars.at(-1)[3]))(document.getElementById('chart'))")
    x, y = plot["x"] + low["x"], plot["y"] + low["y"]
    while not page.page.locator("#card").is_visible():
        y += 3  # the arrow is a little below the candle
        assert y < plot["y"] + plot["height"]
        page.page.mouse.move(x, y)
    card = page.text("#card")
    assert "▲ Buy 0.25 @ 100.00" in card
    assert f"#{fill & (2**60 - 1)}" in card
    page.page.mouse.click(x, y)
    page.page.mouse.move(plot["x"] + 50, plot["y"] + 50)
    assert page.page.locator("#card").is_visible()
    page.page.keyboard.press("Escape")
    assert not page.page.locator("#card").is_visible()


def test_lost_connection_keeps_data_and_comes_back_without_a_gap(
    bus: EventBus, settings: Settings, bridge: WebSocketEventBridge, market: Any, open_page: Open
) -> None:
    """When the server goes the page says so and keeps its data; when it is back nothing of the meantime is missing."""
    minute = market.minute_ns
    market.past(10)
    with served(bus, settings, bridge) as server:
        for ahead in range(2):
            market.tick(100.0 + ahead, at_ns=minute + ahead * NS_PER_MINUTE)
        page = open_page(server)
        page.wait("document.getElementById('chart').view.bars.length === 12")
    page.wait("document.body.dataset.connection === 'lost'")
    assert "no connection" in page.text("#connection")
    assert page.page.get_attribute("#kill-button", "data-state") == "unknown"
    assert len(page.bars()) == 12
    for ahead in range(2, 5):
        market.tick(100.0 + ahead, at_ns=minute + ahead * NS_PER_MINUTE)
    with served(bus, settings, bridge, server.port):
        page.wait("document.body.dataset.connection === 'live'")
        page.wait("document.getElementById('kill-button').dataset.state === 'off'")
        page.wait("document.getElementById('chart').view.bars.length === 15")
        market.tick(105.0, at_ns=minute + 5 * NS_PER_MINUTE)
        page.wait("document.getElementById('chart').view.bars.length === 16")
        bars = page.bars()
        assert spacing(bars) == {60}
        assert [bar[4] for bar in bars[-6:]] == [100.0, 101.0, 102.0, 103.0, 104.0, 105.0]
        page.faults = [fault for fault in page.faults if "WebSocket connection" not in fault]
        open_faults = page.faults[:]
        page.faults.clear()
    page.page.context.close()
    assert open_faults == []


def test_symbol_and_period_choice(market: Any, server: AppServer, open_page: Open) -> None:
    """Clicks and keys choose symbol and period, and the chart follows."""
    market.past(30)
    market.past(20, symbol="ETH/USDT", base=50.0)
    market.tick(100.0)
    market.tick(50.0, symbol="ETH/USDT")
    page = open_page(server)
    page.page.click("#watch-rows li[data-name='ETH/USDT@SIM']")
    page.wait_text(".legend h2", "ETH/USDT")
    page.wait("document.getElementById('chart').view.bars.at(-1)?.[4] === 50")
    assert page.page.get_attribute("#watch-rows li[data-name='ETH/USDT@SIM']", "aria-selected") == "true"
    page.page.click("#periods button:text-is('5m')")
    page.wait("(({bars}) => bars.length > 0 && bars.every(bar => bar[0] % 300 === 0))(document.getElementById('chart').view)")
    assert spacing(page.bars()) == {300}
    assert page.page.get_attribute("#periods button:text-is('5m')", "aria-checked") == "true"
    page.page.keyboard.press("2")
    page.wait("document.getElementById('chart').view.bars.length >= 20")
    page.page.keyboard.press("/")
    page.page.keyboard.type("btc")
    page.page.wait_for_selector("#search-results [role=option][aria-selected=true]")
    page.page.keyboard.press("Enter")
    page.wait_text(".legend h2", "BTC/USDT")
    page.page.keyboard.press("ArrowDown")
    page.wait_text(".legend h2", "ETH/USDT")
    market.tick(55.5, symbol="ETH/USDT")
    page.wait("document.getElementById('chart').view.bars.at(-1)?.[4] === 55.5")


def test_scrolling_back_loads_older_bars_without_a_jump(bus: EventBus, settings: Settings, market: Any, open_page: Open) -> None:
    """Older bars come before they are needed; what is in view stays there; a button leads back to the newest bar."""
    count, minute = 4_000, market.minute_ns
    bars = np.zeros(count, Bar.dtype)
    bars["start_ns"] = minute - np.arange(count, 0, -1) * NS_PER_MINUTE
    bars["event_ns"] = bars["start_ns"] + NS_PER_MINUTE
    bars["period"] = b"1m"
    for name in ("open", "high", "low", "close"):
        bars[name] = 100 + np.arange(count) % 17
    history = MemoryHistory()
    history.add_bars("BTC/USDT", "SIM", bars)
    server = serve(create_app(bus, settings, history), port=0)
    try:
        market.tick(100.0)
        page = open_page(server)
        first = len(page.bars())
        assert first < 1000
        assert page.page.locator(".to-live").is_hidden()
        page.page.mouse.move(600, 300)
        for _ in range(24):
            page.page.mouse.wheel(-400, 0)
            page.page.wait_for_timeout(20)
        page.wait(f"document.getElementById('chart').view.bars.length > {first}")
        before = page.page.evaluate("document.getElementById('chart').view.chart.visible")
        page.page.wait_for_timeout(300)
        assert page.page.evaluate("document.getElementById('chart').view.chart.visible") == before
        loaded = page.bars()
        assert spacing(loaded) == {60}
        assert before["to"] < loaded[-1][0]
        page.page.click(".to-live")
        page.wait("document.getElementById('chart').view.chart.visible.to === document.getElementById('chart').view.bars.at(-1)[0]")
        assert page.page.locator(".to-live").is_hidden()
    finally:
        assert server.stop(60.0)


def test_failed_history_offers_another_try(bus: EventBus, settings: Settings, market: Any, open_page: Open) -> None:
    """If the database cannot be read the chart says so, and one click asks again."""
    from gcg_quant.errors import StorageError

    class Broken(MemoryHistory):
        away = True

        def bars(self, *args: Any, **options: Any) -> Any:
            if self.away:
                raise StorageError("The database is away.")
            return np.empty(0, Bar.dtype)

    history = Broken()
    server = serve(create_app(bus, settings, history), port=0)
    try:
        market.tick(100.0)
        page = open_page(server, state="error")
        assert "The database is away." in page.text(".pane-message")
        history.away = False
        page.page.click(".pane-message button")
        page.page.wait_for_selector("#chart[data-state=ready]")
    finally:
        assert server.stop(60.0)


def test_signals_are_markers_of_their_own(bus: EventBus, market: Any, server: AppServer, open_page: Open) -> None:
    """A signal of one side in another bar than a fill is a marker of its own; text of a strategy is never markup."""
    market.tick(100.0)
    page = open_page(server)
    bus.publish(SignalEvent(symbol="BTC/USDT", venue="SIM", strategy="<i>s</i>", name="up", event_ns=market.minute_ns, text="<img src=x>"))
    page.wait("document.getElementById('chart').dataset.markers === '1'")
    assert page.page.locator(".canvas img").count() == 0
