"""Columns that hold one value in a whole range, or run beside another one: asked for once instead of row by row.

The driver makes a Python object of every value of every row, and that is what reading takes. In a long range of bars most columns say
nothing: no turnover, revision 0, an end that is always a minute after the start. What the first rows have in common is checked by one
query that lets SQLite look through the others (0.3 us a row, and no object); where it holds, the columns need not be read (2 us a row).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection

from ..schema.columns import Field, Rows, rows_of

__all__ = ["SAMPLE_ROWS", "SteadyColumns"]

SAMPLE_ROWS = 5_000
_WORTH_A_LOOK = 3  # columns
_LOOKS = 2


@dataclass(frozen=True, slots=True)
class _Steady:
    field: Field
    sql: str  # has the same value in all rows
    value: Any
    beside: str  # the column that the value is the distance from; "" if it is the column's own value


class SteadyColumns:
    """What the rows of a range have in common, inside the transaction that will read them.

    Args:
        expressions: the SQL of each field.
        source: "FROM ... WHERE ..." of the range, whose parameters are `values`.
        anchor: an integer column that orders the range.
    """

    def __init__(self, fields: Sequence[Field], expressions: Sequence[str], source: str, values: Sequence[Any], anchor: str) -> None:
        self._fields = fields
        self._expressions = dict(zip((field.name for field in fields), expressions, strict=True))
        self._source = source
        self._values = tuple(values)
        self._anchor = anchor
        self._steady: list[_Steady] = []

    def find(self, connection: Connection, sample: Sequence[tuple[Any, ...]]) -> None:
        """Look for steady columns; `sample` are the first rows of the range, with all fields."""
        columns = list(zip(*sample, strict=True))
        anchors = next((values for field, values in zip(self._fields, columns, strict=True) if field.name == self._anchor), None)
        found = [self._guess(field, values, anchors) for field, values in zip(self._fields, columns, strict=True)]
        steady = [one for one in found if one is not None]
        for _ in range(_LOOKS):
            if len(steady) < _WORTH_A_LOOK:
                return
            other = self._exception(connection, steady)
            if other is None:
                self._steady = steady
                return
            steady = [one for one, value in zip(steady, other, strict=True) if value == one.value]

    def left(self) -> list[Field]:
        """Return the fields that have to be read."""
        known = {one.field.name for one in self._steady}
        return [field for field in self._fields if field.name not in known]

    def row(self, dtype: np.dtype[Any]) -> Rows:
        """Return an array of one row with the values that all rows have."""
        constant = [one for one in self._steady if not one.beside]
        return rows_of([tuple(one.value for one in constant)], [one.field for one in constant], dtype)

    def complete(self, rows: Rows) -> None:
        """Fill in the columns that run beside another one."""
        for one in self._steady:
            if one.beside:
                rows[one.field.name] = rows[one.beside] + one.value

    def _guess(self, field: Field, values: tuple[Any, ...], anchors: tuple[Any, ...] | None) -> _Steady | None:
        sql = self._expressions[field.name]
        if field.name == self._anchor:
            return None
        if all(value == values[0] for value in values):
            return _Steady(field, sql, values[0], "")
        if anchors is not None and field.dtype.str == "<i8" and field.kind == "integer":
            distance = values[0] - anchors[0]
            if all(value - anchor == distance for value, anchor in zip(values, anchors, strict=True)):
                return _Steady(field, f'{sql} - "{self._anchor}"', distance, self._anchor)
        return None

    def _exception(self, connection: Connection, steady: Sequence[_Steady]) -> tuple[Any, ...] | None:
        # The values of some row that is different, if there is one.
        columns = ", ".join(one.sql for one in steady)
        different = " OR ".join(f"{one.sql} IS NOT ?" for one in steady)
        text = f"SELECT {columns}{self._source} AND ({different}) LIMIT 1"
        row = connection.exec_driver_sql(text, (*self._values, *(one.value for one in steady))).first()
        return None if row is None else tuple(row)
