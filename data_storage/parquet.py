"""Records as Arrow tables and Parquet files, without loss: every field of the record's dtype is a column of its own type.

An absent price (NaN) is a null, an enumeration its number, a text a string, the ten levels of a depth a list of ten. `symbol` and
`venue` stand in front, in place of the instrument number, which means nothing outside its bus. The record's class is named in the
schema's metadata. Times are integers, nanoseconds since the epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gcg_quant.errors import StorageError
from gcg_quant.events import HOT_RECORDS, Record

from .columns import Field, Rows, fields_of

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["from_table", "read_parquet", "to_table", "write_parquet"]

_CLASS_KEY = b"gcg_quant.record"
_BY_NAME = {cls.__name__: cls for cls in HOT_RECORDS}


def to_table(record: type[Record], rows: Rows, names: Mapping[int, tuple[str, str]]) -> pa.Table:
    """Return rows as an Arrow table.

    Args:
        record: the class that the rows are of.
        rows: an array of the record's dtype; further fields (id, time_ns, source ...) become columns, too.
        names: instrument number in the rows -> (symbol, venue); 0 needs no entry.
    """
    import pyarrow as pa

    numbers = rows["instrument"]
    known = {number: names[number] if number else ("", "") for number in np.unique(numbers).tolist()}
    columns: dict[str, Any] = {}
    for at, name in enumerate(("symbol", "venue")):
        columns[name] = pa.array([known[number][at] for number in numbers.tolist()], pa.string())
    columns |= {field.name: _column(rows[field.name], field) for field in fields_of(rows.dtype) if field.name != "instrument"}
    return pa.table(columns, metadata={_CLASS_KEY: record.__name__.encode()})


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
    import pyarrow.parquet as pq

    part = Path(path).with_name(Path(path).name + ".part")
    pq.write_table(to_table(record, rows, names), part, compression="zstd")
    part.replace(path)


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


def _column(values: npt.NDArray[Any], field: Field) -> Any:
    import pyarrow as pa

    if field.kind == "text":
        return pa.array([text.decode("utf-8", "backslashreplace") for text in values.tolist()], pa.string())
    flat = np.ascontiguousarray(values).reshape(-1)
    made = pa.array(flat, mask=np.isnan(flat)) if field.dtype.kind == "f" else pa.array(flat)
    return pa.FixedSizeListArray.from_arrays(made, field.length) if field.kind == "blob" else made


def _values(column: Any, field: Field) -> npt.NDArray[Any]:
    if field.kind == "text":
        return np.array([text.encode() for text in column.to_pylist()], dtype=field.dtype)
    # Not flatten(): it would pass over a list that is null.
    plain = column.values if field.kind == "blob" else column
    if plain.null_count:
        plain = plain.fill_null(float("nan"))
    values: npt.NDArray[Any] = plain.to_numpy(zero_copy_only=False)
    return values.reshape(-1, field.length) if field.kind == "blob" else values
