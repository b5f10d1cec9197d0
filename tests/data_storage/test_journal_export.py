"""Parquet files of a journal."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import export_journal, read_parquet
from gcg_quant.errors import InstrumentError, JournalCorruptError, StorageError
from gcg_quant.events import AccountEvent, CancelRequest, Fill, Lane, LogEvent, Record, Tick, from_array


def _records(path: Path) -> list[Record]:
    _, rows, names = read_parquet(path)
    return [record for row in rows.reshape(-1, 1) for record in from_array(row, *names.get(int(row["instrument"][0]), ("", "")))]


def test_every_class_becomes_a_file_without_loss(
    bus: EventBus, tmp_path: Path, market_records: list[Record], order_records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All records come back equal, whatever the portions; names and provenance stand beside the fields."""
    records = [*market_records, *order_records, CancelRequest(account="a", request=1)]
    ids = [bus.publish(record, cause=7, source="feed") for record in records]
    bus.publish(LogEvent(level="info", component="x", message="no record"))
    for portion in (2, 100_000):
        monkeypatch.setattr("gcg_quant.data_storage.files.journal_export._ROWS_AT_A_TIME", portion)
        monkeypatch.setattr("gcg_quant.data_storage.files.journal_export._ROWS_A_GROUP", 2 * portion)
        counted: list[int] = []
        written = export_journal(bus, tmp_path / f"out{portion}", progress=counted.append)
        assert sum(written.values()) == sum(counted) == len(records)
        assert set((tmp_path / f"out{portion}").iterdir()) == set(written)
        assert sorted([record for path in written for record in _records(path)], key=repr) == sorted(records, key=repr)
    tables = {path.name: pq.read_table(path) for path in written}
    assert sorted(number for table in tables.values() for number in table.column("id").to_pylist()) == ids
    assert "cancel_requests.parquet" in tables
    ticks = tables["ticks.parquet"]
    assert set(ticks.column("source").to_pylist()) == {"feed"}
    assert set(ticks.column("cause").to_pylist()) == {7}
    for name in ("symbol", "venue", "source"):
        assert pa.types.is_dictionary(ticks.schema.field(name).type)


def test_export_can_be_narrowed(bus: EventBus, tmp_path: Path) -> None:
    """Classes, symbols and times of publishing choose rows; nothing to write leaves no file."""
    rows = np.zeros(10, Tick.dtype)
    rows["instrument"] = [bus.instruments.number(name, "SIM") for name in "AB" * 5]
    bus.publish_batch(rows)
    ids = [bus.publish(Tick(symbol="A", venue="SIM", event_ns=number)) for number in range(20)]
    bus.publish(Fill(symbol="A", venue="SIM", price=1.0, quantity=1.0))
    bus.publish(AccountEvent(account="a"))  # of no symbol
    times = [event.time_ns for event in bus.reader(start="begin", events=[Tick])][10:]
    assert export_journal(bus, tmp_path / "b", symbols=["B@SIM"]) == {tmp_path / "b" / "ticks.parquet": 5}
    path = tmp_path / "slice" / "ticks.parquet"
    assert export_journal(bus, tmp_path / "slice", [Tick, Fill], from_ns=times[5], to_ns=times[15]) == {path: 10}
    assert pq.read_table(path).column("id").to_pylist() == ids[5:15]
    assert export_journal(bus, tmp_path / "none", to_ns=0) == {}
    assert list((tmp_path / "none").iterdir()) == []
    assert bus.head(Lane.MARKET) == 33


def test_wrong_wishes_are_sentences(bus: EventBus, tmp_path: Path) -> None:
    """A cold event, an unknown symbol and a file in the way are named."""
    bus.publish(Tick(symbol="BTC/USDT", venue="SIM"))
    with pytest.raises(StorageError, match="LogEvent is no record with columns"):
        export_journal(bus, tmp_path, [LogEvent])
    with pytest.raises(InstrumentError, match="no symbol 'BTC/USDX'. Did you mean 'BTC/USDT'"):
        export_journal(bus, tmp_path, symbols=["BTC/USDX"])
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="file cannot be written"):
        export_journal(bus, tmp_path / "file")


def test_damage_leaves_no_half_a_file(tmp_path: Path) -> None:
    """Where the journal is damaged, the export stops with its sentence and removes what it wrote."""
    with EventBus(tmp_path / "bus", page_mb=1 / 64, sync="none") as bus:
        for number in range(200):
            bus.publish(Tick(symbol="A", venue="SIM", event_ns=number))
        page = tmp_path / "bus" / "market" / "0000000003.page"
        data = bytearray(page.read_bytes())
        data[1000] ^= 0xFF
        page.write_bytes(data)
        with pytest.raises(JournalCorruptError, match=r"0000000003\.page offset"):
            export_journal(bus, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
