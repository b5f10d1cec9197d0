"""Reading rows of PostgreSQL as columns: the server puts each column of a query into one array, and NumPy takes it as it comes.

A row by itself costs server and driver more than its values do (a binary COPY of bars takes twice as long, and the driver's own rows three
times). An array's elements are their length (int32) and the value in network order; so that all are equally long, the query gives a NaN for
an absent price, and fills up texts with zero bytes and levels with absent ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from gcg_quant.errors import StorageError

from ..schema.columns import Field, Rows

__all__ = ["array_rows"]

_HEAD_BYTES = 20  # dimensions, flags, type of the elements, their number, the first index


def array_rows(connection: Connection, fields: Sequence[Field], tail: str, values: Sequence[Any], dtype: np.dtype[Any]) -> Rows:
    """Return the rows of `SELECT fields tail` as an array of `dtype`; fields that are not asked for stay zero.

    All of them are held in the server's memory at once, a few hundred bytes each: ask for a part of a long range at a time.
    """
    names = ", ".join(f"c{at}" for at in range(len(fields)))
    columns = ", ".join(f"{_expression(field)} AS c{at}" for at, field in enumerate(fields))
    text = f"SELECT count(*), {', '.join(f'array_agg({name})' for name in names.split(', '))} FROM (SELECT {columns}{tail}) AS found"
    driver: Any = connection.connection.driver_connection
    with driver.cursor(binary=True) as cursor:
        cursor.execute(text, tuple(values))
        result = cursor.pgresult
        rows = np.zeros(int.from_bytes(result.get_value(0, 0)), dtype)
        if len(rows):
            for at, field in enumerate(fields):
                rows[field.name] = _column(result.get_value(0, at + 1), field, len(rows))
    return rows


def _expression(field: Field) -> str:
    column = f'"{field.name}"'
    if field.kind == "integer":
        return column
    if field.kind == "real":
        return f"COALESCE({column}, 'NaN'::float8)"
    width = field.dtype.itemsize
    if field.kind == "text":
        nothing = f"'\\x{'00' * width}'::bytea"
        return f"CASE WHEN {column} = '' THEN {nothing} ELSE substring(convert_to({column}, 'UTF8') || {nothing} FROM 1 FOR {width}) END"
    absent = np.full(field.length, np.nan if field.dtype.kind == "f" else -1, field.dtype).tobytes().hex()
    levels = f"COALESCE({column}, ''::bytea)"
    return f"{levels} || substring('\\x{absent}'::bytea FROM octet_length({levels}) + 1)"


def _column(raw: bytes, field: Field, count: int) -> npt.NDArray[Any]:
    form: Any = {"integer": ">i8", "real": ">f8", "text": field.dtype, "blob": (field.dtype, (field.length,))}[field.kind]
    element = np.dtype([("length", ">i4"), ("value", form)])
    if len(raw) != _HEAD_BYTES + count * element.itemsize:
        raise StorageError(
            f"The server's answer has {len(raw)} bytes of {field.name!r} for {count} rows, and cannot be read.", field=field.name
        )
    values: npt.NDArray[Any] = np.frombuffer(raw, element, offset=_HEAD_BYTES)["value"]
    return values.astype(np.int64).view(np.uint64) if field.dtype.str == "<u8" else values
