"""Answers to requests that lead to nothing: each is told by an OrderEvent and in the log, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from gcg_quant.events import CancelRequest, ModifyRequest, OrderEvent, OrderRequest, OrderStatus

from ..orders.manager import OrderManager, Publish
from ..orders.order import Order

__all__ = ["Answers", "Log"]

Log: TypeAlias = Callable[[str, str, int], None]  # text, level, the id of the event it concerns

_NO_ORDER = "there is no such order"


class Answers:
    """Says why nothing is done.

    Args:
        orders: the order manager, which counts such requests.
        publish: how events leave.
        log: how words leave.
    """

    def __init__(self, orders: OrderManager, publish: Publish, log: Log) -> None:
        self._orders = orders
        self._publish = publish
        self._log = log

    def duplicate(self, request: OrderRequest, now_ns: int) -> None:
        """Answer a request that was taken in before, or whose client id was used before."""
        self._orders.duplicates += 1
        if self._orders.find(request.id) is not None:
            return
        order = self._orders.find(client_id=request.client_id)
        if order is not None:
            self._orders.remark(order, "duplicate request", event_ns=now_ns, cause=request.id)
        else:  # without an event, each restart would take it for one that was never answered
            self._publish_refusal(request, 0, "order refused: its client id was used before", now_ns)
        self._log(f"The client id {request.client_id!r} was used before: the request is not sent again.", "warning", request.id)

    def refuse(self, order: Order, reason: str, now_ns: int, cause: int) -> None:
        """Answer what cannot be done to an order with its unchanged state."""
        self._orders.impossible += 1
        self._orders.remark(order, reason, event_ns=now_ns, cause=cause)
        self._log(f"Order {order.client_id}: {reason}.", "warning", cause)

    def unknown(self, request: CancelRequest | ModifyRequest, what: str, now_ns: int) -> None:
        """Answer a request that concerns an order that nobody knows; `what` it asks for is "cancel" or "change"."""
        self._orders.impossible += 1
        reason = f"{what} refused: {_NO_ORDER}"
        self._publish_refusal(request, request.request, reason, now_ns)
        self._log(f"Order {request.client_id or request.request}: {reason}.", "warning", request.id)

    def _publish_refusal(self, request: OrderRequest | CancelRequest | ModifyRequest, about: int, reason: str, now_ns: int) -> None:
        answer = OrderEvent(
            symbol=request.symbol,
            venue=request.venue,
            event_ns=now_ns,
            recv_ns=now_ns,
            request=about,
            account=self._orders.account,
            strategy=request.strategy,
            client_id=request.client_id,
            gateway=self._orders.gateway,
            status=OrderStatus.REJECTED,
            reason=reason,
        )
        self._publish(answer, cause=request.id)
