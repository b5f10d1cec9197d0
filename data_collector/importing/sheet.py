"""A chunk of source rows on its way to records: columns by field, and for each refused row the first reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..zones import Int64Array
from .cells import BoolArray, FloatArray, parse_bytes, parse_days, parse_integers, parse_numbers, parse_words

__all__ = ["Sheet"]


class Sheet:
    """Rows with their line numbers. `alive` marks those that have not been refused; a row is refused once, for its first fault."""

    def __init__(
        self, lines: Int64Array, cells: dict[str, Any], names: dict[str, str], text: Callable[[int, str], str | None] | None = None
    ) -> None:
        """Args: `cells`: our field -> pyarrow array; `names`: our field -> the file's column, for sentences; `text` returns what stands
        in the file, by row and column, where that is not what the cells hold.
        """
        self._text = text
        self.lines = lines
        self.alive: BoolArray = np.ones(len(lines), bool)
        self.instruments: Int64Array = np.zeros(len(lines), np.int64)  # the number of each row's instrument on the bus
        self._cells = cells
        self._names = names
        self._reasons: list[tuple[BoolArray, str, tuple[str, ...]]] = []

    def __len__(self) -> int:
        return len(self.lines)

    def has(self, field: str) -> bool:
        """Return whether the file has a column for `field`."""
        return field in self._cells

    def cells(self, field: str) -> Any:
        """Return the column of `field` as it came out of the file."""
        return self._cells[field]

    def refuse(self, mask: BoolArray, reason: str, *fields: str) -> None:
        """Refuse the rows of `mask` that are still alive; `fields` are shown with the reason."""
        hit = mask & self.alive
        if hit.any():
            self.alive &= ~hit
            self._reasons.append((hit, reason, fields))

    def refusals(self) -> list[tuple[int, str, str]]:
        """Return (line, reason, detail) of every refused row, in the order of the file."""
        found = []
        for mask, reason, fields in self._reasons:
            for index in np.flatnonzero(mask).tolist():
                found.append((int(self.lines[index]), reason, self._detail(index, fields)))
        return sorted(found, key=lambda row: row[0])

    def _detail(self, index: int, fields: tuple[str, ...]) -> str:
        pairs = [(self._names.get(field, field), self._shown(index, field)) for field in fields if field in self._cells]
        return ", ".join(f"{name} = {'(empty)' if value is None else value}" for name, value in pairs)

    def _shown(self, index: int, field: str) -> Any:
        return self._cells[field][index].as_py() if self._text is None else self._text(index, self._names[field])

    def _read(self, field: str, values: Any, bad: BoolArray, what: str) -> Any:
        self.refuse(bad, f"{self._names.get(field, field)} is {what}", field)
        return values

    def number(self, field: str) -> FloatArray:
        """Return a column as doubles, NaN where it is empty or not there; a row with an unreadable cell is refused."""
        if field not in self._cells:
            return np.full(len(self), np.nan)
        return self._read(field, *parse_numbers(self._cells[field]), "no number")  # type: ignore[no-any-return]

    def size(self, field: str) -> FloatArray:
        """Return a column of sizes or amounts: a number that is never negative."""
        values = self.number(field)
        self.refuse(values < 0, f"{self._names.get(field, field)} is negative", field)
        return values

    def integer(self, field: str, absent: int) -> Int64Array:
        """Return a column of whole numbers, `absent` where it is empty or not there."""
        if field not in self._cells:
            return np.full(len(self), absent, np.int64)
        return self._read(field, *parse_integers(self._cells[field], absent), "no whole number")  # type: ignore[no-any-return]

    def day(self, field: str) -> Int64Array:
        """Return a column of days as YYYYMMDD, 0 where it is empty or not there."""
        if field not in self._cells:
            return np.zeros(len(self), np.int64)
        return self._read(field, *parse_days(self._cells[field]), "no day such as 20210104")  # type: ignore[no-any-return]

    def text(self, field: str, width: int) -> Any:
        """Return a column as `S<width>` bytes."""
        if field not in self._cells:
            return np.zeros(len(self), f"S{width}")
        return self._read(field, *parse_bytes(self._cells[field], width), f"longer than {width} bytes")

    def word(self, field: str, meanings: Mapping[str, int]) -> Int64Array:
        """Return a column of words by their meaning; an unknown word refuses its row."""
        if field not in self._cells:
            return np.zeros(len(self), np.int64)
        known = ", ".join(word for word in meanings if word)
        return self._read(field, *parse_words(self._cells[field], meanings), f"none of {known}")  # type: ignore[no-any-return]
