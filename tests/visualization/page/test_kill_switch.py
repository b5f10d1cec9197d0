"""The kill switch on the page."""

from __future__ import annotations

from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import (
    AccountEvent,
    Applied,
    ConfigChangeEvent,
)
from gcg_quant.visualization.server import AppServer

from .watched import Open

pytestmark = pytest.mark.browser


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
