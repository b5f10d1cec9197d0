"""What a gateway is told of an order: what it does not know is kept here and left out."""

from __future__ import annotations

from gcg_quant.events import OrderCommand, OrderRequest, OrderType, TimeInForce

from ..gateways.base import Gateway
from ..orders.order import Order

__all__ = ["knows_force", "knows_type", "takes_force", "takes_type", "venue_terms"]

# What becomes of a conditional order when its price is reached.
_SENT_AS = {
    OrderType.STOP: OrderType.MARKET,
    OrderType.STOP_LIMIT: OrderType.LIMIT,
    OrderType.TRAILING_STOP: OrderType.MARKET,
    OrderType.TRAILING_STOP_LIMIT: OrderType.LIMIT,
}
_TIMED = (TimeInForce.DAY, TimeInForce.GTD)


def knows_type(gateway: Gateway, kind: OrderType) -> bool:
    """Return whether a gateway takes orders of a type itself."""
    return kind in gateway.order_types


def knows_force(gateway: Gateway, force: TimeInForce) -> bool:
    """Return whether a gateway takes a time in force itself."""
    return force in gateway.times_in_force


def takes_type(gateway: Gateway, kind: OrderType) -> bool:
    """Return whether orders of a type can be sent to a gateway, or kept here until one of a type that it knows is due."""
    return knows_type(gateway, kind) or _SENT_AS.get(kind) in gateway.order_types


def takes_force(gateway: Gateway, force: TimeInForce) -> bool:
    """Return whether a gateway knows a time in force, or its end can be brought about from here."""
    return knows_force(gateway, force) or (force in _TIMED and knows_force(gateway, TimeInForce.GTC))


def venue_terms(order: Order, gateway: Gateway) -> OrderRequest | OrderCommand:
    """Return an order's terms as its gateway is to be told, with the quantity and prices that it has now."""
    terms = order.terms
    is_child = order.is_of_a_set and bool(terms.parent)
    knows_it = terms.order_type in gateway.order_types and terms.time_in_force in gateway.times_in_force
    if isinstance(terms, OrderCommand) or (knows_it and not is_child):
        return terms  # it was sent before, or never held
    whole, instrument = order.whole, order.instrument
    changes: dict[str, object] = {}
    if not knows_type(gateway, terms.order_type):
        changes = {"order_type": _SENT_AS[terms.order_type], "stop_price": None, "trail_amount": None, "trail_percent": None}
    elif is_child and whole.stop_ticks is not None:
        changes = {"stop_price": instrument.price(whole.stop_ticks)}
    if not knows_force(gateway, terms.time_in_force):
        changes |= {"time_in_force": TimeInForce.GTC, "expire_ns": -1}
    changes["quantity"] = instrument.quantity(whole.lots)
    if whole.price_ticks is not None:
        changes["price"] = instrument.price(whole.price_ticks)
    return terms.replace(**changes)
