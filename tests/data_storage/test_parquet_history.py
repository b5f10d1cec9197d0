"""History from a folder of files: the same answers as the database that the files came from, without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, DatabaseHistory, ParquetHistory, export_journal, export_parquet, export_parts
from gcg_quant.errors import EventError, InstrumentError, StorageError
from gcg_quant.events import Bar, BarBasis, Tick, TradeTick
from gcg_quant.history import History

HOUR = 3_600_000_000_000
SPLITS = ("", "day", "month", "year")


def publish(bus: EventBus, kind: Any, symbol: str, venue: str = "V", *, close: float = 1.0, basis: int = 0, count: int = 60) -> None:
    """Publish `count` records, one an hour; bars of an hour."""
    rows = np.zeros(count, kind.dtype)
    rows["event_ns"] = np.arange(count) * HOUR
    rows["ordinal"] = 0 if kind is Bar else np.arange(count) % 3
    if kind is Bar:
        rows["start_ns"], rows["event_ns"], rows["period"], rows["basis"] = rows["event_ns"], rows["event_ns"] + HOUR, b"1h", basis
        rows["close"] = close + np.arange(count)
    rows["instrument"] = bus.instruments.number(symbol, venue)
    bus.publish_batch(rows, source=f"source {close}")


@pytest.fixture
def stored(bus: EventBus, database: Database, store_bus: Any) -> Database:
    """Return a database with bars of several sources and bases, and ticks and trades of two symbols."""
    publish(bus, Bar, "A/B", close=100.0)
    publish(bus, Bar, "A/B", close=500.0, count=10)
    publish(bus, Bar, "A/B", basis=int(BarBasis.BID))
    publish(bus, Bar, "C")
    for symbol in ("A/B", "C"):
        publish(bus, Tick, symbol)
    publish(bus, TradeTick, "C")
    publish(bus, Tick, "D", "V")
    publish(bus, Tick, "D", "W")
    store_bus(bus, database)
    return database


def folder_of(database: Database, tmp_path: Path, by: str) -> Path:
    """Export into a folder, whole or split."""
    folder = tmp_path / f"out {by}"
    if by:
        export_parts(database, folder, by)
    else:
        export_parquet(database, folder)
    return folder


@pytest.mark.parametrize("by", SPLITS)
def test_every_answer_is_that_of_the_database(stored: Database, tmp_path: Path, by: str) -> None:
    """Symbols, periods, bars of each basis, ticks and trades, whatever the bounds and the limit: to the byte."""
    files, tables = ParquetHistory(folder_of(stored, tmp_path, by)), DatabaseHistory(stored)
    assert isinstance(files, History)
    assert files.symbols() == tables.symbols()
    assert files.periods("A/B") == tables.periods("A/B") == ["1h"]
    bounds: list[dict[str, Any]] = [
        {},
        {"start_ns": 5 * HOUR, "end_ns": 31 * HOUR},
        {"start_ns": 5 * HOUR + 1, "end_ns": 31 * HOUR - 1},
        {"limit": 7},
        {"limit": 55, "end_ns": 58 * HOUR},
        {"limit": 30, "oldest": True},
        {"limit": 0},
        {"start_ns": 1000 * HOUR},
    ]
    for asked in bounds:
        for symbol in ("A/B", "C"):
            for basis in (BarBasis.LAST, BarBasis.BID):
                assert files.bars(symbol, "1h", basis=basis, **asked).tobytes() == tables.bars(symbol, "1h", basis=basis, **asked).tobytes()
            assert files.ticks(symbol, **asked).tobytes() == tables.ticks(symbol, **asked).tobytes()
            assert files.trades(symbol, **asked).tobytes() == tables.trades(symbol, **asked).tobytes()
    assert len(files.ticks("D", venue="W")) == len(files.ticks("D@W")) == 60
    assert len(files.bars("C", "5m")) == 0


def test_files_outside_the_question_are_not_opened(stored: Database, tmp_path: Path) -> None:
    """Days before and after the range, other symbols and what a limit does not need may be damaged: nobody looks."""
    folder = folder_of(stored, tmp_path, "day")
    history = ParquetHistory(folder)
    for path in folder.rglob("*.parquet"):
        if "bars" not in str(path) or "A%2FB" not in str(path) or "1970-01-02" not in str(path):
            path.write_text("damaged")
    assert len(history.bars("A/B", "1h", start_ns=24 * HOUR, end_ns=48 * HOUR)) == 24
    with pytest.raises(StorageError, match=r"1970-01-01/part-0\.parquet cannot be read as Parquet"):
        history.bars("A/B", "1h")
    with pytest.raises(StorageError, match=r"1970-01-03/part-0\.parquet cannot be read"):
        history.bars("A/B", "1h", limit=5)


def test_journal_s_files_are_read_in_the_order_of_time(bus: EventBus, tmp_path: Path) -> None:
    """A journal is in the order of publication; the answer is sorted."""
    publish(bus, Bar, "A", count=3)
    rows = np.zeros(2, Bar.dtype)
    rows["start_ns"], rows["event_ns"], rows["period"] = [-2 * HOUR, -HOUR], [-HOUR, 0], b"1h"
    rows["instrument"] = bus.instruments.number("A", "V")
    bus.publish_batch(rows)
    export_journal(bus, tmp_path / "out", [Bar])
    assert ParquetHistory(tmp_path / "out").bars("A", "1h")["start_ns"].tolist() == [one * HOUR for one in range(-2, 3)]


def test_what_cannot_be_answered_is_a_sentence(stored: Database, tmp_path: Path) -> None:
    """No folder, no market data in it, a foreign file, an unknown symbol, two venues, no period."""
    history = ParquetHistory(folder_of(stored, tmp_path, "year"))
    with pytest.raises(InstrumentError, match="Did you mean 'A/B'"):
        history.bars("A/C", "1h")
    with pytest.raises(InstrumentError, match="several venues; choose one of V, W"):
        history.ticks("D")
    with pytest.raises(EventError, match="is not a bar period"):
        history.bars("A/B", "hour")
    with pytest.raises(StorageError, match="is not a folder"):
        ParquetHistory(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StorageError, match="holds no exported market data"):
        ParquetHistory(tmp_path / "empty")
    pq.write_table(pa.table({"x": [1]}), tmp_path / "empty" / "foreign.parquet")
    with pytest.raises(StorageError, match="names no record of gcg_quant"):
        ParquetHistory(tmp_path / "empty")
