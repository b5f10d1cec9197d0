"""What a gateway is: commands go in, reports come back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import IntEnum
from math import nan
from typing import TYPE_CHECKING, ClassVar

import msgspec

from gcg_quant.errors import ComponentError
from gcg_quant.events import (
    CancelCommand,
    Liquidity,
    MarketDataEvent,
    OrderCommand,
    OrderFlag,
    OrderStatus,
    OrderType,
    TimeInForce,
    World,
)

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.instruments import Instrument

    from ..orders.order import Order

__all__ = ["Change", "FundingReport", "Gateway", "GatewayReport", "GatewayTrial", "Listener", "MarketGateway", "ReportKind", "VenueOrder"]


class ReportKind(IntEnum):
    """What a venue says of an order."""

    ACCEPTED = 0
    REJECTED = 1
    TRIGGERED = 2
    FILLED = 3
    CANCELLED = 4
    EXPIRED = 5
    MODIFIED = 6
    CANCEL_REFUSED = 7
    MODIFY_REFUSED = 8
    FAILED = 9  # the venue does not know the order, and it is certain that it never will
    TRAILED = 10  # a trailing stop has moved
    UNKNOWN = 11  # an answer to `restore`: the venue does not know the order, and nothing of it is on its way any more
    FUNDED = 12  # a payment of the account, of no order: see `FundingReport`


class GatewayReport(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a venue says of one order. Fills say what was traded this time; `trade_id` is the venue's own.

    A fee that the venue does not tell is NaN: the instrument's fee schedule says it. A trading day of 0 is the calendar's. Of an order that
    was changed or has trailed, `price` and `stop_price` are those that it has now, NaN where it has none.
    """

    kind: ReportKind
    client_id: str
    event_ns: int
    venue_order_id: str = ""
    reason: str = ""
    trade_id: str = ""
    price: float = nan
    stop_price: float = nan
    quantity: float = nan
    fee: float = 0.0
    fee_currency: str = ""
    liquidity: Liquidity = Liquidity.UNKNOWN
    trading_day: int = 0


class FundingReport(GatewayReport, frozen=True, kw_only=True):
    """What a venue has charged (`amount` below 0) or paid for funding of one contract at `event_ns`; `payment_id` is the venue's own."""

    kind: ReportKind = ReportKind.FUNDED
    client_id: str = ""
    payment_id: str
    symbol: str
    venue: str
    amount: float
    currency: str


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """New terms for a working order; None leaves one as it is. `quantity` is the whole one, filled or not."""

    request: int
    client_id: str
    quantity: float | None = None
    price: float | None = None
    stop_price: float | None = None


class VenueOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An open order as the venue has it, for reconciliation; NaN is a price that it does not have or that the venue does not tell.

    One that the venue has received and not acknowledged yet is SUBMITTING.
    """

    client_id: str
    venue_order_id: str
    symbol: str
    venue: str
    status: OrderStatus
    quantity: float
    filled_quantity: float
    price: float = nan
    stop_price: float = nan


class GatewayTrial(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway has found out about its account without trading; NaN and None are what the venue does not tell."""

    gateway: str
    address: str  # empty: the venue's own
    clock_ms: float  # how far the venue's clock is ahead of ours
    answer_ms: float  # how long it takes to answer
    permissions: list[str] | None  # of the key, as the venue names them
    can_trade: bool | None
    cash: dict[str, float]
    positions: dict[str, float]
    open_orders: int
    instruments: int  # that can be traded


Listener = Callable[[GatewayReport], None]


