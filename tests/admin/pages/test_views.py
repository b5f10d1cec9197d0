"""The chart page of a real system at work; then every view of both pages, checked by what a machine can see, for pictures too."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..conftest import System
from .album import DESK, PHONE, PICTURES, Album, settle
from .opened import SECTIONS, AdminPage, opened
from .test_chinese import helps, sentences

pytestmark = [pytest.mark.browser, pytest.mark.slow]
# Else every view is looked at once, in Chinese and with a few of the scenes.
ALL = PICTURES or "GCG_TORTURE_S" in os.environ
TABS = ("strategies", "orders", "positions", "fills", "accounts", "backtests", "log")
PANEL = ".drawer-view:not([hidden])"
TABLET = {"width": 768, "height": 1024}
INDICATORS = [{"id": "ema", "name": "EMA", "parameters": {"timeperiod": 20}}, {"id": "boll", "name": "BOLL"}]
BELOW = [{"id": "macd", "name": "MACD"}, {"id": "rsi", "name": "RSI"}]


def pane(name: str, period: str = "1m", indicators: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return the configuration of a pane."""
    return {"name": f"{name}@SIM", "period": period, "indicators": indicators or []}


ONE = {"grid": "1", "active": 0, "panes": [pane("BTC/USDT", "1m", INDICATORS)]}
FOUR = {
    "grid": "4",
    "active": 0,
    "panes": [pane("BTC/USDT", "1m", INDICATORS + BELOW), pane("ETH/USDT", "5m", INDICATORS), pane("SPY", "1s"), pane("IF2412", "15m")],
}
# What is opened in a section of the admin page: (section, name of the picture, what is clicked).
SCENES = (
    ("overview", "asks", ["[data-key=bars] button >> nth=1"]),
    ("strategies", "load", [".load-open"]),
    ("strategies", "detail", ["[data-key=grid-btc] .fold"]),
    ("strategies", "parameters", ["[data-key=grid-btc] .fold", ".strategy-detail .acts button >> nth=0"]),
    ("backtests", "new", [".backtest-open"]),
    ("backtests", "run", ["tbody tr td >> nth=1"]),
    ("orders", "asks", ["[data-key^=grid-btc] .ask button"]),
    ("orders", "all", [".choices [data-value=false]"]),
    ("risk", "asks", [".kill-part .ask button"]),
    ("risk", "editor", ["[data-key=max_open_orders] .editor button"]),
    ("data", "options", [".options summary"]),
    ("data", "gaps", ["[data-key^=BTC] td >> nth=0"]),
    ("data", "asks", ["[data-key^=BTC] .ask button"]),
    ("settings", "editor", ["[data-key='bus.keep_days'] .editor button"]),
    ("settings", "asks", ["[data-key='simulated.trades'] .ask button"]),
    ("log", "detail", ["tbody tr .fold"]),
    ("journal", "detail", [".tools button[aria-pressed]", "[data-key^=market] .fold"]),
    ("journal", "chain", ["[data-key^=market] a"]),
)
RULES = ("color-contrast", "aria-required-children", "label", "button-name")
CONTROLS = ("settings-open", "help-open", "periods-more", "chart-style", "indicators-open", "layout-open", "watch-add", "kill-button")
CONTROLS += ("chart .pane-menu-open",)
READ = ("settings-open", "help-open", "periods-more", "watch-add")


def chart_page(page: AdminPage) -> None:
    """Open the chart page and wait for its data."""
    page.page.goto(page.origin)
    page.wait("document.body.dataset.connection === 'live' && document.querySelector('#watch-rows .last')?.textContent.length > 1")


def tab(page: AdminPage, name: str) -> None:
    """Open a tab of the drawer."""
    page.page.click(f"#tab-{name}")
    page.wait(f"!document.getElementById('view-{name}').hidden")


