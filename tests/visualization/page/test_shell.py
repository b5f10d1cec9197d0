"""What stands around the chart, in a real browser."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import now_ns
from gcg_quant.events import (
    AccountEvent,
    Applied,
    ConfigChangeEvent,
    LogEvent,
    OrderEvent,
    OrderStatus,
    OrderType,
    PositionEvent,
    PositionSide,
    Side,
    StrategyControlEvent,
    StrategyStatusEvent,
)
from gcg_quant.visualization.server import AppServer

from .watched import Open

pytestmark = pytest.mark.browser


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
        control = reader.read(30.0)
    assert isinstance(control, StrategyControlEvent)
    assert (control.action, control.strategy) == ("stop", "grid-btc")
    bus.publish(Applied(control=control.id, component="manager", ok=False, detail="it is busy"))
    page.wait_text(row, "Refused: it is busy")
    bus.publish(StrategyStatusEvent(strategy="grid-btc", state="stopped", symbols=["BTC/USDT"]))
    page.wait_text(row, "stopped")
    page.wait_text(row, "Start")


def test_drawer_shows_accounts_and_the_parts_of_a_position(bus: EventBus, market: Any, server: AppServer, open_page: Open) -> None:
    """The books of each currency have a table; a position tells leg, today's and earlier quantity, and what is frozen."""
    market.tick(100.0)
    page = open_page(server)
    page.page.click("#tab-accounts")
    page.wait_text(".drawer-view:not([hidden])", "No account yet")
    bus.publish(AccountEvent(account="paper", currency="USD", cash=900.0, equity=1012.5, margin=50.25, available=962.25, fees=1.5))
    page.wait_text(".drawer-view:not([hidden])", "962.25")
    for text in ("paper", "USD", "900.00", "1,012.50", "50.25", "1.50"):
        assert text in page.text(".drawer-view:not([hidden])")
    page.page.click("#tab-positions")
    parts = {"quantity": -3.0, "today": 1.0, "yesterday": 2.0, "frozen": 1.5, "margin": 77.0, "position_side": PositionSide.SHORT}
    bus.publish(PositionEvent(symbol="BTC/USDT", venue="SIM", account="paper", strategy="grid", **parts))
    page.wait_text(".drawer-view:not([hidden])", "77.00")
    for text in ("BTC/USDT short", "1.5", "Today", "Frozen"):
        assert text in page.text(".drawer-view:not([hidden])")
    page.page.click("#tab-orders")
    names = {"symbol": "BTC/USDT", "venue": "SIM", "strategy": "grid", "side": Side.BUY, "status": OrderStatus.ACCEPTED, "quantity": 1.0}
    bus.publish(OrderEvent(request=1, client_id="g.1", order_type=OrderType.STOP_LIMIT, stop_price=105.0, price=106.0, **names))
    bus.publish(OrderEvent(request=2, client_id="g.2", order_type=OrderType.STOP, stop_price=107.5, **names))
    page.wait_text(".drawer-view:not([hidden])", "105.00 → 106.00")
    page.wait_text(".drawer-view:not([hidden])", "107.50")
    assert page.page.locator(".drawer-view:not([hidden]) [title='Client id: g.1']").count() == 1


def test_drawer_shows_positions_account_and_log(bus: EventBus, market: Any, server: AppServer, open_page: Open) -> None:
    """Positions, today's profit and the log are told, with signs and the instrument's decimals."""
    market.tick(100.0)
    page = open_page(server)
    page.page.click("#tab-positions")
    page.wait_text(".drawer-view:not([hidden])", "No open positions")
    held = {"quantity": -0.5, "average_price": 110.0, "last_price": 100.0, "unrealised_pnl": 5.0, "realised_pnl": -1234.5}
    bus.publish(PositionEvent(symbol="BTC/USDT", venue="SIM", account="paper", strategy="grid", **held))
    page.wait_text(".drawer-view:not([hidden])", "−1,234.50")
    assert "−0.5" in page.text(".drawer-view:not([hidden])")
    assert "110.00" in page.text(".drawer-view:not([hidden])")
    for equity in (1000.0, 1012.5):
        bus.publish(AccountEvent(account="paper", equity=equity))
    page.wait_text("#profit", "+12.50")
    page.page.click("#profit")
    page.wait("document.getElementById('tab-accounts').getAttribute('aria-selected') === 'true'")
    bus.publish(LogEvent(level="error", component="feed", message="<b>the line is dead</b>"))
    page.page.click("#tab-log")
    page.wait_text(".drawer-view:not([hidden])", "<b>the line is dead</b>")


