"""Feeds that are added while a live run goes on."""

from __future__ import annotations

import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import backtrader as bt
import pytest

from gcg_quant.backtest import EventDrivenBroker, EventDrivenCerebro, EventDrivenDataFeed
from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError
from gcg_quant.events import LogEvent
from gcg_quant.history import MemoryHistory

from .paper_system import Paper

SECOND_NS = 10**9


class Universe(bt.Strategy):
    """Adds a feed at its second bar, trades it as soon as it is live, and notes all."""

    params = (("new", None), ("bars", 0))

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.told: list[Any] = []
        self.average = bt.ind.SMA(self.data, period=2)

    def prenext(self) -> None:
        """Note the call."""
        self.rows.append("prenext")

    def nextstart(self) -> None:
        """Add the feed."""
        self.rows.append("nextstart")
        if self.p.new is not None:
            self.env.adddata(self.p.new, name="new")
        self.next()

    def next(self) -> None:
        """Note what all feeds show."""
        self.rows.append((len(self), [(data._name, len(data), data.close[0] if len(data) else None) for data in self.datas]))
        if len(self) == self.p.bars:
            self.env.runstop()

    def notify_data(self, data: Any, status: int, *args: Any, **kwargs: Any) -> None:
        """Note, and buy the new feed's symbol."""
        self.told.append((data._name, data._getstatusname(status), *map(str, args)))
        if data._name == "new" and status == data.LIVE:
            self.average_of_new = bt.ind.SMA(self.getdatabyname("new"), period=2)
            self.buy(data=data, size=3)

    def notify_order(self, order: Any) -> None:
        """Note an execution."""
        if order.status == order.Completed:
            self.told.append((order.data._name, order.executed.price, order.executed.size))


def live(bus: EventBus, symbol: str, history: MemoryHistory | None = None, **options: Any) -> EventDrivenDataFeed:
    """Return a live feed of one-second bars."""
    return EventDrivenDataFeed(dataname=symbol, period="1s", bus=bus, live=True, history=history, qcheck=0.001, **options)


def running(bus: EventBus, **params: Any) -> tuple[EventDrivenCerebro, threading.Event]:
    """Start a live run on X; the event is set when it is live."""
    ready = threading.Event()
    cerebro = EventDrivenCerebro()
    cerebro.broker = EventDrivenBroker()
    cerebro.adddata(live(bus, "X"), name="X")
    cerebro.adddatacb(lambda data, status, *args: ready.set() if status == data.LIVE else None)
    cerebro.addstrategy(Universe, **params)
    cerebro.start(stdstats=True)
    assert ready.wait(60.0)
    return cerebro, ready


def bar(kit: ModuleType, bus: EventBus, symbol: str, second: int, close: float) -> None:
    """Publish a bar."""
    bus.publish(kit.make_bar(kit.START_NS + second * SECOND_NS, close, symbol=symbol))


def test_feed_joins_a_running_live_cerebro(kit: ModuleType, bus: EventBus) -> None:
    """It has its history, is told DELAYED and LIVE, is read and traded; the calls of next() go on as if nothing had been."""
    past = kit.random_bars(3, period="1s")
    history = MemoryHistory()
    history.add_bars("Y", "SIM", past.copy())
    joined = threading.Event()
    cerebro, _ = running(bus, new=live(bus, "Y", history), bars=6)
    cerebro.adddatacb(lambda data, status, *args: joined.set() if data._name == "new" and status == data.LIVE else None)
    for second, close in enumerate((100.0, 101.0), start=10):
        bar(kit, bus, "X", second, close)
    assert joined.wait(60.0)
    for second in range(12, 16):
        bar(kit, bus, "Y", second, 60.0 + second)
        bar(kit, bus, "X", second, 100.0 + second)
    (strategy,) = cerebro.wait(60.0)
    last = float(past["close"][-1])
    assert strategy.rows[:3] == ["prenext", "nextstart", (2, [("X", 2, 101.0)])]
    by_bar = {row[0]: row[1] for row in strategy.rows[3:]}
    assert min(by_bar) == 3
    assert all(found[0][0] == "X" and found[1][0] == "new" and found[1][1] >= 3 for found in by_bar.values())
    assert {last, 72.0, 73.0, 74.0} >= {found[1][2] for found in by_bar.values() if found[0][2] < 115.0}
    assert strategy.told[:4] == [("X", "DELAYED"), ("X", "LIVE"), ("new", "DELAYED"), ("new", "LIVE")]
    ((name, price, size),) = [told for told in strategy.told if told[0] == "new" and isinstance(told[1], float)]
    assert (name, price, size) == ("new", 72.0, 3)
    assert strategy.datas[1] is strategy.data1 is strategy.dnames.new is strategy.getdatabyname("new")
    assert strategy.data1_close is strategy.data1.close
    assert strategy.getposition(strategy.data1).size == 3
    assert strategy.average_of_new[0] == (strategy.data1.close[0] + strategy.data1.close[-1]) / 2


