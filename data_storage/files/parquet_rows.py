"""A part of a Parquet file as rows: of one symbol, of one period and basis, of a range of time; nothing else is read.

    rows = read_rows(["bars.parquet"], Bar, {"symbol": "SPY", "venue": "US", "period": "1m", "basis": 0}, start_ns=..., end_ns=...)

A group of rows whose statistics say that nothing fits is passed over, and of the others only the record's own columns are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gcg_quant.errors import StorageError
from gcg_quant.events import Bar, Record

from ..schema.columns import Rows
from .record_tables import constants_of, from_table, record_of_schema

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["picked", "read_rows"]


def read_rows(
    paths: Sequence[str | Path],
    record: type[Record],
    equal: Mapping[str, Any],
    *,
    start_ns: int | None = None,
    end_ns: int | None = None,
    extra: Sequence[str] = (),
) -> Rows:
    """Return the rows of files, one file after the other, as an array of the record's dtype with `instrument` 0.

    Args:
        paths: files that `write_parquet` or an export wrote.
        equal: columns and the one value that is wanted: symbol, venue, period, basis.
        start_ns, end_ns: the first time, and the first one that no longer belongs to it: `event_ns`, of bars `start_ns`.
        extra: further columns of whole numbers (`seq`, `time_ns`), behind the record's own; 0 in a file that has none.

    Raises:
        StorageError: a file is missing, damaged, or none of ours; the files hold different columns.
    """
    import pyarrow as pa

    bounds = (start_ns, end_ns)
    try:
        tables = [table for path in paths if (table := _read(path, record, equal, bounds, extra)) is not None]
        if not tables:
            return np.empty(0, _dtype(record, extra))
        # Put together as columns, and made rows of once: a copy of so many rows costs as much as reading them.
        table = tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="default").unify_dictionaries()
    except pa.ArrowException as error:
        raise StorageError(f"{paths[0]} and the files beside it hold different columns: {error}.", path=str(paths[0])) from error
    return _chosen(table, record, equal, bounds, extra)


def _read(
    path: str | Path, record: type[Record], equal: Mapping[str, Any], bounds: tuple[int | None, int | None], extra: Sequence[str]
) -> pa.Table | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            schema = file.schema_arrow
            if record_of_schema(schema, path) is not record:
                raise StorageError(f"{path} holds no {record.__name__} records.", path=str(path))
            constants = constants_of(schema)
            if any(constants.get(name, value) != value for name, value in equal.items()):
                return None
            asked = {name: value for name, value in equal.items() if name not in constants}
            groups = [
                at for at in range(file.num_row_groups) if _may_hold(file.metadata.row_group(at), asked, _time_column(record), bounds)
            ]
            wanted = {*(record.dtype.names or ()), "symbol", "venue", *extra}
            return file.read_row_groups(groups, columns=[name for name in schema.names if name in wanted])
    except (OSError, pa.ArrowException) as error:
        raise StorageError(f"{path} cannot be read as Parquet: {error}.", path=str(path)) from error


def picked(rows: Rows, places: npt.NDArray[Any]) -> Rows:
    """Return some rows, by a mask or by their places, with all of their bytes: NumPy leaves anything in the unused ones of a record."""
    whole: Rows = rows.view(f"V{rows.dtype.itemsize}")[places].view(rows.dtype)
    return whole


def _with_columns(rows: Rows, columns: Mapping[str, npt.NDArray[np.int64]]) -> Rows:
    # Further columns of whole numbers behind their own.
    if not columns:
        return rows
    wide = np.zeros(len(rows), _dtype_with(rows.dtype, columns))
    for name in rows.dtype.names or ():
        wide[name] = rows[name]
    for name, values in columns.items():
        wide[name] = values
    return wide


def _chosen(
    table: Any, record: type[Record], equal: Mapping[str, Any], bounds: tuple[int | None, int | None], extra: Sequence[str]
) -> Rows:
    asked = {name: value for name, value in equal.items() if name in table.column_names}
    _, rows, names = from_table(table)
    times = rows[_time_column(record)]
    kept = slice(None) if _inside(times, bounds) else _between(times, bounds)
    for name, value in asked.items():
        if name in ("symbol", "venue"):
            place = ("symbol", "venue").index(name)
            fitting = np.array([value == "", *(names[number][place] == value for number in sorted(names))])
            matches = fitting[rows["instrument"]]
        else:
            matches = rows[name] == (value.encode() if isinstance(value, str) else value)
        if not matches.all():
            kept = matches & (np.ones(len(rows), bool) if isinstance(kept, slice) else kept)
    columns = {name: _numbers(table, name) for name in extra}
    rows["instrument"] = 0
    if not isinstance(kept, slice):
        rows, columns = picked(rows, kept), {name: values[kept] for name, values in columns.items()}
    return _with_columns(rows, columns)


def _inside(times: npt.NDArray[np.int64], bounds: tuple[int | None, int | None]) -> bool:
    start_ns, end_ns = bounds
    return not len(times) or ((start_ns is None or int(times.min()) >= start_ns) and (end_ns is None or int(times.max()) < end_ns))


def _between(times: npt.NDArray[np.int64], bounds: tuple[int | None, int | None]) -> npt.NDArray[np.bool_]:
    start_ns, end_ns = bounds
    kept = np.ones(len(times), bool) if start_ns is None else times >= start_ns
    return kept if end_ns is None else kept & (times < end_ns)


def _numbers(table: Any, name: str) -> npt.NDArray[np.int64]:
    if name not in table.column_names:
        return np.zeros(table.num_rows, np.int64)
    values: npt.NDArray[np.int64] = table.column(name).fill_null(0).to_numpy().astype(np.int64)
    return values


def _dtype(record: type[Record], extra: Sequence[str]) -> np.dtype[Any]:
    return _dtype_with(record.dtype, extra) if extra else record.dtype


def _dtype_with(dtype: np.dtype[Any], names: Any) -> np.dtype[Any]:
    own = [(name, dtype[name].base, dtype[name].shape) for name in dtype.names or ()]
    return np.dtype([*own, *((name, "<i8") for name in names)])


def _time_column(record: type[Record]) -> str:
    return "start_ns" if record is Bar else "event_ns"


def _may_hold(group: Any, asked: Mapping[str, Any], time_column: str, bounds: tuple[int | None, int | None]) -> bool:
    start_ns, end_ns = bounds
    for name, low, high in _statistics(group, {*asked, time_column}):
        if name == time_column:
            if (start_ns is not None and high < start_ns) or (end_ns is not None and low >= end_ns):
                return False
        elif not low <= asked[name] <= high:
            return False
    return True


def _statistics(group: Any, names: set[str]) -> Iterator[tuple[str, Any, Any]]:
    for at in range(group.num_columns):
        column = group.column(at)
        if column.path_in_schema in names and column.statistics is not None and column.statistics.has_min_max:
            yield column.path_in_schema, column.statistics.min, column.statistics.max
