"""Pandas frames of stored data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import from_iso
from gcg_quant.data_storage import Database, DatabaseHistory, bars_frame, ticks_frame, trades_frame
from gcg_quant.errors import EventError
from gcg_quant.events import Bar, Depth, Tick, TradeTick
from gcg_quant.record_frames import frame_of


@pytest.fixture
def history(bus: EventBus, database: Database, store_bus: Any) -> DatabaseHistory:
    """Return a history with a bar, a tick, a trade and a depth at known times."""
    start = from_iso("2013-10-07T09:30", "America/New_York")
    name = {"symbol": "SPY", "venue": "US"}
    bus.publish(Bar(**name, start_ns=start, end_ns=start + 60_000_000_000, period="1m", open=1.5, close=2.5))
    bus.publish(Tick(**name, event_ns=start + 1, last_price=1.5, condition="@"))
    bus.publish(TradeTick(**name, event_ns=start + 2, price=1.5))
    bus.publish(Depth(**name, event_ns=start + 3, bid_prices=(1.0,)))
    store_bus(bus, database)
    return DatabaseHistory(database)


def test_bars_are_indexed_by_their_start_in_utc(history: DatabaseHistory) -> None:
    """The index is a UTC DatetimeIndex, absent values are NaN."""
    frame = bars_frame(history, "SPY", "1m")
    assert str(frame.index.tz) == "UTC"
    assert frame.index[0].isoformat() == "2013-10-07T13:30:00+00:00"
    assert frame["close"].tolist() == [2.5]
    assert np.isnan(frame["high"].iloc[0])
    assert frame["period"].tolist() == ["1m"]
    assert frame["end_ns"].iloc[0] - frame.index[0].value == 60_000_000_000


def test_frames_are_shown_in_the_zone_asked_for(history: DatabaseHistory) -> None:
    """The zone changes the index, not the moment."""
    ticks = ticks_frame(history, "SPY", zone="America/New_York")
    assert ticks.index[0].isoformat() == "2013-10-07T09:30:00.000000001-04:00"
    assert ticks["condition"].tolist() == ["@"]
    assert trades_frame(history, "SPY", zone="Asia/Shanghai").index[0].hour == 21
    with pytest.raises(EventError, match="is not a time zone"):
        bars_frame(history, "SPY", "1m", zone="Mars")


def test_empty_answer_is_an_empty_frame(history: DatabaseHistory) -> None:
    """Columns and index are there without rows."""
    frame = bars_frame(history, "SPY", "1m", end_ns=0)
    assert len(frame) == 0
    assert str(frame.index.tz) == "UTC"
    assert "close" in frame.columns


def test_levels_become_columns(history: DatabaseHistory) -> None:
    """A depth has a column for each level."""
    frame = frame_of(history.depth("SPY"))
    assert frame["bid_prices_1"].tolist() == [1.0]
    assert frame["ask_orders_10"].tolist() == [-1]
