"""Runs that go bar by bar: what only they can do, and what the loop must not take for granted there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import backtrader as bt

from ..bars import coarse_bars
from ..sides import FAST, LIVE, Setup, Side
from ..watching import Plain, Watching, note, trading
from .computations import Operating, Own, smooth
from .frames import holes, several
from .live import Dripping, Quiet, dripping, resampled
from .orders import limits, market, scene

__all__ = ["SETUPS"]

ONCE_OFF, NEITHER = (("runonce", False),), (("runonce", False), ("preload", False))


class Early(bt.Indicator):
    """An indicator that does something before its time, at its first bar, and later on."""

    lines = ("sum", "count")
    params = (("period", 6),)

    def __init__(self) -> None:
        self.addminperiod(self.p.period)

    def prenext(self) -> None:
        self.lines.count[0] = -len(self)

    def nextstart(self) -> None:
        self.lines.sum[0] = 0.5
        self.lines.count[0] = 0

    def next(self) -> None:
        self.lines.sum[0] = self.lines.sum[-1] + self.data[0]
        self.lines.count[0] = self.lines.count[-1] + 1


class Wayward(bt.Indicator):
    """An indicator that goes through its bar in its own way."""

    lines = ("bars",)

    def __init__(self) -> None:
        self.nested = bt.ind.SMA(self.data, period=2)

    def _next(self) -> None:
        super()._next()
        note("wayward", len(self), len(self.nested))

    def next(self) -> None:
        self.lines.bars[0] = self.nested[0] * 2.0


class Piled(Plain):
    """Indicators of indicators, with lines bound to others' lines."""

    def __init__(self) -> None:
        self.early = Early()
        self.late = Early(self.early.sum, period=3)
        self.wayward = Wayward(self.late.count)
        self.on_top = bt.ind.EMA(bt.ind.Highest(self.early.count - self.wayward, period=4), period=3)
        self.bands = bt.ind.BBands(self.on_top, period=5)
        self.cross = bt.ind.CrossOver(self.bands.mid, self.on_top)

    def act(self, bar: int) -> None:
        note(
            "piled", self.early.sum[0], self.late[0], self.wayward[0], self.on_top[0], [line[0] for line in self.bands.lines], self.cross[0]
        )


class Coupled(Watching):
    """Lines and whole feeds of a longer time frame, carried over to the shorter one."""

    def __init__(self) -> None:
        self.slow = bt.ind.SMA(self.data1, period=2)
        self.carried = self.slow()
        self.gap = self.data.close - self.data1.close()
        self.feed = self.data1()
        self.of_gap = bt.ind.SMA(self.gap, period=3)

    def act(self, bar: int) -> None:
        note("coupled", self.carried[0], self.gap[0], self.of_gap[0], self.feed.high[0], len(self.slow), len(self.carried))
        if bar % 7 == 0:
            self.buy() if self.gap > 0 else self.close()


class Retuned(Plain):
    """Changes what its indicators are made of, while they are used."""

    def __init__(self) -> None:
        self.highest, self.average, self.sums = bt.ind.Highest(period=5), bt.ind.EMA(period=5), bt.ind.SumN(self.data.close, period=4)
        self.weighted = bt.ind.WeightedAverage(period=3, weights=(1.0, 2.0, 3.0), coef=1.0 / 6.0)
        self.delayed = self.data.close(-2)

    def act(self, bar: int) -> None:
        smoothing = next(one for one in self.average.getindicators() if isinstance(one, bt.ind.ExponentialSmoothing))
        if bar == 20:
            self.highest.p.period, self.sums.p.period, self.delayed.ago = 2, 2, -3
        if bar == 25:
            smoothing.alpha, smoothing.alpha1 = 0.5, 0.5
            self.weighted.p.weights, self.weighted.p.coef = [3.0, 2.0, 1.0], 0.25
        if bar == 30:
            self.sums.func, self.highest.data = max, self.data1
        if bar == 35:
            self.data.close[-1] = 90.0
            self.data.high[0] = 120.0
        note("retuned", self.highest[0], self.average[0], self.sums[0], self.weighted[0], self.delayed[0])


class Growing(Plain):
    """Makes indicators while it runs, and moves its minimum period."""

    def start(self) -> None:
        self._minperiods = [4 for _ in self.datas]
        self.made: list[Any] = []

    def act(self, bar: int) -> None:
        if bar in (10, 20):
            self.made.append(bt.ind.SMA(self.data, period=3))
        if bar == 30:
            self._minperiods[0] = 40
        note("growing", [(len(one), one[0]) for one in self.made if len(one)], self._minperstatus)


class Patient(Plain):
    """Sets its minimum period by hand."""

    def __init__(self) -> None:
        self.addminperiod(12)
        self.average = bt.ind.SMA(period=3)
        self.average.addminperiod(5)


class Dividing(Plain):
    """Divides by a line that is zero now and then."""

    def __init__(self) -> None:
        self.ratio = self.data.close / (self.data.close > 98.0)


