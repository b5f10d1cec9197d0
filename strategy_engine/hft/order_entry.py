"""How a tick strategy sends, changes and cancels orders."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gcg_quant.clock import from_datetime
from gcg_quant.errors import StrategyError
from gcg_quant.events import Offset, OrderType, Side, TimeInForce

from .desk import Desk, OpenOrder
from .direction import Direction, side_of

__all__ = ["OrderEntry"]


class OrderEntry:
    """The orders of a strategy; what it sends goes to its desk, once its numbers make sense."""

    _desk: Desk | None = None

    def send_order(
        self,
        symbol: str,
        direction: Direction | Side,
        price: float | None,
        volume: float,
        *,
        type: OrderType | None = None,
        offset: Offset = Offset.NONE,
        stop_price: float | None = None,
        trail_amount: float | None = None,
        trail_percent: float | None = None,
        time_in_force: TimeInForce = TimeInForce.GTC,
        expire: int | datetime | None = None,
        post_only: bool = False,
        reduce_only: bool = False,
        tag: str = "",
    ) -> str:
        """Send an order and return its id at once; what becomes of it comes as `on_order` and `on_fill`.

        Args:
            symbol: "IF1311" or "IF1311@CFFEX".
            direction: buy or sell.
            price: the limit, a multiple of the tick size; None is the market's price.
            volume: in units of the instrument, above 0.
            type: by default what the prices say: LIMIT, MARKET, STOP, STOP_LIMIT, TRAILING_STOP, TRAILING_STOP_LIMIT.
            offset: whether it opens or closes, where long and short are held apart (China's futures).
            stop_price: the price at which the order awakes.
            trail_amount: how far the stop follows the best price, in the price's currency.
            trail_percent: the same as a fraction of the price: 0.02 is 2 %.
            time_in_force: GTC, DAY, IOC, FOK, or GTD with `expire`.
            expire: when it ends: nanoseconds or a datetime with a time zone. Makes it GTD.
            post_only: refuse it rather than let it take.
            reduce_only: only as far as it makes the position smaller.
            tag: up to 32 bytes that come back with the order's events.

        Raises:
            StrategyError: it does not run yet, or the direction is none.
            OrderError: a number that is none. InstrumentError: an unknown symbol, a price between two ticks, or no whole lots.
        """
        desk = self._desk or self._no_desk()
        expire_ns = -1
        if expire is not None:
            expire_ns = expire if isinstance(expire, int) else from_datetime(expire)
            time_in_force = TimeInForce.GTD if time_in_force is TimeInForce.GTC else time_in_force
        if type is None:
            type = _type_of(price, stop_price, trail_amount is not None or trail_percent is not None)
        return desk.send(
            symbol,
            side_of(direction),
            price,
            volume,
            type,
            time_in_force,
            offset,
            stop_price,
            trail_amount,
            trail_percent,
            expire_ns,
            post_only,
            reduce_only,
            tag,
        )

    def buy(self, symbol: str, price: float | None, volume: float, **terms: Any) -> str:
        """Send an order to buy; `terms` are the keywords of `send_order`."""
        return self.send_order(symbol, Direction.BUY, price, volume, **terms)

    def sell(self, symbol: str, price: float | None, volume: float, **terms: Any) -> str:
        """Send an order to sell; `terms` are the keywords of `send_order`."""
        return self.send_order(symbol, Direction.SELL, price, volume, **terms)

    def cancel(self, order_id: str) -> bool:
        """Ask for an order's cancellation; return whether it was open."""
        return (self._desk or self._no_desk()).cancel(order_id)

    def cancel_order(self, order_id: str) -> bool:
        """Ask for an order's cancellation, under hft_backtest's name; `cancel` is ours."""
        return self.cancel(order_id)

    def cancel_all(self, symbol: str | None = None) -> int:
        """Ask for the cancellation of all open orders, or those of one symbol; return how many were asked for."""
        desk = self._desk or self._no_desk()
        return sum(desk.cancel(order.order_id) for order in desk.open_orders(symbol))

    def modify(self, order_id: str, *, volume: float | None = None, price: float | None = None, stop_price: float | None = None) -> bool:
        """Ask for other terms of an open order; return whether it was open.

        Raises: OrderError or InstrumentError, as `send_order`.
        """
        return (self._desk or self._no_desk()).modify(order_id, volume, price, stop_price)

    @property
    def orders(self) -> list[OpenOrder]:
        """The open orders, oldest first, as far as it has been told; one that was just sent is among them."""
        return (self._desk or self._no_desk()).open_orders(None)

    def _no_desk(self) -> Desk:
        raise StrategyError(f"{type(self).__name__} does not run yet: do in init() or later what needs the market, orders or positions.")


def _type_of(price: float | None, stop_price: float | None, trails: bool) -> OrderType:
    if trails:
        return OrderType.TRAILING_STOP if price is None else OrderType.TRAILING_STOP_LIMIT
    if stop_price is not None:
        return OrderType.STOP if price is None else OrderType.STOP_LIMIT
    return OrderType.MARKET if price is None else OrderType.LIMIT
