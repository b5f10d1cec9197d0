"""Saving a database to a file: one consistent state, beside whoever reads and writes.

SQLite's own online copy runs inside a reading transaction. In WAL mode that stops no writer, and the copy need not begin anew for what
is written meanwhile, as it would without (tried: beside a recorder it never ended). The write-ahead log grows until the copy is done.
`VACUUM INTO` takes as long and makes files a tenth smaller, but in one step, which nothing can slow down or stop.

A database on a server is copied table by table, as one transaction sees it, into a file of the same form.

The file is an SQLite database like any other: of all rows and of the recorders' cursors as they stood at one moment. So a
recorder that goes on with a restored one stores from the journal exactly what came later.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import select

from gcg_quant.clock import now_ns
from gcg_quant.errors import StorageError

from ..schema.models import row_counts
from ..sql.database import Database
from .backup_file import finish_file
from .table_copy import copy_tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["SAVED_NS", "BackupReport", "back_up"]

SAVED_NS = "saved_ns"  # in `meta` of a backup: when it was made
_PAGES_AT_A_TIME = 256  # 2 MiB
_FULL_WORDS = ("full", "disk i/o error", "unable to open", "readonly")


class BackupReport(msgspec.Struct, frozen=True):
    """What was saved: the file, its size, its rows, and how long it took."""

    path: Path
    bytes: int
    rows: int
    seconds: float


def back_up(database: Database, path: str | Path, *, rest: float = 0.0, stopped: Callable[[], bool] = lambda: False) -> BackupReport:
    """Save a database to a new file; one whose name ends with .zst is packed.

    Args:
        path: must not exist. It appears once it is whole, and `path`.sha256 with it.
        rest: pauses in the copying of a file, as a multiple of its time: 1.0 leaves the disk to others half of the time.
        stopped: asked now and then; once it says so the backup ends with a StorageError and leaves nothing.

    Raises:
        StorageError: the file exists, or cannot be written; the database cannot be read.
    """
    path = Path(path).absolute()
    begun = time.perf_counter()
    if path.exists():
        raise StorageError(f"{path} exists already: choose another name, or move the file away.", path=str(path))
    plain = path.with_name(path.name.removesuffix(".zst") + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        plain.unlink(missing_ok=True)
        with database.reading() as connection:
            rows = sum(connection.scalars(select(row_counts.c.rows)).all())  # the first statement: from here on it is one state
            _copy(connection, plain, path, _Pace(rest, stopped))
        size = finish_file(plain, path)
    except OSError as error:
        raise StorageError(f"The backup {path} cannot be written: {error.strerror or error}.", path=str(path)) from error
    finally:
        for left in (plain, path.with_name(path.name + ".part")):
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)
    return BackupReport(path, size, rows, time.perf_counter() - begun)


def _copy(connection: Connection, plain: Path, path: Path, pace: _Pace) -> None:
    source = connection.connection.driver_connection
    try:
        if not isinstance(source, sqlite3.Connection):
            _copy_from_server(connection, plain)
        target = sqlite3.connect(plain, isolation_level=None)
        try:
            if isinstance(source, sqlite3.Connection):
                source.backup(target, pages=_PAGES_AT_A_TIME, progress=pace)
            # One file that is whole by itself, and says when it was made.
            target.execute("PRAGMA journal_mode=DELETE")
            target.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (SAVED_NS, str(now_ns())))
            # A damaged database must not push the last good backup out.
            (said,) = target.execute("PRAGMA quick_check(1)").fetchone()
            if said != "ok":
                raise sqlite3.DatabaseError(f"malformed: {said}")
        finally:
            target.close()
    except sqlite3.Error as error:
        if any(word in str(error).lower() for word in _FULL_WORDS):
            raise StorageError(
                f"The backup {path} cannot be written: {error}; make room or choose another disk.", path=str(path)
            ) from error
        raise


def _copy_from_server(connection: Connection, plain: Path) -> None:
    with Database(f"sqlite:///{plain}") as file:
        with file.reading() as opened:
            opened.connection.cursor().execute("PRAGMA journal_mode=DELETE")  # a write-ahead log would hold all of it a second time
        with file.writing() as target:
            copy_tables(connection, file, target)


class _Pace:
    # Called between the steps of the copy.

    def __init__(self, rest: float, stopped: Callable[[], bool]) -> None:
        self._rest = rest
        self._stopped = stopped
        self._since = time.monotonic()

    def __call__(self, status: int, remaining: int, total: int) -> None:
        if self._stopped():
            raise StorageError("The backup was stopped before its end.", retry=True)
        if self._rest:
            time.sleep(self._rest * (time.monotonic() - self._since))
        self._since = time.monotonic()
