"""Records as Arrow tables, without loss: every field of the record's dtype is a column of its own type.

An absent price (NaN) is a null, an enumeration its number, a text a string, the ten levels of a depth a list of ten. `symbol` and
`venue` stand in front as dictionary columns, in place of the instrument number, which means nothing outside its bus. The record's class
is named in the schema's metadata. Times are integers, nanoseconds since the epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt

from gcg_quant.errors import StorageError
from gcg_quant.events import HOT_RECORDS, Record

from ..schema.columns import Field, Rows, fields_of

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["constants_of", "from_table", "named_column", "record_of_schema", "to_table", "whole", "with_constants"]

_CLASS_KEY = b"gcg_quant.record"
_CONSTANTS_KEY = b"gcg_quant.constants"
_ROWS_IN_CACHE = 2048
_BY_NAME = {cls.__name__: cls for cls in HOT_RECORDS}


def to_table(record: type[Record], rows: Rows, names: Mapping[int, tuple[str, str]]) -> pa.Table:
    """Return rows as an Arrow table.

    Args:
        record: the class that the rows are of.
        rows: an array of the record's dtype; further fields (id, time_ns, source ...) become columns, too.
        names: instrument number in the rows -> (symbol, venue); 0 needs no entry.
    """
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for at, name in enumerate(("symbol", "venue")):
        texts = {number: pair[at] for number, pair in names.items()}
        columns[name] = named_column(rows["instrument"], {0: ""} | texts)
    fields = [field for field in fields_of(rows.dtype) if field.name != "instrument"]
    values = _by_column(rows, [field.name for field in fields])
    columns |= {field.name: _column(values[field.name], field) for field in fields}
    return pa.table(columns, metadata={_CLASS_KEY: record.__name__.encode()})


def with_constants(table: pa.Table, constants: Mapping[str, str]) -> pa.Table:
    """Return a table of records without these columns, which have one value in all rows: the value goes into the metadata."""
    metadata = {**(table.schema.metadata or {}), _CONSTANTS_KEY: msgspec.json.encode(dict(constants))}
    return table.drop_columns(list(constants)).replace_schema_metadata(metadata)


def named_column(numbers: npt.NDArray[Any], names: Mapping[int, str]) -> Any:
    """Return numbers as a dictionary column of the texts behind them. Raises KeyError for a number without a name."""
    import pyarrow as pa

    used = np.zeros(int(numbers.max(initial=0)) + 1, bool)
    used[numbers] = True
    found = np.flatnonzero(used)
    texts = sorted({names[number] for number in found.tolist()})
    places = np.zeros(len(used), np.int32)
    places[found] = [texts.index(names[number]) for number in found.tolist()]
    return pa.DictionaryArray.from_arrays(pa.array(places[numbers]), pa.array(texts, pa.string()))


def from_table(table: pa.Table) -> tuple[type[Record], Rows, dict[int, tuple[str, str]]]:
    """Return (record class, rows of its dtype, names) of an Arrow table; `instrument` numbers the names from 1 (0: no symbol).

    Raises:
        StorageError: the table is none of ours, lacks a column, or has one of another type.
    """
    record = _BY_NAME.get((table.schema.metadata or {}).get(_CLASS_KEY, b"").decode())
    if record is None:
        raise StorageError("The Parquet file names no record of gcg_quant; import it as a data file instead.")
    table = whole(table)
    fields = [field for field in fields_of(record.dtype) if field.name != "instrument"]
    for name in ("symbol", "venue", *(field.name for field in fields)):
        if name not in table.column_names:
            raise StorageError(f"The Parquet file of {record.__name__} records lacks the column {name!r}.", column=name)
    numbers, names = _instruments(table)
    columns = {field.name: _values(table.column(field.name), field) for field in fields}
    return record, _rows_of(record, {**columns, "instrument": numbers}), names


def constants_of(schema: pa.Schema) -> dict[str, str]:
    """Return the columns that `with_constants` took out, and their values. Raises StorageError if they cannot be read."""
    try:
        return msgspec.json.decode((schema.metadata or {}).get(_CONSTANTS_KEY, b"{}"), type=dict[str, str])
    except msgspec.MsgspecError as error:
        raise StorageError(f"The Parquet file's metadata are damaged: {error}.") from error


def whole(table: pa.Table) -> pa.Table:
    """Return a table with the columns again that `with_constants` took out."""
    import pyarrow as pa

    for name, text in constants_of(table.schema).items():
        if name not in table.column_names:
            places = pa.array(np.zeros(table.num_rows, np.int32))
            table = table.append_column(name, pa.DictionaryArray.from_arrays(places, pa.array([text], pa.string())))
    return table


def _instruments(table: pa.Table) -> tuple[npt.NDArray[np.int32], dict[int, tuple[str, str]]]:
    symbols, symbol_texts = _coded(table.column("symbol"))
    venues, venue_texts = _coded(table.column("venue"))
    pairs = symbols * len(venue_texts) + venues
    used = np.flatnonzero(np.bincount(pairs, minlength=1)).tolist() if len(pairs) else []
    found = {pair: (symbol_texts[pair // len(venue_texts)], venue_texts[pair % len(venue_texts)]) for pair in used}
    numbers = {name: number for number, name in enumerate(sorted({*found.values()} - {("", "")}), start=1)}
    by_pair = np.zeros(max(used, default=0) + 1, np.int32)
    for pair, name in found.items():
        by_pair[pair] = numbers.get(name, 0)
    return by_pair[pairs], {number: name for name, number in numbers.items()}


def _coded(column: Any) -> tuple[npt.NDArray[np.int64], list[str]]:
    # A column of few different texts as places in a list of them; a null is no text.
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    codes = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    texts = [text or "" for text in codes.dictionary.to_pylist()]
    places = codes.indices
    if places.null_count:
        places, texts = places.fill_null(len(texts)), [*texts, ""]
    return places.to_numpy(zero_copy_only=False).astype(np.int64), texts


def _rows_of(record: type[Record], columns: Mapping[str, npt.NDArray[Any]]) -> Rows:
    # Some rows at a time, as many as the processor's cache holds: a pass over all rows for each column would fetch them all again.
    rows = np.zeros(len(columns["instrument"]), record.dtype)
    for at in range(0, len(rows), _ROWS_IN_CACHE):
        part = rows[at : at + _ROWS_IN_CACHE]
        for name, values in columns.items():
            part[name] = values[at : at + _ROWS_IN_CACHE]
    return rows


def record_of_schema(schema: pa.Schema, path: str | Path) -> type[Record]:
    """Return the class of records that a file's schema names. Raises StorageError if it names none."""
    record = _BY_NAME.get((schema.metadata or {}).get(_CLASS_KEY, b"").decode())
    if record is None:
        raise StorageError(f"{path} names no record of gcg_quant; import it as a data file instead.", path=str(path))
    return record


