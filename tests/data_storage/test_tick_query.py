"""Bars of instruments that have ticks or trades only, compared with an independent aggregation in pandas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torture import examples

from gcg_quant.bars import aggregate
from gcg_quant.bus import EventBus
from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_MINUTE, NS_PER_SECOND, from_iso, to_iso
from gcg_quant.data_storage import Database, DatabaseHistory
from gcg_quant.data_storage.reading.rows import plain
from gcg_quant.events import Bar, BarBasis, Quality, Tick, TradeTick, VolumeKind
from gcg_quant.instruments import Instrument

COUNT = 1_000
START = from_iso("2024-03-04T03:00Z")  # Monday, eleven o'clock in Shanghai: half an hour before the break


@pytest.fixture
def history(bus: EventBus, database: Database, store_bus: Any, monkeypatch: pytest.MonkeyPatch) -> DatabaseHistory:
    """Return trades of T, cumulative ticks of C and quotes of Q over 150 minutes, many at equal times, read in small portions.

    I has the ticks of C, and a market with a break.
    """
    monkeypatch.setattr("gcg_quant.data_storage.reading.tick_query._PORTION", 100)
    chance = np.random.default_rng(5)
    trades, ticks, quotes = np.zeros(COUNT, TradeTick.dtype), np.zeros(COUNT, Tick.dtype), np.zeros(COUNT, Tick.dtype)
    for rows in (trades, ticks, quotes):
        for name in rows.dtype.names or ():
            if rows[name].dtype.kind == "f":
                rows[name] = np.nan
        times = np.sort(chance.integers(0, 150 * 60, COUNT)) * NS_PER_SECOND
        rows["event_ns"] = START + times
        rows["ordinal"] = np.arange(COUNT) - np.searchsorted(times, times)
    trades["price"] = 100 + np.cumsum(chance.normal(0, 0.1, COUNT))
    trades["size"] = chance.integers(1, 9, COUNT)
    trades["quality"] = np.where(chance.random(COUNT) < 0.02, Quality.SUSPICIOUS, Quality.NORMAL)
    ticks["last_price"] = np.where(chance.random(COUNT) < 0.1, np.nan, 50 + np.cumsum(chance.normal(0, 0.1, COUNT)))
    ticks["volume"] = 1_000 + np.cumsum(chance.integers(0, 5, COUNT))
    ticks["volume_kind"] = VolumeKind.DAY
    ticks["trading_day"] = 20240304
    quotes["bid_price"] = 10 + np.cumsum(chance.normal(0, 0.01, COUNT))
    quotes["ask_price"] = quotes["bid_price"] + 0.02
    bus.instruments.add(Instrument(symbol="I", venue="V", calendar="CFFEX:session", timezone="Asia/Shanghai"))
    for symbol, rows in (("T", trades), ("C", ticks), ("Q", quotes), ("I", ticks)):
        rows["instrument"] = bus.instruments.number(symbol, "V")
        bus.publish_batch(rows)
    store_bus(bus, database)
    return DatabaseHistory(database)


def aggregated(rows: Any, price: Any, volume: Any, period: str) -> pd.DataFrame:
    """Return what pandas makes of prices and volumes."""
    frame = pd.DataFrame({"price": price, "volume": volume}, index=pd.to_datetime(rows["event_ns"])).dropna(subset="price")
    grouped = frame.resample(period)
    made = grouped["price"].ohlc()
    made["volume"] = grouped["volume"].sum(min_count=1)
    made["count"] = grouped["price"].count()
    return made.dropna(subset="open")


def check(bars: Any, expected: pd.DataFrame) -> None:
    """Compare bars with pandas' to the last bit, volumes too."""
    assert bars["start_ns"].tolist() == expected.index.astype("datetime64[ns]").astype(np.int64).tolist()
    for name in ("open", "high", "low", "close", "count"):
        assert bars[name].tolist() == expected[name].tolist(), name
    np.testing.assert_array_equal(bars["volume"], expected["volume"])


@pytest.mark.parametrize(("period", "alias"), [("1m", "1min"), ("5m", "5min"), ("10s", "10s"), ("1h", "1h"), ("1d", "1D"), ("1w", "W-MON")])
def test_bars_of_trades_are_those_of_pandas(history: DatabaseHistory, period: str, alias: str) -> None:
    """Open, high, low, close, volume and count of ordinary trades; suspicious ones do not count."""
    trades = history.trades("T")
    trades = trades[trades["quality"] == Quality.NORMAL]
    expected = aggregated(trades, trades["price"], trades["size"], alias)
    if period == "1w":
        expected.index = pd.DatetimeIndex(["2024-03-04"])
    bars = history.bars("T", period)
    check(bars, expected)
    assert set(bars["period"].tolist()) == {period.encode()}
    assert bars.dtype == Bar.dtype


