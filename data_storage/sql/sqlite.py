"""SQLite: one file in WAL mode. Readers see one state and never wait; one writer at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from gcg_quant.errors import StorageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..schema.models import RecordTable

__all__ = ["SQLite"]

_PAGE_BYTES = 8192  # rows of 100 to 700 bytes: fewer, fuller pages than with the default of 4096
_CACHE_KIB = 8_192
_BUSY_WORDS = ("database is locked", "database table is locked", "database schema is locked")
_FULL_WORDS = ("database or disk is full", "disk i/o error", "no space left")


class SQLite:
    """A database in a file that several processes may open (see `Dialect`)."""

    mark = "?"
    max_values = 32_000

    def __init__(self, url: URL) -> None:
        if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
            raise StorageError("The database must be a file that other processes can open: write sqlite:///FILE.")
        self.url = url
        self.path = Path(url.database)
        self.name = str(self.path)

    def prepare(self, *, read_only: bool) -> None:
        """Make the folder; a database that is only read must be there."""
        if self.path.is_dir():
            raise StorageError(f"The database {self.name} is a folder; name a file.", path=self.name)
        if read_only:
            if not self.path.exists():
                raise StorageError(f"There is no database {self.name}: run the system or an import first.", path=self.name)
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"The folder {self.path.parent} cannot be made: {error.strerror}.", path=self.name) from error

    def engine(self, *, read_only: bool, busy_timeout_s: float) -> Engine:
        """Return an engine whose writing transactions take the write lock when they begin."""
        try:
            engine = create_engine(self.url, connect_args={"timeout": busy_timeout_s, "check_same_thread": False})
        except (NoSuchModuleError, ArgumentError) as error:
            kind = self.url.drivername
            raise StorageError(f"The database driver {kind!r} is not known; use sqlite:///FILE.", kind=kind) from error

        @event.listens_for(engine, "connect")
        def configure(connection: Any, _record: Any) -> None:
            connection.isolation_level = None  # transactions begin below, where reading and writing differ
            cursor = connection.cursor()
            for pragma in (
                f"page_size={_PAGE_BYTES}",
                "synchronous=NORMAL",
                "foreign_keys=ON",
                f"cache_size=-{_CACHE_KIB}",
                f"query_only={'ON' if read_only else 'OFF'}",
            ):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            # A transaction that will write takes the lock at once: a read lock cannot always become a write lock.
            writes = connection.get_execution_options().get("gcg_writes", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

        return engine

    def reader(self, engine: Engine) -> Engine:
        """Return the engine for transactions that read."""
        return engine

    def writer(self, engine: Engine) -> Engine:
        """Return the engine for transactions that write."""
        return engine.execution_options(gcg_writes=True)

    def prepare_new(self, engine: Engine) -> None:
        """Switch to WAL mode, and let what retention removes be given back."""
        # SQLite does not wait for a lock here: two processes that start together would trip over each other.
        deadline = time.monotonic() + 5.0
        while True:
            try:
                with engine.connect() as connection:
                    cursor = connection.connection.cursor()
                    cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")  # takes the write lock, and counts only before there are tables
                    cursor.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def columns(self, connection: Connection) -> dict[str, set[str]]:
        """Return the columns of each table that is there."""
        query = "SELECT t.name, c.name FROM sqlite_master AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'"
        found: dict[str, set[str]] = {}
        for table, column in connection.exec_driver_sql(query):
            if not table.startswith("sqlite_"):
                found.setdefault(table, set()).add(column)
        return found

    def create_tables(self, connection: Connection, tables: Sequence[Table]) -> None:
        """Create tables with their indexes."""
        for table in tables:
            table.create(connection)

    def can_compress(self, connection: Connection) -> bool:
        """Return False: rows are stored as they are."""
        return False

    def compress(self, connection: Connection, after_days: float) -> None:
        """Do nothing."""

    @contextlib.contextmanager
    def migrating(self, engine: Engine) -> Iterator[Connection]:
        """Open a transaction in which a table may be made anew: references to it are checked at its end."""
        with self.writer(engine).connect() as connection:
            driver = connection.connection.driver_connection
            if driver is None:
                raise StorageError(f"The database {self.name} has no connection.", path=self.name)
            driver.execute("PRAGMA foreign_keys=OFF")  # has no effect inside a transaction
            try:
                with connection.begin():
                    yield connection
                    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
                    if broken is not None:
                        raise StorageError(f"The database {self.name} cannot be migrated: a row of {broken[0]} refers to nothing.")
            finally:
                driver.execute("PRAGMA foreign_keys=ON")

    def make_room(self, connection: Connection, table: RecordTable, times: npt.NDArray[np.int64]) -> None:
        """Do nothing: a table takes rows of all times."""

    def number_on(self, connection: Connection, tables: Sequence[Table]) -> None:
        """Do nothing: the next number is one more than the highest."""

    def forget(self) -> None:
        """Do nothing: nothing is remembered."""

    def bytes(self, engine: Engine) -> int:
        """Return the size of the database file and of its write-ahead log."""
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def checkpoint(self, engine: Engine) -> None:
        """Fold the write-ahead log into the database file as far as no reader needs it."""
        with engine.connect() as connection:
            connection.connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")

    def lock(self, engine: Engine, number: int) -> FileLock:
        """Take the lock file of this number beside the database."""
        return FileLock(self._lock_file(number))

    def is_free(self, engine: Engine, number: int) -> bool:
        """Return whether no process holds the lock file; one that its dead process left behind is removed."""
        file = self._lock_file(number)
        with contextlib.suppress(FileNotFoundError):
            handle = os.open(file, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                file.unlink(missing_ok=True)
            except BlockingIOError:
                return False
            finally:
                os.close(handle)
        return True

    def sentence(self, error: BaseException) -> StorageError:
        """Return a driver's error as a sentence."""
        words = str(error).lower()
        retry = locked = False
        if any(part in words for part in _BUSY_WORDS):
            text, retry, locked = f"The database {self.name} is locked by another program.", True, True
        elif any(part in words for part in _FULL_WORDS):
            text, retry = f"The database {self.name} cannot be written: {error}; free some disk space.", True
        elif "not a database" in words:
            text = f"{self.name} is not a database: move the file away or choose another one."
        elif "malformed" in words:
            text = f"The database {self.name} is damaged ({error}): restore a backup or move the file away."
        elif "unable to open" in words or "readonly" in words or "read-only" in words:
            text = f"The database {self.name} cannot be opened for writing: make its folder and files writable or choose another folder."
            retry = True
        else:
            text = f"The database {self.name} refused a statement: {error}."
        return StorageError(text, path=self.name, retry=retry, locked=locked)

    def _lock_file(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.import-{number}.lock")


class FileLock:
    """A lock that the kernel takes away from a dead process; a pid may be reused, so none is asked."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def renew(self) -> bool:
        """Return True: it cannot be lost."""
        return True

    def release(self) -> None:
        """Remove the file and give the lock back."""
        self._file.unlink(missing_ok=True)
        os.close(self._handle)
