"""Claims: what open orders may close, and what they may open, where long and short positions are held apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from gcg_quant.events import Offset, OrderCommand, OrderFlag, OrderRequest, Side
from gcg_quant.instruments import Instrument

from ..accounts.accounts import Accounts
from ..orders.order import Order
from .offsets import asked_offset, closes
from .reduce_only import is_reduce_only

__all__ = ["Claims"]

_OCO = int(OrderFlag.OCO)
_Row: TypeAlias = tuple[OrderRequest | OrderCommand, int]  # an order's terms, and the lots of it that count


class Claims:
    """The open orders of instruments with `legs`, by strategy and instrument.

    The lots that count need not be an order's own: those of a change count as soon as the venue is asked for it. Whether an order opens or
    closes is read from its terms at every question, so that nothing has to be told when its offset is chosen.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._orders: dict[tuple[str, int], dict[int, tuple[Order, int]]] = {}

    def count(self, order: Order, lots: int) -> None:
        """Count `lots` more (or, if negative, less) of an order."""
        key = (order.strategy, order.number)
        orders = self._orders.setdefault(key, {})
        lots += orders.get(order.request_id, (order, 0))[1]
        if lots:
            orders[order.request_id] = (order, lots)
        else:
            orders.pop(order.request_id, None)
            if not orders:
                del self._orders[key]

    def closing(self, strategy: str, number: int, side: Side) -> int:
        """Return how many lots the open orders of a side may close."""
        return sum(lots for terms, lots in self._rows(strategy, number, side) if terms.offset != Offset.OPEN)

    def opening(self, strategy: str, number: int, instrument: Instrument, side: Side) -> int:
        """Return how many lots more than are held the open orders of a side may come to tie up margin for."""
        return self._opening(self._rows(strategy, number, side), strategy, number, instrument, side)

    def measure(
        self, terms: OrderRequest | OrderCommand, number: int, instrument: Instrument, lots: int, replaces: Order | None
    ) -> tuple[int, int]:
        """Return how many lots of an order do not close anything, and how many more it adds to `opening`.

        Args:
            terms: the order's.
            number: its instrument's number.
            instrument: its instrument.
            lots: its quantity.
            replaces: the open order that it is a change of, if it is one.
        """
        strategy, side = terms.strategy, terms.side
        others = list(self._rows(strategy, number, side, besides=replaces))
        before = others if replaces is None else self._rows(strategy, number, side)
        added = self._opening([*others, (terms, lots)], strategy, number, instrument, side)
        added -= self._opening(before, strategy, number, instrument, side)
        said = _said(terms)
        if said != Offset.NONE:
            return (lots if said == Offset.OPEN else 0), added
        free = self._held(strategy, number, side) - sum(own for one, own in others if _said(one) not in (Offset.OPEN, Offset.NONE))
        return max(0, lots - max(0, free)), added

    # ---- inside

    def _rows(self, strategy: str, number: int, side: Side, besides: Order | None = None) -> Iterator[_Row]:
        for order, lots in self._orders.get((strategy, number), {}).values():
            if order.side == side and order is not besides:
                yield order.terms, lots

    def _held(self, strategy: str, number: int, side: Side) -> int:
        position = self._accounts.position(strategy, number, closes(side))
        return 0 if position is None else abs(position.lots)

    def _opening(self, rows: Iterable[_Row], strategy: str, number: int, instrument: Instrument, side: Side) -> int:
        opened = closing = 0
        unsaid: dict[object, int] = {}  # of an OCO group one order counts
        for place, (terms, lots) in enumerate(rows):
            said = _said(terms)
            if said == Offset.OPEN:
                opened += lots
            elif said == Offset.NONE:
                group = terms.group if terms.order_flags & _OCO and terms.group else place
                unsaid[group] = max(unsaid.get(group, 0), lots)
            else:
                closing += lots
        free = max(0, self._held(strategy, number, side) - closing)
        # An order without an offset closes first. Where both sides tie up margin, what it closes makes room for as much again.
        return opened + max(0, sum(unsaid.values()) - (free if instrument.larger_side else 2 * free))


def _said(terms: OrderRequest | OrderCommand) -> Offset:
    # OPEN and what closes alone; NONE closes first and opens the rest. A child closes what its parent opens.
    if terms.parent or is_reduce_only(terms):
        return Offset.CLOSE
    return asked_offset(terms) or Offset.NONE
