"""Bars of the real files of ../shared/data: each against an aggregation by pandas, and against the vendors' own bars."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gcg_quant.bars import BarAggregator, aggregate, resample
from gcg_quant.calendar import Calendar
from gcg_quant.clock import from_iso
from gcg_quant.events import Bar, BarBasis, Quality, Tick, TradeTick, VolumeKind, from_array

from .bar_model import BarModel

Rows = np.ndarray[Any, Any]
NEW_YORK, SHANGHAI = "America/New_York", "Asia/Shanghai"
PART = 3000  # so many rows of a file go through the incremental aggregator
OHLC = ("open", "high", "low", "close")


@lru_cache(maxsize=4)
def table(path: Path, zone: str = "UTC", time: str = "time") -> pd.DataFrame:
    """Return a CSV file with its times as nanoseconds in column `ns`."""
    frame = pd.read_csv(path)
    local = frame[time] if time == "time" else frame[time].astype(str) + " " + frame["time"]
    frame["ns"] = (
        pd.to_datetime(local, format="mixed").dt.tz_localize(zone).dt.tz_convert("UTC").astype("datetime64[ns, UTC]").astype("int64")
    )
    return frame


def blank(kind: type[Any], count: int) -> Rows:
    """Return rows of a record without any value."""
    rows = np.zeros(count, kind.dtype)
    for name in kind.dtype.names or ():
        if kind.dtype[name].kind == "f":
            rows[name] = np.nan
    return rows


def trades(frame: pd.DataFrame) -> Rows:
    """Return a table of trades as records."""
    rows = blank(TradeTick, len(frame))
    rows["event_ns"], rows["price"], rows["size"] = frame["ns"], frame["price"], frame["size"]
    if "suspicious" in frame:
        rows["quality"] = np.where(frame["suspicious"] == 1, int(Quality.SUSPICIOUS), 0)
    return rows


def quotes(frame: pd.DataFrame) -> Rows:
    """Return a table of quotes as records; 0 is no price."""
    rows = blank(Tick, len(frame))
    rows["event_ns"] = frame["ns"]
    for name, column in (("bid_price", "bid"), ("ask_price", "ask"), ("bid_size", "bid_size"), ("ask_size", "ask_size")):
        if column in frame:
            rows[name] = frame[column].where(frame[column] != 0)
    if "suspicious" in frame:
        rows["quality"] = np.where(frame["suspicious"] == 1, int(Quality.SUSPICIOUS), 0)
    return rows


def snapshots(frame: pd.DataFrame) -> Rows:
    """Return a table of CTP snapshots as records, with the day's totals."""
    rows = blank(Tick, len(frame))
    rows["event_ns"], rows["last_price"] = frame["ns"], frame["last"]
    rows["volume"], rows["turnover"], rows["open_interest"] = frame["total_volume"], frame["total_turnover"], frame["open_interest"]
    rows["trading_day"], rows["volume_kind"] = frame["trading_day"], int(VolumeKind.DAY)
    return rows


def minutes(frame: pd.DataFrame, side: str = "", seconds: int = 60) -> Rows:
    """Return a table of bars as records, of one side of quotes if it has two; those without prices are left out."""
    frame = frame[frame[f"{side}open"].notna()]
    rows = blank(Bar, len(frame))
    rows["start_ns"], rows["event_ns"] = frame["ns"], frame["ns"] + seconds * 10**9
    for name in OHLC:
        rows[name] = frame[f"{side}{name}"]
    rows["volume"] = frame.get("volume", np.nan)
    rows["quote_size"] = frame[f"{side}size"] if side else np.nan
    rows["period"] = b"1m" if seconds == 60 else b"1h"
    rows["basis"] = {"": BarBasis.LAST, "bid_": BarBasis.BID, "ask_": BarBasis.ASK}[side]
    return rows


def stream(path: Path) -> pd.DataFrame:
    """Return the trades of a recorded stream of Binance."""
    with gzip.open(path, "rt") as lines:
        messages = (json.loads(line[line.index("{") :]).get("data", {}) for line in lines)
        found = [(int(one["T"]) * 10**6, float(one["p"]), float(one["q"])) for one in messages if one.get("e") == "trade"]
    return pd.DataFrame(found, columns=["ns", "price", "size"])


