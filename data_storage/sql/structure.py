"""The tables of a database: made when it is empty, brought up to date when it is older, refused when it is later or somebody else's."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, Table, select
from sqlalchemy import text as sql_text
from sqlalchemy.schema import CreateColumn

from gcg_quant.clock import now_ns
from gcg_quant.errors import StorageError

from ..schema.models import alembic_version, meta, metadata
from .migration import migrate, stamp

if TYPE_CHECKING:
    from .database import Database

__all__ = ["SCHEMA_VERSION", "UNFINISHED", "Structure"]

SCHEMA_VERSION = 1
UNFINISHED = "unfinished_copy"  # a row of `meta` for as long as rows are copied into a database
_PATIENCE_S = 60.0  # for another process that makes or migrates the tables


class Structure:
    """The tables of one open database. Raises StorageError with a sentence for each reason why it cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self) -> None:
        """Make the tables what this version needs, or only check them if the database is to be read."""
        with self._database.reading() as connection:
            found = self._version(connection)
            if found and not self._database.unfinished:
                self._refuse_half_a_copy(connection)
            complete = found == SCHEMA_VERSION and not any(self._missing(connection))
        if self._database.read_only and found == SCHEMA_VERSION:
            return
        if self._database.read_only or found > SCHEMA_VERSION:
            self._refuse(found)
        if found == 0:
            self._database.prepare_new()
        elif found < SCHEMA_VERSION:
            self._alone(self._database.migrating, self._migrate)
        if not complete:
            self._alone(self._database.writing, self._complete)

    def _version(self, connection: Connection) -> int:
        # 0: an empty database.
        columns = self._database.dialect.columns(connection)
        if not columns:
            return 0
        if columns.get(meta.name, set()) >= {"name", "value"}:
            value = connection.scalar(select(meta.c.value).where(meta.c.name == "schema_version"))
            if value is not None and value.isdigit():
                return int(value)
        raise StorageError(f"{self._database.name} is a database, but not one of gcg_quant: choose another one.", path=self._database.name)

    def _refuse_half_a_copy(self, connection: Connection) -> None:
        if connection.scalar(select(meta.c.name).where(meta.c.name == UNFINISHED)) is not None:
            raise StorageError(
                f"The database {self._database.name} is half a copy of another one: run `database copy` again to finish it.",
                path=self._database.name,
            )

    def _refuse(self, found: int) -> None:
        name = self._database.name
        if found == 0:
            raise StorageError(f"The database {name} is empty: run the system or an import first.", path=name)
        advice = "install a later gcg_quant" if found > SCHEMA_VERSION else "run the system or an import once to bring it up to date"
        raise StorageError(
            f"The database {name} has schema version {found} and this gcg_quant reads {SCHEMA_VERSION}: {advice}.",
            path=name,
            found=found,
            expected=SCHEMA_VERSION,
        )

    def _alone(self, transaction: Callable[[], AbstractContextManager[Connection]], change: Callable[[Connection], None]) -> None:
        # Another process may be at it: then there is nothing left to do once it is our turn.
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                with transaction() as connection:
                    change(connection)
                return
            except StorageError as error:
                if not error.context.get("locked") or time.monotonic() > deadline:
                    raise

    def _migrate(self, connection: Connection) -> None:
        found = self._version(connection)
        if found < SCHEMA_VERSION:
            migrate(connection, found, SCHEMA_VERSION)
            connection.execute(meta.update().where(meta.c.name == "schema_version").values(value=str(SCHEMA_VERSION)))

    def _complete(self, connection: Connection) -> None:
        # Records grow at their end and the tables with them; a column that is missing gets the record's default.
        new = self._version(connection) == 0
        tables, columns = self._missing(connection)
        self._database.dialect.create_tables(connection, tables)
        for table, column in columns:
            definition = CreateColumn(column).compile(dialect=connection.dialect)
            connection.execute(sql_text(f"ALTER TABLE {table.name} ADD COLUMN {definition}"))
        if new:
            connection.execute(meta.insert(), [_row("schema_version", SCHEMA_VERSION), _row("created_ns", now_ns())])
        if alembic_version in tables:
            stamp(connection, SCHEMA_VERSION)

    def _missing(self, connection: Connection) -> tuple[list[Table], list[tuple[Table, Column[Any]]]]:
        there = self._database.dialect.columns(connection)
        tables = [table for table in metadata.sorted_tables if table.name not in there]
        known = [table for table in metadata.sorted_tables if table.name in there]
        return tables, [(table, column) for table in known for column in table.columns if column.name not in there[table.name]]


def _row(name: str, value: int) -> dict[str, str]:
    return {"name": name, "value": str(value)}