def test_bars_of_cumulative_ticks_are_those_of_pandas(history: DatabaseHistory) -> None:
    """Volumes are differences of the day's total, over ticks that have a price."""
    ticks = history.ticks("C")
    ticks = ticks[~np.isnan(ticks["last_price"])]
    volume = np.diff(ticks["volume"], prepend=np.nan)
    check(history.bars("C", "1m"), aggregated(ticks, ticks["last_price"], volume, "1min"))


def test_bars_of_quotes_have_the_price_of_their_basis(history: DatabaseHistory) -> None:
    """A symbol without last prices has bid, ask and middle bars, and no last ones."""
    quotes = history.ticks("Q")
    middle = (quotes["bid_price"] + quotes["ask_price"]) / 2
    assert len(history.bars("Q", "1m")) == 0
    for basis, price in ((BarBasis.BID, quotes["bid_price"]), (BarBasis.ASK, quotes["ask_price"]), (BarBasis.MID, middle)):
        check(history.bars("Q", "1m", basis=basis), aggregated(quotes, price, np.nan, "1min"))
    assert history("Q", "1m")["close"].tolist() == history.bars("Q", "1m", basis=BarBasis.MID)["close"].tolist()


@settings(max_examples=examples(32), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    symbol=st.sampled_from("TCI"),
    period=st.sampled_from(["1m", "15m"]),
    start=st.none() | st.integers(-5, 160 * 60),
    end=st.none() | st.integers(-5, 160 * 60),
    limit=st.none() | st.integers(0, 160),
    oldest=st.booleans(),
)
def test_bounds_choose_among_the_same_bars(
    history: DatabaseHistory, symbol: str, period: str, start: int | None, end: int | None, limit: int | None, oldest: bool
) -> None:
    """Whatever the range and limit, each bar is the one of the whole history: nothing later than the end is in any of them."""
    start_ns = None if start is None else START + start * NS_PER_SECOND
    end_ns = None if end is None else START + end * NS_PER_SECOND
    whole = history.bars(symbol, period)
    wanted = whole[(whole["start_ns"] >= (start_ns or 0)) & (whole["event_ns"] <= (1 << 62 if end_ns is None else end_ns))]
    if limit is not None:
        wanted = wanted[:limit] if oldest else wanted[len(wanted) - min(limit, len(wanted)) :]
    found = history.bars(symbol, period, start_ns=start_ns, end_ns=end_ns, limit=limit, oldest=oldest)
    assert found.tobytes() == plain(wanted, Bar).tobytes()


def test_a_break_cuts_what_is_made_of_ticks(history: DatabaseHistory) -> None:
    """Bars follow the market's sessions: nothing between half past eleven and one o'clock, and the portions change nothing."""
    bars = history.bars("I", "15m")
    assert bars.tobytes() == plain(aggregate(history.ticks("I"), "15m", BarBasis.LAST, Calendar("CFFEX:session")), Bar).tobytes()
    assert [to_iso(ns, "Asia/Shanghai")[11:16] for ns in bars["start_ns"].tolist()] == ["11:00", "11:15", "13:00", "13:15"]
    assert len(history.bars("C", "15m")) == 10


def test_stored_bars_go_before_ticks(bus: EventBus, database: Database, store_bus: Any, history: DatabaseHistory) -> None:
    """Where bars of any basis answer, ticks are not asked; a period that no bar divides still comes from them."""
    bar = {"symbol": "T", "venue": "V", "start_ns": START, "end_ns": START + NS_PER_MINUTE, "period": "1m"}
    prices = {"open": 7.0, "high": 7.0, "low": 7.0, "close": 7.0}
    bus.publish(Bar(**bar, **prices, basis=BarBasis.MID))
    store_bus(bus, database)
    assert len(history.bars("T", "5m")) == 0
    assert len(history.bars("T", "10s")) > 300
    bus.publish(Bar(**bar, **prices))
    store_bus(bus, database)
    assert history.bars("T", "5m")["close"].tolist() == [7.0]