def test_orders_are_cancelled_and_positions_closed_in_place(window: Any, system: System) -> None:
    """A question names what it will do; then the order is cancelled, and what is held is sold at the market."""
    with opened(window, system) as page, httpx.Client(base_url=f"{system.url}/api/v1", timeout=20) as web:
        chart_page(page)
        tab(page, "positions")
        page.wait(f"document.querySelector('{PANEL} .ask button')", 60)
        for strategy in web.get("/strategies").json():
            web.post(f"/strategies/{strategy['strategy']}/stop").raise_for_status()
        held = f"document.querySelector('{PANEL} .ask')"
        if page.page.evaluate(f"Boolean({held})"):
            page.page.locator(f"{PANEL} .ask button").first.click()
            page.wait_text(f"{PANEL} .question", "at the market?")
            before = len(web.get("/fills", params={"limit": 1000}).json())
            page.page.click(f"{PANEL} .ask .yes")
            page.wait(f"!document.querySelector('{PANEL} .question')")
            assert page.page.locator(f"{PANEL} .refused").count() == 0
            assert len(web.get("/fills", params={"limit": 1000}).json()) >= before
        web.post("/strategies/grid-btc/start").raise_for_status()
        tab(page, "orders")
        page.page.get_by_label("working only").check()
        page.wait(f"document.querySelector('{PANEL} .ask button')", 60)
        key = page.page.evaluate(f"document.querySelector('{PANEL} tr:has(.ask)').dataset.key")
        row = f"{PANEL} tr[data-key={json.dumps(key)}]"
        page.page.click(f"{row} .ask button")
        page.wait_text(f"{row} .question", "BTC/USDT @ ")
        page.page.keyboard.press("Escape")
        page.wait(f"!document.querySelector({json.dumps(row)})?.textContent.includes('?')")
        page.page.click(f"{row} .ask button")
        page.page.click(f"{row} .ask .yes")
        page.wait(f"!document.querySelector({json.dumps(row)})")


def test_an_order_is_moved_by_its_line(window: Any, system: System) -> None:
    """The price line is dragged, asks once, and the order works at the new price, which the system itself tells."""
    with opened(window, system) as page, httpx.Client(base_url=f"{system.url}/api/v1", timeout=20) as web:

        def prices() -> dict[str, float]:
            return {row["client_id"]: row["price"] for row in web.get("/orders").json() if row["side"] == "buy"}

        chart_page(page)
        page.page.click("#watch-rows li[data-name='BTC/USDT@SIM']")
        page.wait("document.querySelector('.order-label.up:not([hidden]) .edit')", 60)
        before = prices()
        shown = page.page.evaluate("[...document.querySelectorAll('.order-label.up:not([hidden])')].map((node) => node.dataset.order)")
        order = min(set(shown) & set(before), key=lambda name: before[name])  # the one that is furthest from being filled
        label = f".order-label[data-order={json.dumps(order)}]"
        page.page.locator(f"{label} .edit").click()
        grip = page.page.locator(f"{label} .handle").bounding_box()
        assert grip is not None
        page.page.mouse.move(grip["x"] + 9, grip["y"] + 8)
        page.page.mouse.down()
        page.page.mouse.move(grip["x"] + 9, grip["y"] + 28, steps=3)
        page.page.mouse.up()
        page.wait_text(label, f"Move the limit of {order} to ")
        with page.page.expect_response(f"**/api/v1/orders/{order}") as answered:
            page.page.click(f"{label} .yes")
        assert answered.value.status == 200, answered.value.text()
        asked = answered.value.request.post_data_json["price"]
        assert asked < before[order]
        page.wait(f"document.querySelector({json.dumps(label)}).textContent.includes('edit')")
        assert prices()[order] == asked


