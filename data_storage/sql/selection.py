"""Reading rows back into arrays: a SELECT over one record table, straight into a structured NumPy array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from sqlalchemy import Connection

from ..schema.columns import Field, Rows, rows_of
from ..schema.models import RecordTable
from .steady_columns import SAMPLE_ROWS, SteadyColumns

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
        direction = " DESC" if newest else ""
        source = f' FROM "{self._table.name}"' + (" WHERE " + " AND ".join(self._where) if self._where else "")
        tail = source + " ORDER BY " + ", ".join(f'"{column}"{direction}' for column in order)
        fields = [field for field in self._fields if field.name not in self._equal]
        if limit is not None:
            records = self._query(connection, fields, tail, max(limit, 0))
            rows = rows_of(reversed(list(records)) if newest else records, fields, self.dtype)
        else:
            rows = self._all(connection, fields, source, tail, order)
        for field in self._fields:
            if field.name in self._equal:
                value = self._equal[field.name]
                rows[field.name] = value.encode() if isinstance(value, str) else value
        return rows

    def _all(self, connection: Connection, fields: Sequence[Field], source: str, tail: str, order: Sequence[str]) -> Rows:
        # A short range is read as it is; of a long one of SQLite only what is not the same in all rows.
        anchor = next((column for column in order if column.endswith("_ns") and column not in self._equal), None)
        if not self._where or anchor is None or connection.dialect.name != "sqlite":
            return rows_of(self._query(connection, fields, tail), fields, self.dtype)
        sample = list(self._query(connection, fields, tail, SAMPLE_ROWS))
        if len(sample) < SAMPLE_ROWS:
            return rows_of(sample, fields, self.dtype)
        steady = SteadyColumns(fields, [self._expression(field) for field in fields], source, self._values, anchor)
        steady.find(connection, sample)
        rows = rows_of(self._query(connection, steady.left(), tail), steady.left(), self.dtype, steady.row(self.dtype))
        steady.complete(rows)
        return rows

    def _query(self, connection: Connection, fields: Sequence[Field], tail: str, limit: int | None = None) -> Iterator[tuple[Any, ...]]:
        text = f"SELECT {', '.join(map(self._expression, fields))}{tail}"
        values = list(self._values)
        if limit is not None:
            text += f" LIMIT {self._database.mark}"
            values.append(limit)
        # The driver's own cursor yields plain tuples; SQLAlchemy's rows would cost as much again as the query.
        result = connection.exec_driver_sql(text, tuple(values))
        yield from cast("Iterable[tuple[Any, ...]]", result.cursor)
        result.close()

    def _expression(self, field: Field) -> str:
        return self._database.raw_text(field.name) if field.kind == "text" else f'"{field.name}"'


def stored_dtype(table: RecordTable) -> np.dtype[Any]:
    """Return the dtype of a table's rows with all columns."""
    return _packed(table.columns)


def _packed(fields: Sequence[Field]) -> np.dtype[Any]:
    return np.dtype([(field.name, field.dtype, (field.length,)) if field.kind == "blob" else (field.name, field.dtype) for field in fields])