# ---- pandas' own bars: sums, firsts and lasts of what lies in each interval of the clock


def of_prices(ns: pd.Series, prices: pd.Series, volumes: pd.Series | None, period: str) -> pd.DataFrame:
    """Return bars of prices that have a value."""
    good = prices.notna()
    bar = pd.to_datetime(ns[good], utc=True).dt.floor(period)
    groups = prices[good].groupby(bar)
    bars = groups.agg(open="first", high="max", low="min", close="last", count="size")
    bars["volume"] = np.nan if volumes is None else volumes[good].groupby(bar).sum(min_count=1)
    return bars


def of_bars(rows: Rows, period: str) -> pd.DataFrame:
    """Return bars of shorter bars."""
    frame = pd.DataFrame({name: rows[name] for name in ("start_ns", *OHLC, "volume")})
    groups = frame.groupby(pd.to_datetime(frame.start_ns, utc=True).dt.floor(period))
    bars = groups.agg(open=("open", "first"), high=("high", "max"), low=("low", "min"), close=("close", "last"))
    bars["volume"] = groups.volume.sum(min_count=1)
    return bars


def check(made: Rows, expected: pd.DataFrame) -> None:
    """Compare all bars: prices and counts exactly, volumes to 1e-9."""
    assert len(made) > 1
    assert made["start_ns"].tolist() == expected.index.astype("datetime64[ns, UTC]").astype("int64").tolist()
    for name in (*OHLC, *(["count"] if "count" in expected else [])):
        assert made[name].tolist() == expected[name].tolist(), name
    np.testing.assert_allclose(made["volume"], expected["volume"], rtol=1e-12, atol=1e-9)


def check_incremental(rows: Rows, made: Callable[[Rows], Rows], aggregator: BarAggregator) -> None:
    """Compare the bars of the first rows, one by one, with those of the array."""
    part = rows[:PART]
    bars = [bar for event in from_array(part, "X", "T") for bar in aggregator.update(event)]
    bars += [] if aggregator.current is None else [aggregator.current]
    together = from_array(made(part), "X", "T")
    assert [repr({**one.to_dict(), "recv_ns": 0}) for one in bars] == [repr(one.to_dict()) for one in together]


TICKS: dict[str, tuple[str, Callable[[Path], pd.DataFrame], Callable[[pd.DataFrame], Rows], dict[BarBasis, str]]] = {
    "EURUSD": ("fx/EURUSD_oanda_tick_20140501.csv.gz", table, quotes, {BarBasis.BID: "bid", BarBasis.ASK: "ask", BarBasis.MID: ""}),
    "IBM trades": ("stock/IBM_tick_trade_20131008.csv.gz", lambda path: table(path, NEW_YORK), trades, {BarBasis.LAST: "price"}),
    "IBM quotes": (
        "stock/IBM_tick_quote_20131008.csv.gz",
        lambda path: table(path, NEW_YORK),
        quotes,
        {BarBasis.BID: "bid", BarBasis.ASK: "ask"},
    ),
    "GC": ("future/GC_201312_tick_trade_20131007.csv.gz", table, trades, {BarBasis.LAST: "price"}),
    "IF": ("future/CFFEX_IF_tick_20210104.csv.gz", lambda path: table(path, SHANGHAI, "action_day"), snapshots, {BarBasis.LAST: "last"}),
    "BTCUSDT": ("crypto/BTCUSDT_binance_spot_raw_20240808.txt.gz", stream, trades, {BarBasis.LAST: "price"}),
}


