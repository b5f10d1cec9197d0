"""The records that the order manager publishes of an order: its events and the commands for the venue."""

from __future__ import annotations

from gcg_quant.events import CancelCommand, OrderCommand, OrderEvent, OrderFlag, OrderRequest

from .order import Order

__all__ = ["cancel_command", "first_report", "order_command"]


def first_report(request: OrderRequest | OrderCommand, request_id: int, account: str, client_id: str, gateway: str) -> OrderEvent:
    """Return what the OrderEvents of a request have in common, in state NEW."""
    return request.recast(OrderEvent, request=request_id, account=account, client_id=client_id, gateway=gateway)


def order_command(order: Order, terms: OrderRequest | OrderCommand, account: str, gateway: str, event_ns: int) -> OrderCommand:
    """Return the command that sends an order with these terms."""
    return terms.recast(
        OrderCommand,
        event_ns=event_ns,
        recv_ns=event_ns,
        request=order.request_id,
        account=account,
        client_id=order.client_id,
        gateway=gateway,
        order_flags=terms.order_flags & ~int(OrderFlag.REDUCE_ONLY),  # venues differ in what it means: orders are cut here
    )


def cancel_command(order: Order, account: str, gateway: str, event_ns: int) -> CancelCommand:
    """Return the command that cancels an order."""
    return CancelCommand(
        symbol=order.terms.symbol,
        venue=order.terms.venue,
        event_ns=event_ns,
        recv_ns=event_ns,
        request=order.request_id,
        account=account,
        strategy=order.strategy,
        client_id=order.client_id,
        gateway=gateway,
        venue_order_id=order.venue_order_id,
    )