def test_themes_and_languages_switch_live(market: Any, server: AppServer, open_page: Open, until: Any) -> None:
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
    until(lambda: httpx.get(f"{server.url}/api/v1/charts/config").json()["language"] == "zh", "the choice being kept")
    page.page.reload()
    page.page.wait_for_selector("#chart[data-state=ready]")
    assert page.text("#watch-title") == "自选"
    assert page.page.evaluate(background) == "rgb(246, 247, 249)"


def test_phone_shows_the_chart_first(market: Any, server: AppServer, open_page: Open) -> None:
    """On a narrow screen the chart is on top and tabs choose what stands below it; nothing is wider than the screen."""
    market.past(5)
    market.tick(100.0)
    page = open_page(server, viewport={"width": 390, "height": 800})
    chart = page.page.locator(".plot.main").bounding_box()
    watch = page.page.locator("#watch").bounding_box()
    assert chart["y"] < watch["y"]
    assert chart["height"] > 200
    page.page.click("#narrow-tabs [data-panel=book]")
    assert page.page.locator("#book").is_visible()
    assert page.page.locator("#watch").is_hidden()
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_phone_tabs_are_tabs_and_a_desk_has_none(market: Any, server: AppServer, open_page: Open) -> None:
    """Arrow keys go round the tabs, each names its panel and the other way round; on a wide screen the panels are behind no tab."""
    market.tick(100.0)
    page = open_page(server, viewport={"width": 390, "height": 800})
    tabs = page.page.get_by_role("region", name="panels").get_by_role("tablist", name="panels").get_by_role("tab")
    names = [str(name) for name in tabs.all_inner_texts()]
    assert len(names) == 3
    page.page.get_by_role("tab", name=names[0], exact=True).focus()
    for key, name in (("ArrowRight", names[1]), ("ArrowRight", names[2]), ("ArrowRight", names[0]), ("ArrowLeft", names[2])):
        page.page.keyboard.press(key)
        chosen = page.page.locator("#narrow-tabs [aria-selected=true]")
        assert chosen.all_inner_texts() == [name]
        assert page.page.evaluate("document.activeElement.textContent") == name
        assert page.page.locator("#narrow-tabs [tabindex='0']").all_inner_texts() == [name]
        panel = page.page.get_by_role("tabpanel", name=name, exact=True)
        assert panel.get_attribute("id") == chosen.get_attribute("aria-controls")
        assert panel.is_visible()
    page.page.set_viewport_size({"width": 1280, "height": 800})
    page.wait("!document.querySelector('.panel-body[role], .panel-body[aria-labelledby], .panel-body[tabindex]')")
    assert page.page.locator("#narrow").is_hidden()


def test_empty_system_says_what_to_do(bus: EventBus, server: AppServer, open_page: Open) -> None:
    """Without any instrument the page says how to get one; the first tick brings it to life."""
    page = open_page(server, state="empty")
    assert "python -m gcg_quant import" in page.text(".pane-message")
    from gcg_quant.events import Tick

    for price in (5.0, 6.0):
        bus.publish(Tick(symbol="NEW", venue="SIM", event_ns=now_ns(), last_price=price))
    page.page.wait_for_selector("#chart[data-state=ready]")
    page.wait_text(".legend h2", "NEW")


def test_keys_and_names_for_everybody(market: Any, server: AppServer, open_page: Open) -> None:
    """`?` lists the keys, Esc closes, every control has a name, and the marks of choice are told to screen readers."""
    market.tick(100.0)
    page = open_page(server)
    page.page.keyboard.press("?")
    assert page.page.locator("#help").is_visible()
    page.page.keyboard.press("Escape")
    page.wait("!document.getElementById('help')")
    nameless = page.page.evaluate(
        "[...document.querySelectorAll('button, input, [role=listbox], [role=tablist]')].filter(node => "
        "!['aria-label', 'aria-labelledby'].some(name => node.getAttribute(name)) && !node.textContent.trim()).map(node => node.id)"
    )
    assert nameless == []
    assert page.page.get_attribute("#tab-strategies", "aria-selected") == "true"
    assert page.page.locator("#watch-rows [role=option][aria-selected=true]").count() == 1


# ---- the kill switch


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
        change = reader.read(30.0)
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
        change = reader.read(30.0)
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
    page.page.click("#kill-button")
    assert page.page.locator("#kill-question").is_visible()
    assert page.page.evaluate("document.getElementById('kill-button').getBoundingClientRect().right") < 1280
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 1280
