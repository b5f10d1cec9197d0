"""Parquet files: typed columns, and the records of our own export."""

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gcg_quant.clock import from_iso
from gcg_quant.data_collector import FileImporter, ImportOptions, content_sha256
from gcg_quant.errors import ImportFileError
from gcg_quant.events import (
    Bar,
    BarBasis,
    BarOrigin,
    BookAction,
    BookDelta,
    Depth,
    Quality,
    Record,
    Side,
    Tick,
    TradeTick,
    VolumeKind,
)

_NAMES = {"symbol": "BTC/USDT", "venue": "SIM", "event_ns": 1_700_000_000_123_456_789, "recv_ns": 1_700_000_000_123_456_790, "ordinal": 3}
_RECORDS: tuple[Record, ...] = (
    Tick(
        **_NAMES,
        last_price=0.1,
        bid_price=0.30000000000000004,
        volume=5.0,
        volume_kind=VolumeKind.DAY,
        quality=Quality.SUSPICIOUS,
        exchange="ABCDEFGH",
        condition="x" * 16,
        venue_seq=9,
        trading_day=20240102,
    ),
    Depth(**_NAMES, bid_prices=[float(10 - level) for level in range(10)], ask_prices=[11.5], bid_orders=[3], levels=10),
    BookDelta(**_NAMES, price=1e-8, size=0.0, side=Side.SELL, action=BookAction.DELETE, first_update_id=1, last_update_id=2**62),
    TradeTick(**_NAMES, price=5e-324, size=1.0, aggressor=Side.BUY, trade_id="t" * 32),
    Bar(**_NAMES, start_ns=1_700_000_000_000_000_000, period="1m", open=1.0, high=2.0, low=0.5, close=1.5, basis=BarBasis.ASK,
        origin=BarOrigin.VENUE, count=7, revision=2),
)  # fmt: skip


def _table(record: Record, count: int) -> pa.Table:
    # As an export writes it: one column a field, texts as strings, an absent price as null, depth sides as lists of ten.
    fields: dict[str, Any] = {"symbol": [record.symbol] * count, "venue": [record.venue] * count}
    for name in record.dtype.names or ():
        value = getattr(record, name)
        form = record.dtype[name]
        if form.kind == "S":
            fields[name] = [value] * count
        elif form.subdtype is not None:
            levels = [None if level != level else level for level in value]
            fields[name] = pa.array([levels] * count, pa.list_(pa.from_numpy_dtype(form.base), len(levels)))
        elif form.kind == "f" and value != value:
            fields[name] = pa.array([None] * count, pa.float64())
        else:
            fields[name] = np.full(count, int(value) if form.kind in "iu" else value, form)
    return pa.table(fields)


@pytest.mark.parametrize("record", _RECORDS, ids=lambda record: type(record).__name__)
def test_exported_records_come_back_without_loss(importing: Any, tmp_path: Path, record: Record) -> None:
    """Every field of every kind of market data, to the last bit, with its ordinal."""
    path = tmp_path / "export.parquet"
    pq.write_table(_table(record, 3), path)
    plan = FileImporter(importing.bus).plan(path)
    assert (plan.kind, plan.record, plan.missing) == ("records", type(record).__name__, {})
    report = importing.run(path)
    assert importing.events() == [record] * 3
    assert report.settings == {"kind": "records", "record": type(record).__name__}
    assert report.records == {type(record).__name__: 3}
    assert report.instruments == ["BTC/USDT@SIM"]
    assert report.unused_columns == []


def test_depth_levels_may_be_lists_of_any_length(importing: Any, tmp_path: Path) -> None:
    """Levels that are not listed, or null, are absent."""
    table = _table(_RECORDS[1], 2)
    index = table.schema.get_field_index("ask_prices")
    table = table.set_column(index, "ask_prices", pa.array([[11.5], [11.5, None]], pa.list_(pa.float64())))
    pq.write_table(table, tmp_path / "export.parquet")
    importing.run(tmp_path / "export.parquet")
    assert importing.events() == [_RECORDS[1]] * 2


def test_exported_enumerations_may_be_names(importing: Any, tmp_path: Path) -> None:
    """An export for people writes BID, not 1."""
    table = _table(_RECORDS[4], 1)
    index = table.schema.get_field_index("basis")
    pq.write_table(table.set_column(index, "basis", pa.array(["ASK"])), tmp_path / "export.parquet")
    importing.run(tmp_path / "export.parquet")
    assert importing.events() == [_RECORDS[4]]


