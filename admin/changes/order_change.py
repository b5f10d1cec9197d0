"""Changing the terms of an order from outside, answered by the events that it leads to."""

from __future__ import annotations

import time

import msgspec

from gcg_quant.bus import EventBus
from gcg_quant.errors import NotRunningError, OrderError
from gcg_quant.events import ModifyRequest, OrderEvent, OrderStatus

from .cancellation import ANSWER_S

__all__ = ["OrderChange", "change_order"]

_FINAL = frozenset({OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.FAILED})
_REFUSED = "change refused"


class OrderChange(msgspec.Struct, frozen=True, kw_only=True):
    """New terms; None leaves what it is. `quantity` is the whole one, what is filled of it included."""

    quantity: float | None = None
    price: float | None = None
    stop_price: float | None = None

    def is_in(self, event: OrderEvent) -> bool:
        """Return whether an order has these terms."""
        asked = ((self.quantity, event.quantity), (self.price, event.price), (self.stop_price, event.stop_price))
        return all(new is None or abs(new - now) <= 1e-9 * max(1.0, abs(new)) for new, now in asked)


def change_order(bus: EventBus, order: OrderEvent, change: OrderChange, *, timeout_s: float | None = None) -> OrderEvent:
    """Ask for other terms of an order and return the order as it is then.

    Raises:
        OrderError: the change was refused, or the venue has not made it within `timeout_s` seconds (ANSWER_S by default).
        NotRunningError: nobody answered.
    """
    timeout_s = ANSWER_S if timeout_s is None else timeout_s
    with bus.reader(events=[OrderEvent], start="end") as reader:
        control = bus.publish(_request(order, change), cause=0)
        deadline, heard = time.monotonic() + timeout_s, False
        while (left := deadline - time.monotonic()) > 0:
            event = reader.read(left)
            if not isinstance(event, OrderEvent) or (event.request != order.request and event.cause != control):
                continue
            heard = True
            if event.reason.startswith(_REFUSED):
                raise OrderError(f"Order {order.client_id} is not changed: {event.reason}.", client_id=order.client_id)
            if event.status in _FINAL:
                raise OrderError(f"Order {order.client_id} is not changed: it is {event.status.name}.", client_id=order.client_id)
            if change.is_in(event):
                return event
    if heard:
        raise OrderError(f"Order {order.client_id}: the venue has not confirmed the change yet.", client_id=order.client_id)
    raise NotRunningError(f"No trading engine answered within {timeout_s:g} s: look at `python -m gcg_quant status`.")


def _request(order: OrderEvent, change: OrderChange) -> ModifyRequest:
    return ModifyRequest(
        symbol=order.symbol,
        venue=order.venue,
        request=order.request,
        account=order.account,
        strategy=order.strategy,
        client_id=order.client_id,
        quantity=change.quantity,
        price=change.price,
        stop_price=change.stop_price,
    )
