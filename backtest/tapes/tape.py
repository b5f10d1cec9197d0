"""The bars of a backtest on its own bus, laid down between the orders they led to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..history.bars import BarArray, join_bars

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

__all__ = ["BarTape"]

BATCH = 50_000


class BarTape:
    """Publishes a run's bars in the order of their ends, only as far as the run has come.

    A backtest's journal then reads like a recorded session: bar, order, fill, next bar; and it costs a batch frame for each order, not
    a frame for each bar. One thread.

    Args:
        bus: the run's own bus.
        bars: the arrays of `Bar.dtype`, by (symbol, venue).
    """

    def __init__(self, bus: EventBus, bars: Mapping[tuple[str, str], BarArray]) -> None:
        self._bus = bus
        parts = []
        for (symbol, venue), array in bars.items():
            part = array.copy()
            part["instrument"] = bus.instruments.number(symbol, venue)
            parts.append(part)
        rows = join_bars(parts)
        self._rows = rows[np.argsort(rows["event_ns"], kind="stable")]
        self._ends = np.ascontiguousarray(self._rows["event_ns"])
        self._done = 0
        self.last_id = 0  # of the newest bar on the bus

    @property
    def left(self) -> int:
        """Return how many bars have not been published yet."""
        return len(self._rows) - self._done

    def forward(self, time_ns: int | None = None) -> None:
        """Publish the bars that end at `time_ns` or before (None: all that are left)."""
        upto = len(self._rows) if time_ns is None else int(np.searchsorted(self._ends, time_ns, side="right"))
        while self._done < upto:
            end = min(upto, self._done + BATCH)
            first = self._bus.publish_batch(self._rows[self._done : end], cause=0)
            self.last_id = first + end - self._done - 1
            self._done = end

    def close(self) -> None:
        """Nothing is held: another tape's is a reader."""
