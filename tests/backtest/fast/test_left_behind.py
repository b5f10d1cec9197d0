"""What a fast run leaves, and what user code may ask of it: plots, pickles, sweeps' results, and an object's own class."""

from __future__ import annotations

import gc
import pickle
import weakref
from types import ModuleType
from typing import Any

import backtrader as bt
import pytest

from gcg_quant.backtest import EventDrivenCerebro
from gcg_quant.backtest.cerebro_run.plotting import drawing
from gcg_quant.backtest.fast.class_asked import asks_for_class

KINDS = ("TradeAnalyzer", "DrawDown", "TimeReturn", "Returns", "VWR", "SharpeRatio", "Transactions", "GrossLeverage", "PyFolio")


class Crossing(bt.Strategy):
    """Trades at crossings."""

    params = (("slow", 9),)

    def __init__(self) -> None:
        self.cross = bt.ind.CrossOver(bt.ind.SMA(period=3), bt.ind.EMA(period=self.p.slow))

    def next(self) -> None:
        """Be in the market while the fast average is above the slow one."""
        if self.cross > 0 and not self.position:
            self.buy()
        elif self.cross < 0 and self.position:
            self.close()


def both(kit: ModuleType, count: int = 90) -> list[Any]:
    """Return stock's cerebro and ours, with a feed each."""
    made = [bt.Cerebro(), EventDrivenCerebro()]
    for cerebro in made:
        cerebro.adddata(bt.feeds.PandasData(dataname=kit.frame_of(kit.random_bars(count)), timeframe=bt.TimeFrame.Minutes, name="X"))
    return made


def drawn(cerebro: Any) -> list[Any]:
    """Return all that a plot of a run shows: the points, texts and colours of each of its axes."""
    import matplotlib.pyplot

    with drawing():
        ((figure,),) = cerebro.plot()
    found = []
    for axes in figure.axes:
        lines = [(line.get_label(), line.get_xydata().tobytes(), str(line.get_color())) for line in axes.lines]
        areas = [[path.vertices.tobytes() for path in one.get_paths()] for one in axes.collections]
        bars = [(patch.get_path().vertices.tobytes(), patch.get_extents().bounds, patch.get_facecolor()) for patch in axes.patches]
        legend = axes.get_legend()
        texts = [text.get_text() for text in [*axes.texts, *(legend.get_texts() if legend else ())]]
        found.append((axes.get_position().bounds, axes.get_xlim(), axes.get_ylim(), lines, areas, bars, texts))
    matplotlib.pyplot.close(figure)
    return found


def test_a_plot_shows_the_same(kit: ModuleType) -> None:
    """After a fast run every axis of Backtrader's plot has the points, bars, texts and limits that it has after stock's."""
    pytest.importorskip("matplotlib")
    plots = []
    for cerebro in both(kit, 60):
        kit.restart_references()
        cerebro.addstrategy(Crossing)
        cerebro.addobserver(bt.observers.DrawDown)
        cerebro.run()
        assert getattr(cerebro, "fast_reason", "") == ""
        plots.append(drawn(cerebro))
    assert len(plots[0]) >= 6
    assert plots[0] == plots[1]


def test_analyses_pickle_the_same(kit: ModuleType) -> None:
    """What Backtrader's analyzers have found pickles to stock's bytes."""
    pickles = []
    for cerebro in both(kit):
        kit.restart_references()
        cerebro.addstrategy(Crossing)
        for kind in KINDS:
            cerebro.addanalyzer(getattr(bt.analyzers, kind))
        (strategy,) = cerebro.run()
        assert getattr(cerebro, "fast_reason", "") == ""
        pickles.append([pickle.dumps(analyzer.get_analysis()) for analyzer in strategy.analyzers])
    for kind, stock, ours in zip(KINDS, *pickles, strict=True):
        assert stock == ours, kind


