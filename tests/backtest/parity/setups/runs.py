"""How a run goes: modes, timers, writers, stores, signals, several strategies, sweeps, stops and exceptions."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import backtrader as bt

from ..bars import coarse_bars
from ..sides import FAST, LIVE, STOCK, Setup, Side
from ..watching import Plain, Watching, note, trading
from .computations import Counts
from .orders import Crossing, brackets, limits, market, scene

__all__ = ["SETUPS"]


class Zone(datetime.tzinfo):
    """Eight hours east of Greenwich."""

    def __repr__(self) -> str:
        return "Zone()"

    def utcoffset(self, dt: datetime.datetime | None) -> datetime.timedelta:
        return datetime.timedelta(hours=8)

    def dst(self, dt: datetime.datetime | None) -> datetime.timedelta:
        return datetime.timedelta()


class Opening(Watching):
    """Trades at the open with `next_open`."""

    def __init__(self) -> None:
        self.average = bt.ind.SMA(period=4)

    def prenext_open(self) -> None:
        """Note the bar."""
        note("prenext_open", len(self), len(self.data))

    def nextstart_open(self) -> None:
        """Note the first bar."""
        note("nextstart_open")
        self.next_open()

    def next_open(self) -> None:
        """Buy and sell at this bar's open."""
        note("next_open", len(self), self.data.open[0], self.position.size, self.broker.getvalue())
        if len(self.data) % 4 == 0:
            self.buy(size=2)
        elif len(self.data) % 4 == 2:
            self.sell()


class Timed(Watching):
    """Sets timers of all sorts, and trades when one rings."""

    def __init__(self) -> None:
        hour, when = datetime.timedelta(hours=1), datetime.time(3, 0)
        self.add_timer(when, repeat=3 * hour, number=1)
        self.add_timer(bt.timer.SESSION_START, offset=2 * hour, cheat=True, number=2)
        self.add_timer(bt.timer.SESSION_END, weekdays=[1, 3], weekcarry=True, number=3)
        self.add_timer(when, monthdays=[15, 17, 20], monthcarry=False, number=4, kind="month")
        self.add_timer(when, allow=lambda day: day.day % 2 == 0, number=5)

    def notify_timer(self, timer: Any, when: Any, *args: Any, **kwargs: Any) -> None:
        super().notify_timer(timer, when, *args, **kwargs)
        note("sees", self.data.datetime.datetime(), self.data.close[0], self.position.size)
        self.buy() if kwargs["number"] % 2 else self.close()


def timers_of_the_cerebro(side: Side) -> Any:
    """A timer of the cerebro's own, also told to the strategies."""

    class Ringing(side.cerebro_class):  # type: ignore[misc, name-defined]
        def notify_timer(self, timer: Any, when: Any, *args: Any, **kwargs: Any) -> None:
            note("cerebro's timer", timer.p.tid, when, args)

    cerebro = side.cerebro(Ringing)
    cerebro.adddata(side.feed(coarse_bars(200)))
    cerebro.add_timer(datetime.time(5, 0), strats=True, cheat=False)
    cerebro.add_timer(datetime.time(6, 0), cheat=True)
    cerebro.addstrategy(trading(market, every=9))
    return cerebro


def written(csv: bool, **params: Any) -> Callable[[Side], Any]:
    """Return what adds a writer."""

    def build(side: Side) -> Any:
        cerebro = side.cerebro()
        cerebro.adddata(side.feed(coarse_bars(120)))
        cerebro.addwriter(bt.WriterFile, out=side.out, csv=csv, **params)
        cerebro.addindicator(bt.ind.EMA, period=3)
        cerebro.addanalyzer(bt.analyzers.TradeAnalyzer)
        cerebro.addstrategy(Crossing, fast=3)
        return cerebro

    return build


class Mailing(bt.Store):
    """A store that has something to say now and then."""

    def start(self, data: Any = None, broker: Any = None) -> None:
        note("store starts")
        self._said = 0
        super().start(data=data, broker=broker)

    def stop(self) -> None:
        note("store stops")

    def get_notifications(self) -> list[Any]:
        self._said += 1
        if self._said % 40 == 1:
            self.put_notification("said", self._said, kind="mail")
        return super().get_notifications()


def with_store(side: Side) -> Any:
    """A store, callbacks of the cerebro, and a broker of the store's kind."""
    cerebro = side.cerebro()
    cerebro.addstore(Mailing())
    cerebro.addstorecb(lambda msg, *args, **kwargs: note("callback", msg, args, kwargs))
    cerebro.adddatacb(lambda data, status, *args, **kwargs: note("data callback", data, status))
    cerebro.adddata(side.feed(coarse_bars(130)))
    cerebro.addstrategy(trading(market, every=11))
    return cerebro


