"""Cancelling orders from outside: a request each, answered by the events that it leads to."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from gcg_quant.bus import EventBus
from gcg_quant.errors import NotRunningError
from gcg_quant.events import CancelRequest, OrderEvent, OrderStatus

from ..views.system_view import SystemView

__all__ = ["ANSWER_S", "Cancellation", "cancel_orders", "still_open"]

ANSWER_S = 5.0  # an engine that runs answers within milliseconds

_FINAL = frozenset({OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.FAILED})


class Cancellation(msgspec.Struct, frozen=True):
    """What became of a request to cancel: `status` is "cancelled", "cancelling" (the venue has not said yet) or "refused"."""

    client_id: str
    status: str
    detail: str = ""

    @property
    def ok(self) -> bool:
        """Whether the order is cancelled or being cancelled."""
        return self.status != "refused"


def cancel_orders(bus: EventBus, orders: Sequence[OrderEvent | str], *, timeout_s: float | None = None) -> list[Cancellation]:
    """Ask for orders to be cancelled and return what became of each, in their order.

    Args:
        bus: where the trading engine is asked.
        orders: orders as they are known, or client ids of others.
        timeout_s: how long to wait for the answers, ANSWER_S by default.

    Raises:
        NotRunningError: nobody answered any of them.
    """
    timeout_s = ANSWER_S if timeout_s is None else timeout_s
    with bus.reader(events=[OrderEvent], start="end") as reader:
        waiting = _Waiting(bus, orders)
        deadline = time.monotonic() + timeout_s
        while waiting.open and (left := deadline - time.monotonic()) > 0:
            event = reader.read(left)
            if isinstance(event, OrderEvent):
                waiting.take(event)
    if orders and not any(waiting.answers):
        raise NotRunningError(f"No trading engine answered within {timeout_s:g} s: look at `python -m gcg_quant status`.")
    late = "nobody has answered yet: look at the orders again"
    return [answer or Cancellation(name, "refused", late) for name, answer in zip(waiting.names, waiting.answers, strict=True)]


def still_open(bus: EventBus, timeout_s: float | None = None, *, account: str = "") -> list[OrderEvent]:
    """Wait until no order is open that is open now, or for `timeout_s` seconds (by default ANSWER_S); return those that still are.

    With an `account`, its orders alone count.
    """
    deadline = time.monotonic() + (ANSWER_S if timeout_s is None else timeout_s)
    with bus.reader(events=[OrderEvent], start="end") as reader:  # from before the look, so that nothing is missed
        orders = SystemView.of(bus, OrderEvent).open_orders
        waiting = {order.request: order for order in orders if account in ("", order.account)}
        while waiting and (left := deadline - time.monotonic()) > 0:
            event = reader.read(left)
            if not isinstance(event, OrderEvent):
                continue
            if event.status in _FINAL:
                waiting.pop(event.request, None)
            elif event.request in waiting:
                waiting[event.request] = event
    return list(waiting.values())


class _Waiting:
    # The requests that were sent, by their ids and their orders', with what has been answered.

    def __init__(self, bus: EventBus, orders: Sequence[OrderEvent | str]) -> None:
        self.names = [one if isinstance(one, str) else one.client_id for one in orders]
        self.answers: list[Cancellation | None] = [None] * len(orders)
        self.open = set(range(len(orders)))
        self._by_request: dict[int, int] = {}
        self._by_cancel: dict[int, int] = {}
        for at, order in enumerate(orders):
            if not isinstance(order, str):
                self._by_request[order.request] = at
            self._by_cancel[bus.publish(_request(order), cause=0)] = at

    def take(self, event: OrderEvent) -> None:
        at = self._by_cancel.get(event.cause, self._by_request.get(event.request))
        if at is None or at not in self.open:
            return
        if event.request:
            self._by_request[event.request] = at  # later events of the order have other causes
        name = event.client_id or self.names[at]
        if event.status == OrderStatus.CANCELLING:
            self.answers[at] = Cancellation(name, "cancelling", "the venue has not confirmed it yet")
            return
        if event.status == OrderStatus.CANCELLED and not event.reason.startswith("cancel refused"):
            self._end(at, Cancellation(name, "cancelled"))
        elif event.status in _FINAL:
            self._end(at, Cancellation(name, "refused", event.reason or f"the order is {event.status.name}"))
        elif event.reason.startswith("cancel refused"):
            self._end(at, Cancellation(name, "refused", event.reason))

    def _end(self, at: int, answer: Cancellation) -> None:
        self.answers[at] = answer
        self.open.discard(at)


def _request(order: OrderEvent | str) -> CancelRequest:
    if isinstance(order, str):
        return CancelRequest(client_id=order)
    return CancelRequest(
        symbol=order.symbol,
        venue=order.venue,
        request=order.request,
        account=order.account,
        strategy=order.strategy,
        client_id=order.client_id,
    )
