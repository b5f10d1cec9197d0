"""The real files of ../shared/data: every row stored or refused, every value exact."""

import csv
import gzip
import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gcg_quant.clock import from_iso
from gcg_quant.events import Bar, BarBasis, Tick, TradeTick

# file -> (options, records by type, notes); rows that hold two bars, one bar, or a tick
_ES = {"timezone": "UTC", "stamp": "start"}
_US = {"timezone": "America/New_York", "stamp": "start"}
_FX = {"timezone": "UTC", "stamp": "start"}
_ONE_SIDE = "one side has no price, only the other side's bar is stored"
_FILES: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "fx/EURUSD_oanda_tick_20140501.csv.gz": ({"timezone": "UTC"}, {"Tick": 24_179}),
    "fx/EURUSD_oanda_hour.csv.gz": (_FX, {"Bar": 2 * 74_439}),
    "fx/EURUSD_oanda_daily.csv.gz": (_FX, {"Bar": 2 * 3_738}),
    "stock/SPY_daily.csv.gz": (_US, {"Bar": 5_849}),
    "stock/AAPL_daily.csv.gz": (_US, {"Bar": 5_849}),
    "stock/IBM_daily.csv.gz": (_US, {"Bar": 5_849}),
    "stock/SPY_hour.csv.gz": (_US, {"Bar": 40_832}),
    "stock/SPY_minute_trade_20131007-20131011.csv.gz": (_US, {"Bar": 4_128}),
    "stock/SPY_minute_quote_20131007-20131011.csv.gz": (_US, {"Bar": 2 * 4_557}),
    "stock/IBM_tick_trade_20131008.csv.gz": ({"timezone": "America/New_York"}, {"TradeTick": 33_381}),
    "stock/IBM_tick_quote_20131008.csv.gz": ({"timezone": "America/New_York"}, {"Tick": 125_750}),
    "future/ES_201312_minute_trade_20131007-20131011.csv.gz": (_ES, {"Bar": 6_708}),
    "future/ES_201312_minute_quote_20131007-20131011.csv.gz": (_ES, {"Bar": 2 * 6_918 - 46}),
    "future/ES_201312_minute_openinterest_20131007-20131011.csv.gz": ({"timezone": "UTC"}, {"Tick": 15}),
    "future/GC_201312_tick_trade_20131007.csv.gz": ({"timezone": "UTC"}, {"TradeTick": 39_702}),
    "future/CFFEX_IF_tick_20210104.csv.gz": ({}, {"Tick": 27_955}),
    "crypto/BTCUSD_coinbase_minute_trade_20180404.csv.gz": ({"stamp": "start"}, {"Bar": 1_007}),
    "crypto/BTCUSD_coinbase_minute_quote_20180404.csv.gz": ({"stamp": "start"}, {"Bar": 2 * 1_437}),
    "crypto/BTCUSD_coinbase_daily.csv.gz": ({"stamp": "start"}, {"Bar": 1_318}),
}
_KINDS = {"Tick": Tick, "TradeTick": TradeTick, "Bar": Bar}


def _readme_rows(folder: Path) -> dict[str, int]:
    found = re.findall(r"^\| `([^`]+\.csv\.gz)` \|[^|]*\|[^|]*\| (\d+) \|", (folder / "README.md").read_text(), re.MULTILINE)
    return {name: int(rows) for name, rows in found}


def _source_rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", newline="") as file:
        yield from csv.DictReader(file)


def _number(text: str) -> float:
    return float(text) if text else math.nan


def test_all_files_of_the_readme_are_tested(shared_data: Path) -> None:
    """No real file is left out."""
    assert set(_readme_rows(shared_data)) == set(_FILES)


@pytest.mark.parametrize("name", list(_FILES))
def test_rows_are_those_of_the_readme(importing: Any, shared_data: Path, name: str) -> None:
    """Source rows = stored + refused = the README's count; these files have no bad row."""
    options, records = _FILES[name]
    report = importing.run(shared_data / name, **options)
    assert report.rows == _readme_rows(shared_data)[name]
    assert report.refused_rows == 0
    assert report.records == records
    assert report.unused_columns == []
    for kind, count in records.items():
        assert len(importing.records(_KINDS[kind])) == count


