"""One instrument's order book, as snapshots and changes tell it."""

from __future__ import annotations

from heapq import nlargest, nsmallest
from typing import TYPE_CHECKING, Any

import numpy as np

from gcg_quant.events import BookAction, BookDelta, Depth, Side

if TYPE_CHECKING:
    Levels = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["BookView"]


class BookView:
    """Sizes by price on both sides. A change acts as in the matching engine: see "Book deltas" in native/include/gcg/matching.h."""

    def __init__(self) -> None:
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        self._snapshot_ns = -1  # event time of the snapshot that the changes make, level by level
        self._of_changes = False

    def apply(self, event: Depth | BookDelta) -> None:
        """Take in a snapshot or a change."""
        if isinstance(event, Depth):
            self._bids = _sizes(event.bid_prices, event.bid_sizes)
            self._asks = _sizes(event.ask_prices, event.ask_sizes)
            self._of_changes = False
        else:
            self._change(event)

    def levels(self, count: int) -> tuple[Levels, Levels]:
        """Return (bids, asks), best first: arrays of rows (price, size)."""
        return _array(nlargest(count, self._bids.items())), _array(nsmallest(count, self._asks.items()))

    def _change(self, delta: BookDelta) -> None:
        clears = delta.action == BookAction.CLEAR
        begins = delta.action == BookAction.SNAPSHOT and delta.event_ns != self._snapshot_ns
        if begins or clears or not self._of_changes:
            both = begins or not self._of_changes or delta.side == Side.NONE
            if both or delta.side == Side.BUY:
                self._bids.clear()
            if both or delta.side == Side.SELL:
                self._asks.clear()
        self._of_changes = True
        if delta.action == BookAction.SNAPSHOT:
            self._snapshot_ns = delta.event_ns
        if clears or delta.side == Side.NONE:
            return
        side = self._bids if delta.side == Side.BUY else self._asks
        if delta.action == BookAction.DELETE or not delta.size > 0:
            side.pop(delta.price, None)
        else:
            side[delta.price] = delta.size


def _sizes(prices: tuple[float, ...], sizes: tuple[float, ...]) -> dict[float, float]:
    return {price: size for price, size in zip(prices, sizes, strict=True) if price == price and size == size}


def _array(rows: list[tuple[float, float]]) -> Levels:
    return np.array(rows, dtype=np.float64).reshape(-1, 2)
