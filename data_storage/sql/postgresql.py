"""PostgreSQL through psycopg 3: transactions that read one state, one writer at a time, and locks that die with their process.

Writers take an advisory lock when their transaction begins. So what one of them has looked up stays true until it commits, as it does
in SQLite; readers never wait for them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event
from sqlalchemy.exc import DBAPIError

from gcg_quant.errors import StorageError

from ..schema.models import RECORD_TABLES
from . import timescale
from .partitions import Partitions
from .postgresql_errors import sentence

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..schema.models import RecordTable

__all__ = ["PostgreSQL"]

_DRIVERS = ("postgresql", "postgres", "postgresql+psycopg")
_WRITER = int.from_bytes(b"gcgquant")  # the advisory lock of whoever writes
_IMPORTS = int.from_bytes(b"gcgi")  # those of imports: this, and the import's number
# A server that is gone without a word is noticed within half a minute.
_CONNECT_ARGS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "client_encoding": "utf8",
    "application_name": "gcg_quant",
}


class PostgreSQL:
    """A database of a PostgreSQL server (see `Dialect`)."""

    path = None
    mark = "%s"
    max_values = 65_535

    def __init__(self, url: URL) -> None:
        if url.drivername not in _DRIVERS:
            raise StorageError(f"The driver {url.drivername!r} is not supported; write postgresql+psycopg://.", kind=url.drivername)
        if not url.database:
            raise StorageError("The database URL names no database: write postgresql+psycopg://USER@HOST/DATABASE.")
        self.url = url.set(drivername="postgresql+psycopg")
        host = url.host or url.query.get("host") or "localhost"
        self.name = f"{url.database!r} on {host if isinstance(host, str) else ', '.join(host)}{f':{url.port}' if url.port else ''}"
        self._partitions = Partitions()

    def prepare(self, *, read_only: bool) -> None:
        """Do nothing: the server is there or not."""

    def engine(self, *, read_only: bool, busy_timeout_s: float) -> Engine:
        """Return an engine whose connections are looked after: one that died with its server is replaced before it is used."""
        arguments = {name: value for name, value in _CONNECT_ARGS.items() if name not in self.url.query}
        try:
            engine = create_engine(self.url, connect_args=arguments, pool_pre_ping=True, isolation_level="REPEATABLE READ")
        except ImportError as error:
            raise StorageError(
                f"The database {self.name} needs a driver that is not installed: pip install 'gcg_quant[postgresql]'.", kind="psycopg"
            ) from error
        patience_ms = max(round(busy_timeout_s * 1000), 1)

        @event.listens_for(engine, "connect")
        def configure(connection: Any, _record: Any) -> None:
            from .postgresql_text import TextDumper

            connection.adapters.register_dumper(str, TextDumper)
            connection.autocommit = True
            # A commit that the server forgets when it crashes would leave a recorder that lives on with a cursor that is not stored.
            connection.execute(
                f"SET lock_timeout = {patience_ms}; SET jit = off; "
                "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
            )
            connection.autocommit = False

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            if connection.get_execution_options().get("gcg_writes", False):
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER})")

        return engine

    def reader(self, engine: Engine) -> Engine:
        """Return the engine for transactions that read."""
        return engine.execution_options(postgresql_readonly=True)

    def writer(self, engine: Engine) -> Engine:
        """Return the engine for transactions that write: what they look up, they look up after they got the writers' lock."""
        return engine.execution_options(isolation_level="READ COMMITTED", gcg_writes=True)

    def prepare_new(self, engine: Engine) -> None:
        """Refuse a database that cannot hold every text."""
        with engine.connect() as connection:
            encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
        if encoding != "UTF8":
            raise StorageError(
                f"The database {self.name} has the encoding {encoding}; make one with: createdb --encoding UTF8 --template template0 NAME.",
                encoding=encoding,
            )

    def columns(self, connection: Connection) -> dict[str, set[str]]:
        """Return the columns of each table of the schema that tables are made in; those of extensions and partitions do not count."""
        query = (
            "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
            "WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relkind IN ('r', 'p') AND NOT c.relispartition "
            "AND a.attnum > 0 AND NOT a.attisdropped AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')"
        )
        found: dict[str, set[str]] = {}
        for table, column in connection.exec_driver_sql(query):
            found.setdefault(table, set()).add(column)
        return found

    def create_tables(self, connection: Connection, tables: Sequence[Table]) -> None:
        """Create tables with their indexes; those of market data are partitioned by time, by TimescaleDB if it is there."""
        markets = {one.table: one for one in RECORD_TABLES.values() if one.partition_unit}
        hypertables = timescale.is_installed(connection)
        for table in tables:
            if table in markets:
                table.dialect_options["postgresql"]["partition_by"] = None if hypertables else f"RANGE ({markets[table].time_column})"
            table.create(connection)
            if table in markets and hypertables:
                timescale.make_hypertable(connection, markets[table])

    def can_compress(self, connection: Connection) -> bool:
        """Return whether TimescaleDB is there; plain PostgreSQL has nothing of the kind."""
        return timescale.is_installed(connection)

    def compress(self, connection: Connection, after_days: float) -> None:
        """Have TimescaleDB compress market data of this age."""
        for table in RECORD_TABLES.values():
            if table.partition_unit:
                timescale.compress(connection, table, after_days)

    @contextlib.contextmanager
    def migrating(self, engine: Engine) -> Iterator[Connection]:
        """Open a transaction that changes tables."""
        with self.writer(engine).begin() as connection:
            yield connection

    def make_room(self, connection: Connection, table: RecordTable, times: npt.NDArray[np.int64]) -> None:
        """Make the partitions that rows of these times go into."""
        self._partitions.make_room(connection, table, times)

    def number_on(self, connection: Connection, tables: Sequence[Table]) -> None:
        """Move the sequences of the tables behind their highest number."""
        for table in tables:
            column = table.autoincrement_column
            if column is not None:
                highest = f'max("{column.name}")'
                query = f'SELECT setval(pg_get_serial_sequence(%s, %s), {highest}) FROM "{table.name}" HAVING {highest} > 0'
                connection.exec_driver_sql(query, (table.name, column.name))

    def forget(self) -> None:
        """Forget which partitions there are: one may have been made in the transaction that was rolled back."""
        self._partitions.forget()

    def bytes(self, engine: Engine) -> int:
        """Return what the server says about the size of the database."""
        with engine.connect() as connection:
            return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar() or 0)

    def checkpoint(self, engine: Engine) -> None:
        """Do nothing: the server looks after its files."""

    def lock(self, engine: Engine, number: int) -> AdvisoryLock:
        """Take the advisory lock of this number on a connection of its own."""
        return AdvisoryLock(self, engine, number)

    def is_free(self, engine: Engine, number: int) -> bool:
        """Return whether no connection holds the advisory lock."""
        with engine.connect() as connection:
            return bool(connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({_IMPORTS}, {number})").scalar())

    def sentence(self, error: BaseException) -> StorageError:
        """Return a driver's error as a sentence."""
        return sentence(error, self.name, str(self.url.password or ""))


class AdvisoryLock:
    """A lock that the server takes away when the connection ends. A server that is restarted forgets it: see `renew`."""

    def __init__(self, dialect: PostgreSQL, engine: Engine, number: int) -> None:
        self._dialect = dialect
        self._engine = engine
        self._number = number
        self._connection = self._take()

    def renew(self) -> bool:
        """Ask the server, and take the lock again if the connection was lost."""
        try:
            self._connection.exec_driver_sql("SELECT 1")
            return True
        except DBAPIError:
            self._connection.close()
        self._connection = self._take()
        return False

    def release(self) -> None:
        """End the connection, and the lock with it."""
        self._connection.close()

    def _take(self) -> Connection:
        try:
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()  # the pool has nothing to do with it from now on
            taken = connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_IMPORTS}, {self._number})").scalar()
        except DBAPIError as error:
            raise self._dialect.sentence(error.orig or error) from error
        if not taken:
            connection.close()
            raise StorageError(f"Another process holds lock {self._number} of the database {self._dialect.name}.", number=self._number)
        return connection
