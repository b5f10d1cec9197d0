"""Finding the stored rows of given keys: many at a time, through the primary key, however large the table is."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from sqlalchemy import Connection

from ..schema.columns import Field, Rows, column_values, rows_of
from ..schema.models import RecordTable
from .array_query import array_rows
from .insertion import quoted
from .selection import stored_dtype

__all__ = ["HeldRows"]

_KEYS_PER_STATEMENT = (512, 64, 8, 1)


class HeldRows:
    """The rows of one table of records whose key, but for `copy`, is among given ones."""

    def __init__(self, table: RecordTable) -> None:
        self._table = table
        self._dtype = stored_dtype(table)
        names = [name for name in table.key if name != "copy"]
        self._key = [field for name in names for field in table.columns if field.name == name]
        wanted = " AND ".join(f'stored."{name}" = wanted."{name}"' for name in names)
        columns = ", ".join(_expression(field) for field in table.columns)
        self._head = f"WITH wanted ({quoted(names)}) AS (VALUES "
        # A CROSS JOIN tells SQLite which of the two to go through: the keys.
        self._tail = f') SELECT {columns} FROM wanted CROSS JOIN "{table.name}" AS stored WHERE {wanted}'
        types = ", ".join(f"%s::{'text' if field.kind == 'text' else 'bigint'}[]" for field in self._key)
        columns = ", ".join(f'stored."{field.name}"' for field in table.columns)
        self._server_tail = (
            f' FROM (SELECT {columns} FROM unnest({types}) AS wanted ({quoted(names)}) JOIN "{table.name}" AS stored ON {wanted}) AS held'
        )
        self._statement = lru_cache(maxsize=len(_KEYS_PER_STATEMENT))(self._build)

    def of(self, connection: Connection, rows: Rows) -> Rows:
        """Return the stored rows of the keys that `rows` have, in any order."""
        keys = list(dict.fromkeys(zip(*(column_values(rows, field) for field in self._key), strict=True)))
        if connection.dialect.name == "sqlite":
            return self._from_sqlite(connection, keys)
        arrays = [list(values) for values in zip(*keys, strict=True)]
        return array_rows(connection, self._table.columns, self._server_tail, arrays, self._dtype)

    def _from_sqlite(self, connection: Connection, keys: list[tuple[Any, ...]]) -> Rows:
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
        one = f"({', '.join(['?'] * len(self._key))})"
        return self._head + ", ".join([one] * keys) + self._tail


def _expression(field: Field) -> str:
    return f'CAST(stored."{field.name}" AS BLOB)' if field.kind == "text" else f'stored."{field.name}"'
