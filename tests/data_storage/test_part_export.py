"""Market data as Parquet by symbol and day: what other libraries read, what comes back, and what a broken export leaves."""

from __future__ import annotations

import resource
import signal
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_DAY, NS_PER_HOUR, from_iso
from gcg_quant.data_storage import Database, read_parquet
from gcg_quant.data_storage.files import part_export
from gcg_quant.data_storage.files.part_export import export_parts
from gcg_quant.data_storage.files.partitions import part_files, span_bounds
from gcg_quant.errors import InstrumentError, StorageError
from gcg_quant.events import Bar, BarBasis, Record, Tick, from_array

DAY = from_iso("2026-11-26")


def publish(bus: EventBus, symbol: str, venue: str, hours: Any, *, bars: BarBasis | None = None) -> None:
    """Publish a tick, or an hourly bar, at each of these hours from DAY on; prices count from 100."""
    rows = np.zeros(len(hours), Tick.dtype if bars is None else Bar.dtype)
    times = DAY + np.array(hours) * NS_PER_HOUR
    rows["event_ns"] = times
    rows["ordinal"] = np.arange(len(hours)) if bars is None else 0
    rows["last_price" if bars is None else "close"] = 100.0 + np.arange(len(hours))
    if bars is not None:
        rows["start_ns"], rows["event_ns"], rows["period"], rows["basis"] = times, times + NS_PER_HOUR, b"1h", int(bars)
    rows["instrument"] = bus.instruments.number(symbol, venue)
    bus.publish_batch(rows)


@pytest.fixture
def full(bus: EventBus, database: Database, store_bus: Any) -> Database:
    """Return a database with two days of ticks and bars of several symbols."""
    publish(bus, "BTC/USDT", "SIM", range(0, 48, 6))
    publish(bus, "碎股", "", [5, 30, 30])
    publish(bus, "BTC/USDT", "SIM", range(20, 30), bars=BarBasis.LAST)
    publish(bus, "BTC/USDT", "SIM", range(22, 26), bars=BarBasis.BID)
    store_bus(bus, database)
    return database


def test_files_stand_in_folders_by_symbol_and_day(full: Database, tmp_path: Path) -> None:
    """Slashes and letters of any language are escaped, bars stand by period, and a basis is a part of its own."""
    progress: list[int] = []
    tmp_path /= "out"
    written = export_parts(full, tmp_path, progress=progress.append)
    assert sum(progress) == sum(written.values()) == 25
    assert {str(path.relative_to(tmp_path)): rows for path, rows in written.items()} == {
        "bars/period=1h/symbol=BTC%2FUSDT/venue=SIM/day=2026-11-26/part-0.parquet": 4,
        "bars/period=1h/symbol=BTC%2FUSDT/venue=SIM/day=2026-11-27/part-0.parquet": 6,
        "bars/period=1h/symbol=BTC%2FUSDT/venue=SIM/day=2026-11-26/part-1.parquet": 2,
        "bars/period=1h/symbol=BTC%2FUSDT/venue=SIM/day=2026-11-27/part-1.parquet": 2,
        "ticks/symbol=BTC%2FUSDT/venue=SIM/day=2026-11-26/part-0.parquet": 4,
        "ticks/symbol=BTC%2FUSDT/venue=SIM/day=2026-11-27/part-0.parquet": 4,
        "ticks/symbol=%E7%A2%8E%E8%82%A1/venue=/day=2026-11-26/part-0.parquet": 1,
        "ticks/symbol=%E7%A2%8E%E8%82%A1/venue=/day=2026-11-27/part-0.parquet": 2,
    }
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(written)
    (tmp_path / "ticks" / "notes.txt").write_text("not ours")
    found = part_files(tmp_path)
    assert {one.path for one in found} == set(written)
    assert [(one.symbol, one.venue, one.period, one.number) for one in found if one.table == "bars"][2] == ("BTC/USDT", "SIM", "1h", 1)
    assert (found[0].first_ns, found[0].end_ns) == (DAY, DAY + NS_PER_DAY)


def test_pandas_polars_and_duckdb_read_it_as_one_table(full: Database, tmp_path: Path) -> None:
    """Rows, types and filters on symbol and day, in each library's own way of reading Hive folders."""
    export_parts(full, tmp_path)
    ticks, pattern = tmp_path / "ticks", str(tmp_path / "ticks" / "**" / "*.parquet")
    expected = [104.0, 105.0, 106.0, 107.0]

    frame = pd.read_parquet(ticks)
    assert (len(frame), frame["event_ns"].dtype, frame["last_price"].dtype) == (11, np.int64, np.float64)
    assert set(frame["symbol"]) == {"BTC/USDT", "碎股"}
    narrowed = pd.read_parquet(ticks, filters=[("symbol", "==", "BTC/USDT"), ("day", "==", "2026-11-27")])
    assert sorted(narrowed["last_price"]) == expected

    for source in (ticks, pattern):
        lazy = pl.scan_parquet(source, hive_partitioning=True)
        assert lazy.select(pl.len()).collect().item() == 11
        assert (lazy.collect_schema()["event_ns"], lazy.collect_schema()["day"]) == (pl.Int64, pl.Date)
        rows = lazy.filter((pl.col("symbol") == "BTC/USDT") & (pl.col("day") == date(2026, 11, 27))).collect()
        assert sorted(rows["last_price"]) == expected

    table = f"read_parquet('{pattern}', hive_partitioning = true)"
    assert duckdb.sql(f"SELECT count(*) FROM {table}").fetchall() == [(11,)]
    found = duckdb.sql(f"SELECT last_price, typeof(event_ns) FROM {table} WHERE symbol = 'BTC/USDT' AND day = DATE '2026-11-27'").fetchall()
    assert sorted(found) == [(price, "BIGINT") for price in expected]


