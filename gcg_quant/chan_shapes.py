"""Chan elements as shapes over a chart of prices: strokes and segments as lines, pivots as boxes, points as marks with a word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["CHAN_PARTS", "Shape", "ShapeStyle", "chan_shapes"]

ShapeStyle: TypeAlias = Literal["thin", "thick", "box", "marker"]
# Begin (a bar's place: its time or number), price, end, price, whether it is confirmed (else it may still change), what is written at it.
Shape: TypeAlias = tuple[int, float, int, float, bool, str]

# The parts that are drawn, in this order, and how.
CHAN_PARTS: dict[str, ShapeStyle] = {"strokes": "thin", "segments": "thick", "pivots": "box", "points": "marker"}
# Per part: the fields of begin, price, end, price.
_FIELDS = {
    "strokes": ("begin", "begin_price", "end", "end_price"),
    "segments": ("begin", "begin_price", "end", "end_price"),
    "pivots": ("begin", "zd", "end", "zg"),
    "points": ("bar", "price", "bar", "price"),
}


def chan_shapes(part: str, records: npt.NDArray[Any], places: npt.NDArray[np.int64], confirmed: Sequence[bool]) -> list[Shape]:
    """Return records of a `ChanAnalyzer` as shapes, in their order.

    Args:
        part: whose they are, of CHAN_PARTS.
        records: of the analyzer.
        places: where each of its bars is drawn.
        confirmed: whether each record is confirmed.
    """
    begin, price, end, other = (records[field] for field in _FIELDS[part])
    words = [kind.decode() for kind in records["kind"].tolist()] if part == "points" else [""] * len(records)
    columns = (places[begin].tolist(), price.tolist(), places[end].tolist(), other.tolist(), confirmed, words)
    return list(zip(*columns, strict=True))
