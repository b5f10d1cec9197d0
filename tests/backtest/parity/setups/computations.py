"""Indicators, operations on lines, every way to read a value, observers and analyzers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import backtrader as bt

from ..bars import coarse_bars, random_bars
from ..sides import FAST, Setup, Side
from ..watching import Plain, Watching, note, trading
from .orders import limits, market, scene

__all__ = ["SETUPS"]

INDICATORS = """
    SMA EMA WMA SMMA DEMA TEMA HMA KAMA ZLEMA RSI MACD MACDHisto BBands ATR Stochastic StochasticFull CCI DMI ADX Momentum
    ROC WilliamsR Highest Lowest StdDev MeanDev AroonUpDown TRIX PPO Ichimoku UltimateOscillator Vortex PSAR DPO TSI KST AwesomeOscillator
    SMAEnvelope PctChange PercentRank DV2 DMA LRSI AccDeOsc PrettyGoodOscillator RMI UpDay DownMove SumN AnyN AllN FindFirstIndexHighest
    HurstExponent Accum CumSum Average WeightedAverage
    PivotPoint FibonacciPivotPoint DemarkPivotPoint RelativeMomentumIndex Trix TrixSignal MeanDeviation StandardDeviation
    PercentagePriceOscillatorShort WilliamsAD ZeroLagIndicator
""".split()  # noqa: SIM905


def indicators(names: list[str]) -> type:
    """Return a class with these indicators, all lines of which are read every bar."""

    class Computing(Plain):
        def __init__(self) -> None:
            self.found = [getattr(bt.ind, name)() for name in names]

        def act(self, bar: int) -> None:
            note("values", [[line[0] for line in one.lines] for one in self.found])
            if bar % 25 == 0:
                self.buy() if bar % 50 else self.close()

    return Computing


class Deviation(bt.Indicator):
    """An indicator of the user's own that has only next()."""

    lines = ("upper", "lower")
    params = (("period", 6), ("width", 1.5))

    def __init__(self) -> None:
        self.addminperiod(self.p.period)
        self.middle = bt.ind.EMA(self.data, period=self.p.period)

    def next(self) -> None:
        values = self.data.get(size=self.p.period)
        spread = math.sqrt(math.fsum((value - self.middle[0]) ** 2 for value in values) / self.p.period)
        self.lines.upper[0] = self.middle[0] + self.p.width * spread
        self.lines.lower[0] = self.middle[0] - self.p.width * spread


class Vectored(bt.Indicator):
    """An indicator of the user's own that has both next() and once()."""

    lines = ("range",)

    def next(self) -> None:
        self.lines.range[0] = (self.data.high[0] - self.data.low[0]) * 0.1

    def once(self, start: int, end: int) -> None:
        high, low, target = self.data.high.array, self.data.low.array, self.lines.range.array
        for at in range(start, end):
            target[at] = (high[at] - low[at]) * 0.1


class Own(Watching):
    """Indicators of the user's own, one on top of the other and of another's line."""

    def __init__(self) -> None:
        self.bands = Deviation(self.data.close, period=7)
        self.range = Vectored()
        self.smooth = bt.ind.SMA(self.bands.upper - self.bands.lower, period=4)
        self.delayed = self.smooth(-2)
        self.mixed = bt.ind.SMA(self.range, period=3)

    def act(self, bar: int) -> None:
        note("own", self.bands.upper[0], self.bands.lower[0], self.range[0], self.smooth[0], self.delayed[0], self.mixed[0])
        if self.data.close > self.bands.upper:
            self.sell()
        elif self.data.close < self.bands.lower:
            self.buy()


class Operating(Plain):
    """Arithmetic, comparisons, conditions and functions of lines."""

    def __init__(self) -> None:
        close, average = self.data.close, bt.ind.SMA(period=5)
        self.made = [
            close - average, 2.0 * close, close / average, close**0.5, 1.0 / close, abs(close - average), -close, close > average,
            close == self.data.open, close(-1) < close, bt.And(close > average, close > close(-1)), bt.Or(close > average, close < 99.0),
            bt.If(close > average, close, average), bt.Max(close, average, 100.0), bt.Min(close, self.data.open),
            bt.All(close > 1.0, close), bt.Any(close < 1.0, average > close), bt.Sum(close, average), bt.Cmp(close, average),
            bt.DivByZero(close, close - close, zero=-1.0), bt.CmpEx(close, average, 1.0, 2.0, 3.0), close >= 100.0, close <= average,
            bt.Reduce(lambda a, b: a + b, close, average), close // 3.0, bt.ind.CrossUp(close, average), average - average(-3),
            bt.ind.CrossDown(close, average), bt.ind.SumN(close > average, period=4),
        ]  # fmt: skip

    def act(self, bar: int) -> None:
        note("made", [one[0] for one in self.made], [len(one) for one in self.made])


