"""The past of what a collector collects, filled in at its start while it collects."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from gcg_quant.backoff import Backoff
from gcg_quant.stretches import joined

from .backfill import Piece, pieces, refilled, stored

if TYPE_CHECKING:
    from .collector import ExchangeCollector

__all__ = ["Past"]

_SAY_EVERY = 0.1  # of the whole


class Past:
    """Fills in `history_ns` of each symbol, one piece after the other, as BACKFILL. Its errands run on a worker thread.

    A piece that was filled in is told of on the bus behind its rows: killed in between, the next one goes on behind it. What the stored
    history has is not asked for, either.

    Args:
        collector: whose past it is.
        send: runs a function on a worker thread.
    """

    def __init__(self, collector: ExchangeCollector, send: Callable[[Callable[[], None]], None]) -> None:
        self._one = collector
        self._send = send
        self._backoff = Backoff(1.0, 60.0)
        self._ending = threading.Event()
        self._todo: deque[Piece] = deque()
        self._done = self._all = 0
        self._said = 0.0
        self._refused: set[tuple[str, str]] = set()

    @property
    def share(self) -> float | None:
        """How much of it is done, 0 to 1; None if there is nothing to fill in."""
        return round(self._done / self._all, 3) if self._all else None

    def begin(self) -> None:
        """Begin to fill in the past of all symbols, once the collector is connected."""
        self._ending.clear()
        self._todo.clear()
        self._done = self._all = 0
        self._said = 0.0
        if self._one.history_ns:
            self._send(lambda: self._plan(sorted(self._one.symbols)))

    def add(self, symbol: str) -> None:
        """Fill in the past of a symbol that was taken on."""
        if self._one.history_ns:
            self._send(lambda: self._plan([symbol]))

    def end(self) -> None:
        """Stop after the piece of now."""
        self._ending.set()

    def _plan(self, symbols: list[str]) -> None:
        one = self._one
        while not one.connection.connected:  # terms and sessions are known then
            if self._ending.wait(0.05):
                return
        now = one.recv_ns()
        begin = now - one.history_ns
        table = one.bus.instruments
        known = refilled(one.bus, one.name)

        def there(symbol: str, what: str) -> list[tuple[int, int]]:
            kept = stored(one.history, symbol, one.venue_of(symbol), what, begin, now)
            return joined([*known.get((symbol, what), ()), *kept])

        found = list(
            pieces(
                [symbol for symbol in symbols if symbol in one.symbols],
                one.history_kinds,
                begin,
                now,
                known=there,
                traded=lambda symbol, start, end: one.terms.traded(symbol, start, end, table),
            )
        )
        self._todo.extend(found)
        self._all += len(found)
        if found:
            one.log(f"history of {len({piece.symbol for piece in found})} symbols: {len(found)} pieces to fill in")
            self._send(self._next)

    def _next(self) -> None:
        # One piece an errand, so that holes of the live stream are filled in between.
        if self._ending.is_set() or not self._todo:
            return
        one, piece = self._one, self._todo[0]
        try:
            if piece.symbol in one.symbols and (piece.symbol, piece.what) not in self._refused:
                rows = one.refill(piece.symbol, piece.what, piece.start_ns, piece.end_ns)
                if rows is None:
                    self._refused.add((piece.symbol, piece.what))
            self._backoff.reset()
        except OSError as error:
            one.fault("history", f"{piece.symbol} {piece.what}: {error}")
            if not self._ending.wait(self._backoff.next_s()):
                self._send(self._next)
            return
        except Exception as error:  # one piece that cannot be had does not keep the others
            one.fault("history", f"{piece.symbol} {piece.what}: {type(error).__name__}: {error}")
        self._todo.popleft()
        self._done += 1
        if self._done == self._all or self._done / self._all - self._said >= _SAY_EVERY:
            self._said = self._done / self._all
            one.log(f"history: {self._said:.0%} filled in ({piece.symbol})")
        if self._todo:
            self._send(self._next)
