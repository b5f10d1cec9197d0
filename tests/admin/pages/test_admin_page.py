"""The admin page of a real system: its keys and its server that is away; trading, the system itself, data, settings, log, journal."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import AlertEvent, Lane, LogEvent

from ..conftest import System
from ..test_kill_switch import wait_for
from .opened import opened

pytestmark = pytest.mark.browser

ROWS = """time,open,high,low,close,volume
2024-01-02 14:30:00,100,101,99,100.5,10
2024-01-02 14:31:00,100.5,102,100,101,12
2024-01-02 14:32:00,101,100,103,102,9
2024-01-02 14:40:00,102,103,101,102.5,11
"""


def test_page_is_used_by_keys_and_tells_of_a_server_that_is_away(window: Any, system: System) -> None:
    """Digits open sections, / goes to the search, ? lists the keys; without a server the page says so, keeps its data, and recovers."""
    with opened(window, system) as admin:
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


def test_a_hidden_page_asks_nothing(window: Any, system: System) -> None:
    """While nobody looks the server is left alone; as soon as somebody does, it is asked at once."""
    with opened(window, system) as admin:
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
        with admin.page.expect_request("**/api/v1/**", timeout=20_000):
            admin.page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")


def test_component_is_stopped_and_started(window: Any, system: System) -> None:
    """The overview shows every component with its figures; one is stopped after a question that says what follows, and started again."""
    with opened(window, system) as admin:
        admin.open("overview")
        admin.wait("/^[\\d,.]+$/.test(document.querySelector('[data-figure=ov_rate]').textContent)")
        admin.wait("/MB$/.test(document.querySelector('[data-figure=ov_memory]').textContent)")
        assert admin.text("[data-figure=ov_world]") == "paper"
        admin.wait_row("Processes", "services", "running")
        row = admin.wait_row("Components", "bars", "running")
        admin.wait("document.querySelectorAll('.trend svg polyline[points*=\",\"]').length > 8")
        assert admin.confirm(row, "Stop bars") == "Stop bars? Then no bars are made until it starts again."
        row = admin.wait_row("Components", "bars", "stopped")
        admin.confirm(row, "Start bars")
        admin.wait_row("Components", "bars", "running")
        admin.wait_row("Readers of the bus", "recorder", "yes")


def test_process_and_component_are_restarted(window: Any, system: System) -> None:
    """Each after one question: the process comes back as another one, the component begins to count anew."""
    with opened(window, system) as admin, httpx.Client(base_url=f"{system.url}/api/v1", timeout=20) as web:

        def since(component: str) -> int:
            return int(next(row["since_ns"] for row in web.get("/components").json() if row["component"] == component))

        admin.open("overview")
        row = admin.wait_row("Processes", "strategies", "running")
        pid = row.locator("td").nth(2).inner_text()
        assert admin.confirm(row, "Restart strategies") == "Restart the process strategies with everything in it?"
        cells = "[...document.querySelectorAll('[aria-label=Processes] tr[data-key=strategies] td')].map((cell) => cell.textContent)"
        admin.wait(f"(([name, state, pid]) => state === 'running' && /^[0-9]+$/.test(pid) && pid !== '{pid}')({cells})")
        admin.wait_row("Components", "strategies", "running")
        began = since("bars")
        assert admin.confirm(admin.wait_row("Components", "bars", "running"), "Restart bars") == "Restart bars?"
        admin.wait("!document.querySelector('[aria-label=Components] tr[data-key=bars] .ask[data-state=waiting]')")
        deadline = time.monotonic() + 60
        while since("bars") <= began:
            assert time.monotonic() < deadline, "bars was not started again"
            time.sleep(0.05)
        assert admin.page.locator(".refused").count() == 0


def lowest_order(system: System) -> str | None:
    """Return the grid's order that is furthest from being filled, if there is one."""
    orders = httpx.get(f"{system.url}/api/v1/orders?strategy=grid-btc").json()
    bought = [one for one in orders if (one["side"], one["status"]) == ("buy", "accepted")]
    return min(bought, key=lambda one: one["price"])["client_id"] if bought else None


def test_order_is_cancelled_and_position_closed(window: Any, system: System) -> None:
    """An order is cancelled and a position closed, each after one question; a strategy that was stopped does not open it again."""
    with opened(window, system) as admin:
        admin.open("orders")
        client_id = str(wait_for(lambda: lowest_order(system), "an order of the grid"))
        row = admin.wait_row("Orders", client_id, "accepted")
        assert admin.confirm(row, f"Cancel {client_id}").startswith("Cancel: ")
        admin.page.get_by_role("button", name="All", exact=True).click()
        admin.wait_row("Orders", client_id, "cancelled")
        admin.wait_row("Fills", "BTC/USDT", "paper")
        admin.wait_row("Accounts", "paper", "USDT")
        admin.wait_row("Gateways", "paper", "connected")
        admin.wait_row("Positions", "BTC/USDT", "grid-btc")
        assert httpx.post(f"{system.url}/api/v1/strategies/grid-btc/stop", timeout=20).status_code == 200
        row = admin.wait_row("Positions", "BTC/USDT", "grid-btc")
        asked = admin.confirm(row, "Close BTC/USDT grid-btc")
        assert asked.startswith("Close it for grid-btc: ")
        admin.wait("![...document.querySelectorAll('[aria-label=Positions] tbody tr')].some((row) => row.textContent.includes('grid-btc'))")
        admin.wait_row("Fills", "grid-btc", "Sell" if "Sell" in asked else "Buy")