class Looking(Plain):
    """Reads lines in every way that a strategy can, also wrong ones."""

    params = (("name", "value"), ("level", 100.0))

    def __init__(self) -> None:
        self.average = bt.ind.EMA(period=4)
        self.macd = bt.ind.MACD(period_me1=4, period_me2=8, period_signal=3)

    def prenext(self) -> None:
        """Read before the minimum period: an index before the first bar is the end of the array."""
        super().prenext()
        note("early", self.data.close[-3], self.data.close[-1], self.data.datetime[-2], self.attempt(lambda: self.average[-4]))

    def attempt(self, read: Callable[[], Any]) -> Any:
        """Return what is read, or the error's text."""
        try:
            return read()
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    def act(self, bar: int) -> None:
        data, average = self.data, self.average
        note(
            "read",
            data[0],
            data.lines[3][0],
            data.lines.close[0],
            self.data_close[0],
            self.data0_close[-1],
            self.data_0[0],
            self.data0.high[0],
        )
        note("lines", self.macd.macd[0], self.macd.lines.signal[0], self.macd.lines[1][-1], self.macd[0], self.macd.l.macd[0])
        note(
            "compare",
            average > data.close,
            average < 100.0,
            data.close == data.open,
            average >= self.p.level,
            bool(average),
            data.close != 1.0,
        )
        note("compute", average - data.close, average * 2.0, data.close / 3.0, abs(average - data.close), 5.0 - average, -average)
        note("length", len(self), len(data), len(average), len(self.macd), data.buflen(), average.lines[0].buflen(), len(data.close))
        note("slice", list(data.close.get(size=4)), list(average.get(ago=-1, size=2)), list(data.close.get(ago=-2, size=3)))
        note("time", data.datetime.datetime(0), data.datetime.date(-1), data.datetime.time(0), self.datetime[0], self.datetime.datetime(0))
        note(
            "raw",
            data.close.idx,
            data.close.lencount,
            data.close.extension,
            data.datetime.dt(0),
            data.datetime.tm_raw(0),
            data.close.array[0],
        )
        note("zero", data.close.getzeroval(3), list(data.close.getzero(1, 2)), list(data.close.plot(0, 2)), data.datetime.tm(0))
        note(
            "held", not self.position, self.position.size, self.position.price, self.getpositionbyname("X").size, len(self.broker.positions)
        )
        note("names", self.getdatanames(), self.getdatabyname("X"), self.dnames.X, self.data._name, self.p.name, self.params.level)
        note("state", self.stats.broker.value[0], self.stats.broker.cash[-1], len(self.stats.trades), self.env, self.data.tick_last)
        for wrong in (
            lambda: data.close[10**6],
            lambda: data.close[0.5],
            lambda: data.nothing[0],
            lambda: average["a"],
            lambda: data.close[-(10**6)],
        ):
            note("wrong", self.attempt(wrong))
        if bar % 30 == 0:
            self.buy()
            data.close[0] = data.close[0] + 0.5
            note("written", data.close[0], average[0])


class Rewinding(Plain):
    """Moves lines by hand, as some users do, and sets a line of its own."""

    lines = ("mark", "other")

    def act(self, bar: int) -> None:
        self.lines.mark[0] = bar * 0.5
        self.lines.other[0] = self.lines.mark[-1] if bar > 1 else 0.0
        note("marks", self.lines.mark[0], self.lines.other[0], len(self.lines.mark), self.lines.mark.idx)
        if bar % 17 == 0:
            self.data.close.rewind(2)
            note("rewound", self.data.close[0], len(self.data.close))
            self.data.close.advance(2)


class Marks(bt.Observer):
    """An observer of the user's own."""

    lines = ("size", "bars")
    plotinfo = (("plot", True), ("subplot", True))

    def next(self) -> None:
        self.lines.size[0] = self._owner.position.size
        self.lines.bars[0] = len(self)


