"""Holes: what a collector has missed of each symbol while it was not connected."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Hole", "Holes"]


class Hole(NamedTuple):
    """Market data of a symbol that is missing since `start_ns`, the venue's time of its last event."""

    symbol: str
    start_ns: int
    kind: str
    why: str


class Holes:
    """Knows of each symbol when its last event was, and which symbols miss events now. Any thread.

    While `cut`, no connection stands: what still comes of the one before was under way, and closes no hole.
    """

    def __init__(self) -> None:
        self.last_ns: dict[str, int] = {}  # the collector writes it with each event
        self.open: dict[str, Hole] = {}
        self.cut = False
        self._lock = threading.Lock()

    def begin(self, symbols: Iterable[str], kind: str, why: str) -> None:
        """Open a hole for each symbol of which anything has come, unless there is one."""
        with self._lock:
            for symbol in symbols:
                last_ns = self.last_ns.get(symbol)
                if last_ns is not None and symbol not in self.open:
                    self.open[symbol] = Hole(symbol, last_ns, kind, why)

    def begin_at(self, symbol: str, start_ns: int, kind: str, why: str) -> None:
        """Open a hole that began at a known time."""
        with self._lock:
            self.open.setdefault(symbol, Hole(symbol, start_ns, kind, why))

    def close(self, symbol: str, end_ns: int) -> Hole | None:
        """Return the hole of a symbol and forget it, if it has one that began before `end_ns`."""
        with self._lock:
            hole = self.open.get(symbol)
            if hole is None:
                return None
            if self.cut:
                self.open[symbol] = hole._replace(start_ns=min(hole.start_ns, end_ns))
                return None
            if end_ns <= hole.start_ns:
                return None
            del self.open[symbol]
            return hole

    def forget(self, symbol: str) -> None:
        """Forget a symbol that is no longer collected."""
        with self._lock:
            self.open.pop(symbol, None)
            self.last_ns.pop(symbol, None)
