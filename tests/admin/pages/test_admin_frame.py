"""The frame of the admin page: sections, keys, languages, themes, a phone, a server that is away."""

from __future__ import annotations

from typing import Any

import pytest

from ..conftest import System
from .opened import SECTIONS, opened

pytestmark = pytest.mark.browser
WIDTH = "Math.max(document.documentElement.scrollWidth, document.getElementById('main').scrollWidth)"


def test_every_section_can_be_read_by_everybody(chromium: Any, system: System) -> None:
    """In both themes no section has anything that keeps somebody from using it; each stands in both languages, and fits a phone."""
    found: list[str] = []
    with opened(chromium, system) as admin:
        for section in SECTIONS:
            admin.open(section)
            found += [f"dark {section}: {line}" for line in admin.axe()]
            admin.page.click("#theme")
            assert admin.page.evaluate("document.documentElement.dataset.theme") == "light"
            found += [f"light {section}: {line}" for line in admin.axe("color-contrast")]
            admin.page.click("#theme")
            admin.page.click("#theme")
        admin.page.click("#language")
        admin.wait_text("#sections", "概览")
        admin.page.set_viewport_size({"width": 390, "height": 844})
        for section in SECTIONS:
            admin.open(section)
            if admin.page.evaluate(WIDTH) > 390:
                found.append(f"{section} is wider than a phone")
        admin.page.click("#language")
        assert found == []


def test_page_is_used_by_keys_and_tells_of_a_server_that_is_away(chromium: Any, system: System) -> None:
    """Digits open sections, / goes to the search, ? lists the keys; without a server the page says so, keeps its data, and recovers."""
    with opened(chromium, system) as admin:
        admin.open("overview")
        admin.page.keyboard.press("5")
        admin.wait("document.querySelector('#sections [aria-current]').hash === '#risk'")
        admin.page.keyboard.press("4")
        admin.wait("document.querySelector('#section-orders')")
        admin.page.keyboard.press("/")
        assert admin.page.evaluate("document.activeElement.placeholder") == "BTC/USDT or *USDT"
        admin.page.keyboard.press("Escape")
        admin.page.keyboard.press("?")
        assert admin.page.get_by_role("dialog").inner_text().count("\n") > 20
        admin.page.keyboard.press("Escape")
        admin.wait_row("Orders", "grid-btc")
        head = admin.page.get_by_role("region", name="Orders").get_by_role("button", name="Price")
        head.press("Enter")
        drawn = "document.querySelector('[aria-label=Accounts] tbody').textContent"
        before = admin.page.evaluate(drawn)
        admin.wait(f"{drawn} !== {before!r}")
        assert head.locator("..").get_attribute("aria-sort") == "descending"
        assert head.evaluate("(button) => document.activeElement === button")
        admin.page.context.set_offline(True)
        admin.wait("document.body.dataset.connection === 'lost'")
        admin.wait_text("#connection-text", "no connection · data")
        assert admin.rows("Orders") > 0
        admin.page.context.set_offline(False)
        admin.wait("document.body.dataset.connection === 'live'")
        admin.faults.clear()  # the browser tells of every request that did not reach the server


def test_a_hidden_page_asks_nothing(chromium: Any, system: System) -> None:
    """While nobody looks the server is left alone; as soon as somebody does, it is asked at once."""
    with opened(chromium, system) as admin:
        asked: list[str] = []
        admin.open("risk")
        admin.page.on("request", lambda request: asked.append(request.url))
        admin.page.evaluate(
            "Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
        admin.page.wait_for_timeout(100)
        asked.clear()
        admin.page.wait_for_timeout(2500)
        assert asked == []
        admin.page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
        deadline = admin.page.wait_for_event("request", timeout=2000)
        assert "/api/v1/" in deadline.url
