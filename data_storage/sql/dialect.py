"""What is different between the kinds of databases: one class for each kind, chosen by the URL.

SQLite is one file in WAL mode, `sqlite:///FILE`; PostgreSQL a server, `postgresql+psycopg://USER@HOST:PORT/DATABASE`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import URL, Connection, Engine, Table, make_url
from sqlalchemy.exc import ArgumentError

from gcg_quant.errors import StorageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..schema.models import RecordTable

__all__ = ["Dialect", "ProcessLock", "dialect_of"]

_EXAMPLES = "sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE"


class ProcessLock(Protocol):
    """A lock that its process holds until it releases it or dies, however it dies."""

    def renew(self) -> bool:
        """Make sure that the lock is held; return False if it was lost meanwhile (with the server) and has been taken again.

        Raises:
            StorageError: somebody else holds it now, or the database cannot be reached.
        """

    def release(self) -> None:
        """Give the lock back."""


class Dialect(Protocol):
    """One kind of database. Any thread."""

    url: URL
    name: str  # what sentences call the database; never with a password
    mark: str  # the placeholder of a value in the driver's SQL
    max_values: int  # how many values one statement takes

    @property
    def path(self) -> Path | None:
        """The file of the database, if it is one."""

    def prepare(self, *, read_only: bool) -> None:
        """Make what a connection needs. Raises StorageError if there is nothing that could be opened."""

    def engine(self, *, read_only: bool, busy_timeout_s: float) -> Engine:
        """Return an engine, which `reader` and `writer` divide: its transactions read one consistent state, and only one writes at a time.

        Raises:
            StorageError: the driver is missing or not known.
        """

    def reader(self, engine: Engine) -> Engine:
        """Return the engine for transactions that read."""

    def writer(self, engine: Engine) -> Engine:
        """Return the engine for transactions that write."""

    def prepare_new(self, engine: Engine) -> None:
        """Make an empty database ready for its tables. Raises StorageError if it cannot hold our data."""

    def columns(self, connection: Connection) -> dict[str, set[str]]:
        """Return the columns of each table that is there."""

    def create_tables(self, connection: Connection, tables: Sequence[Table]) -> None:
        """Create tables with their indexes."""

    def can_compress(self, connection: Connection) -> bool:
        """Return whether the database compresses old rows."""

    def compress(self, connection: Connection, after_days: float) -> None:
        """Have market data compressed once it is so old; 0: never. Only where it can."""

    def migrating(self, engine: Engine) -> AbstractContextManager[Connection]:
        """Open a transaction that changes tables: all of it happens, or nothing."""

    def make_room(self, connection: Connection, table: RecordTable, times: npt.NDArray[np.int64]) -> None:
        """Make sure that rows of these times have a place in a table of market data, within the transaction that will write them."""

    def number_on(self, connection: Connection, tables: Sequence[Table]) -> None:
        """Make tables that number their rows by themselves go on behind rows that came with their numbers."""

    def forget(self) -> None:
        """Drop what is remembered of the tables: a transaction was rolled back."""

    def bytes(self, engine: Engine) -> int:
        """Return the size of the database in bytes."""

    def checkpoint(self, engine: Engine) -> None:
        """Leave everything where a copy of the files finds it, as far as that needs no waiting."""

    def lock(self, engine: Engine, number: int) -> ProcessLock:
        """Take the lock of this number, which nobody has taken before."""

    def is_free(self, engine: Engine, number: int) -> bool:
        """Return whether no process holds the lock of this number."""

    def sentence(self, error: BaseException) -> StorageError:
        """Return a driver's error as a sentence; `context["retry"]` says whether trying again may help."""


def dialect_of(url: str) -> Dialect:
    """Return the kind of database that a URL names.

    Raises:
        StorageError: no URL; a kind or driver that is not supported; no file or database in it. A password is never shown.
    """
    try:
        made = make_url(url)
    except ArgumentError as error:
        raise StorageError(f"The database URL cannot be read; expected something like {_EXAMPLES}.") from error
    kind = made.get_backend_name()
    if kind == "sqlite":
        from .sqlite import SQLite

        return SQLite(made)
    if kind in ("postgresql", "postgres"):
        from .postgresql import PostgreSQL

        return PostgreSQL(made)
    raise StorageError(f"Databases of the kind {kind!r} are not supported; use {_EXAMPLES}.", kind=made.drivername)
