"""`self.plot(name, value)` in a Backtrader class: points on the chart live, nothing in a backtest, and never in a user's way."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import backtrader as bt
import pytest

from gcg_quant.backtest import EventDrivenCerebro, EventDrivenDataFeed
from gcg_quant.bus import EventBus
from gcg_quant.events import Bar, PlotEvent, StrategyStatusEvent
from gcg_quant.history import MemoryHistory

from .paper_system import Paper

DRAWING = """
import backtrader as bt


class Drawing(bt.Strategy):
    params = (("name", "close"),)

    def __init__(self):
        self.average = bt.ind.SMA(period=3)

    def start(self):
        self.plot("start", 1.0)

    def next(self):
        self.plot(self.p.name, self.data.close[0])
        self.plot("average", self.average[0], symbol=self.data, place="below")
        self.plot("nothing", float("nan"), "X@SIM")
"""


@pytest.fixture
def history(kit: ModuleType) -> MemoryHistory:
    """Return bars up to the moment at which the paper system begins."""
    stored = MemoryHistory()
    stored.add_bars("X", "SIM", kit.random_bars(20, period="1s", start_ns=kit.START_NS - 20 * 10**9))
    return stored


def test_points_of_live_bars_alone_and_none_twice_after_a_restart(
    kit: ModuleType, bus: EventBus, tmp_path: Path, history: MemoryHistory
) -> None:
    """Warm-up and `start` draw nothing, each live bar its points; a run that is done again after a crash is mute and then draws on."""
    system = Paper(kit, bus, tmp_path / "files", {"drawing.py": DRAWING}, threaded=False)
    system.restart(history)
    system.load("drawing")
    market = [[100.0 + at, 101.0 + at] for at in range(18)]
    for at, prices in enumerate(market):
        if at in (6, 12):
            system.restart(history, crash=True)
            system.quiet()
            assert len(system.read(PlotEvent)) == 2 * at
        system.ticks(prices)
    bars = [one for one in system.read(Bar) if one.period == "1s"]
    closes = [one.close for one in bars]
    assert closes == [prices[-1] for prices in market]
    points = system.read(PlotEvent)
    over, below = ([one for one in points if one.place == place] for place in ("price", "below"))
    assert len(over) + len(below) == len(points)
    assert [(one.name, one.value) for one in over] == [("close", close) for close in closes]
    assert [one.name for one in below] == ["average"] * len(bars)
    assert [one.value for one in below[2:]] == [pytest.approx(sum(closes[at - 2 : at + 1]) / 3) for at in range(2, len(closes))]
    assert {(one.symbol, one.venue, one.strategy) for one in points} == {("X", "SIM", "one")}
    assert [one.cause for one in over] == [bar.id for bar in bars]
    assert [one.event_ns for one in over] == [bar.event_ns for bar in bars]
    system.close()


def test_point_that_cannot_be_drawn_ends_the_run_with_a_sentence(
    kit: ModuleType, bus: EventBus, tmp_path: Path, history: MemoryHistory
) -> None:
    """As of any strategy: the name is what was wrong, told with file and line."""
    system = Paper(kit, bus, tmp_path / "files", {"drawing.py": DRAWING})
    system.restart(history)
    system.load("drawing", name="")
    system.second(100.0)
    system.second(100.0)
    system.wait(lambda: any(one.state == "failed" for one in system.read(StrategyStatusEvent)), "the failure")
    (failed,) = (one for one in system.read(StrategyStatusEvent) if one.state == "failed")
    assert "A plot needs a name of 1 to 64 characters, not ''" in failed.error
    assert "drawing.py" in failed.error
    system.close()


class Plotting(bt.Strategy):  # type: ignore[misc]
    """Draws at each bar, and trades."""

    params = (("every", 3),)

    def next(self) -> None:
        """Draw and trade."""
        self.plot("close", self.data.close[0], place="below")
        self.plot("twice", 2.0, self.data)
        if len(self) % self.p.every == 0:
            self.buy() if not self.position else self.close()


class Owning(bt.Strategy):  # type: ignore[misc]
    """Has a method of that name."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def plot(self, value: float) -> None:
        """Note."""
        self.seen.append(value)

    def next(self) -> None:
        """Note the close."""
        self.plot(self.data.close[0])


class Flagged(bt.Strategy):  # type: ignore[misc]
    """Has an attribute of that name."""

    def __init__(self) -> None:
        self.plot = False


class Lined(bt.Strategy):  # type: ignore[misc]
    """Has a line of that name."""

    lines = ("plot",)

    def next(self) -> None:
        """Set the line."""
        self.lines.plot[0] = self.data.close[0]


def run(kit: ModuleType, cls: Any, **options: Any) -> Any:
    """Run a class over bars and return it and its cerebro."""
    cerebro = EventDrivenCerebro()
    cerebro.adddata(EventDrivenDataFeed(dataname="X", bars=kit.random_bars(60)))
    cerebro.addstrategy(cls)
    return cerebro.run(**options)[0], cerebro


def test_backtest_draws_nothing_and_stays_fast(kit: ModuleType) -> None:
    """Drawing changes neither the numbers nor the path of a backtest; optimised runs in other processes come back."""

    class Silent(Plotting):
        plot = staticmethod(lambda *given, **named: None)

    drawn, cerebro = run(kit, Plotting)
    silent, _ = run(kit, Silent)
    assert cerebro.fast_reason == ""
    assert type(drawn) is Plotting
    assert drawn.broker.getvalue() == silent.broker.getvalue() != 10_000
    many = EventDrivenCerebro(fast=True)
    many.adddata(bt.feeds.PandasData(dataname=kit.frame_of(kit.random_bars(60)), timeframe=bt.TimeFrame.Minutes))
    many.optstrategy(Plotting, every=[2, 3])
    assert [one[0].p.every for one in many.run(maxcpus=2)] == [2, 3]


@pytest.mark.parametrize("mode", [{}, {"runonce": False}])
def test_what_a_class_calls_plot_stays_its_own(kit: ModuleType, mode: dict[str, Any]) -> None:
    """A method, an attribute or a line of that name is the user's; Backtrader itself has none, nor takes notice of ours."""
    assert not hasattr(bt.Strategy, "plot")
    owning, _ = run(kit, Owning, **mode)
    assert owning.seen == kit.random_bars(60)["close"].tolist()
    flagged, _ = run(kit, Flagged, **mode)
    assert flagged.plot is False
    lined, _ = run(kit, Lined, **mode)
    assert lined.plot[0] == lined.data.close[0]
    assert "plot" not in vars(Plotting)
