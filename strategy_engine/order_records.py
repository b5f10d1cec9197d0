"""The records that the order manager publishes of an order: its events and the commands for the venue."""

from __future__ import annotations

from gcg_quant.events import CancelCommand, OrderCommand, OrderEvent, OrderFlag, OrderRequest

from .order import Order

__all__ = ["cancel_command", "first_report", "order_command"]


def first_report(request: OrderRequest | OrderCommand, request_id: int, account: str, client_id: str, gateway: str) -> OrderEvent:
    """Return what the OrderEvents of a request have in common, in state NEW."""
    return OrderEvent(
        symbol=request.symbol,
        venue=request.venue,
        request=request_id,
        account=account,
        strategy=request.strategy,
        client_id=client_id,
        gateway=gateway,
        quantity=request.quantity,
        price=request.price,
        stop_price=request.stop_price,
        side=request.side,
        offset=request.offset,
        position_side=request.position_side,
        order_type=request.order_type,
        time_in_force=request.time_in_force,
        group=request.group,
        parent=request.parent,
        tag=request.tag,
    )


def order_command(order: Order, terms: OrderRequest | OrderCommand, account: str, gateway: str, event_ns: int) -> OrderCommand:
    """Return the command that sends an order with these terms."""
    return OrderCommand(
        symbol=terms.symbol,
        venue=terms.venue,
        event_ns=event_ns,
        recv_ns=event_ns,
        request=order.request_id,
        account=account,
        strategy=order.strategy,
        client_id=order.client_id,
        gateway=gateway,
        quantity=terms.quantity,
        price=terms.price,
        stop_price=terms.stop_price,
        trail_amount=terms.trail_amount,
        trail_percent=terms.trail_percent,
        display_quantity=terms.display_quantity,
        expire_ns=terms.expire_ns,
        order_flags=terms.order_flags & ~int(OrderFlag.REDUCE_ONLY),  # venues differ in what it means: orders are cut here
        side=terms.side,
        offset=terms.offset,
        position_side=terms.position_side,
        order_type=terms.order_type,
        time_in_force=terms.time_in_force,
        group=terms.group,
        parent=terms.parent,
        tag=terms.tag,
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
