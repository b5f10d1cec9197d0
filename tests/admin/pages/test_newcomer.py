"""A newcomer loads a strategy, starts it, watches it trade, stops it, backtests it and compares two runs without leaving the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ...visualization.page.watched import Watched
from ..conftest import System

pytestmark = pytest.mark.browser

SETTINGS = """
[simulated]
enabled = true

[backtest]
cash = 250000
commission = 0.0005
"""
BROKEN = "def on_bar(:\n"
PLAIN = "x = 1\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Return a whole system with the simulated exchange and no strategy."""
    folder = tmp_path_factory.mktemp("newcomer")
    (folder / "gcg_quant.toml").write_text(SETTINGS)
    system = System(folder / "home", "--config", str(folder / "gcg_quant.toml"))
    try:
        yield system
    finally:
        system.close()


class Newcomer(Watched):
    """The page as somebody uses it who has never seen it."""

    def press(self, name: str, within: str = "body") -> None:
        """Click the button of this name."""
        self.page.locator(within).get_by_role("button", name=name, exact=True).first.click()

    def fill(self, field: str, text: str) -> None:
        """Write into a field of the open dialog."""
        self.page.fill(f"dialog [data-field={field}] input", text)

    def fault(self, field: str) -> str:
        """Return what stands beside a field."""
        return self.text(f"dialog [data-field={field}] .field-error")

    def offer(self, folder: Path, name: str, text: str, says: str) -> None:
        """Upload a file, and wait for the sentence about it."""
        (folder / name).write_text(text)
        self.page.set_input_files("dialog input[type=file]", folder / name)
        self.wait_text(".upload-status", says)

    def tested(self, count: int) -> None:
        """Wait until so many backtests are done."""
        self.wait(f"document.querySelectorAll('#view-backtests tbody .pill.good').length === {count}", 60)


@pytest.fixture
def newcomer(running: System, chromium: Any) -> Iterator[Any]:
    """Return a function that opens the page and waits for its chart."""
    contexts: list[Any] = []
    opened: list[Newcomer] = []

    def opener(**options: Any) -> Newcomer:
        contexts.append(chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **options}))
        page = Newcomer(contexts[-1].new_page(), running.url)
        opened.append(page)
        page.page.goto(running.url)
        page.wait("document.body.dataset.connection === 'live' && document.querySelectorAll('#watch-rows li[data-name]').length > 0")
        return page

    yield opener
    for context in contexts:
        context.close()
    refused = "Failed to load resource: the server responded with a status of 4"  # what was refused on purpose
    assert [fault for page in opened for fault in page.faults if not fault.startswith(refused)] == []


