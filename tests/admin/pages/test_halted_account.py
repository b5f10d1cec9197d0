"""A halted account on the admin page: the page says how it differs from its venue, asks, and lets it trade again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gcg_quant.admin.home import Home
from gcg_quant.admin.web import web_components
from gcg_quant.registry import Registry
from gcg_quant.settings import Settings

from ..test_kill_switch import wait_for
from ..test_resume import Floor, order
from .opened import opened

pytestmark = pytest.mark.browser


@pytest.fixture
def halted(tmp_path: Path) -> Iterator[SimpleNamespace]:
    """Return an engine whose venue holds 7 that nobody knows of, and the address of its page."""
    with Home(tmp_path).running({"page": ""}):
        floor = Floor(tmp_path, wait_for)
        registry = Registry()
        for component in web_components(Settings.model_validate({"system": {"home": str(tmp_path)}, "web": {"port": 0}})):
            registry.add(component)
        try:
            floor.start()
            floor.venue.do("trade", symbol="COIN", side=1, lots=7, price=200)
            floor.venue.fault("disconnect_now")
            floor.wait_until(lambda: floor.status() == "halted", "the halt")
            registry.start(floor.bus)
            wait_for(lambda: all(one.state == "running" for one in registry.health()), "the page's components running")
            yield SimpleNamespace(floor=floor, url=registry.find("web")[0].url)  # type: ignore[attr-defined]
        finally:
            registry.stop()
            floor.close()


def test_account_is_resumed(chromium: Any, halted: SimpleNamespace) -> None:
    """What has changed since it was looked at is refused in place; what is seen is accepted, and orders go out again."""
    with opened(chromium, halted) as admin:
        admin.open("orders")
        admin.wait_text(".halts", "Account real is halted: it differs from its venue by COIN@FAKE +7, cash USD")
        part = admin.page.locator(".halts p")
        part.get_by_role("button", name="Accept and resume real").click()
        question = part.locator(".question").inner_text()
        assert question == "Accept that real differs by COIN@FAKE +7, cash USD −700.5, and let it trade?"
        halted.floor.venue.do("deposit", symbol="COIN", value=200)
        part.locator(".ask .yes").click()
        admin.wait_text(".halts", "it differs otherwise than was seen")
        assert halted.floor.status() == "halted"
        admin.wait_text(".halts", "cash USD −600.5")
        admin.confirm(admin.page.locator(".halts p"), "Accept and resume real")
        admin.wait("document.querySelector('.halts').hidden")
        halted.floor.say(order("a", 1.0, 100.0))
        halted.floor.wait_inbox("a")
        admin.faults.clear()  # the browser tells of the refusal
