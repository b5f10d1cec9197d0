"""After a restart a Backtrader class is run again, mute, over what the journal holds: its Python state is what it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from gcg_quant.backtest.history.bars import join_bars, one_a_start
from gcg_quant.bars import resample
from gcg_quant.bus import EventBus
from gcg_quant.events import Applied, Bar, Fill, LogEvent, OrderRequest, PositionEvent, StrategyControlEvent, StrategyStatusEvent
from gcg_quant.history import MemoryHistory

from .paper_system import Paper

# All that it does hangs on what it remembers: a count, its open order, and every word it was told.
COUNTING = """
import backtrader as bt


class Counting(bt.Strategy):
    params = (("every", 5),)

    def __init__(self):
        self.average = bt.ind.EMA(period=4)
        self.calls = 0
        self.words = []
        self.waiting = None

    def next(self):
        self.calls += 1
        self.words.append((self.calls, self.data.close[0], self.average[0], self.position.size, self.broker.getvalue()))
        step = self.calls % self.p.every
        if step == 1:
            self.buy(size=2)
        elif step == 2:
            self.waiting = self.sell(size=1, exectype=bt.Order.Limit, price=self.data.close[0] + 0.3)
        elif step == 4:
            if self.waiting is not None and self.waiting.alive():
                self.cancel(self.waiting)
            if self.position:
                self.close()

    def notify_order(self, order):
        self.words.append((order.getstatusname(), order.executed.size, order.executed.price, order.executed.comm))

    def notify_trade(self, trade):
        self.words.append((trade.isclosed, trade.size, trade.pnl, trade.pnlcomm))
"""


def prices(count: int) -> list[list[float]]:
    """Return ticks for some seconds."""
    walk = 100.0 + np.cumsum(np.random.default_rng(11).normal(0.0, 0.1, 3 * count)).round(2)
    return [[round(float(price), 2) for price in walk[3 * at : 3 * at + 3]] for at in range(count)]


class Twice:
    """Two paper systems on the same market: one runs through, the other is restarted."""

    def __init__(self, kit: ModuleType, folder: Path, **parameters: Any) -> None:
        self.buses = [EventBus(folder / name, source="test", sync="none", page_mb=1) for name in ("through", "cut")]
        self.systems = [
            Paper(kit, bus, folder / f"files-{at}", {"counting.py": COUNTING}, threaded=False) for at, bus in enumerate(self.buses)
        ]
        warm = kit.random_bars(40, period="1s", start_ns=kit.START_NS - 40 * 10**9)
        self.history = MemoryHistory()
        self.history.add_bars("X", "SIM", warm)
        for system in self.systems:
            system.restart(self.history)
            system.load("counting", **parameters)

    @property
    def through(self) -> Paper:
        """The system that runs through."""
        return self.systems[0]

    @property
    def cut(self) -> Paper:
        """The system that is restarted."""
        return self.systems[1]

    def play(self, seconds: list[list[float]]) -> None:
        """Let both have the same market."""
        for ticks in seconds:
            for system in self.systems:
                system.ticks(ticks, size=1e6)

    def pass_seconds(self, seconds: list[list[float]]) -> None:
        """The same, where not every second ends a bar."""
        for ticks in seconds:
            for system in self.systems:
                system.market(ticks, size=1e6)
                system.quiet()

    def cut_off(self) -> None:
        """Kill one system and start it again; it must then remember what it knew, and have sent nothing."""
        words, sent = list(self.cut.strategy.words), len(self.cut.read(OrderRequest))
        self.cut.restart(self.history, crash=True)
        self.cut.wait(lambda: len(self.cut.strategy.words) >= len(words), "the run that is done again")
        self.cut.quiet()
        assert self.cut.strategy.words == words
        assert len(self.cut.read(OrderRequest)) == sent

    def close(self) -> None:
        """Stop everything."""
        for system, bus in zip(self.systems, self.buses, strict=True):
            system.close()
            bus.close()


@pytest.fixture
def twice(kit: ModuleType, tmp_path: Path) -> Iterator[Twice]:
    """Return two systems."""
    made = Twice(kit, tmp_path)
    yield made
    made.close()


def facts(fill: Fill) -> tuple[Any, ...]:
    """Return what a fill says of the market."""
    return fill.event_ns, fill.side, fill.price, fill.quantity, fill.fee


def test_state_after_a_restart_is_what_it_was_and_nothing_is_sent_twice(twice: Twice) -> None:
    """Cut off in the middle of an order's life, and once more later, it trades on as the one that was never cut off."""
    market = prices(40)
    twice.play(market[:13])
    for part in (market[13:26], market[26:]):
        before = len(twice.cut.read(OrderRequest))
        words, held = list(twice.cut.strategy.words), twice.cut.strategy.position.size
        twice.cut.restart(twice.history, crash=True)
        twice.cut.wait(lambda words=words: len(twice.cut.strategy.words) >= len(words), "the run that is done again")
        twice.cut.quiet()
        assert twice.cut.strategy.words == words
        assert twice.cut.strategy.position.size == held
        assert len(twice.cut.read(OrderRequest)) == before
        twice.play(part)
    assert twice.cut.strategy.words == twice.through.strategy.words
    fills = [[facts(fill) for fill in system.read(Fill)] for system in twice.systems]
    assert fills[0] == fills[1]
    assert len(fills[0]) > 15
    assert twice.cut.read(PositionEvent)[-1].quantity == twice.cut.strategy.position.size


