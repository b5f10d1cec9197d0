"""Start, pause, step, stop and progress of a run."""

from __future__ import annotations

import time
from types import ModuleType
from typing import Any

import backtrader as bt
import pytest

from gcg_quant.backtest import EventDrivenCerebro, EventDrivenDataFeed
from gcg_quant.backtest.cerebro_run.control import RunControl
from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError, StrategyError
from gcg_quant.events import BacktestProgressEvent, StrategyStatusEvent


class Counting(bt.Strategy):
    """Counts its bars."""

    params = (("limit", 0),)

    def __init__(self) -> None:
        self.calls = 0
        self.stopped = False

    def next(self) -> None:
        """Count the bar."""
        self.calls += 1
        if self.calls == self.p.limit:
            self.env.runstop()

    def stop(self) -> None:
        """Note the end."""
        self.stopped = True


def prepared(kit: ModuleType, count: int = 200, strategies: int = 1, **options: Any) -> EventDrivenCerebro:
    """Return a cerebro with `count` bars."""
    cerebro = EventDrivenCerebro(**options)
    cerebro.adddata(EventDrivenDataFeed(dataname="X", bars=kit.random_bars(count)))
    for _ in range(strategies):
        cerebro.addstrategy(Counting)
    return cerebro


def wait_for(condition: Any, timeout_s: float = 60.0) -> None:
    """Wait until a condition holds, or fail."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.002)


MODES = [{}, {"runonce": False}, {"preload": False}]


@pytest.mark.parametrize("mode", MODES)
def test_started_run_steps_bar_by_bar(kit: ModuleType, mode: dict[str, Any]) -> None:
    """A run that is started paused does exactly as many bars as are asked for, then goes on to its end."""
    cerebro = prepared(kit)
    cerebro.start(paused=True, **mode)
    cerebro.step(3)
    wait_for(lambda: cerebro.bars_done == 3)
    cerebro.step()
    wait_for(lambda: cerebro.bars_done == 4)
    time.sleep(0.02)
    assert cerebro.bars_done == 4
    assert cerebro.runningstrats[0].calls == 4
    cerebro.resume()
    assert cerebro.wait(60.0)[0].calls == 200


@pytest.mark.parametrize("mode", MODES)
def test_stop_while_paused_ends_before_the_next_bar(kit: ModuleType, mode: dict[str, Any]) -> None:
    """A paused run that is stopped sees no further bar, and its strategy's stop() is called."""
    cerebro = prepared(kit)
    cerebro.start(paused=True, **mode)
    cerebro.step(5)
    wait_for(lambda: cerebro.bars_done == 5)
    cerebro.stop()
    strategy = cerebro.wait(60.0)[0]
    assert (strategy.calls, strategy.stopped) == (5, True)


def test_stopped_run_fills_no_order_on_the_bar_it_did_not_see(kit: ModuleType) -> None:
    """An order of the last bar stays pending."""

    class BuysAlways(Counting):
        def next(self) -> None:
            super().next()
            self.buy()

    cerebro = EventDrivenCerebro()
    cerebro.adddata(EventDrivenDataFeed(dataname="X", bars=kit.random_bars(50)))
    cerebro.addstrategy(BuysAlways)
    cerebro.start(paused=True)
    cerebro.step(5)
    wait_for(lambda: cerebro.bars_done == 5)
    cerebro.stop()
    assert cerebro.wait(60.0)[0].position.size == 4


def test_parameters_can_be_changed_while_paused(kit: ModuleType) -> None:
    """What is changed between two bars holds from the next one on."""
    cerebro = prepared(kit)
    cerebro.start(paused=True)
    cerebro.step(5)
    wait_for(lambda: cerebro.bars_done == 5)
    cerebro.runningstrats[0].p.limit = 8
    cerebro.resume()
    assert cerebro.wait(60.0)[0].calls == 8


def test_runstop_of_a_strategy_works_as_in_stock(kit: ModuleType) -> None:
    """A strategy that stops the run ends it at the same bar as under bt.Cerebro."""
    stock = bt.Cerebro()
    stock.adddata(bt.feeds.PandasData(dataname=kit.frame_of(kit.random_bars(50))))
    stock.addstrategy(Counting, limit=7)
    ours = EventDrivenCerebro()
    ours.adddata(EventDrivenDataFeed(dataname="X", bars=kit.random_bars(50)))
    ours.addstrategy(Counting, limit=7)
    assert ours.run()[0].calls == stock.run()[0].calls == 7


def test_cerebro_runs_again_after_a_stop(kit: ModuleType) -> None:
    """A second run() after a stop runs to the end, as with stock."""
    cerebro = prepared(kit)
    cerebro.start(paused=True)
    cerebro.stop()
    assert cerebro.wait(60.0)[0].calls == 0
    assert cerebro.run()[0].calls == 200
    assert cerebro.run()[0].calls == 200


