"""How a record's fields become SQL columns, and back: one description, read from the record's NumPy dtype.

    NumPy                      SQL                  absent
    float64                    DOUBLE               NaN <-> NULL
    int64, int32, uint8 ...    BIGINT               as it is (-1, 0)
    uint64                     BIGINT               the same 64 bits, signed
    S<n> (UTF-8)               TEXT                 ''
    float64[10], int32[10]     BLOB                 trailing NaN (-1) levels are cut; no level at all <-> NULL

A BLOB holds the little-endian numbers of the levels one after the other (8 or 4 bytes each), so five levels take 40 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Field", "Rows", "column_values", "fields_of", "rows_of"]

Rows: TypeAlias = npt.NDArray[np.void]
Kind = Literal["integer", "real", "text", "blob"]
_ROWS_AT_A_TIME = 500
_KINDS: dict[str, Kind] = {"i": "integer", "u": "integer", "f": "real", "S": "text"}


class Field(NamedTuple):
    """One field of a record as a column."""

    name: str
    kind: Kind
    dtype: np.dtype[Any]  # of one element
    length: int  # elements, 1 unless it is an array


def fields_of(dtype: np.dtype[Any]) -> tuple[Field, ...]:
    """Return the columns of a structured dtype, in its order."""
    found = []
    for name, (part, *_) in (dtype.fields or {}).items():
        base, count = part.base, int(np.prod(part.shape, dtype=int))
        found.append(Field(name, "blob" if part.shape else _KINDS[base.kind], base, count))
    return tuple(found)


def column_values(rows: Rows, field: Field) -> list[Any]:
    """Return one field of every row as Python values that a database driver takes."""
    values = rows[field.name]
    if field.kind == "integer":
        return _integers(values)
    if field.kind == "real":
        return _reals(values)
    return _texts(values) if field.kind == "text" else _blobs(values)


def rows_of(records: Iterable[tuple[Any, ...]], fields: Sequence[Field], dtype: np.dtype[Any], others: Rows | None = None) -> Rows:
    """Return rows of `dtype` from database rows whose columns are `fields` (texts as bytes, in the same order).

    Fields of `dtype` that are not among the columns are zero, or as in `others`, an array of one row.
    """
    # Column by column, a few hundred rows at a time: what was made of them is still in the processor's cache.
    left = iter(records)
    parts: list[list[npt.NDArray[Any]]] = []
    count = 0
    while some := list(islice(left, _ROWS_AT_A_TIME)):
        parts.append([_column(values, field) for field, values in zip(fields, zip(*some, strict=True), strict=True)])
        count += len(some)
    rows = np.zeros(count, dtype)
    if others is not None:
        rows.view(np.uint8).reshape(count, dtype.itemsize)[:] = others.view(np.uint8)
    for at, field in enumerate(fields):
        if parts:
            rows[field.name] = np.concatenate([part[at] for part in parts])
    return rows


def _column(values: Sequence[Any], field: Field) -> npt.NDArray[Any]:
    if field.kind == "blob":
        return _levels(values, field)
    if field.dtype.str == "<u8":
        return np.array(values, np.int64).view(np.uint64)
    return np.array(values, field.dtype)


def _integers(values: npt.NDArray[Any]) -> list[Any]:
    # SQL has no unsigned 64-bit numbers: the same bits as a signed one.
    found: list[Any] = (np.ascontiguousarray(values).view("<i8") if values.dtype.str == "<u8" else values).tolist()
    return found


def _reals(values: npt.NDArray[Any]) -> list[Any]:
    absent = np.isnan(values)
    found: list[Any] = values.tolist()
    if absent.any():
        if absent.all():
            return [None] * len(found)
        for index in np.flatnonzero(absent).tolist():
            found[index] = None
    return found


def _texts(values: npt.NDArray[Any]) -> list[Any]:
    raw: list[bytes] = values.tolist()
    # Few different texts in many rows. Records hold UTF-8; bytes that are none (an array filled by hand) stay readable.
    decoded = {text: text.decode("utf-8", "backslashreplace") for text in set(raw)}
    return [decoded[text] for text in raw]


def _blobs(values: npt.NDArray[Any]) -> list[Any]:
    present = ~np.isnan(values) if values.dtype.kind == "f" else values != -1
    levels = values.shape[1]
    used = np.where(present.any(axis=1), levels - np.argmax(present[:, ::-1], axis=1), 0)
    raw = np.ascontiguousarray(values).tobytes()
    size = values.dtype.itemsize
    row_bytes = size * levels
    return [raw[at : at + size * count] if count else None for at, count in zip(range(0, len(raw), row_bytes), used.tolist(), strict=True)]


def _levels(values: Sequence[bytes | None], field: Field) -> npt.NDArray[Any]:
    absent = np.full(field.length, np.nan if field.dtype.kind == "f" else -1, field.dtype).tobytes()
    whole = b"".join(absent if value is None else value + absent[len(value) :] for value in values)
    return np.frombuffer(whole, field.dtype).reshape(len(values), field.length)
