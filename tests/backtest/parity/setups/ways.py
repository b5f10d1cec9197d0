"""What a run may be asked to do beside its bars: signals, timers, writers, orders at the open, news at once, a feed twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import backtrader as bt

from ..bars import coarse_bars
from ..sides import FAST, Setup, Side
from ..watching import Plain, Watching, note, trading
from .analyzers import Nosy
from .computations import Counts, Marks
from .orders import brackets, limits, market, scene
from .runs import Distance, HeedsSignals

__all__ = ["SETUPS"]


class Quick(Watching):
    """Trades from within its notifications."""

    def notify_order(self, order: Any) -> None:
        """Give another order as soon as one is filled."""
        super().notify_order(order)
        note("pending", len(self._orderspending), len(self), self.position.size, self.broker.getvalue())
        if order.status == order.Completed and order.ref % 3 == 0:
            self.sell(exectype=bt.Order.Stop, price=order.executed.price - 1.0)

    def act(self, bar: int) -> None:
        """Place orders of all kinds."""
        if bar % 3 == 0:
            limits(self, bar // 3)
        if bar % 11 == 0:
            brackets(self, bar // 11)


def quickly(strategy: type, *analyzers: type, **params: Any) -> Callable[[Side], Any]:
    """Return what tells orders as soon as the broker does."""

    def build(side: Side) -> Any:
        cerebro = scene(strategy, quicknotify=True, **params)(side)
        for analyzer in analyzers:
            cerebro.addanalyzer(analyzer)
        return cerebro

    return build


def doubled(side: Side) -> Any:
    """A feed and its clone, traded apart, with an indicator that goes bar by bar over the clone."""

    class Both(Nosy):
        def __init__(self) -> None:
            self.body = bt.ind.HeikinAshi(self.data1)
            self.average = bt.ind.SMA(self.data1, period=4)

        def act(self, bar: int) -> None:
            super().act(bar)
            note("clone", len(self.data1), self.data1.close[0], self.data1.tick_close, self.average[0], self.body.ha_close[0])
            if bar % 5 == 0:
                self.buy(self.data1) if bar % 2 else self.close(self.data1)

    cerebro = side.cerebro()
    data = cerebro.adddata(side.feed(coarse_bars(80), "X"))
    cerebro.adddata(data.clone(), name="Y")
    cerebro.addstrategy(Both)
    return cerebro


def quick_signals(side: Side) -> Any:
    """Signals, told at once, beside a strategy without any."""
    cerebro = side.cerebro(quicknotify=True)
    cerebro.adddata(side.feed(coarse_bars(90)))
    cerebro.addstrategy(HeedsSignals, signals=[(bt.SIGNAL_LONGSHORT, Distance, (), {})], _accumulate=True)
    cerebro.addstrategy(trading(market, every=9))
    cerebro.addanalyzer(Counts, label="all")
    cerebro.addobserver(Marks)
    return cerebro


SETUPS = [
    Setup("news at once", quickly(Quick), FAST, told=True),
    Setup("news at once, analysed", quickly(trading(market), Counts, bt.analyzers.TradeAnalyzer, bt.analyzers.DrawDown), FAST),
    Setup("news at once, nobody listens", quickly(trading(brackets, base=Plain), stdstats=False), FAST, ours=False),
    Setup("news at once, bar by bar", quickly(Quick), FAST, (("runonce", False),), ours=False),
    Setup("signals told at once", quick_signals, FAST, ours=False),
    Setup("a feed and its clone", doubled, FAST, ours=False),
]
