"""Parquet files of the database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, export_parquet, read_parquet, write_parquet
from gcg_quant.errors import InstrumentError, StorageError
from gcg_quant.events import Bar, CancelRequest, Record, Tick, from_array


def records_of(path: Path) -> list[Record]:
    """Return the records in a file."""
    _, rows, names = read_parquet(path)
    found: list[Record] = []
    for row in rows.reshape(-1, 1):
        symbol, venue = names.get(int(row["instrument"][0]), ("", ""))
        found += from_array(row, symbol, venue)
    return found


@pytest.fixture
def full(bus: EventBus, database: Database, store_bus: Any, market_records: list[Record], order_records: list[Record]) -> Database:
    """Return a database with an example of everything."""
    for record in (*market_records, *order_records):
        bus.publish(record)
    store_bus(bus, database)
    return database


def test_every_table_becomes_a_file_without_loss(
    full: Database, tmp_path: Path, market_records: list[Record], order_records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All records come back equal, read portion by portion; empty tables have no file."""
    monkeypatch.setattr("gcg_quant.data_storage.files.export._ROWS_AT_A_TIME", 2)
    progress: list[int] = []
    written = export_parquet(full, tmp_path / "out", progress=progress.append)
    assert sum(written.values()) == sum(progress) == 11
    assert {path.name for path in written} == {f"{name}.parquet" for name in full.counts()}
    assert set((tmp_path / "out").iterdir()) == set(written)
    found = [record for path in written for record in records_of(path)]
    assert sorted(found, key=repr) == sorted([*market_records, *order_records], key=repr)


def test_file_names_bus_and_source_of_each_row(full: Database, bus: EventBus, tmp_path: Path) -> None:
    """The provenance stands beside the fields, and absent prices are nulls."""
    export_parquet(full, tmp_path, kinds=[Tick])
    table = pq.read_table(tmp_path / "ticks.parquet")
    assert set(table.column("bus").to_pylist()) == {bus.bus_id}
    assert set(table.column("source").to_pylist()) == {"test"}
    assert table.column("seq").to_pylist() != [0] * table.num_rows
    assert table.column("settlement").null_count == table.num_rows


def test_export_can_be_narrowed(full: Database, tmp_path: Path) -> None:
    """Classes, symbols and times choose rows."""
    assert list(export_parquet(full, tmp_path, kinds=[Tick, Bar], symbols=["EUR/USD"]).values()) == [1, 1]
    assert export_parquet(full, tmp_path / "none", kinds=[Tick], end_ns=0) == {}
    assert list((tmp_path / "none").iterdir()) == []
    with pytest.raises(InstrumentError, match="Did you mean 'EUR/USD'"):
        export_parquet(full, tmp_path, symbols=["EUR/USX"])
    with pytest.raises(StorageError, match="CancelRequest records are not stored"):
        export_parquet(full, tmp_path, kinds=[CancelRequest])


def test_export_into_a_place_that_is_none_is_a_sentence(full: Database, tmp_path: Path) -> None:
    """A file in the way is named."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="file cannot be written"):
        export_parquet(full, tmp_path / "file")


def test_file_that_is_none_of_ours_is_a_sentence(tmp_path: Path) -> None:
    """A missing, foreign or incomplete file says what is wrong."""
    with pytest.raises(StorageError, match="cannot be read as Parquet"):
        read_parquet(tmp_path / "missing.parquet")
    (tmp_path / "text.parquet").write_text("no parquet")
    with pytest.raises(StorageError, match="cannot be read as Parquet"):
        read_parquet(tmp_path / "text.parquet")
    pq.write_table(pa.table({"x": [1]}), tmp_path / "foreign.parquet")
    with pytest.raises(StorageError, match="names no record"):
        read_parquet(tmp_path / "foreign.parquet")
    pq.write_table(pa.table({"symbol": ["A"], "venue": ["V"]}, metadata={"gcg_quant.record": "Tick"}), tmp_path / "part.parquet")
    with pytest.raises(StorageError, match="lacks the column 'event_ns'"):
        read_parquet(tmp_path / "part.parquet")


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("ordinal", pa.array(["x", "y"]), "column 'ordinal' holds string values, not uint32"),
        ("ordinal", pa.array([1, None], pa.uint32()), "column 'ordinal' holds nulls, not uint32"),
        ("last_price", pa.array([1, 2], pa.int64()), "column 'last_price' holds int64 values, not float64"),
    ],
)
def test_column_of_another_type_is_a_sentence(tmp_path: Path, name: str, values: Any, message: str) -> None:
    """A file that somebody rewrote with other types is refused, not guessed at."""
    write_parquet(tmp_path / "a.parquet", Tick, np.zeros(2, Tick.dtype), {})
    table = pq.read_table(tmp_path / "a.parquet")
    pq.write_table(table.set_column(table.column_names.index(name), name, values), tmp_path / "a.parquet")
    with pytest.raises(StorageError, match=message):
        read_parquet(tmp_path / "a.parquet")
