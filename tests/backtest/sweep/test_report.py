"""What is shown of a sweep: heat maps, the page, the table, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console

from gcg_quant.backtest import BacktestSpec
from gcg_quant.backtest.sweep import Axis, Row, Sweep, metric_of, parse_axes
from gcg_quant.backtest.sweep.figures import report_figure, shown_measures, sign_of
from gcg_quant.backtest.sweep.heat_map import Scale, heat_maps
from gcg_quant.backtest.sweep.summary import print_summary, save_csv, summary
from gcg_quant.backtest.sweep.sweep_report import sweep_page
from gcg_quant.backtest.sweep.table import RowTable

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "strategies"


MEASURES = {
    "start_value": 100.0,
    "end_value": 150.0,
    "total_return": 0.5,
    "trades": 1200,
    "win_rate": 0.5,
    "max_drawdown": 0.1,
    "max_drawdown_days": 42.0,
}


def row(number: int, sharpe: float | None, **parameters: Any) -> Row:
    """Return a row with little more than a Sharpe ratio; it has failed if that is NaN."""
    if sharpe is not None and sharpe != sharpe:
        return Row(number=number, parameters=parameters, error="It raised <b>this</b>.")
    return Row(number=number, parameters=parameters, measures={**MEASURES, "sharpe": sharpe})


@pytest.fixture
def sweep(tmp_path: Path, kit: ModuleType) -> Sweep:
    """Return a sweep over two parameters of which five of six runs are done."""
    spec = BacktestSpec(file=str(EXAMPLES / "sma_cross.py"), symbols=["X"], run="shown")
    axes = parse_axes(["fast=5,10", "slow=20:40:10"])
    sweep = Sweep.begin(spec, axes, home=tmp_path, history=kit.stored(kit.random_bars(50, period="1d")), folders=[EXAMPLES])
    with RowTable(sweep.folder / "rows.jsonl") as table:
        for number, sharpe in enumerate((0.5, -1.25, None, 1.5, float("nan"))):
            table.append(row(number, sharpe, **sweep.combinations[number]))
    return Sweep(sweep.folder)


def test_rows_are_ranked_and_failures_come_last(sweep: Sweep) -> None:
    """The best is first, rows without a value last, and a measure of which less is better is ranked the other way round."""
    assert [one.number for one in sweep.ranked()] == [3, 0, 1, 2, 4]
    falls = [Row(number=n, parameters={}, measures={"max_drawdown": fall}) for n, fall in enumerate((0.3, 0.1, 0.1))]
    assert [one.number for one in metric_of("max_drawdown").ranked(falls)] == [1, 2, 0]


def test_page_holds_the_heat_map_and_every_row(sweep: Sweep) -> None:
    """The page is well-formed, needs nothing from outside, colours each cell by its value and tells all runs and failures."""
    page = sweep_page(sweep)
    body = page[page.index("<body>") : page.index("<script>")] + "</body>"
    tree = ET.fromstring(body)
    cells = [[(cell.get("class"), cell.text) for cell in line.findall("td")] for line in tree.findall(".//table[@class='map']/tr")[1:]]
    assert cells == [
        [("up", "0.50"), ("down", "−1.25"), ("none", "·")],
        [("up best", "1.50"), ("none", "·"), ("none", "·")],
    ]
    best = tree.find(".//td[@class='up best']")
    assert best is not None
    assert (best.get("style"), best.get("title")) == ("--v:1.000", "fast=10 slow=20: 1.50")
    assert len(tree.findall(".//table[@class='runs']/tbody/tr")) == 4
    assert "fast=10 slow=30 It raised <b>this</b>." in "".join(tree.itertext())
    figures = [tuple(cell.text for cell in one) for one in tree.findall(".//dl[@id='headline']/div")]
    assert figures[0] == ("Sharpe", "1.50", "the best of 5")
    assert ("Drawdown", "−10.00 %", "longest 42 days") in figures
    command = tree.find(".//section[@id='best']/code")
    assert command is not None
    assert command.text == (
        f"python -m gcg_quant --home {sweep.folder.parent.parent} backtest {EXAMPLES / 'sma_cross.py'} --symbol X --cash 10000 "
        "--commission 0 --param fast=10 --param slow=20"
    )
    assert "5 of 6 runs so far, 1 of them failed (the whole grid)" in "".join(tree.itertext())
    assert "http:" not in page
    assert "https:" not in page
    assert "src=" not in page


def test_cells_hold_the_best_of_what_shares_them() -> None:
    """Further parameters and crowded values share cells; ranges are cut into parts; one parameter makes one line."""
    metric = metric_of("sharpe")
    rows = [row(n, n / 10, a=a, b=b, c=c) for n, (a, b, c) in enumerate((a, b, c) for a in (1, 2) for b in (0.0, 0.9) for c in range(100))]
    maps = heat_maps([Axis("a", [1, 2]), Axis("b", low=0.0, high=1.0), Axis("c", list(range(100)))], rows, metric)
    assert [(one.y.name if one.y is not None else "", one.x.name) for one in maps] == [("a", "b"), ("a", "c"), ("b", "c")]
    shown = [[cell.number if cell is not None else None for cell in line] for line in maps[0].cells]
    assert shown == [[99, *[None] * 9, 199, None], [299, *[None] * 9, 399, None]]
    assert len(maps[1].x.labels) == 24
    assert maps[1].cells[1][23] == rows[399]
    alike = [row(0, 0.5, a=1), row(1, 0.7, a=True)]
    assert heat_maps([Axis("a", [1, True])], alike, metric)[0].cells == [alike]
    (line,) = heat_maps([Axis("a", [1, 2])], rows, metric)
    assert [cell.number for cell in line.cells[0] if cell is not None] == [199, 399]


def test_colours_follow_sign_or_rank() -> None:
    """Signed measures are coloured by their sign, others from worst to best."""
    scale = Scale([-2.0, 1.0], metric_of("sharpe"))
    assert (scale.of(-2.0), scale.of(0.0), scale.of(1.0)) == (-1.0, 0.0, 0.5)
    scale = Scale([0.1, 0.3], metric_of("max_drawdown"))
    assert (scale.of(0.1), scale.of(0.3)) == (1.0, 0.0)


def test_a_sweep_without_a_best_run_says_why(sweep: Sweep) -> None:
    """Where no run has the measure, the page and the table say so, with what the first run notes."""
    measures = {**MEASURES, "sharpe": None}
    sweep.rows = {0: Row(number=0, parameters=sweep.combinations[0], measures=measures, notes=["7 orders were refused: not enough cash."])}
    assert "No run has a Sharpe. 7 orders were refused: not enough cash." in sweep_page(sweep)
    text = io.StringIO()
    print_summary(sweep, Console(file=text, width=100), 2)
    assert "No run has a Sharpe.\n#1: 7 orders were refused: not enough cash.\n#1 by itself: python -m" in text.getvalue()


def test_days_are_not_extrapolated_to_a_year() -> None:
    """A rate of growth a year is shown from a month on; the numbers themselves stay."""
    day = 86_400_000_000_000
    assert shown_measures({"start_ns": 0, "end_ns": 29 * day, "cagr": 13.5, "sharpe": 2.0}) | {"end_ns": 0} == {
        **dict.fromkeys(("cagr", "calmar", "sortino", "turnover")),
        "start_ns": 0,
        "end_ns": 0,
        "sharpe": 2.0,
    }
    assert shown_measures({"start_ns": 0, "end_ns": 31 * day, "cagr": 0.5})["cagr"] == 0.5


def test_figures_are_written_alike() -> None:
    """A report's numbers have the form of a run's page: two decimals, signs where they tell, drawdowns as losses."""
    for name, value, text, sign in (
        ("sharpe", -1.234, "−1.23", ""),
        ("total_return", 0.0512, "+5.12 %", "up"),
        ("total_return", -0.0512, "−5.12 %", "down"),
        ("total_return", 0.00001, "0.00 %", ""),
        ("total_return", -0.00001, "0.00 %", ""),
        ("max_drawdown", 0.25, "−25.00 %", "down"),
        ("max_drawdown", 0.0, "0.00 %", ""),
        ("max_drawdown_percent", 12.5, "−12.50 %", "down"),
        ("trades", 1234, "1,234", ""),
        ("cagr", None, "–", ""),
    ):
        assert (report_figure(name, value), sign_of(name, value)) == (text, sign), name


def test_console_json_and_csv_tell_the_same(sweep: Sweep, tmp_path: Path) -> None:
    """Table, JSON and CSV hold the rows in the same order."""
    text = io.StringIO()
    print_summary(sweep, Console(file=text, width=100), 2)
    shown = text.getvalue()
    assert "SmaCross on X 1d: the best of 5 by Sharpe" in shown
    assert "1.5000  50.00 %" in shown.replace("   ", "  ")
    assert "failed: fast=10 slow=30: It raised <b>this</b>." in shown
    assert "1 of 6 runs are left" in shown
    found = json.loads(json.dumps(summary(sweep), allow_nan=False))
    assert [one["number"] for one in found["rows"]] == [3, 0, 1, 2, 4]
    assert len(summary(sweep, 2)["rows"]) == 2
    save_csv(sweep, tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [(one["rank"], one["number"], one["fast"], one["slow"], one["sharpe"]) for one in table[:2]] == [
        ("1", "3", "10", "20", "1.5"),
        ("2", "0", "5", "20", "0.5"),
    ]
    assert table[-1]["error"] == "It raised <b>this</b>."