def test_exported_rows_without_symbol_or_time_are_refused(importing: Any, tmp_path: Path) -> None:
    """A record needs both."""
    table = _table(_RECORDS[0], 3)
    table = table.set_column(0, "symbol", pa.array(["BTC/USDT", None, "BTC/USDT"]))
    index = table.schema.get_field_index("event_ns")
    table = table.set_column(index, "event_ns", pa.array([1, 2, None], pa.int64()))
    pq.write_table(table, tmp_path / "export.parquet")
    report = importing.run(tmp_path / "export.parquet")
    assert report.reasons == {"symbol is missing": 1, "event_ns is missing": 1}
    assert [refusal.line for refusal in report.refusals] == [2, 3]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "America/New_York"])
def test_typed_times_are_read_without_loss(importing: Any, tmp_path: Path, unit: str, zone: str | None) -> None:
    """A time with a zone is an instant; one without hangs on the stated clock."""
    when = pa.array(np.array(["2013-10-07T08:00:00"], "M8[ns]")).cast(pa.timestamp(unit))
    times = when.cast(pa.timestamp(unit, zone)) if zone else when
    pq.write_table(pa.table({"time": times, "price": [1.25], "size": pa.array([3], pa.int32())}), tmp_path / "x.parquet")
    importing.run(tmp_path / "x.parquet", symbol="X", **({} if zone else {"timezone": "America/New_York"}))
    (trade,) = importing.events()
    assert trade.event_ns == from_iso("2013-10-07T08:00:00Z" if zone else "2013-10-07T12:00:00Z")
    assert (trade.price, trade.size) == (1.25, 3.0)


def test_dates_texts_and_dictionaries_are_read(importing: Any, tmp_path: Path) -> None:
    """Columns of dates, of texts and of dictionary codes work like their CSV cells."""
    table = pa.table(
        {
            "date": pa.array([datetime.date(2013, 10, 7)]),
            "symbol": pa.array(["SPY"]).dictionary_encode(),
            "open": ["167.41"],
            "high": [168.0],
            "low": [167.0],
            "close": pa.array([167.5], pa.float32()),
        }
    )
    pq.write_table(table, tmp_path / "x.parquet")
    importing.run(tmp_path / "x.parquet", timezone="America/New_York", stamp="start", period="1d")
    (bar,) = importing.events()
    assert (bar.symbol, bar.open, bar.close, bar.trading_day) == ("SPY", 167.41, 167.5, 20131007)


def test_bad_parquet_rows_are_refused_by_number(importing: Any, tmp_path: Path) -> None:
    """A row number stands for the line; a year that 64 bits of nanoseconds cannot hold is no time."""
    times = pa.array(
        [datetime.datetime(2013, 10, 7), datetime.datetime(9999, 12, 31), None, datetime.datetime(2013, 10, 8)], pa.timestamp("us")
    )
    pq.write_table(pa.table({"time": times, "price": [1.0, 2.0, 3.0, float("inf")]}), tmp_path / "x.parquet")
    report = importing.run(tmp_path / "x.parquet", symbol="X", timezone="UTC")
    assert [(refusal.line, refusal.reason) for refusal in report.refusals] == [
        (2, "the time cannot be read"),
        (3, "the time cannot be read"),
        (4, "price is no number"),
    ]


def test_damaged_parquet_is_refused_with_a_sentence(importing: Any, tmp_path: Path) -> None:
    """A cut-off file publishes nothing."""
    path = tmp_path / "x.parquet"
    pq.write_table(_table(_RECORDS[0], 100), path)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ImportFileError, match="is a damaged Parquet file"):
        importing.run(path)


def test_empty_parquet_is_refused_with_a_sentence(importing: Any, tmp_path: Path) -> None:
    """A file of no rows at all says so."""
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"time": pa.array([], pa.timestamp("ns")), "price": pa.array([], pa.float64())}), path)
    with pytest.raises(ImportFileError, match="holds no rows"):
        FileImporter(importing.bus, ImportOptions(symbol="X", timezone="UTC")).run(path)


def test_parquet_content_has_a_hash(tmp_path: Path) -> None:
    """The hash is that of the file."""
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    assert len(content_sha256(path)) == 64
