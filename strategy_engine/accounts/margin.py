"""What positions tie up: each its own margin or, where the venue asks for the larger side alone, that of the larger one."""

from __future__ import annotations

from collections.abc import Iterable

from gcg_quant.events import PositionSide

from .position import Position

__all__ = ["tied_up"]


def tied_up(positions: Iterable[Position]) -> float:
    """Return the margin of some positions of one currency, in it.

    Floats are added in the order of the positions; then follow the instruments with `larger_side`, in the order in which they came.
    """
    total = 0.0
    sides: dict[int, list[float]] = {}
    for one in positions:
        if one.instrument.larger_side:
            sides.setdefault(one.number, [0.0, 0.0])[one.side == PositionSide.SHORT] += one.margin
        else:
            total += one.margin
    for both in sides.values():
        total += max(both)
    return total
