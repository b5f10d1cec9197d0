"""What the gateway says: reports become states, fills and money, whatever their order, however late and however often."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gcg_quant.errors import GcgQuantError, InstrumentError
from gcg_quant.events import AlertEvent, OrderStatus

from ..gateways.base import Change, GatewayReport, ReportKind
from ..orders.manager import OrderManager, Publish
from ..orders.order import Order, WholeTerms
from ..orders.reasons import TRAILED, TRIGGERED
from ..orders.trail import moved
from .books import Books
from .fills import fill_of, lots_of

__all__ = ["Reports"]

_ENDS = {
    ReportKind.REJECTED: OrderStatus.REJECTED,
    ReportKind.CANCELLED: OrderStatus.CANCELLED,
    ReportKind.EXPIRED: OrderStatus.EXPIRED,
    ReportKind.FAILED: OrderStatus.FAILED,
}
# What a venue may still say of an order that is done, and that changes nothing.
_OF_WORKING = frozenset(
    {ReportKind.TRIGGERED, ReportKind.TRAILED, ReportKind.MODIFIED, ReportKind.MODIFY_REFUSED, ReportKind.CANCEL_REFUSED}
)


class Reports:
    """Takes in the gateway's reports, from any thread, and handles them on the trading engine's.

    Args:
        books: accounts and risk.
        orders: the order manager.
        gateway: the gateway's name.
        publish: how events leave.
        log: how words leave: text, level, the event they concern.
        ended_as: how an order ended that its venue calls cancelled.
        after: is told of each fill and each end, with the event time and the event that led to it.
    """

    def __init__(
        self,
        books: Books,
        orders: OrderManager,
        gateway: str,
        publish: Publish,
        log: Callable[[str, str, int], None],
        ended_as: Callable[[Order, OrderStatus, int], OrderStatus],
        after: Callable[[Order, int, int], None],
    ) -> None:
        self.unknown = 0  # reports of orders that nobody knows
        self._books = books
        self._orders = orders
        self._gateway = gateway
        self._publish = publish
        self._log = log
        self._ended_as = ended_as
        self._after = after
        self._reports: deque[GatewayReport] = deque()
        self._changes: dict[str, deque[Change]] = {}

    def __bool__(self) -> bool:
        """Return whether reports wait."""
        return bool(self._reports)

    def listen(self, report: GatewayReport) -> None:
        """Take in a report; from any thread. It is handled by the next `drain`."""
        self._reports.append(report)

    def drain(self, cause: int) -> None:
        """Handle the reports that have come; `cause` is the event that made the gateway speak."""
        while self._reports:
            report = self._reports.popleft()
            try:
                self._handle(report, cause)
            except GcgQuantError as error:  # nothing of it is half done: prices and quantities are read before anything is published
                self._log(f"{self._gateway} reported {report.kind.name}: {error.message}", "error", cause)

    def expect(self, order: Order, change: Change) -> None:
        """Note that the venue is asked for new terms of an order: they count as open from now on."""
        with self._counted(order):
            self._changes.setdefault(order.client_id, deque()).append(change)
        self._books.rest(order, *self.pending(order))

    def pending(self, order: Order) -> list[WholeTerms]:
        """Return the terms that an order will have after each of the changes that the venue has not answered yet."""
        terms, whole = [], order.whole
        for change in self._changes.get(order.client_id, ()):
            whole = _after(whole, change, order)
            terms.append(whole)
        return terms

    def expected(self, order: Order) -> WholeTerms:
        """Return the terms that an order will have when the venue has made all changes."""
        return self.pending(order)[-1] if order.client_id in self._changes else order.whole

    # ---- inside

    def _handle(self, report: GatewayReport, cause: int) -> None:
        order = self._orders.find(client_id=report.client_id)
        if order is None:
            self._unknown(report, cause)
            return
        kind, event_ns = report.kind, report.event_ns
        if order.is_final and kind in _OF_WORKING:
            self._orders.duplicates += 1
        elif kind == ReportKind.FILLED:
            self._fill(order, report, cause)
        elif kind == ReportKind.ACCEPTED:
            self._orders.accept(order, report.venue_order_id, event_ns=event_ns, cause=cause)
        elif kind in _ENDS:
            self._end(order, self._ended_as(order, _ENDS[kind], event_ns), report, cause)
        elif kind == ReportKind.TRIGGERED:
            order.triggered = True
            self._books.rest(order)
            self._orders.remark(order, TRIGGERED, event_ns=event_ns, cause=cause)
        elif kind == ReportKind.TRAILED:
            whole = moved(order.whole, order.instrument, report.price, report.stop_price)
            self._orders.change(order, whole, event_ns=event_ns, cause=cause, reason=TRAILED)
        elif kind == ReportKind.CANCEL_REFUSED:
            self._orders.keep(order, f"cancel refused: {report.reason}", event_ns=event_ns, cause=cause)
        else:
            self._answer_change(order, report, cause)

    def _unknown(self, report: GatewayReport, cause: int) -> None:
        self.unknown += 1
        name = report.client_id or report.venue_order_id
        self._log(f"{self._gateway} reported {report.kind.name} of the unknown order {name!r}.", "error", cause)
        if report.kind != ReportKind.FILLED:
            return
        what = f"a fill of an order that account {self._orders.account} does not know"
        self._alert("unknown_fill", what, f"order {name!r}", report, cause)

    def _alert_odd(self, order: Order, report: GatewayReport, why: str, cause: int) -> None:
        # Booked, it would spoil every sum that it is in, and each restart would read it again.
        what = f"a fill that account {self._orders.account} cannot book ({why.rstrip('.')})"
        self._alert("odd_fill", what, f"order {order.client_id!r}", report, cause)

    def _alert(self, name: str, what: str, which: str, report: GatewayReport, cause: int) -> None:
        message = (
            f"The {self._gateway} gateway reports {what}: {report.quantity:g} at {report.price:g}, {which}, trade {report.trade_id!r}. "
            "It is in no position and no cash here: compare with the venue."
        )
        alert = AlertEvent(level="critical", component=f"trading-{self._orders.account}", name=name, message=message, about=cause)
        self._publish(alert, cause=cause)

    def _end(self, order: Order, status: OrderStatus, report: GatewayReport, cause: int) -> None:
        open_lots = order.left_lots
        if self._orders.move(order, status, event_ns=report.event_ns, cause=cause, reason=report.reason):
            self._drop_changes(order)
            self._books.close(order, open_lots)
            self._after(order, report.event_ns, cause)

    def _answer_change(self, order: Order, report: GatewayReport, cause: int) -> None:
        if order.client_id not in self._changes:  # of a change that nobody asked for, or that was answered
            self._orders.duplicates += 1
        elif report.kind == ReportKind.MODIFIED:
            whole = _after(order.whole, self._answered(order), order)
            self._orders.change(order, whole, event_ns=report.event_ns, cause=cause)
            if order.is_final:
                self._drop_changes(order)
                self._books.close(order, whole.lots - order.filled_lots)
                self._after(order, report.event_ns, cause)
        else:
            with self._counted(order):
                self._answered(order)
            self._orders.remark(order, f"change refused: {report.reason}", event_ns=report.event_ns, cause=cause)
        self._books.rest(order, *self.pending(order))

    def _answered(self, order: Order) -> Change:
        waiting = self._changes[order.client_id]
        change = waiting.popleft()
        if not waiting:
            del self._changes[order.client_id]
        return change

    def _drop_changes(self, order: Order) -> None:
        # The venue will not make them any more.
        if order.client_id in self._changes:
            with self._counted(order):
                del self._changes[order.client_id]

    @contextmanager
    def _counted(self, order: Order) -> Iterator[None]:
        # What the changes add to an order counts as open as soon as they are asked for, and no longer when they are gone.
        before = self._open_lots(order)
        yield
        self._books.open_more(order, self._open_lots(order) - before)

    def _open_lots(self, order: Order) -> int:
        # More may be filled than an order is to have by a change that the venue has not seen yet.
        return max(0, self.expected(order).lots - order.filled_lots)

    def _fill(self, order: Order, report: GatewayReport, cause: int) -> None:
        try:
            lots = lots_of(order, report)
        except InstrumentError as error:
            self._alert_odd(order, report, error.message, cause)
            return
        if not self._orders.is_new_trade(order, report.trade_id):
            return
        fill = fill_of(order, report, self._orders.account, self._gateway, self._books)
        fill_id = self._publish(fill, cause=cause)
        before, was_final = self._open_lots(order), order.is_final
        self._orders.fill(order, lots, report.price, event_ns=report.event_ns, cause=fill_id)
        if not was_final:
            filled = before - self._open_lots(order)
            if order.is_final:
                self._drop_changes(order)
            self._books.reduce(order, filled)
        self._books.settle(fill, order.number, order.instrument, fill_id)
        self._after(order, report.event_ns, fill_id)


def _after(whole: WholeTerms, change: Change, order: Order) -> WholeTerms:
    instrument = order.instrument
    return WholeTerms(
        whole.lots if change.quantity is None else instrument.lots(change.quantity),
        whole.price_ticks if change.price is None or whole.price_ticks is None else instrument.ticks(change.price),
        whole.stop_ticks if change.stop_price is None or whole.stop_ticks is None else instrument.ticks(change.stop_price),
    )
