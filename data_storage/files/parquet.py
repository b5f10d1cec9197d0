"""Records as Arrow tables and Parquet files, without loss: every field of the record's dtype is a column of its own type.

An absent price (NaN) is a null, an enumeration its number, a text a string, the ten levels of a depth a list of ten. `symbol` and
`venue` stand in front as dictionary columns, in place of the instrument number, which means nothing outside its bus. The record's class
is named in the schema's metadata. Times are integers, nanoseconds since the epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gcg_quant.errors import StorageError
from gcg_quant.events import HOT_RECORDS, Record

from ..schema.columns import Field, Rows, fields_of

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["from_table", "named_column", "parquet_writer", "read_parquet", "to_table", "write_parquet"]

_CLASS_KEY = b"gcg_quant.record"
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
        StorageError: the table is none of ours, or lacks a column.
    """
    record = _BY_NAME.get((table.schema.metadata or {}).get(_CLASS_KEY, b"").decode())
    if record is None:
        raise StorageError("The Parquet file names no record of gcg_quant; import it as a data file instead.")
    rows = np.zeros(table.num_rows, record.dtype)
    for field in fields_of(record.dtype):
        if field.name == "instrument":
            continue
        if field.name not in table.column_names:
            raise StorageError(f"The Parquet file of {record.__name__} records lacks the column {field.name!r}.", column=field.name)
        rows[field.name] = _values(table.column(field.name).combine_chunks(), field)
    pairs = list(zip(table.column("symbol").to_pylist(), table.column("venue").to_pylist(), strict=True))
    numbers = {pair: number for number, pair in enumerate(sorted(set(pairs) - {("", "")}), start=1)}
    rows["instrument"] = [numbers.get(pair, 0) for pair in pairs]
    return record, rows, {number: pair for pair, number in numbers.items()}


def write_parquet(path: str | Path, record: type[Record], rows: Rows, names: Mapping[int, tuple[str, str]]) -> None:
    """Write rows into one Parquet file (zstd); an existing file is replaced at the end, never half-way."""
    part = Path(path).with_name(Path(path).name + ".part")
    table = to_table(record, rows, names)
    with parquet_writer(part, table.schema) as writer:
        writer.write_table(table)
    part.replace(path)


def parquet_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Return a writer of row groups: zstd, and a dictionary for texts alone, since numbers with one take more time and more room."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_dictionary(field.type)]
    return pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=texts)


def read_parquet(path: str | Path) -> tuple[type[Record], Rows, dict[int, tuple[str, str]]]:
    """Return (record class, rows, names) of a file that `write_parquet` or `export_parquet` wrote.

    Raises:
        StorageError: the file is missing, no Parquet file, or none of ours.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise StorageError(f"{path} cannot be read as Parquet: {error}.", path=str(path)) from error
    return from_table(table)


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

    letters = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), -1)
    if len(values) and (letters == letters[0]).all():
        return pa.repeat(pa.scalar(values[0].decode("utf-8", "backslashreplace"), pa.string()), len(values))
    raw = pa.array(values, pa.binary()).dictionary_encode()
    texts = [text.decode("utf-8", "backslashreplace") for text in raw.dictionary.to_pylist()]
    return pa.array(texts, pa.string()).take(raw.indices)


def _values(column: Any, field: Field) -> npt.NDArray[Any]:
    if field.kind == "text":
        return np.array([text.encode() for text in column.to_pylist()], dtype=field.dtype)
    # Not flatten(): it would pass over a list that is null.
    plain = column.values if field.kind == "blob" else column
    if plain.null_count:
        plain = plain.fill_null(float("nan"))
    values: npt.NDArray[Any] = plain.to_numpy(zero_copy_only=False)
    return values.reshape(-1, field.length) if field.kind == "blob" else values
