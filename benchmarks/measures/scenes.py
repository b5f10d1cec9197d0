"""What is run under Backtrader and under ours: bars, strategies, and what is added around them, by name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import backtrader as bt

from .backtests import frame

MINUTES = bt.TimeFrame.Minutes


class Logged(bt.Strategy):
    """Keeps the log of its orders: what is compared between stock and ours."""

    def __init__(self) -> None:
        self.log: list[tuple[Any, ...]] = []
        self.first = 0

    def notify_order(self, order: Any) -> None:
        done = order.executed
        self.first = self.first or order.ref  # Backtrader counts orders over the whole process
        self.log.append((order.ref - self.first, order.status, done.dt, done.size, done.price, done.comm, done.pnl))

    def digest(self) -> str:
        account = (self.broker.getvalue(), self.broker.getcash())
        return hashlib.sha256(repr((self.log, account)).encode()).hexdigest()[:16]


class Crossover(Logged):
    """SMA 10/30, in the market while the fast one is above."""

    params = (("fast", 10), ("slow", 30))

    def __init__(self) -> None:
        super().__init__()
        self.cross = bt.ind.CrossOver(bt.ind.SMA(period=self.p.fast), bt.ind.SMA(period=self.p.slow))

    def next(self) -> None:
        if not self.position and self.cross > 0:
            self.buy()
        elif self.position and self.cross < 0:
            self.close()


class Idle(Logged):
    """Computes the same and never trades."""

    def __init__(self) -> None:
        super().__init__()
        self.cross = bt.ind.CrossOver(bt.ind.SMA(period=10), bt.ind.SMA(period=30))

    def next(self) -> None:
        self.cross > 2.0  # noqa: B015


NAMES = "SMA EMA WMA SMMA DEMA TEMA RSI MACD BBands ATR Stochastic CCI DMI Momentum ROC WilliamsR Highest Lowest StdDev TRIX"


class Twenty(Crossover):
    """Twenty indicators, each read twice a bar."""

    def __init__(self) -> None:
        super().__init__()
        self.found = [getattr(bt.ind, name)() for name in NAMES.split()]

    def next(self) -> None:
        total = 0.0
        for one in self.found:
            total += one[0] - one[-1]
        self.total = total
        super().next()


class Varied(Logged):
    """Brackets, stops, stop-limits, trailing stops, OCO groups, ends in time, and cancelling."""

    def next(self) -> None:
        bar, close = len(self), self.data.close[0]
        if bar % 40 == 1:
            self.buy_bracket(price=close * 0.9995, stopprice=close * 0.997, limitprice=close * 1.003, valid=timedelta(minutes=90))
        elif bar % 40 == 11:
            self.sell(exectype=bt.Order.StopTrail, trailpercent=0.002, valid=timedelta(minutes=60))
        elif bar % 40 == 16:
            self.buy(exectype=bt.Order.StopLimit, price=close * 1.001, plimit=close * 1.002, valid=timedelta(minutes=30))
        elif bar % 40 == 21:
            first = self.buy(exectype=bt.Order.Limit, price=close * 0.999)
            self.sell(exectype=bt.Order.Limit, price=close * 1.001, oco=first)
        elif bar % 40 == 31:
            for order in list(self.broker.get_orders_open())[:2]:
                self.cancel(order)
            self.close()


class Spread(Logged):
    """A crossover on each of several feeds."""

    def __init__(self) -> None:
        super().__init__()
        self.crosses = [bt.ind.CrossOver(bt.ind.SMA(data, period=10), bt.ind.SMA(data, period=30)) for data in self.datas]

    def next(self) -> None:
        for data, cross in zip(self.datas, self.crosses):
            held = self.getposition(data).size
            if not held and cross > 0:
                self.buy(data)
            elif held and cross < 0:
                self.close(data)


Scene = Callable[[Any, int], None]


def add_feed(cerebro: Any, count: int, seed: int = 7, name: str = "X") -> Any:
    """Add a feed of the frame's, and return it."""
    return cerebro.adddata(bt.feeds.PandasData(dataname=frame(count, seed), timeframe=MINUTES, name=name))


def one_feed(strategy: type, *analyzers: str, stats: bool = False, terms: dict[str, Any] | None = None, copies: int = 1) -> Scene:
    """Return what adds a feed, strategies and analyzers; `terms` are those of the commission scheme."""

    def build(cerebro: Any, count: int) -> None:
        cerebro.p.stdstats = stats
        add_feed(cerebro, count)
        if terms:
            cerebro.broker.setcommission(**terms)
        for number in range(copies):
            if copies > 1:
                cerebro.addstrategy(strategy, fast=8 + number, slow=28 + 3 * number)
            else:
                cerebro.addstrategy(strategy)
        for name in analyzers:
            cerebro.addanalyzer(getattr(bt.analyzers, name))

    return build


def ten_feeds(cerebro: Any, count: int) -> None:
    """Ten feeds and a crossover on each."""
    cerebro.p.stdstats = False
    for number in range(10):
        add_feed(cerebro, count, number + 1, f"X{number}")
    cerebro.addstrategy(Spread)


def framed(method: str) -> Scene:
    """Return what adds a feed resampled to, or replayed as, 15 minutes."""

    def build(cerebro: Any, count: int) -> None:
        cerebro.p.stdstats = False
        data = bt.feeds.PandasData(dataname=frame(count), timeframe=MINUTES, name="X")
        if method == "resampledata":
            cerebro.adddata(data)
        getattr(cerebro, method)(data, timeframe=MINUTES, compression=15, name="longer")
        cerebro.addstrategy(Crossover)

    return build


THREE = ("TradeAnalyzer", "DrawDown", "Returns")
TEN = (*THREE, "SharpeRatio", "SQN", "TimeReturn", "VWR", "Calmar", "GrossLeverage", "Transactions")
SCENES: dict[str, Scene] = {
    "off": one_feed(Crossover),
    "on": one_feed(Crossover, stats=True),
    "indicators": one_feed(Twenty),
    "orders": one_feed(Varied),
    "three": one_feed(Crossover, *THREE),
    "ten": one_feed(Crossover, *TEN),
    "feeds": ten_feeds,
    "resampled": framed("resampledata"),
    "replayed": framed("replaydata"),
    "strategies": one_feed(Crossover, copies=5),
    "futures": one_feed(Crossover, terms={"commission": 0.5, "margin": 500.0, "mult": 10.0}),
    "interest": one_feed(Crossover, terms={"commission": 0.0005, "interest": 0.05, "interest_long": True}),
    "idle": one_feed(Idle),
}