def test_bars_that_are_made_of_shorter_ones_are_made_again(kit: ModuleType, tmp_path: Path) -> None:
    """A period that the bus does not carry: begun, cut off and begun again within a bar, the run sees what the other sees."""
    twice = Twice(kit, tmp_path, period="7s", every=3)
    assert kit.START_NS % (7 * 10**9) != 0
    market = prices(90)
    for part in (market[:17], market[17:40], market[40:]):
        twice.pass_seconds(part)
        twice.cut_off()
    twice.pass_seconds(prices(9))
    assert twice.cut.strategy.words == twice.through.strategy.words
    assert twice.cut.strategy.calls == twice.through.strategy.calls > 12
    assert [facts(fill) for fill in twice.cut.read(Fill)] == [facts(fill) for fill in twice.through.read(Fill)]
    assert not any("begins anew" in event.message for event in twice.cut.read(LogEvent))
    shown = twice.cut.cerebro.datas[0]
    with twice.cut.bus.reader(start="begin", events=[Bar]) as reader:
        parts = [reader.read_array(Bar)]
        while len(parts[-1]):
            parts.append(reader.read_array(Bar))
    shorter = join_bars([twice.history.bars("X", "1s"), one_a_start(parts, "1s")])
    made = resample(shorter, "7s")
    made = made[(made["start_ns"] >= shorter["start_ns"][0]) & (made["event_ns"] <= shorter["event_ns"][-1])]  # the whole ones
    assert twice.cut.strategy.calls == (made["event_ns"] > kit.START_NS).sum()
    assert shown.close.array[: len(made)].tolist() == made["close"].tolist()  # behind it there may be room for the bar that it waits for
    assert shown.high.array[: len(made)].tolist() == made["high"].tolist()
    twice.close()


def test_parameter_that_was_changed_is_changed_again_at_its_bar(twice: Twice) -> None:
    """A parameter that next() reads is set between two bars, told, and remembered: the run that is done again changes with it."""
    market = prices(30)
    twice.play(market[:8])
    runs = [system.cerebro for system in twice.systems]
    for system in twice.systems:
        assert system.command(StrategyControlEvent(action="set_parameters", strategy="one", parameters={"every": "3"}))
    twice.play(market[8:13])
    assert [system.cerebro for system in twice.systems] == runs
    assert twice.cut.strategy.p.every == 3
    twice.cut_off()
    twice.cut.command(StrategyControlEvent(action="set_parameters", strategy="one", parameters={"every": 4}))
    twice.through.command(StrategyControlEvent(action="set_parameters", strategy="one", parameters={"every": 4}))
    twice.play(market[13:20])
    twice.cut_off()
    twice.play(market[20:])
    assert twice.cut.strategy.words == twice.through.strategy.words
    assert twice.cut.strategy.p.every == 4
    told = [event.parameters["every"] for event in twice.cut.read(StrategyStatusEvent) if event.state == "running"]
    assert list(dict.fromkeys(told)) == [5, 3, 4]
    assert not any("begins anew" in event.message for event in twice.cut.read(LogEvent))
    assert not twice.cut.command(StrategyControlEvent(action="set_parameters", strategy="one", parameters={"evry": 3}))
    assert "Did you mean 'every'" in twice.cut.read(Applied)[-1].detail