@pytest.mark.parametrize("strategies", [1, 3])
def test_progress_counts_bars_up_to_the_total(kit: ModuleType, bus: EventBus, strategies: int) -> None:
    """Progress is published on the bus, rises, ends at the total, and counts a bar once however many strategies there are."""
    seen: list[BacktestProgressEvent] = []
    cerebro = prepared(kit, strategies=strategies, bus=bus, run="one", on_progress=seen.append)
    cerebro.run()
    with bus.reader(start="begin", events=[BacktestProgressEvent]) as reader:
        told = [event for event in reader if isinstance(event, BacktestProgressEvent)]
    assert [event.done for event in told] == [event.done for event in seen]
    assert [event.done for event in seen] == sorted({event.done for event in seen})
    assert (seen[-1].done, seen[-1].total, seen[-1].run) == (200, 200, "one")
    assert seen[-1].event_ns == int(kit.random_bars(200)["start_ns"][-1])
    assert 10 < len(seen) < 60


def test_total_counts_the_times_of_all_feeds(kit: ModuleType) -> None:
    """With feeds of different times the total is the number of different times."""
    cerebro = prepared(kit)
    cerebro.adddata(EventDrivenDataFeed(dataname="Y", bars=kit.random_bars(50, start_ns=kit.START_NS + 180 * 60 * 10**9)))
    cerebro.run()
    assert (cerebro.bars_done, cerebro.bars_total) == (230, 230)


def test_exception_of_a_started_run_comes_out_of_wait(kit: ModuleType) -> None:
    """What the strategy raises is raised by wait()."""

    class Broken(bt.Strategy):
        def next(self) -> None:
            raise ZeroDivisionError("by design")

    cerebro = EventDrivenCerebro()
    cerebro.adddata(EventDrivenDataFeed(dataname="X", bars=kit.random_bars(5)))
    cerebro.addstrategy(Broken)
    cerebro.start()
    with pytest.raises(ZeroDivisionError, match="by design"):
        cerebro.wait(60.0)


def test_wait_and_start_out_of_turn_are_refused(kit: ModuleType) -> None:
    """wait() without start(), a second start(), and a wait that takes too long are sentences."""
    cerebro = prepared(kit)
    with pytest.raises(BacktestError, match="begun with start"):
        cerebro.wait()
    cerebro.start(paused=True)
    with pytest.raises(BacktestError, match="running already"):
        cerebro.start()
    with pytest.raises(BacktestError, match="did not end within"):
        cerebro.wait(0.01)
    cerebro.stop()
    cerebro.wait(60.0)


class Sized(bt.Strategy):
    """Notes its parameter at every bar, and may change it itself."""

    params = (("size", 1), ("label", "none"), ("change_at", 0))

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def next(self) -> None:
        """Note."""
        self.seen.append(self.p.size)
        if len(self) == self.p.change_at:
            self.env.set_parameters({"size": 7})

    def notify_parameters(self, changed: dict[str, Any]) -> None:
        """Note."""
        self.seen.append(changed)


@pytest.mark.parametrize("options", [{}, {"runonce": False}, {"preload": False}])
def test_parameters_change_between_two_bars(kit: ModuleType, bus: EventBus, options: dict[str, Any]) -> None:
    """Of a paused run at once, of a running one before the next bar; the class is told, and so is the bus."""
    cerebro = EventDrivenCerebro(bus=bus, run="sized")
    cerebro.adddata(EventDrivenDataFeed(dataname="X", bars=kit.random_bars(12)))
    cerebro.addstrategy(Sized, change_at=8)
    cerebro.start(paused=True, **options)
    cerebro.step(3)
    wait_for(lambda: cerebro.bars_done == 3)
    cerebro.set_parameters({"size": "5", "label": "five"})
    wait_for(lambda: cerebro.runningstrats[0].p.size == 5)
    cerebro.resume()
    (strategy,) = cerebro.wait(60.0)
    assert strategy.seen == [1, 1, 1, {"size": 5, "label": "five"}, 5, 5, 5, 5, 5, {"size": 7}, 7, 7, 7, 7]
    with bus.reader(start="begin", events=[StrategyStatusEvent]) as reader:
        told = [(event.strategy, event.state, event.parameters["size"]) for event in reader]
    assert told == [("sized", "paused", 5), ("sized", "running", 7)]


def test_wrong_parameters_are_refused_at_once(kit: ModuleType) -> None:
    """A misspelt name, a value of another type and a strategy that is not there change nothing."""
    cerebro = EventDrivenCerebro()
    cerebro.adddata(EventDrivenDataFeed(dataname="X", bars=kit.random_bars(3)))
    cerebro.addstrategy(Sized)
    with pytest.raises(StrategyError, match="Sized has no parameter 'sise'.*Did you mean 'size'"):
        cerebro.set_parameters({"sise": 2})
    with pytest.raises(StrategyError, match="'size' of Sized must be"):
        cerebro.set_parameters({"label": "x", "size": "many"})
    with pytest.raises(BacktestError, match="There is no strategy number 1"):
        cerebro.set_parameters({"size": 2}, strategy=1)
    assert cerebro.run()[0].seen == [1, 1, 1]


def test_control_refuses_no_steps() -> None:
    """A step of no bars makes no sense."""
    with pytest.raises(ValueError, match="at least one bar"):
        RunControl().step(0)


def test_stop_cannot_be_undone() -> None:
    """resume() after stop() changes nothing."""
    control = RunControl()
    control.stop()
    control.resume()
    control.step()
    assert (control.state, control.checkpoint()) == ("stopping", False)
