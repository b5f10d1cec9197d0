"""Reading rows back into arrays: a SELECT over one record table, straight into a structured NumPy array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection

from ..schema.columns import Field, Rows
from ..schema.models import RecordTable
from .range_query import RangeQuery

if TYPE_CHECKING:
    from .database import Database

__all__ = ["Selection", "stored_dtype"]


class Selection:
    """A query over one record table. Conditions are SQL pieces over quoted columns; their values go in as parameters.

    Args:
        everything: also bus, epoch, seq, time_ns, cause, source, flags and copy (`stored_dtype`), and `instrument` as the database
            numbers it; without, rows have the record's own dtype and `instrument` is 0.
    """

    def __init__(self, database: Database, table: RecordTable, *, everything: bool = False, extra: Sequence[str] = ()) -> None:
        self._database = database
        self._table = table
        own = [field for field in table.fields if field.name != "instrument"]
        chosen = [field for field in table.columns if field.name in extra and field not in table.fields]
        self._fields: tuple[Field, ...] = table.columns if everything else (*own, *chosen)
        self.dtype = stored_dtype(table) if everything else table.record.dtype if not extra else _packed((*table.fields, *chosen))
        self._where: list[str] = []
        self._values: list[Any] = []
        self._equal: dict[str, Any] = {}  # columns with one value in all rows: filled in instead of read

    def where(self, column: str, comparison: str, value: Any) -> Selection:
        """Add the condition `column comparison value`; a value of None adds none."""
        if value is not None:
            self._where.append(f'"{column}" {comparison} {self._database.mark}')
            self._values.append(value)
            if comparison == "=":
                self._equal[column] = value
        return self

    def known(self, column: str) -> Selection:
        """Add the condition that the column has a value."""
        self._where.append(f'"{column}" IS NOT NULL')
        return self

    def after(self, columns: Sequence[str], values: Sequence[Any] | None) -> Selection:
        """Add the condition that the row stands behind `values` in the order of `columns`."""
        if values is not None:
            names = ", ".join(f'"{column}"' for column in columns)
            self._where.append(f"({names}) > ({', '.join([self._database.mark] * len(columns))})")
            self._values.extend(values)
        return self

    def rows(self, connection: Connection, order: Sequence[str], *, limit: int | None = None, newest: bool = False) -> Rows:
        """Return the rows in `order`; `limit` keeps the first so many, or with `newest` the last so many."""
        fields = [field for field in self._fields if field.name not in self._equal]
        source = f' FROM "{self._table.name}"' + (" WHERE " + " AND ".join(self._where) if self._where else "")
        query = RangeQuery(fields, self.dtype, source, self._values, [name for name in order if name not in self._equal], newest)
        most = None if limit is None else max(limit, 0)
        rows = query.from_sqlite(connection, most) if connection.dialect.name == "sqlite" else query.from_server(connection, most)
        for field in self._fields:
            if field.name in self._equal:
                value = self._equal[field.name]
                rows[field.name] = value.encode() if isinstance(value, str) else value
        return rows


def stored_dtype(table: RecordTable) -> np.dtype[Any]:
    """Return the dtype of a table's rows with all columns."""
    return _packed(table.columns)


def _packed(fields: Sequence[Field]) -> np.dtype[Any]:
    return np.dtype([(field.name, field.dtype, (field.length,)) if field.kind == "blob" else (field.name, field.dtype) for field in fields])
