"""Cells to values: a column of text, or a typed Parquet column, as an array; what cannot be read is marked, not guessed.

A number is the double nearest to its decimal text (ties to even), as Python's `float` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from ..zones import Int64Array

__all__ = ["BoolArray", "FloatArray", "as_text", "parse_bytes", "parse_days", "parse_integers", "parse_numbers", "parse_words", "words_of"]

FloatArray: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
BoolArray: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_INTEGER = r"^[+-]?[0-9]{1,18}$"
_DAY = r"^(1[6-9]|2[0-2])[0-9]{2}[-/.]?[0-9]{2}[-/.]?[0-9]{2}$"


def as_text(cells: Any) -> Any:
    """Return a column as a pyarrow string array without outer blanks; null stays null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_string(cells.type):
        cells = pc.cast(cells, pa.string())
    trimmed = pc.utf8_trim_whitespace(cells)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def parse_numbers(cells: Any) -> tuple[FloatArray, BoolArray]:
    """Return (values, bad): NaN where the cell is empty; bad where it is no finite number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)):
        values = pc.cast(cells, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return values, np.isinf(values)
    try:
        parsed = pc.cast(cells, pa.float64())
    except pa.ArrowInvalid:
        texts = as_text(cells)
        legal = pc.match_substring_regex(texts, pattern=_NUMBER)
        parsed = pc.cast(pc.if_else(legal, texts, pa.scalar(None, pa.string())), pa.float64())
        cells = texts
    values = parsed.to_numpy(zero_copy_only=False)
    return values, np.isinf(values) | (np.isnan(values) & np.asarray(pc.is_valid(cells)))


def parse_integers(cells: Any, absent: int) -> tuple[Int64Array, BoolArray]:
    """Return (values, bad): `absent` where the cell is empty; bad where it is no whole number of at most 18 digits."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = as_text(cells)
    legal = pc.fill_null(pc.match_substring_regex(texts, pattern=_INTEGER), False)
    bad = np.asarray(pc.and_(pc.is_valid(texts), pc.invert(legal)))
    values = pc.cast(pc.if_else(legal, pc.utf8_ltrim(texts, "+"), str(absent)), pa.int64())
    return np.asarray(values, np.int64), bad


def words_of(cells: Any) -> tuple[Any, Int64Array]:
    """Return (the different texts of a column without outer blanks, null where it is empty; which of them each cell is)."""
    import pyarrow as pa

    if not pa.types.is_string(cells.type):
        cells = as_text(cells)
    kinds = cells.dictionary_encode("encode")
    return as_text(kinds.dictionary), np.asarray(kinds.indices, np.int64)


def parse_days(cells: Any) -> tuple[Int64Array, BoolArray]:
    """Return (days as YYYYMMDD, bad): 0 where the cell is empty."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts, which = words_of(cells)
    legal = pc.fill_null(pc.match_substring_regex(texts, pattern=_DAY), False)
    digits = pc.replace_substring_regex(texts, pattern="[-/.]", replacement="")
    bad = np.asarray(pc.and_(pc.is_valid(texts), pc.invert(legal)))
    return np.asarray(pc.cast(pc.if_else(legal, digits, "0"), pa.int64()), np.int64)[which], bad[which]


def parse_bytes(cells: Any, width: int) -> tuple[Any, BoolArray]:
    """Return (an array of `S<width>`, bad): empty where the cell is; bad where the text has more than `width` bytes."""
    import pyarrow.compute as pc

    texts, which = words_of(cells)
    texts = pc.fill_null(texts, "")
    bad = np.asarray(pc.greater(pc.binary_length(texts), width))
    words = np.array([word.encode()[:width] for word in texts.to_pylist()] or [b""], f"S{width}")
    return words[which], bad[which]


def parse_words(cells: Any, meanings: Mapping[str, int]) -> tuple[Int64Array, BoolArray]:
    """Return (values by the table `meanings`, compared without case, bad); an empty cell is looked up as ""."""

    texts, which = words_of(cells)
    values = np.array([meanings.get((word or "").lower(), -1) for word in texts.to_pylist()] or [0], np.int64)
    found = values[which]
    return np.where(found < 0, 0, found), found < 0
