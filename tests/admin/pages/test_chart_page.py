"""The chart page of a real system in a real browser: orders, positions, symbols, and the chain behind a fill."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe

from ..conftest import System
from .opened import AdminPage, opened

pytestmark = pytest.mark.browser
PANEL = ".drawer-view:not([hidden])"
TABS = ("strategies", "orders", "positions", "fills", "accounts", "backtests", "log")
_AXE = Axe()


def chart_page(page: AdminPage) -> None:
    """Open the chart page and wait for its data."""
    page.page.goto(page.origin)
    page.wait("document.body.dataset.connection === 'live' && document.querySelector('#watch-rows .last')?.textContent.length > 1")


def tab(page: AdminPage, name: str) -> None:
    """Open a tab of the drawer."""
    page.page.click(f"#tab-{name}")
    page.wait(f"!document.getElementById('view-{name}').hidden")


def test_orders_are_cancelled_and_positions_closed_in_place(chromium: Any, system: System) -> None:
    """A question names what it will do; then the order is cancelled, and what is held is sold at the market."""
    with opened(chromium, system, viewport={"width": 1440, "height": 900}) as page, httpx.Client(base_url=f"{system.url}/api/v1") as web:
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


def test_a_new_symbol_trades_and_the_chain_of_a_fill_is_told(chromium: Any, system: System) -> None:
    """The simulated exchange takes a symbol on while it runs; the newest fill's chain goes from market data to the fill."""
    with opened(chromium, system) as page, httpx.Client(base_url=f"{system.url}/api/v1") as web:
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


def test_everybody_can_read_the_chart_page(chromium: Any, system: System) -> None:
    """In both themes no tab, menu or dialog has anything serious that keeps somebody from using it; a phone shows all of it."""
    found: list[str] = []

    def look(page: AdminPage, where: str, *rules: str) -> None:
        options = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
        violations = _AXE.run(page.page, options=options).response["violations"]
        bad = [one for one in violations if one["impact"] in ("serious", "critical")]
        found.extend(f"{where}: {one['id']} {node['html'][:120]}" for one in bad for node in one["nodes"])

    with opened(chromium, system, viewport={"width": 1440, "height": 900}, reduced_motion="reduce", bypass_csp=True) as page:
        chart_page(page)
        for name in TABS:
            tab(page, name)
            look(page, f"dark {name}", *(() if name == "orders" else ("color-contrast", "aria-required-children", "label", "button-name")))
        for control in ("#settings-open", "#help-open", "#periods-more", "#watch-add"):
            page.page.click(control)
            look(page, f"dark {control}")
            page.page.keyboard.press("Escape")
            page.wait("!document.querySelector('dialog[open]')")
        page.page.click("#theme")
        for name in ("strategies", "orders", "log"):
            tab(page, name)
            look(page, f"light {name}", "color-contrast")
        page.page.click("#theme")
        page.page.click("#theme")
        page.page.set_viewport_size({"width": 390, "height": 844})
        for language in ("en", "zh"):
            for panel in ("watch", "book", "drawer"):
                page.page.click(f"#narrow-tabs [data-panel={panel}]")
                if page.page.evaluate("document.documentElement.scrollWidth") > 390:
                    found.append(f"{language} {panel} is wider than a phone")
            page.page.evaluate("document.getElementById('language').click()")
        look(page, "phone")
        page.wait("document.readyState === 'complete'")
        page.faults[:] = [fault for fault in page.faults if "404" not in fault]  # the checker looks for maps of its own scripts
    assert found == []
