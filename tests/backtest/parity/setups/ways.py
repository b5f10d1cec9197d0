"""What a run may be asked to do beside its bars: signals, timers, writers, orders at the open, news at once, a feed twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import backtrader as bt
import pytest

from ..bars import coarse_bars
from ..sides import FAST, Setup, Side
from ..watching import Plain, Watching, note, trading
from .analyzers import Nosy
from .computations import Counts, Marks
from .orders import brackets, limits, market, scene
from .runs import Distance, HeedsSignals

__all__ = ["SETUPS"]


def partly(strategy: type, **params: Any) -> type:
    """Return the class with other defaults."""
    return type(strategy)(strategy.__name__, (strategy,), {"params": tuple(params.items()), "__module__": __name__})


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


class AtTheOpen(Nosy):
    """Looks at everything before the broker does, trades then and afterwards, and ends the run there."""

    params = (("last", 10**6),)

    def __init__(self) -> None:
        self.average = bt.ind.EMA(period=5)

    def next_open(self) -> None:
        """Trade before the bar is matched."""
        data, held = self.data, self.getposition()
        note(
            "open",
            len(self),
            len(data),
            len(self.average),
            data.open[0],
            data.close[-1],
            self.average[0],
            held.size,
            held.price,
            held.adjbase,
        )
        note("worth", self.broker.getvalue(), self.broker.getcash(), self.broker.get_fundvalue(), self.broker.get_value([data]))
        bar = len(data)
        if bar % 5 == 0:
            self.buy(size=2, exectype=bt.Order.Limit, price=data.open[0] - 0.5) if bar % 2 else self.sell()
        if bar % 9 == 0:
            self.close()
        if bar % 21 == 0:
            self.broker.add_cash(100.0)
        if bar == self.p.last:
            self.env.runstop()


class Rung(Watching):
    """Trades whenever a timer rings, before the broker and after it; the last one ends the run or breaks it."""

    params = (("last", 10**6), ("breaks", False))

    def __init__(self) -> None:
        hour = timedelta(hours=1)
        self.add_timer(time(1), repeat=2 * hour, cheat=True, number=1)
        self.add_timer(time(2), repeat=3 * hour, number=2)

    def notify_timer(self, timer: Any, when: Any, *args: Any, **kwargs: Any) -> None:
        """Look, trade, and end."""
        super().notify_timer(timer, when, *args, **kwargs)
        held = self.getposition()
        note("rings", len(self), len(self.data), held.size, held.price, held.adjbase, self.broker.getvalue(), self.broker.getcash())
        self.buy() if kwargs["number"] == 1 and held.size < 3 else self.close()
        if len(self.data) >= self.p.last:
            note("last", 1 / 0 if self.p.breaks else self.env.runstop())


def with_writers(side: Side) -> Any:
    """Two writers, one of columns, over two feeds and two strategies with observers and analyzers."""
    cerebro = side.cerebro()
    for number in range(2):
        cerebro.adddata(side.feed(coarse_bars(40 + 9 * number, number + 1), f"F{number}"))
    cerebro.addwriter(bt.WriterFile, out=side.out, csv=True, csv_counter=False)
    cerebro.addwriter(bt.WriterFile, out=side.out)
    cerebro.addindicator(bt.ind.SMA, period=4)
    cerebro.addanalyzer(bt.analyzers.DrawDown)
    cerebro.addstrategy(trading(market, base=Plain))
    cerebro.addstrategy(Rung)
    return cerebro


class Overwriting(Nosy):
    """Writes prices past the line, into its array, while orders wait and positions are held."""

    def __init__(self) -> None:
        self.average = bt.ind.SMA(period=3)

    def act(self, bar: int) -> None:
        """Look how many bars there are, trade, and change prices of this bar and the next."""
        super().act(bar)
        note("bars", self.data.buflen(), self.data.close.buflen(), len(self.data) == self.data.buflen(), self.average.buflen())
        if bar in (20, 40) and len(self.data) < self.data.buflen():
            at = self.data.close.idx
            self.data.close.array[at] += 3.0
            self.data.lines.open.array[at + 1] -= 2.0
            self.data.low.array[at + 1] -= 4.0
        note("now", self.broker.getvalue(), self.getposition().adjbase, self.data.datetime.date(), self.data.datetime.time())


class TechnicalAnalysis(Nosy):
    """Indicators of ta-lib."""

    def __init__(self) -> None:
        talib = pytest.importorskip("talib") and bt.talib
        data = self.data
        self.found = [
            talib.SMA(data.close, timeperiod=4),
            talib.RSI(data.close, timeperiod=5),
            talib.ATR(data.high, data.low, data.close, timeperiod=6),
            talib.BBANDS(data.close, timeperiod=5),
            talib.CDLDOJI(data.open, data.high, data.low, data.close),
        ]
        self.smooth = bt.ind.SMA(self.found[0] - self.found[3].middleband, period=3)

    def act(self, bar: int) -> None:
        super().act(bar)
        note("ta-lib", [[line[0] for line in one.lines] for one in self.found], self.smooth[0])
        if self.found[1] < 45.0 and not self.position:
            self.buy()


def fees(cerebro: Any) -> None:
    """Pay commission and interest."""
    cerebro.broker.setcommission(commission=0.001, interest=0.1, interest_long=True)


SETUPS = [
    Setup("at the open", scene(AtTheOpen, count=70, cheat_on_open=True), FAST, told=True),
    Setup("at the open, few looks", scene(AtTheOpen, fees, count=70, cheat_on_open=True, stdstats=False), FAST, ours=False),
    Setup("at the open without the broker's", scene(AtTheOpen, count=70, cheat_on_open=True, broker_coo=False), FAST, ours=False),
    Setup("at the open, then stopped", scene(partly(AtTheOpen, last=50), cheat_on_open=True), FAST, ours=False),
    Setup("timers before and after", scene(Rung, fees), FAST, told=True),
    Setup("timers, few looks", scene(Rung, stdstats=False), FAST, ours=False),
    Setup("timers that stop the run", scene(partly(Rung, last=50)), FAST, ours=False),
    Setup("timers that break", scene(partly(Rung, last=45, breaks=True)), FAST, ours=False),
    Setup("prices overwritten", scene(Overwriting, count=60), FAST, ours=False),
    Setup("prices overwritten, few looks", scene(Overwriting, count=60, stdstats=False), FAST),
    Setup("ta-lib's indicators", scene(TechnicalAnalysis, count=60), FAST, ours=False),
    Setup("ta-lib's indicators bar by bar", scene(TechnicalAnalysis, count=40), FAST, (("runonce", False),), ours=False),
    Setup("two writers", with_writers, FAST),
    Setup("news at once", quickly(Quick), FAST, told=True),
    Setup("news at once, analysed", quickly(trading(market), Counts, bt.analyzers.TradeAnalyzer, bt.analyzers.DrawDown), FAST),
    Setup("news at once, nobody listens", quickly(trading(brackets, base=Plain), stdstats=False), FAST, ours=False),
    Setup("news at once, bar by bar", quickly(Quick), FAST, (("runonce", False),), ours=False),
    Setup("signals told at once", quick_signals, FAST, ours=False),
    Setup("a feed and its clone", doubled, FAST, ours=False),
]
