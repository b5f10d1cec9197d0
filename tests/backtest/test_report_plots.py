"""What a strategy draws with `plot` stands in the report of its backtest."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from gcg_quant.backtest import BacktestEngine, BacktestResult, BacktestSpec
from gcg_quant.errors import StrategyError

OURS = """
from gcg_quant.strategy_engine import Strategy


class Drawing(Strategy):
    def on_bar(self, bar):
        self.plot("mean", self.bars(bar.symbol, "1m", 3)["close"].mean())
        self.plot("gap", bar.high - bar.low, place="below")
"""

BACKTRADER = """
import backtrader as bt


class Drawing(bt.Strategy):
    params = (("name", "mean"),)

    def __init__(self):
        self.mean = bt.ind.SMA(period=3)

    def next(self):
        self.plot(self.p.name, self.mean[0])
        self.plot("gap", self.data.high[0] - self.data.low[0], symbol=self.data, place="below")
"""


def run(kit: ModuleType, folder: Path, code: str, **options: Any) -> BacktestResult:
    """Run a file over 60 bars."""
    file = folder / "drawing.py"
    file.write_text(code, encoding="utf-8")
    engine = BacktestEngine(folder / "home", folders=[folder], store=kit.stored(kit.random_bars(60, seed=4), "AAA"))
    return engine.run(BacktestSpec(file=str(file), symbols=["AAA"], period="1m", **options))


def plots_of(result: BacktestResult) -> list[dict[str, Any]]:
    """Return the plots in the report of a run."""
    page = (Path(result.folder) / "report.html").read_text(encoding="utf-8")
    (text,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
    found: list[dict[str, Any]] = json.loads(text)["plots"]
    return found


@pytest.mark.parametrize("code", [OURS, BACKTRADER], ids=["ours", "backtrader"])
def test_points_stand_at_their_bars(kit: ModuleType, tmp_path: Path, code: str) -> None:
    """Each point at the bar it was drawn at, over the price or below; without a report nothing is kept."""
    bars = kit.random_bars(60, seed=4)
    result = run(kit, tmp_path, code)
    mean, gap = result.plots
    assert [(one.symbol, one.name, one.place) for one in (mean, gap)] == [("AAA", "mean", "price"), ("AAA", "gap", "below")]
    times = [time_ns for time_ns, _ in result.values]
    assert gap.times_ns == times[-len(gap.times_ns) :]
    assert gap.values == pytest.approx((bars["high"] - bars["low"])[-len(gap.values) :].tolist())
    assert mean.values[-1] == pytest.approx(bars["close"][-3:].mean())
    first, second = plots_of(result)
    assert (first["name"], first["place"], second["name"], second["place"]) == ("mean", "price", "gap", "below")
    places = np.cumsum([second["at"]["first"], *(second["at"]["unit"] * step for step in second["at"]["steps"])])
    assert places.tolist() == list(range(60 - len(gap.values), 60))
    assert second["values"] == pytest.approx(gap.values, rel=1e-7)
    assert "plots" not in json.loads(result.to_json())
    assert run(kit, tmp_path, code, report=False).plots == []


def test_plot_that_cannot_be_drawn_ends_the_run_with_a_sentence(kit: ModuleType, tmp_path: Path) -> None:
    """The name is what was wrong, told with the file."""
    with pytest.raises(StrategyError, match=r"A plot needs a name of 1 to 64 characters, not ''"):
        run(kit, tmp_path, BACKTRADER, parameters={"name": ""})


@pytest.mark.browser
def test_report_draws_them(kit: ModuleType, chromium: Any, tmp_path: Path) -> None:
    """A line over the prices, one in a chart below them, both with their values in the legends, in every theme."""
    result = run(kit, tmp_path, OURS)
    page = chromium.new_page(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto((Path(result.folder) / "report.html").as_uri())
    page.wait_for_selector("#below canvas")
    assert "mean " in page.inner_text("#legend")
    assert page.inner_text("#below-legend").startswith("gap ")
    page.click("#theme")
    drawn = "[...document.getElementById('charts').view.charts.plots.lines.drawn.values()].map(({series}) => series.data().length)"
    assert page.evaluate(drawn) == [60]
    page.hover("#below")
    assert page.inner_text("#below-legend").startswith("gap ")
    page.close()
    assert faults == []
