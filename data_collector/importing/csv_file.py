"""A CSV file, plain or gzip, read in chunks of whole lines with the line number of every row.

A line is a row: a quoted cell may hold the delimiter, never a line break. Lines that cannot be rows (another number of cells, bytes
that are no UTF-8 text, an open quote) come out as bad lines with a reason; an empty line is no row. Cells come out as pyarrow strings,
null where the cell is empty or says NaN, null, None, NA or N/A.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np

from gcg_quant.errors import ImportFileError

from ..zones import Int64Array
from .csv_lines import CsvLines
from .plain_block import NULL_WORDS, PlainCells, read_plain

__all__ = ["CsvFile", "RawChunk"]

_DELIMITERS = ",;\t|"
_BLOCK = 1 << 20
_SAMPLE = 1 << 16


class RawChunk(msgspec.Struct, frozen=True):
    """Some rows of a file: `lines` (their line numbers), `columns` (name -> pyarrow array of equal length), `bad` (line, reason)
    of lines that are no rows, and how many bytes of the file's content have been read so far. `text` returns what stands in the file, by
    row and column, where the columns hold something else.
    """

    lines: Int64Array
    columns: dict[str, Any]
    bad: list[tuple[int, str]]
    bytes_done: int
    text: Callable[[int, str], str | None] | None = None


class CsvFile:
    """One CSV file. `header` are the column names, `sha256` the hash of the uncompressed content ("" if it is not `checked`), `rows` about
    how many rows there are.

    Opening it reads it once from end to end, so that a damaged gzip file is refused before anything comes out of it; not if `checked` is
    False: then what lies before the damage comes out.

    Raises:
        ImportFileError: it cannot be read, is empty, is no text, or its first line is no header.
    """

    def __init__(
        self, path: Path, *, delimiter: str | None = None, names: Sequence[str] = (), chunk_bytes: int = 1_000_000, checked: bool = True
    ) -> None:
        self.path = path
        self._chunk_bytes = chunk_bytes
        self.sha256, self.bytes_total = self.digest(path) if checked else ("", _content_bytes(path))
        first = self._first_line()
        self.delimiter = delimiter or _find_delimiter(first, len(names))
        self._has_header = not names
        self.header = tuple(names) or self._read_header(first)

    @property
    def rows(self) -> int:
        """About how many rows the file has, by the length of its first lines."""
        with _open(self.path) as file:
            sample = file.read(_SAMPLE)
        return self.bytes_total * sample.count(b"\n") // max(len(sample), 1)

    def chunks(self, numbers: Collection[str] = (), wanted: Collection[str] = ()) -> Iterator[RawChunk]:
        """Yield the rows in chunks of about `chunk_bytes` bytes, in the order of the file.

        The cells are strings. In chunks without a doubtful line those of columns in `numbers` are doubles, the ones that `parse_numbers`
        makes of the strings, and only `wanted` columns are there.
        """
        line = 1
        done = 0
        for block in self._blocks():
            done += len(block)
            skip = 1 if line == 1 and self._has_header else 0
            plain = read_plain(block, skip, self.header, self.delimiter, numbers, wanted) if numbers and block.endswith(b"\n") else None
            if plain is not None:
                count, columns = plain
                text_of = PlainCells(block, skip, self.header, self.delimiter)
                yield RawChunk(np.arange(line + skip, line + count), columns, [], done, text_of)
                line += count
                continue
            text = CsvLines(block, line, ord(self.delimiter))
            yield self._chunk(text, skip, done)
            line += text.count

    def chunk_of(self, block: bytes, first_line: int) -> RawChunk:
        """Return the rows of some whole lines, for one who reads a file that grows; the header, in line 1, is no row."""
        return self._chunk(CsvLines(block, first_line, ord(self.delimiter)), 1 if first_line == 1 and self._has_header else 0, len(block))

    def _chunk(self, text: CsvLines, skip: int, done: int) -> RawChunk:
        good, bad, rewritten = text.sort_out(len(self.header), self.delimiter, skip)
        if len(good) == 0:
            return RawChunk(text.numbers(good), {name: _no_cells() for name in self.header}, bad, done)
        columns = _parse(text.join(good, rewritten), self.header, self.delimiter)
        if len(columns[self.header[0]]) != len(good):
            raise ImportFileError(
                f"{self.path}, lines {text.first} to {text.first + text.count - 1}: {len(good)} rows were expected, and "
                f"{len(columns[self.header[0]])} were read; check the delimiter and quotes there.",
                file=str(self.path),
            )
        return RawChunk(text.numbers(good), columns, bad, done)

    # ---- bytes

    @staticmethod
    def digest(path: Path) -> tuple[str, int]:
        """Return (SHA-256, bytes) of a file's content, unpacked if it is gzip. Raises ImportFileError as opening does."""
        digest, total = hashlib.sha256(), 0
        with _open(path) as file:
            while block := _read(file, _BLOCK, path):
                digest.update(block)
                total += len(block)
        return digest.hexdigest(), total

    def _blocks(self) -> Iterator[bytes]:
        # Whole lines, about chunk_bytes at a time. A byte order mark belongs to no line.
        with _open(self.path) as file:
            rest = _read(file, 3, self.path)
            rest = b"" if rest == b"\xef\xbb\xbf" else rest
            while block := _read(file, self._chunk_bytes, self.path):
                cut = block.rfind(b"\n") + 1
                if cut == 0:
                    rest += block
                    continue
                yield rest + block[:cut]
                rest = block[cut:]
            if rest:
                yield rest

    # ---- the header

    def _first_line(self) -> str:
        for block in self._blocks():
            first = block.split(b"\n", 1)[0].rstrip(b"\r")
            if b"\0" in first:
                break
            try:
                return first.decode()
            except UnicodeDecodeError:
                break
        else:
            raise ImportFileError(f"{self.path} is empty.", file=str(self.path))
        raise ImportFileError(f"{self.path} is no CSV file: its first line is not UTF-8 text.", file=str(self.path))

    def _read_header(self, first: str) -> tuple[str, ...]:
        cells = [cell.strip() for cell in next(csv.reader([first], delimiter=self.delimiter), [])]
        if not cells or any(not cell for cell in cells):
            raise ImportFileError(
                f"{self.path}, line 1: a column has no name; expected a header line, found {first!r}.", file=str(self.path)
            )
        if any(cell.replace(".", "", 1).lstrip("+-").isdigit() for cell in cells):
            raise ImportFileError(
                f"{self.path}, line 1: expected a header line with column names, found {first!r}; give the names with the option names.",
                file=str(self.path),
                option="names",
            )
        return tuple(cells)


