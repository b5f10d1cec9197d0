"""Finding the stored rows of given keys: many at a time, through the primary key, however large the table is."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection

from ..schema.columns import Field, Rows, column_values, rows_of
from ..schema.models import RecordTable
from .insertion import quoted
from .selection import stored_dtype

if TYPE_CHECKING:
    from .database import Database

__all__ = ["HeldRows"]

_KEYS_PER_STATEMENT = (512, 64, 8, 1)


class HeldRows:
    """The rows of one table of records whose key, but for `copy`, is among given ones."""

    def __init__(self, database: Database, table: RecordTable) -> None:
        self._table = table
        self._dtype = stored_dtype(table)
        self._mark = database.mark
        names = [name for name in table.key if name != "copy"]
        self._key = [field for name in names for field in table.columns if field.name == name]
        wanted = " AND ".join(f'stored."{name}" = wanted."{name}"' for name in names)
        columns = ", ".join(_expression(database, field) for field in table.columns)
        self._head = f"WITH wanted ({quoted(names)}) AS (VALUES "
        # A CROSS JOIN tells SQLite which of the two to go through: the keys.
        self._tail = f') SELECT {columns} FROM wanted CROSS JOIN "{table.name}" AS stored WHERE {wanted}'
        self._statement = lru_cache(maxsize=len(_KEYS_PER_STATEMENT))(self._build)

    def of(self, connection: Connection, rows: Rows) -> Rows:
        """Return the stored rows of the keys that `rows` have, in any order."""
        keys = list(dict.fromkeys(zip(*(column_values(rows, field) for field in self._key), strict=True)))
        found, done = [], 0
        for size in _KEYS_PER_STATEMENT:
            while len(keys) - done >= size:
                values: list[Any] = [value for key in keys[done : done + size] for value in key]
                result = connection.exec_driver_sql(self._statement(size), tuple(values))
                cursor: Any = result.cursor
                found.append(rows_of(cursor, self._table.columns, self._dtype))
                result.close()
                done += size
        return np.concatenate(found) if found else np.empty(0, self._dtype)

    def _build(self, keys: int) -> str:
        one = f"({', '.join([self._mark] * len(self._key))})"
        return self._head + ", ".join([one] * keys) + self._tail


def _expression(database: Database, field: Field) -> str:
    text = database.raw_text(field.name) if field.kind == "text" else f'"{field.name}"'
    return text.replace(f'"{field.name}"', f'stored."{field.name}"')
