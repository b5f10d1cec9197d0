"""What an indicator costs a bar in a preloaded run: stock Backtrader's `once` methods, and the kernels that give the same bytes.

Measured is `_once` of a strategy that has nothing but this indicator, over a random walk, with all that is nested in it. On both sides
the lines get their room in one go, which is not what is compared here; processor time is taken, so neighbours count little. A
regression means that backtests with many indicators got slower.
"""

from __future__ import annotations

import functools
import gc
import math
import time
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import backtrader as bt
import numpy as np

from gcg_quant.backtest.fast.kernels import install_kernels
from gcg_quant.backtest.fast.kernels.install import nested

from .rows import Plan, Row

BARS = 40_000
ind = bt.indicators
INDICATORS: dict[str, Callable[[Any], Any]] = {
    "SMA": lambda data: ind.SMA(data),
    "EMA": lambda data: ind.EMA(data),
    "WMA": lambda data: ind.WMA(data),
    "SMMA": lambda data: ind.SMMA(data),
    "DEMA": lambda data: ind.DEMA(data),
    "TEMA": lambda data: ind.TEMA(data),
    "HMA": lambda data: ind.HMA(data),
    "KAMA": lambda data: ind.KAMA(data),
    "ZLEMA": lambda data: ind.ZLEMA(data),
    "RSI": lambda data: ind.RSI(data),
    "MACDHisto": lambda data: ind.MACDHisto(data),
    "BollingerBands": lambda data: ind.BollingerBands(data),
    "ATR": lambda data: ind.ATR(data),
    "Stochastic": lambda data: ind.Stochastic(data),
    "CCI": lambda data: ind.CCI(data),
    "DMI": lambda data: ind.DMI(data),
    "Momentum": lambda data: ind.Momentum(data),
    "ROC": lambda data: ind.ROC(data),
    "WilliamsR": lambda data: ind.WilliamsR(data),
    "Highest": lambda data: ind.Highest(data, period=20),
    "Lowest": lambda data: ind.Lowest(data, period=20),
    "StdDev": lambda data: ind.StdDev(data),
    "MeanDev": lambda data: ind.MeanDev(data),
    "CrossOver of two SMA": lambda data: ind.CrossOver(ind.SMA(data, period=10), ind.SMA(data, period=30)),
    "AroonUpDown": lambda data: ind.AroonUpDown(data),
    "TRIX": lambda data: ind.TRIX(data),
    "PPO": lambda data: ind.PPO(data),
    "Ichimoku": lambda data: ind.Ichimoku(data),
    "UltimateOscillator": lambda data: ind.UltimateOscillator(data),
    "Vortex": lambda data: ind.Vortex(data),
    "PercentRank": lambda data: ind.PercentRank(data),
    "ParabolicSAR, which has only a next()": lambda data: ind.ParabolicSAR(data),
    "LaguerreRSI, which has only a next()": lambda data: ind.LaguerreRSI(data),
    "ZeroLagIndicator, which has only a next()": lambda data: ind.ZeroLagIndicator(data),
}


class Walk(bt.feed.DataBase):
    """A random walk in memory."""

    params = (("bars", BARS),)

    def preload(self) -> None:
        random = np.random.default_rng(1)
        close = 100.0 + np.cumsum(random.normal(0.0, 0.05, self.p.bars)).round(2)
        noise = random.integers(1, 9, (2, self.p.bars)) / 100.0
        columns = {"open": close, "high": close + noise[0], "low": close - noise[1], "close": close, "volume": np.full(len(close), 9.0)}
        columns |= {"openinterest": np.zeros(len(close)), "datetime": 736_000.0 + np.arange(len(close)) / 1440.0}
        for name, values in columns.items():
            getattr(self.lines, name).array.frombytes(values.tobytes())
        self.home()


def grow(line: Any, value: float = math.nan, size: int = 1) -> None:
    line.idx += size
    line.lencount += size
    line.array.extend(array("d", [value]) * size)


class Timed(bt.Strategy):
    """Computes its indicator and stops."""

    params = (("make", None), ("kernels", False))

    def __init__(self) -> None:
        self.made = self.p.make(self.data)

    def _once(self) -> None:
        for x in (self, *nested(self.getindicators())):
            for line in x.lines:
                line.forward = functools.partial(grow, line)
        gc.collect()
        begin = time.process_time()
        remove = install_kernels(self.getindicators()) if self.p.kernels else lambda: None
        super()._once()
        remove()
        self.env.seconds = time.process_time() - begin
        self.env.runstop()


def seconds(make: Callable[[Any], Any], bars: int, kernels: bool) -> float:
    """Return how long computing one indicator over all bars takes."""
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(Walk(bars=bars))
    cerebro.addstrategy(Timed, make=make, kernels=kernels)
    cerebro.run()
    took: float = cerebro.seconds
    return took


def indicators(plan: Plan) -> Iterator[Row]:
    """Yield one row for each indicator: nanoseconds a bar by stock Backtrader and by kernels."""
    bars = plan.count(BARS)
    for name, make in INDICATORS.items():
        stock, ours = (1e9 / bars * plan.median(lambda: seconds(make, bars, kernels)) for kernels in (False, True))  # noqa: B023
        yield Row(f"{name}, ns a bar: stock Backtrader -> kernels", f"{stock:,.0f} -> {ours:,.0f} ({stock / ours:.0f}x)")
