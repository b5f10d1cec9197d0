"""The symbols that a collector watches, and how far it has read each of them."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from ..ordinals import Ordinals
from .terminal import FIRST
from .tick_cursor import TickCursor

__all__ = ["WatchList", "WatchedSymbol"]


class WatchedSymbol:
    """One symbol: what it is called here and there, its number in the instrument table, and its cursor, which outlives connections."""

    def __init__(self, symbol: str, name: str, number: int) -> None:
        self.symbol, self.name, self.number = symbol, name, number
        self.cursor = TickCursor(FIRST)
        self.ordinals = Ordinals()
        self.live_from_ms: int | None = None  # UTC: older ticks were missed for too long to be sent as new ones


class WatchList:
    """Symbols in the order in which the terminal has them. `lock` is held from a look at the order until the answer to it has come."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.watched: list[WatchedSymbol] = []
        self._all: dict[str, WatchedSymbol] = {}

    def begin(self, live_from_ms: int) -> None:
        """Watch nothing on a new connection yet; where a symbol was read before, ticks since `live_from_ms` are sent as new ones."""
        with self.lock:
            self.watched = []
            for one in self._all.values():
                one.live_from_ms = live_from_ms if one.cursor.newest_ms >= 0 else None

    def get(self, symbol: str, name: str, number: int) -> WatchedSymbol:
        """Return a symbol, which goes on where it was read to."""
        found = self._all.get(symbol)
        if found is None or found.name != name:
            found = self._all[symbol] = WatchedSymbol(symbol, name, number)
        return found

    def forget(self, symbols: Sequence[str]) -> None:
        """Watch these no more, and forget how far they were read."""
        for symbol in symbols:
            self._all.pop(symbol, None)
        self.watched = [one for one in self.watched if one.symbol not in symbols]

    def names(self) -> tuple[str, ...]:
        """Return the terminal's names, in order."""
        return tuple(one.name for one in self.watched)

    def known(self) -> bytes:
        """Return the times of the newest known ticks, as `Terminal.poll` takes them."""
        return np.array([one.cursor.newest_ms for one in self.watched], "<i8").tobytes()
