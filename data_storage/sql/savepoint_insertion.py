"""Insertion of records into any database: as many at a time as go in, behind a savepoint each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection

from ..schema.columns import Rows, column_values
from ..schema.models import RecordTable
from .insertion import Insertion

if TYPE_CHECKING:
    from .database import Database

__all__ = ["SavepointInsertion"]

_ROWS_AT_A_TIME = (512, 64, 8, 1)


class SavepointInsertion:
    """An INSERT into one table of records. One thread."""

    def __init__(self, database: Database, table: RecordTable) -> None:
        self._fields = table.columns
        self._insertion = Insertion(database, table.name, [field.name for field in table.columns], table.key)

    def run(self, connection: Connection, rows: Rows) -> int:
        """Insert rows of `stored_dtype`, in their order, up to the first whose key is taken; return how many were inserted."""
        done = 0
        for size in _ROWS_AT_A_TIME:
            while len(rows) - done >= size:
                part = rows[done : done + size]
                savepoint = connection.begin_nested()
                if self._insertion.run(connection, {field.name: column_values(part, field) for field in self._fields}, size) < size:
                    savepoint.rollback()
                    break
                savepoint.commit()
                done += size
        return done
