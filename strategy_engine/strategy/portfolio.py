"""What one strategy owns: its positions and its orders, folded from the journal's events."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isnan, nan
from typing import Any

from gcg_quant.events import (
    CancelRequest,
    Fill,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionEvent,
    PositionSide,
    RiskVerdict,
    Side,
)
from gcg_quant.packing import pack_event

__all__ = ["OrderView", "Portfolio", "PositionView"]

_DONE = frozenset({OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.FAILED})
_REMEMBERED = 4096  # finished client ids that are known as such, so that a late event does not open the order again
_CAUSES = 64  # recent events whose orders are counted


@dataclass(slots=True)
class PositionView:
    """A strategy's position in one instrument. `quantity` is signed: long > 0 > short; money is in the instrument's currency.

    Where long and short are held apart (China's futures) `quantity` is their sum, and `side` tells of each.
    """

    symbol: str
    venue: str
    quantity: float = 0.0
    average_price: float = nan
    realised: float = 0.0
    fees: float = 0.0
    last_price: float = nan
    multiplier: float = 1.0
    inverse: bool = False
    _sides: dict[PositionSide, PositionEvent] = field(default_factory=dict, repr=False)

    @property
    def is_flat(self) -> bool:
        """Return whether nothing is held, on either side."""
        return self.quantity == 0.0 and not self._is_locked

    @property
    def unrealised(self) -> float:
        """Return the profit that closing at the last price would make, without fees; 0 when flat, NaN without a price."""
        if self.is_flat:
            return 0.0
        if self._is_locked:  # the sides' prices do not make one of the sum
            sides = self._sides.values()
            return sum(self._gain(one.average_price) * one.quantity for one in sides if one.quantity) * self.multiplier
        return self._gain(self.average_price) * self.quantity * self.multiplier

    def held(self, side: PositionSide) -> float:
        """Return the signed quantity held on one side, where long and short positions are kept apart."""
        event = self._sides.get(side)
        return event.quantity if event is not None else 0.0

    def side(self, side: PositionSide) -> PositionEvent | None:
        """Return what the trading engine told last of one side: today, yesterday, frozen, profit, margin; None if it never did."""
        return self._sides.get(side)

    def _gain(self, entry: float) -> float:
        # Of one unit with a multiplier of 1, from a price to the last one; see Instrument.profit.
        if self.inverse:
            return 1.0 / entry - 1.0 / self.last_price if entry > 0.0 and self.last_price > 0.0 else nan
        return self.last_price - entry

    @property
    def _is_locked(self) -> bool:
        return self.held(PositionSide.LONG) != 0.0 and self.held(PositionSide.SHORT) != 0.0

    def apply_fill(self, fill: Fill) -> None:
        """Move the position by a fill at once; the PositionEvent that follows has the last word."""
        signed = fill.quantity if fill.side == Side.BUY else -fill.quantity
        before = self.quantity
        self.quantity = before + signed
        if self.quantity == 0.0:
            self.average_price = nan
        elif before == 0.0 or before * self.quantity < 0.0:
            self.average_price = fill.price
        elif before * signed > 0.0:
            self.average_price = (self.average_price * before + fill.price * signed) / self.quantity

    def settle(self, event: PositionEvent) -> None:
        """Take over what the trading engine says of one position side."""
        self._sides[event.position_side] = event
        sides = self._sides.values()
        self.quantity = sum(side.quantity for side in sides)
        held = [side for side in sides if side.quantity != 0.0]
        # Of both sides together there is no price; one side alone has its own, to the last bit.
        self.average_price = held[0].average_price if len(held) == 1 else nan
        self.realised = sum(side.realised_pnl for side in sides)
        self.fees = sum(side.fees for side in sides)


@dataclass(slots=True)
class OrderView:
    """An order of the strategy as far as it is known: from its request (status NEW) to its end."""

    client_id: str
    symbol: str
    venue: str
    side: Side
    quantity: float
    price: float = nan
    order_type: OrderType = OrderType.LIMIT
    status: OrderStatus = OrderStatus.NEW
    filled: float = 0.0
    tag: str = ""
    request: int = 0
    cancel_asked: bool = False

    @property
    def remaining(self) -> float:
        """Return the quantity that is not filled yet."""
        return self.quantity - self.filled

    @property
    def is_buy(self) -> bool:
        """Return whether it buys."""
        return self.side == Side.BUY


class Portfolio:
    """The positions and open orders of one strategy id. It outlives the strategy object: a reloaded strategy finds it again.

    Everything in it comes from events, so that reading the journal again gives the same. One thread writes; others may look.
    """

    def __init__(self) -> None:
        self.positions: dict[tuple[str, str], PositionView] = {}
        self.orders: dict[str, OrderView] = {}
        self._done: dict[str, None] = {}
        self._ordinals: dict[int, int] = {}

    def next_ordinal(self, cause: int) -> int:
        """Return 1, 2, 3 ... for the orders that one event caused."""
        count = self._ordinals[cause] = self._ordinals.pop(cause, 0) + 1
        if len(self._ordinals) > _CAUSES:
            del self._ordinals[next(iter(self._ordinals))]
        return count

    def position(self, symbol: str, venue: str) -> PositionView:
        """Return the view of one instrument's position, a flat one if there never was any."""
        key = (symbol, venue)
        view = self.positions.get(key)
        if view is None:
            view = self.positions[key] = PositionView(symbol, venue)
        return view

    def requested(self, request: OrderRequest) -> OrderView:
        """Note an order that the strategy asks for; it counts as open from now on."""
        view = OrderView(
            request.client_id,
            request.symbol,
            request.venue,
            request.side,
            request.quantity,
            request.price,
            request.order_type,
            tag=request.tag,
            request=request.id,
        )
        if request.client_id not in self._done:
            self.orders[request.client_id] = view
        return view

    def cancel_requested(self, request: CancelRequest) -> None:
        """Note that the strategy wants an order gone."""
        view = self.orders.get(request.client_id)
        if view is not None:
            view.cancel_asked = True

    def verdict(self, verdict: RiskVerdict) -> None:
        """Close an order that risk refused. (A refused change of an order has another request's id and closes nothing.)"""
        view = self.orders.get(verdict.client_id)
        if not verdict.passed and view is not None and view.request in (0, verdict.request):
            self._close(verdict.client_id)

    def order(self, event: OrderEvent) -> None:
        """Bring an order up to date; one that is done leaves `orders`."""
        if event.status in _DONE:
            self._close(event.client_id)
            return
        if event.client_id in self._done:
            return
        view = self.orders.get(event.client_id)
        if view is None:
            view = OrderView(event.client_id, event.symbol, event.venue, event.side, event.quantity)
            self.orders[event.client_id] = view
        view.status = event.status
        view.quantity = view.quantity if isnan(event.quantity) else event.quantity
        view.price = event.price
        view.order_type = event.order_type
        view.filled = event.filled_quantity
        view.tag = event.tag
        view.request = event.request
        if event.reason:
            view.cancel_asked = False  # the cancellation was refused: it may be asked for again

    def fill(self, fill: Fill) -> None:
        """Move a position by a fill."""
        self.position(fill.symbol, fill.venue).apply_fill(fill)

    def settle(self, event: PositionEvent) -> None:
        """Take over a position from the trading engine."""
        self.position(event.symbol, event.venue).settle(event)

    def dump(self) -> tuple[Any, ...]:
        """Return positions and orders as plain values and packed events."""
        positions = [
            (
                one.symbol,
                one.venue,
                (one.quantity, one.average_price, one.realised, one.fees, one.last_price, one.multiplier),
                [pack_event(side) for side in one._sides.values()],
            )
            for one in self.positions.values()
        ]
        orders = [
            (
                one.client_id,
                one.symbol,
                one.venue,
                one.side,
                one.quantity,
                one.price,
                one.order_type,
                one.status,
                one.filled,
                one.tag,
                one.request,
                one.cancel_asked,
            )
            for one in self.orders.values()
        ]
        return positions, orders, list(self._done), list(self._ordinals.items())

    def load(self, state: Any) -> None:
        """Take over what `dump` returned; this portfolio is new."""
        positions, orders, done, ordinals = state
        for symbol, venue, numbers, sides in positions:
            view = self.position(symbol, venue)
            view.quantity, view.average_price, view.realised, view.fees, view.last_price, view.multiplier = numbers
            view._sides = {side.position_side: side for side in sides}
        for client_id, symbol, venue, side, quantity, price, order_type, status, *rest in orders:
            kinds = OrderType(order_type), OrderStatus(status)
            self.orders[client_id] = OrderView(client_id, symbol, venue, Side(side), quantity, price, *kinds, *rest)
        self._done = dict.fromkeys(done)
        self._ordinals = dict(ordinals)

    def forget(self, client_id: str) -> None:
        """Drop an order whose request could not be published."""
        self.orders.pop(client_id, None)

    def _close(self, client_id: str) -> None:
        self.orders.pop(client_id, None)
        self._done[client_id] = None
        if len(self._done) > _REMEMBERED:
            del self._done[next(iter(self._done))]
