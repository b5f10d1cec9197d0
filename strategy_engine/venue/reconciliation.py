"""Comparing an account with what its venue says of it: positions, cash, open orders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from gcg_quant.instruments import Instrument

from ..gateways.base import Gateway, VenueOrder
from ..orders.order import Order
from ..orders.states import WORKING_STATES

if TYPE_CHECKING:
    from ..accounts.accounts import Accounts
    from ..orders.manager import OrderManager

__all__ = ["Comparison", "Difference", "VenueState", "compare", "working_orders"]


def no_coin(instrument: Instrument) -> str:
    """Return that the venue keeps a position in an instrument as one, not as coins."""
    return ""


class VenueState(msgspec.Struct, frozen=True):
    """What a venue says of an account at one moment; None is what it keeps no account of."""

    orders: list[VenueOrder]
    positions: dict[tuple[str, str], float] | None
    cash: dict[str, float] | None
    coin_of: Callable[[Instrument], str] = no_coin

    @classmethod
    def ask(cls, gateway: Gateway) -> VenueState:
        """Ask a gateway. Raises GatewayError if its venue does not answer."""
        return cls(gateway.query_orders(), gateway.query_positions(), gateway.query_account(), gateway.coin_of)


class Difference(msgspec.Struct, frozen=True):
    """One figure that is not what it should be: `expected` is ours and what was accepted before."""

    name: str  # "SYMBOL@VENUE" for a position, "cash CURRENCY", "order CLIENT_ID"
    expected: float
    found: float
    amount: float  # by how much the venue's figure is above ours, what was accepted before included

    def __str__(self) -> str:
        """Return the difference in words."""
        return f"{self.name}: {self.found:.10g} at the venue, {self.expected:.10g} here"


@dataclass(slots=True)
class Comparison:
    """What is not equal, and the open orders at the venue that are not ours."""

    differences: list[Difference] = field(default_factory=list)
    strangers: list[VenueOrder] = field(default_factory=list)

    def __str__(self) -> str:
        """Return all differences in words."""
        return "; ".join(map(str, self.differences))


def working_orders(orders: OrderManager) -> list[Order]:
    """Return the orders that the venue has or may have, oldest first."""
    return [order for order in orders.open_orders() if order.status in WORKING_STATES and not order.held]


def compare(
    venue: VenueState, accounts: Accounts, orders: OrderManager, *, accepted: Mapping[str, float], unknown: Iterable[str], tolerance: float
) -> Comparison:
    """Return what the venue says otherwise than we do.

    Args:
        venue: what it says.
        accounts: our positions and cash.
        orders: our orders.
        accepted: differences by name that a person has accepted: the venue may be so far above us.
        unknown: client ids of orders that never reached the venue: nobody has them.
        tolerance: how far cash may be apart, in its currency.
    """
    found = Comparison()
    if venue.positions is not None:
        _compare_positions(found, venue, accounts, accepted)
    if venue.cash is not None:
        _compare_cash(found, venue, accounts, accepted, tolerance)
    _compare_orders(found, venue.orders, orders, accepted, frozenset(unknown))
    return found


def _note(found: Comparison, name: str, ours: float, theirs: float, accepted: Mapping[str, float], tolerance: float) -> None:
    expected = ours + accepted.get(name, 0.0)
    if not abs(theirs - expected) <= tolerance:  # NaN is a difference, too
        found.differences.append(Difference(name, expected, theirs, theirs - ours))


def _compare_cash(found: Comparison, venue: VenueState, accounts: Accounts, accepted: Mapping[str, float], tolerance: float) -> None:
    ours = {currency: money.cash for currency, money in accounts.money.items()}
    least: dict[str, float] = {}
    for one in accounts.positions.values():
        if coin := venue.coin_of(one.instrument):
            ours[coin] = ours.get(coin, 0.0) + one.quantity
            # A hundredth of a bitcoin is no rounding: half a lot is more than floats can be wrong by.
            least[coin] = min(tolerance, one.instrument.lot_size / 2, least.get(coin, tolerance))
    theirs = venue.cash or {}
    for currency in sorted({*theirs, *ours}):
        held = theirs.get(currency, 0.0)
        _note(found, f"cash {currency}", ours.get(currency, 0.0), held, accepted, least.get(currency, tolerance))


def _compare_positions(found: Comparison, venue: VenueState, accounts: Accounts, accepted: Mapping[str, float]) -> None:
    positions = venue.positions or {}
    ours: dict[str, float] = {}
    lots: dict[str, float] = {}
    for one in accounts.positions.values():
        if venue.coin_of(one.instrument):
            continue
        ours[one.instrument.name] = ours.get(one.instrument.name, 0.0) + one.quantity
        lots[one.instrument.name] = one.instrument.lot_size
    theirs = {f"{symbol}@{venue}" if venue else symbol: quantity for (symbol, venue), quantity in positions.items()}
    for name in sorted({*ours, *theirs, *(one for one in accepted if not one.startswith(("cash ", "order ")))}):
        # Half a lot is more than floats can be wrong by, and less than anybody can trade.
        _note(found, name, ours.get(name, 0.0), theirs.get(name, 0.0), accepted, lots.get(name, 0.0) / 2 or 1e-9)


def _compare_orders(
    found: Comparison, at_venue: list[VenueOrder], orders: OrderManager, accepted: Mapping[str, float], unknown: frozenset[str]
) -> None:
    theirs = {one.client_id: one for one in at_venue}
    ours = {order.client_id: order for order in working_orders(orders) if order.client_id not in unknown}
    for client_id, order in ours.items():
        other = theirs.get(client_id)
        left = 0.0 if other is None else other.quantity - other.filled_quantity
        _note(found, f"order {client_id}", order.instrument.quantity(order.left_lots), left, accepted, order.instrument.lot_size / 2)
    for client_id, other in theirs.items():
        if client_id in ours:
            continue
        if orders.knows(client_id):  # it has ended here, and works on there
            _note(found, f"order {client_id}", 0.0, other.quantity - other.filled_quantity, accepted, 1e-9)
        else:
            found.strangers.append(other)
