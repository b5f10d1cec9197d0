"""How charts are drawn, in a real browser: styles, longer periods of long views, dates, days, price lines; one to four side by side."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import OrderEvent, OrderStatus, OrderType, PositionEvent, Side
from gcg_quant.visualization.server import AppServer

from .watched import Open, Watched

pytestmark = pytest.mark.browser

SOCKETS = "window.sockets = []; WebSocket = class extends WebSocket { constructor(...of) { super(...of); sockets.push(this); } };"
READY = "document.querySelectorAll('.pane[data-state=ready]').length"


def test_menu_of_a_chart(long_server: AppServer, open_page: Open) -> None:
    """Style, volume, scale and the lines between days are chosen in the chart's menu, by keyboard, too, and kept."""
    page = open_page(long_server)
    page.page.click("#periods button:text-is('1h')")  # at any time of day several days of hours are in view
    page.wait_pane("view.drawn === '1h' && view.chart.hairlines.times.length > 0")
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
    page.wait_pane("view.chart.range.to - view.chart.range.from < view.chart.width")
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
    page.wait_pane("view.bars.every((bar) => new Date(bar[0] * 1000).toISOString().endsWith('-01T00:00:00.000Z'))")


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
    page.wait_text(".order-label.held:not(.over)", "+0.75 avg")
    page.pane("view.chart.chart.timeScale().scrollToPosition(-30, false)")
    page.wait("document.querySelector('.order-label.held.over')")  # candles are seen through it
    page.pane("view.chart.toLive()")
    page.wait("document.querySelector('.order-label.held:not(.over)')")
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


# ---- one to four charts


def shape(page: Watched, name: str) -> None:
    """Choose a shape of the grid."""
    page.page.click("#layout-open")
    page.page.click(f".layout-picker [data-value='{name}']")
    page.page.keyboard.press("Escape")


def time_in_view(page: Watched, number: int) -> list[float]:
    """Return the seconds from and to which a pane shows."""
    time: list[float] = page.pane("(t => [t.from, t.to])(view.view.time)", number)
    return time


def test_grid_of_charts_with_one_active(market: Any, long_server: AppServer, open_page: Open) -> None:
    """A shape adds charts of other instruments; click, Alt and digit, and focus make one active; watch list and depth follow it."""
    page = open_page(long_server)
    for name, count in (("2h", 2), ("3", 3), ("4", 4), ("2v", 2)):
        shape(page, name)
        assert page.page.locator(".pane").count() == count
        page.wait(f"{READY} >= 2")
    assert page.text(".pane >> nth=1 >> h2") == "ETH/USDT"
    assert page.page.locator(".pane.active").get_attribute("data-pane") == "0"
    page.page.keyboard.press("Alt+2")
    page.wait("document.querySelector('.pane.active').dataset.pane === '1'")
    assert page.page.get_attribute("#watch-rows li[data-name='ETH/USDT@SIM']", "aria-selected") == "true"
    market.tick(55.5, symbol="ETH/USDT")
    page.wait_text("#middle-price", "55.5")
    page.page.click("#periods button:text-is('5m')")
    page.wait_pane("view.drawn === '5m' && view.bars.length > 100 && view.bars.every(bar => bar[0] % 300 === 0)", 1)
    assert page.pane("view.period") == "1m"
    page.page.locator(".plot.main").first.click(position={"x": 80, "y": 60})
    page.wait("document.querySelector('.pane.active').dataset.pane === '0'")
    page.page.keyboard.press("Alt+2")
    shape(page, "1")
    assert page.page.locator(".pane").count() == 1
    page.wait_text(".legend h2", "ETH/USDT")  # the active one stays


