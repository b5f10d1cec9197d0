"""The terms that an account trades an instrument on: those of the bus, but never others while something of it is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gcg_quant.events import OrderRequest
from gcg_quant.instruments import Instrument

from ..gateways.base import MarketGateway
from ..orders.manager import OrderManager
from .books import Books

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

__all__ = ["TermsInUse"]


class TermsInUse:
    """Instruments by number, as the desk, its books and its simulated venue know them. It belongs to the engine's thread.

    Args:
        bus: whose instruments are traded.
        books: learn of terms.
        orders: an open one keeps the terms of its instrument.
        venue: learns of terms, too; None for a real one.
    """

    def __init__(self, bus: EventBus, books: Books, orders: OrderManager, venue: MarketGateway | None) -> None:
        self._instruments = bus.instruments
        self._count_rows = bus.native.instrument_count
        self._books = books
        self._orders = orders
        self._venue = venue
        self._terms: dict[int, Instrument] = {}
        self._current: dict[int, Instrument] = {}  # of them, those that are the bus's own as long as it has so many rows
        self._rows = 0

    @property
    def by_number(self) -> Mapping[int, Instrument]:
        """All of them."""
        return self._terms

    def of(self, request: OrderRequest) -> Instrument:
        """Return the terms behind a request; one without a symbol gets an instrument that nobody trades."""
        number = request.instrument
        if not number:
            return Instrument(symbol=request.symbol or "?", venue=request.venue)
        if self._count_rows() == self._rows:
            current = self._current.get(number)
            if current is not None:
                return current
        return self.get(number)

    def get(self, number: int) -> Instrument:
        """Return the terms of an instrument number; new ones are taken over while none of its orders and positions is open."""
        rows = self._count_rows()
        if rows != self._rows:
            self._rows, self._current = rows, {}
        known, found = self._terms.get(number), self._instruments[number]
        if found is not known:
            if known is not None and (self._books.accounts.held(number) or any(self._orders.open_orders(number=number))):
                return known
            self.take(number, found)
        self._current[number] = found
        return found

    def take(self, number: int, instrument: Instrument) -> None:
        """Trade an instrument number on these terms from now on; none of its orders and positions is open."""
        current = self._instruments[number]
        self._terms[number] = terms = current if current == instrument else instrument
        self._books.set_terms(number, terms)
        if self._venue is not None:
            self._venue.set_terms(number, terms)
