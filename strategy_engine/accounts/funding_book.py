"""The funding that a venue has paid or charged: each payment once, and the positions that were held at its time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from gcg_quant.clock import NS_PER_DAY, NS_PER_SECOND
from gcg_quant.events import Fill, FundingPayment, PositionSide

from .position import Position

__all__ = ["FundingBook"]

_FILLS_KEPT = 1000  # of an instrument
_OVERLAP_NS = NS_PER_DAY  # so much of what is known is asked for again: a venue may write a payment down late
_IDS_NS = 2 * _OVERLAP_NS  # ... and so long ids are kept
# Who opens or closes within a moment of the funding time may be charged, or not (Binance: 15 s).
_TRIES_NS = (0, 60 * NS_PER_SECOND, -60 * NS_PER_SECOND)


class FundingBook:
    """Payments by the venue's ids, and the latest fills, which tell who held what when. It belongs to the accounts."""

    def __init__(self) -> None:
        self._first_ns = 0  # of the fills
        self._newest_ns = 0  # of the payments
        self._ids: dict[str, int] = {}
        self._fills: dict[int, deque[tuple[int, str, int, int]]] = {}  # by instrument number: event_ns, strategy, side, signed lots

    @property
    def since_ns(self) -> int:
        """From when on payments may be missing, 0 if nothing was ever traded."""
        return max(0, (self._newest_ns or self._first_ns) - _OVERLAP_NS)

    def knows(self, payment_id: str) -> bool:
        """Return whether a payment was booked."""
        return payment_id in self._ids

    def add_fill(self, fill: Fill, number: int, side: PositionSide, lots: int) -> None:
        """Take note of what a fill moved, in signed lots."""
        self._first_ns = self._first_ns or fill.event_ns
        self._fills.setdefault(number, deque(maxlen=_FILLS_KEPT)).append((fill.event_ns, fill.strategy, int(side), lots))

    def add(self, event: FundingPayment) -> None:
        """Take note of a payment."""
        if event.payment_id:
            self._ids[event.payment_id] = event.due_ns
            self._newest_ns = max(self._newest_ns, event.due_ns)
            for one in [one for one, due_ns in self._ids.items() if due_ns < self._newest_ns - _IDS_NS]:
                del self._ids[one]

    def split(self, amount: float, due_ns: int, positions: Iterable[Position]) -> list[tuple[Position, int, float]]:
        """Return the positions of one instrument that a payment is of, with their lots then and their parts of it; none if nobody held any.

        Longs and shorts are charged and paid alike; where they are equal, by their size alone.
        """
        found = list(positions)
        for later_ns in _TRIES_NS:
            held = [(one, lots) for one in found if (lots := self._lots(one, due_ns + later_ns))]
            if held:
                net = sum(lots for _, lots in held)
                if net:
                    return [(one, lots, amount * lots / net) for one, lots in held]
                whole = sum(abs(lots) for _, lots in held)
                return [(one, lots, amount * abs(lots) / whole) for one, lots in held]
        return []

    def rows(self) -> tuple[int, int, list[tuple[str, int]], list[tuple[int, list[tuple[int, str, int, int]]]]]:
        """Return all of it as plain values."""
        return self._first_ns, self._newest_ns, list(self._ids.items()), [(number, list(rows)) for number, rows in self._fills.items()]

    def load(self, rows: Any) -> None:
        """Take over what `rows` returned."""
        self._first_ns, self._newest_ns, ids, fills = rows
        self._ids = dict(ids)
        self._fills = {number: deque((tuple(row) for row in found), maxlen=_FILLS_KEPT) for number, found in fills}

    def _lots(self, position: Position, at_ns: int) -> int:
        # What is held now less what was traded since. Where those fills are not known any more, what is held now has to do.
        fills = self._fills.get(position.number, ())
        own = (position.strategy, int(position.side))
        return position.lots - sum(lots for event_ns, strategy, side, lots in fills if event_ns > at_ns and (strategy, side) == own)