def test_a_new_symbol_trades_and_the_chain_of_a_fill_is_told(window: Any, system: System) -> None:
    """The simulated exchange takes a symbol on while it runs; the newest fill's chain goes from market data to the fill."""
    with opened(window, system) as page, httpx.Client(base_url=f"{system.url}/api/v1", timeout=20) as web:
        chart_page(page)
        page.page.click("#watch-add")
        page.page.keyboard.type("DOGE/USDT")
        page.page.keyboard.press("Enter")
        row = "#watch-rows li[data-name='DOGE/USDT@SIM']"
        page.wait(f'document.querySelector("{row} .last")?.textContent.length > 1')
        page.wait_text(".legend h2", "DOGE/USDT")
        page.page.focus(row)
        page.page.keyboard.press("Delete")
        page.wait(f'!document.querySelector("{row}")')
        tab(page, "fills")
        page.wait(f"document.querySelector('{PANEL} tbody tr')", 60)
        keys = page.page.evaluate(f"[...document.querySelectorAll('{PANEL} tbody tr')].map((row) => row.dataset.key)")
        chains = [web.get(f"/chain/{key.removeprefix('#')}").json() for key in keys[:20]]
        steps = next(chain for chain in chains if chain[0]["kind"] in ("tick", "bar"))  # a position that was closed by hand has no tick
        kinds = [step["kind"] for step in steps]
        assert kinds[-1] == "fill"
        assert {"request", "risk", "order"} <= set(kinds)
        assert [step["time_ns"] for step in steps] == sorted(step["time_ns"] for step in steps)


def test_page_says_it_in_chinese_with_its_values(window: Any, system: System, tmp_path: Path) -> None:
    """Sentences of the server stand in Chinese with their figures; what no table knows stays, and English stays English."""
    ask = """async (list) => {
      await import('/admin/static/js/texts/setting_helps.js');
      const { said } = await import('/shared/said.js');
      return list.map(said);
    }"""
    asked = [*sentences(tmp_path), *sorted(helps())]
    with opened(window, system) as admin:
        admin.open("settings")
        assert admin.page.evaluate(ask, asked) == asked
        admin.page.click("#language")
        admin.wait_text("#sections", "概览")
        told = admin.page.evaluate(ask, asked)
        assert [text for text in told if not re.search("[\u4e00-\u9fff]", text)] == []
        assert told[0].startswith("从行情到委托耗时 0.0 毫秒")
        assert told[4].startswith("读取者 recorder 落后 120,000 个事件、31.5 秒")
        assert admin.page.evaluate(ask, ["nobody knows this"]) == ["nobody knows this"]
        admin.wait_row("bus", "keep_days", "无人需要的事件日志页保留多久，天")
        admin.page.click("#language")


@pytest.fixture(scope="module")
def lived(system: System) -> System:
    """Return the demo with all its strategies running, when it has been asked for a backtest."""
    with httpx.Client(base_url=f"{system.url}/api/v1", timeout=20) as web:
        for strategy in web.get("/strategies").json():
            if strategy["state"] != "running":
                web.post(f"/strategies/{strategy['strategy']}/start").raise_for_status()
        for fast in (5, 8) if ALL else (5,):
            body = {"file": "sma_cross", "symbols": ["BTC/USDT"], "period": "1m", "parameters": {"fast": fast, "slow": 20}}
            web.post("/backtests", json=body).raise_for_status()
    return system


def looks() -> list[tuple[str, dict[str, Any]]]:
    """Return the looks in which everything is shown: (name, patch of the configuration)."""
    dark, light = {"theme": "dark", "language": "en"}, {"theme": "light", "language": "en"}
    chinese = {"theme": "dark", "language": "zh"}
    return [("dark", dark), ("light", light), ("zh", chinese)] if ALL else [("zh", chinese)]


