"""The classes of a fast run: everything is put back, whatever happens, and user classes keep what they override."""

from __future__ import annotations

import copy
import gc
import pickle
from types import ModuleType
from typing import Any

import backtrader as bt
import pytest
from backtrader.lineroot import LineRoot

from gcg_quant.backtest import EventDrivenBroker, EventDrivenCerebro, EventDrivenDataFeed


def make(kit: ModuleType, strategy: type, *, fast: bool = True, broker: Any = None, count: int = 60) -> Any:
    """Return a cerebro with a feed of `count` bars, a strategy and the standard observers."""
    kit.restart_references()
    cerebro = EventDrivenCerebro(fast=fast)
    cerebro.adddata(EventDrivenDataFeed(dataname="X", bars=kit.random_bars(count)))
    if broker is not None:
        cerebro.broker = broker
    cerebro.addstrategy(strategy)
    return cerebro


def is_exchanged(thing: Any) -> bool:
    """Return whether something has a class of a fast run. A strategy that asks for its class itself would keep it."""
    return "__slots__" in vars(type(thing))


def swapped(cerebro: Any) -> list[str]:
    """Return what still has a class of a fast run: such a class is no attribute of its module, or holds `__slots__`."""
    found = []
    for strategy in cerebro.runningstrats:
        waiting, seen = [strategy, *cerebro.datas, cerebro.broker, *cerebro.broker.positions.values()], set()
        while waiting:
            thing = waiting.pop()
            if id(thing) in seen:
                continue
            seen.add(id(thing))
            found += [type(thing).__name__] * is_exchanged(thing)
            if isinstance(thing, LineRoot):
                mine = vars(thing)
                waiting += getattr(thing, "lines", None) or []
                waiting += mine.get("datas", [])
                waiting += [child for children in mine.get("_lineiterators", {}).values() for child in children]
    return found


class Trading(bt.Strategy):
    """Trades, and looks at its class in between."""

    def __init__(self) -> None:
        self.cross = bt.ind.CrossOver(bt.ind.EMA(period=3), bt.ind.EMA(period=6))
        self.seen: list[bool] = []

    def next(self) -> None:
        """Buy and close at crossings."""
        self.seen.append(is_exchanged(self))
        if self.cross > 0 and not self.position:
            self.buy()
        elif self.cross < 0 and self.position:
            self.close()


def test_classes_are_exchanged_and_put_back(kit: ModuleType) -> None:
    """During the run the strategy has another class of the same name; afterwards everything has its own, and the run can be repeated."""
    cerebro = make(kit, Trading)
    first = cerebro.run()[0]
    assert cerebro.fast_reason == ""
    assert all(first.seen)
    assert type(first) is Trading
    assert swapped(cerebro) == []
    assert not vars(cerebro.datas[0]).keys() & {"close", "preload"}
    value = cerebro.broker.getvalue()
    second = cerebro.run()[0]
    assert (cerebro.broker.getvalue(), len(second._orders)) == (value, len(first._orders))


@pytest.mark.parametrize("runonce", [True, False])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_puts_everything_back(kit: ModuleType, error: type[BaseException], runonce: bool) -> None:
    """Whatever a strategy raises goes through, and leaves every class, the collector and the bar as Backtrader would."""

    class Failing(Trading):
        def next(self) -> None:
            super().next()
            if len(self) == 30:
                raise error("at bar 30")

    before = gc.get_threshold(), gc.get_freeze_count()
    stock = make(kit, Failing, fast=False)
    with pytest.raises(error, match="at bar 30"):
        stock.run(runonce=runonce)
    cerebro = make(kit, Failing)
    with pytest.raises(error, match="at bar 30"):
        cerebro.run(runonce=runonce)
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
    assert swapped(cerebro) == []
    states = [
        (len(run.runningstrats[0]), run.datas[0].close.idx, run.datas[0].tick_close, run.broker.getvalue(), run.bars_done)
        for run in (stock, cerebro)
    ]
    assert states[0] == states[1]


def test_an_error_in_an_indicator_puts_everything_back(kit: ModuleType) -> None:
    """The computation of indicators before the first bar is within the exchange, too."""

    class Bad(bt.Indicator):  # type: ignore[misc]
        lines = ("bad",)

        def once(self, start: int, end: int) -> None:
            raise ZeroDivisionError("in once()")

    class Using(Trading):
        def __init__(self) -> None:
            super().__init__()
            self.bad = Bad()

    cerebro = make(kit, Using)
    with pytest.raises(ZeroDivisionError, match=r"in once\(\)"):
        cerebro.run()
    assert swapped(cerebro) == []


def test_runstop_leaves_what_backtrader_leaves(kit: ModuleType) -> None:
    """A run that ends itself stands at the bar where it ended."""

    class Ending(Trading):
        def next(self) -> None:
            super().next()
            if len(self) == 41:
                self.cerebro.runstop()

    ends = []
    for fast in (True, False):
        cerebro = make(kit, Ending, fast=fast)
        strategy = cerebro.run()[0]
        feed = cerebro.datas[0]
        ends.append((len(strategy), len(feed), feed.close[0], feed.tick_high, cerebro.broker.getvalue(), strategy._minperstatus))
        assert swapped(cerebro) == []
    assert ends[0] == ends[1]


