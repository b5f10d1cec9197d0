"""Bringing a saved database back: checked first, written beside, and put into its place in one step."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
import time
from pathlib import Path

import msgspec
from sqlalchemy import select

from gcg_quant.errors import StorageError

from ..schema.models import meta, row_counts
from ..sql.database import Database
from ..sql.dialect import dialect_of
from .backup import SAVED_NS
from .backup_file import sync_folder, unpack, verify_digest
from .checking import check_database
from .table_copy import copy_tables

__all__ = ["RestoreReport", "restore"]

_MAGIC = b"SQLite format 3\0"


class RestoreReport(msgspec.Struct, frozen=True):
    """What was brought back: rows by table, when they were saved (ns), whether there was a SHA-256 to compare, and how long it took."""

    rows: dict[str, int]
    saved_ns: int
    verified: bool
    seconds: float


def restore(path: str | Path, url: str, *, replace: bool = False) -> RestoreReport:
    """Put the database that `back_up` has saved in `path` into the place of the one that `url` names.

    Killed at any moment, the old database is there or the new one, and whole.

    Args:
        replace: also if it holds rows, or is damaged.

    Raises:
        StorageError: no backup, a damaged one, one of a later version; the database is in use, or holds rows; the disk is full.
    """
    path, begun = Path(path).absolute(), time.perf_counter()
    if not path.is_file():
        raise StorageError(f"There is no backup {path}.", path=str(path))
    target = dialect_of(url).path
    bring_back = _into_server if target is None else _into_file
    verified = verify_digest(path)
    rows, saved_ns = bring_back(path, url if target is None else str(target.absolute()), replace)
    return RestoreReport(rows, saved_ns, verified, time.perf_counter() - begun)


def _into_file(path: Path, name: str, replace: bool) -> tuple[dict[str, int], int]:
    target = Path(name)
    _free(target, replace)
    beside = target.with_name(target.name + ".restoring")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            stack.callback(_remove, beside)
            _unpack(path, beside)
            found = _checked(path, beside)
            _make_ready(beside)
            _free(target, replace)  # a check of some gigabytes takes its time
            for left in ("-wal", "-shm"):  # of a damaged one: what they hold must not get into the new one
                target.with_name(target.name + left).unlink(missing_ok=True)
            beside.replace(target)
            sync_folder(target.parent)
    except OSError as error:
        raise StorageError(f"The database {target} cannot be written: {error.strerror or error}.", path=name) from error
    return found


def _into_server(path: Path, url: str, replace: bool) -> tuple[dict[str, int], int]:
    # One transaction, during which no recorder writes; one that runs elsewhere stops at its next batch, since the cursor is another one.
    with tempfile.TemporaryDirectory(prefix="gcg-restore-") as folder, Database(url) as database:
        beside = Path(folder) / "saved.db"
        try:
            _unpack(path, beside)
        except OSError as error:
            raise StorageError(f"There is no room to unpack {path} in {folder}: {error.strerror or error}.", path=str(path)) from error
        found = _checked(path, beside)
        _make_ready(beside)
        with Database(f"sqlite:///{beside}", read_only=True) as saved, saved.reading() as source, database.writing() as connection:
            rows = sum(connection.scalars(select(row_counts.c.rows)).all())
            if rows and not replace:
                raise StorageError(f"The database {database.name} holds {rows:,} rows: --yes replaces it by the backup.", rows=int(rows))
            copy_tables(source, database, connection)
    return found


def _unpack(path: Path, beside: Path) -> None:
    try:
        unpack(path, beside)
    except OSError as error:
        if error.errno is not None:  # of the system; else of what unpacks
            raise
        raise StorageError(f"The backup {path} is damaged: it cannot be unpacked.", path=str(path)) from error
    with open(beside, "rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise StorageError(f"{path} is no backup: it holds no database.", path=str(path))


def _checked(path: Path, beside: Path) -> tuple[dict[str, int], int]:
    try:
        _refuse_empty(path, beside)
        with Database(f"sqlite:///{beside}") as saved:  # an older one is brought up to date
            report = check_database(saved)
            with saved.reading() as connection:
                saved_ns = connection.scalar(select(meta.c.value).where(meta.c.name == SAVED_NS))
    except StorageError as error:
        raise StorageError(error.message.replace(str(beside), str(path)), path=str(path)) from error
    if report.problems:
        raise StorageError(f"The backup {path} is damaged, and nothing was restored: {' '.join(report.problems)}", path=str(path))
    return report.rows, int(saved_ns or 0)


def _refuse_empty(path: Path, beside: Path) -> None:
    with contextlib.closing(sqlite3.connect(beside)) as connection, contextlib.suppress(sqlite3.DatabaseError):
        if connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
            raise StorageError(f"{path} is no backup: it holds no table.", path=str(path))


def _free(target: Path, replace: bool) -> None:
    # Whether the file may be replaced; its write-ahead log is folded in, so that nothing of it is left beside the new one.
    if not target.exists():
        return
    try:
        rows = _rows_of(target)
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise StorageError(
                f"The database {target} is in use: stop the system and whatever else has it open, then restore.", path=str(target)
            ) from error
        if not replace:
            raise StorageError(f"{target} cannot be read as a database ({error}): --yes replaces it.", path=str(target)) from error
        return
    if rows and not replace:
        raise StorageError(f"The database {target} holds {rows:,} rows: --yes replaces it by the backup.", path=str(target), rows=rows)


def _rows_of(target: Path) -> int:
    # In this locking mode SQLite refuses a file that anybody else has open.
    connection = sqlite3.connect(f"file:{target}?mode=rw", uri=True, isolation_level=None, timeout=0.5)
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        has_counts = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'row_counts'").fetchone()
        rows = connection.execute("SELECT SUM(rows) FROM row_counts").fetchone()[0] if has_counts else 0
        connection.execute("COMMIT")
        return int(rows or 0)
    finally:
        connection.close()


def _make_ready(beside: Path) -> None:
    connection = sqlite3.connect(beside, isolation_level=None)
    try:
        connection.execute("DELETE FROM meta WHERE name = ?", (SAVED_NS,))
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


def _remove(beside: Path) -> None:
    for left in ("", "-wal", "-shm", "-journal"):
        beside.with_name(beside.name + left).unlink(missing_ok=True)
