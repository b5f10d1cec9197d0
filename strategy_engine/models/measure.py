"""What a feature measures: a number of bars and a function of exactly those."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .bar_window import BarWindow

__all__ = ["Measure"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A value at a bar, made of this bar and the `bars - 1` before it, and of nothing else.

    So it is the same number whenever the reading began: in training, where all bars are there, and live, where the oldest are those of
    a warm-up. `compute` is called once a bar, and only when that many bars are there; NaN is "not known".
    """

    bars: int
    compute: Callable[[BarWindow], float] = field(repr=False)
