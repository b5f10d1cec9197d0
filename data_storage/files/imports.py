"""Imports: which files are in the database, known by their content, and no half of one.

    registry = ImportRegistry(database)
    known = registry.find(sha256_of(path))                  # the import that stored the same content, or None
    number = registry.begin(path, sha256)                   # a row in `imports`, and a lock held while this process lives
    stored = registry.store(bus, number)                    # everything that the importer published onto its import bus
    registry.finish(number, report)                         # or registry.cancel(number)

Until `finish` an import counts as unfinished; when its process is gone, the next `begin` or `clean` removes its rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, RowMapping, select

from gcg_quant.clock import now_ns
from gcg_quant.errors import StorageError
from gcg_quant.events import event_types

from ..schema.models import RECORD_TABLES, buses, import_ranges, imports, instruments, recorder_cursors
from ..writing.row_deletion import rows_of_import
from ..writing.store import STORED_EVENTS, Store, Stored

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

    from ..sql.database import Database
    from ..sql.dialect import ProcessLock

__all__ = ["ImportRegistry", "ImportRow", "sha256_of"]

_EVENTS_AT_A_TIME = 20_000


class ImportRow(msgspec.Struct, frozen=True):
    """One import as the database knows it; `status` is "running", "done" or "partial": done, but some of its rows were deleted."""

    number: int
    sha256: str
    path: str
    status: str
    started_ns: int
    finished_ns: int | None
    report: dict[str, Any]


class ImportRegistry:
    """The imports of one database. One thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._locks: dict[int, ProcessLock] = {}  # import number -> what says that its process lives

    def find(self, sha256: str) -> ImportRow | None:
        """Return the finished import of exactly this content, or None; one of which rows were deleted does not count."""
        query = select(imports).where(imports.c.sha256 == sha256, imports.c.status == "done").order_by(imports.c.number)
        with self._database.reading() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else _import_row(row)

    def rows(self) -> list[ImportRow]:
        """Return every import, oldest first."""
        with self._database.reading() as connection:
            return [_import_row(row) for row in connection.execute(select(imports).order_by(imports.c.number)).mappings()]

    def begin(self, path: str | Path, sha256: str) -> int:
        """Register an import that starts now and return its number; what dead imports left is removed first.

        Raises:
            StorageError: another process imports the same content at this moment.
        """
        self.clean()
        with self._database.writing() as connection:
            same = imports.select().where(imports.c.sha256 == sha256, imports.c.status == "running")
            if connection.execute(same).first() is not None:
                raise StorageError(f"{path} is being imported by another process: wait for it to finish.", path=str(path))
            values = {"sha256": sha256, "path": str(path), "status": "running", "started_ns": now_ns(), "report": "{}"}
            key = connection.execute(imports.insert().values(**values)).inserted_primary_key
            number = int(key[0]) if key is not None else 0
            self._locks[number] = self._database.lock(number)  # before the row can be seen
        return number

    def store(self, bus: EventBus, number: int, progress: Callable[[int], None] | None = None) -> Stored:
        """Store everything that stands on an import bus under import `number`; return what became of it.

        Call it once the importer is done, or again and again while it works: each call goes on where the last one ended.
        `progress` is called with the number of events read by each transaction.

        Raises:
            StorageError: nothing of the last transaction was stored; or the import was taken for dead, and removed.
        """
        self._check(number)
        store = Store(self._database, bus, f"import {number}", import_number=number)
        stored = Stored()
        cursor = store.load_cursor()
        with bus.reader(start=cursor or "begin", events=event_types(*STORED_EVENTS)) as reader:
            while True:
                tables, cold = reader.read_tables(_EVENTS_AT_A_TIME)
                events = sum(len(rows) for rows in tables.values()) + len(cold)
                if not events:
                    return stored
                stored.merge(store.write(tables, cold, reader.cursor))
                if progress is not None:
                    progress(events)

    def finish(self, number: int, report: Mapping[str, Any] | msgspec.Struct | None = None) -> None:
        """Mark an import as done: from now on its rows stay, and the same content is known. `report` is kept as JSON."""
        values = {"status": "done", "finished_ns": now_ns(), "report": msgspec.json.encode(report or {}).decode()}
        with self._database.writing() as connection:
            connection.execute(imports.update().where(imports.c.number == number).values(**values))
            connection.execute(recorder_cursors.delete().where(recorder_cursors.c.recorder == f"import {number}"))
        self._unlock(number)

    def cancel(self, number: int) -> None:
        """Remove an unfinished import with all its rows."""
        self._remove(number)
        self._unlock(number)

    def clean(self) -> int:
        """Remove what imports left whose process is gone, and return how many there were. Call it at the start."""
        with self._database.reading() as connection:
            running = connection.scalars(select(imports.c.number).where(imports.c.status == "running")).all()
        dead = [number for number in running if number not in self._locks and self._database.is_free(number)]
        for number in dead:
            self._remove(number)
        return len(dead)

    def _remove(self, number: int) -> None:
        # Rows first, some at a time, so that a recorder is not kept out; until the register forgets it, it can be done again.
        with self._database.reading() as connection:
            jobs = rows_of_import(self._database, connection, number)
        for job in jobs:
            for _ in job.run():
                pass
        with self._database.writing() as connection:
            _forget(connection, number)

    def _check(self, number: int) -> None:
        # A server that was restarted has forgotten the lock, and somebody may have cleaned up meanwhile.
        if number not in self._locks or self._locks[number].renew():
            return
        with self._database.reading() as connection:
            if connection.scalar(select(imports.c.number).where(imports.c.number == number)) is None:
                self._unlock(number)
                raise StorageError(f"Import {number} was taken for dead and removed while its database was away: import the file again.")

    def _unlock(self, number: int) -> None:
        lock = self._locks.pop(number, None)
        if lock is not None:
            lock.release()


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _import_row(row: RowMapping) -> ImportRow:
    return ImportRow(**{**row, "report": msgspec.json.decode(row["report"])})


def _forget(connection: Connection, number: int) -> None:
    mine = connection.scalars(select(buses.c.number).where(buses.c.import_number == number)).all()
    connection.execute(import_ranges.delete().where(import_ranges.c.import_number == number))
    connection.execute(recorder_cursors.delete().where(recorder_cursors.c.recorder == f"import {number}"))
    _remove_unused_instruments(connection, mine)
    connection.execute(imports.delete().where(imports.c.number == number))


def _remove_unused_instruments(connection: Connection, mine: Any) -> None:
    # Instruments that only this import brought: no row of any market table names them (the key begins with the instrument).
    for number in connection.scalars(select(instruments.c.number).where(instruments.c.bus.in_(mine))).all():
        markets = [table.table for table in RECORD_TABLES.values() if table.key[0] == "instrument"]
        if not any(connection.scalar(select(table.c.instrument).where(table.c.instrument == number).limit(1)) for table in markets):
            connection.execute(instruments.delete().where(instruments.c.number == number))
