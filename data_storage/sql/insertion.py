"""INSERT statements of any table: columns of Python values in, up to 512 rows in a statement. Records in bulk have `RecordInsertion`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from .database import Database

__all__ = ["Insertion", "quoted"]

_ROWS_PER_STATEMENT = (512, 64, 8, 1)  # few sizes, so that the driver's cache of prepared statements serves them all


class Insertion:
    """An INSERT into one table: `key` columns decide what a conflict is, and `update` what is done about it.

    Args:
        columns: the columns that get values.
        key: the columns of the primary key.
        update: columns that a newer row overwrites in the stored one; without any, the stored row stays.
        newer: columns that are compared, in this order, to tell whether a row is newer than the stored one; without any, it is.
    """

    def __init__(
        self,
        database: Database,
        table: str,
        columns: Sequence[str],
        key: Sequence[str],
        update: Sequence[str] = (),
        newer: Sequence[str] = (),
    ) -> None:
        self._columns = tuple(columns)
        self._sizes = tuple(size for size in _ROWS_PER_STATEMENT if size == 1 or size * len(columns) <= database.max_values)
        self._head = f'INSERT INTO "{table}" ({quoted(columns)}) VALUES '
        self._row = f"({', '.join([database.mark] * len(columns))})"
        self._tail = _on_conflict(table, key, update, newer)
        self._statement = lru_cache(maxsize=len(_ROWS_PER_STATEMENT))(self._build)

    def run(self, connection: Connection, values: Mapping[str, Sequence[Any]], count: int) -> int:
        """Insert `count` rows given by column; return how many rows were added or changed."""
        width = len(self._columns)
        flat: list[Any] = [None] * (count * width)
        for at, name in enumerate(self._columns):
            flat[at::width] = values[name]
        changed = done = 0
        for size in self._sizes:
            while count - done >= size:
                part = tuple(flat[done * width : (done + size) * width])
                changed += connection.exec_driver_sql(self._statement(size), part).rowcount
                done += size
        return changed

    def _build(self, rows: int) -> str:
        return self._head + ", ".join([self._row] * rows) + self._tail


def quoted(names: Sequence[str]) -> str:
    """Return column names as SQL, quoted: some are words of SQL."""
    return ", ".join(f'"{name}"' for name in names)


def _on_conflict(table: str, key: Sequence[str], update: Sequence[str], newer: Sequence[str]) -> str:
    if not update:
        return f" ON CONFLICT ({quoted(key)}) DO NOTHING"
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in update)
    stored = ", ".join(f'"{table}"."{name}"' for name in newer)
    offered = ", ".join(f'excluded."{name}"' for name in newer)
    only = f" WHERE ({stored}) < ({offered})" if newer else ""
    return f" ON CONFLICT ({quoted(key)}) DO UPDATE SET {changes}{only}"