class Distance(bt.Indicator):
    """A signal: how far the price is from its average."""

    lines = ("signal",)

    def __init__(self) -> None:
        self.lines.signal = self.data - bt.ind.SMA(period=6)


def signalled(*kinds: int, accumulate: bool = False, concurrent: bool = False, strategy: type | None = None) -> Callable[[Side], Any]:
    """Return what trades by signals of these kinds."""

    def build(side: Side) -> Any:
        cerebro = side.cerebro()
        cerebro.adddata(side.feed(coarse_bars(180)))
        for kind in kinds:
            cerebro.add_signal(kind, Distance)
        cerebro.signal_accumulate(accumulate)
        cerebro.signal_concurrent(concurrent)
        if strategy is not None:
            cerebro.signal_strategy(strategy)
        return cerebro

    return build


class HeedsSignals(bt.SignalStrategy):
    """A signal strategy that hears of its orders."""

    def notify_order(self, order: Any) -> None:
        note("order", order)

    def next(self) -> None:
        note("next", len(self), self.position.size)


class Skipped(bt.Strategy):
    """Takes itself out of the run."""

    def __init__(self) -> None:
        raise bt.errors.StrategySkipError


class Silent(bt.Strategy):
    """Does nothing at all."""


def several(*strategies: Any, feeds: int = 1, **params: Any) -> Callable[[Side], Any]:
    """Return what runs several strategies, with an own size for the second."""

    def build(side: Side) -> Any:
        cerebro = side.cerebro(**params)
        for number in range(feeds):
            cerebro.adddata(side.feed(coarse_bars(150, number + 1), f"F{number}"))
        for strategy in strategies:
            cerebro.addstrategy(strategy)
        cerebro.addsizer(bt.sizers.FixedSize, stake=2)
        cerebro.addsizer_byidx(1, bt.sizers.FixedSize, stake=5)
        cerebro.addanalyzer(bt.analyzers.DrawDown)
        cerebro.addanalyzer(Counts, label="first")
        cerebro.addanalyzer(Counts, label="second")
        return cerebro

    return build


def swept(**params: Any) -> Callable[[Side], Any]:
    """Return what sweeps over parameters in this process."""

    def build(side: Side) -> Any:
        cerebro = side.cerebro(maxcpus=1, **params)
        cerebro.adddata(side.feed(coarse_bars(90)))
        cerebro.optstrategy(Crossing, fast=[3, 5], slow=(9,))
        cerebro.addanalyzer(bt.analyzers.TradeAnalyzer)
        cerebro.optcallback(lambda result: note("done", len(result), [type(one).__name__ for one in result]))
        return cerebro

    return build


class StopsRun(Watching):
    """Ends the run early, with an order on the way."""

    params = (("bar", 60),)

    def act(self, bar: int) -> None:
        if bar % 7 == 0 or bar == self.p.bar:
            self.buy(size=bar % 3 + 1)
        if bar == self.p.bar:
            self.env.runstop()


class Breaks(Watching):
    """Raises in the middle of the run."""

    def act(self, bar: int) -> None:
        if bar % 5 == 0:
            self.buy()
        if bar == 77:
            self.buy(price=self.data.close[10**5])


class BreaksTold(Watching):
    """Raises while it hears of an order."""

    def act(self, bar: int) -> None:
        if bar == 30:
            self.buy()

    def notify_order(self, order: Any) -> None:
        super().notify_order(order)
        if order.status == order.Completed:
            raise ZeroDivisionError("by design")


class Bold(Plain):
    """Overrides Backtrader's own parts."""

    def _addnotification(self, order: Any, quicknotify: bool = False) -> None:
        note("heard", order)
        super()._addnotification(order, quicknotify=quicknotify)

    def clear(self) -> None:
        note("clear", len(self._orderspending))
        super().clear()

    def getposition(self, data: Any = None, broker: Any = None) -> Any:
        return super().getposition(data, broker)

    def act(self, bar: int) -> None:
        if bar % 9 == 0:
            self.buy() if bar % 2 else self.close()


def again(side: Side) -> Any:
    """The same cerebro run twice."""
    cerebro = scene(trading(market))(side)
    cerebro.run()
    note("the first run ends")
    return cerebro


