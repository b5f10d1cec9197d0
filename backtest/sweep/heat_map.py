"""A heat map's numbers: two parameters of a sweep, and in each cell the best that was reached there."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Any

import msgspec

from .axis import Axis
from .metric import Metric
from .table import Row

__all__ = ["HeatMap", "Scale", "heat_maps"]

MOST_CELLS = 48  # on a side; more values than these share cells
RANGE_CELLS = 12
MOST_MAPS = 6
SIGNED = frozenset(("sharpe", "sharpe_yearly", "sortino", "calmar", "sqn", "average_trade", "total_return", "cagr", "net_profit"))


class Side(msgspec.Struct, frozen=True):
    """The cells of one axis: a label each, and for numbers that share cells their lower edges."""

    name: str
    labels: list[str]
    values: list[Any] = []
    edges: list[float] = []

    @classmethod
    def of(cls, axis: Axis) -> Side:
        """Return the side of an axis; many numbers, and ranges, are gathered into equal parts."""
        if axis.is_range:
            return cls._parts(axis.name, axis.low, axis.high, RANGE_CELLS)
        if len(axis.values) > MOST_CELLS and all(isinstance(value, int | float) for value in axis.values):
            return cls._parts(axis.name, float(min(axis.values)), float(max(axis.values)), MOST_CELLS // 2)
        return cls(axis.name, [_label(value) for value in axis.values], values=list(axis.values))

    @classmethod
    def _parts(cls, name: str, low: float, high: float, count: int) -> Side:
        step = (high - low) / count
        edges = [low + step * number for number in range(count)]
        return cls(name, [f"{edge:.4g}…" for edge in edges], edges=edges)

    def cell(self, value: Any) -> int:
        """Return the number of the cell that a value belongs to."""
        if self.edges:
            return max(0, bisect_right(self.edges, value) - 1)
        return next(at for at, one in enumerate(self.values) if one == value and isinstance(one, bool) == isinstance(value, bool))


class HeatMap(msgspec.Struct, frozen=True):
    """`cells[y][x]` is the best row of those parameters, None where there is none with a value."""

    x: Side
    y: Side | None
    cells: list[list[Row | None]]

    @property
    def others(self) -> bool:
        """Whether several runs may share a cell."""
        return bool(self.x.edges or (self.y is not None and self.y.edges))


class Scale:
    """How strongly a value is coloured, from -1 (worst) over 0 to 1 (best).

    A measure with a sign is coloured by its sign, in proportion to the largest of either; of others the worst is 0 and the best is 1.
    """

    def __init__(self, values: Iterable[float], metric: Metric) -> None:
        known = list(values)
        self._less_is_better = metric.less_is_better
        self.signed = metric.name in SIGNED
        self._low, self._high = min(known, default=0.0), max(known, default=0.0)

    @property
    def ends(self) -> tuple[float, float]:
        """Return the least and the greatest value."""
        return self._low, self._high

    def of(self, value: float) -> float:
        """Return the strength of a value's colour."""
        if self.signed:
            most = max(abs(self._low), abs(self._high))
            return value / most if most else 0.0
        width = self._high - self._low
        share = (value - self._low) / width if width else 1.0
        return 1.0 - share if self._less_is_better else share


def heat_maps(varied: list[Axis], rows: Iterable[Row], metric: Metric) -> list[HeatMap]:
    """Return the maps of the first pairs of varied parameters; of one parameter a map of one row; none if nothing varies."""
    ranked = [row for row in metric.ranked(rows) if metric.of(row) is not None]
    sides = [Side.of(axis) for axis in varied]
    if len(sides) == 1:
        return [_map(sides[0], None, ranked)]
    pairs = [(x, y) for at, y in enumerate(sides) for x in sides[at + 1 :]]
    return [_map(x, y, ranked) for x, y in pairs[:MOST_MAPS]]


def _map(x: Side, y: Side | None, ranked: list[Row]) -> HeatMap:
    cells: list[list[Row | None]] = [[None] * len(x.labels) for _ in (y.labels if y is not None else [""])]
    for row in reversed(ranked):  # the best is laid down last
        line = y.cell(row.parameters[y.name]) if y is not None else 0
        cells[line][x.cell(row.parameters[x.name])] = row
    return HeatMap(x, y, cells)


def _label(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
