"""What the admin page does to data and to the system itself: imports, stored data, collectors, settings, log, alerts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import AlertEvent, Lane, LogEvent

from ..conftest import System
from .opened import opened

pytestmark = pytest.mark.browser

ROWS = """time,open,high,low,close,volume
2024-01-02 14:30:00,100,101,99,100.5,10
2024-01-02 14:31:00,100.5,102,100,101,12
2024-01-02 14:32:00,101,100,103,102,9
2024-01-02 14:40:00,102,103,101,102.5,11
"""


def test_file_is_imported_looked_at_and_deleted(chromium: Any, system: System, tmp_path: Path) -> None:
    """A chosen file is stored but for the row that makes no sense, which is told; the series can be looked at and deleted."""
    path = tmp_path / "page test.csv"
    path.write_text(ROWS, encoding="utf-8")
    with opened(chromium, system) as admin:
        admin.open("data")
        admin.wait_row("Collectors", "simulated", "running", "BTC/USDT")
        admin.page.set_input_files("input[type=file]", path)
        admin.page.get_by_text("What the file does not say itself").click()
        options = {"Symbol": "PAGE", "Venue": "TEST", "Zone of its times": "UTC", "Length of a bar": "1m"}
        for label, value in options.items():
            admin.page.locator(".options").get_by_label(label, exact=True).fill(value)
        admin.page.locator(".options").get_by_label("A bar's time is its", exact=True).select_option("start")
        admin.page.get_by_role("button", name="Import", exact=True).click()
        row = admin.wait_row("Imports", "page_test.csv", "done")
        assert [row.locator("td").nth(at).inner_text() for at in (3, 4)] == ["3", "1"]
        row.get_by_role("button", name="Details").click()
        admin.wait_text("[aria-label=Imports] tr.detail", "line 4")
        admin.page.get_by_label("Find", exact=True).fill("page")
        row = admin.wait_row("Stored", "PAGE", "TEST", "1m", "3")
        row.focus()
        admin.page.keyboard.press("Enter")
        admin.wait_text(".part.inner", "Gaps of PAGE@TEST 1m")
        assert admin.confirm(row, "Delete PAGE@TEST bars 1m") == "Delete 3 rows of PAGE@TEST bars 1m for good?"
        admin.wait_text("[aria-label=Stored]", "Nothing stored matches.")
        admin.page.get_by_role("button", name="Import", exact=True).is_disabled()


def test_setting_is_checked_changed_and_seen_in_the_history(chromium: Any, system: System) -> None:
    """A value is judged while it is written; what is saved says when it takes effect, and is in the history; secrets are not shown."""
    with opened(chromium, system) as admin:
        admin.open("settings")
        admin.page.get_by_label("Find", exact=True).fill("keep_days")
        row = admin.wait_row("bus", "keep_days", "after a restart")
        row.get_by_role("button", name="Change: bus.keep_days").click()
        field = row.get_by_role("textbox")
        field.fill("-3")
        admin.wait_text("[aria-label=bus] .says", "keep_days")
        assert field.get_attribute("aria-invalid") == "true"
        field.fill("9")
        admin.wait_text("[aria-label=bus] .says", "takes effect after a restart")
        field.press("Enter")
        admin.wait_text("#section-settings > .verified", "Restart the system for: bus.keep_days.")
        admin.wait_row("History of changes", "REST interface", "bus.keep_days", "9")
        admin.page.get_by_label("Find", exact=True).fill("token")
        row = admin.wait_row("web", "token", "not set")
        assert row.get_by_role("button").count() == 0
        admin.faults.clear()  # the browser tells of the value that was refused


def test_alert_is_acknowledged(chromium: Any, system: System) -> None:
    """An alert is counted in the navigation until somebody acknowledges it."""
    with EventBus(system.home / "bus", create=False, source="test") as bus:
        bus.publish(AlertEvent(level="warning", component="test", message="the page shall tell this", name="page_test"))
    with opened(chromium, system) as admin:
        admin.open("alerts")
        row = admin.wait_row("Alerts", "the page shall tell this", "unread")
        admin.wait("document.querySelector('[data-section=alerts] .count').textContent > 0")
        row.get_by_role("button", name="Acknowledge").click()
        admin.wait_row("Alerts", "the page shall tell this", "acknowledged")


def test_log_is_followed_filtered_and_leads_to_its_event(chromium: Any, system: System) -> None:
    """The tail shows what is said, reaches back on demand, stands still while it is paused, and a line leads to what it is about."""
    with EventBus(system.home / "bus", create=False, source="test") as bus, opened(chromium, system) as admin:

        def say(message: str, level: str = "info") -> None:
            bus.publish(LogEvent(level=level, component="page-test", message=message, about=(Lane.CONTROL << 60) + 1))

        for number in range(250):
            say(f"line {number} of many")
        admin.open("log/page-test")
        admin.wait("document.querySelectorAll('#section-log tbody tr').length === 200")
        admin.wait_text("#section-log tbody", "line 249 of many")
        assert "line 49 of" not in admin.text("#section-log tbody")
        admin.page.get_by_role("button", name="Older").click()
        admin.wait("document.querySelectorAll('#section-log tbody tr').length === 250")
        admin.page.get_by_role("button", name="Pause").click()
        say("this went wrong", "error")
        admin.page.get_by_role("button", name="Go on").click()
        admin.page.get_by_role("button", name="Errors").click()
        row = admin.wait_row("Log", "error", "page-test", "this went wrong")
        admin.wait("document.querySelectorAll('#section-log tbody tr').length === 1")
        row.get_by_role("button", name="Details").click()
        admin.page.get_by_role("link", name="To the chain of control #1").click()
        admin.wait_text("#section-journal", "Chain of control #1")
        admin.wait("document.querySelectorAll('[aria-label=\"Chain of an event\"] tbody tr').length > 0")
