"""Imports: once by content, and no half of one."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, DatabaseHistory, ImportRegistry, sha256_of
from gcg_quant.errors import StorageError
from gcg_quant.events import Bar, Tick, World


def fill(bus: EventBus, symbol: str, first: int, count: int) -> None:
    """Publish ticks and minute bars as an importer does."""
    number = bus.instruments.number(symbol, "V")
    ticks = np.zeros(count, Tick.dtype)
    ticks["event_ns"] = np.arange(first, first + count)
    ticks["instrument"] = number
    bus.publish_batch(ticks)
    bars = np.zeros(count, Bar.dtype)
    bars["start_ns"] = np.arange(first, first + count) * 60
    bars["event_ns"] = bars["start_ns"] + 60
    bars["period"] = b"1m"
    bars["instrument"] = number
    bus.publish_batch(bars)


def no_lock_is_left(database: Database) -> bool:
    """Return whether no import holds a lock: a file beside SQLite's, an advisory lock of PostgreSQL."""
    if database.path is not None:
        return not list(database.path.parent.glob("*.lock"))
    with database.reading() as connection:
        mine = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        return not connection.exec_driver_sql(f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND {mine}").scalar()


def import_and_wait(url: str, bus_path: str, connection: Any) -> None:
    """Store half an import in another process and wait to be killed."""
    with EventBus(bus_path, world=World.IMPORT) as bus, Database(url) as database:
        registry = ImportRegistry(database)
        fill(bus, "B", 0, 1_000)
        registry.store(bus, registry.begin("b.csv", "b" * 64))
        connection.send(os.getpid())
        connection.recv()


def test_finished_import_is_found_by_its_content(bus: EventBus, database: Database, tmp_path: Path) -> None:
    """The same bytes under another name are known; other bytes are not."""
    for name, text in (("a.csv", "1"), ("copy.csv", "1"), ("b.csv", "2")):
        (tmp_path / name).write_text(text)
    registry = ImportRegistry(database)
    content = sha256_of(tmp_path / "a.csv")
    assert registry.find(content) is None
    number = registry.begin(tmp_path / "a.csv", content)
    assert registry.find(content) is None
    fill(bus, "A", 0, 10)
    read: list[int] = []
    assert registry.store(bus, number, read.append).rows == {"ticks": 10, "bars": 10}
    assert sum(read) == 20
    registry.finish(number, {"rows": 20, "refused": {"no price": 1}})
    found = registry.find(sha256_of(tmp_path / "copy.csv"))
    assert found is not None
    assert (found.number, found.status, found.report) == (number, "done", {"rows": 20, "refused": {"no price": 1}})
    assert registry.find(sha256_of(tmp_path / "b.csv")) is None
    assert [row.number for row in registry.rows()] == [number]
    assert no_lock_is_left(database)


def test_import_is_stored_while_it_is_read(bus: EventBus, database: Database) -> None:
    """Each call goes on where the last one ended."""
    registry = ImportRegistry(database)
    number = registry.begin("a.csv", "a" * 64)
    for part in range(3):
        fill(bus, "A", part * 10, 10)
        assert registry.store(bus, number).rows == {"ticks": 10, "bars": 10}
    registry.finish(number)
    assert database.counts() == {"ticks": 30, "bars": 30}


def test_cancelled_import_leaves_nothing(bus: EventBus, make_bus: Any, database: Database, store_bus: Any) -> None:
    """Its rows, counts and instruments go; what others stored stays."""
    fill(bus, "A", 0, 10)
    store_bus(bus, database)
    other = make_bus("import", World.IMPORT)
    fill(other, "A", 5, 10)
    fill(other, "B", 0, 10)
    registry = ImportRegistry(database)
    number = registry.begin("a.csv", "a" * 64)
    registry.store(other, number)
    assert DatabaseHistory(database).symbols() == [("A", "V"), ("B", "V")]
    registry.cancel(number)
    assert database.counts() == {"ticks": 10, "bars": 10}
    history = DatabaseHistory(database)
    assert history.symbols() == [("A", "V")]
    assert history.ticks("A")["event_ns"].tolist() == list(range(10))
    assert registry.rows() == []


def test_import_whose_process_was_killed_is_removed_at_the_next_start(
    database: Database, database_url: str, tmp_path: Path, wait_for: Any
) -> None:
    """While the process lives its import is left alone; after kill -9 it goes, lock file and all."""
    context = multiprocessing.get_context("forkserver")
    here, there = context.Pipe()
    process = context.Process(target=import_and_wait, args=(database_url, str(tmp_path / "import"), there))
    process.start()
    pid = here.recv()
    registry = ImportRegistry(database)
    assert registry.clean() == 0
    assert database.counts() == {"ticks": 1_000, "bars": 1_000}
    with pytest.raises(StorageError, match=r"b\.csv is being imported by another process"):
        registry.begin("b.csv", "b" * 64)
    os.kill(pid, signal.SIGKILL)
    process.join(10)
    wait_for(lambda: registry.clean() == 1)  # a server notices a moment later that its client is gone
    assert database.counts() == {}
    assert DatabaseHistory(database).symbols() == []
    assert no_lock_is_left(database)
    registry.cancel(registry.begin("b.csv", "b" * 64))


def test_new_import_does_not_disturb_one_of_this_process(bus: EventBus, database: Database) -> None:
    """Two imports of one process run side by side."""
    registry = ImportRegistry(database)
    first = registry.begin("a.csv", "a" * 64)
    fill(bus, "A", 0, 10)
    registry.store(bus, first)
    second = registry.begin("b.csv", "b" * 64)
    assert second != first
    registry.cancel(second)
    registry.finish(first)
    assert database.counts() == {"ticks": 10, "bars": 10}
