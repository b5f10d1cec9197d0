"""Records in Parquet files: written whole or not at all, read back to the byte; see `record_tables` for the columns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gcg_quant.errors import StorageError
from gcg_quant.events import Bar, Record

from ..schema.columns import Rows
from .record_tables import from_table, record_of_schema, to_table, whole

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["names_in", "parquet_writer", "read_parquet", "record_of", "write_parquet"]


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


def record_of(path: str | Path) -> type[Record]:
    """Return the class of records that a file holds, by its end alone.

    Raises:
        StorageError: the file is missing, no Parquet file, or none of ours.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise StorageError(f"{path} cannot be read as Parquet: {error}.", path=str(path)) from error
    return record_of_schema(schema, path)


def names_in(path: str | Path, record: type[Record]) -> set[tuple[str, str, str, int]]:
    """Return every (symbol, venue, period, basis) that a file has rows of; "" and 0 for what is no bar. Raises StorageError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = ["symbol", "venue", *(["period", "basis"] if record is Bar else [])]
    try:
        schema = pq.read_schema(path)
        table = pq.ParquetFile(path).read(columns=[name for name in wanted if name in schema.names])
        table = whole(table.replace_schema_metadata(schema.metadata))
        rows = table.select(wanted).group_by(wanted).aggregate([]).to_pylist()
    except (OSError, KeyError, pa.ArrowException) as error:
        raise StorageError(f"{path} cannot be read as Parquet: {error}.", path=str(path)) from error
    return {(row["symbol"], row["venue"], row.get("period", ""), row.get("basis", 0)) for row in rows}


def read_parquet(path: str | Path) -> tuple[type[Record], Rows, dict[int, tuple[str, str]]]:
    """Return (record class, rows, names) of a file that `write_parquet` or `export_parquet` wrote.

    Raises:
        StorageError: the file is missing, no Parquet file, or none of ours.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path).read()
    except (OSError, pa.ArrowException) as error:
        raise StorageError(f"{path} cannot be read as Parquet: {error}.", path=str(path)) from error
    return from_table(table)
