"""Analyzers: all of Backtrader's over all time frames, some of the user's own, and what can be read of them while the run goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import backtrader as bt

from ..bars import coarse_bars
from ..sides import FAST, Setup, Side
from ..watching import Plain, note, trading
from .orders import limits, market
from .runs import Zone

__all__ = ["SETUPS"]

FACTS = (int, float, date, type(None))
Frame, kinds = bt.TimeFrame, bt.analyzers
ALL_FRAMES = (Frame.Seconds, Frame.Minutes, Frame.Days, Frame.Weeks, Frame.Months, Frame.Years, Frame.NoTimeFrame)


class Nosy(Plain):
    """Reads at each bar what the analyzers have come to, as far as they have."""

    def act(self, bar: int) -> None:
        if bar % 2:
            for analyzer in self.analyzers:
                facts = {name: value for name, value in vars(analyzer).items() if isinstance(value, FACTS)}
                note("analyzer", facts, list(getattr(analyzer, "_values", ())))
                note("so far", len(analyzer.rets), list(analyzer.rets.items())[-2:])
        if bar % 7 == 0:
            limits(self, bar // 7) if bar % 2 else market(self, bar // 7)


class Deeper(kinds.DrawDown):  # type: ignore[misc]
    """One of Backtrader's, with more of its own."""

    def next(self) -> None:
        super().next()
        self.rets.bars = len(self)


class Aside(bt.Analyzer):
    """Another behind Backtrader's class, whom its super() reaches."""

    def next(self) -> None:
        note("aside", len(self))


class Beside(kinds.TimeReturn, Aside):  # type: ignore[misc]
    """Two at once."""


class Fortnights(bt.TimeFrameAnalyzerBase):  # type: ignore[misc]
    """Periods of the user's own, that hold others inside."""

    params = (("timeframe", Frame.Weeks),)

    def __init__(self) -> None:
        self.inner = kinds.TimeReturn(timeframe=Frame.Days)
        self.trades = kinds.TradeAnalyzer()

    def on_dt_over(self) -> None:
        self.rets[self.dtkey] = (len(self.inner.rets), self.trades.rets.total.total)


class Halves(bt.TimeFrameAnalyzerBase):  # type: ignore[misc]
    """Tells periods apart in its own way, and not before the first next()."""

    params = (("timeframe", Frame.Days), ("_doprenext", False))

    def _get_dt_cmpkey(self, dt: Any) -> Any:
        return dt.toordinal() * 2 + dt.hour // 12, dt.date()

    def on_dt_over(self) -> None:
        self.rets[len(self)] = self.dtkey

    def next(self) -> None:
        self.rets["last"] = len(self)


class Whole(bt.Analyzer):
    """Overrides what calls all the rest."""

    def __init__(self) -> None:
        self.inner = kinds.SQN()

    def _next(self) -> None:
        note("whole", len(self))
        super()._next()

    def _notify_trade(self, trade: Any) -> None:
        note("whole trade", trade.ref)
        super()._notify_trade(trade)

    def get_analysis(self) -> Any:
        return self.inner.get_analysis()


class Losing(Plain):
    """Loses, wins, trades long and short, some of them within a bar, so that all parts of a trades' analysis are made."""

    def act(self, bar: int) -> None:
        if bar < 20:
            return
        if bar % 6 == 0:
            self.buy(size=2) if bar % 12 else self.sell(size=3)
        elif bar % 6 in (1, 4):
            self.close()


def analysed(
    *added: tuple[Any, dict[str, Any]],
    strategy: type = Nosy,
    period: str = "4h",
    count: int = 60,
    prepare: Callable[[Any], None] | None = None,
) -> Callable[[Side], Any]:
    """Return what adds analyzers: (class, parameters)."""

    def build(side: Side) -> Any:
        cerebro = side.cerebro(stdstats=False)
        cerebro.adddata(side.feed(coarse_bars(count, period=period)))
        cerebro.addstrategy(strategy)
        for cls, params in added:
            cerebro.addanalyzer(cls, **params)
        if prepare is not None:
            prepare(cerebro)
        return cerebro

    return build


def over_frames(*classes: type, **params: Any) -> list[tuple[Any, dict[str, Any]]]:
    """Return each class once for every time frame."""
    return [(cls, {"timeframe": frame, **params}) for cls in classes for frame in ALL_FRAMES]


def fund(cerebro: Any) -> None:
    """Let the account be a fund."""
    cerebro.broker.set_fundmode(True)


def zoned(cerebro: Any) -> None:
    """Let the strategy's times be of another zone."""
    cerebro.p.tz = Zone()


def one_each() -> list[tuple[Any, dict[str, Any]]]:
    """Return all of Backtrader's that need nothing else."""
    names = "DrawDown TimeDrawDown TimeReturn LogReturnsRolling VWR Returns GrossLeverage PositionsValue Transactions SQN TradeAnalyzer"
    return [(getattr(kinds, name), {}) for name in names.split()]


def of_data(side: Side) -> Any:
    """Returns of a feed in place of the account, its first open price included."""
    cerebro = analysed(strategy=trading(market, base=Nosy))(side)
    (data,) = cerebro.datas
    for cls in (kinds.TimeReturn, kinds.LogReturnsRolling):
        cerebro.addanalyzer(cls, data=data, timeframe=Frame.Weeks)
        cerebro.addanalyzer(cls, data=data, firstopen=False)
    return cerebro


ALL = [
    Setup("returns over all time frames", analysed(*over_frames(kinds.TimeReturn, kinds.TimeDrawDown), period="1d"), FAST),
    Setup("rolling returns over all time frames", analysed(*over_frames(kinds.LogReturnsRolling), count=45), FAST),
    Setup(
        "periods of several minutes and seconds",
        analysed(*(
            (cls, {"timeframe": frame, "compression": count})
            for cls in (kinds.TimeReturn, kinds.Returns)
            for frame, count in ((Frame.Minutes, 7), (Frame.Minutes, 60), (Frame.Minutes, 1440), (Frame.Seconds, 45), (Frame.Seconds, 7200))
        ), period="1m", count=100),
        FAST,
    ),
    Setup("one of each analyzer", analysed(*one_each()), FAST),
    Setup("one of each analyzer on days", analysed(*one_each(), period="1d", count=40), FAST),
    Setup("analyzers of a fund", analysed(*one_each(), (kinds.Calmar, {"timeframe": Frame.Days}), prepare=fund), FAST),
    Setup("analyzers in a time zone", analysed(*over_frames(kinds.TimeReturn), (kinds.Calmar, {}), count=40, prepare=zoned), FAST),
    Setup("returns of a feed", of_data, FAST),
    Setup("all parts of the trades' analysis", analysed((kinds.TradeAnalyzer, {}), (kinds.PyFolio, {}), strategy=Losing, count=200), FAST),
    Setup(
        "analyzers of one's own",
        analysed(
            (Deeper, {}), (Beside, {"timeframe": Frame.Days}), (Fortnights, {}), (Halves, {}), (Whole, {}),
            strategy=trading(market, base=Nosy),
        ),
        FAST,
    ),
]  # fmt: skip
# What is computed does not depend on whose the feed is: every third is also run with ours.
SETUPS = [replace(one, ours=number % 3 == 0) for number, one in enumerate(ALL)]
