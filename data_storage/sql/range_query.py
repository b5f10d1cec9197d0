"""A query over a range of one table, read as that kind of database gives most in the least time.

SQLite gives row after row: a long range is read without the columns that are the same everywhere (`steady_columns`). PostgreSQL gives
arrays (`array_query`), so much at a time that neither side holds more than some megabytes beside the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

import numpy as np
from sqlalchemy import Connection

from ..schema.columns import Field, Rows, rows_of
from .array_query import array_rows
from .steady_columns import SAMPLE_ROWS, SteadyColumns

__all__ = ["RangeQuery"]

_ROWS_OF_SERVER = 50_000


class RangeQuery:
    """A range, inside an open transaction.

    Args:
        fields: the columns that are read; `dtype` has (at least) these.
        source: "FROM ... WHERE ...", with the parameters `values`.
        order: the columns that order it.
        newest: read from its end; rows come in `order` all the same.
    """

    def __init__(
        self, fields: Sequence[Field], dtype: np.dtype[Any], source: str, values: Sequence[Any], order: Sequence[str], newest: bool
    ) -> None:
        self._fields = fields
        self._dtype = dtype
        self._source = source
        self._values = tuple(values)
        self._newest = newest
        direction = " DESC" if newest else ""
        self._order = " ORDER BY " + ", ".join(f'"{column}"{direction}' for column in order) if order else ""
        self._time = order[0] if order and order[0].endswith("_ns") else None

    def from_sqlite(self, connection: Connection, limit: int | None) -> Rows:
        """Return the rows, the first or newest `limit` of them."""
        if limit is not None or self._time is None or " WHERE " not in self._source:
            records: Iterable[tuple[Any, ...]] = self._records(connection, self._fields, limit)
            return rows_of(reversed(list(records)) if self._newest else records, self._fields, self._dtype)
        sample = list(self._records(connection, self._fields, SAMPLE_ROWS))
        if len(sample) < SAMPLE_ROWS:
            return rows_of(reversed(sample) if self._newest else sample, self._fields, self._dtype)
        steady = SteadyColumns(self._fields, [_expression(field) for field in self._fields], self._source, self._values, self._time)
        steady.find(connection, sample)
        records = self._records(connection, steady.left(), None)
        rows = rows_of(reversed(list(records)) if self._newest else records, steady.left(), self._dtype, steady.row(self._dtype))
        steady.complete(rows)
        return rows

    def from_server(self, connection: Connection, limit: int | None) -> Rows:
        """Return the rows, the first or newest `limit` of them."""
        parts: list[Rows] = []
        left, size = limit, _ROWS_OF_SERVER
        beyond: int | None = None
        while left is None or left > 0:
            wanted = left if self._time is None else size if left is None else min(size, left)
            rows = self._part(connection, wanted, beyond)
            if wanted is None or len(rows) < wanted or wanted == left or self._time is None:
                parts.append(rows)
                break
            # The next part begins with the last time of this one, whose rows may not all be here.
            times = rows[self._time]
            whole = rows[: int(np.argmax(times == times[-1]))]
            if len(whole):
                parts.append(whole)
                beyond = int(times[-1])
                left = None if left is None else left - len(whole)
            else:
                size *= 2
        return self._joined(parts)

    def _joined(self, parts: list[Rows]) -> Rows:
        # NumPy's own concatenation would lose the padding of the dtype.
        if len(parts) == 1 and not self._newest:
            return parts[0]
        rows = np.zeros(sum(map(len, parts)), self._dtype)
        at = 0
        for part in parts:
            rows[at : at + len(part)] = part
            at += len(part)
        if self._newest:
            rows[:] = rows[::-1].copy()
        return rows

    def _part(self, connection: Connection, limit: int | None, beyond: int | None) -> Rows:
        source, values = self._source, self._values
        if beyond is not None:
            source += (" AND " if " WHERE " in source else " WHERE ") + f'"{self._time}" {"<=" if self._newest else ">="} %s'
            values += (beyond,)
        return array_rows(connection, self._fields, f"{source}{self._order} LIMIT %s", (*values, limit), self._dtype)

    def _records(self, connection: Connection, fields: Sequence[Field], limit: int | None) -> Iterator[tuple[Any, ...]]:
        text = f"SELECT {', '.join(map(_expression, fields))}{self._source}{self._order}"
        values = self._values
        if limit is not None:
            text += " LIMIT ?"
            values += (limit,)
        # The driver's own cursor yields plain tuples; SQLAlchemy's rows would cost as much again as the query.
        result = connection.exec_driver_sql(text, values)
        yield from cast("Iterable[tuple[Any, ...]]", result.cursor)
        result.close()


def _expression(field: Field) -> str:
    # Arrays hold the bytes of texts: str objects would be made for nothing.
    return f'CAST("{field.name}" AS BLOB)' if field.kind == "text" else f'"{field.name}"'