def test_limit_is_changed_and_the_kill_switch_switched(window: Any, system: System) -> None:
    """A limit changes in its row, one for a strategy is set and taken back, mistakes are told; the kill switch goes on and off."""
    with opened(window, system) as admin:
        admin.open("risk")
        row = admin.wait_row("Limits in force", "Open orders", "200")
        row.get_by_role("button", name="Change: Open orders").click()
        field = row.get_by_role("textbox")
        field.fill("many")
        field.press("Enter")
        admin.wait_text("#section-risk .says", "Write a number, or “off”.")
        field.fill("150")
        field.press("Enter")
        admin.wait_row("Limits in force", "Open orders", "150", "%")
        form = admin.page.locator("#section-risk form")
        form.locator("select").select_option("max_order_quantity")
        form.get_by_label("Value", exact=True).fill("2")
        form.get_by_role("button", name="Set").click()
        admin.wait_text("#section-risk form", "Name an account, a strategy or a symbol.")
        form.get_by_label("Strategy", exact=True).fill("grid-btc")
        form.get_by_role("button", name="Set").click()
        row = admin.wait_row("Other limits for an account, a strategy or a symbol", "grid-btc", "2")
        assert "Let the limit for all hold again" in admin.confirm(row, "Take back")
        admin.wait_text("#section-risk", "No exceptions")
        part = admin.page.locator(".kill-part")
        assert "Cancel all open orders" in admin.confirm(part, "Stop all trading")
        admin.wait("document.querySelector('#kill').dataset.state === 'on'")
        admin.wait_text(".kill-part", "by REST interface")
        admin.confirm(part, "Let orders pass again")
        admin.wait("document.querySelector('#kill').dataset.state === 'off'")


def test_journal_is_looked_at_and_verified(window: Any, system: System) -> None:
    """The lanes stand at a glance, the newest events can be filtered and unfolded, and the journal says that it is whole."""
    with opened(window, system) as admin:
        admin.open("journal")
        for lane in ("control", "market", "log"):
            admin.wait_row("Lanes", lane, "whole")
        admin.page.get_by_label("Class").fill("OrderEvent")
        admin.page.get_by_label("Class").press("Enter")
        admin.wait("[...document.querySelectorAll('[data-key^=\"log/\"]')].length === 0")
        admin.page.get_by_role("button", name="Pause").click()
        row = admin.wait_row("Newest events", "OrderEvent", "market #")
        row.get_by_role("button", name="Details").click()
        admin.wait_text("[aria-label='Newest events'] tr.detail pre", '"client_id": ')
        admin.page.get_by_role("button", name="Verify").click()
        admin.wait_text(".verified", "The journal is whole")
        row.get_by_role("link", name="market #").first.click()
        admin.wait_row("Chain of an event", "request")


def test_file_is_imported_looked_at_and_deleted(window: Any, system: System, tmp_path: Path) -> None:
    """A chosen file is stored but for the row that makes no sense, which is told; the series can be looked at and deleted."""
    path = tmp_path / "page test.csv"
    path.write_text(ROWS, encoding="utf-8")
    with opened(window, system) as admin:
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


# Drops a file on the first element of a selector, as from a file manager.
DROP = """([selector, name, text]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([text], name, { type: "text/csv" }));
  const place = document.querySelector(selector);
  const tell = (kind) => place.dispatchEvent(new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }));
  tell("dragenter");
  const over = !tell("dragover") && place.classList.contains("over");
  tell("drop");
  return over && !place.classList.contains("over");
}"""


def test_dropped_file_is_imported(window: Any, system: System) -> None:
    """The form shows that it takes the file and names it; what the file does not say is asked for by the server's own sentence."""
    with opened(window, system) as admin:
        admin.open("data")
        assert admin.page.evaluate(DROP, [".drop", "dropped.csv", ROWS])
        admin.wait_text(".drop .tools", "dropped.csv")
        admin.page.get_by_text("What the file does not say itself").click()
        for label, value in {"Symbol": "DROP", "Venue": "TEST", "Zone of its times": "UTC", "Length of a bar": "1m"}.items():
            admin.page.locator(".options").get_by_label(label, exact=True).fill(value)
        admin.page.locator(".options").get_by_label("A bar's time is its", exact=True).select_option("start")
        admin.page.get_by_role("button", name="Import", exact=True).click()
        row = admin.wait_row("Imports", "dropped.csv", "done")
        asked = admin.confirm(row, "Delete what dropped.csv brought")
        assert asked == "Delete for good all rows that dropped.csv brought?"
        admin.page.get_by_label("Find", exact=True).fill("drop")
        admin.wait_text("[aria-label=Stored]", "Nothing stored matches.")


def test_setting_is_checked_changed_and_seen_in_the_history(window: Any, system: System) -> None:
    """A value is judged while it is written; what is saved says when it takes effect, and is in the history; secrets are not shown."""
    with opened(window, system) as admin:
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


def test_alert_is_acknowledged(window: Any, system: System) -> None:
    """An alert is counted in the navigation until somebody acknowledges it."""
    with EventBus(system.home / "bus", create=False, source="test") as bus:
        bus.publish(AlertEvent(level="warning", component="test", message="the page shall tell this", name="page_test"))
    with opened(window, system) as admin:
        admin.open("alerts")
        row = admin.wait_row("Alerts", "the page shall tell this", "unread")
        admin.wait("document.querySelector('[data-section=alerts] .count').textContent > 0")
        row.get_by_role("button", name="Acknowledge").click()
        admin.wait_row("Alerts", "the page shall tell this", "acknowledged")


def test_log_is_followed_filtered_and_leads_to_its_event(window: Any, system: System) -> None:
    """The tail shows what is said, reaches back on demand, stands still while it is paused, and a line leads to what it is about."""
    with EventBus(system.home / "bus", create=False, source="test") as bus, opened(window, system) as admin:

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
