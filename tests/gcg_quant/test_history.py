"""The history in memory."""

from __future__ import annotations

import numpy as np
import pytest

from gcg_quant.errors import EventError, InstrumentError
from gcg_quant.events import Bar, BarBasis, Tick, TradeTick
from gcg_quant.history import History, MemoryHistory, RecordArray


def bars(starts: list[int], period: bytes = b"1m", basis: BarBasis = BarBasis.LAST, close: float = 1.0) -> RecordArray:
    """Return bars that begin at these times and last 60 ns."""
    rows = np.zeros(len(starts), Bar.dtype)
    rows["start_ns"], rows["period"], rows["basis"], rows["close"], rows["instrument"] = starts, period, basis, close, 7
    rows["event_ns"] = rows["start_ns"] + 60
    return rows


def test_it_is_a_history() -> None:
    """MemoryHistory has the face that strategies and charts ask."""
    assert isinstance(MemoryHistory(), History)


def test_bars_come_sorted_by_period_and_basis() -> None:
    """Each period and basis is a series of its own; the bar added last wins; the bus's instrument number is dropped."""
    history = MemoryHistory()
    history.add_bars("X", "V", np.concatenate([bars([120, 0]), bars([0], b"5m"), bars([0], b"1m", BarBasis.BID)]))
    history.add_bars("X", "V", bars([60, 120], close=2.0))
    found = history.bars("X", "1m")
    assert found["start_ns"].tolist() == [0, 60, 120]
    assert found["close"].tolist() == [1, 2, 2]
    assert found["instrument"].tolist() == [0, 0, 0]
    assert len(history.bars("X", "5m")) == len(history.bars("X", "1m", basis=BarBasis.BID)) == 1
    assert len(history.bars("X", "1h")) == 0
    assert history.bars("X", "1h").dtype == Bar.dtype


def test_bars_are_bounded_by_start_and_end() -> None:
    """A bar that ends after `end_ns` is not returned: it would tell the future. The limit keeps the newest."""
    history = MemoryHistory()
    history.add_bars("X", "V", bars([0, 60, 120, 180]))
    assert history.bars("X", "1m", start_ns=60, end_ns=180)["start_ns"].tolist() == [60, 120]
    assert history.bars("X", "1m", end_ns=179)["start_ns"].tolist() == [0, 60]
    assert history.bars("X", "1m", limit=2)["start_ns"].tolist() == [120, 180]
    assert history.bars("X", "1m", limit=0)["start_ns"].tolist() == []


def test_ticks_and_trades_keep_the_order_of_equal_times() -> None:
    """Equal times stay in the order in which they were added."""
    history = MemoryHistory()
    ticks, trades = np.zeros(3, Tick.dtype), np.zeros(3, TradeTick.dtype)
    ticks["event_ns"], ticks["last_price"] = [5, 5, 1], [1, 2, 3]
    trades["event_ns"], trades["price"] = [5, 5, 1], [1, 2, 3]
    history.add_ticks("X", "V", ticks)
    history.add_ticks("X", "V", ticks[:1])
    history.add_trades("X", "V", trades)
    assert history.ticks("X")["last_price"].tolist() == [3, 1, 2, 1]
    assert history.ticks("X", start_ns=2, end_ns=5, limit=2)["last_price"].tolist() == [2, 1]
    assert history.trades("X", end_ns=4)["price"].tolist() == [3]
    assert ticks["event_ns"].tolist() == [5, 5, 1]


def test_symbols_and_venues_are_told_apart() -> None:
    """A symbol of several venues needs one; an unknown symbol names the nearest."""
    history = MemoryHistory()
    history.add_bars("BTC/USDT", "A", bars([0]))
    history.add_bars("BTC/USDT", "B", bars([0, 60]))
    history.add_ticks("ETH/USDT", "A", np.zeros(1, Tick.dtype))
    assert history.symbols() == [("BTC/USDT", "A"), ("BTC/USDT", "B"), ("ETH/USDT", "A")]
    assert len(history.bars("BTC/USDT", "1m", venue="B")) == 2
    assert len(history.trades("ETH/USDT")) == 0
    with pytest.raises(InstrumentError, match="stored for several venues; choose one of A, B"):
        history.bars("BTC/USDT", "1m")
    with pytest.raises(InstrumentError, match=r"Nothing is stored of 'BTC/USD'.* Did you mean 'BTC/USDT'"):
        history.ticks("BTC/USD")
    with pytest.raises(EventError, match="is not a bar period"):
        history.bars("BTC/USDT", "1x", venue="A")


def test_what_is_returned_cannot_be_changed() -> None:
    """Arrays are shared between threads, so nobody writes into them."""
    history = MemoryHistory()
    history.add_bars("X", "V", bars([0]))
    with pytest.raises(ValueError, match="read-only"):
        history.bars("X", "1m")["close"] = 5
