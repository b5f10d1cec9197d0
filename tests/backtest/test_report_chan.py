"""Chan elements stand in the report of a strategy that asks for them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import backtrader as bt
import numpy as np
import pytest

from gcg_quant.backtest import BacktestEngine, BacktestResult, BacktestSpec, EventDrivenCerebro, EventDrivenDataFeed
from gcg_quant.bar_arrays import resample
from gcg_quant.strategy_engine.chan import ChanAnalyzer

OURS = """
from gcg_quant.strategy_engine import Parameter, Strategy


class Watching(Strategy):
    draws_chan = True
    variant = Parameter("new-loss", doc="of the strokes")
    trend_pivots = Parameter(1, doc="pivots that make a trend")

    def on_bar(self, bar):
        pass
"""

BACKTRADER = """
import backtrader as bt


class Watching(bt.Strategy):
    draws_chan = True
    params = (("variant", "old-half"), ("period", "5m"))
"""


def run(kit: ModuleType, folder: Path, code: str) -> BacktestResult:
    """Run a file over 1,500 bars."""
    file = folder / "watching.py"
    file.write_text(code, encoding="utf-8")
    engine = BacktestEngine(folder / "home", folders=[folder], store=kit.stored(kit.random_bars(1500, seed=4), "AAA"))
    return engine.run(BacktestSpec(file=str(file), symbols=["AAA"], period="1m"))


def chan_of(result: BacktestResult) -> dict[str, Any]:
    """Return the Chan elements in the report of a run."""
    page = result.page()
    assert page is not None
    (text,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
    found: dict[str, Any] = json.loads(text)["chan"]
    return found


def test_elements_are_those_of_the_runs_bars(kit: ModuleType, tmp_path: Path) -> None:
    """By the strategy's own parameters; a report of a class that does not ask has none."""
    result = run(kit, tmp_path, OURS)
    bars = kit.random_bars(1500, seed=4)
    whole = ChanAnalyzer("new-loss", trend_pivots=1)
    whole.extend(bars["start_ns"], bars["high"], bars["low"], bars["close"])
    chan = chan_of(result)["AAA"]
    assert {name: part["style"] for name, part in chan.items()} == {
        "strokes": "thin",
        "segments": "thick",
        "pivots": "box",
        "points": "marker",
    }
    strokes = zip(*(whole.strokes[field].tolist() for field in ("begin", "begin_price", "end", "end_price")), strict=True)
    assert [tuple(row[:4]) for row in chan["strokes"]["rows"]] == list(strokes)
    assert [row[4] for row in chan["strokes"]["rows"]] == [True] * (len(whole.strokes) - 1) + [False]
    assert [(row[0], row[5]) for row in chan["points"]["rows"]] == [(one["bar"], one["kind"].decode()) for one in whole.points]
    assert len(chan["segments"]["rows"]) > 3
    assert "chan" not in json.loads(result.to_json())
    assert chan_of(run(kit, tmp_path, OURS.replace("draws_chan = True", ""))) == {}


def test_elements_of_a_longer_period_stand_at_the_first_of_its_bars(kit: ModuleType, tmp_path: Path) -> None:
    """A Backtrader class whose period is five minutes, in a run over minutes."""
    chan = chan_of(run(kit, tmp_path, BACKTRADER))["AAA"]
    bars = kit.random_bars(1500, seed=4)
    longer = resample(bars, "5m")
    whole = ChanAnalyzer("old-half")
    whole.extend(longer["start_ns"], longer["high"], longer["low"], longer["close"])
    at = np.searchsorted(bars["start_ns"], longer["start_ns"][whole.strokes["end"]])
    assert [row[2] for row in chan["strokes"]["rows"]] == at.tolist()
    assert len(at) > 10


def test_the_shipped_strategy_has_them_in_its_report(kit: ModuleType, tmp_path: Path) -> None:
    """Those of its own period and variant, beside its trades."""
    engine = BacktestEngine(tmp_path / "home", store=kit.stored(kit.random_bars(1500, seed=4), "AAA"))
    parameters = {"period": "5m", "variant": "old-half"}
    result = engine.run(BacktestSpec(file="chan.py", symbols=["AAA"], period="1m", parameters=parameters))
    assert result.measures.trades > 0
    assert chan_of(result) == chan_of(run(kit, tmp_path, BACKTRADER))


class Watching(bt.Strategy):
    """Does nothing."""

    draws_chan = True
    params = (("variant", "old-half"),)


def test_the_report_of_a_cerebro_of_ones_own_has_them(kit: ModuleType, tmp_path: Path) -> None:
    """The same elements as in the report of a file of the same class."""
    cerebro = EventDrivenCerebro()
    cerebro.adddata(EventDrivenDataFeed(dataname="AAA", period="1m", bars=kit.random_bars(1500, seed=4)))
    cerebro.addstrategy(Watching)
    cerebro.run()
    code = BACKTRADER.replace(', ("period", "5m")', ",")
    assert chan_of(cerebro.result()) == chan_of(run(kit, tmp_path, code))


@pytest.mark.browser
def test_report_draws_chan(kit: ModuleType, chromium: Any, tmp_path: Path) -> None:
    """Lines, boxes and marks over the prices, named in the legend, in every theme."""
    result = run(kit, tmp_path, OURS)
    page = chromium.new_page(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto((Path(result.folder) / "report.html").as_uri())
    page.wait_for_function("document.getElementById('charts').view?.charts.price.shapes.places.length > 20")
    assert "pivots" in page.inner_text("#legend")
    drawn = "document.getElementById('charts').view.charts.price.shapes.places.filter(one => one.x !== null)"
    assert page.evaluate(f"[...new Set({drawn}.map(one => one.style))]") == ["thin", "thick", "box", "marker"]
    page.click("#theme")
    page.wait_for_function("document.getElementById('charts').view.charts.price.shapes.places.length > 20")
    page.close()
    assert faults == []
