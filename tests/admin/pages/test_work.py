"""Strategies and backtests on the admin page: a strategy of one's own that goes wrong, a slow run, a phone, Chinese, a dead system."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from ...visualization.page.watched import Watched
from ..conftest import System

pytestmark = pytest.mark.browser

SETTINGS = """
[simulated]
enabled = true
"""
STRATEGY = '''
"""Says what it sees, and raises or dawdles if it is told to."""

import time

from gcg_quant.strategy_engine import Parameter, Strategy


class Odd(Strategy):
    """Raises at a bar, or takes its time."""

    symbols = ("BTC/USDT",)

    period = Parameter("1s", doc="length of the bars")
    fails_at = Parameter(0, low=0, doc="bars until it raises; 0 is never")
    seconds = Parameter(0.0, low=0, high=5, doc="time that it takes for a bar")

    def on_start(self):
        self.seen = 0

    def on_bar(self, bar):
        self.seen += 1
        if self.seen < 4:
            self.log(f"bar number {self.seen}")
        time.sleep(self.seconds)
        if self.seen == self.fails_at:
            raise ValueError("it was told to")
'''
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
axe = Axe()


class Work(Watched):
    """The admin page at strategies or backtests."""

    def open(self, section: str) -> None:
        """Open a section, and wait until its table stands."""
        self.page.goto(f"{self.origin}/admin#{section}")
        self.wait(f"document.querySelector('#section-{section} .work-table')?.dataset.state in {{ empty: 1, ready: 1 }}")

    def press(self, name: str, within: str = "body") -> None:
        """Click the button of this name."""
        self.page.locator(within).get_by_role("button", name=name, exact=True).first.click()

    def accessible(self) -> None:
        """Nothing that the checker knows keeps people from using what is shown."""
        found = axe.run(self.page).response["violations"]
        assert [(one["id"], node["html"][:200]) for one in found for node in one["nodes"]] == []


@contextmanager
def opened(chromium: Any, system: System, *, unreachable: bool = False, **options: Any) -> Iterator[Work]:
    """Open a page of its own. At the end nothing may have gone wrong on it but what was refused on purpose."""
    context = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    try:
        page = Work(context.new_page(), system.url)
        page.origin = system.url
        yield page
        # The accessibility checker writes inline styles, which the page's policy forbids; test_newcomer.py sees whether the page does.
        expected = ("Failed to load resource: the server responded with a status of 4", "Applying inline style violates")
        expected += ("Failed to load resource: net::ERR_", "WebSocket connection") if unreachable else ()
        assert [fault for fault in page.faults if not fault.startswith(expected)] == []
    finally:
        context.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Return a whole system with the simulated exchange and no strategy; the last test ends it."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "gcg_quant.toml").write_text(SETTINGS)
    system = System(folder / "home", "--config", str(folder / "gcg_quant.toml"))
    try:
        yield system
    finally:
        system.close()


def test_a_strategy_of_ones_own_is_uploaded_mended_and_unloaded(running: System, chromium: Any, tmp_path: Path) -> None:
    """With the keys alone: a file is uploaded, replaced after a question, fails with its line, is given other parameters, and goes."""
    file = tmp_path / "odd.py"
    file.write_text(STRATEGY)
    with opened(chromium, running) as page:
        keys = page.page.keyboard
        page.open("strategies")
        page.accessible()
        page.page.focus(".load-open")
        keys.press("Enter")
        page.wait("document.activeElement.matches('dialog .file-list')")
        keys.press("End")
        keys.press("Home")  # the list is gone through by its keys
        page.page.set_input_files("dialog input[type=file]", file)
        page.wait_text(".upload-status", "odd is uploaded.")
        assert page.page.get_attribute("dialog .file-row[title$='/odd.py']", "aria-selected") == "true"
        page.page.set_input_files("dialog input[type=file]", file)
        page.wait_text(".upload-status .question", "odd.py is there already. Replace it?")
        keys.press("Enter")
        page.wait_text(".upload-status", "odd is uploaded.")
        page.page.focus("dialog .picker input")
        keys.type("eth")
        keys.press("ArrowDown")
        keys.press("ArrowUp")
        keys.press("Enter")
        assert page.text("dialog .picker .chips").split() == ["BTC/USDT@SIM", "✕", "ETH/USDT@SIM", "✕"]
        keys.press("Backspace")
        page.page.fill("dialog [data-field=fails_at] input", "2")
        page.accessible()
        page.page.focus("dialog [data-field=fails_at] input")
        keys.press("Enter")  # sends the form
        row = "tr[data-key=odd]"
        page.wait_text(f"{row} .pill", "failed")
        page.page.focus(f"{row} .fold")
        keys.press("Enter")
        page.wait_text(".strategy-detail > .refused", "odd.py:27: on_bar raised ValueError: it was told to")
        page.wait_text(".strategy-log", "bar number 2")
        page.accessible()
        page.press("Parameters …")
        page.wait_text("dialog[open]", "The change holds when it is started.")
        page.page.fill("dialog [data-field=seconds] input", "7")
        page.press("Apply", "dialog")
        assert page.text("dialog [data-field=seconds] .field-error") == "It must be from 0 to 5."
        page.page.fill("dialog [data-field=seconds] input", "0")
        page.page.fill("dialog [data-field=fails_at] input", "0")
        page.press("Apply", "dialog")
        page.wait("!document.querySelector('dialog[open]')")
        page.press("Reload")
        page.press("Yes, reload")
        page.wait_text(f"{row} .pill", "loaded")
        page.press("Start odd", row)
        page.press("Yes, start", row)
        page.wait_text(f"{row} .pill", "running")
        page.press("Unload")
        assert "Unload odd? It is stopped, its orders are cancelled, its positions stay." in page.text(".strategy-detail .question")
        page.press("Yes, unload")
        page.wait("document.querySelector('#section-strategies .work-table').dataset.state === 'empty'")


def test_runs_show_how_far_they_are_and_why_they_failed(running: System, chromium: Any) -> None:
    """On a phone, in Chinese: a slow run has a bar that fills and is cancelled after a question; one that fails tells its line."""

    def ask(page: Work, field: str, value: str) -> None:
        page.press("新建 …")
        page.wait("document.querySelector('dialog [data-field=strategy] option')")
        page.page.select_option("dialog [data-field=strategy] select", label="odd")
        page.page.select_option("dialog [data-field=period] select >> nth=0", "1m")
        page.page.fill(f"dialog [data-field={field}] input", value)
        assert page.page.evaluate("document.querySelector('dialog').scrollWidth <= innerWidth")
        page.page.evaluate("document.activeElement.blur()")
        page.press("运行", "dialog")
        page.wait("!document.querySelector('dialog[open]')")

    with opened(chromium, running, **PHONE) as page:
        page.open("backtests")
        page.page.click("#language")
        page.wait_text("#section-backtests .table-note", "还没有回测。")
        ask(page, "seconds", "0.1")
        bar = "#section-backtests progress"
        page.wait(f"document.querySelector('{bar}')?.value > 0")
        page.accessible()
        run = page.page.locator("#section-backtests tbody tr").first
        run.locator(".ask button").click()
        assert "结束" in run.locator(".question").inner_text()
        run.locator(".yes").click()
        page.wait_text("#section-backtests .pill", "已撤")
        ask(page, "fails_at", "3")
        page.wait_text("#section-backtests tbody tr:first-child .refused", "odd.py:27: on_bar raised ValueError: it was told to")
        page.page.locator("#section-backtests tbody tr td:nth-child(2)").first.click()
        page.wait_text("dialog .refused", "odd.py:27")
        page.accessible()
        page.page.keyboard.press("Escape")


def test_a_system_that_is_gone_leaves_what_it_told(running: System, chromium: Any) -> None:
    """When nobody answers, rows stay, greyed, with a sentence and another try; what was never told says why it is not there."""
    with opened(chromium, running, unreachable=True) as page:
        page.open("backtests")
        running.close()
        page.wait("document.querySelector('#section-backtests .work-table').dataset.state === 'stale'")
        assert page.page.locator("#section-backtests tbody tr").count() == 2
        assert page.page.locator("#section-backtests .table-note button").is_visible()
        page.page.click(".backtest-open")
        page.wait("document.querySelector('dialog[open] .message button')")  # the form has its own sentence, and another try
        page.page.keyboard.press("Escape")
