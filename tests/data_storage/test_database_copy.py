"""Copying a database into another one: every table, once, resumed after an interruption, counted, from each kind to each kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, DatabaseHistory, ImportRegistry, Recorder
from gcg_quant.data_storage.keeping import database_copy
from gcg_quant.data_storage.keeping.checking import check_database
from gcg_quant.data_storage.keeping.database_copy import DatabaseCopy
from gcg_quant.data_storage.schema.models import alembic_version, meta, metadata
from gcg_quant.errors import StorageError
from gcg_quant.events import (
    AlertEvent,
    BacktestRequestEvent,
    BacktestResultEvent,
    InstrumentEvent,
    Record,
    SignalEvent,
    StrategyStatusEvent,
    Tick,
    World,
)


@pytest.fixture
def full(bus: EventBus, make_bus: Any, database: Database, market_records: list[Record], order_records: list[Record]) -> Database:
    """Return a database of either kind with something in most tables: recorded, imported and backtested."""
    for record in (*market_records, *order_records):
        bus.publish(record)
    bus.publish_many([Tick(symbol="A", venue="V", event_ns=at, last_price=at / 7) for at in range(50)])
    bus.publish(InstrumentEvent(symbol="A", venue="V", terms={"tick_size": 0.5}))
    bus.publish(SignalEvent(symbol="A", venue="V", strategy="s", name="n", event_ns=1, data={"网格": [1, None]}))
    bus.publish(StrategyStatusEvent(strategy="s", state="running"))
    bus.publish(BacktestRequestEvent(run="r1", file="sma.py", symbols=["A"]))
    bus.publish(BacktestResultEvent(run="r1", ok=True, results={"sharpe": 1.5}))
    bus.publish(AlertEvent(level="info", component="c", name="n", message="m"))
    recorder = Recorder(database, flush_ms=1)
    recorder.start(bus)
    assert recorder.stop()
    other = make_bus("import", World.IMPORT)
    other.publish(Tick(symbol="B", venue="V", event_ns=1, last_price=1.0))
    registry = ImportRegistry(database)
    number = registry.begin("b.csv", "b" * 64)
    registry.store(other, number)
    registry.finish(number, {"rows": 1})
    return database


@pytest.fixture
def target_url(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a new database of the other kind."""
    if database_url.startswith("sqlite"):
        return str(request.getfixturevalue("postgresql").new_database())
    return f"sqlite:///{tmp_path / 'target' / 'copy.db'}"


def content(database: Database) -> dict[str, list[Any]]:
    """Return every row of every table but the database's own notes."""
    tables = [table for table in metadata.sorted_tables if table not in (meta, alembic_version)]
    with database.reading() as connection:
        return {table.name: connection.execute(select(table).order_by(*table.primary_key.columns)).all() for table in tables}


def test_copy_of_either_kind_holds_every_row(full: Database, target_url: str, bus: EventBus) -> None:
    """All tables are equal, row by row, and the recorder goes on in the copy where it stopped."""
    progress: list[tuple[str, int]] = []
    with Database(target_url, unfinished=True) as target:
        rows = DatabaseCopy(full, target).run(lambda table, count: progress.append((table, count)))
        wanted = content(full)
        assert content(target) == wanted
        assert rows == {name: len(found) for name, found in wanted.items() if found}
        assert sum(count for _, count in progress) == sum(rows.values())
    bus.publish(Tick(symbol="NEW", venue="V", event_ns=7, last_price=1.0))
    with Database(target_url) as copy:
        recorder = Recorder(copy, flush_ms=1)
        recorder.start(bus)
        assert recorder.stop()
        assert recorder.stored.rows == {"ticks": 1}
        assert DatabaseHistory(copy).ticks("NEW")["event_ns"].tolist() == [7]
        assert check_database(copy).problems == ()
        registry = ImportRegistry(copy)
        number = registry.begin("c.csv", "c" * 64)
        assert number == 2
        registry.cancel(number)


def test_interrupted_copy_goes_on_and_is_not_used_meanwhile(full: Database, target_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped between two portions it stores the rest when it is run again; until then nobody else opens the target."""
    monkeypatch.setattr(database_copy, "_ROWS_AT_A_TIME", 7)
    first: list[int] = []

    def interrupt(table: str, rows: int) -> None:
        first.append(rows)
        if table == "ticks" and sum(first) > 40:
            raise KeyboardInterrupt

    with Database(target_url, unfinished=True) as target, pytest.raises(KeyboardInterrupt):
        DatabaseCopy(full, target).run(interrupt)
    with pytest.raises(StorageError, match="is half a copy of another one: run `database copy` again"):
        Database(target_url)
    second: list[int] = []
    with Database(target_url, unfinished=True) as target:
        rows = DatabaseCopy(full, target).run(lambda _table, count: second.append(count))
        assert content(target) == content(full)
    assert sum(first) + sum(second) == sum(rows.values())
    Database(target_url).close()


def test_copy_begins_anew_when_the_source_has_changed(full: Database, target_url: str, bus: EventBus) -> None:
    """What was stored between two attempts is in the copy, wherever it belongs."""

    def interrupt(table: str, rows: int) -> None:
        if table == "ticks":
            raise KeyboardInterrupt

    with Database(target_url, unfinished=True) as target, pytest.raises(KeyboardInterrupt):
        DatabaseCopy(full, target).run(interrupt)
    bus.publish(Tick(symbol="A", venue="V", event_ns=-5, last_price=1.0))
    recorder = Recorder(full, flush_ms=1)
    recorder.start(bus)
    assert recorder.stop()
    with Database(target_url, unfinished=True) as target:
        DatabaseCopy(full, target).run()
        assert content(target) == content(full)
        assert DatabaseHistory(target).ticks("A")["event_ns"].tolist() == [-5, *range(50)]


def test_target_with_rows_of_its_own_is_left_alone(full: Database, target_url: str) -> None:
    """A database that is in use is no target; neither is the source itself."""
    with Database(target_url, unfinished=True) as target:
        DatabaseCopy(full, target).run()
        with pytest.raises(StorageError, match="holds rows already: copy into an empty one"):
            DatabaseCopy(full, target).run()
        assert content(target) == content(full)
    with pytest.raises(StorageError, match="cannot be copied onto itself"):
        DatabaseCopy(full, full)


def test_row_that_is_missing_at_the_end_is_told(full: Database, target_url: str) -> None:
    """Rows are counted on both sides; a copy that lost one is no copy."""
    ticks = metadata.tables["ticks"]
    with Database(target_url, unfinished=True) as target:

        def lose(table: str, rows: int) -> None:
            if table == "ticks":
                with target.writing() as connection:
                    first = connection.scalar(select(func.min(ticks.c.event_ns)))
                    connection.execute(ticks.delete().where(ticks.c.event_ns == first))

        with pytest.raises(StorageError, match=r"Table ticks of .* holds \d+ rows instead of \d+"):
            DatabaseCopy(full, target).run(lose)
    with pytest.raises(StorageError, match="half a copy"):
        Database(target_url)
