"""The database: one URL, its schema created and checked at the start, transactions, and faults as sentences.

    database = Database(home="gcg_home")                    # gcg_home/gcg_quant.db, SQLite in WAL mode
    database = Database("postgresql+psycopg://me@host/gcg") # PostgreSQL; the database must exist
    with database.writing() as connection: ...              # one transaction; one writer at a time, others wait
    with database.reading() as connection: ...              # a consistent view, which never blocks a writer

What is different between kinds of databases stands in their dialects and nowhere else.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from gcg_quant.errors import StorageError

from ..schema.models import row_counts
from .dialect import ProcessLock, dialect_of
from .structure import SCHEMA_VERSION, Structure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..schema.models import RecordTable

__all__ = ["SCHEMA_VERSION", "Database"]

FILE_NAME = "gcg_quant.db"


class Database:
    """An open database; any thread may use it, each transaction belongs to one.

    Args:
        url: an SQLAlchemy URL; "" means SQLite in the home folder.
        home: the folder of the default database; made if missing.
        read_only: look only; the database must be there already.
        busy_timeout_s: how long a writer waits for another one before it gives up with a StorageError.
        unfinished: also open one that is half a copy of another, to finish it.
        patient: a server that is away now is no error yet: each transaction tries anew to open the database.

    Raises:
        StorageError: a URL, file, folder or server that cannot be used; the schema of a later version; no database of ours.
    """

    def __init__(
        self,
        url: str = "",
        *,
        home: str | Path = "gcg_home",
        read_only: bool = False,
        busy_timeout_s: float = 2.0,
        unfinished: bool = False,
        patient: bool = False,
    ) -> None:
        self.dialect = dialect_of(url or f"sqlite:///{Path(home).absolute() / FILE_NAME}")
        self.url = self.dialect.url
        self.name = self.dialect.name
        self.read_only = read_only
        self.unfinished = unfinished
        self.dialect.prepare(read_only=read_only)
        self.engine = self.dialect.engine(read_only=read_only, busy_timeout_s=busy_timeout_s)
        self._reader = self.dialect.reader(self.engine)
        self._writer = self.dialect.writer(self.engine)
        self._driver_error = self.engine.dialect.loaded_dbapi.Error
        self._opening = threading.RLock()
        self._is_open = self._is_opening = False
        try:
            self._open()
        except BaseException as error:
            self.close()
            if not (patient and self.path is None and isinstance(error, StorageError) and error.context.get("retry", False)):
                raise

    # ---- transactions

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that writes: committed at the end of the block, rolled back by an exception.

        Raises:
            StorageError: the database is locked, full, away, damaged or read-only; `context["retry"]` says whether trying again may help.
        """
        if self.read_only:
            raise StorageError(f"The database {self.name} was opened for reading only.", path=self.name, retry=False)
        self._open()
        try:
            with self._sentences(), self._writer.begin() as connection:
                yield connection
        except BaseException:
            self.dialect.forget()
            raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that reads one consistent state, whatever is written meanwhile."""
        self._open()
        with self._sentences(), self._reader.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def migrating(self) -> Iterator[Connection]:
        """Open a transaction that changes tables: all of it happens, or nothing."""
        with self._sentences(), self.dialect.migrating(self.engine) as connection:
            yield connection

    def make_room(self, connection: Connection, table: RecordTable, times: npt.NDArray[np.int64]) -> None:
        """Make sure that a table of market data has a place for rows of these times (ns); call it before they are inserted."""
        self.dialect.make_room(connection, table, times)

    def _open(self) -> None:
        # Once for all threads; what opening itself reads and writes comes by here, too.
        if self._is_open:
            return
        with self._opening:
            if self._is_open or self._is_opening:
                return
            self._is_opening = True
            try:
                Structure(self).open()
                self._is_open = True
            finally:
                self._is_opening = False

    # ---- what it is

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each table of records and events; kept up to date with every transaction, so it costs nothing."""
        with self.reading() as connection:
            return {name: rows for name, rows in connection.execute(select(row_counts.c.table_name, row_counts.c.rows)) if rows}

    @property
    def path(self) -> Path | None:
        """The file of the database, or None if it is on a server."""
        return self.dialect.path

    @property
    def bytes(self) -> int:
        """The size of the database, in bytes; of a file together with its write-ahead log."""
        with self._sentences():
            return self.dialect.bytes(self.engine)

    @property
    def mark(self) -> str:
        """The placeholder of a value in the driver's SQL."""
        return self.dialect.mark

    @property
    def max_values(self) -> int:
        """How many values one statement takes."""
        return self.dialect.max_values

    # ---- keeping it

    def prepare_new(self) -> None:
        """Make an empty database ready for its tables."""
        with self._sentences():
            self.dialect.prepare_new(self.engine)

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the database file as far as no reader needs it; waits for nobody. A server does so by itself."""
        with self._sentences():
            self.dialect.checkpoint(self.engine)

    def compress(self, after_days: float) -> None:
        """Have market data compressed once it is so old (0: never), where the database can: TimescaleDB does."""
        with self.reading() as connection:
            able = self.dialect.can_compress(connection)
        if able:
            with self.writing() as connection:
                self.dialect.compress(connection, after_days)

    def lock(self, number: int) -> ProcessLock:
        """Take the lock of an import, which is free again once this process has released it or is dead."""
        with self._sentences():
            return self.dialect.lock(self.engine, number)

    def is_free(self, number: int) -> bool:
        """Return whether no living process holds the lock of an import."""
        with self._sentences():
            return self.dialect.is_free(self.engine, number)

    def close(self) -> None:
        """Close all connections; the last one to close a SQLite file folds its write-ahead log into it."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Database({self.url.render_as_string(hide_password=True)!r})"

    @contextlib.contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self.dialect.sentence(error.orig or error) from error
        except self._driver_error as error:
            raise self.dialect.sentence(error) from error
        except SQLAlchemyError as error:
            raise StorageError(f"The database {self.name} refused a statement: {error}.", path=self.name, retry=False) from error