def test_feed_without_a_bar_does_not_hold_the_strategy(kit: ModuleType, bus: EventBus) -> None:
    """From another thread, without history and before its first bar: next() goes on, nextstart() and prenext() do not come back."""
    cerebro, ready = running(bus, bars=5)
    bar(kit, bus, "X", 1, 101.0)
    bar(kit, bus, "X", 2, 102.0)
    ready.clear()
    cerebro.adddata(live(bus, "Y"), name="late")
    assert ready.wait(60.0)
    for second in (3, 4, 5):
        bar(kit, bus, "X", second, 100.0 + second)
    (strategy,) = cerebro.wait(60.0)
    assert strategy.rows[:2] == ["prenext", "nextstart"]
    assert [row[0] for row in strategy.rows[2:]] == [2, 3, 4, 5]
    assert strategy.rows[-1][1] == [("X", 5, 105.0), ("late", 0, None)]
    assert cerebro.datas[1]._stream is cerebro.datas[0]._stream


def test_feed_that_cannot_be_read_stays_out(kit: ModuleType, bus: EventBus) -> None:
    """The strategy hears NOTSUBSCRIBED and the reason, and the run goes on without it."""
    for venue in ("A", "B"):
        bus.instruments.number("Y", venue)
    cerebro, _ = running(bus, new=live(bus, "Y"), bars=3)
    for second in (1, 2, 3):
        bar(kit, bus, "X", second, 100.0)
    (strategy,) = cerebro.wait(60.0)
    (told,) = [one for one in strategy.told if one[0] == "new"]
    assert told[1] == "NOTSUBSCRIBED"
    assert "Several venues have 'Y'" in told[2]
    assert [data._name for data in strategy.datas] == [data._name for data in cerebro.datas] == ["X"]


def test_what_cannot_join_is_refused(kit: ModuleType, bus: EventBus) -> None:
    """A feed that is not live, a name that is taken, and a run with writers get one sentence each."""
    cerebro, _ = running(bus)
    with pytest.raises(BacktestError, match="Only a live EventDrivenDataFeed can join"):
        cerebro.adddata(EventDrivenDataFeed(dataname="Y", bars=kit.random_bars(3)))
    with pytest.raises(BacktestError, match="There is a feed 'X' in this run already"):
        cerebro.adddata(live(bus, "X"))
    cerebro.runwriters.append(object())
    with pytest.raises(BacktestError, match="cannot join a running cerebro that has writers"):
        cerebro.adddata(live(bus, "Y"))
    cerebro.runwriters.clear()
    cerebro.stop()
    cerebro.wait(60.0)


GREEDY = """
import backtrader as bt
from gcg_quant.backtest import EventDrivenDataFeed


class Greedy(bt.Strategy):
    def next(self):
        self.env.adddata(EventDrivenDataFeed(dataname="Y", live=True, stream=self.data.p.stream))
"""


def test_managed_class_keeps_the_symbols_it_was_loaded_with(kit: ModuleType, bus: EventBus, tmp_path: Path) -> None:
    """In the StrategyManager, which brings the events and must know them after a restart, no feed joins: a sentence says so."""
    paper = Paper(kit, bus, tmp_path / "files", {"greedy.py": GREEDY}, threaded=False)
    paper.load("greedy")
    paper.market([100.0])
    paper.wait(lambda: not paper.adapter._thread.is_alive(), "the end of the run")
    paper.market([100.0])
    paper.wait(lambda: any("Load it with all of them" in event.message for event in paper.read(LogEvent)), "the sentence")
    paper.close()