def test_parameter_of_an_indicator_begins_a_new_run(kit: ModuleType, bus: EventBus, tmp_path: Path) -> None:
    """What the class has read while it was made would not change any more: it is made anew."""
    text = COUNTING.replace("EMA(period=4)", "EMA(period=self.p.every)")
    paper = Paper(kit, bus, tmp_path / "files", {"counting.py": text}, threaded=False)
    paper.load("counting")
    first = paper.cerebro
    assert paper.command(StrategyControlEvent(action="set_parameters", strategy="one", parameters={"every": 2}))
    paper.wait(lambda: paper.strategy is not None and not paper.adapter.warming_up, "the new run")
    assert paper.cerebro is not first
    assert paper.strategy.average.p.period == 2
    paper.close()


def test_order_of_a_bar_that_came_meanwhile_is_refused(twice: Twice) -> None:
    """Bars that came while the process was down are seen, but what the class orders on them is Rejected: it is old."""
    market = prices(12)
    twice.play(market[:4])
    count = len(twice.cut.read(OrderRequest))
    twice.cut.crash()
    for ticks in market[4:8]:
        twice.cut.market(ticks, size=1e6)
    twice.cut.restart(twice.history)
    twice.cut.wait(lambda: twice.cut.strategy is not None and twice.cut.strategy.calls == 8, "the bars in between")
    twice.cut.quiet()
    refused = [word for word in twice.cut.strategy.words if word[0] == "Rejected"]
    assert len(refused) == 2
    assert len(twice.cut.read(OrderRequest)) == count


def test_bars_that_nobody_recorded_come_from_the_store(twice: Twice, kit: ModuleType) -> None:
    """After a longer rest the store knows what the journal does not: those bars are seen, once each, before the next live one."""
    market = prices(10)
    twice.play(market[:4])
    twice.cut.crash()
    missed = kit.make_bars([100.0, 101.0, 102.0], "1s", start_ns=twice.cut.now_ns)
    twice.history.add_bars("X", "SIM", missed)
    twice.cut.now_ns += 3 * 10**9
    twice.cut.restart(twice.history)
    twice.cut.wait(lambda: twice.cut.strategy is not None and twice.cut.strategy.calls == 7, "the bars of the store")
    twice.cut.ticks(market[4], size=1e6)
    assert [word[1] for word in twice.cut.strategy.words if word[0] in (5, 6, 7, 8)] == [100.0, 101.0, 102.0, market[4][-1]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("size=2", "size=3"), "its file, parameters or symbols have changed"),
        (None, "the history that it began with is not there any more"),
    ],
)
def test_run_that_cannot_be_done_again_begins_anew_and_says_so(twice: Twice, change: Any, words: str) -> None:
    """With another file, or without the history that it began with, a new run begins, warm-up included."""
    twice.play(prices(6))
    file = twice.cut.folder / "counting.py"
    if change is not None:
        file.write_text(change(file.read_text()))
    twice.cut.restart(twice.history if change is not None else MemoryHistory(), crash=True)
    assert twice.cut.strategy.calls == 0
    assert any(words in event.message for event in twice.cut.read(LogEvent))


def test_class_that_decides_by_chance_is_given_up(kit: ModuleType, bus: EventBus, tmp_path: Path) -> None:
    """A run that gives other orders than the recorded ones has diverged: it begins anew, and nothing is sent twice."""
    text = COUNTING.replace("self.buy(size=2)", "self.buy(size=2 + int(__import__('os').environ['CHANCE']))")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHANCE", "1")
        paper = Paper(kit, bus, tmp_path / "files", {"counting.py": text}, threaded=False)
        paper.load("counting")
        for ticks in prices(6):
            paper.ticks(ticks, size=1e6)
        count = len(paper.read(OrderRequest))
        patch.setenv("CHANCE", "2")
        paper.restart(None, crash=True)
        paper.wait(lambda: not paper.adapter._thread.is_alive(), "the end of the run that is done again")
        paper.market([100.0])
        paper.wait(lambda: any("where BUY 3 X was recorded" in event.message for event in paper.read(LogEvent)), "the news")
        assert len(paper.read(OrderRequest)) == count
        paper.close()
