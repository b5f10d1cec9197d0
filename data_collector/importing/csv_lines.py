"""The lines of a block of a CSV file, found with NumPy, and which of them are rows."""

from __future__ import annotations

import csv
import io

import numpy as np

from ..zones import Int64Array

__all__ = ["CsvLines"]

_NEWLINE, _RETURN, _QUOTE = 10, 13, 34


class CsvLines:
    """The lines of one block: `first` is the number of its first line in the file, `count` how many there are."""

    def __init__(self, block: bytes, first: int, delimiter: int) -> None:
        self.block = block if block.endswith(b"\n") else block + b"\n"
        self.first = first
        data = np.frombuffer(self.block, np.uint8)
        breaks = np.flatnonzero(data == _NEWLINE)
        self.count = len(breaks)
        self.starts = np.concatenate(([0], breaks[:-1] + 1))
        self.stops = breaks - ((breaks > self.starts) & (data[breaks - 1] == _RETURN))
        self._data = data
        self._delimiters = self._per_line(np.flatnonzero(data == delimiter))

    def sort_out(self, columns: int, delimiter: str, skip: int) -> tuple[Int64Array, list[tuple[int, str]], dict[int, bytes]]:
        """Return (indices of the rows, bad lines, rows that had quotes rewritten in plain form)."""
        good = self._delimiters == columns - 1
        reasons: dict[int, str] = {}
        for index in np.flatnonzero(~good).tolist():
            found = int(self._delimiters[index]) + 1
            reasons[index] = f"wrong number of cells: {columns} were expected, {found} found"
        rewritten: dict[int, bytes] = {}
        for index in self._odd_lines():
            reasons.pop(index, None)
            result = _read_odd(self._line(index), columns, delimiter)
            if isinstance(result, bytes):
                good[index], rewritten[index] = True, result
            else:
                good[index], reasons[index] = False, result
        for index in self._blank_lines():
            good[index] = False
            reasons.pop(index, None)
        good[:skip] = False
        bad = [(self.first + index, reason) for index, reason in sorted(reasons.items()) if index >= skip]
        return np.flatnonzero(good), bad, rewritten

    def numbers(self, indices: Int64Array) -> Int64Array:
        """Return the file's line numbers of the lines at `indices`."""
        return indices + self.first

    def join(self, indices: Int64Array, rewritten: dict[int, bytes]) -> bytes:
        """Return the text of some lines."""
        if len(indices) == self.count and not rewritten:
            return self.block
        if not rewritten and indices[-1] - indices[0] + 1 == len(indices):
            return self.block[self.starts[indices[0]] : self.stops[indices[-1]]] + b"\n"
        lines = [rewritten.get(index) or self._line(index) for index in indices.tolist()]
        return b"\n".join(lines) + b"\n"

    def _line(self, index: int) -> bytes:
        return self.block[self.starts[index] : self.stops[index]]

    def _per_line(self, positions: Int64Array) -> Int64Array:
        return np.bincount(np.searchsorted(self.starts, positions, side="right") - 1, minlength=self.count)

    def _odd_lines(self) -> list[int]:
        # Quotes, bytes beyond ASCII, and control characters that pyarrow would take for something else.
        data = self._data
        odd = (data == _QUOTE) | (data >= 0x80) | ((data < 32) & (data != _NEWLINE) & (data != 9))
        odd[self.stops] = False  # the carriage return of a Windows line end
        return np.flatnonzero(self._per_line(np.flatnonzero(odd))).tolist()

    def _blank_lines(self) -> list[int]:
        short = np.flatnonzero(self._delimiters == 0).tolist()
        return [index for index in short if not self._line(index).strip()]


def _read_odd(line: bytes, columns: int, delimiter: str) -> bytes | str:
    # The line in plain form, or the reason why it is no row.
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return "not UTF-8 text"
    if any(ord(letter) < 32 and letter != "\t" for letter in text):
        return "a control character in the line"
    try:
        cells = next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        return f"broken quotes: {error}"
    if len(cells) != columns:
        return f"wrong number of cells: {columns} were expected, {len(cells)} found"
    plain = io.StringIO()
    csv.writer(plain, delimiter=delimiter, lineterminator="").writerow(cells)
    return plain.getvalue().encode()