class Gateway(ABC):
    """The way to a venue. Only a trading engine calls it, on its own thread; reports may come from any thread.

    `order_types` and `times_in_force` are what the venue knows; the trading engine holds other conditional orders and ends, and refuses
    what it cannot hold. REDUCE_ONLY, OCO, groups and parents are the engine's affair at every gateway.

    A gateway acts on commands alone, never on requests. One that is `real` refuses any world but LIVE, so that no backtest, import or
    replay can reach a venue; its venue lives on without us, so that it is reconciled with after each connection (`VenueLink`).
    """

    real: ClassVar[bool] = True
    order_types: ClassVar[frozenset[OrderType]] = frozenset({OrderType.MARKET, OrderType.LIMIT})
    times_in_force: ClassVar[frozenset[TimeInForce]] = frozenset({TimeInForce.GTC})
    order_flags: ClassVar[OrderFlag] = OrderFlag.NONE
    # Whether one order may close and open, where long and short are held apart; else each order has the offset that says which it does.
    nets: ClassVar[bool] = False
    # Whether its venue tells what it pays for funding (`FundingReport`); set before it is given to an engine.
    tells_funding: bool = False

    def __init__(self, name: str) -> None:
        self.name = name

    def open(self, bus: EventBus, listener: Listener) -> None:
        """Connect, and report to `listener` from now on. Raises ComponentError if it is real and the bus is not live."""
        self.check_world(bus.world)
        self.connect(bus, listener)

    def check_world(self, world: World) -> None:
        """Raise ComponentError if it reaches a real venue and this is not the live world."""
        if self.real and world != World.LIVE:
            raise ComponentError(
                f"Gateway {self.name!r} reaches a real venue and refuses a {world.name.lower()} bus: run it on a live one.",
                gateway=self.name,
                world=world,
            )

    @abstractmethod
    def connect(self, bus: EventBus, listener: Listener) -> None:
        """Connect to the venue; called by `open` alone."""

    @property
    @abstractmethod
    def connected(self) -> bool:
        """Whether an order would reach the venue now."""

    @property
    def session(self) -> int:
        """The number of the connection, counting up with each new one; 0 while there is none."""
        return 1 if self.connected else 0

    @property
    def failure(self) -> str:
        """Why there is no connection, as far as is known; empty otherwise."""
        return ""

    def reconciled(self, session: int) -> None:
        """Learn that what happened before connection number `session` is known, so that orders may go out on it: it is `connected` now."""
        return

    @abstractmethod
    def submit(self, command: OrderCommand) -> None:
        """Send an order. Raises OrderError if it is certain that nothing has reached the venue."""

    @abstractmethod
    def cancel(self, command: CancelCommand) -> None:
        """Ask the venue to cancel an order; without a connection do nothing, it is asked again after the next one."""

    @abstractmethod
    def modify(self, change: Change, event_ns: int) -> None:
        """Ask the venue to change an order; without a connection do nothing, it is asked again after the next one."""

    @abstractmethod
    def restore(self, orders: Sequence[Order]) -> None:
        """Learn which orders we have as open at the venue, oldest first, and report what became of them, before it returns.

        Called after a restart, and on a real venue after each connection. Reported are acknowledgements, fills and ends, known ones too,
        and changes that our terms do not show, if the venue tells them, in the order in which they happened at the venue; UNKNOWN for an
        order that the venue does not have: it is looked up by its client id, never sent blindly again. Nothing of an earlier connection may
        be on its way any more.

        Raises:
            GatewayError: the venue does not answer.
        """

    def restore_funding(self, since_ns: int) -> None:
        """Report the payments for funding since a time before it returns, known ones too, and from then on those that come.

        Called on each connection of a gateway that tells them, after `restore`.

        Raises:
            GatewayError: the venue does not answer.
        """
        return

    @abstractmethod
    def query_orders(self) -> list[VenueOrder]:
        """Return the orders that are open at the venue, ours and others'; all that happened before has been reported.

        Raises:
            GatewayError: the venue does not answer.
        """

    def query_positions(self) -> dict[tuple[str, str], float] | None:
        """Return the signed quantities by (symbol, venue), or None if the venue keeps no account; see `query_orders`."""
        return None

    def query_account(self) -> dict[str, float] | None:
        """Return the cash by currency, or None if the venue keeps no account; see `query_orders`."""
        return None

    def coin_of(self, instrument: Instrument) -> str:
        """Return the currency as which the venue keeps what is bought of an instrument, such as "BTC" at a spot market; else "".

        Such a holding is compared with the venue's cash of that currency, not with its positions.
        """
        return ""

    def trial(self) -> GatewayTrial:
        """Try credentials, clock, permissions and balance, and trade nothing; it is not open.

        Raises:
            GatewayError: the venue does not answer, or refuses the credentials. ComponentError: there is no venue to try.
        """
        raise ComponentError(f"The {self.name} gateway reaches no venue that could be tried: choose one in [trading] gateway.")

    @abstractmethod
    def close(self) -> None:
        """Disconnect. Orders stay at the venue."""


class MarketGateway(Gateway):
    """A gateway that fills orders itself, against the market data of the bus."""

    real: ClassVar[bool] = False

    @abstractmethod
    def set_terms(self, number: int, instrument: Instrument) -> None:
        """Learn the terms of an instrument number; they change only while none of its orders is open."""

    @abstractmethod
    def on_market(self, event: MarketDataEvent) -> None:
        """Take in a market data record, backfilled history never."""

    @abstractmethod
    def seed(self, event: MarketDataEvent) -> None:
        """Take in market data of before a restart: it shows where the market stood, and no order may act on it."""

    @abstractmethod
    def advance(self, now_ns: int) -> None:
        """Let event time pass without market data."""
