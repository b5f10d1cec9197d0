"""Checking a database: damage, lost rows and wrong counts are named, and a database in order passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gcg_quant.bus import EventBus
from gcg_quant.data_storage.keeping.checking import check_database
from gcg_quant.data_storage.sql.database import Database
from gcg_quant.events import LogEvent, Record, Tick


def test_database_in_order_passes(
    bus: EventBus, database: Database, store_bus: Any, market_records: list[Record], order_records: list[Record]
) -> None:
    """Every table's rows are counted, and nothing is wrong."""
    bus.publish_many([*market_records, *order_records])
    bus.publish(LogEvent(level="info", component="c", message="m"))
    stored = store_bus(bus, database)
    report = check_database(database)
    assert report.problems == ()
    assert report.rows == stored.rows == database.counts()


def test_wrong_count_is_named(bus: EventBus, database: Database, store_bus: Any) -> None:
    """A table that does not hold as many rows as it says is one sentence."""
    bus.publish_many([Tick(symbol="A", venue="V", event_ns=at) for at in range(3)])
    store_bus(bus, database)
    with database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM ticks WHERE event_ns = 1")
    assert check_database(database).problems == ("Table ticks holds 2 rows, but row_counts says 3.",)


def test_damage_is_named(bus: EventBus, tmp_path: Path, store_bus: Any) -> None:
    """A page whose bytes are gone is found, and nothing is counted any more."""
    with Database(home=tmp_path) as database:
        bus.publish_many([Tick(symbol="A", venue="V", event_ns=at) for at in range(500)])
        store_bus(bus, database)
    whole = database.path.read_bytes()
    database.path.write_bytes(whole[: len(whole) - 8192] + bytes(8192))
    with Database(home=tmp_path, read_only=True) as damaged:
        report = check_database(damaged)
    assert report.rows == {}
    assert "The file is damaged" in report.problems[0]
