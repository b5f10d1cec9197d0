"""The trading desk of a venue that lives on without us: what the link does not allow is refused, what got lost is found again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isnan
from typing import TYPE_CHECKING

from gcg_quant.events import ModifyRequest, OrderRequest, OrderStatus, RiskReason
from gcg_quant.instruments import Instrument

from ..desk.answers import Log
from ..desk.books import Books
from ..desk.desk import TradingDesk
from ..gateways.base import Change, Gateway, GatewayReport, ReportKind, VenueOrder
from ..orders.manager import OrderManager, Publish
from ..orders.order import Order, WholeTerms
from .reports import VenueReports

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

__all__ = ["Gate", "VenueDesk"]

Gate = Callable[[OrderRequest | ModifyRequest], list[tuple[RiskReason, str]]]


class VenueDesk(TradingDesk):
    """A desk that knows that reports can be missing.

    Attributes:
        gate: says why a request must not go out now; set by the link to the venue.
        reports: what the gateway says, and what it was asked and has not answered.
    """

    def __init__(self, bus: EventBus, books: Books, gateway: Gateway, orders: OrderManager, publish: Publish, log: Log) -> None:
        super().__init__(bus, books, gateway, orders, publish, log)
        self.gate: Gate = lambda request: []
        self.reports: VenueReports = VenueReports(books, orders, gateway.name, publish, log, self.held.ended_as, self.held.review)

    def modify(self, request: ModifyRequest) -> None:
        """Have an order changed, unless the way to the venue is closed."""
        order = self.orders.find(request.request, request.client_id)
        closed = [text for _, text in self.gate(request)]
        if order is None or not closed:
            super().modify(request)
        else:
            self.answers.refuse(order, f"change refused: {'; '.join(closed)}", self.now_ns(request), request.id)

    def cancel_order(self, order: Order, now_ns: int, cause: int, reason: str = "") -> None:
        """Send a cancellation; an order that has waited for the connection since a restart was never sent, and just ends."""
        if order.status == OrderStatus.RISK_CHECKED:
            self.orders.move(order, OrderStatus.CANCELLED, event_ns=now_ns, cause=cause, reason=reason or "it was never sent")
            self.held.review(order, now_ns, cause)
        else:
            super().cancel_order(order, now_ns, cause, reason)

    # ---- after a restart or a lost connection

    def expect_change(self, request: ModifyRequest) -> None:
        """Take up a change of before a restart that the venue may or may not have heard of; nothing is sent."""
        order = self.orders.find(request.request, request.client_id)
        if order is None or order.is_final:
            return
        new = [None if isnan(value) else value for value in (request.quantity, request.price, request.stop_price)]
        self.reports.expect(
            order, Change(request=order.request_id, client_id=order.client_id, quantity=new[0], price=new[1], stop_price=new[2])
        )

    def adopt_terms(self, at_venue: Iterable[VenueOrder]) -> None:
        """Take over the terms that our open orders have at the venue: the answers to the changes that led to them have got lost."""
        for one in at_venue:
            order = self.orders.find(client_id=one.client_id)
            if order is None or order.is_final or order.held:
                continue
            whole = _terms_of(one, order)
            waiting = self.reports.pending(order) if whole != order.whole else []
            for _ in range(max((place for place, change in enumerate(waiting, 1) if change == whole), default=0)):
                self._tell(order, ReportKind.MODIFIED, "")
            self.drain(0)
            if whole != order.whole:  # of a change that a restart has forgotten, or that somebody made at the venue itself
                self.reports.adopt(order, whole, max(self.clock_ns, order.report.event_ns))

    def send_changes_again(self) -> None:
        """Ask again for the changes that the venue has not answered."""
        for order, change in self.reports.unanswered():
            self.gateway.modify(change, max(self.clock_ns, order.report.event_ns))
        self.drain(0)

    def end(self, order: Order, kind: ReportKind, reason: str) -> None:
        """End an order of which nothing is at the venue."""
        self._tell(order, kind, reason)
        self.drain(0)

    # ---- inside

    def _tell(self, order: Order, kind: ReportKind, reason: str) -> None:
        self.listen(GatewayReport(kind=kind, client_id=order.client_id, event_ns=max(self.clock_ns, order.report.event_ns), reason=reason))

    def _obstacles(self, request: OrderRequest, instrument: Instrument) -> list[tuple[RiskReason, str]]:
        # The gate knows better than "not connected" why nothing goes out.
        found = [one for one in super()._obstacles(request, instrument) if one[0] != RiskReason.GATEWAY_DOWN]
        return [*found, *self.gate(request)]


def _terms_of(one: VenueOrder, order: Order) -> WholeTerms:
    instrument, ours = order.instrument, order.whole
    price, stop = (
        old if old is None or isnan(theirs) else instrument.ticks(theirs)
        for old, theirs in ((ours.price_ticks, one.price), (ours.stop_ticks, one.stop_price))
    )
    return WholeTerms(instrument.lots(one.quantity), price, stop)