def test_user_classes_keep_what_they_override(kit: ModuleType) -> None:
    """An indicator with its own reading, a strategy with its own position and notifications: theirs are called, with the same result."""

    class Doubled(bt.Indicator):  # type: ignore[misc]
        lines = ("own",)

        def next(self) -> None:
            self.lines.own[0] = self.data[0]

        def __getitem__(self, ago: int) -> float:
            return float(2.0 * self.lines.own[ago])

    class Own(Trading):
        def __init__(self) -> None:
            super().__init__()
            self.doubled = Doubled()
            self.trace: list[Any] = []

        def getposition(self, data: Any = None, broker: Any = None) -> Any:
            self.trace.append("asked")
            return super().getposition(data, broker)

        def notify_order(self, order: Any) -> None:
            self.trace.append((order.status, order.executed.price))

        def next(self) -> None:
            super().next()
            self.trace.append((self.doubled[0], self.doubled > 150.0, self.doubled - self.data, -self.doubled, self.doubled**2))

    traces = []
    for fast in (True, False):
        cerebro = make(kit, Own, fast=fast)
        traces.append(cerebro.run()[0].trace)
        assert (cerebro.fast_reason == "") is fast
    assert traces[0] == traces[1]
    assert "asked" in traces[0]


def test_run_within_a_run(kit: ModuleType) -> None:
    """A strategy may run a whole backtest of its own at a bar."""
    inner: list[Any] = []

    class Outer(Trading):
        def next(self) -> None:
            super().next()
            if len(self) == 30:
                cerebro = EventDrivenCerebro()
                cerebro.adddata(EventDrivenDataFeed(dataname="Y", bars=kit.random_bars(50, seed=3)))
                cerebro.addstrategy(Trading)
                inner.append((cerebro.run()[0], cerebro))

    cerebro = make(kit, Outer)
    cerebro.run()
    assert [run.fast_reason for run in (cerebro, inner[0][1])] == ["", ""]
    alone = make(kit, Trading)
    alone.run()
    assert cerebro.broker.getvalue() == alone.broker.getvalue()
    assert swapped(cerebro) + swapped(inner[0][1]) == []


def test_what_is_left_can_be_pickled_and_copied(kit: ModuleType) -> None:
    """Orders, trades and feeds of a fast run are Backtrader's objects: they pickle and copy as after a slow one."""
    results = []
    for fast in (True, False):
        cerebro = make(kit, Trading, fast=fast)
        strategy = cerebro.run()[0]
        bits = [bit for order in strategy._orders for bit in order.executed.exbits]
        assert bits
        line = copy.copy(cerebro.datas[0].close)
        results.append((pickle.dumps([vars(bit) for bit in bits]), line[0], len(line), pickle.dumps(strategy._orders[0].created)))
    assert results[0] == results[1]


def test_copy_of_a_line_in_a_run_is_refused(kit: ModuleType) -> None:
    """A copy that is made of a line while a fast run goes on cannot know where it stands, and says so instead of guessing."""

    class Copying(Trading):
        def next(self) -> None:
            copy.copy(self.data.close)[0]

    with pytest.raises(RuntimeError, match="run this strategy with EventDrivenCerebro\\(fast=False\\)"):
        make(kit, Copying).run()


def test_schemes_set_while_running(kit: ModuleType) -> None:
    """A commission scheme, cash and prices that a strategy changes in the middle count from there on, as with Backtrader."""

    class Changing(Trading):
        def __init__(self) -> None:
            super().__init__()
            self.trace: list[Any] = []

        def next(self) -> None:
            broker, bar = self.broker, len(self)
            if bar == 10:
                self.buy(size=3)
            if bar == 20:
                broker.setcommission(commission=0.001, interest=0.5)
            if bar == 25:
                broker.add_cash(500.0)
            if bar == 30:
                broker.set_cash(7_000)
            if bar == 35:
                self.data.close[0] = self.data.close[0] + 5.0
            if bar == 40:
                broker.setcommission(commission=2.0, margin=50.0, mult=3.0)
                self.sell(size=1)
            held = self.position
            self.trace.append((broker.getvalue(), broker.getcash(), broker.fundvalue, broker.get_leverage(), held.size, held.price))
            self.trace.append((broker.get_value([self.data]), broker.get_value(lever=True), held.adjbase, getattr(held, "datetime", None)))

    for broker in (bt.brokers.BackBroker, EventDrivenBroker):
        traces = []
        for fast in (True, False):
            cerebro = make(kit, Changing, fast=fast, broker=broker())
            strategy = cerebro.run()[0]
            traces.append((strategy.trace, list(strategy.stats.broker.value.array.tobytes()), list(cerebro.broker.d_credit.values())))
            assert (cerebro.fast_reason == "") is fast
        assert repr(traces[0]) == repr(traces[1])
