"""A Parquet file, read in chunks of rows; typed columns keep their type, and a row's number stands for its line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gcg_quant.errors import ImportFileError

from .csv_file import RawChunk

__all__ = ["ParquetSource", "is_parquet"]

_MAGIC = b"PAR1"
_CHUNK_ROWS = 50_000


def is_parquet(path: Path) -> bool:
    """Return whether a file begins as Parquet files do. Raises ImportFileError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(4) == _MAGIC
    except OSError as error:
        raise ImportFileError(f"{path} cannot be read: {error.strerror or error}.", file=str(path)) from error


class ParquetSource:
    """One Parquet file. `header` are the column names, `sha256` the hash of the file.

    Raises:
        ImportFileError: it is damaged.
    """

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self.path = path
        self.bytes_total = path.stat().st_size
        with path.open("rb") as file:
            self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        try:
            self._file = parquet.ParquetFile(path)
        except (pa.ArrowException, OSError) as error:
            raise ImportFileError(f"{path} is a damaged Parquet file: {error}", file=str(path)) from error
        self.schema = self._file.schema_arrow
        self.header = tuple(self.schema.names)
        self.rows = int(self._file.metadata.num_rows)

    def chunks(self) -> Iterator[RawChunk]:
        """Yield the rows in chunks of 50,000; `bytes_done` is their share of the file."""
        import pyarrow as pa

        row = 0
        try:
            for batch in self._file.iter_batches(_CHUNK_ROWS, use_threads=False):
                lines = np.arange(row + 1, row + 1 + len(batch))
                row += len(batch)
                columns = {name: _plain(batch.column(index)) for index, name in enumerate(self.header)}
                yield RawChunk(lines, columns, [], self.bytes_total * row // max(self.rows, 1))
        except (pa.ArrowException, OSError) as error:
            raise ImportFileError(f"{self.path} is damaged after row {row}: {error}", file=str(self.path)) from error


def _plain(column: Any) -> Any:
    import pyarrow as pa

    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
