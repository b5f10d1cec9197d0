"""Stock parity: every set-up leaves under EventDrivenCerebro, with our feed and broker, too, exactly what it leaves under bt.Cerebro."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import backtrader as bt
import pytest
from parity.setups import SETUPS
from parity.sides import FAST, HAS_FAST, STOCK, Setup, Side, deviations, our_sides, run, stock_side
from torture import FULL

from gcg_quant.backtest import EventDrivenCerebro, EventDrivenDataFeed
from gcg_quant.bus import EventBus


def sides_of(setup: Setup, bus: EventBus | None) -> list[Side]:
    """Return the sides to run: all in `make torture` and of set-ups that are told, else one of a set-up, the other one of the next."""
    sides = list(our_sides(setup, bus))
    return sides if FULL or setup.told else [sides[SETUPS.index(setup) % len(sides)]]


@pytest.mark.parametrize("setup", SETUPS, ids=[setup.name for setup in SETUPS])
def test_run_equals_stock(setup: Setup, request: pytest.FixtureRequest) -> None:
    """Notifications, values, lines, analyzers, writers, broker, attributes and exceptions are stock's, and the way is the stated one."""
    bus = request.getfixturevalue("bus") if setup.told else None
    stock = run(setup, stock_side())
    assert stock.sections["lines"]
    for side in sides_of(setup, bus):
        ours = run(setup, side)
        found = deviations(stock, ours, side, setup.leftover)
        assert not found, f"{side}: " + "\n".join(found)
        check_way(setup, side, ours.reason)


def check_way(setup: Setup, side: Side, reason: str | None) -> None:
    """Assert that a run took the way that its set-up states, and said in a sentence why if it was not the fast one."""
    if not HAS_FAST:
        return
    assert reason is not None
    assert not reason or reason.endswith(".")
    if not side.fast or setup.path == STOCK:
        assert reason, f"{side} took the fast path"
    elif setup.path == FAST and side.bus is None:
        assert reason == "", f"{side} fell back: {reason}"


def test_there_are_many_set_ups() -> None:
    """There are more than a hundred, each with a name of its own."""
    assert len({setup.name for setup in SETUPS}) == len(SETUPS) > 100


def test_optstrategy_in_processes_equals_stock(kit: ModuleType) -> None:
    """Parameter sweeps over worker processes work as with stock, and give the same."""
    bars = kit.random_bars(300)

    def best(cerebro: Any, feed: Any) -> list[tuple[Any, ...]]:
        cerebro.adddata(feed)
        cerebro.optstrategy(kit.Cross, fast=[3, 5], slow=[15, 20])
        cerebro.addanalyzer(bt.analyzers.TradeAnalyzer, _name="trades")
        return [(run[0].p.fast, run[0].p.slow, repr(run[0].analyzers.trades.get_analysis())) for run in cerebro.run(maxcpus=2)]

    stock = best(bt.Cerebro(), bt.feeds.PandasData(dataname=kit.frame_of(bars), timeframe=bt.TimeFrame.Minutes))
    assert best(EventDrivenCerebro(), EventDrivenDataFeed(dataname="X", history=kit.stored(bars))) == stock
