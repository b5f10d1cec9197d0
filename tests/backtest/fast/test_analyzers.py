"""The analyzers of a fast run: their periods are Backtrader's to the microsecond, and whose methods are the user's own keeps them."""

from __future__ import annotations

import datetime as dt
from types import ModuleType, SimpleNamespace
from typing import Any

import backtrader as bt
import pytest
from backtrader.analyzer import TimeFrameAnalyzerBase
from backtrader.utils.dateintern import num2date
from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant.backtest import EventDrivenCerebro, EventDrivenDataFeed
from gcg_quant.backtest.fast.analyzers import Periods, bar_steps
from gcg_quant.backtest.fast.analyzers.methods import FAST, fast_method

Frame, kinds = bt.TimeFrame, bt.analyzers
LENGTHS = [
    (Frame.Years, 1), (Frame.Months, 1), (Frame.Weeks, 2), (Frame.Days, 1), (Frame.Minutes, 1), (Frame.Minutes, 7), (Frame.Minutes, 90),
    (Frame.Minutes, 1440), (Frame.Minutes, 3000), (Frame.Seconds, 1), (Frame.Seconds, 45), (Frame.Seconds, 86_400), (Frame.NoTimeFrame, 1),
]  # fmt: skip
FACTS = ("dtcmp", "dtkey", "dtcmp1", "dtkey1")


class Times:
    """A line of times that stands at one of them."""

    _tz: Any = None

    def __init__(self) -> None:
        self.number = 1.0

    def __getitem__(self, ago: int) -> float:
        return self.number

    def datetime(self) -> dt.datetime:
        """Return the time as Backtrader's own lines do."""
        moment: dt.datetime = num2date(self.number, self._tz)
        return moment


def timed(strategy: Any, frame: int, compression: int) -> Any:
    """Return an analyzer of that length as it is at the start of a run."""
    made = object.__new__(TimeFrameAnalyzerBase)
    made.strategy, made.timeframe, made.compression = strategy, frame, compression
    made.dtcmp, made.dtkey = made._get_dt_cmpkey(dt.datetime.min)
    return made


# A day's last 10 microseconds are rounded into the next day.
WITHIN_DAY = st.one_of(st.integers(0, 86_399_999_999), st.integers(86_399_999_980, 86_399_999_999))
moments = st.lists(st.tuples(st.integers(0, 3), WITHIN_DAY), min_size=2, max_size=30)


@settings(max_examples=60, deadline=None)
@given(moments, st.booleans())
def test_periods_are_over_when_backtraders_are(steps: list[tuple[int, int]], zoned: bool) -> None:
    """At each bar an analyzer of every length gets the answer, and keeps the attributes, that Backtrader's own method gives it."""
    times = Times()
    times._tz = dt.timezone(dt.timedelta(hours=-7)) if zoned else None
    strategy = SimpleNamespace(datetime=times)
    periods = Periods(strategy)
    ours = [timed(strategy, *length) for length in LENGTHS]
    stock = [timed(strategy, *length) for length in LENGTHS]
    overs = [periods.over(one) for one in ours]
    day = dt.datetime(2019, 12, 27).toordinal()
    for days, microseconds in steps:
        day += days
        times.number = max(times.number, day + microseconds / 86_400_000_000)
        assert [over() for over in overs] == [one._dt_over() for one in stock]
    for mine, theirs, length in zip(ours, stock, LENGTHS):
        assert {name: vars(mine).get(name) for name in FACTS} == {name: vars(theirs).get(name) for name in FACTS}, length


def started(kit: ModuleType, *classes: type) -> list[Any]:
    """Return analyzers of these classes, of a strategy that has run over a few bars."""
    cerebro = EventDrivenCerebro()
    cerebro.adddata(EventDrivenDataFeed(dataname="X", bars=kit.random_bars(5)))
    cerebro.addstrategy(bt.Strategy)
    for cls in classes:
        cerebro.addanalyzer(cls)
    (strategy,) = cerebro.run()
    assert cerebro.fast_reason == ""
    return list(strategy.analyzers)


class Derived(kinds.DrawDown):  # type: ignore[misc]
    """Changes nothing."""


class Guarded(kinds.DrawDown):  # type: ignore[misc]
    """Looks at what is written into it."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)


class Aside(bt.Analyzer):
    """Has a next() that the super() of another class may reach."""

    def next(self) -> None:
        """Do nothing."""


class Beside(kinds.DrawDown, Aside):  # type: ignore[misc]
    """Two at once."""


def test_known_methods_are_exchanged_and_others_are_not(kit: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A method is exchanged where it is Backtrader's own on classes of Backtrader's, or derived from them alone."""
    stock, derived, guarded, beside, shadowed = started(kit, kinds.DrawDown, Derived, Guarded, Beside, kinds.DrawDown)
    assert kinds.DrawDown.next in FAST
    for one in (stock, derived):
        assert fast_method(one, "next") != one.next
    shadowed.next = lambda: None
    for one in (guarded, beside, shadowed):
        assert fast_method(one, "next") == one.next
    monkeypatch.setattr(kinds.DrawDown, "next", lambda self: None)
    assert fast_method(stock, "next") == stock.next


def test_analyzers_without_work_at_a_bar_are_not_called(kit: ModuleType) -> None:
    """Of analyzers that only listen to orders and trades, or have something to do at the end, nothing is called at a bar."""
    sqn, trades, annual, draw = started(kit, kinds.SQN, kinds.TradeAnalyzer, Quiet, kinds.DrawDown)
    assert bar_steps([sqn, trades, annual], Periods(draw.strategy)) == ()
    assert len(bar_steps([sqn, draw, trades], Periods(draw.strategy))) == 1


class Quiet(bt.Analyzer):
    """Works at the end."""

    def stop(self) -> None:
        """Note the length."""
        self.rets["bars"] = len(self)
