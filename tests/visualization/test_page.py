"""The page in a real browser, over a real server and a real bus."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_MINUTE, NS_PER_SECOND, now_ns
from gcg_quant.events import (
    AccountEvent,
    Applied,
    Bar,
    ConfigChangeEvent,
    LogEvent,
    OrderEvent,
    OrderStatus,
    OrderType,
    PositionEvent,
    PositionSide,
    Side,
    SignalEvent,
    StrategyControlEvent,
    StrategyStatusEvent,
)
from gcg_quant.history import MemoryHistory
from gcg_quant.settings import Settings
from gcg_quant.visualization.bridge import WebSocketEventBridge
from gcg_quant.visualization.server import AppServer, create_app, serve

pytestmark = pytest.mark.browser

Open = Callable[..., Any]


class Watched:
    """A page, and what went wrong on it."""

    def __init__(self, page: Any, origin: str) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("console", lambda message: message.type == "error" and self.faults.append(message.text))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: request.url.startswith((origin, "data:")) or self.faults.append(f"asked {request.url}"))

    def text(self, selector: str) -> str:
        """Return the text of an element."""
        return str(self.page.locator(selector).inner_text())

    def wait(self, expression: str, timeout_s: float = 30.0) -> Any:
        """Wait until a JavaScript expression is true on the page; return its value. The page itself forbids eval."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            value = self.page.evaluate(expression)
            if value:
                return value
            self.page.wait_for_timeout(20)
        raise AssertionError(f"not within {timeout_s} s: {expression}")

    def wait_text(self, selector: str, text: str) -> None:
        """Wait until an element shows this text somewhere."""
        self.wait(f"document.querySelector({json.dumps(selector)})?.textContent.includes({json.dumps(text)})")

    def bars(self) -> list[list[float]]:
        """Return the bars that the chart draws."""
        bars: list[list[float]] = self.page.evaluate("document.getElementById('chart').view.bars")
        return bars


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Open]:
    """Return a function that opens the page of a server and waits for its chart."""
    contexts: list[Any] = []
    opened: list[Watched] = []

    def opener(server: AppServer, state: str = "ready", **options: Any) -> Watched:
        context = (
            chromium.new_context(viewport={"width": 1280, "height": 800}, **options)
            if "viewport" not in options
            else chromium.new_context(**options)
        )
        contexts.append(context)
        watched = Watched(context.new_page(), server.url)
        opened.append(watched)
        watched.page.goto(server.url)
        watched.page.wait_for_selector(f"#chart[data-state={state}]", timeout=8000)
        return watched

    yield opener
    for context in contexts:
        context.close()
    assert [fault for watched in opened for fault in watched.faults] == []


@contextmanager
def served(bus: EventBus, settings: Settings, bridge: WebSocketEventBridge, port: int = 0) -> Iterator[AppServer]:
    """Serve the app of a running bridge."""
    server = serve(create_app(bus, settings, None, bridge), port=port)
    try:
        yield server
    finally:
        assert server.stop()


def spacing(bars: list[list[float]]) -> set[float]:
    """Return the distances between bars, in seconds."""
    return {later[0] - earlier[0] for earlier, later in itertools.pairwise(bars)}


