"""The quick reading of text in which every line is a plain row; whatever else it holds is left to the careful reading."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

__all__ = ["NULL_WORDS", "PlainCells", "read_plain"]

NULL_WORDS = ("", "NaN", "nan", "NAN", "null", "NULL", "None", "NA", "N/A")
_CONTROLS = 32  # characters below this one


class PlainCells:
    """The text of single cells of a plain block, for reports: the block is taken apart when the first one is asked for."""

    def __init__(self, block: bytes, skip: int, header: Sequence[str], delimiter: str) -> None:
        self._block = block
        self._skip = skip
        self._header = list(header)
        self._delimiter = delimiter
        self._lines: list[bytes] = []

    def __call__(self, row: int, column: str) -> str | None:
        """Return the cell of a row (from 0) as it stands in the file, None if it is empty."""
        if not self._lines:
            self._lines = self._block.splitlines()
        cell = self._lines[row + self._skip].decode().split(self._delimiter)[self._header.index(column)]
        return None if cell in NULL_WORDS else cell


def read_plain(
    block: bytes, skip: int, header: Sequence[str], delimiter: str, numbers: Collection[str]
) -> tuple[int, dict[str, Any]] | None:
    """Return (lines, columns) of a block of whole lines, or None if it is not beyond doubt that both readings are the same.

    The columns in `numbers` come out as doubles, null where the cell is empty; the others as strings. In doubt is a block with quotes,
    control characters, anything but ASCII, blank lines, lines with another number of cells, and cells in `numbers` that are no plain
    numbers.

    Args:
        block: ends with a line end.
        skip: so many lines at the beginning are no rows.
        header: the names of the columns.
        delimiter: between two cells.
        numbers: columns that hold numbers only.
    """
    if not block.isascii() or b'"' in block:
        return None
    data = np.frombuffer(block, np.uint8)
    lines = int(np.count_nonzero(data == 10))
    allowed = lines + (int(np.count_nonzero(data == 9)) if b"\t" in block else 0)
    if b"\r" in block:
        returns = block.count(b"\r\n")
        if returns != block.count(b"\r"):
            return None
        allowed += returns
    if int(np.count_nonzero(data < _CONTROLS)) != allowed:
        return None
    columns = _parse(block, skip, header, delimiter, numbers)
    if columns is None or len(columns[header[0]]) != lines - skip:
        return None
    for name in numbers:
        values = columns[name].to_numpy(zero_copy_only=False)
        if int(np.count_nonzero(np.isnan(values))) != columns[name].null_count:
            return None  # a spelling of NaN that is no word for an empty cell
    return lines, columns


def _parse(block: bytes, skip: int, header: Sequence[str], delimiter: str, numbers: Collection[str]) -> dict[str, Any] | None:
    import pyarrow as pa
    from pyarrow import csv

    try:
        table = csv.read_csv(
            pa.BufferReader(block),
            read_options=csv.ReadOptions(column_names=list(header), skip_rows=skip, use_threads=False, block_size=len(block) + 1),
            parse_options=csv.ParseOptions(delimiter=delimiter, quote_char=False),
            convert_options=csv.ConvertOptions(
                column_types={name: pa.float64() if name in numbers else pa.string() for name in header},
                null_values=list(NULL_WORDS),
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid:
        return None
    return {name: table.column(name).combine_chunks() for name in header}
