"""The admin page of a real system in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe

from ...visualization.page.watched import Watched
from ..conftest import System

SECTIONS = ("overview", "strategies", "backtests", "orders", "risk", "data", "settings", "log", "alerts", "journal")
DESK = {"width": 1280, "height": 800}
_AXE = Axe()


class AdminPage(Watched):
    """The page at /admin, opened at a section."""

    def __init__(self, page: Any, origin: str) -> None:
        super().__init__(page, origin)
        self.origin = origin

    def open(self, section: str) -> None:
        """Open a section and wait until it stands, with everything in it."""
        self.page.goto(f"{self.origin}/admin#{section}")
        self.wait(f"document.querySelector('#main #section-{section.split('/')[0]}') && document.body.dataset.connection === 'live'")
        self.wait("![...document.querySelectorAll('#main [data-state=loading]')].some((node) => node.offsetParent)")

    def rows(self, label: str) -> int:
        """Return how many rows the table of this name shows."""
        return int(self.page.locator(f"[role=region][aria-label='{label}'] tbody tr").count())

    def wait_row(self, label: str, *texts: str, timeout_s: float = 60.0) -> Any:
        """Wait until the table of this name has a row with all these texts; return its place."""
        table = f"[role=region][aria-label='{label}'] tbody"
        rows = f"[...document.querySelectorAll({json.dumps(table + ' tr')})]"
        wanted = " && ".join(f"row.textContent.includes({json.dumps(text)})" for text in texts)
        key = self.wait(f"{rows}.find((row) => {wanted})?.dataset.key", timeout_s)
        return self.page.locator(f"{table} tr[data-key={json.dumps(key)}]")

    def confirm(self, place: Any, button: str) -> str:
        """Click a button in a place that asks, agree, and return what was asked."""
        place.get_by_role("button", name=button).first.click()
        asked = str(place.locator(".question").inner_text())
        place.locator(".ask .yes").click()
        return asked

    def axe(self, *rules: str) -> list[str]:
        """Return what the accessibility checker finds by all its rules or by some, a line each."""
        # Preloading would ask for imported style sheets at the wrong place; to describe all that is right takes as long as to look at it.
        options: dict[str, Any] = {"preload": False, "resultTypes": ["violations"]}
        if rules:
            options["runOnly"] = {"type": "rule", "values": list(rules)}
        found = _AXE.run(self.page, options=options).response["violations"]
        return [f"{one['id']}: {node['html'][:160]} {node['target']}" for one in found for node in one["nodes"]]


@contextmanager
def opened(browser: Any, system: System, **options: Any) -> Iterator[AdminPage]:
    """Open a page of its own; at the end nothing may have gone wrong on it.

    Args:
        browser: Chromium, for a context with these options, or a context that stays; of it only the viewport differs.
    """
    context = None
    if hasattr(browser, "new_context"):
        browser = context = browser.new_context(**{"viewport": DESK, "reduced_motion": "reduce", **options})
    page = browser.new_page()
    if not context:
        page.set_viewport_size(options.get("viewport", DESK))
    try:
        admin = AdminPage(page, system.url)
        yield admin
        assert not admin.faults, admin.faults
    finally:
        if context:
            context.close()
        else:
            page.evaluate("location.origin === 'null' || localStorage.clear()")
            page.close()
