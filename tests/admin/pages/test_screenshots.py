"""A picture of every view of both pages, to be looked at; and what a machine can see on them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..conftest import ROOT, System
from .opened import SECTIONS, AdminPage, opened

pytestmark = [pytest.mark.browser, pytest.mark.slow]
# GCG_SCREENSHOTS=FOLDER writes all of them; without it each view is looked at once, in build/screenshots.
FOLDER = Path(os.environ.get("GCG_SCREENSHOTS") or ROOT / "build" / "screenshots")
ALL = bool(os.environ.get("GCG_SCREENSHOTS"))
TABS = ("strategies", "orders", "positions", "fills", "accounts", "backtests", "log")
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
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
# What a page reports if the browser kept it from something.
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push([event.violatedDirective, event.blockedURI, event.sourceFile, event.lineNumber].join(" ")));
"""
# What is wider than the window, and what of the top bar is cut off or lies over its neighbour.
WRONG = """(() => {
  const wrong = [];
  const { scrollWidth, scrollHeight } = document.documentElement;
  if (scrollWidth > innerWidth) wrong.push(`the document is ${scrollWidth - innerWidth} px too wide`);
  if (scrollHeight > innerHeight) wrong.push(`the document is ${scrollHeight - innerHeight} px too high`);
  const floats = "[role=alertdialog], [role=menu], [role=listbox]";
  const seen = (node) => node.checkVisibility() && node.getBoundingClientRect().width > 0 && !node.closest(floats);
  const name = (node) => node.id || node.textContent.trim().slice(0, 20) || node.tagName;
  const bar = document.getElementById("top").getBoundingClientRect();
  for (const node of [...document.querySelectorAll("#top :is(h1, button, a, span, input)")].filter(seen)) {
    const { left, right, top, bottom } = node.getBoundingClientRect();
    if (left < -0.5 || right > innerWidth + 0.5 || top < -0.5 || bottom > bar.bottom + 0.5) wrong.push(`${name(node)} leaves the top bar`);
    if (node.tagName !== "INPUT" && node.clientWidth > 4 && node.scrollWidth > node.clientWidth + 1) wrong.push(`${name(node)} is cut off`);
  }
  const boxes = [...document.querySelectorAll("#top > *")].filter(seen).map((node) => [node, node.getBoundingClientRect()]);
  for (const [one, a] of boxes)
    for (const [other, b] of boxes)
      if (a.left < b.left && a.right > b.left + 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
        wrong.push(`${name(one)} lies over ${name(other)}`);
  return wrong;
})()"""


class Album:
    """Takes the pictures, and notes what is wrong on them."""

    def __init__(self, page: AdminPage) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.page.context.add_init_script(WATCH)
        FOLDER.mkdir(parents=True, exist_ok=True)

    def take(self, name: str) -> None:
        """Take the picture of what stands there now."""
        self.page.page.mouse.move(0, 0)
        self.page.page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")
        self.wrong += [f"{name}: {one}" for one in self.page.page.evaluate(WRONG)]
        self.wrong += [f"{name}: forbidden: {one}" for one in self.page.page.evaluate("window.violations.splice(0)")]
        self.wrong += [f"{name}: {one}" for one in self.page.faults]
        self.page.faults.clear()

    def dialog(self, name: str, opener: Callable[[], None]) -> None:
        """Take the picture of a dialog or a menu, and close it."""
        opener()
        self.page.page.wait_for_timeout(300 if ALL else 50)  # what it asks the server for
        self.take(name)
        self.page.page.keyboard.press("Escape")
        self.page.wait("!document.querySelector('dialog[open]')")


@pytest.fixture(scope="module")
def lived(system: System) -> System:
    """Return the demo, when it has traded and has a backtest."""
    with httpx.Client(base_url=f"{system.url}/api/v1") as web:
        for fast in (5, 8):
            body = {"file": "sma_cross", "symbols": ["BTC/USDT"], "period": "1m", "parameters": {"fast": fast, "slow": 20}}
            web.post("/backtests", json=body).raise_for_status()
    return system


def settle(page: AdminPage, layout: dict[str, Any], look: dict[str, Any]) -> None:
    """Show the chart page in a layout and a look, and wait for its charts."""
    httpx.patch(f"{page.origin}/api/v1/charts/config", json={"layout": layout, **look}).raise_for_status()
    page.page.goto(page.origin)
    page.wait("document.body.dataset.connection === 'live' && document.querySelector('#watch-rows .last')?.textContent.length > 1")
    for number in range(len(layout["panes"])):
        page.wait_pane("node.dataset.state === 'ready' && (view.indicators.length === 0 || view.feed.series.studies.size > 0)", number)
    page.page.wait_for_timeout(300)  # the charts draw in turns


def looks() -> list[tuple[str, dict[str, Any]]]:
    """Return the looks in which everything is shown: (name, patch of the configuration)."""
    dark, light = {"theme": "dark", "language": "en"}, {"theme": "light", "language": "en"}
    chinese = {"theme": "dark", "language": "zh"}
    return [("dark", dark), ("light", light), ("zh", chinese)] if ALL else [("zh", chinese)]


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
            for control in (
                "settings-open",
                "help-open",
                "periods-more",
                "chart-style",
                "indicators-open",
                "layout-open",
                "watch-add",
                "kill-button",
            ):
                album.dialog(f"charts-{look}-{control}", lambda control=control: page.page.click(f"#{control}"))
            page.page.click("#tab-strategies")
            album.dialog(
                f"charts-{look}-load",
                lambda: page.page.locator("#drawer-tools button:visible").last.click(),
            )
            settle(page, FOUR, patch)
            album.take(f"charts-{look}-four")
            for width in (1280, 1024, 900):
                page.page.set_viewport_size({"width": width, "height": 720})
                album.take(f"charts-{look}-{width}")
            page.page.set_viewport_size(PHONE)
            settle(page, ONE, patch)
            for panel in page.page.evaluate(
                "[...document.querySelectorAll('#narrow-tabs [data-panel]')].map((node) => node.dataset.panel)"
            ):
                page.page.click(f"#narrow-tabs [data-panel={panel}]")
                album.take(f"charts-{look}-phone-{panel}")
            page.page.set_viewport_size(DESK)
        assert not album.wrong, "\n".join(album.wrong)


def test_admin_page_can_be_looked_at(chromium: Any, lived: System) -> None:
    """Every section of the admin page, on a screen and on a phone, with nothing wrong that shows."""
    with opened(chromium, lived, viewport=DESK, reduced_motion="reduce") as page:
        album = Album(page)
        for look, patch in looks():
            page.page.goto(page.origin)
            page.page.evaluate("(look) => { localStorage.clear(); }", patch)
            httpx.patch(f"{page.origin}/api/v1/charts/config", json=patch).raise_for_status()
            for size, viewport in (("", DESK), ("-phone", PHONE)):
                page.page.set_viewport_size(viewport)
                for section in SECTIONS:
                    page.open(section)
                    album.take(f"admin-{look}{size}-{section}")
            page.page.set_viewport_size(DESK)
        assert not album.wrong, "\n".join(album.wrong)
