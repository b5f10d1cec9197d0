"""The order manager: every order of one account, its state, and the only hand that writes commands for the venue."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan, nan
from typing import Protocol

from gcg_quant.errors import OrderError
from gcg_quant.events import (
    CancelCommand,
    Event,
    OrderCommand,
    OrderEvent,
    OrderRequest,
    OrderStatus,
)
from gcg_quant.instruments import Instrument

from .order import Order, WholeTerms
from .order_states import FINAL_STATES, may_follow
from .remembered import Remembered

__all__ = ["OrderManager", "Publish", "fitted"]

_FINISHED_KEPT = 4096  # finished orders that late reports, cancels and fills still find
_IDS_KEPT = 65_536  # client ids and trades that are known as seen
_SEQ = (1 << 60) - 1


class Publish(Protocol):
    """Publishes an event and returns its id."""

    def __call__(self, event: Event, *, cause: int | None = None) -> int:
        """Publish `event`, caused by event `cause`."""
        ...


def fitted(text: str, most_bytes: int = 160) -> str:
    """Return the text, cut with "..." where a record's field would not hold it."""
    data = text.encode()
    return text if len(data) <= most_bytes else data[: most_bytes - 3].decode(errors="ignore") + "..."


class OrderManager:
    """The orders of one account. It belongs to one thread; it publishes every change of state and refuses impossible ones.

    An order is known by the id of its request and by its client id. A client id is unique for ever: the caller's own, or one made of
    the bus's id and the request's.

    Args:
        account: the account's name.
        gateway: the name of the gateway that the commands are for.
        publish: how events leave.
        bus_id: begins the client ids that are made here.
    """

    def __init__(self, account: str, gateway: str, publish: Publish, bus_id: str = "") -> None:
        self.account = account
        self.gateway = gateway
        self.duplicates = 0  # reports, fills and requests that told nothing new
        self.impossible = 0  # transitions that were refused
        self.late_fills = 0  # fills of orders that were thought to be done
        self.overfills = 0  # fills of more than was left
        self._publish = publish
        self._prefix = bus_id[:8] or "order"
        self._open: dict[int, Order] = {}
        self._finished: dict[int, Order] = {}
        self._by_client_id: dict[str, int] = {}
        self._client_ids: Remembered[str] = Remembered(_IDS_KEPT)
        self._trades: Remembered[tuple[str, str]] = Remembered(_IDS_KEPT)

    # ---- looking

    def find(self, request_id: int = 0, client_id: str = "") -> Order | None:
        """Return the order of a request or a client id, also a recently finished one; None if there is none."""
        request = request_id or self._by_client_id.get(client_id, 0)
        found = self._open.get(request) or self._finished.get(request)
        if found is None and request_id and client_id:
            return self.find(0, client_id)
        return found

    def knows(self, client_id: str) -> bool:
        """Return whether a client id was used before."""
        return bool(client_id) and client_id in self._client_ids

    def open_orders(self, strategy: str | None = None, number: int | None = None) -> Iterator[Order]:
        """Yield the orders that are not final, oldest first, of one strategy or instrument number if given."""
        for order in list(self._open.values()):
            if (strategy is None or order.strategy == strategy) and (number is None or order.number == number):
                yield order

    def __len__(self) -> int:
        return len(self._open)

    # ---- the life of an order

    def create(
        self, request: OrderRequest | OrderCommand, request_id: int, number: int, instrument: Instrument, whole: WholeTerms
    ) -> Order:
        """Take in a request, in state NEW; nothing is published.

        Raises:
            OrderError: its client id was used before.
        """
        client_id = request.client_id or f"{self._prefix}.{request_id & _SEQ}"
        if not self._client_ids.add(client_id):
            self.duplicates += 1
            raise OrderError(f"The client id {client_id!r} was used before: an order is sent once.", client_id=client_id)
        order = Order(
            request_id, client_id, request.strategy, number, instrument, request, whole, self._first_report(request, request_id, client_id)
        )
        self._open[request_id] = order
        self._by_client_id[client_id] = request_id
        return order

    def move(self, order: Order, status: OrderStatus, *, event_ns: int, cause: int | None = None, reason: str = "") -> int:
        """Go over to another state and publish it; return the event's id, or 0 for a report that tells nothing new.

        Raises:
            OrderError: the transition is impossible; the order stays as it is.
        """
        if status == order.status:
            self.duplicates += 1
            return 0
        self._check(order, status)
        return self._publish_state(order, status, event_ns, cause, reason)

    def accept(self, order: Order, venue_order_id: str, *, event_ns: int, cause: int | None = None) -> int:
        """Note the venue's acknowledgement; one that a fill, a cancel or the order's end has overtaken changes no state."""
        order.venue_order_id = order.venue_order_id or venue_order_id
        if order.status != OrderStatus.SUBMITTING:
            self.duplicates += 1
            return 0
        return self.move(order, OrderStatus.ACCEPTED, event_ns=event_ns, cause=cause)

    def keep(self, order: Order, reason: str, *, event_ns: int, cause: int | None = None) -> int:
        """Note that the venue refused to cancel: the order works on as before, unless it is done."""
        if order.status != OrderStatus.CANCELLING:
            self.duplicates += 1
            return 0
        before = OrderStatus.PARTLY_FILLED if order.filled_lots else OrderStatus.ACCEPTED
        return self.move(order, before, event_ns=event_ns, cause=cause, reason=reason)

    def pass_risk(self, order: Order) -> None:
        """Note that risk let the order pass; the RiskVerdict has said so already."""
        self._check(order, OrderStatus.RISK_CHECKED)
        order.status = OrderStatus.RISK_CHECKED

    def submit(self, order: Order, *, event_ns: int, cause: int | None = None) -> OrderCommand:
        """Publish SUBMITTING and the command for the gateway; return the command.

        After a restart an order that is SUBMITTING already publishes only what is missing.
        """
        if order.status != OrderStatus.SUBMITTING:
            self.move(order, OrderStatus.SUBMITTING, event_ns=event_ns, cause=cause)
        if isinstance(order.terms, OrderCommand):
            return order.terms
        command = order.terms = self._command(order, event_ns)
        self._publish(command, cause=cause)
        return command

    def cancel(self, order: Order, *, event_ns: int, cause: int | None = None) -> CancelCommand:
        """Publish CANCELLING and the command for the gateway; return the command.

        Raises:
            OrderError: the order is done, or was never sent.
        """
        if order.status != OrderStatus.CANCELLING:
            self.move(order, OrderStatus.CANCELLING, event_ns=event_ns, cause=cause)
            order.cancel_commanded = False  # of an earlier cancellation, which the venue refused
        command = self._cancel_command(order, event_ns)
        if not order.cancel_commanded:
            self._publish(command, cause=cause)
            order.cancel_commanded = True
        return command

    def remark(self, order: Order, reason: str, *, event_ns: int, cause: int | None = None) -> int:
        """Publish the order in its unchanged state with a reason: what was asked of it cannot be done, or it was triggered."""
        return self._publish_state(order, order.status, event_ns, cause, reason)

    def change(self, order: Order, whole: WholeTerms, *, event_ns: int, cause: int | None = None) -> int:
        """Take over the terms that the venue confirmed, and publish them."""
        self._take_terms(order, whole)
        return self.remark(order, "modified", event_ns=event_ns, cause=cause)

    def is_new_trade(self, order: Order, trade_id: str) -> bool:
        """Return whether a venue's trade was not seen before; count it as a duplicate otherwise."""
        if self._trades.add((order.client_id, trade_id)):
            return True
        self.duplicates += 1
        return False

    def fill(self, order: Order, lots: int, price: float, *, event_ns: int, cause: int | None = None) -> int:
        """Count a fill and publish the order's new state; return the event's id.

        A fill is money whatever state the order is in: one of a finished order, or of more than was left, is counted as such, and an
        order that is done stays done.
        """
        order.add_fill(lots, price)
        if order.filled_lots > order.whole.lots:
            self.overfills += 1
        return self.report_fill(order, event_ns=event_ns, cause=cause)

    def report_fill(self, order: Order, *, event_ns: int, cause: int | None = None) -> int:
        """Publish the state that an order's fills put it in; return the event's id."""
        if order.is_final:
            self.late_fills += 1
            return self._publish_state(order, order.status, event_ns, cause, "filled after its end")
        return self._publish_state(order, self.after_fill(order), event_ns, cause, "")

    @staticmethod
    def after_fill(order: Order) -> OrderStatus:
        """Return the state that an order's fills put it in."""
        if order.filled_lots >= order.whole.lots:
            return OrderStatus.FILLED
        return OrderStatus.CANCELLING if order.status == OrderStatus.CANCELLING else OrderStatus.PARTLY_FILLED

    # ---- taking back what the journal says

    def restore(self, order: Order, event: OrderEvent) -> None:
        """Put an order into the state of one of its recorded events; nothing is published."""
        order.status = event.status
        order.report = event
        order.venue_order_id = event.venue_order_id
        order.triggered = order.triggered or event.reason == "triggered"
        if event.reason == "modified":
            instrument = order.instrument
            self._take_terms(
                order,
                WholeTerms(
                    instrument.lots(event.quantity),
                    None if isnan(event.price) else instrument.ticks(event.price),
                    None if isnan(event.stop_price) else instrument.ticks(event.stop_price),
                ),
            )
        self._settle(order)

    def put_down(self) -> tuple[list[Order], list[Order], list[str], list[tuple[str, str]]]:
        """Return the open orders, the finished ones, the client ids and the trades that are remembered, each oldest first."""
        return list(self._open.values()), list(self._finished.values()), list(self._client_ids), list(self._trades)

    def take_up(self, working: list[Order], finished: list[Order], client_ids: list[str], trades: list[tuple[str, str]]) -> None:
        """Take over what another order manager has put down; this one is new."""
        self._open = {order.request_id: order for order in working}
        self._finished = {order.request_id: order for order in finished}
        self._by_client_id = {order.client_id: order.request_id for order in (*finished, *working)}
        self._client_ids.update(client_ids)
        self._trades.update(trades)

    # ---- inside

    def _check(self, order: Order, status: OrderStatus) -> None:
        if not may_follow(order.status, status):
            self.impossible += 1
            raise OrderError(
                f"Order {order.client_id} is {order.status.name} and cannot become {status.name}.",
                client_id=order.client_id,
                status=order.status,
                wanted=status,
            )

    def _publish_state(self, order: Order, status: OrderStatus, event_ns: int, cause: int | None, reason: str) -> int:
        event = order.report.replace(
            event_ns=event_ns,
            recv_ns=event_ns,
            venue_order_id=order.venue_order_id,
            filled_quantity=order.filled_quantity if order.filled_lots else 0.0,
            average_price=order.average_price if order.filled_lots else nan,
            status=status,
            previous_status=order.status,
            reason=fitted(reason) if reason else "",
        )
        order.status = status
        order.report = event
        if status in FINAL_STATES:
            self._settle(order)
        return self._publish(event, cause=cause)

    def _settle(self, order: Order) -> None:
        # A finished order is kept for a while: late reports and cancels find it.
        if not order.is_final or self._open.pop(order.request_id, None) is None:
            return
        self._finished[order.request_id] = order
        if len(self._finished) > _FINISHED_KEPT:
            oldest = self._finished.pop(next(iter(self._finished)))
            self._by_client_id.pop(oldest.client_id, None)

    def _take_terms(self, order: Order, whole: WholeTerms) -> None:
        instrument = order.instrument
        order.whole = whole
        order.report = order.report.replace(
            quantity=instrument.quantity(whole.lots),
            price=None if whole.price_ticks is None else instrument.price(whole.price_ticks),
            stop_price=None if whole.stop_ticks is None else instrument.price(whole.stop_ticks),
        )

    def _first_report(self, request: OrderRequest | OrderCommand, request_id: int, client_id: str) -> OrderEvent:
        return request.recast(OrderEvent, request=request_id, account=self.account, client_id=client_id, gateway=self.gateway)

    def _command(self, order: Order, event_ns: int) -> OrderCommand:
        return order.terms.recast(
            OrderCommand,
            event_ns=event_ns,
            recv_ns=event_ns,
            request=order.request_id,
            account=self.account,
            client_id=order.client_id,
            gateway=self.gateway,
        )

    def _cancel_command(self, order: Order, event_ns: int) -> CancelCommand:
        return CancelCommand(
            symbol=order.terms.symbol,
            venue=order.terms.venue,
            event_ns=event_ns,
            recv_ns=event_ns,
            request=order.request_id,
            account=self.account,
            strategy=order.strategy,
            client_id=order.client_id,
            gateway=self.gateway,
            venue_order_id=order.venue_order_id,
        )