def test_each_open_page_has_an_active_chart_of_its_own(long_server: AppServer, open_page: Open) -> None:
    """Two windows share the charts and do not fight over the active one, nor after a lost connection; a reload takes the last choice."""
    one, other = open_page(long_server), open_page(long_server, script=SOCKETS)
    active = "document.querySelector('.pane.active')?.dataset.pane"
    shape(one, "2h")
    other.wait(f"{READY} >= 2 && {active} === '0'")
    one.page.keyboard.press("Alt+2")
    one.wait(f"{active} === '1'")
    one.page.click("#theme")
    theme = one.page.evaluate("document.documentElement.dataset.theme")
    other.wait(f"document.documentElement.dataset.theme === '{theme}'")  # which was told behind the choice
    assert other.page.evaluate(active) == "0"
    other.page.evaluate("sockets.at(-1).close()")
    other.wait("sockets.length === 2 && document.body.dataset.connection === 'live'")
    assert other.page.evaluate(active) == "0"
    other.page.reload()
    other.wait(f"{READY} >= 2 && {active} === '1'")


def test_linked_charts_share_pointer_and_time(long_server: AppServer, open_page: Open) -> None:
    """Where one chart is zoomed and scrolled the other follows by time, whatever its period; unlinked it stays."""
    page = open_page(long_server)
    shape(page, "2h")
    page.wait(f"{READY} === 2")
    page.page.keyboard.press("Alt+2")
    page.page.click("#periods button:text-is('5m')")
    page.wait_pane("view.drawn === '5m' && node.dataset.state === 'ready'", 1)
    box = page.page.locator(".plot.main").first.bounding_box()
    page.page.mouse.move(box["x"] + 120, box["y"] + 100)
    for _ in range(5):
        page.page.mouse.wheel(0, 500)
    page.page.mouse.wheel(-300, 0)
    close = (
        "(a => (b => Math.abs(a.from - b.from) < 60 && Math.abs(a.to - b.to) < 60)(document.querySelectorAll('.pane')[1].view.view.time))"
    )
    page.wait_pane(f"{close}(view.view.time) && view.view.time.to < view.bars.at(-1)[0] + 400")
    page.page.mouse.move(box["x"] + 140, box["y"] + 110)
    legend = page.page.locator(".pane >> nth=1 >> .legend .ohlc >> nth=3")
    page.wait("document.querySelectorAll('.pane')[1].view.studies.at >= 0")
    at = page.pane("view.studies.at", 1)
    assert legend.inner_text().split()[-1] == f"{page.pane(f'view.bars[{at}][4]', 1):.1f}"
    page.page.click("#layout-open")
    page.page.click(".layout-picker .tick input")
    page.page.keyboard.press("Escape")
    before = time_in_view(page, 1)
    page.page.mouse.move(box["x"] + 120, box["y"] + 100)
    page.page.mouse.wheel(-300, 0)
    page.wait_pane(f"view.view.time.from < {before[0] - 300}")
    assert time_in_view(page, 1) == before


def test_layout_is_kept_by_name_and_by_the_server(long_server: AppServer, open_page: Open, until: Any) -> None:
    """A named layout is saved, opened and deleted after one question; a page that comes later shows the same charts."""
    page = open_page(long_server)
    shape(page, "2v")
    page.page.click("#layout-open")
    page.page.fill(".layout-picker input[type=text]", "two")
    page.page.click(".layout-picker .save")
    page.page.evaluate("window.lost = document.querySelectorAll('.pane')[1].view")
    page.page.click(".layout-picker [data-value='1']")
    assert page.page.locator(".pane").count() == 1
    assert page.page.evaluate("window.lost.chart.width") == 0  # a timer or an observer may still ask a chart that was removed
    page.page.click(".layout-picker .open:text-is('two')")
    assert page.page.locator(".pane").count() == 2
    page.wait(f"{READY} === 2")
    until(lambda: httpx.get(f"{long_server.url}/api/v1/charts/config").json()["layout"]["grid"] == "2v", "the layout being kept")
    later = open_page(long_server)
    later.wait("document.querySelectorAll('.pane').length === 2")
    later.page.click("#layout-open")
    later.page.click("[aria-label='Delete the layout two']")
    assert "Delete the layout two?" in later.text(".layout-picker")
    later.page.click(".layout-picker .yes")
    later.wait_text(".layout-picker", "None yet")
    page.page.click("#layout-open")
    page.wait_text(".layout-picker", "None yet")  # on the other page, too
