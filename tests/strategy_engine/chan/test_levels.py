"""Chan levels: several periods of one series, each as its own bars alone would make it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from gcg_quant.bars import resample
from gcg_quant.calendar import Calendar
from gcg_quant.errors import EventError, StrategyError
from gcg_quant.events import Bar, BarBasis, Tick, from_array
from gcg_quant.history import RecordArray
from gcg_quant.strategy_engine.chan import ChanAnalyzer, ChanLevels

MINUTE_NS = 60_000_000_000
LEVELS: dict[str, dict[str, Any]] = {"1m": {"keep": 50}, "5m": {"trend_pivots": 1}, "30m": {"variant": "new-loss"}}


def minutes(count: int, start_ns: int = 1_704_186_000_000_000_000) -> RecordArray:
    """Return a random walk of one-minute bars; every seventh minute has none."""
    random = np.random.default_rng(7)
    rows = np.zeros(count, Bar.dtype)
    rows["period"] = b"1m"
    rows["basis"] = BarBasis.LAST
    rows["close"] = 100 + np.cumsum(random.integers(-4, 5, count)) * 0.25
    rows["high"] = rows["close"] + random.integers(0, 5, count) * 0.25
    rows["low"] = rows["close"] - random.integers(0, 5, count) * 0.25
    rows["open"] = rows["close"]
    rows["start_ns"] = start_ns + np.arange(count) * MINUTE_NS
    rows["event_ns"] = rows["start_ns"] + MINUTE_NS
    return rows[np.arange(count) % 7 != 3]


@pytest.mark.parametrize("calendar", [None, Calendar("XSHG")])
def test_each_level_is_that_of_its_own_bars(calendar: Calendar | None) -> None:
    """A level has what an analyzer makes of the complete bars of its period, by the clock and by sessions; saved on the way or not."""
    bars = minutes(3000)
    levels = ChanLevels(LEVELS, calendar=calendar)
    for number, bar in enumerate(from_array(bars, "A", "SIM")):
        levels.update(bar)
        if number % 400 == 0:
            levels = ChanLevels.restore(levels.save(), calendar)
    levels.advance(int(bars["event_ns"][-1]))
    at_once = ChanLevels(LEVELS, calendar=calendar)
    at_once.extend(bars)
    at_once.advance(int(bars["event_ns"][-1]))
    assert list(levels) == list(LEVELS)
    assert len(levels) == 3
    for period, arguments in LEVELS.items():
        made = resample(bars, period, calendar)
        complete = made[made["event_ns"] <= bars["event_ns"][-1]]
        alone = ChanAnalyzer(**arguments)
        alone.extend(complete["start_ns"], complete["high"], complete["low"], complete["close"])
        assert alone.bars > 0
        assert levels[period].save() == at_once[period].save() == alone.save()


def test_level_changes_when_its_bar_is_complete() -> None:
    """A level's bar counts from the minute that completes it, not before."""
    levels = ChanLevels({"1m": {}, "5m": {}})
    bars = from_array(minutes(20), "A", "SIM")
    seen = [sorted(levels.update(bar)) for bar in bars]
    whole = [["1m", "5m"] if bar.event_ns % (5 * MINUTE_NS) == 0 else ["1m"] for bar in bars]
    assert seen == whole
    assert levels["5m"].bars == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"basis": BarBasis.BID}, "of LAST prices, and the bar is of BID"),
        ({"period": "1h"}, "A bar of 1h cannot be part of a bar of 1m"),
        ({"start_ns": 1_704_186_000_000_000_000}, "not after the bar before it"),
        ({"high": float("nan")}, "no finite number, or a high below its low"),
        ({"high": 1.0}, "no finite number, or a high below its low"),
    ],
)
def test_bar_that_cannot_be_changes_no_level(change: dict[str, Any], message: str) -> None:
    """A bar of another basis, too long, too old or without prices is refused before any level sees it."""
    levels = ChanLevels(LEVELS)
    bars = from_array(minutes(3), "A", "SIM")
    levels.update(bars[0])
    before = levels.save()
    fields: dict[str, Any] = {name: getattr(bars[1], name) for name in ("start_ns", "event_ns", "high", "low", "close", "open", "basis")}
    with pytest.raises(EventError, match=message):
        levels.update(Bar(**{"period": "1m", **fields, **change}))
    rows = minutes(6)[1:]
    for name, value in change.items():
        rows[name][2] = value
    with pytest.raises(EventError, match=message):
        levels.extend(rows)
    with pytest.raises(EventError, match="take an array of bars"):
        levels.extend(np.zeros(2, Tick.dtype))
    assert levels.save() == before


def test_wrong_levels_are_refused() -> None:
    """No level, a period that is none, and an analyzer's wrong argument are errors that say so."""
    with pytest.raises(StrategyError, match="need a period or more"):
        ChanLevels({})
    with pytest.raises(EventError, match="'5x' is not a bar period"):
        ChanLevels({"5x": {}})
    with pytest.raises(StrategyError, match="A variant of strokes"):
        ChanLevels({"5m": {"variant": "none"}})


def test_damaged_state_of_levels_is_one_clear_error() -> None:
    """A state that is cut or changed anywhere is refused."""
    levels = ChanLevels(LEVELS)
    levels.extend(minutes(60))
    data = levels.save()
    for bad in (b"", data[:-1], data + b"\0", *(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] for at in range(0, len(data), 97))):
        with pytest.raises(StrategyError, match=re.escape("feed the bars again from the start")):
            ChanLevels.restore(bad)