def test_results_of_a_sweep_pickle_the_same(kit: ModuleType) -> None:
    """The OptReturns of a sweep, which worker processes send home, pickle to stock's bytes, and are read back with their analyzers."""
    pickles = []
    for cerebro in both(kit):
        kit.restart_references()
        cerebro.optstrategy(Crossing, slow=[7, 9])
        cerebro.addanalyzer(bt.analyzers.TradeAnalyzer)
        cerebro.addanalyzer(bt.analyzers.DrawDown)
        runs = cerebro.run(maxcpus=1)
        assert getattr(cerebro, "fast_reason", "") == ""
        pickles.append(pickle.dumps([[(type(one), one.params._getkwargs(), list(one.analyzers)) for one in run] for run in runs]))
    assert pickles[0] == pickles[1]
    read = pickle.loads(pickles[1])
    assert [run[0][1]["slow"] for run in read] == [7, 9]
    assert read[0][0][2][0].get_analysis().total.total > 0


class Asking(Crossing):
    """Asks for its class, and so does its indicator."""

    def __init__(self) -> None:
        super().__init__()
        self.own = Midway()
        self.seen: list[bool] = []

    def next(self) -> None:
        """Look at classes, then trade."""
        self.seen.append(type(self) is Asking and self.__class__ is Asking and type(self.own) is Midway)
        self.seen.append(len(self) == len(self.data) and self.position.size == self.getposition().size)
        super().next()


class Midway(bt.Indicator):
    """Half the range, for objects of this very class."""

    lines = ("half",)

    def next(self) -> None:
        """Compute, if this is what it seems."""
        self.lines.half[0] = (self.data.high[0] + self.data.low[0]) / 2 if type(self) is Midway else -1.0


@pytest.mark.parametrize("runonce", [True, False])
def test_a_class_that_asks_for_itself_finds_itself(kit: ModuleType, runonce: bool) -> None:
    """`type(self) is Mine` is true in a fast run too, in strategies and indicators that ask, and the run is stock's."""
    assert asks_for_class(Asking)
    assert not asks_for_class(Crossing)
    values = []
    for cerebro in both(kit):
        kit.restart_references()
        cerebro.addstrategy(Asking)
        (strategy,) = cerebro.run(runonce=runonce)
        assert getattr(cerebro, "fast_reason", "") == ""
        assert strategy.seen
        assert all(strategy.seen)
        orders = [(order.ref, order.status, order.executed.price) for order in strategy._orders]
        values.append((strategy.own.lines.half.array.tobytes(), strategy.cross.lines[0].array.tobytes(), orders, cerebro.broker.getvalue()))
    assert values[0] == values[1]
    assert values[0][2]


def test_methods_of_every_kind_are_looked_into() -> None:
    """A mention in a property, a class method or a function inside of another one is found."""

    class Hidden(bt.Strategy):
        @property
        def mine(self) -> bool:
            return [one for one in (self,) if type(one) is Hidden] != []

    class Classy(bt.Strategy):
        @classmethod
        def made(cls, thing: Any) -> bool:
            return (lambda: thing.__class__ is cls)()

    assert asks_for_class(Hidden)
    assert asks_for_class(Classy)


class Clinging(bt.Strategy):
    """Hangs itself on its orders."""

    def next(self) -> None:
        """Place an order that waits, and one that is filled."""
        if len(self) == 2:
            self.waiting = self.buy(exectype=bt.Order.Limit, price=1.0, me=self)
            self.waiting.executed.me = self
            self.buy()
        if len(self) == 5:
            self.cancel(self.waiting)
            self.close()


def clinging(kit: ModuleType) -> weakref.ref[Any]:
    """Return what tells whether such a strategy is there still, after looking at what the garbage collector follows."""
    cerebro = both(kit, 20)[1]
    cerebro.addstrategy(Clinging)
    (strategy,) = cerebro.run()
    assert not cerebro.fast_reason
    waiting, filled = strategy.broker.orders[:2]
    numbers = (filled.created, filled.executed, filled.executed.exbits, filled.executed.exbits[0], filled.info)
    assert not any(map(gc.is_tracked, numbers))
    assert all(map(gc.is_tracked, (waiting, waiting.info, waiting.executed, filled)))
    return weakref.ref(strategy)


def test_a_run_is_freed(kit: ModuleType) -> None:
    """The garbage collector is not asked to follow what holds numbers alone, but it follows what more is put there."""
    last = clinging(kit)
    gc.collect()
    assert last() is None