class Counts(bt.Analyzer):
    """An analyzer of the user's own that hears everything."""

    params = (("label", ""),)

    def start(self) -> None:
        self.heard: dict[str, int] = {}

    def count(self, name: str) -> None:
        self.heard[name] = self.heard.get(name, 0) + 1
        note("analyzer", self.p.label, name, len(self.strategy))

    def notify_order(self, order: Any) -> None:
        self.count(f"order {order.status}")

    def notify_trade(self, trade: Any) -> None:
        self.count(f"trade {trade.status}")

    def notify_cashvalue(self, cash: float, value: float) -> None:
        self.count(f"cash {cash > value}")

    def notify_fund(self, cash: float, value: float, fundvalue: float, shares: float) -> None:
        self.count("fund")

    def prenext(self) -> None:
        self.count("prenext")

    def nextstart(self) -> None:
        self.count("nextstart")

    def next(self) -> None:
        self.count("next")

    def get_analysis(self) -> dict[str, int]:
        return self.heard


def analysed(*names: str, strategy: type | None = None, period: str = "30m", **params: Any) -> Callable[[Side], Any]:
    """Return what adds analyzers of these names."""

    def build(side: Side) -> Any:
        cerebro = side.cerebro(stdstats=False)
        cerebro.adddata(side.feed(coarse_bars(120, period=period)))
        cerebro.addstrategy(strategy or trading(market, base=Plain))
        for name in names:
            cerebro.addanalyzer(getattr(bt.analyzers, name), **params)
        cerebro.addanalyzer(Counts)
        return cerebro

    return build


def observed(side: Side) -> Any:
    """All observers, one a feed where that makes sense, and one of the user's own."""
    cerebro = side.cerebro()
    data = cerebro.adddata(side.feed(coarse_bars(120, period="4h")))
    for cls, params in (
        (bt.observers.DrawDown, {}), (bt.observers.TimeReturn, {}), (bt.observers.Benchmark, {"data": data}), (bt.observers.FundValue, {}),
        (bt.observers.LogReturns, {}), (bt.observers.DrawDownLength, {}), (bt.observers.Cash, {}), (bt.observers.Value, {}), (Marks, {}),
    ):  # fmt: skip
        cerebro.addobserver(cls, **params)
    cerebro.addobservermulti(bt.observers.BuySell, barplot=True, bardist=0.02)
    cerebro.addindicator(bt.ind.RSI, period=7)
    cerebro.addstrategy(trading(limits, every=3))
    return cerebro


def smooth(strategy: type, count: int = 160) -> Callable[[Side], Any]:
    """Return what computes over prices that use all bits of a float."""

    def build(side: Side) -> Any:
        cerebro = side.cerebro(stdstats=False)
        cerebro.adddata(side.feed(random_bars(count, period="30m")))
        cerebro.addstrategy(strategy)
        return cerebro

    return build


def groups(names: list[str], size: int) -> list[list[str]]:
    """Return the names, so many at a time."""
    return [names[at : at + size] for at in range(0, len(names), size)]


TEN = ("TradeAnalyzer", "DrawDown", "Returns", "SharpeRatio", "SQN", "TimeReturn", "VWR", "Calmar", "GrossLeverage", "Transactions")
FAST_ONES = """
    SMA EMA WMA SMMA DEMA TEMA RSI MACD BBands ATR Stochastic CCI ADX Momentum ROC WilliamsR Highest Lowest StdDev AroonUpDown
""".split()  # noqa: SIM905
ALL = [
    *(Setup(f"indicators {group[0]} to {group[-1]}", smooth(indicators(group), 260)) for group in groups(INDICATORS, 11)),
    Setup("indicators that go bar by bar", smooth(indicators(["HeikinAshi", "haDelta", "SMA"])), FAST),
    Setup("twenty indicators", smooth(indicators(FAST_ONES)), FAST),
    Setup("twenty indicators bar by bar", smooth(indicators(FAST_ONES), 110), FAST, (("runonce", False),)),
    Setup("indicators of one's own", scene(Own), FAST),
    Setup("operations on lines", scene(Operating)),
    Setup("every way to read a value", scene(Looking), FAST),
    Setup("lines moved by hand", scene(Rewinding), FAST),
    Setup("three analyzers", analysed("TradeAnalyzer", "DrawDown", "Returns"), FAST),
    Setup("ten analyzers", analysed(*TEN), FAST),
    Setup("analyzers of days", analysed("TimeReturn", "Returns", "SharpeRatio", "PeriodStats", timeframe=bt.TimeFrame.Days), FAST),
    Setup(
        "other analyzers",
        analysed("PositionsValue", "PyFolio", "TimeDrawDown", "LogReturnsRolling", "SharpeRatio_A", "PositionsValue"),
        FAST,
    ),
    Setup("all observers", observed, FAST),
]
# What is computed does not depend on whose the feed is: every third is also run with ours.
SETUPS = [replace(one, ours=one.told or number % 3 == 0) for number, one in enumerate(ALL)]
