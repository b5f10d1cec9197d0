"""The database: one URL, its schema created and checked at the start, transactions, and faults as sentences.

    database = Database(home="gcg_home")                    # gcg_home/gcg_quant.db, SQLite in WAL mode
    with database.writing() as connection: ...              # one transaction; one writer at a time, others wait
    with database.reading() as connection: ...              # a consistent view, which never blocks a writer

What is different between SQL dialects stands in this file and nowhere else.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy import text as sql_text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.schema import CreateColumn

from gcg_quant.clock import now_ns
from gcg_quant.errors import StorageError

from ..schema.models import meta, metadata, row_counts

__all__ = ["SCHEMA_VERSION", "Database"]

SCHEMA_VERSION = 1
FILE_NAME = "gcg_quant.db"
_PAGE_BYTES = 8192  # rows of 100 to 700 bytes: fewer, fuller pages than with the default of 4096
_CACHE_KIB = 8_192
_BUSY_WORDS = ("database is locked", "database table is locked", "database schema is locked")
_FULL_WORDS = ("database or disk is full", "disk i/o error", "no space left")


class Database:
    """An open database; any thread may use it, each transaction belongs to one.

    Args:
        url: an SQLAlchemy URL; "" means SQLite in the home folder.
        home: the folder of the default database; made if missing.
        read_only: look only; the database must be there already.
        busy_timeout_s: how long a writer waits for another one before it gives up with a StorageError.

    Raises:
        StorageError: a URL, file or folder that cannot be used; the schema of a later version; no database of ours.
    """

    def __init__(self, url: str = "", *, home: str | Path = "gcg_home", read_only: bool = False, busy_timeout_s: float = 2.0) -> None:
        self.url = _checked_url(url or f"sqlite:///{Path(home).absolute() / FILE_NAME}")
        self.read_only = read_only
        self.path = Path(self.url.database or "")
        self.name = str(self.path)
        self._prepare_folder()
        self.engine = _engine(self.url, read_only, busy_timeout_s)
        self._writer = self.engine.execution_options(gcg_writes=True)
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    # ---- transactions

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that writes: committed at the end of the block, rolled back by an exception.

        Raises:
            StorageError: the database is locked, full, damaged or read-only; `context["retry"]` says whether trying again may help.
        """
        if self.read_only:
            raise StorageError(f"The database {self.name} was opened for reading only.", path=self.name, retry=False)
        with self._sentences(), self._writer.begin() as connection:
            yield connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that reads one consistent state, whatever is written meanwhile."""
        with self._sentences(), self.engine.connect() as connection:
            yield connection

    # ---- what it is

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each table of records and events; kept up to date with every transaction, so it costs nothing."""
        with self.reading() as connection:
            return {name: rows for name, rows in connection.execute(select(row_counts.c.table_name, row_counts.c.rows)) if rows}

    @property
    def bytes(self) -> int:
        """The size of the database file and of its write-ahead log, in bytes."""
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    @property
    def mark(self) -> str:
        """The placeholder of a value in the driver's SQL."""
        return "?" if self.engine.dialect.paramstyle == "qmark" else "%s"

    @property
    def max_values(self) -> int:
        """How many values one statement takes."""
        return 32_000

    def raw_text(self, column: str) -> str:
        """Return SQL for the UTF-8 bytes of a text column: arrays hold bytes, and str objects would be made for nothing."""
        return f'CAST("{column}" AS BLOB)' if self.engine.dialect.name == "sqlite" else f"convert_to(\"{column}\", 'UTF8')"

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the database file as far as no reader needs it; waits for nobody."""
        with self._sentences(), self.engine.connect() as connection:
            connection.connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Close all connections; the last one to close a SQLite file folds its write-ahead log into it."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Database({self.url.render_as_string(hide_password=True)!r})"

    # ---- opening

    def _prepare_folder(self) -> None:
        if self.path.is_dir():
            raise StorageError(f"The database {self.name} is a folder; name a file.", path=self.name)
        if self.read_only:
            if not self.path.exists():
                raise StorageError(f"There is no database {self.name}: run the system or an import first.", path=self.name)
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"The folder {self.path.parent} cannot be made: {error.strerror}.", path=self.name) from error

    def _open(self) -> None:
        with self._sentences():
            found = self._schema_version()
            if found == 0 and not self.read_only:
                self._switch_to_wal()
                self._create()
            elif found == SCHEMA_VERSION and not self.read_only:
                self._add_new_columns()
            elif found != SCHEMA_VERSION:
                self._refuse(found)

    def _schema_version(self) -> int:
        # 0: an empty database.
        with self.engine.connect() as connection:
            names = set(connection.dialect.get_table_names(connection))
            if not names:
                return 0
            if meta.name in names:
                value = connection.scalar(select(meta.c.value).where(meta.c.name == "schema_version"))
                if value is not None and value.isdigit():
                    return int(value)
        raise StorageError(f"{self.name} is a database, but not one of gcg_quant: choose another file.", path=self.name)

    def _refuse(self, found: int) -> None:
        if found == 0:
            raise StorageError(f"The database {self.name} is empty: run the system or an import first.", path=self.name)
        advice = "install a later gcg_quant" if found > SCHEMA_VERSION else "it is too old to be used: choose another file"
        raise StorageError(
            f"The database {self.name} has schema version {found} and this gcg_quant reads {SCHEMA_VERSION}: {advice}.",
            path=self.name,
            found=found,
            expected=SCHEMA_VERSION,
        )

    def _switch_to_wal(self) -> None:
        # SQLite does not wait for a lock here: two processes that start together would trip over each other.
        deadline = time.monotonic() + 5.0
        while True:
            try:
                with self.engine.connect() as connection:
                    connection.connection.cursor().execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _create(self) -> None:
        with self._writer.begin() as connection:  # another process may have been quicker: then there is nothing to do
            metadata.create_all(connection)
            mark = {"name": "schema_version", "value": str(SCHEMA_VERSION)}
            if connection.scalar(select(meta.c.value).where(meta.c.name == "schema_version")) is None:
                connection.execute(meta.insert(), [mark, {"name": "created_ns", "value": str(now_ns())}])

    def _add_new_columns(self) -> None:
        # Records grow at their end and the tables with them; a column that is missing gets the record's default.
        with self.engine.connect() as connection:
            missing = self._missing_columns(connection)
        if missing:
            with self._writer.begin() as connection:
                metadata.create_all(connection)
                for table, column in self._missing_columns(connection):
                    connection.execute(sql_text(f"ALTER TABLE {table} ADD COLUMN {column}"))

    def _missing_columns(self, connection: Connection) -> list[tuple[str, str]]:
        known = set(connection.dialect.get_table_names(connection))
        missing = []
        for table in metadata.sorted_tables:
            there = {one["name"] for one in connection.dialect.get_columns(connection, table.name)} if table.name in known else set()
            wanted = [column for column in table.columns if column.name not in there]
            missing += [(table.name, str(CreateColumn(column).compile(dialect=connection.dialect))) for column in wanted]
        return missing

    @contextlib.contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._sentence(error.orig or error) from error
        except sqlite3.Error as error:
            raise self._sentence(error) from error
        except SQLAlchemyError as error:
            raise StorageError(f"The database {self.name} refused a statement: {error}.", path=self.name, retry=False) from error

    def _sentence(self, error: BaseException) -> StorageError:
        words = str(error).lower()
        retry = False
        if any(part in words for part in _BUSY_WORDS):
            text, retry = f"The database {self.name} is locked by another program.", True
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
        return StorageError(text, path=self.name, retry=retry)


def _checked_url(url: str) -> URL:
    try:
        made = make_url(url)
    except ArgumentError as error:
        raise StorageError("The database URL cannot be read; expected something like 'sqlite:////home/me/gcg_quant.db'.") from error
    if made.get_backend_name() != "sqlite":
        raise StorageError(
            f"Databases of the kind {made.get_backend_name()!r} are not supported yet; use sqlite:///FILE.", kind=made.drivername
        )
    if not made.database or made.database == ":memory:" or made.database.startswith("file:"):
        raise StorageError("The database must be a file that other processes can open: write sqlite:///FILE.")
    return made


def _engine(url: URL, read_only: bool, busy_timeout_s: float) -> Engine:
    try:
        engine = create_engine(url, connect_args={"timeout": busy_timeout_s, "check_same_thread": False})
    except (NoSuchModuleError, ArgumentError) as error:
        raise StorageError(f"The database driver {url.drivername!r} is not known; use sqlite:///FILE.", kind=url.drivername) from error

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
