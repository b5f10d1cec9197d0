"""What the admin page does to a system that trades: components, orders, positions, limits, the kill switch, the journal."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from ..conftest import System
from .opened import opened

pytestmark = pytest.mark.browser


def test_component_is_stopped_and_started(chromium: Any, system: System) -> None:
    """The overview shows every component with its figures; one is stopped after a question that says what follows, and started again."""
    with opened(chromium, system) as admin:
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


def test_order_is_cancelled_and_position_closed(chromium: Any, system: System) -> None:
    """An order is cancelled and a position closed, each after one question; a strategy that was stopped does not open it again."""
    with opened(chromium, system) as admin:
        admin.open("orders")
        row = admin.wait_row("Orders", "grid-btc", "accepted")
        client_id = str(row.get_attribute("data-key"))
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


def test_limit_is_changed_and_the_kill_switch_switched(chromium: Any, system: System) -> None:
    """A limit changes in its row, one for a strategy is set and taken back, mistakes are told; the kill switch goes on and off."""
    with opened(chromium, system) as admin:
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
        admin.wait_text("#section-risk form", "Name a strategy, a symbol or both.")
        form.get_by_label("Strategy", exact=True).fill("grid-btc")
        form.get_by_role("button", name="Set").click()
        row = admin.wait_row("Other limits for a strategy or a symbol", "grid-btc", "2")
        assert "Let the limit for all hold again" in admin.confirm(row, "Take back")
        admin.wait_text("#section-risk", "No exceptions")
        part = admin.page.locator(".kill-part")
        assert "Cancel all open orders" in admin.confirm(part, "Stop all trading")
        admin.wait("document.querySelector('#kill').dataset.state === 'on'")
        admin.wait_text(".kill-part", "by REST interface")
        admin.confirm(part, "Let orders pass again")
        admin.wait("document.querySelector('#kill').dataset.state === 'off'")


def test_journal_is_looked_at_and_verified(chromium: Any, system: System) -> None:
    """The lanes stand at a glance, the newest events can be filtered and unfolded, and the journal says that it is whole."""
    with opened(chromium, system) as admin:
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
