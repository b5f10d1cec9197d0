"""What the server keeps of the page, and the drawer, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import AlertAcknowledgeEvent, AlertEvent, GatewayStatus, LogEvent, OrderEvent, OrderStatus, OrderType, Side
from gcg_quant.visualization.server import AppServer

from .watched import Open

pytestmark = pytest.mark.browser
PANEL = ".drawer-view:not([hidden])"
COLOUR = "getComputedStyle(document.documentElement).getPropertyValue('--{}').trim()"


def test_settings_take_effect_everywhere_and_stay(market: Any, server: AppServer, open_page: Open) -> None:
    """Theme, language, zone and colours change at once, on another open page too, and a fresh browser has them without a flash."""
    market.past(5)
    market.tick(100.0)
    page, other = open_page(server, timezone_id="Asia/Shanghai"), open_page(server)
    assert page.text("#drawer-zone") == "UTC+8"
    page.page.click("#settings-open")
    page.page.select_option("#set-theme", "light")
    page.page.select_option("#set-zone", "UTC")
    page.page.select_option("#set-rising", "red")
    page.page.fill("#set-accent", "#123456")
    page.page.dispatch_event("#set-accent", "change")
    page.wait(f"{COLOUR.format('accent')} === '#123456'")
    other.wait("document.documentElement.dataset.theme === 'light' && document.documentElement.dataset.up === 'red'")
    other.wait(f"{COLOUR.format('accent')} === '#123456'")
    assert page.text("#drawer-zone") == "UTC"
    page.page.focus("#set-language")
    page.page.select_option("#set-language", "zh")
    page.wait_text("#page-settings h2", "页面设置")
    assert page.page.evaluate("document.activeElement.id") == "set-language"
    for _ in range(14):  # the dialog keeps the focus
        page.page.keyboard.press("Tab")
        assert page.page.evaluate("document.activeElement === document.body || Boolean(document.activeElement.closest('dialog'))")
    page.page.keyboard.press("Escape")
    page.wait("document.activeElement.id === 'settings-open'")
    fresh = open_page(server)
    assert fresh.page.evaluate("document.documentElement.lang") == "zh"
    assert fresh.page.evaluate("document.documentElement.dataset.theme") == "light"
    page.page.click("#settings-open")
    page.page.get_by_text("全部恢复默认").click()
    page.wait("document.documentElement.dataset.theme === 'dark' && document.documentElement.lang === 'en'")
    other.wait(f"document.documentElement.dataset.up === 'green' && {COLOUR.format('accent')} === '#5b9dff'")


def test_drawer_keeps_its_size_and_tab_sorts_and_filters(bus: EventBus, market: Any, server: AppServer, open_page: Open) -> None:
    """Height, fold and tab outlive a reload; heads sort; orders and log are filtered; a row opens its symbol in the chart."""
    market.tick(100.0)
    market.tick(50.0, symbol="ETH/USDT")
    for number, (symbol, price, status) in enumerate(
        (("BTC/USDT", 3.0, OrderStatus.ACCEPTED), ("ETH/USDT", 1.0, OrderStatus.FILLED), ("BTC/USDT", 2.0, OrderStatus.REJECTED)), 1
    ):
        told = {"venue": "SIM", "strategy": "grid", "side": Side.BUY, "order_type": OrderType.LIMIT, "quantity": 1.0}
        bus.publish(OrderEvent(symbol=symbol, request=number, client_id=f"g.{number}", price=price, status=status, **told))
    for level, text in (("info", "all is well"), ("error", "the line is dead"), ("warning", "the line is slow")):
        bus.publish(LogEvent(level=level, component="feed", message=text))
    page = open_page(server)
    page.page.click("#tab-orders")
    keys = f"[...document.querySelectorAll('{PANEL} tbody tr')].map((row) => row.dataset.key).join()"
    page.wait(f"{keys} === '3,2,1'")
    page.page.get_by_role("button", name="Price", exact=True).click()
    page.wait(f"{keys} === '1,3,2'")
    page.page.get_by_role("button", name="Price", exact=True).click()
    page.wait(f"{keys} === '2,3,1'")
    page.page.get_by_label("working only").check()
    page.wait(f"{keys} === '1'")
    page.page.get_by_label("working only").uncheck()
    page.page.locator(PANEL).get_by_label("Filter").fill("eth")
    page.wait(f"{keys} === '2'")
    page.page.click(f"{PANEL} tr[data-key='2']")
    page.wait_text(".legend h2", "ETH/USDT")
    page.page.locator(PANEL).get_by_label("Filter").fill("nothing like it")
    page.wait_text(PANEL, "Nothing passes the filter.")
    page.page.click("#tab-log")
    page.page.locator(PANEL).get_by_label("Level").select_option("warning")
    page.wait(f"document.querySelectorAll('{PANEL} tbody tr').length === 2")
    page.page.locator(PANEL).get_by_label("Filter").fill("dead")
    page.wait(f"document.querySelectorAll('{PANEL} tbody tr').length === 1")
    page.page.focus("#drawer-grip")
    page.page.keyboard.press("ArrowUp")
    page.wait("document.getElementById('drawer').offsetHeight === 232")
    page.page.reload()
    page.wait("document.getElementById('tab-log')?.getAttribute('aria-selected') === 'true'")
    page.wait("document.getElementById('drawer').offsetHeight === 232")
    page.page.click("#drawer-fold")
    page.wait("document.getElementById('drawer').offsetHeight < 40")
    page.page.click("#tab-fills")
    page.wait("document.getElementById('drawer').offsetHeight === 232")


def test_alerts_and_halted_accounts_are_told(bus: EventBus, market: Any, server: AppServer, open_page: Open) -> None:
    """The top bar counts the alerts that wait and names a halt; it is quiet again when they are seen, over or lifted."""
    market.tick(100.0)
    page = open_page(server)
    assert page.page.locator("#alerts").is_hidden()
    first = bus.publish(AlertEvent(level="warning", component="feed", name="silence", message="nothing comes from SIM"), cause=0)
    bus.publish(AlertEvent(level="critical", component="disk", name="full", message="the disk is full"), cause=0)
    page.wait("document.getElementById('alerts').textContent === '⚠ 2'")
    assert page.page.get_attribute("#alerts", "aria-label") == "Alerts that wait: 2"
    assert page.page.get_attribute("#alerts", "data-level") == "critical"
    assert page.page.get_attribute("#alerts", "href") == "/admin#alerts"
    bus.publish(AlertAcknowledgeEvent(alert=first, origin="test"), cause=0)
    page.wait("document.getElementById('alerts').textContent === '⚠ 1'")
    bus.publish(AlertEvent(level="info", component="disk", name="full", message="there is room again"), cause=0)
    page.wait("document.getElementById('alerts').hidden")
    bus.publish(GatewayStatus(gateway="paper", account="paper", status="halted", detail="it differs"), cause=0)
    page.wait_text("#alerts", "halted")
    assert page.page.get_attribute("#alerts", "aria-label") == "Halted: paper"
    bus.publish(GatewayStatus(gateway="paper", account="paper", status="connected"), cause=0)
    page.wait("document.getElementById('alerts').hidden")


def test_top_bar_fits_every_width(bus: EventBus, market: Any, server: AppServer, open_page: Open) -> None:
    """From 900 to 1440 px, in both languages and with an alert, nothing of the bar is cut off or lies over anything else."""
    market.tick(100.0)
    bus.publish(GatewayStatus(gateway="paper", account="paper", status="halted", detail="it differs"), cause=0)
    page = open_page(server)
    page.wait("!document.getElementById('alerts').hidden")
    fits = (
        "(() => { const bar = document.getElementById('top'); const parts = [...bar.children].filter((node) => node.offsetWidth > 1); "
        "const boxes = parts.map((node) => node.getBoundingClientRect()); return bar.scrollWidth <= bar.clientWidth && "
        "boxes.every((box, at) => box.right <= innerWidth && (!at || box.left >= boxes[at - 1].right)); })()"
    )
    for _ in range(2):
        for width in range(900, 1441, 60):
            page.page.set_viewport_size({"width": width, "height": 800})
            assert page.wait(fits), width
        page.page.evaluate("document.getElementById('language').click()")