def _open(path: Path) -> IO[bytes]:
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        return gzip.open(path, "rb") if zipped else path.open("rb")  # type: ignore[return-value]
    except OSError as error:
        raise ImportFileError(f"{path} cannot be read: {error.strerror or error}.", file=str(path)) from error


def _read(file: IO[bytes], count: int, path: Path) -> bytes:
    try:
        return file.read(count)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ImportFileError(
            f"{path} is damaged: its gzip data cannot be unpacked after {file.tell()} bytes ({error}). Get the file again.",
            file=str(path),
        ) from error


# Of the unpacked content, without unpacking it: gzip notes the length at its end, in 32 bits.
def _content_bytes(path: Path) -> int:
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
            size = file.seek(0, 2)
            if not zipped or size < 4:
                return size
            file.seek(-4, 2)
            return int.from_bytes(file.read(4), "little")
    except OSError as error:
        raise ImportFileError(f"{path} cannot be read: {error.strerror or error}.", file=str(path)) from error


def _parse(text: bytes, header: Sequence[str], delimiter: str) -> dict[str, Any]:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    table = arrow_csv.read_csv(
        pa.BufferReader(text),
        read_options=arrow_csv.ReadOptions(column_names=list(header), use_threads=False, block_size=len(text) + 1),
        parse_options=arrow_csv.ParseOptions(delimiter=delimiter),
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: pa.string() for name in header},
            null_values=list(NULL_WORDS),
            strings_can_be_null=True,
        ),
    )
    return {name: table.column(name).combine_chunks() for name in header}


def _no_cells() -> Any:
    import pyarrow as pa

    return pa.array([], pa.string())


def _find_delimiter(first: str, columns: int) -> str:
    counts = {mark: first.count(mark) for mark in _DELIMITERS}
    best = max(counts, key=lambda mark: counts[mark])
    if columns and counts[best] != columns - 1 and columns > 1:
        raise ImportFileError(
            f"Option names lists {columns} columns, and the first line has {counts[best] + 1} cells.", option="names", value=columns
        )
    return best