@pytest.mark.timeout(900 if ALL else 240)
def test_chart_page_can_be_looked_at(chromium: Any, lived: System) -> None:
    """Every tab, dialog and menu of the chart page, one chart and four, and each panel of a phone, with nothing wrong that shows."""
    with opened(chromium, lived, viewport=DESK, reduced_motion="reduce") as page:
        album = Album(page)
        for look, patch in looks():
            settle(page, ONE, {**patch, "drawer": {"tab": "strategies", "folded": False}})
            page.wait("Number(document.querySelector('#tab-fills .count').textContent) > 0", 60)
            for tab in TABS:
                page.page.click(f"#tab-{tab}")
                page.wait(f"!document.getElementById('view-{tab}').hidden && !document.querySelector('#view-{tab} [data-state=loading]')")
                album.take(f"charts-{look}-{tab}")
                album.read(f"charts-{look}-{tab}", *(() if ALL or tab == "orders" else RULES))
            for control in CONTROLS:
                album.dialog(
                    f"charts-{look}-{control.split('.')[-1]}",
                    lambda control=control: page.page.click(f"#{control}"),
                    read=ALL or control in READ,
                )
            page.page.click("#theme")
            for tab in TABS if look == "dark" else ("orders", "log"):
                page.page.click(f"#tab-{tab}")
                album.read(f"charts-{look}-{tab} in the next theme", "color-contrast")
            page.page.click("#theme")
            page.page.click("#theme")
            page.page.click("#tab-strategies")
            album.dialog(
                f"charts-{look}-load",
                lambda: page.page.locator("#drawer-tools button:visible").last.click(),
            )
            settle(page, FOUR, patch)
            album.take(f"charts-{look}-four")
            for width in (1920, 1280, 1024, 900, 768) if ALL else (1280, 1024, 900):
                page.page.set_viewport_size({"width": width, "height": 720})
                album.take(f"charts-{look}-{width}")
            page.page.set_viewport_size(PHONE)
            settle(page, ONE, patch)
            for panel in page.page.evaluate(
                "[...document.querySelectorAll('#narrow-tabs [data-panel]')].map((node) => node.dataset.panel)"
            ):
                page.page.click(f"#narrow-tabs [data-panel={panel}]")
                album.take(f"charts-{look}-phone-{panel}")
                page.page.evaluate("document.getElementById('language').click()")
                album.take(f"charts-{look}-phone-{panel} in the other language")
                page.page.evaluate("document.getElementById('language').click()")
                album.read(f"charts-{look}-phone-{panel}")
            page.page.set_viewport_size(DESK)
        assert not album.wrong, "\n".join(album.wrong)


@pytest.mark.timeout(900 if ALL else 240)
def test_admin_page_can_be_looked_at(chromium: Any, lived: System) -> None:
    """Every section of the admin page, on a screen and on a phone, with nothing wrong that shows."""
    with opened(chromium, lived, viewport=DESK, reduced_motion="reduce") as page:
        album = Album(page)
        for look, patch in looks():
            page.page.goto(page.origin)
            page.page.evaluate("(look) => { localStorage.clear(); }", patch)
            httpx.patch(f"{page.origin}/api/v1/charts/config", json=patch).raise_for_status()
            for size, viewport in (("", DESK), *([("-tablet", TABLET)] if ALL else []), ("-phone", PHONE)):
                page.page.set_viewport_size(viewport)
                for number, section in enumerate(SECTIONS):
                    page.open(section)
                    if section == "overview":
                        page.wait("document.querySelectorAll('.trend svg polyline[points*=\" \"]').length > 8")
                    album.take(f"admin-{look}{size}-{section}")
                    if viewport != DESK:
                        continue
                    album.read(f"admin-{look}-{section}")
                    if not ALL and number % 3:
                        continue
                    page.page.click("#theme")
                    album.read(f"admin-{look}-{section} in the next theme", "color-contrast")
                    page.page.click("#theme")
                    page.page.click("#theme")
                if viewport == TABLET:
                    continue
                for section, name, steps in [one for one in SCENES if ALL or one[1] in ("asks", "all")]:
                    page.page.goto("about:blank")  # a section that was never open
                    page.open(section)
                    for step in steps:
                        page.page.locator(step).first.click()
                        page.page.wait_for_timeout(500 if ALL else 50)  # what it asks the server for
                    album.take(f"admin-{look}{size}-{section}-{name}")
                    page.page.keyboard.press("Escape")
                if ALL:  # what a page shows without a server
                    page.open("orders")
                    page.page.context.set_offline(True)
                    page.wait("document.body.dataset.connection === 'lost'")
                    album.take(f"admin-{look}{size}-orders-lost")
                    page.page.context.set_offline(False)
                    page.wait("document.body.dataset.connection === 'live'")
                    page.faults.clear()
            page.page.set_viewport_size(DESK)
        assert not album.wrong, "\n".join(album.wrong)
