"""`plot` of a tick strategy: its points stand in the result and its report, as many as a chart can show."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tick_kit import NOON, SECOND, walk

from gcg_quant.backtest import hft
from gcg_quant.backtest.hft import plots
from gcg_quant.backtest.hft.plots import RunPlots
from gcg_quant.bar_arrays import resample
from gcg_quant.errors import InstrumentError, StrategyError
from gcg_quant.events import PlotEvent
from gcg_quant.strategy_engine.chan import ChanAnalyzer


def drawn_in(result: hft.Result, folder: Path) -> dict[str, Any]:
    """Return what the report of a run draws."""
    page = result.report(folder / "report.html").read_text(encoding="utf-8")
    (text,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
    found: dict[str, Any] = json.loads(text)
    return found


class Draws(hft.Strategy):
    """Draws each price over it, and the spread below the other symbol's."""

    name = hft.Parameter("price")
    at = hft.Parameter("XYZ")

    def on_tick(self, tick: hft.Tick) -> None:
        """Draw."""
        if tick.symbol == "ABC":
            self.plot(self.name, tick.last_price)
            self.plot("spread", tick.ask_price - tick.bid_price, self.at, "below")
            self.plot("nothing", float("nan"))


def test_points_stand_in_the_result_and_at_the_bars_of_the_report(make_engine: Any, tmp_path: Path) -> None:
    """Without a symbol they are the first one's; each has its time, and its bar in the report; another run begins without any."""
    rows = walk(50)
    engine = make_engine(Draws(), data={"ABC@SIM": rows, "XYZ@SIM": walk(50, seed=2)})
    for _ in range(2):
        result = engine.run()
        price, spread = result.backtest.plots
        assert (price.symbol, price.name, price.place) == ("ABC", "price", "price")
        assert price.values == rows["last_price"].tolist()
        assert price.times_ns == [NOON + at * SECOND for at in range(50)]
        assert (spread.symbol, spread.name, spread.place, set(spread.values)) == ("XYZ", "spread", "below", {1.0})
    drawn = drawn_in(result, tmp_path)["plots"]
    assert [(one["symbol"], one["name"], len(one["values"])) for one in drawn] == [("ABC", "price", 50), ("XYZ", "spread", 50)]


def test_plots_of_several_strategies_have_their_names(make_engine: Any) -> None:
    """The same plot of two strategies is two lines."""
    result = make_engine(Draws(at="ABC"), Draws(at="ABC"), data={"ABC@SIM": walk(5)}).run()
    assert [one.name for one in result.backtest.plots] == ["Draws: price", "Draws: spread", "Draws2: price", "Draws2: spread"]


def test_what_cannot_be_drawn_is_refused(make_engine: Any) -> None:
    """As on paper: an empty name, and a symbol that does not take part."""
    with pytest.raises(StrategyError, match="A plot needs a name of 1 to 64 characters, not ''"):
        make_engine(Draws(name=""), data={"ABC@SIM": walk(2)}).run()
    with pytest.raises(StrategyError) as caught:
        make_engine(Draws(at="AB"), data={"ABC@SIM": walk(2)}).run()
    assert isinstance(caught.value.__cause__, InstrumentError)


class Watches(hft.Strategy):
    """Has Chan's elements in the report."""

    draws_chan = True
    variant = hft.Parameter("new-loss")
    trend_pivots = hft.Parameter(1)

    def init(self) -> None:
        """Take bars."""
        self.bars("5m")


def test_report_draws_chan_of_the_bars_that_the_strategy_takes(make_engine: Any, tmp_path: Path) -> None:
    """By its own parameters, each element at a bar of the chart; where the chart's bars are longer a note says so."""
    result = make_engine(Watches(), data={"ABC@SIM": walk(6_000, step_ns=20 * SECOND)}).run()
    drawn = drawn_in(result, tmp_path)["chan"]["ABC"]
    bars = result.sources[0].bars
    longer = resample(bars, "5m")
    whole = ChanAnalyzer("new-loss", trend_pivots=1)
    whole.extend(longer["start_ns"], longer["high"], longer["low"], longer["close"])
    assert len(whole.strokes) > 5
    assert [row[1] for row in drawn["strokes"]["rows"]] == whole.strokes["begin_price"].tolist()
    at = np.searchsorted(bars["start_ns"], longer["start_ns"][whole.strokes["begin"]])
    assert [row[0] for row in drawn["strokes"]["rows"]] == at.tolist()
    long = make_engine(Watches(), data={"ABC@SIM": walk(3_000, step_ns=3 * 3600 * SECOND)}).run()
    assert drawn_in(long, tmp_path)["chan"] == {}
    assert any("Chan elements of 5m bars are not drawn: the chart of so long a run has bars of" in note for note in long.backtest.notes)


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=300))
def test_a_long_run_keeps_the_last_point_of_each_stretch(steps: list[int]) -> None:
    """Never more than the most, in order of time, evenly apart, each with its own value; the newest one is among them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plots, "MOST_POINTS", 20)
        drawn, at, given_points = RunPlots(), NOON, {}
        for step in steps:
            at += step
            given_points[at] = float(step)
            drawn.put(PlotEvent(symbol="X", venue="", strategy="s", name="n", event_ns=at, value=float(step)))
    ((strategy, symbol, name, place, times, values),) = drawn.rows()
    assert (strategy, symbol, name, place) == ("s", "X", "n", "price")
    assert 1 <= len(times) <= 20
    assert times == sorted(set(times))
    assert times[-1] == at
    assert values == [given_points[one] for one in times]
    far = max((at - min(given_points)) // 10, 100_000_000)  # a stretch: there were more than twenty of half its length
    for first in given_points:
        assert any(0 <= one - first <= far for one in times)
