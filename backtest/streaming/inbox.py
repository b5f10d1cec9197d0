"""The live rows that wait until their feed delivers them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gcg_quant._native import FastRows

if TYPE_CHECKING:
    from gcg_quant.events import Event

    from .bar_rows import BarRows, Columns, FeedRow
    from .tick_rows import TickRows

__all__ = ["Inbox"]

KEPT = 256  # delivered rows whose bounds are remembered


class Inbox:
    """Where a stream puts what a feed shows of the events that it takes."""

    def __init__(self, shape: BarRows | TickRows) -> None:
        self.classes: tuple[type[Event], ...] = shape.classes
        self.waiting = FastRows(KEPT)
        self._shape = shape

    def take(self, event: Any) -> bool:
        """Take one event; return whether it is for the feed."""
        row = self._shape.take(event)
        if row is None:
            return False
        self.waiting.append(row)
        return True

    def take_rows(self, rows: NDArray[Any], name_of: Callable[[int], tuple[str, str]]) -> tuple[NDArray[np.intp], Columns]:
        """Return which rows of a reader are for the feed and what it shows of them; that comes to it by `give` or `give_one`."""
        return self._shape.take_all(rows, name_of)

    def give(self, columns: Columns) -> None:
        """Put in what `take_rows` has returned."""
        self.waiting.extend(*columns)

    def give_one(self, row: FeedRow) -> None:
        """Put in one row of it."""
        self.waiting.append(row)
