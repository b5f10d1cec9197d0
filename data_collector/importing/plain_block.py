"""The quick reading of text in which every line is a plain row; whatever else it holds is left to the careful reading."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from gcg_quant import _native

__all__ = ["NULL_WORDS", "PlainCells", "read_plain"]

NULL_WORDS = ("", "NaN", "nan", "NAN", "null", "NULL", "None", "NA", "N/A")  # as in native/src/replay_text.cpp


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
    block: bytes, skip: int, header: Sequence[str], delimiter: str, numbers: Collection[str], wanted: Collection[str]
) -> tuple[int, dict[str, Any]] | None:
    """Return (lines, columns) of a block of whole lines, or None if it is not beyond doubt that both readings are the same.

    The columns in `numbers` come out as doubles, NaN where the cell is empty; the others that are `wanted` as strings. In doubt is a
    block with quotes, control characters, anything but ASCII, blank lines, lines with another number of cells, and cells in `numbers`
    that are no plain numbers (see native/include/gcg/replay_text.h).

    Args:
        block: ends with a line end.
        skip: so many lines at the beginning are no rows.
        header: the names of the columns.
        delimiter: between two cells.
        numbers: columns that hold numbers only.
        wanted: columns that are used at all.
    """
    import pyarrow as pa

    begin = 0
    for _ in range(skip):
        begin = block.index(b"\n", begin) + 1
    kinds = "".join("-" if name not in wanted else "n" if name in numbers else "t" for name in header)
    found = _native.read_plain(block, begin, delimiter, kinds)
    if found is None:
        return None
    rows, cells = found
    columns = {}
    for name, kind, values in zip(header, kinds, cells, strict=True):
        if kind == "n":
            columns[name] = pa.array(values)
        elif kind == "t":
            offsets, text, valid, empty = values
            buffers = [pa.py_buffer(valid) if empty else None, pa.py_buffer(offsets), pa.py_buffer(text)]
            columns[name] = pa.Array.from_buffers(pa.string(), rows, buffers, empty)
    return rows + skip, columns