@pytest.mark.parametrize("name", TICKS)
def test_tick_file_equals_pandas(name: str, shared_data: Path) -> None:
    """Every row of the file, in seconds, minutes and hours: prices and counts are pandas' own, volumes to 1e-9."""
    path, read, as_rows, columns = TICKS[name]
    frame = read(shared_data / path)
    rows = as_rows(frame)
    good = frame if "suspicious" not in frame else frame[frame["suspicious"] == 0]
    for basis, column in columns.items():
        prices = good[column].where(good[column] != 0) if column else (good["bid"] + good["ask"]) / 2
        volumes = good["size"] if column == "price" else None
        if name == "IF":
            volumes = frame["total_volume"].diff()
        for period, alias in (("1s", "s"), ("1m", "min"), ("15m", "15min"), ("1h", "h")):
            check(aggregate(rows, period, basis), of_prices(good["ns"], prices, volumes, alias))
        check_incremental(rows, lambda part, basis=basis: aggregate(part, "1s", basis), BarAggregator("1s", basis))  # type: ignore[misc]


CALENDARS = {"IBM trades": "XNYS", "IBM quotes": "XNYS", "IF": "CFFEX.IF", "EURUSD": "FX", "GC": "CMES", "BTCUSDT": "24/7"}


@pytest.mark.parametrize("name", TICKS)
def test_native_bars_of_a_tick_file_are_the_models(name: str, shared_data: Path) -> None:
    """By the clock and by sessions, from a second to a day: the records are those of the model in Python, byte by byte."""
    path, read, as_rows, columns = TICKS[name]
    rows = as_rows(read(shared_data / path))
    part = np.concatenate([rows[:600], rows[len(rows) // 2 :][:600], rows[-600:]]).astype(rows.dtype)
    events = from_array(part, "", "")
    for text in (None, *(CALENDARS[name] + align for align in ("", ":session", ":day"))):
        calendar = None if text is None else Calendar(text)
        for period in ("1s", "7s", "1m", "15m", "1h", "1d"):
            basis = next(iter(columns))
            model = BarModel(period, basis, calendar)
            bars = [bar for event in events for bar in model.update(event)]
            bars += [] if model.current is None else [model.current]
            made = b"".join(bytes(memoryview(bar)) for bar in bars)
            assert made == aggregate(part, period, basis, calendar).tobytes(), (text, period)


MINUTES = {
    "SPY trades": ("stock/SPY_minute_trade_20131007-20131011.csv.gz", NEW_YORK, ("",), 60),
    "SPY quotes": ("stock/SPY_minute_quote_20131007-20131011.csv.gz", NEW_YORK, ("bid_", "ask_"), 60),
    "ES trades": ("future/ES_201312_minute_trade_20131007-20131011.csv.gz", "UTC", ("",), 60),
    "ES quotes": ("future/ES_201312_minute_quote_20131007-20131011.csv.gz", "UTC", ("bid_", "ask_"), 60),
    "BTCUSD trades": ("crypto/BTCUSD_coinbase_minute_trade_20180404.csv.gz", "UTC", ("",), 60),
    "BTCUSD quotes": ("crypto/BTCUSD_coinbase_minute_quote_20180404.csv.gz", "UTC", ("bid_", "ask_"), 60),
    "EURUSD hours": ("fx/EURUSD_oanda_hour.csv.gz", "UTC", ("bid_", "ask_"), 3600),
    "SPY hours": ("stock/SPY_hour.csv.gz", NEW_YORK, ("",), 3600),
}


@pytest.mark.parametrize("name", MINUTES)
def test_bar_file_equals_pandas(name: str, shared_data: Path) -> None:
    """Every row of the file, in longer bars: prices are pandas' own, volumes to 1e-9."""
    path, zone, sides, seconds = MINUTES[name]
    frame = table(shared_data / path, zone)
    for side in sides:
        rows = minutes(frame, side, seconds)
        for period, alias in (("5m", "5min"), ("1h", "h"), ("4h", "4h"), ("1d", "D"))[0 if seconds == 60 else 2 :]:
            if len(set(rows["start_ns"] // (10**9 * 86_400))) > 1 or period != "1d":
                check(resample(rows, period), of_bars(rows, alias))
        period = "5m" if seconds == 60 else "4h"
        check_incremental(rows, lambda part, to=period: resample(part, to), BarAggregator(period, BarBasis(int(rows["basis"][0]))))  # type: ignore[misc]


# ---- the vendors' own bars


def test_minutes_of_coinbase_are_the_vendors_day(shared_data: Path) -> None:
    """The day in UTC has the vendor's four prices, and its volume to 1e-9."""
    rows = minutes(table(shared_data / "crypto/BTCUSD_coinbase_minute_trade_20180404.csv.gz"))
    days = table(shared_data / "crypto/BTCUSD_coinbase_daily.csv.gz")
    (day,) = resample(rows, "1d")
    vendor = days[days.ns == day["start_ns"]].iloc[0]
    assert tuple(day[name] for name in OHLC) == tuple(vendor[name] for name in OHLC)
    assert abs(day["volume"] - vendor["volume"]) <= 1e-9


def equal_rows(made: Rows, vendor: pd.DataFrame, side: str = "") -> dict[str, int]:
    """Return how many bars there are, and how many are the vendor's in each field; both have the same starts."""
    assert made["start_ns"].tolist() == vendor["ns"].tolist()
    names = [*OHLC, *(["volume"] if "volume" in vendor else [])]
    return {"bars": len(made)} | {name: int((made[name] == vendor[side + name].to_numpy()).sum()) for name in names}


def every(count: int, *names: str) -> dict[str, int]:
    """Return what `equal_rows` says where all bars are the vendor's."""
    return dict.fromkeys(("bars", *OHLC, *names), count)


def test_hours_of_spy_are_the_vendors_days(shared_data: Path) -> None:
    """By New York's days all 5,849 are equal; by the sessions all but the half days on which the vendor's hours go on after the close."""
    days = table(shared_data / "stock/SPY_daily.csv.gz", NEW_YORK)
    rows = minutes(table(shared_data / "stock/SPY_hour.csv.gz", NEW_YORK), seconds=3600)
    assert equal_rows(resample(rows, "1d", Calendar("XNYS")), days) == every(5849, "volume")
    sessions = resample(rows, "1d", Calendar("XNYS:session"))
    assert equal_rows(sessions, days) == {"bars": 5849, "open": 5849, "high": 5846, "low": 5843, "close": 5826, "volume": 5826}
    calendar = Calendar("XNYS")
    others = days["ns"][sessions["volume"] != days["volume"].to_numpy()]
    closes = [calendar.sessions(calendar.trading_day(int(ns)))[-1][1] for ns in others]
    assert {pd.Timestamp(close, tz="UTC").tz_convert(NEW_YORK).hour for close in closes} == {13}


def test_minutes_of_spy_are_the_vendors_days_by_their_sessions(shared_data: Path) -> None:
    """The minutes have trades before and after the sessions, the vendor's days do not; one low is a cent off, an odd print."""
    days = table(shared_data / "stock/SPY_daily.csv.gz", NEW_YORK)
    rows = minutes(table(shared_data / "stock/SPY_minute_trade_20131007-20131011.csv.gz", NEW_YORK))
    week = days[days["time"].between("2013-10-07", "2013-10-12")]
    assert equal_rows(resample(rows, "1d", Calendar("XNYS:session")), week) == every(5, "volume") | {"low": 4}
    round_the_clock = resample(rows, "1d", Calendar("XNYS"))["volume"] / week["volume"].to_numpy()
    assert [round(float(ratio), 3) for ratio in sorted(round_the_clock)] == [1.101, 1.129, 1.138, 1.138, 1.21]


@pytest.mark.parametrize("side", ["bid_", "ask_"])
def test_hours_of_eurusd_are_the_vendors_days_of_utc(side: str, shared_data: Path) -> None:
    """The vendor's days begin at midnight UTC, Sundays are days of their own: all 3,738 are equal."""
    days = table(shared_data / "fx/EURUSD_oanda_daily.csv.gz")
    rows = minutes(table(shared_data / "fx/EURUSD_oanda_hour.csv.gz"), side, 3600)
    assert equal_rows(resample(rows, "1d"), days, side) == every(3738)


@pytest.mark.parametrize(("side", "basis", "opens", "highs"), [("bid_", BarBasis.BID, 5, 23), ("ask_", BarBasis.ASK, 6, 24)])
def test_ticks_of_eurusd_are_the_vendors_hours_but_for_the_opens(
    side: str, basis: BarBasis, opens: int, highs: int, shared_data: Path
) -> None:
    """The vendor opens an hour at the close before it: with that, all four prices of its hours are those of the ticks."""
    hours = table(shared_data / "fx/EURUSD_oanda_hour.csv.gz")
    hours = hours[hours["time"].between("2014-05-01", "2014-05-01T23:59")]
    made = aggregate(quotes(table(shared_data / "fx/EURUSD_oanda_tick_20140501.csv.gz")), "1h", basis)
    assert equal_rows(made, hours, side) == every(24) | {"open": opens, "high": highs}
    before = made["close"][:-1]
    carried = made[1:].copy()
    carried["open"], carried["high"], carried["low"] = before, np.maximum(carried["high"], before), np.minimum(carried["low"], before)
    assert equal_rows(carried, hours[1:], side) == every(23)


def test_day_of_ibm_is_the_vendors_but_for_the_closing_auction(shared_data: Path) -> None:
    """The vendor's close is the auction's print at 16:00:47, behind the session; its high is without four odd prints."""
    frame = table(shared_data / "stock/IBM_tick_trade_20131008.csv.gz", NEW_YORK)
    vendor = table(shared_data / "stock/IBM_daily.csv.gz", NEW_YORK).set_index("time").loc["2013-10-08T00:00:00"]
    (day,) = aggregate(trades(frame), "1d", BarBasis.LAST, Calendar("XNYS:session"))
    assert (day["open"], day["low"]) == (vendor["open"], vendor["low"]) == (181.89, 178.71)
    auction = frame[(frame["exchange"] == "N") & (frame["condition"] == 80)].iloc[0]
    assert (auction["price"], auction["size"], vendor["close"]) == (178.72, 262_948, 178.72)
    assert (day["close"], day["high"], vendor["high"], day["volume"]) == (178.81, 181.99, 181.92, 5_203_752)
    assert (day["volume"] + auction["size"]) / vendor["volume"] == pytest.approx(1.0105, abs=1e-4)


def test_sessions_of_index_futures_have_all_of_the_day(shared_data: Path) -> None:
    """240 minutes with the whole day's volume: the auction's in the first, the tick of the close in the last; the settlement in none."""
    frame = table(shared_data / "future/CFFEX_IF_tick_20210104.csv.gz", SHANGHAI, "action_day")
    rows = snapshots(frame)
    made = aggregate(rows, "1m", BarBasis.LAST, Calendar("CFFEX.IF:session"))
    assert (len(made), made["volume"].sum(), made["turnover"].sum()) == (240, 84_288, 132_807_388_020)
    assert len(aggregate(rows, "1m")) == 244  # by the clock 09:29, 15:00 and two settlements have bars of their own
    assert (made[0]["open"], made[0]["start_ns"]) == (5230, from_iso("2021-01-04T09:30", SHANGHAI))
    (day,) = resample(made, "1d", Calendar("CFFEX.IF:session"))
    last = frame.iloc[-1]
    assert (day["open"], day["high"], day["low"], day["close"]) == (last["open"], made["high"].max(), made["low"].min(), last["last"])
    assert day["volume"] == last["total_volume"]
    hours = aggregate(rows, "1h", BarBasis.LAST, Calendar("CFFEX.IF:session"))
    assert hours["start_ns"].tolist() == [from_iso(f"2021-01-04T{at}", SHANGHAI) for at in ("09:30", "10:30", "13:00", "14:00")]
    assert resample(made, "1h", Calendar("CFFEX.IF:session")).tobytes() == hours.tobytes()
    check_incremental(
        rows,
        lambda part: aggregate(part, "1m", BarBasis.LAST, Calendar("CFFEX.IF:session")),
        BarAggregator("1m", calendar=Calendar("CFFEX.IF:session")),
    )


def test_every_tick_and_bar_file_is_covered(shared_data: Path) -> None:
    """No file of ticks, minutes or hours is forgotten; open interest alone makes no bars."""
    files = {str(path.relative_to(shared_data)) for path in shared_data.rglob("*.gz")}
    wanted = {
        name for name in files if any(part in name for part in ("_tick_", "_minute_", "_hour", "_spot_")) and "openinterest" not in name
    }
    assert wanted == {entry[0] for entry in (*TICKS.values(), *MINUTES.values())}
