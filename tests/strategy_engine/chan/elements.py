"""The elements of the analyzer and of the plain implementation in one form, to be compared: rows of plain values, NaN as None."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from gcg_quant.strategy_engine.chan import ChanAnalyzer

from .plain_chan import Analysis, Bar

Rows: TypeAlias = dict[str, list[tuple[Any, ...]]]

FIELDS = {
    "merged": ("first", "last", "high", "low", "up", "confirmed"),
    "fractals": ("top", "merged", "bar", "price", "confirmed"),
    "strokes": ("up", "begin", "begin_price", "end", "end_price", "begin_ns", "end_ns", "force", "confirmed"),
    "segments": ("up", "first", "last", "begin", "begin_price", "end", "end_price", "begin_ns", "end_ns", "confirmed"),
    "pivots": ("first", "last", "zd", "zg", "dd", "gg", "begin", "end", "begin_ns", "end_ns", "formed", "confirmed"),
    "points": ("kind", "stroke", "bar", "price", "time_ns", "pivot", "force", "force_before", "confirmed"),
}


def arrays_of(bars: Sequence[Bar]) -> tuple[np.ndarray[Any, Any], ...]:
    """Return times, highs, lows and closes as the analyzer takes them."""
    columns = list(zip(*bars, strict=True)) or [(), (), (), ()]
    return (np.array(columns[0], np.int64), *(np.array(column, np.float64) for column in columns[1:]))


def analyzer_of(bars: Sequence[Bar], **parameters: Any) -> ChanAnalyzer:
    """Return an analyzer that got the bars at once."""
    analyzer = ChanAnalyzer(**parameters)
    analyzer.extend(*arrays_of(bars))
    return analyzer


def rows_of(analyzer: ChanAnalyzer) -> Rows:
    """Return the analyzer's elements."""
    return {name: rows_in(getattr(analyzer, name), fields) for name, fields in FIELDS.items()}


def singular(name: str) -> str:
    """Return how `latest` and `since` call the elements that the analyzer has as an array of this name."""
    return name if name == "merged" else name.removesuffix("s")


def rows_in(array: np.ndarray[Any, Any], fields: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return the named fields of each record."""
    columns = [array[field].tolist() for field in fields]
    return [tuple(map(plain_value, row)) for row in zip(*columns, strict=True)]


def plain_value(value: Any) -> Any:
    """Return text for bytes, and None for NaN, which equals nothing."""
    return value.decode() if isinstance(value, bytes) else None if value != value else value


def rows_by_rule(bars: Sequence[Bar], analysis: Analysis) -> Rows:
    """Return the plain implementation's elements, with the prices and times that follow from their strokes."""
    legs = analysis.strokes

    def span(first: int, last: int) -> dict[str, Any]:
        begin, end = legs[first], legs[last]
        prices = {"begin": begin.begin, "begin_price": begin.begin_price, "end": end.end, "end_price": end.end_price}
        return {**prices, "begin_ns": bars[begin.begin].time_ns, "end_ns": bars[end.end].time_ns}

    full: dict[str, Iterable[dict[str, Any]]] = {
        "merged": (merged._asdict() for merged in analysis.merged),
        "fractals": (fractal._asdict() for fractal in analysis.fractals),
        "strokes": ({**leg._asdict(), **span(k, k)} for k, leg in enumerate(legs)),
        "segments": ({**segment._asdict(), **span(segment.first, segment.last)} for segment in analysis.segments),
        "pivots": ({**pivot._asdict(), **span(pivot.first, pivot.last)} for pivot in analysis.pivots),
        "points": (
            {**point._asdict(), "bar": leg.end, "price": leg.end_price, "time_ns": bars[leg.end].time_ns}
            for point in analysis.points
            for leg in (legs[point.stroke],)
        ),
    }
    return {name: [tuple(plain_value(row[field]) for field in FIELDS[name]) for row in rows] for name, rows in full.items()}


def confirmed_in(rows: Rows, bars: int | None = None) -> Rows:
    """Return the rows that are confirmed, or that were after the first `bars` bars: `confirmed` is each row's last field."""
    return {name: [row for row in some if row[-1] >= 0 and (bars is None or row[-1] < bars)] for name, some in rows.items()}