def bare(side: Side) -> Any:
    """A feed, and no strategy."""
    cerebro = side.cerebro()
    cerebro.adddata(side.feed(coarse_bars(50)))
    return cerebro


def zoned(side: Side) -> Any:
    """Feed and cerebro in a time zone of their own, and another one of the input."""
    cerebro = side.cerebro(tz=Zone())
    cerebro.adddata(side.feed(coarse_bars(150), tz=Zone(), tzinput=Zone(), sessionend=datetime.time(16, 0)))
    cerebro.addstrategy(trading(limits, every=3))
    return cerebro


def short(side: Side) -> Any:
    """Fewer bars than the indicators need."""
    cerebro = side.cerebro()
    cerebro.adddata(side.feed(coarse_bars(6)))
    cerebro.addstrategy(trading(market, period=9))
    return cerebro


ONCE_OFF, LOAD_OFF = (("runonce", False),), (("preload", False),)
SETUPS = [
    Setup("limits bar by bar", scene(trading(limits, every=3)), FAST, ONCE_OFF),
    Setup("brackets bar by bar", scene(trading(brackets)), FAST, ONCE_OFF),
    Setup("crossing not preloaded", scene(Crossing), FAST, LOAD_OFF, told=True),
    Setup("crossing not preloaded, bar by bar", scene(Crossing, stdstats=False), FAST, (*ONCE_OFF, *LOAD_OFF)),
    Setup("saving memory", scene(trading(market)), None, (("exactbars", True),), told=True),
    Setup("saving some memory", scene(Crossing), None, (("exactbars", -1),)),
    Setup("saving memory of what is not plotted", scene(Crossing), None, (("exactbars", -2),)),
    Setup("old synchronisation", scene(trading(limits)), STOCK, (("oldsync", True),)),
    Setup("old synchronisation bar by bar", scene(trading(market)), STOCK, (("oldsync", True), *ONCE_OFF)),
    Setup("quick notification", scene(trading(brackets), quicknotify=True), FAST),
    Setup("history of trades", scene(trading(market), tradehistory=True), FAST),
    Setup("old observers", several(trading(market), feeds=2, oldbuysell=True, oldtrades=True), FAST),
    Setup("looking ahead", scene(trading(market), lookahead=3)),
    Setup("live by order", scene(trading(limits), live=True), LIVE),
    Setup("cached objects", scene(Crossing, objcache=True), FAST),
    Setup("cheating on open", scene(Opening, cheat_on_open=True), FAST),
    Setup("cheating on open bar by bar", scene(Opening, cheat_on_open=True, broker_coo=False), FAST, ONCE_OFF),
    Setup("timers", scene(Timed), FAST),
    Setup("timers bar by bar", scene(Timed), FAST, ONCE_OFF),
    Setup("timers of the cerebro", timers_of_the_cerebro, FAST),
    Setup("a writer", written(False, rounding=3), FAST),
    Setup("a writer of columns", written(True), FAST),
    Setup("a store", with_store, FAST),
    Setup("a store bar by bar", with_store, FAST, ONCE_OFF),
    Setup("signals long and short", signalled(bt.SIGNAL_LONGSHORT), FAST),
    Setup("signals long with an exit", signalled(bt.SIGNAL_LONG, bt.SIGNAL_LONGEXIT_INV, accumulate=True), FAST),
    Setup("signals of a class of one's own", signalled(bt.SIGNAL_SHORT, bt.SIGNAL_LONG_INV, concurrent=True, strategy=HeedsSignals), FAST),
    Setup("three strategies", several(trading(market, every=7), trading(limits, every=3), Crossing), FAST),
    Setup("two strategies, two feeds", several(trading(brackets, base=Plain), Silent, feeds=2, stdstats=False), FAST),
    Setup("a strategy that skips itself", several(Skipped, trading(market)), FAST),
    Setup("a sweep", swept(), FAST),
    Setup("a sweep with whole strategies", swept(optreturn=False), FAST),
    Setup("stopped by the strategy", scene(StopsRun), FAST),
    Setup("stopped by the strategy, bar by bar", scene(StopsRun, stdstats=False), FAST, ONCE_OFF),
    Setup("an exception in next", scene(Breaks), FAST),
    Setup("an exception in a notification", scene(BreaksTold), FAST),
    Setup("Backtrader's own parts overridden", scene(Bold), None),
    Setup("run twice", again, FAST),
    Setup("no strategy", bare, FAST),
    Setup("too few bars", short, FAST),
    Setup("a time zone", zoned, FAST),
]
