"""What the Chan analyzer finds, as NumPy's structured arrays: names, types and order of the fields of each kind.

Bars, merged bars, strokes, segments and pivots are numbered from 0 on, over the whole history. docs/chan.md has the rules.
"""

from __future__ import annotations

from enum import IntFlag
from typing import Any

import numpy as np

__all__ = ["DTYPES", "KINDS", "NOT_YET", "Change"]

KINDS = ("merged", "fractal", "stroke", "segment", "pivot", "point")
NOT_YET = -1  # in `confirmed` and `formed`: this row may still change, or go away


class Change(IntFlag):
    """Which kinds have rows that are new or other after a bar."""

    MERGED = 1
    FRACTAL = 2
    STROKE = 4
    SEGMENT = 8
    PIVOT = 16
    POINT = 32


def _dtype(*fields: tuple[str, str]) -> np.dtype[Any]:
    return np.dtype([(name, {"bar": "<i8", "price": "<f8"}.get(kind, kind)) for name, kind in fields], align=True)


_PATH = (
    *(("begin", "bar"), ("begin_price", "price"), ("end", "bar"), ("end_price", "price")),
    *(("begin_ns", "bar"), ("end_ns", "bar")),
)

DTYPES: dict[str, np.dtype[Any]] = {
    "merged": _dtype(("first", "bar"), ("last", "bar"), ("high", "price"), ("low", "price"), ("up", "?"), ("confirmed", "bar")),
    "fractal": _dtype(("top", "?"), ("merged", "bar"), ("bar", "bar"), ("price", "price"), ("confirmed", "bar")),
    "stroke": _dtype(("up", "?"), *_PATH, ("force", "price"), ("confirmed", "bar")),
    "segment": _dtype(("up", "?"), ("first", "bar"), ("last", "bar"), *_PATH, ("confirmed", "bar")),
    "pivot": _dtype(
        *(("first", "bar"), ("last", "bar"), ("zd", "price"), ("zg", "price"), ("dd", "price"), ("gg", "price")),
        *(("begin", "bar"), ("end", "bar"), ("begin_ns", "bar"), ("end_ns", "bar"), ("formed", "bar"), ("confirmed", "bar")),
    ),
    "point": _dtype(
        *(("kind", "S2"), ("stroke", "bar"), ("bar", "bar"), ("price", "price"), ("time_ns", "bar"), ("pivot", "bar")),
        *(("force", "price"), ("force_before", "price"), ("confirmed", "bar")),
    ),
}
