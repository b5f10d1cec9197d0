"""Feeds of a run that goes bar by bar: who is loaded in C, for how long, and what is refused."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import backtrader as bt
import numpy as np
import pytest

from gcg_quant.backtest import EventDrivenCerebro, EventDrivenDataFeed
from gcg_quant.backtest.fast.native import FastFeed
from gcg_quant.backtest.fast.sampling import INSTALLED, LOADED

MINUTES = bt.TimeFrame.Minutes
Data = bt.feed.AbstractDataBase


class Stacking(EventDrivenDataFeed):
    """A feed with a way of its own to take bars from its stack."""

    def _fromstack(self, forward: bool = False, stash: bool = False) -> bool:
        return bool(super()._fromstack(forward, stash))


class Looking(bt.Strategy):  # type: ignore[misc]
    """Notes which feeds have methods of a run, and calls what it was given at the third bar."""

    params = (("third", None),)

    def __init__(self) -> None:
        self.seen: list[list[bool]] = []

    def next(self) -> None:
        """Look."""
        self.seen.append([vars(data).keys() >= (INSTALLED if data._filters else LOADED).keys() for data in self.datas])
        if len(self.seen) == 3 and self.p.third is not None:
            self.p.third(self)


def run(kit: ModuleType, third: Any = None, feed: type = EventDrivenDataFeed) -> Any:
    """Run two feeds, of which the second is of class `feed`, and the first one resampled; return the cerebro."""
    cerebro = EventDrivenCerebro(stdstats=False)
    first = cerebro.adddata(EventDrivenDataFeed(dataname="X", bars=kit.random_bars(30)))
    cerebro.adddata(feed(dataname="Y", bars=kit.random_bars(30, seed=2)))
    cerebro.resampledata(first, timeframe=MINUTES, compression=5)
    cerebro.addstrategy(Looking, third=third)
    cerebro.run()
    return cerebro


def left(cerebro: Any) -> list[str]:
    """Return what the feeds still have of a run."""
    return [name for data in cerebro.datas for name in (*INSTALLED, *LOADED) if name in vars(data)]


def test_plain_feeds_are_loaded_in_c(kit: ModuleType) -> None:
    """Feeds and their resampled clones get the methods for the run, and lose them afterwards."""
    cerebro = run(kit)
    strategy = cerebro.runningstrats[0]
    assert cerebro.fast_reason == ""
    assert strategy.seen
    assert all(all(row) for row in strategy.seen)
    assert left(cerebro) == []


def test_feed_that_overrides_loading_keeps_its_own(kit: ModuleType) -> None:
    """A feed with another `_fromstack` is loaded by Backtrader, and the others are not."""
    cerebro = run(kit, feed=Stacking)
    assert cerebro.fast_reason == ""
    assert {tuple(row) for row in cerebro.runningstrats[0].seen} == {(True, False, True)}


def test_exception_takes_the_methods_away(kit: ModuleType) -> None:
    """After an exception in the run the feeds are what they were, and the resampler has its state."""
    found: list[Any] = []

    def fail(strategy: Any) -> None:
        found.append(strategy.cerebro)
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        run(kit, fail)
    assert left(found[0]) == []
    (resampler, _, _) = found[0].datas[2]._filters[0]
    assert resampler.bar.isopen()


def test_filter_added_while_running_is_used(kit: ModuleType) -> None:
    """The filters are those of the feed at each bar, not those that it began with."""
    dropped = []

    def drop(data: Any) -> bool:
        dropped.append(len(data))
        return True

    cerebro = run(kit, lambda strategy: strategy.datas[1].addfilter_simple(drop))
    assert len(dropped) == 30 - len(cerebro.datas[1]) > 0


def test_bars_pushed_onto_the_stack_are_delivered(kit: ModuleType) -> None:
    """A bar that a strategy puts onto a feed's stack comes next, whatever numbers it is made of, and a wrong one raises as ever."""
    closes: list[float] = []

    def push(strategy: Any) -> None:
        data = strategy.datas[1]
        data._add2stack([7, 1, 9.5, np.float64(3), 0.0, 0.0, data.datetime[0] + 1e-4])
        assert data.load() is True
        closes.append(data.close[0])
        data._add2stack(["seven"])
        data.load()

    with pytest.raises(TypeError, match="must be real number"):
        run(kit, push)
    assert closes == [7.0]


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"lines": lambda lines: (object(), *lines[1:])}, RuntimeError, "lines that were attached"),
        ({"lines": lambda lines: lines[:4]}, ValueError, "all the lines of a feed"),
        ({"source": ("_row", False, (None,) * 6)}, ValueError, "a column for each of its lines"),
        ({"source": ("_row", False, (None,) * 7)}, ValueError, "columns of one length"),
        ({"source": ("_row", False, (np.zeros(3), *(None,) * 5, np.zeros(4)))}, ValueError, "columns of one length"),
        ({"source": ("_row", False, (*(None,) * 6, np.zeros(4, np.int64)))}, TypeError, "must be of doubles"),
        ({"ticks": (("tick_x", 7),)}, ValueError, "no such line"),
    ],
)
def test_wrong_parts_are_refused(kit: ModuleType, change: dict[str, Any], error: type[Exception], text: str) -> None:
    """A fast feed says which of its parts is wrong."""

    def make(strategy: Any) -> None:
        data = strategy.datas[0]
        lines = tuple(data.lines.lines)
        lines = change.get("lines", tuple)(lines)
        root = (data.lines.lines[0], data.lines.datetime, 0)
        FastFeed(data, Data, lines, 7, change.get("ticks", ()), (), root, (0.0, 1.0), change.get("source"))

    with pytest.raises(error, match=text):
        run(kit, make)