def test_candles_appear_and_the_last_price_changes(market: Any, server: AppServer, open_page: Open) -> None:
    """History is drawn, then every tick moves candle, legend, watch list and book."""
    starts = market.past(30)
    market.tick(100.0)
    page = open_page(server)
    bars = page.bars()
    assert [bar[0] for bar in bars[:30]] == [start // NS_PER_SECOND for start in starts]
    assert spacing(bars) == {60}
    assert page.text("#legend h2") == "BTC/USDT"
    market.tick(1234.5)
    page.wait_text("#watch-rows li[data-name='BTC/USDT@SIM'] .last", "1,234.50")
    page.wait_text("#middle-price", "1,234.50 ▲")
    page.wait_text("#legend", "1,234.50")
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
    page.wait_text("#drawer-table", "control #17")
    plot = page.page.locator("#plot").bounding_box()
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
        page.wait("document.body.dataset.connection === 'live'", 20)
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
    page.wait_text("#legend h2", "ETH/USDT")
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
    page.page.keyboard.press("Enter")
    page.wait_text("#legend h2", "BTC/USDT")
    page.page.keyboard.press("ArrowDown")
    page.wait_text("#legend h2", "ETH/USDT")
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
        assert page.page.locator("#to-live").is_hidden()
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
        page.page.click("#to-live")
        page.wait("document.getElementById('chart').view.chart.visible.to === document.getElementById('chart').view.bars.at(-1)[0]")
        assert page.page.locator("#to-live").is_hidden()
    finally:
        assert server.stop()


def test_strategy_is_stopped_after_one_question(bus: EventBus, market: Any, server: AppServer, open_page: Open) -> None:
    """Stop asks once in place, then the command is on the bus; a refusal is told in the row."""
    market.tick(100.0)
    bus.publish(StrategyStatusEvent(strategy="grid-btc", state="running", symbols=["BTC/USDT"], parameters={"levels": 12}))
    page = open_page(server)
    row = "tr[data-key='grid-btc']"
    page.wait_text(row, "running")
    with bus.reader(events=[StrategyControlEvent]) as reader:
        page.page.click(f"{row} button")
        page.wait_text(row, "Stop grid-btc?")
        page.page.keyboard.press("Escape")
        page.wait(f"!document.querySelector(\"{row}\").textContent.includes('Stop grid-btc?')")
        assert reader.read() is None
        page.page.click(f"{row} button")
        page.page.click(f"{row} .yes")
        control = reader.read(5.0)
    assert isinstance(control, StrategyControlEvent)
    assert (control.action, control.strategy) == ("stop", "grid-btc")
    bus.publish(Applied(control=control.id, component="manager", ok=False, detail="it is busy"))
    page.wait_text(row, "Refused: it is busy")
    bus.publish(StrategyStatusEvent(strategy="grid-btc", state="stopped", symbols=["BTC/USDT"]))
    page.wait_text(row, "stopped")
    page.wait_text(row, "Start")


def test_kill_switch_asks_once_and_shows_its_state(bus: EventBus, market: Any, server: AppServer, open_page: Open) -> None:
    """A click asks; Escape and No ask nothing of the bus; Yes does; the button is red as soon as an engine has applied it."""
    market.tick(100.0)
    page = open_page(server)
    page.wait("document.getElementById('kill-button').dataset.state === 'off'")
    with bus.reader(events=[ConfigChangeEvent]) as reader:
        page.page.click("#kill-button")
        page.wait_text("#kill-question", "Cancel all open orders and refuse every new one?")
        page.page.keyboard.press("Escape")
        assert page.page.locator("#kill-question").is_hidden()
        page.page.click("#kill-button")
        page.page.click("#kill-question .no")
        assert page.page.locator("#kill-question").is_hidden()
        assert reader.read() is None
        page.page.click("#kill-button")
        page.page.click("#kill-question .yes")
        change = reader.read(5.0)
    assert isinstance(change, ConfigChangeEvent)
    assert change.changes == {"risk.kill_switch": True}
    page.wait_text("#kill-question", "sent")
    bus.publish(Applied(control=change.id, component="trading-paper", detail='{"risk.kill_switch":true}'))
    page.wait("document.getElementById('kill-button').dataset.state === 'on'")
    page.wait("document.getElementById('kill-question').hidden")
    assert page.text("#kill-button") == "KILL SWITCH ON"
    assert page.page.evaluate("getComputedStyle(document.getElementById('kill-button')).backgroundColor") == "rgb(194, 47, 58)"
    assert "by: page" in page.page.get_attribute("#kill-button", "title")
    page.page.reload()
    page.wait("document.getElementById('kill-button').dataset.state === 'on'")


def test_kill_switch_by_keyboard_and_a_refusal(bus: EventBus, market: Any, server: AppServer, open_page: Open) -> None:
    """The key K asks, and Enter answers; to switch off, No has the focus; a refusal is told, and the state stays."""
    market.tick(100.0)
    bus.publish(ConfigChangeEvent(revision=1, changes={"risk.kill_switch": True}, origin="gcg_quant.toml"))
    page = open_page(server)
    page.wait("document.getElementById('kill-button').dataset.state === 'on'")
    with bus.reader(events=[ConfigChangeEvent]) as reader:
        page.page.keyboard.press("k")
        page.wait_text("#kill-question", "Orders pass again.")
        page.page.keyboard.press("Enter")
        assert page.page.locator("#kill-question").is_hidden()
        assert page.page.evaluate("document.activeElement.id") == "kill-button"
        page.page.keyboard.press("Enter")
        page.page.keyboard.press("Shift+Tab")
        page.page.keyboard.press("Enter")
        change = reader.read(5.0)
    assert isinstance(change, ConfigChangeEvent)
    assert change.changes == {"risk.kill_switch": False}
    bus.publish(Applied(control=change.id, component="trading-paper", ok=False, detail="it is <b>busy</b>"))
    page.wait_text("#kill-question", "Refused: it is <b>busy</b>")
    assert page.page.get_attribute("#kill-button", "data-state") == "on"


def test_kill_switch_is_in_reach_on_a_phone(market: Any, server: AppServer, open_page: Open) -> None:
    """On a narrow screen button and question are on the screen."""
    market.tick(100.0)
    page = open_page(server, viewport={"width": 390, "height": 800})
    page.page.click("#kill-button")
    box = page.page.locator("#kill-question").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_nothing_stands_on_the_kill_switch(bus: EventBus, market: Any, server: AppServer, open_page: Open) -> None:
    """However long the books of the account are, the button is whole and can be clicked."""
    market.tick(100.0)
    bus.publish(ConfigChangeEvent(revision=1, changes={"risk.kill_switch": True}))
    for currency in ("USD", "USDT", "CNY"):
        for equity in (0.0, 123_456_789.0):
            bus.publish(AccountEvent(account="a-long-account-name", currency=currency, equity=equity))
    page = open_page(server)
    page.wait_text("#profit", "+123,456,789.00")
    page.page.click("#kill-button", timeout=2000)
    assert page.page.locator("#kill-question").is_visible()
    assert page.page.evaluate("document.getElementById('kill-button').getBoundingClientRect().right") < 1280
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_drawer_shows_accounts_and_the_parts_of_a_position(bus: EventBus, market: Any, server: AppServer, open_page: Open) -> None:
    """The books of each currency have a table; a position tells leg, today's and earlier quantity, and what is frozen."""
    market.tick(100.0)
    page = open_page(server)
    page.page.click("#tab-accounts")
    page.wait_text("#drawer-table", "No account yet")
    bus.publish(AccountEvent(account="paper", currency="USD", cash=900.0, equity=1012.5, margin=50.25, available=962.25, fees=1.5))
    page.wait_text("#drawer-table", "962.25")
    for text in ("paper", "USD", "900.00", "1,012.50", "50.25", "1.50"):
        assert text in page.text("#drawer-table")
    page.page.click("#tab-positions")
    parts = {"quantity": -3.0, "today": 1.0, "yesterday": 2.0, "frozen": 1.5, "margin": 77.0, "position_side": PositionSide.SHORT}
    bus.publish(PositionEvent(symbol="BTC/USDT", venue="SIM", account="paper", strategy="grid", **parts))
    page.wait_text("#drawer-table", "77.00")
    for text in ("BTC/USDT short", "1.5", "Today", "Frozen"):
        assert text in page.text("#drawer-table")
    page.page.click("#tab-orders")
    names = {"symbol": "BTC/USDT", "venue": "SIM", "strategy": "grid", "side": Side.BUY, "status": OrderStatus.ACCEPTED, "quantity": 1.0}
    bus.publish(OrderEvent(request=1, client_id="g.1", order_type=OrderType.STOP_LIMIT, stop_price=105.0, price=106.0, **names))
    bus.publish(OrderEvent(request=2, client_id="g.2", order_type=OrderType.STOP, stop_price=107.5, **names))
    page.wait_text("#drawer-table", "105.00 → 106.00")
    page.wait_text("#drawer-table", "107.50")
    assert page.page.locator("#drawer-table [title='Client id: g.1']").count() == 1


def test_drawer_shows_positions_account_and_log(bus: EventBus, market: Any, server: AppServer, open_page: Open) -> None:
    """Positions, today's profit and the log are told, with signs and the instrument's decimals."""
    market.tick(100.0)
    page = open_page(server)
    page.page.click("#tab-positions")
    page.wait_text("#drawer-table", "No open positions")
    held = {"quantity": -0.5, "average_price": 110.0, "last_price": 100.0, "unrealised_pnl": 5.0, "realised_pnl": -1234.5}
    bus.publish(PositionEvent(symbol="BTC/USDT", venue="SIM", account="paper", strategy="grid", **held))
    page.wait_text("#drawer-table", "−1,234.50")
    assert "−0.5" in page.text("#drawer-table")
    assert "110.00" in page.text("#drawer-table")
    for equity in (1000.0, 1012.5):
        bus.publish(AccountEvent(account="paper", equity=equity))
    page.wait_text("#profit", "+12.50")
    bus.publish(LogEvent(level="error", component="feed", message="<b>the line is dead</b>"))
    page.page.click("#tab-log")
    page.wait_text("#drawer-table", "<b>the line is dead</b>")


def test_themes_and_languages_switch_live(market: Any, server: AppServer, open_page: Open) -> None:
    """Theme and language change at once, are kept over a reload, and red is up in Chinese."""
    market.tick(100.0)
    page = open_page(server, color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.page.evaluate(background) == "rgb(14, 18, 23)"
    page.page.click("#theme")
    assert page.page.evaluate(background) == "rgb(246, 247, 249)"
    page.page.click("#language")
    assert page.text("#watch-title") == "自选"
    assert page.page.evaluate("document.documentElement.dataset.up") == "red"
    page.page.reload()
    page.page.wait_for_selector("#chart[data-state=ready]")
    assert page.text("#watch-title") == "自选"
    assert page.page.evaluate(background) == "rgb(246, 247, 249)"


def test_phone_shows_the_chart_first(market: Any, server: AppServer, open_page: Open) -> None:
    """On a narrow screen the chart is on top and tabs choose what stands below it; nothing is wider than the screen."""
    market.past(5)
    market.tick(100.0)
    page = open_page(server, viewport={"width": 390, "height": 800})
    chart = page.page.locator("#plot").bounding_box()
    watch = page.page.locator("#watch").bounding_box()
    assert chart["y"] < watch["y"]
    assert chart["height"] > 200
    page.page.click("#narrow-tabs [data-panel=book]")
    assert page.page.locator("#book").is_visible()
    assert page.page.locator("#watch").is_hidden()
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_empty_system_says_what_to_do(bus: EventBus, server: AppServer, open_page: Open) -> None:
    """Without any instrument the page says how to get one; the first tick brings it to life."""
    page = open_page(server, state="empty")
    assert "python -m gcg_quant import" in page.text("#chart-message")
    from gcg_quant.events import Tick

    for price in (5.0, 6.0):
        bus.publish(Tick(symbol="NEW", venue="SIM", event_ns=now_ns(), last_price=price))
    page.page.wait_for_selector("#chart[data-state=ready]", timeout=8000)
    page.wait_text("#legend h2", "NEW")


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
        assert "The database is away." in page.text("#chart-message")
        history.away = False
        page.page.click("#chart-message button")
        page.page.wait_for_selector("#chart[data-state=ready]")
    finally:
        assert server.stop()


def test_keys_and_names_for_everybody(market: Any, server: AppServer, open_page: Open) -> None:
    """`?` lists the keys, Esc closes, every control has a name, and the marks of choice are told to screen readers."""
    market.tick(100.0)
    page = open_page(server)
    page.page.keyboard.press("?")
    assert page.page.locator("#help").is_visible()
    page.page.keyboard.press("Escape")
    assert page.page.locator("#help").is_hidden()
    nameless = page.page.evaluate(
        "[...document.querySelectorAll('button, input, [role=listbox], [role=tablist]')].filter(node => "
        "!['aria-label', 'aria-labelledby'].some(name => node.getAttribute(name)) && !node.textContent.trim()).map(node => node.id)"
    )
    assert nameless == []
    assert page.page.get_attribute("#tab-strategies", "aria-selected") == "true"
    assert page.page.locator("#watch-rows [role=option][aria-selected=true]").count() == 1


def test_signals_are_markers_of_their_own(bus: EventBus, market: Any, server: AppServer, open_page: Open) -> None:
    """A signal of one side in another bar than a fill is a marker of its own; text of a strategy is never markup."""
    market.tick(100.0)
    page = open_page(server)
    bus.publish(SignalEvent(symbol="BTC/USDT", venue="SIM", strategy="<i>s</i>", name="up", event_ns=market.minute_ns, text="<img src=x>"))
    page.wait("document.getElementById('chart').dataset.markers === '1'")
    assert page.page.locator("#canvas img").count() == 0