@pytest.mark.parametrize(("name", "zone"), [("stock/SPY_daily.csv.gz", "America/New_York"), ("crypto/BTCUSD_coinbase_daily.csv.gz", "UTC")])
def test_daily_bars_equal_the_file_to_the_last_bit(importing: Any, shared_data: Path, name: str, zone: str) -> None:
    """Prices and volumes are the doubles nearest to the file's decimals; days begin at local midnight and end at the next one."""
    importing.run(shared_data / name, timezone=zone, stamp="start")
    bars = importing.records(Bar)
    rows = list(_source_rows(shared_data / name))
    for field in ("open", "high", "low", "close", "volume"):
        assert bars[field].tolist() == [float(row[field]) for row in rows]
    assert bars["start_ns"].tolist() == [from_iso(row["time"], zone) for row in rows]
    assert bars["trading_day"].tolist() == [int(row["time"][:10].replace("-", "")) for row in rows]
    hours = Counter(((bars["event_ns"] - bars["start_ns"]) // 3_600_000_000_000).tolist())
    assert set(hours) == {24}  # no trading day of these is one on which the clock changes: those are Sundays


def test_hour_quote_bars_equal_the_file_to_the_last_bit(importing: Any, shared_data: Path) -> None:
    """Both sides of every row, in order."""
    path = shared_data / "fx/EURUSD_oanda_hour.csv.gz"
    importing.run(path, **_FX)
    bars = importing.records(Bar)
    rows = list(_source_rows(path))
    for offset, side, basis in ((0, "bid", BarBasis.BID), (1, "ask", BarBasis.ASK)):
        part = bars[offset::2]
        assert set(part["basis"].tolist()) == {basis}
        for field in ("open", "high", "low", "close"):
            assert part[field].tolist() == [float(row[f"{side}_{field}"]) for row in rows]
        assert np.isnan(part["quote_size"]).all()
        assert not part["ordinal"].any()


def test_one_sided_futures_minutes_have_one_bar(importing: Any, shared_data: Path) -> None:
    """29 rows without a bid and 17 without an ask, as the README says: a few."""
    report = importing.run(shared_data / "future/ES_201312_minute_quote_20131007-20131011.csv.gz", **_ES)
    bars = importing.records(Bar)
    assert report.notes == {_ONE_SIDE: 46}
    assert (bars["basis"] == BarBasis.BID).sum() == 6_918 - 29
    assert (bars["basis"] == BarBasis.ASK).sum() == 6_918 - 17


def test_one_sided_stock_quotes_keep_side_exchange_and_order(importing: Any, shared_data: Path) -> None:
    """Every tick has the row's side only; equal times are numbered, so that nothing is a duplicate."""
    path = shared_data / "stock/IBM_tick_quote_20131008.csv.gz"
    importing.run(path, timezone="America/New_York")
    ticks = importing.records(Tick)
    rows = list(_source_rows(path))
    for side in ("bid", "ask"):
        for field, column in (("price", side), ("size", f"{side}_size")):
            wanted = [float(row[column]) or math.nan for row in rows]
            np.testing.assert_array_equal(ticks[f"{side}_{field}"], wanted)
    assert ticks["exchange"].tolist() == [row["exchange"].encode() for row in rows]
    assert ticks["condition"].tolist() == [row["condition"].encode() for row in rows]
    assert ticks["quality"].tolist() == [int(row["suspicious"]) for row in rows]
    assert ticks["event_ns"].tolist() == [from_iso(row["time"], "America/New_York") for row in rows]
    keys = set(zip(ticks["event_ns"].tolist(), ticks["ordinal"].tolist(), strict=True))
    assert len(keys) == len(rows)


def test_zero_size_trades_and_identical_rows_are_kept(importing: Any, shared_data: Path) -> None:
    """92 trades of size 0 are in the source, and thousands of rows equal another; all are stored."""
    path = shared_data / "future/GC_201312_tick_trade_20131007.csv.gz"
    importing.run(path, timezone="UTC")
    trades = importing.records(TradeTick)
    rows = list(_source_rows(path))
    assert (trades["size"] == 0).sum() == 92
    assert trades["price"].tolist() == [float(row["price"]) for row in rows]
    assert trades["size"].tolist() == [float(row["size"]) for row in rows]
    keys = set(zip(trades["event_ns"].tolist(), trades["ordinal"].tolist(), strict=True))
    assert len(keys) == len(rows)


_SNAPSHOT_FIELDS = {
    "last": "last_price",
    "open": "open",
    "high": "high",
    "low": "low",
    "upper_limit": "upper_limit",
    "lower_limit": "lower_limit",
    "total_volume": "volume",
    "total_turnover": "turnover",
    "open_interest": "open_interest",
    "pre_close": "prev_close",
    "pre_settle": "prev_settlement",
    "pre_oi": "prev_open_interest",
    "bid1": "bid_price",
    "bid1_size": "bid_size",
    "ask1": "ask_price",
    "ask1_size": "ask_size",
}


def test_ctp_snapshots_lose_nothing(importing: Any, shared_data: Path) -> None:
    """All fields equal the file's; the single amounts can be had from the totals, and the importer found none that differs."""
    path = shared_data / "future/CFFEX_IF_tick_20210104.csv.gz"
    report = importing.run(path)
    ticks = importing.records(Tick)
    rows = list(_source_rows(path))
    for column, field in _SNAPSHOT_FIELDS.items():
        np.testing.assert_array_equal(ticks[field], [_number(row[column]) for row in rows])
    assert np.diff(ticks["volume"]).tolist() == [float(row["volume"]) for row in rows[1:]]
    assert np.diff(ticks["turnover"]).tolist() == [float(row["turnover"]) for row in rows[1:]]
    assert np.diff(ticks["open_interest"]).tolist() == [float(row["oi_change"]) for row in rows[1:]]
    assert report.notes == {}
    assert report.instruments == ["IF2101@CFFEX"]
    assert ticks["event_ns"][0] == from_iso("2021-01-04T01:29:00.400Z")
    assert set(ticks["trading_day"].tolist()) == {20210104}
