"""How one chart is drawn, in a real browser: styles, longer periods of long views, dates, days, price lines."""

from __future__ import annotations

from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import OrderEvent, OrderStatus, OrderType, PositionEvent, Side
from gcg_quant.visualization.server import AppServer

from .watched import Open

pytestmark = pytest.mark.browser


def test_menu_of_a_chart(long_server: AppServer, open_page: Open) -> None:
    """Style, volume, scale and the lines between days are chosen in the chart's menu, by keyboard, too, and kept."""
    page = open_page(long_server)
    page.wait_pane("view.chart.hairlines.times.length === 0")
    page.page.click("#periods button:text-is('15m')")
    page.wait_pane("view.drawn === '15m' && view.chart.hairlines.times.length > 0")
    assert all(at % 86_400 == 0 for at in page.pane("view.chart.hairlines.times"))
    page.page.keyboard.press("Alt+1")  # the focus is on the button of the menu
    page.page.keyboard.press("Enter")
    assert page.page.locator(".pane-menu").is_visible()
    for style in ("bars", "line"):
        page.page.click(f".pane-menu [data-value='{style}']")
        page.wait_pane(f"view.chart.style === '{style}'")
    for key in ("volume", "log", "sessions"):
        page.page.locator(f".pane-menu [data-switch='{key}'] input").focus()
        page.page.keyboard.press("Space")
    page.wait_pane("!view.chart.wholeVolume && view.chart.hairlines.times.length === 0")
    assert page.pane("view.config.log")
    page.page.keyboard.press("Escape")
    assert page.page.locator(".pane-menu").is_hidden()
    assert page.pane("document.activeElement === view.legend.menu")
    page.wait_pane("view.bars.length >= 800")


def test_long_view_is_drawn_as_a_longer_period(long_server: AppServer, open_page: Open) -> None:
    """Zoomed out, 60,000 minutes become hours, which the legend says; zoomed in the minutes come back where the view is."""
    page = open_page(long_server)
    box = page.page.locator(".plot.main").bounding_box()
    page.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    while page.pane("view.drawn") in ("1m", "3m", "5m", "15m"):
        page.page.mouse.wheel(0, 700)
        page.page.wait_for_timeout(30)
    page.wait_text(".legend .place", "1m · drawn as ")
    page.wait_pane("view.view.wanted === null && view.bars.length > 100")
    assert page.pane("view.chart.range.to - view.chart.range.from < view.chart.width")
    seen = page.pane("view.view.time")
    while page.pane("view.drawn") != "1m":
        page.page.mouse.wheel(0, -700)
        page.page.wait_for_timeout(30)
    page.wait_pane("view.view.wanted === null && view.bars.every((bar, at) => !at || bar[0] - view.bars[at - 1][0] === 60)")
    now = page.pane("view.view.time")
    assert seen["from"] < now["from"] < now["to"] < seen["to"] + 7200
    assert page.text(".legend .place") == "SIM · 1m"
    page.page.click("#periods-more")
    page.page.click("#periods-more + [role=menu] button:text-is('1M')")
    page.wait_pane("view.drawn === '1M' && view.bars.length > 1")
    assert page.text("#periods-more") == "1M ▾"
    assert page.pane("view.bars.every((bar) => new Date(bar[0] * 1000).toISOString().endsWith('-01T00:00:00.000Z'))")


def test_go_to_a_date_and_back(market: Any, long_server: AppServer, open_page: Open) -> None:
    """A date shows its bars and no later ticks; older and newer ones come as one scrolls; a button leads back to the present."""
    page = open_page(long_server, timezone_id="UTC")
    at = market.minute_ns // 1_000_000_000 - 30 * 86_400
    page.page.click(".pane-menu-open")
    page.page.fill(".pane-menu input[type=datetime-local]", page.page.evaluate(f"new Date({at} * 1000).toISOString().slice(0, 16)"))
    page.page.keyboard.press("Enter")
    page.wait_pane(f"!view.feed.live && view.view.time.from < {at} && view.view.time.to > {at}")
    page.wait_pane(f"view.bars[0][0] < {at} - 60 * 500")
    market.tick(101.0)
    last = page.pane("view.bars.at(-1)[0]")
    box = page.page.locator(".plot.main").bounding_box()
    page.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    for _ in range(12):
        page.page.mouse.wheel(0, 300)
    while page.pane("view.bars.at(-1)[0]") == last:
        page.page.mouse.wheel(900, 0)
        page.page.wait_for_timeout(20)
    page.page.click(".to-live")
    page.wait_pane(f"view.feed.live && view.bars.at(-1)?.[0] === {market.minute_ns // 1_000_000_000}")
    market.tick(103.0)
    page.wait_pane("view.bars.at(-1)?.[4] === 103")


def test_price_lines_of_position_and_orders(bus: EventBus, market: Any, long_server: AppServer, open_page: Open) -> None:
    """Our position and open orders are lines; after a click on edit one is moved, asks once, and a refusal is said in its place."""
    bus.publish(
        PositionEvent(symbol="BTC/USDT", venue="SIM", account="a", strategy="s", quantity=0.75, average_price=100.0, last_price=100.0)
    )
    known = {"symbol": "BTC/USDT", "venue": "SIM", "account": "a", "strategy": "s", "side": Side.BUY, "quantity": 0.5}
    limit = {"request": 7, "client_id": "s-7", "order_type": OrderType.LIMIT, "price": 98.0}
    bus.publish(OrderEvent(**known, **limit, status=OrderStatus.ACCEPTED))
    page = open_page(long_server)
    label = ".order-label[data-order='s-7']"
    page.wait_text(label, "▲ 0.5")
    assert page.page.get_attribute(label, "title") == "▲ Buy 0.5 limit"
    page.wait_pane("[...view.chart.lines.keys()].join() === 'average,7|price'")
    page.page.locator(f"{label} .edit").focus()
    page.page.keyboard.press("Enter")
    page.wait("document.activeElement.matches('.handle')")
    page.page.keyboard.press("ArrowUp")
    page.wait_text(label, "98.01")
    page.page.keyboard.press("Escape")
    page.wait_text(label, "edit")
    page.page.click(f"{label} .edit")
    grip = page.page.locator(f"{label} .handle").bounding_box()
    page.page.mouse.move(grip["x"] + 9, grip["y"] + 8)
    page.page.mouse.down()
    page.page.mouse.move(grip["x"] + 9, grip["y"] + 40, steps=3)
    page.page.mouse.up()
    page.wait_text(label, "Move the limit of s-7 to 9")
    with page.page.expect_request("**/api/v1/orders/s-7") as sent:
        page.page.click(f"{label} .yes")
    assert sent.value.method == "PATCH"
    assert set(sent.value.post_data_json) == {"price"}
    assert 90 < sent.value.post_data_json["price"] < 98
    page.wait_text(label, "Refused:")  # this server has no such route
    page.faults = [fault for fault in page.faults if "404" not in fault and "405" not in fault]
    page.page.click(f"{label} button")
    page.wait_text(label, "edit")
    bus.publish(OrderEvent(**known, **limit, status=OrderStatus.CANCELLED))
    page.wait(f'document.querySelectorAll("{label}").length === 0')
