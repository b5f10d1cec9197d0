"""The HTML report: complete, drawn in a real browser without any network, and safe with names that are markup."""

from __future__ import annotations

import atexit
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from gcg_quant.backtest import BacktestEngine, BacktestResult, BacktestSpec
from gcg_quant.backtest.inputs.sources import Source
from gcg_quant.backtest.pages.bundle import bundle
from gcg_quant.backtest.pages.report_data import MOST_BARS, pack, report_data
from gcg_quant.backtest.report import show_result
from gcg_quant.errors import BacktestError
from gcg_quant.history import MemoryHistory

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "strategies"


@pytest.fixture(scope="module")
def result(shared_data: Path, kit: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> BacktestResult:
    """Return the result of sma_cross over SPY's days, with its report."""
    _, bars = kit.read_daily(shared_data / "stock" / "SPY_daily.csv.gz")
    history = MemoryHistory()
    history.add_bars("SPY", "US", bars)
    engine = BacktestEngine(tmp_path_factory.mktemp("report"), folders=[EXAMPLES], store=history)
    return engine.run(BacktestSpec(file=str(EXAMPLES / "sma_cross.py"), symbols=["SPY"], run="spy", stake=50.0, mirror=False))


def unpacked(packed: dict[str, Any]) -> Any:
    """Return the numbers of a packed column, as the page computes them."""
    return np.cumsum([packed["first"], *(packed["unit"] * step for step in packed["steps"])]) / packed["scale"]


def data_of(page: str) -> dict[str, Any]:
    """Return the data of a report's page."""
    (text,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
    found: dict[str, Any] = json.loads(text)
    return found


def test_report_holds_the_whole_result(result: BacktestResult) -> None:
    """Every bar, value, fill, trade and month of the run is in the file, exactly, with what is needed to run it again."""
    page = (Path(result.folder) / "report.html").read_text(encoding="utf-8")
    data = data_of(page)
    assert len(unpacked(data["symbols"][0]["close"])) == result.measures.bars
    assert unpacked(data["values"])[-1] == round(result.measures.end_value, 2)
    assert unpacked(data["times"]).tolist() == [time_ns // 10**9 for time_ns, _ in result.values]
    fills, trades = ([unpacked(column) for column in data[name]["columns"]] for name in ("fills", "trades"))
    assert len(fills[0]) == len(result.fills) == 2 * len(result.trades) + result.measures.open_trades
    assert fills[3].tolist() == pytest.approx([fill.price for fill in result.fills], abs=1e-8)
    assert trades[7].sum() == pytest.approx(result.measures.net_profit)
    assert np.prod([1 + part for _, _, part in data["months"]]) == pytest.approx(1 + (result.measures.total_return or 0.0))
    assert (data["code_sha256"], data["parameters"]) == (result.code_sha256, {"fast": 10, "slow": 30})
    returns = result.daily_returns()
    assert (1.0 + returns).prod() - 1.0 == pytest.approx(result.measures.total_return)
    assert returns.std() * np.sqrt(252) == pytest.approx(result.measures.volatility)
    assert json.loads(result.to_json())["monthly_returns"]["1998-02"] == result.monthly_returns()[1998, 2]
    assert len((Path(result.folder) / "fills.csv").read_text().splitlines()) == len(result.fills) + 1
    assert len(page) < 700_000
    assert 'src="' not in page
    assert "<link" not in page


@pytest.mark.browser
def test_report_opens_from_a_file_and_asks_for_nothing(result: BacktestResult, chromium: Any, tmp_path: Path) -> None:
    """In a browser that is offline all parts are drawn, without an error; a trade's row shows it on the chart; notebooks show it, too."""
    file = result.save_report(tmp_path / "spy.html")
    page = chromium.new_page(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: faults.append(request.url) if not request.url.startswith("file:") else None)
    page.context.set_offline(True)
    page.goto(file.as_uri())
    page.wait_for_selector("#fall canvas")
    assert page.inner_text("#title") == "SmaCross · fast 10 · slow 30"
    assert "5,849 bars" in page.inner_text("#subtitle")
    figures = page.inner_text("#headline")
    measures = result.measures
    assert f"{measures.sharpe:.2f}" in figures
    assert f"{measures.trades}" in figures
    assert f"−{measures.max_drawdown_percent:.2f} %" in figures
    assert page.locator("#months tbody tr").count() == 24
    assert page.locator("#trades tbody tr").count() == 50
    page.click("#more")
    assert page.locator("#trades tbody tr").count() == measures.trades
    before = page.evaluate("document.getElementById('charts').view.charts.price.chart.timeScale().getVisibleRange()")
    page.locator("#trades tbody tr").first.click()
    page.wait_for_selector("#price[data-fills=near]")
    after = page.evaluate("document.getElementById('charts').view.charts.price.chart.timeScale().getVisibleRange()")
    assert after["to"] - after["from"] < (before["to"] - before["from"]) / 10
    assert page.inner_text("#legend").startswith("SPY")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.click("#theme")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(246, 247, 249)"
    frame = result._repr_html_()
    assert frame is not None
    page.set_content(f"<!doctype html>{frame}")
    page.frame_locator("iframe").locator("#fall canvas").first.wait_for()
    page.close()
    assert faults == []


@pytest.mark.browser
def test_report_of_several_symbols_shows_each(kit: ModuleType, chromium: Any, tmp_path: Path) -> None:
    """Symbols with other times share the axis, each with its candles and fills or none; buttons are not printed."""
    history = kit.stored(kit.random_bars(300, seed=2), "AAA")
    history.add_bars("BBB", "SIM", kit.random_bars(200, seed=3, start_ns=kit.START_NS + 50 * 60_000_000_000))
    engine = BacktestEngine(tmp_path, folders=[EXAMPLES], store=history)
    both = engine.run(BacktestSpec(file=str(EXAMPLES / "sma_cross.py"), symbols=["AAA", "BBB"], period="1m"))
    page = chromium.new_page(color_scheme="light")
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto((Path(both.folder) / "report.html").as_uri())
    view = "document.getElementById('charts').view.charts"
    assert [page.evaluate(f"{view}.axis.length"), page.evaluate(f"{view}.marks.fills.length")] == [300, len(both.fills)]
    page.click("#symbols button:has-text('BBB')")
    assert page.inner_text("#legend").startswith("BBB")
    assert [page.evaluate(f"{view}.bars.length"), page.evaluate(f"{view}.marks.fills.length")] == [200, 0]
    page.click("#log")
    page.emulate_media(media="print")
    assert page.locator("#theme").is_hidden()
    page.close()
    assert faults == []


def test_text_of_the_user_is_no_markup(kit: ModuleType, tmp_path: Path) -> None:
    """A parameter that looks like the end of a script stays a text."""
    text = "import backtrader as bt\nclass Odd(bt.Strategy):\n    params = (('note', '</script><b>&'),)\n"
    (tmp_path / "odd.py").write_text(text)
    engine = BacktestEngine(tmp_path / "home", folders=[tmp_path], store=kit.stored(kit.random_bars(20, period="1d")))
    odd = engine.run(BacktestSpec(file=str(tmp_path / "odd.py"), symbols=["X"]))
    assert data_of((Path(odd.folder) / "report.html").read_text())["parameters"] == {"note": "</script><b>&"}
    assert repr(odd).startswith("<BacktestResult Odd-")


def test_long_runs_are_drawn_several_bars_as_one(kit: ModuleType, result: BacktestResult) -> None:
    """More bars than a chart shows are put together: first open, highest high, lowest low, last close, all volume."""
    bars = kit.random_bars(2 * MOST_BARS + 1, period="1s")
    found = report_data(result, [Source("X", "", bars)])["symbols"][0]
    assert found["together"] == 3
    for name, take in (("open", lambda part: part[0]), ("high", np.max), ("low", np.min), ("close", lambda part: part[-1])):
        expected = [take(bars[name][at : at + 3]) for at in range(0, len(bars), 3)]
        assert np.allclose(unpacked(found[name]), expected, rtol=0, atol=1e-8)
    assert unpacked(found["volume"]).sum() == bars["volume"].sum()


def test_packed_numbers_come_back(kit: ModuleType) -> None:
    """Columns survive packing to their decimals; one number and none are columns, too."""
    column = np.array([1.25, 1.5, 0.0, -3.75, 1e9])
    assert unpacked(pack(column, 2)).tolist() == column.tolist()
    assert pack(np.array([60.0, 120.0, 240.0])) == {"first": 60, "unit": 60, "scale": 1, "steps": [1, 2]}
    assert unpacked(pack(np.array([7.0]), 1)).tolist() == [7.0]
    assert pack(np.empty(0))["first"] is None


def test_notebook_shows_the_report_and_a_terminal_the_table(
    result: BacktestResult, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """show() displays the report in a notebook; elsewhere it prints the table."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    shells = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell
    shell = shells.instance(history_load_length=0)
    shell.history_manager.enabled = False
    atexit.unregister(shell.atexit_operations)  # its folder is gone by then
    try:
        with pytest.importorskip("IPython.utils.capture").capture_output() as shown:
            show_result(result, Console(force_jupyter=True))
    finally:
        shells.clear_instance()
    (output,) = shown.outputs
    assert output.data["text/html"] == result._repr_html_()
    result.show()
    assert "Sortino" in capsys.readouterr().out


def test_report_that_is_gone_is_said(kit: ModuleType, tmp_path: Path, result: BacktestResult) -> None:
    """Without a report there is none to copy, nor one for a notebook; a file that cannot be written is named."""
    engine = BacktestEngine(tmp_path, folders=[EXAMPLES], store=kit.stored(kit.random_bars(60, period="1d")))
    bare = engine.run(BacktestSpec(file=str(EXAMPLES / "sma_cross.py"), symbols=["X"], report=False))
    assert bare._repr_html_() is None
    with pytest.raises(BacktestError, match=r"has no report\.html in .*: run it again with report=True"):
        bare.save_report(tmp_path / "x.html")
    with pytest.raises(BacktestError, match="cannot be written to .*missing/x.html: No such file"):
        result.save_report(tmp_path / "missing" / "x.html")


def test_console_says_at_once_that_there_is_no_folder(tmp_path: Path) -> None:
    """Nobody waits for a run whose report cannot be written."""
    words = ["backtest", "sma_cross", "--symbol", "X", "--report", str(tmp_path / "missing" / "x.html")]
    command = [sys.executable, "-m", "gcg_quant", "--home", str(tmp_path / "home"), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "error: There is no folder" in done.stderr
    assert not (tmp_path / "home").exists()


def test_modules_are_bundled_in_order(tmp_path: Path) -> None:
    """A module sees what it imports, by name, by another name and as a whole; one that comes too late is an error."""
    (tmp_path / "a.js").write_text("export const one = 1;\nexport function two() {\n  return 2;\n}\n")
    (tmp_path / "b.js").write_text('import { one, two as second } from "/shared/a.js";\nimport * as a from "./a.js";\nexport class B {}\n')
    script = bundle([tmp_path / "a.js", tmp_path / "b.js"])
    assert "const { one, second } = " not in script
    assert "const { one, two: second } = module_a;" in script
    assert "const a = module_a;" in script
    assert "return { B };" in script
    with pytest.raises(ValueError, match=r"b\.js imports a\.js, which must stand before it"):
        bundle([tmp_path / "b.js"])