def test_a_newcomer_never_leaves_the_page(newcomer: Any, tmp_path: Path) -> None:
    """Load, start, watch, stop, backtest twice, compare: by the page alone; each mistake has its sentence where it was made."""
    page = newcomer()
    page.wait_text("#view-strategies", "No strategy is loaded.")
    page.press("Load …", "#view-strategies")

    page.offer(tmp_path, "My Strategy.py", PLAIN, "Rename My Strategy.py: small letters, digits and _ only")
    page.offer(tmp_path, "notes.txt", PLAIN, "notes.txt is no Python file: its name must end in .py.")
    page.offer(tmp_path, "large.py", "#" * 300_000, "large.py has 293 kB: at most 256 kB can be uploaded.")
    page.offer(tmp_path, "broken.py", BROKEN, "broken.py:1: this is not valid Python")
    page.offer(tmp_path, "plain.py", PLAIN, "plain.py has no strategy class")
    page.page.locator("dialog .file-row[title$='strategy_engine/strategies/sma_cross.py']").click()
    page.fill("fast", "0")
    page.page.fill("dialog .picker input", "NOBODY")
    page.press("Load and start", "dialog")
    assert page.fault("symbols") == "Nobody knows NOBODY: choose one of the list."
    assert page.fault("fast") == "It must be from 1 to 1000."
    page.page.fill("dialog .picker input", "")
    page.fill("period", "1s")
    page.fill("fast", "5")
    page.fill("slow", "4")
    page.press("Load and start", "dialog")
    page.wait_text("dialog [data-field=fast] .field-error", "fast (5) must be less than slow (4).")  # that only the strategy can know
    page.fill("fast", "1")
    page.fill("slow", "2")
    page.press("Load and start", "dialog")

    row = "#view-strategies tr[data-key=sma_cross]"
    page.wait_text(f"{row} .pill", "running")
    page.wait("!document.querySelector('dialog[open]')")
    page.wait(f"Number(document.querySelector('{row} td:nth-child(8)').textContent) >= 2", 60)  # it trades
    page.page.click("#tab-fills")
    page.wait_text("#view-fills", "sma_cross")
    page.page.click("#tab-strategies")
    page.press("Stop sma_cross", row)
    assert page.text(f"{row} .question") == "Stop sma_cross? Its orders are cancelled."
    page.press("Yes, stop", row)
    page.wait_text(f"{row} .pill", "stopped")

    page.page.click(f"{row} .fold")
    page.wait_text(".strategy-detail .facts", "strategies/sma_cross.py")
    page.press("Backtest this …")
    page.wait_text("dialog .note", "bars")
    assert page.page.input_value("dialog [data-field=fast] input") == "1"  # as it ran
    page.page.select_option("dialog [data-field=period] select >> nth=0", "1m")
    assert page.page.input_value("dialog .form >> nth=1 >> [data-field=period] input") == "1m"
    assert page.page.input_value("dialog [data-field=cash] input") == "250000"  # as the settings have it
    assert page.page.input_value("dialog [data-field=commission] input") == "0.0005"
    page.fill("cash", "-1")
    page.press("Run", "dialog")
    assert page.fault("cash") == "It must be at least 1."
    page.fill("cash", "20000")
    page.fill("fast", "5")
    page.fill("slow", "20")
    page.press("Run", "dialog")
    page.tested(1)
    first = page.page.locator("#view-backtests tbody tr td:nth-child(3)").first
    first.click()
    page.wait_text("dialog .headline", "Return")
    page.wait(
        "document.querySelectorAll('dialog .trades tbody tr').length > 0 && document.querySelectorAll('dialog .curve canvas').length > 0"
    )
    with page.page.expect_popup() as report:
        page.page.click("dialog a.button")
    report.value.wait_for_selector("#headline dd")
    report.value.close()
    page.press("Run again with other settings …", "dialog")
    page.wait_text("dialog .note", "bars")
    assert page.page.input_value("dialog [data-field=cash] input") == "20000"
    page.fill("fast", "10")
    page.press("Run", "dialog")
    page.tested(2)

    assert page.page.locator(".compare-open").is_disabled()
    for box in page.page.locator("#view-backtests tbody input[type=checkbox]").all():
        box.check()
    page.press("Compare 2")
    page.wait_text("dialog[open]", "Parameters that differ")
    cells = "(table) => [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent))"
    parameters, measures = (table.evaluate(cells) for table in page.page.locator("dialog table.compare").all())
    assert parameters[1:] == [["fast", "10", "5"]]
    assert [row[0] for row in measures[1:3]] == ["Return", "Net profit"]
    assert sum(cell.startswith("✓") for cell in measures[1][1:]) == 1  # one of the two made more
    page.page.keyboard.press("Escape")

    run = page.page.locator("#view-backtests tbody tr").first
    name = run.get_attribute("data-key")
    page.press(f"Delete {name}", "#view-backtests")
    assert run.locator(".question").inner_text() == f"Delete {name} with its report?"
    page.press("Yes, delete", "#view-backtests")
    page.wait("document.querySelectorAll('#view-backtests tbody tr').length === 1")