def _by_column(rows: Rows, names: list[str]) -> dict[str, npt.NDArray[Any]]:
    # Some rows at a time, as many as the processor's cache holds: each column's pass over all rows would fetch them all again.
    made = {name: np.empty(rows[name].shape, rows.dtype[name].base) for name in names}
    for at in range(0, len(rows), _ROWS_IN_CACHE):
        part = rows[at : at + _ROWS_IN_CACHE]
        for name in names:
            made[name][at : at + len(part)] = part[name]
    return made


def _column(values: npt.NDArray[Any], field: Field) -> Any:
    import pyarrow as pa

    if field.kind == "text":
        return _texts(values)
    flat = values.reshape(-1)
    made = pa.array(flat, from_pandas=field.dtype.kind == "f")  # NaN becomes null
    return pa.FixedSizeListArray.from_arrays(made, field.length) if field.kind == "blob" else made


def _texts(values: npt.NDArray[Any]) -> Any:
    # Few different texts in many rows. Records hold UTF-8; bytes that are none (an array filled by hand) stay readable.
    import pyarrow as pa

    if not len(values):
        return pa.array([], pa.string())
    letters = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), -1)
    if (letters == letters[0]).all():
        return pa.repeat(pa.scalar(values[0].decode("utf-8", "backslashreplace"), pa.string()), len(values))
    raw = pa.array(values, pa.binary()).dictionary_encode()
    texts = [text.decode("utf-8", "backslashreplace") for text in raw.dictionary.to_pylist()]
    return pa.array(texts, pa.string()).take(raw.indices)


def _values(column: Any, field: Field) -> npt.NDArray[Any]:
    import pyarrow as pa

    if field.kind == "text":
        places, texts = _coded(column)
        return np.array([text.encode() for text in texts] or [b""], dtype=field.dtype)[places]
    # Not flatten(): it would pass over a list that is null.
    plain = column.combine_chunks().values if field.kind == "blob" else column
    if plain.type != pa.from_numpy_dtype(field.dtype) or (plain.null_count and field.kind == "integer"):
        found = "nulls" if plain.null_count else f"{plain.type} values"
        raise StorageError(
            f"The Parquet file's column {field.name!r} holds {found}, not {field.dtype.name} as records do.", column=field.name
        )
    if plain.null_count:
        absent = float("nan") if field.dtype.kind == "f" else -1
        if plain.null_count == len(plain):
            return np.broadcast_to(np.array(absent, field.dtype), (len(column), field.length) if field.kind == "blob" else len(column))
        plain = plain.fill_null(absent)
    values: npt.NDArray[Any] = plain.to_numpy(zero_copy_only=False) if field.kind == "blob" else plain.to_numpy()
    return values.reshape(-1, field.length) if field.kind == "blob" else values