class Telling(Dripping):
    """A live feed that tells how it is with many of its bars."""

    def _load(self) -> bool | None:
        loaded = super()._load()
        if loaded and len(self) % 5 == 0:
            self.put_notification(self.LIVE if self._laststatus == self.DELAYED else self.DELAYED)
        return loaded


class Correcting(Telling):
    """A live feed that corrects the bar before while it brings the next one."""

    def _load(self) -> bool | None:
        loaded = super()._load()
        if loaded and len(self) == 35:
            self.lines.close[-1] += 0.25
        return loaded


class Asking(Watching):
    """Looks at its position and account when feeds have moved on and the broker has not."""

    def notify_data(self, data: Any, status: int, *args: Any, **kwargs: Any) -> None:
        super().notify_data(data, status, *args, **kwargs)
        note(
            "asked", self.broker.getvalue(), [(held.size, held.adjbase, str(held)) for held in self.broker.positions.values() if held.size]
        )

    def act(self, bar: int) -> None:
        if bar % 6 == 0:
            self.buy() if bar % 12 else self.close()


class Filtering(Plain):
    """Puts a filter before its feed when the run has begun."""

    def act(self, bar: int) -> None:
        if bar == 10:
            self.data.addfilter_simple(lambda data: bool(data.volume[0] < 4))
        if bar == 50:
            self.env.runstop()


def talkative(feed: type) -> Callable[[Side], Any]:
    """Return what makes such a feed, beside one that waits."""

    def build(side: Side) -> Any:
        cerebro = side.cerebro(stdstats=False)
        cerebro.adddata(feed(dataname="L0", bars=coarse_bars(60, 1)))
        cerebro.adddata(Dripping(dataname="L1", bars=coarse_bars(60, 2)[::2], pause=4))
        cerebro.addstrategy(Asking)
        return cerebro

    return build


def together(*strategies: type) -> Callable[[Side], Any]:
    """Return what runs several strategies over feeds with holes, live ones among them."""

    def build(side: Side) -> Any:
        cerebro = side.cerebro()
        cerebro.adddata(Dripping(dataname="L0", bars=holes(80, 4, "30m"), pause=5))
        cerebro.adddata(side.feed(holes(40, 5, "1h"), "F"))
        for strategy in strategies:
            cerebro.addstrategy(strategy)
        return cerebro

    return build


def uneven(side: Side) -> Any:
    """Live feeds of three time frames, the longest first, with holes and pauses."""
    cerebro = side.cerebro()
    for period, compression, pause in (("1d", 1440, 3), ("1h", 60, 7), ("30m", 30, 0)):
        bars = holes(4 if period == "1d" else 60, compression, period)
        cerebro.adddata(Dripping(dataname=period, bars=bars, pause=pause, compression=compression))
    cerebro.addstrategy(trading(market, every=4, period=2))
    return cerebro


THREE = [holes(60, number, "1h", 0.7, 4 * number) for number in range(3)]
TWO_FRAMES = (coarse_bars(90, 1, "1h"), coarse_bars(4, 2, "1d"))
SETUPS = [
    Setup("indicators of indicators, bar by bar", smooth(Piled, 70), FAST, ONCE_OFF, ours=False),
    Setup("indicators of one's own, bar by bar", scene(Own, count=60), FAST, NEITHER),
    Setup("operations on lines, bar by bar", scene(Operating, count=60), FAST, ONCE_OFF, ours=False),
    Setup("a line divided by zero, bar by bar", scene(Dividing), FAST, ONCE_OFF, ours=False),
    Setup("lines coupled", several(Coupled, *TWO_FRAMES), FAST, ONCE_OFF, ours=False),
    Setup("lines coupled to what is resampled", dripping(Coupled, 1, count=90, prepare=resampled), LIVE, ours=False),
    Setup("indicators changed while they run", several(Retuned, coarse_bars(60, 1), coarse_bars(50, 2)), FAST, ONCE_OFF, ours=False),
    Setup("indicators made while the run goes on", scene(Growing, count=60), FAST, ONCE_OFF, ours=False),
    Setup("a minimum period set by hand", scene(Patient, count=60), FAST, NEITHER, ours=False),
    Setup("a filter added while the run goes on", scene(Filtering, count=60), FAST, NEITHER, ours=False),
    Setup(
        "feeds with holes, bar by bar",
        several(trading(limits, every=3), *(holes(60, n, "1h", 0.7, 4 * n) for n in range(3))),
        FAST,
        NEITHER,
    ),
    Setup("live feeds of three time frames", uneven, LIVE, ours=False),
    Setup("several strategies, live", together(trading(market), Quiet, trading(limits, every=3, base=Plain)), LIVE),
    Setup("a live feed that tells how it is", talkative(Telling), LIVE, ours=False),
    Setup("a live feed that corrects itself", talkative(Correcting), LIVE, ours=False),
]
