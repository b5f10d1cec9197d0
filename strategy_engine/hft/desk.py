"""What a tick strategy trades through: the tick engine's desk or a session's."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Any, Protocol

from gcg_quant.events import Offset, OrderStatus, OrderType, Side, TimeInForce

if TYPE_CHECKING:
    import numpy as np

    from gcg_quant.instruments import Instrument

    Levels = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Desk", "OpenOrder"]


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order that is not done, as far as the strategy has been told. `price` is NaN where it has none."""

    order_id: str
    symbol: str
    side: Side
    volume: float
    price: float = nan
    filled: float = 0.0
    type: OrderType = OrderType.LIMIT
    status: OrderStatus = OrderStatus.NEW
    tag: str = ""

    @property
    def remaining(self) -> float:
        """The volume that is not filled yet."""
        return self.volume - self.filled


class Desk(Protocol):
    """The world of one strategy: its orders, its positions, its clock and the market. Symbols are "IF1311" or "IF1311@CFFEX".

    Every method that takes a symbol raises InstrumentError, naming the nearest, for one that is not there.
    """

    @property
    def now_ns(self) -> int:
        """The time of the event being handled."""
        ...

    @property
    def cash(self) -> float:
        """The account's cash in its currency."""
        ...

    @property
    def equity(self) -> float:
        """The account's cash and what its positions are worth."""
        ...

    def instrument(self, symbol: str, /) -> Instrument:
        """Return a symbol's terms."""
        ...

    def send(
        self,
        symbol: str,
        side: Side,
        price: float | None,
        volume: float,
        type: OrderType,
        time_in_force: TimeInForce,
        offset: Offset,
        stop_price: float | None,
        trail_amount: float | None,
        trail_percent: float | None,
        expire_ns: int,
        post_only: bool,
        reduce_only: bool,
        tag: str,
        /,
    ) -> str:
        """Send an order and return its id; `expire_ns` is -1 where it has no end of its own. Raises what `send_order` raises."""
        ...

    def cancel(self, order_id: str, /) -> bool:
        """Ask for a cancellation; return whether the order was open."""
        ...

    def modify(self, order_id: str, volume: float | None, price: float | None, stop_price: float | None, /) -> bool:
        """Ask for other terms; return whether the order was open."""
        ...

    def open_orders(self, symbol: str | None, /) -> list[OpenOrder]:
        """Return the open orders, oldest first."""
        ...

    def position(self, symbol: str, /) -> float:
        """Return the strategy's signed position."""
        ...

    def positions(self) -> dict[str, float]:
        """Return the positions that are not flat."""
        ...

    def last(self, symbol: str, /) -> float:
        """Return the last price, NaN before the first."""
        ...

    def best_bid(self, symbol: str, /) -> float:
        """Return the best bid, NaN if there is none."""
        ...

    def best_ask(self, symbol: str, /) -> float:
        """Return the best ask, NaN if there is none."""
        ...

    def book(self, symbol: str, levels: int, /) -> tuple[Levels, Levels]:
        """Return (bids, asks), best first, each with a row (price, size) a level that is there."""
        ...

    def set_timer(self, name: str, interval_ns: int, repeat: bool, /) -> None:
        """Set a timer, or set it anew."""
        ...

    def cancel_timer(self, name: str, /) -> None:
        """Forget a timer; one that is not set is passed over."""
        ...

    def plot(self, name: str, value: float, symbol: str | None, place: str, /) -> None:
        """Draw a point on the chart, where there is one."""
        ...

    def log(self, text: str, /) -> None:
        """Keep a line of the strategy's."""
        ...
