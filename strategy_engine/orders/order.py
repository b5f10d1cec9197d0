"""One order as the order manager keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isnan, nan

from gcg_quant.clock import day_end, day_of
from gcg_quant.errors import InstrumentError, OrderError
from gcg_quant.events import (
    ModifyRequest,
    OrderCommand,
    OrderEvent,
    OrderFlag,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from gcg_quant.instruments import Instrument

from .states import FINAL_STATES

__all__ = ["TIMED", "Order", "WholeTerms", "changed_terms", "expiry_of", "price_ticks"]

TIMED = (TimeInForce.DAY, TimeInForce.GTD)  # these end at a time
_OCO = int(OrderFlag.OCO)


@dataclass(frozen=True, slots=True)
class WholeTerms:
    """Quantity and prices in whole lots and ticks, rounded nowhere else than by the instrument; None is a price that is absent."""

    lots: int = 0
    price_ticks: int | None = None
    stop_ticks: int | None = None


@dataclass(slots=True, eq=False)
class Order:
    """An order's terms, state and fills. Written by the order manager alone.

    `filled_lots` never decreases; `lots` is the whole quantity, filled or not; `trades` counts its fills.
    """

    request_id: int
    client_id: str
    strategy: str
    number: int
    instrument: Instrument
    terms: OrderRequest | OrderCommand  # the command as soon as it is in the journal
    whole: WholeTerms
    report: OrderEvent  # what was published of it last, or would have been
    status: OrderStatus = OrderStatus.NEW
    filled_lots: int = 0
    filled_value: float = 0.0  # sum of price x quantity
    trades: int = 0
    venue_order_id: str = ""
    triggered: bool = False
    cancel_commanded: bool = False  # its CancelCommand is in the journal
    asked_lots: int = 0  # as it was requested; `lots` of a child or a group's leg may be less
    expire_ns: int = -1  # the event time at which its time in force ends, -1 for never
    held: bool = False  # accepted here and not sent to the venue yet
    waits: bool = False  # held, and nothing of its parent is filled: 0 lots
    reduce_only: bool = False  # it was requested to close alone; its command does not say so
    is_of_a_set: bool = field(init=False)  # its quantity follows others: it has a parent, or is a leg of an OCO group

    def __post_init__(self) -> None:
        """Look once whether it belongs to others: every step of every order asks."""
        terms = self.terms
        self.is_of_a_set = bool(terms.parent or (terms.order_flags & _OCO and terms.group))

    @property
    def side(self) -> Side:
        """Buy or sell."""
        return self.terms.side

    @property
    def order_type(self) -> OrderType:
        """How it is priced."""
        return self.terms.order_type

    @property
    def asked_type(self) -> OrderType:
        """The type that was asked for; `order_type` is what the venue was told."""
        return self.report.order_type

    @property
    def left_lots(self) -> int:
        """The lots that are not filled; never negative, whatever a venue fills."""
        left = self.whole.lots - self.filled_lots
        return left if left > 0 else 0

    @property
    def is_final(self) -> bool:
        """Whether nothing more is expected of it."""
        return self.status in FINAL_STATES

    @property
    def filled_quantity(self) -> float:
        """The quantity filled."""
        return self.instrument.quantity(self.filled_lots)

    @property
    def average_price(self) -> float:
        """The average price of its fills, NaN before the first."""
        return self.filled_value / self.filled_quantity if self.filled_lots else nan

    def add_fill(self, lots: int, price: float) -> None:
        """Count a fill."""
        self.filled_lots += lots
        self.filled_value += price * self.instrument.quantity(lots)
        self.trades += 1


def changed_terms(order: Order, request: ModifyRequest, old: WholeTerms) -> WholeTerms:
    """Return an order's terms after a change of those that it has, or will have when the venue has made earlier changes.

    Raises:
    OrderError: the order is done, nothing would change, or less than is filled is asked for. InstrumentError: no whole lots or ticks.
    """
    instrument = order.instrument
    if order.is_final or order.status == OrderStatus.CANCELLING:
        raise OrderError(f"the order is {order.status.name}", client_id=order.client_id)
    if order.is_of_a_set and not isnan(request.quantity):
        raise OrderError("its quantity follows its parent and group: change its prices alone", client_id=order.client_id)
    if not isnan(request.quantity):
        instrument.check_order(request.quantity)
    whole = WholeTerms(
        old.lots if isnan(request.quantity) else instrument.lots(request.quantity),
        old.price_ticks if isnan(request.price) or old.price_ticks is None else price_ticks(instrument, request.price, "limit price"),
        old.stop_ticks
        if isnan(request.stop_price) or old.stop_ticks is None
        else price_ticks(instrument, request.stop_price, "stop price"),
    )
    if whole == old:
        raise OrderError("nothing would change", client_id=order.client_id)
    if whole.lots <= order.filled_lots and not order.waits:
        raise OrderError(f"{order.filled_quantity:g} is filled already", client_id=order.client_id)
    return whole


def price_ticks(instrument: Instrument, price: float, what: str) -> int:
    """Return an order's price in ticks.

    Raises:
        InstrumentError: there is none, it lies between two ticks, or is not above 0.
    """
    if isnan(price):
        raise InstrumentError(f"The order needs a {what}.", symbol=instrument.symbol)
    ticks = instrument.ticks(price)
    if ticks <= 0 and instrument.kind != "future":  # futures have traded below zero
        raise InstrumentError(f"The {what} must be above 0, found {price:g}.", symbol=instrument.symbol)
    return ticks


def expiry_of(request: OrderRequest | OrderCommand, instrument: Instrument, event_ns: int) -> int:
    """Return when an order of `event_ns` ends by its time in force, in event time, or -1: a day ends at midnight of the market's zone."""
    if request.time_in_force == TimeInForce.DAY:
        return day_end(day_of(event_ns, instrument.timezone), instrument.timezone)
    return request.expire_ns if request.time_in_force == TimeInForce.GTD else -1