def test_symbols_of_digits_stay_texts_where_the_reader_is_told(bus: EventBus, database: Database, store_bus: Any, tmp_path: Path) -> None:
    """Libraries take a folder `symbol=00700` for a number unless they get the type, as docs/data.md says."""
    publish(bus, "00700", "HKEX", [1])
    store_bus(bus, database)
    export_parts(database, tmp_path)
    pattern = str(tmp_path / "ticks" / "**" / "*.parquet")
    assert pl.scan_parquet(pattern, hive_schema={"symbol": pl.String, "venue": pl.String, "day": pl.Date}).collect()["symbol"][0] == "00700"
    query = f"SELECT symbol FROM read_parquet('{pattern}', hive_partitioning = true, hive_types = {{'symbol': VARCHAR}})"
    assert duckdb.sql(query).fetchall() == [("00700",)]
    assert part_files(tmp_path)[0].symbol == "00700"


def test_every_record_comes_back_from_its_file(
    bus: EventBus, database: Database, store_bus: Any, market_records: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All kinds, all fields, read portion by portion; what the folder says is known of a file that was moved, too."""
    monkeypatch.setattr(part_export, "_ROWS_AT_A_TIME", 1)
    for record in market_records:
        bus.publish(record)
    store_bus(bus, database)
    found = []
    for at, path in enumerate(export_parts(database, tmp_path / "out", "year")):
        moved = path.rename(tmp_path / f"{at}.parquet")
        assert not {"symbol", "venue", "period"} & set(pq.read_schema(moved).names)
        _, rows, names = read_parquet(moved)
        found += [one for row in rows.reshape(-1, 1) for one in from_array(row, *names[int(row["instrument"][0])])]
    assert sorted(found, key=repr) == sorted(market_records, key=repr)


def test_export_can_be_narrowed_to_whole_days(full: Database, tmp_path: Path) -> None:
    """Times choose days as a whole, so that no day's file ever holds less than the day; months and years work alike."""
    noon, evening = DAY + 12 * NS_PER_HOUR, DAY + 20 * NS_PER_HOUR
    assert list(export_parts(full, tmp_path / "a", kinds=[Tick], symbols=["BTC/USDT"], start_ns=noon, end_ns=evening).values()) == [4]
    assert list(export_parts(full, tmp_path / "b", kinds=[Tick], end_ns=DAY + NS_PER_DAY).values()) == [4, 1]
    assert list(export_parts(full, tmp_path / "c", "month", kinds=[Bar], symbols=["BTC/USDT@SIM"]).values()) == [10, 4]
    assert export_parts(full, tmp_path / "d", start_ns=DAY + 9 * NS_PER_DAY) == {}
    assert list((tmp_path / "d").iterdir()) == []
    assert span_bounds("month", noon) == (from_iso("2026-11-01"), from_iso("2026-12-01"))
    assert span_bounds("year", noon) == (from_iso("2026-01-01"), from_iso("2027-01-01"))


def test_only_new_days_are_written(full: Database, bus: EventBus, store_bus: Any, tmp_path: Path) -> None:
    """Each series goes on with the newest day that is there; older files are left as they are."""
    export_parts(full, tmp_path)
    before = {one.path: one.path.stat().st_mtime_ns for one in part_files(tmp_path)}
    publish(bus, "BTC/USDT", "SIM", [47, 49])
    publish(bus, "NEW", "SIM", [1])
    store_bus(bus, full)
    written = export_parts(full, tmp_path, only_new=True, kinds=[Tick])
    assert [(path.parent.name, rows) for path, rows in written.items()] == [
        ("day=2026-11-27", 5),
        ("day=2026-11-28", 1),
        ("day=2026-11-27", 2),
        ("day=2026-11-26", 1),
    ]
    assert [path for path, when in before.items() if path.stat().st_mtime_ns != when and path not in written] == []


def test_export_that_breaks_off_leaves_no_half_file(full: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stops it, a file is whole or not there, an older one stays, and what a killed one left is removed later."""
    monkeypatch.setattr(part_export, "_ROWS_AT_A_TIME", 3)
    tmp_path /= "out"

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_parts(full, tmp_path, kinds=[Tick], symbols=["BTC/USDT"], progress=stop)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    stale = tmp_path / ".export-x.part"
    stale.write_text("half")
    export_parts(full, tmp_path, kinds=[Tick])
    assert stale.exists()  # it may be another export's, which still runs
    monkeypatch.setattr(part_export, "_STALE_S", -1.0)
    export_parts(full, tmp_path, kinds=[Tick])
    assert not stale.exists()


def test_disk_that_takes_no_more_is_a_sentence(full: Database, tmp_path: Path) -> None:
    """The system's own words are in it, and nothing is left."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
        with pytest.raises(StorageError, match=r"cannot be written: .*[Ff]ile too large"):
            export_parts(full, tmp_path / "out", kinds=[Tick])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_what_cannot_be_exported_is_a_sentence(full: Database, tmp_path: Path) -> None:
    """A span that is none, an unknown symbol, and a file in the way are named."""
    with pytest.raises(StorageError, match="split by day, month, year, not by 'days'.*'day'"):
        export_parts(full, tmp_path, "days")
    with pytest.raises(InstrumentError, match="Did you mean 'BTC/USDT'"):
        export_parts(full, tmp_path, symbols=["BTC/USD"])
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="file cannot be written"):
        export_parts(full, tmp_path / "file")
