"""What a gateway to a real venue says: an order may be unknown there, and an answer may never come."""

from __future__ import annotations

from math import isfinite, nan
from typing import Any

from gcg_quant.errors import GatewayError
from gcg_quant.events import FundingPayment

from ..desk.reports import Reports
from ..gateways.base import Change, FundingReport, GatewayReport, ReportKind
from ..orders.order import Order, WholeTerms

__all__ = ["VenueReports"]


class VenueReports(Reports):
    """Takes in reports that can be missing.

    Attributes:
        heard: how many reports have been handled.
        missing: orders by client id that the venue said it does not know; emptied by the link before it asks.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.heard = 0
        self.missing: dict[str, Order] = {}

    def unanswered(self) -> list[tuple[Order, Change]]:
        """Return the changes that the venue has not answered, with their orders, in the order in which it was asked."""
        found = []
        for client_id, waiting in self._changes.items():
            order = self._orders.find(client_id=client_id)
            found += [] if order is None else [(order, change) for change in waiting]
        return found

    def adopt(self, order: Order, whole: WholeTerms, event_ns: int) -> None:
        """Take over terms that an order has at the venue and that nobody here has asked for."""
        with self._counted(order):
            self._orders.change(order, whole, event_ns=event_ns, cause=0)

    def _handle(self, report: GatewayReport, cause: int) -> None:
        self.heard += 1
        if isinstance(report, FundingReport):
            self._fund(report, cause)
            return
        if report.kind != ReportKind.UNKNOWN:
            super()._handle(report, cause)
            return
        order = self._orders.find(client_id=report.client_id)
        if order is not None and not order.is_final:
            self.missing[order.client_id] = order

    def _fund(self, report: FundingReport, cause: int) -> None:
        accounts = self._books.accounts
        book = accounts.funding
        if book is None or book.knows(report.payment_id):
            return
        if not report.payment_id or not isfinite(report.amount):
            raise GatewayError(f"the payment {report.payment_id!r} of {report.amount:g} for {report.symbol} cannot be booked")
        own = [one for one in accounts.positions.values() if (one.instrument.symbol, one.instrument.venue) == (report.symbol, report.venue)]
        parts = book.split(report.amount, report.event_ns, own)
        if not parts:
            whose = f"{report.amount:g} {report.currency} for {report.symbol}, when account {accounts.account} held none"
            self._log(f"{self._gateway} tells of funding of {whose}: it is not booked.", "warning", cause)
            return
        event = FundingPayment(
            symbol=report.symbol,
            venue=report.venue,
            account=accounts.account,
            event_ns=report.event_ns,
            due_ns=report.event_ns,
            rate=nan,
            price=nan,
            currency=report.currency,
            payments=[(one.strategy, int(one.side), one.instrument.quantity(lots), amount) for one, lots, amount in parts],
            payment_id=report.payment_id,
        )
        self._books.fund(event, own[0].number, self._publish(event, cause=cause))
