"""Bulk insertion of records into PostgreSQL: a binary COPY whose bytes NumPy makes, without a Python object for any value.

A row of the binary format is the number of its columns (int16), then for each the length of its value (int32; -1: NULL) and the value
in network order. Rows are laid out with the longest value of each text or BLOB column that the batch has; where shorter ones or
NULLs are among them, the bytes that are too many are left out at the end, all at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from ..schema.columns import Field, Rows, column_values
from ..schema.models import RecordTable
from .insertion import quoted

if TYPE_CHECKING:
    from .database import Database

__all__ = ["CopyInsertion", "copy_bytes"]

_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TAIL = b"\xff\xff"
_ROWS_AT_A_TIME = 1_000


class CopyInsertion:
    """A COPY into one table of records. One thread."""

    def __init__(self, database: Database, table: RecordTable) -> None:
        self._fields = table.columns
        self._key = [field for field in table.columns if field.name in table.key]
        keys = ", ".join(f"%s::{'text' if field.kind == 'text' else 'bigint'}[]" for field in self._key)
        same = " AND ".join(f'stored."{field.name}" = wanted."{field.name}"' for field in self._key)
        names = quoted([field.name for field in self._key])
        self._removal = f'DELETE FROM "{table.name}" AS stored USING unnest({keys}) AS wanted ({names}) WHERE {same}'
        self._text = f'COPY "{table.name}" ({quoted([field.name for field in table.columns])}) FROM STDIN (FORMAT BINARY)'

    def run(self, connection: Connection, rows: Rows) -> int:
        """Insert rows of `stored_dtype` and return how many were inserted: none of them if the key of any is taken."""
        from psycopg.errors import UniqueViolation

        driver: Any = connection.connection.driver_connection
        savepoint = connection.begin_nested()
        try:
            with driver.cursor() as cursor, cursor.copy(self._text) as copy:
                copy.write(_HEAD)
                for begin in range(0, len(rows), _ROWS_AT_A_TIME):  # the server works on one portion while the next is made
                    copy.write(_copy_rows(rows[begin : begin + _ROWS_AT_A_TIME], self._fields))
                copy.write(_TAIL)
        except UniqueViolation:
            savepoint.rollback()
            return 0
        savepoint.commit()
        return len(rows)

    def replace(self, connection: Connection, rows: Rows) -> None:
        """Put rows into the place of stored ones with the same keys."""
        if len(rows):
            connection.exec_driver_sql(self._removal, tuple(column_values(rows, field) for field in self._key))
            self.run(connection, rows)


class _Values(NamedTuple):
    # A column in network order: the values, the length of each (-1: NULL), and whether all have the length of the type.
    values: npt.NDArray[Any]
    lengths: npt.NDArray[np.int32] | int


def copy_bytes(rows: Rows, fields: tuple[Field, ...]) -> bytes:
    """Return rows that have these fields as a file of PostgreSQL's binary COPY format."""
    return _HEAD + _copy_rows(rows, fields) + _TAIL


def _copy_rows(rows: Rows, fields: tuple[Field, ...]) -> bytes:
    columns = [_column(rows[field.name], field, rows) for field in fields]
    layout: list[tuple[Any, ...]] = [("columns", ">i2")]
    for at, (values, _) in enumerate(columns):
        layout += [(f"length{at}", ">i4"), (f"value{at}", values.dtype)]
    made = np.zeros(len(rows), np.dtype(layout))
    made["columns"] = len(fields)
    for at, (values, lengths) in enumerate(columns):
        made[f"length{at}"], made[f"value{at}"] = lengths, values
    return _cut(made, columns)


def _cut(made: npt.NDArray[Any], columns: list[_Values]) -> bytes:
    # Leave out the bytes of values that are shorter than their column.
    kept: npt.NDArray[np.bool_] | None = None
    for at, (values, lengths) in enumerate(columns):
        if isinstance(lengths, int):
            continue
        if kept is None:
            kept = np.ones((len(made), made.dtype.itemsize), bool)
        begin = made.dtype.fields[f"value{at}"][1]  # type: ignore[index]
        kept[:, begin : begin + values.dtype.itemsize] = np.arange(values.dtype.itemsize) < lengths[:, np.newaxis]
    raw = made.view(np.uint8).reshape(len(made), made.dtype.itemsize)
    return raw.tobytes() if kept is None else raw[kept].tobytes()


def _column(values: npt.NDArray[Any], field: Field, rows: Rows) -> _Values:
    if field.kind == "integer":
        return _Values(values.astype(np.int64, copy=False).astype(">i8"), 8)
    if field.kind == "real":
        absent = np.isnan(values)
        if not absent.any():
            return _Values(values.astype(">f8"), 8)
        if absent.all():
            return _Values(np.empty(len(values), "V0"), -1)
        return _Values(values.astype(">f8"), np.where(absent, -1, 8).astype(np.int32))
    return _text(values, field, rows) if field.kind == "text" else _blob(values, field)


def _text(values: npt.NDArray[Any], field: Field, rows: Rows) -> _Values:
    lengths = np.char.str_len(values).astype(np.int32)
    width = int(lengths.max(initial=0))
    values = values.astype(f"S{max(width, 1)}")
    raw = values.view(np.uint8)
    if width and ((raw > 127).any() or int((raw != 0).sum()) != int(lengths.sum())):
        # Not ASCII alone: what is no UTF-8, or a NUL inside, becomes its escape, as everywhere.
        texts = [text.replace("\0", "\\x00").encode() for text in column_values(rows, field)]
        lengths = np.array([len(text) for text in texts], np.int32)
        width = int(lengths.max())
        values = np.array(texts, f"S{width}")
    if not width:
        return _Values(np.empty(len(values), "V0"), 0)
    return _Values(values.view(f"V{width}"), width if bool((lengths == width).all()) else lengths)


def _blob(values: npt.NDArray[Any], field: Field) -> _Values:
    present = ~np.isnan(values) if values.dtype.kind == "f" else values != -1
    used = np.where(present.any(axis=1), field.length - np.argmax(present[:, ::-1], axis=1), 0)
    most = int(used.max(initial=0))
    if not most:
        return _Values(np.empty(len(values), "V0"), -1)
    width = most * values.dtype.itemsize
    packed = np.ascontiguousarray(values[:, :most]).view(f"V{width}").reshape(len(values))
    if bool((used == most).all()):
        return _Values(packed, width)
    return _Values(packed, np.where(used == 0, -1, used * values.dtype.itemsize).astype(np.int32))
