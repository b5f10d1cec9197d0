"""What an indicator draws that is no line of values: strokes, boxes and marks, each from one bar to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol, TypeAlias

from gcg_quant.chan_shapes import Shape

from .columns import Columns, Floats

__all__ = ["Drawn", "ShapePart", "Shapes", "Tracker"]


class ShapePart(NamedTuple):
    """The shapes of one name, sorted by their begin (a bar's time, s): those up to `after` stay as they are; None: none does."""

    after: int | None
    rows: list[Shape]


Shapes: TypeAlias = Mapping[str, ShapePart]


class Tracker(Protocol):
    """Finds the shapes of one series as its rows come."""

    def take(self, columns: Columns, first: int) -> Shapes:
        """Take rows of which those from `first` on are new or have changed; return the parts that differ from what was returned before."""


class Drawn(dict[str, Floats]):
    """What an indicator draws: the values of its lines by their names, and `shapes`."""

    shapes: Shapes

    def __init__(self, lines: Mapping[str, Floats] | None = None, shapes: Shapes | None = None) -> None:
        super().__init__(lines or {})
        self.shapes = shapes or {}

    def cut(self, count: int) -> Drawn:
        """Return it with the first `count` values of each line."""
        return Drawn({name: line[:count] for name, line in self.items()}, self.shapes)
