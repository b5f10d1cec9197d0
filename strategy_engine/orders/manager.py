"""The order manager: every order of one account, its state, and the only hand that writes commands for the venue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import isnan, nan
from typing import Protocol

from gcg_quant.errors import OrderError
from gcg_quant.events import (
    CancelCommand,
    Event,
    OrderCommand,
    OrderEvent,
    OrderFlag,
    OrderRequest,
    OrderStatus,
)
from gcg_quant.instruments import Instrument

from ..remembered import Remembered
from .groups import OrderGroups
from .order import TIMED, Order, WholeTerms, expiry_of
from .reasons import HELD, MODIFIED, TRAILED, TRIGGERED, WAITS, fitted
from .records import cancel_command, first_report, order_command
from .states import FINAL_STATES, NEXT_STATES

__all__ = ["OrderManager", "Publish"]

# Every step of every order asks for these, and looking up an enumeration's member takes longer than a comparison.
_NEW, _RISK_CHECKED, _SUBMITTING = OrderStatus.NEW, OrderStatus.RISK_CHECKED, OrderStatus.SUBMITTING
_ACCEPTED = OrderStatus.ACCEPTED
_FILLED, _CANCELLING, _REJECTED = OrderStatus.FILLED, OrderStatus.CANCELLING, OrderStatus.REJECTED

_REDUCE_ONLY = int(OrderFlag.REDUCE_ONLY)

_FINISHED_KEPT = 4096  # finished orders that late reports, cancels and fills still find
_IDS_KEPT = 65_536  # client ids and trades that are known as seen
_SEQ = (1 << 60) - 1


class Publish(Protocol):
    """Publishes an event and returns its id."""

    def __call__(self, event: Event, /, *, cause: int | None = None) -> int:
        """Publish `event`, caused by event `cause`."""
        ...


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
        self.groups = OrderGroups()
        self._publish = publish
        self._prefix = bus_id[:8] or "order"
        self._open: dict[int, Order] = {}
        self._finished: dict[int, Order] = {}
        self._by_client_id: dict[str, int] = {}
        # What may come again is never forgotten: a venue reports the fills of an open order again after each lost connection.
        self._client_ids: Remembered[str] = Remembered(_IDS_KEPT, self._by_client_id.__contains__)
        self._trades: Remembered[tuple[str, str]] = Remembered(_IDS_KEPT, lambda trade: self._by_client_id.get(trade[0]) in self._open)

    # ---- looking

    def find(self, request_id: int = 0, client_id: str = "") -> Order | None:
        """Return the order of a request or a client id, also a recently finished one; None if there is none."""
        request = request_id or self._by_client_id.get(client_id, 0)
        found = self._open.get(request) or self._finished.get(request)
        if found is None and request_id and client_id:
            return self.find(0, client_id)
        return found

    def knows(self, client_id: str) -> bool:
        """Return whether a client id was used before; one of an order that can be found is never forgotten."""
        return client_id in self._client_ids

    def is_used(self, request_id: int, client_id: str) -> bool:
        """Return whether a request, or another one of its client id, was taken in before."""
        return request_id in self._open or request_id in self._finished or client_id in self._client_ids.seen

    def open_orders(self, strategy: str | None = None, number: int | None = None) -> Iterator[Order]:
        """Yield the orders that are not final, oldest first, of one strategy or instrument number if given."""
        for order in list(self._open.values()):
            if (strategy is None or order.strategy == strategy) and (number is None or order.number == number):
                yield order

    def __len__(self) -> int:
        return len(self._open)

    # ---- the life of an order

    def create(
        self,
        request: OrderRequest | OrderCommand,
        request_id: int,
        number: int,
        instrument: Instrument,
        whole: WholeTerms,
        event_ns: int = 0,
    ) -> Order:
        """Take in a request that is handled at `event_ns`, in state NEW; nothing is published.

        Raises:
            OrderError: its client id was used before.
        """
        client_id = request.client_id or f"{self._prefix}.{request_id & _SEQ}"
        if not self._client_ids.add(client_id):
            self.duplicates += 1
            raise OrderError(f"The client id {client_id!r} was used before: an order is sent once.", client_id=client_id)
        report = first_report(request, request_id, self.account, client_id, self.gateway)
        order = Order(request_id, client_id, request.strategy, number, instrument, request, whole, report)
        order.asked_lots = whole.lots
        if request.time_in_force in TIMED:
            order.expire_ns = expiry_of(request, instrument, event_ns)
        self._open[request_id] = order
        if request.order_flags & _REDUCE_ONLY:
            order.reduce_only = True
        if order.is_of_a_set:
            self.groups.add(order)
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
        if order.status != _SUBMITTING:
            self.duplicates += 1
            return 0
        return self.move(order, _ACCEPTED, event_ns=event_ns, cause=cause)

    def keep(self, order: Order, reason: str, *, event_ns: int, cause: int | None = None) -> int:
        """Note that the venue refused to cancel: the order works on as before, unless it is done."""
        if order.status != _CANCELLING:
            self.duplicates += 1
            return 0
        before = OrderStatus.PARTLY_FILLED if order.filled_lots else _ACCEPTED
        return self.move(order, before, event_ns=event_ns, cause=cause, reason=reason)

    def pass_risk(self, order: Order) -> None:
        """Note that risk let the order pass; the RiskVerdict has said so already."""
        if order.status != _NEW:
            self._check(order, _RISK_CHECKED)
        order.status = _RISK_CHECKED

    def hold(self, order: Order, whole: WholeTerms, reason: str, *, event_ns: int, cause: int | None = None) -> int:
        """Keep an order here, with these terms, and publish it as ACCEPTED; `reason` begins with HELD and says what it waits for.

        Raises:
            OrderError: it was sent before, or is done.
        """
        if not order.held and order.status != _RISK_CHECKED:
            self.impossible += 1
            raise OrderError(f"Order {order.client_id} is {order.status.name} and cannot be held.", client_id=order.client_id)
        order.held, order.waits = True, reason == WAITS
        self.take_terms(order, whole)
        return self._publish_state(order, _ACCEPTED, event_ns, cause, reason)

    def submit(
        self,
        order: Order,
        terms: OrderRequest | OrderCommand | None = None,
        *,
        event_ns: int,
        cause: int | None = None,
        reason: str = "",
    ) -> OrderCommand:
        """Publish SUBMITTING and the command for the gateway, with the request's terms or other ones; return the command.

        After a restart an order that is SUBMITTING already publishes only what is missing.
        """
        before = order.status
        if before != _SUBMITTING:
            if before != _RISK_CHECKED:
                self._check(order, _SUBMITTING)
            self._publish_state(order, _SUBMITTING, event_ns, cause, reason)
            order.triggered = order.triggered or reason == TRIGGERED
        if isinstance(order.terms, OrderCommand):
            return order.terms
        told = terms or order.terms
        command = order_command(order, told, self.account, self.gateway, event_ns)
        if told is order.terms:  # in the terms that were requested, which `whole` was read from
            order.terms = command
        else:
            self.commanded(order, command)
        self._publish(command, cause=cause)
        return command

    @staticmethod
    def commanded(order: Order, command: OrderCommand) -> None:
        """Note what the venue is told of an order: from now on these are its terms."""
        instrument = order.instrument
        stop = None if isnan(command.stop_price) else order.whole.stop_ticks
        order.terms = command
        order.whole = WholeTerms(instrument.lots(command.quantity), order.whole.price_ticks, stop)

    def cancel(self, order: Order, *, event_ns: int, cause: int | None = None, reason: str = "") -> CancelCommand:
        """Publish CANCELLING and the command for the gateway; return the command.

        Raises:
            OrderError: the order is done, or was never sent.
        """
        if order.status != _CANCELLING:
            self.move(order, _CANCELLING, event_ns=event_ns, cause=cause, reason=reason)
            order.cancel_commanded = False  # of an earlier cancellation, which the venue refused
        command = cancel_command(order, self.account, self.gateway, event_ns)
        if not order.cancel_commanded:
            self._publish(command, cause=cause)
            order.cancel_commanded = True
        return command

    def remark(self, order: Order, reason: str, *, event_ns: int, cause: int | None = None) -> int:
        """Publish the order in its unchanged state with a reason: what was asked of it cannot be done, or it was triggered."""
        return self._publish_state(order, order.status, event_ns, cause, reason)

    def change(self, order: Order, whole: WholeTerms, *, event_ns: int, cause: int | None = None, reason: str = MODIFIED) -> int:
        """Take over the terms that the venue confirmed, or that a trailing stop has moved to (TRAILED), and publish them.

        An order of which no more is wanted than is filled already is FILLED with that.
        """
        self.take_terms(order, whole)
        done = order.filled_lots > 0 and order.filled_lots >= order.whole.lots
        return self._publish_state(order, _FILLED if done else order.status, event_ns, cause, reason)

    @staticmethod
    def take_terms(order: Order, whole: WholeTerms) -> None:
        """Give an order other terms; the next event that is published of it shows them. One that waits for its parent has no lots."""
        instrument = order.instrument
        order.whole = whole = replace(whole, lots=0) if order.waits else whole
        order.report = order.report.replace(
            quantity=instrument.quantity(order.asked_lots if order.waits else whole.lots),
            price=None if whole.price_ticks is None else instrument.price(whole.price_ticks),
            stop_price=None if whole.stop_ticks is None else instrument.price(whole.stop_ticks),
        )

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
            return _FILLED
        return _CANCELLING if order.status == _CANCELLING else OrderStatus.PARTLY_FILLED

    # ---- taking back what the journal says

    def restore(self, order: Order, event: OrderEvent) -> None:
        """Put an order into the state of one of its recorded events; nothing is published."""
        reason, was_held = event.reason, order.held
        order.held = event.status == _ACCEPTED and (was_held or reason.startswith(HELD))
        order.waits = order.held and (reason == WAITS or (order.waits and not reason.startswith(HELD)))
        order.status = event.status
        order.report = event
        order.venue_order_id = event.venue_order_id
        order.triggered = order.triggered or reason == TRIGGERED
        if order.held or reason in (MODIFIED, TRAILED) or (was_held and order.status == _SUBMITTING):
            self._read_terms(order, event)
        self._settle(order)

    def put_down(self) -> tuple[list[Order], list[Order], list[str], list[tuple[str, str]]]:
        """Return the open orders, the finished ones, the client ids and the trades that are remembered, each oldest first."""
        return list(self._open.values()), list(self._finished.values()), list(self._client_ids), list(self._trades)

    def take_up(self, working: list[Order], finished: list[Order], client_ids: list[str], trades: list[tuple[str, str]]) -> None:
        """Take over what another order manager has put down; this one is new."""
        self._open = {order.request_id: order for order in working}
        self._finished = {order.request_id: order for order in finished}
        self._by_client_id.update({order.client_id: order.request_id for order in (*finished, *working)})
        for order in sorted((*finished, *working), key=lambda one: one.request_id):
            self.groups.add(order)
        self._client_ids.update(client_ids)
        self._trades.update(trades)

    # ---- inside

    def _check(self, order: Order, status: OrderStatus) -> None:
        before = order.status
        sent_again = status == _SUBMITTING and before == _ACCEPTED and not order.held
        refused_late = status == _REJECTED and order.filled_lots > 0
        if sent_again or refused_late or status not in NEXT_STATES[before]:
            self.impossible += 1
            raise OrderError(
                f"Order {order.client_id} is {before.name} and cannot become {status.name}.",
                client_id=order.client_id,
                status=before,
                wanted=status,
            )

    def _publish_state(self, order: Order, status: OrderStatus, event_ns: int, cause: int | None, reason: str) -> int:
        before = order.report
        if order.status == _RISK_CHECKED and not reason:  # nothing is filled, and no venue has a name for it
            event = before.replace(event_ns=event_ns, recv_ns=event_ns, status=status, previous_status=order.status)
        else:
            event = before.replace(
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
        if status != _ACCEPTED:
            order.held = order.waits = False
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
            self.groups.forget(oldest)

    def _read_terms(self, order: Order, event: OrderEvent) -> None:
        instrument = order.instrument
        order.whole = WholeTerms(
            0 if order.waits else instrument.lots(event.quantity),
            None if isnan(event.price) else instrument.ticks(event.price),
            None if isnan(event.stop_price) else instrument.ticks(event.stop_price),
        )
