"""ChanStroke and ChanPivot in Backtrader: each value is what is known at its bar, however the run goes."""

from __future__ import annotations

from math import nan
from pathlib import Path
from types import ModuleType
from typing import Any

import backtrader as bt
import numpy as np
import pytest

from gcg_quant.backtest import ChanPivot, ChanStroke, EventDrivenCerebro, EventDrivenDataFeed
from gcg_quant.errors import BacktestError
from gcg_quant.strategy_engine.chan import ChanAnalyzer

BARS = 900


class Looks(bt.Strategy):  # type: ignore[misc]
    """Notes both indicators at each bar."""

    params = (("variant", "old-strict"),)

    def __init__(self) -> None:
        """Make them."""
        self.stroke = ChanStroke(self.data, variant=self.p.variant)
        self.pivot = ChanPivot(self.data, variant=self.p.variant)
        self.seen: list[tuple[float, ...]] = []

    def next(self) -> None:
        """Note all lines."""
        self.seen.append(tuple(float(line[0]) for one in (self.stroke, self.pivot) for line in one.lines))


def known(bars: Any, variant: str) -> list[tuple[float, ...]]:
    """Return what an analyzer says after each bar, of all its rows."""
    analyzer, rows = ChanAnalyzer(variant=variant), []
    for bar in bars:
        analyzer.bar(int(bar["start_ns"]), bar["high"], bar["low"], bar["close"])
        strokes, pivots = analyzer.strokes, analyzer.pivots
        sure = strokes[strokes["confirmed"] >= 0]
        row = [strokes[-1]["end_price"], 1.0 if strokes[-1]["up"] else -1.0] if len(strokes) else [nan, nan]
        row += [sure[-1]["end_price"] if len(sure) else nan, strokes[-1]["force"] if len(strokes) else nan]
        if len(pivots):
            state = 2.0 if pivots[-1]["confirmed"] >= 0 else 1.0 if pivots[-1]["formed"] >= 0 else 0.0
            row += [*(pivots[-1][name] for name in ("zg", "zd", "gg", "dd")), state]
        else:
            row += [nan] * 5
        rows.append(tuple(map(float, row)))
    return rows


@pytest.mark.parametrize("make", [EventDrivenCerebro, lambda: EventDrivenCerebro(fast=False)], ids=["fast", "stock"])
@pytest.mark.parametrize(
    "options", [{}, {"runonce": False}, {"runonce": False, "preload": False}], ids=["at-once", "bar-by-bar", "not-preloaded"]
)
def test_values_are_those_known_at_their_bar(make: Any, options: dict[str, bool], shared_data: Path, kit: ModuleType) -> None:
    """Preloaded and computed at once, or bar by bar, fast or not: the same as an analyzer says after each bar; and tentative ends move."""
    bars = kit.read_daily(shared_data / "stock/SPY_daily.csv.gz")[1][:BARS]
    variant = "new-loss" if options else "old-strict"
    cerebro = make()
    cerebro.adddata(EventDrivenDataFeed(dataname="SPY", period="1d", bars=bars))
    cerebro.addstrategy(Looks, variant=variant)
    (looks,) = cerebro.run(**options)
    expected = known(bars, variant)
    assert len(looks.seen) == BARS
    np.testing.assert_array_equal(np.array(looks.seen), np.array(expected))
    assert len({row[0] for row in looks.seen}) > len({row[2] for row in looks.seen}) > 10
    assert {row[8] for row in looks.seen if row[8] == row[8]} >= {1.0, 2.0}


def test_a_replayed_feed_is_refused(kit: ModuleType) -> None:
    """Bars in the making are none of Chan's bars: a sentence says what to do instead."""
    cerebro = bt.Cerebro()
    feed = EventDrivenDataFeed(dataname="X", period="1m", bars=kit.random_bars(50))
    cerebro.replaydata(feed, timeframe=bt.TimeFrame.Minutes, compression=5)
    cerebro.addstrategy(Looks)
    with pytest.raises(BacktestError, match="use resampledata"):
        cerebro.run(preload=False)
