"""Bulk insertion of records into SQLite: from NumPy columns into the database in as few steps as possible.

What was measured for ticks (34 columns), processor time of one core, and is done here: an `executemany` of tuples takes 6 to 7 us a row,
and so do statements of 512 rows. Half of it is sqlite3 looking for an adapter of every None and bytes object: a NaN, which SQLite stores as
NULL, and a bytearray are bound without. A column of one value is bound once for the statement, and left out if the value is its default.
Together 2.7 us a row.

`executemany` also gives Python's interpreter lock away for every single row, and with another busy thread in the process each row then
waits for up to 5 ms to get it back (2.8 ms a row, against 20 us a row with 512 rows a statement).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from ..schema.columns import Field, Rows, column_values
from ..schema.models import RecordTable
from .insertion import Insertion, quoted

if TYPE_CHECKING:
    from .database import Database

__all__ = ["RecordInsertion"]

_ROWS_PER_STATEMENT = (512, 64, 8, 1)  # few sizes, so that the driver's cache of prepared statements serves them all
_FEW_ROWS = 64  # fewer are not worth looking for columns of one value
_NULL = float("nan")  # SQLite stores a NaN as NULL, and binds it as fast as any other number
_TAKEN = (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE)


class RecordInsertion:
    """An INSERT into one table of records. One thread."""

    def __init__(self, database: Database, table: RecordTable) -> None:
        self._fields = table.columns
        self._head = f'INSERT OR FAIL INTO "{table.name}" '
        self._sizes = tuple(size for size in _ROWS_PER_STATEMENT if size == 1 or size * len(self._fields) <= database.max_values)
        self._defaults = _defaults(table)
        names = [field.name for field in self._fields]
        self._replacement = Insertion(database, table.name, names, table.key, [name for name in names if name not in table.key])
        # Columns that were seen to vary are bound row by row from then on: so there are few different statements.
        self._varying = set(table.key)
        self._statement = lru_cache(maxsize=64)(self._build)

    def run(self, connection: Connection, rows: Rows) -> int:
        """Insert rows of `stored_dtype`, in their order, up to the first whose key is taken; return how many were inserted."""
        bound, shared, values = self._columns(rows)
        width, count = len(bound), len(rows)
        flat: list[Any] = [None] * (count * width)
        for at, column in enumerate(values):
            flat[at::width] = column
        driver: Any = connection.connection.dbapi_connection
        cursor, before, done = driver.cursor(), driver.total_changes, 0
        try:
            for size in self._sizes:
                while count - done >= size:
                    text = self._statement(bound, tuple(shared), size)
                    cursor.execute(text, [*shared.values(), *flat[done * width : (done + size) * width]])
                    done += size
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorcode not in _TAKEN:
                raise
        finally:
            cursor.close()
        return int(driver.total_changes - before)

    def replace(self, connection: Connection, rows: Rows) -> None:
        """Put rows into the place of stored ones with the same keys."""
        self._replacement.run(connection, {field.name: column_values(rows, field) for field in self._fields}, len(rows))

    def _columns(self, rows: Rows) -> tuple[tuple[str, ...], dict[str, Any], list[Sequence[Any]]]:
        # Return the columns that are bound row by row, those that have one value, and the values of the former.
        bound, shared, values = [], {}, []
        for field in self._fields:
            column = rows[field.name]
            if field.name not in self._varying and len(rows) >= _FEW_ROWS:
                if _has_one_value(column):
                    value = _values(rows[:1], field)[0]
                    if not _same(value, self._defaults[field.name]):
                        shared[field.name] = value
                    continue
                self._varying.add(field.name)
            bound.append(field.name)
            values.append(_values(rows, field))
        return tuple(bound), shared, values

    def _build(self, bound: tuple[str, ...], shared: tuple[str, ...], rows: int) -> str:
        # Shared values have numbers, the others take the next: a number for each would have SQLite search through all of them.
        row = f"({', '.join([*(f'?{number}' for number in range(1, len(shared) + 1)), *('?' * len(bound))])})"
        return f"{self._head}({quoted((*shared, *bound))}) VALUES {', '.join([row] * rows)}"


def _defaults(table: RecordTable) -> dict[str, Any]:
    # What the database fills in where a column is left out.
    found: dict[str, Any] = {}
    for field in table.columns:
        default: Any = table.table.c[field.name].server_default
        text = None if default is None else str(default.arg)
        found[field.name] = _NULL if text is None else "" if field.kind == "text" else float(text) if field.kind == "real" else int(text)
    return found


def _has_one_value(column: npt.NDArray[Any]) -> bool:
    if column.ndim > 1:
        return bool(np.isnan(column).all() if column.dtype.kind == "f" else (column == -1).all())
    if column.dtype.kind == "f":
        column = column.view(np.int64)  # the bits: a NaN equals itself, and a zero with a sign none without
    return bool((column == column[0]).all())


def _same(value: Any, other: Any) -> bool:
    return bool(value == other or (value != value and other != other))


def _values(rows: Rows, field: Field) -> Sequence[Any]:
    if field.kind == "real":
        found: list[Any] = rows[field.name].tolist()
        return found
    if field.kind == "blob":
        return [_NULL if one is None else bytearray(one) for one in column_values(rows, field)]
    return column_values(rows, field)
