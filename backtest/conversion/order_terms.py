"""A Backtrader order in our terms: type, prices, time in force, and how the states of both sides correspond."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backtrader as bt

from gcg_quant.events import OrderStatus, OrderType, Side, TimeInForce

from .days import ns_from_days

if TYPE_CHECKING:
    from gcg_quant.instruments import Instrument

__all__ = ["STATUS_OF", "UNKNOWN_TERMS", "limit_price", "terms_of"]

Order = bt.Order

TYPE_OF = {
    Order.Market: OrderType.MARKET,
    Order.Close: OrderType.MARKET,
    Order.Limit: OrderType.LIMIT,
    Order.Stop: OrderType.STOP,
    Order.StopLimit: OrderType.STOP_LIMIT,
    Order.StopTrail: OrderType.TRAILING_STOP,
    Order.StopTrailLimit: OrderType.TRAILING_STOP_LIMIT,
    Order.Historical: OrderType.NONE,
}
UNKNOWN_TERMS = (Order.Close, Order.Historical)  # no venue takes these: they exist in a backtest only

STATUS_OF = {
    Order.Created: OrderStatus.NEW,
    Order.Submitted: OrderStatus.SUBMITTING,
    Order.Accepted: OrderStatus.ACCEPTED,
    Order.Partial: OrderStatus.PARTLY_FILLED,
    Order.Completed: OrderStatus.FILLED,
    Order.Canceled: OrderStatus.CANCELLED,
    Order.Expired: OrderStatus.EXPIRED,
    Order.Margin: OrderStatus.REJECTED,
    Order.Rejected: OrderStatus.REJECTED,
}

LIMITED = (Order.StopLimit, Order.StopTrailLimit)
STOPPED = (Order.Stop, Order.StopLimit, Order.StopTrail, Order.StopTrailLimit)
FIRST_DAY = 1.0  # an absolute time in float days is far above; a smaller number is one of Backtrader's relative forms


def terms_of(order: Any, instrument: Instrument | None = None) -> dict[str, Any]:
    """Return the terms of a Backtrader order as keywords of `OrderRequest`.

    With an `instrument` prices are rounded to its tick (the nearest) and the quantity down to its lot, as a venue wants them: a class
    that was written for a backtest computes prices to the last digit.
    """
    kind = order.exectype
    stop_price = float(order.created.price) if kind in STOPPED else None
    price, quantity, trail = limit_price(order), abs(float(order.created.size)), order.trailamount or None
    if instrument is not None:
        quantity = instrument.round_quantity(quantity)
        price = price if price is None else instrument.round_price(price)
        stop_price = stop_price if stop_price is None else instrument.round_price(stop_price)
        trail = trail and max(instrument.round_price(trail), instrument.tick_size)
    expires = isinstance(order.valid, float) and order.valid > FIRST_DAY
    return {
        "side": Side.BUY if order.isbuy() else Side.SELL,
        "order_type": TYPE_OF[kind],
        "quantity": quantity,
        "price": price,
        "stop_price": stop_price,
        "trail_amount": trail,
        "trail_percent": None if trail else order.trailpercent,  # Backtrader heeds the amount if it has both
        "time_in_force": TimeInForce.GTD if expires else TimeInForce.GTC,
        "expire_ns": ns_from_days(order.valid) if expires else None,
        "tag": "close" if kind == Order.Close else "",
    }


def limit_price(order: Any) -> float | None:
    """Return an order's limit price, or None for one without."""
    if order.exectype == Order.Limit:
        return float(order.created.price)
    return float(order.created.pricelimit) if order.exectype in LIMITED else None
