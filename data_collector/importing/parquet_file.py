"""A Parquet file, read in chunks of rows; typed columns keep their type, and a row's number stands for its line."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from gcg_quant.errors import ImportFileError

from .csv_file import RawChunk

__all__ = ["ParquetSource", "is_parquet"]

_MAGIC = b"PAR1"
_CHUNK_ROWS = 50_000
_CONSTANTS_KEY = b"gcg_quant.constants"  # what an export by symbol and day keeps in the folders' names, and once more here


def is_parquet(path: Path) -> bool:
    """Return whether a file begins as Parquet files do. Raises ImportFileError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(4) == _MAGIC
    except OSError as error:
        raise ImportFileError(f"{path} cannot be read: {error.strerror or error}.", file=str(path)) from error


class ParquetSource:
    """One Parquet file. `header` are the column names, `sha256` the hash of the file ("" if it is not `checked`).

    Raises:
        ImportFileError: it is damaged.
    """

    def __init__(self, path: Path, *, checked: bool = True) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self.path = path
        self.bytes_total = path.stat().st_size
        self.sha256 = ""
        if checked:
            with path.open("rb") as file:
                self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        try:
            self._file = parquet.ParquetFile(path)
        except (pa.ArrowException, OSError) as error:
            raise ImportFileError(f"{path} is a damaged Parquet file: {error}", file=str(path)) from error
        self.schema = self._file.schema_arrow
        self._constants = self._read_constants()
        self.header = (*self.schema.names, *self._constants)
        self.rows = int(self._file.metadata.num_rows)

    def _read_constants(self) -> dict[str, str]:
        try:
            found = msgspec.json.decode((self.schema.metadata or {}).get(_CONSTANTS_KEY, b"{}"), type=dict[str, str])
        except msgspec.MsgspecError as error:
            raise ImportFileError(
                f"{self.path} is a damaged Parquet file: its metadata cannot be read: {error}", file=str(self.path)
            ) from error
        return {name: text for name, text in found.items() if name not in self.schema.names}

    def chunks(self, numbers: Collection[str] = (), wanted: Collection[str] = ()) -> Iterator[RawChunk]:
        """Yield the rows in chunks of 50,000; `bytes_done` is their share of the file. They have types of their own."""
        import pyarrow as pa

        row = 0
        try:
            for batch in self._file.iter_batches(_CHUNK_ROWS, use_threads=False):
                lines = np.arange(row + 1, row + 1 + len(batch))
                row += len(batch)
                columns = {name: _plain(batch.column(index)) for index, name in enumerate(self.schema.names)}
                columns |= {name: pa.repeat(pa.scalar(text, pa.string()), len(batch)) for name, text in self._constants.items()}
                yield RawChunk(lines, columns, [], self.bytes_total * row // max(self.rows, 1))
        except (pa.ArrowException, OSError) as error:
            raise ImportFileError(f"{self.path} is damaged after row {row}: {error}", file=str(self.path)) from error


def _plain(column: Any) -> Any:
    import pyarrow as pa

    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
