"""An order as a tick strategy asks for it, and what can be wrong with its numbers."""

from __future__ import annotations

from math import isfinite
from numbers import Real
from typing import TYPE_CHECKING

import msgspec

from gcg_quant.errors import OrderError
from gcg_quant.events import Offset, OrderType, Side, TimeInForce

if TYPE_CHECKING:
    from gcg_quant.instruments import Instrument

__all__ = ["OrderAsked"]

_PRICED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
_TRAILING = frozenset({OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT})


class OrderAsked(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The terms of one order; what is None is not given. A price that is None means the market's."""

    symbol: str
    side: Side
    volume: float
    price: float | None = None
    type: OrderType = OrderType.LIMIT
    offset: Offset = Offset.NONE
    time_in_force: TimeInForce = TimeInForce.GTC
    stop_price: float | None = None
    trail_amount: float | None = None
    trail_percent: float | None = None
    expire_ns: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    tag: str = ""

    @staticmethod
    def type_of(price: float | None, stop_price: float | None, trails: bool) -> OrderType:
        """Return the order type that the prices imply."""
        if trails:
            return OrderType.TRAILING_STOP if price is None else OrderType.TRAILING_STOP_LIMIT
        if stop_price is not None:
            return OrderType.STOP if price is None else OrderType.STOP_LIMIT
        return OrderType.MARKET if price is None else OrderType.LIMIT

    def check(self, instrument: Instrument) -> None:
        """Raise what is wrong with the order by itself, in one sentence.

        Raises:
            OrderError: a number that is none, or a type without the price that it needs.
            InstrumentError: a volume that is no lot or not above 0, or a price between two ticks; the nearest valid one is named.
        """
        if not _is_number(self.volume):
            raise OrderError(f"An order's volume must be a number, not {self.volume!r}.", volume=self.volume)
        for name, price in (("price", self.price), ("stop_price", self.stop_price)):
            if price is None:
                continue
            if not _is_number(price):
                raise OrderError(f"An order's {name} must be a number, or None for the market's, not {price!r}.", value=price)
            if not isfinite(price):
                raise OrderError(f"An order's {name} must be a number, not {price!r}: wait until the market shows one.", value=price)
            instrument.ticks(price)
        # What a position's odd remainder may close is the risk check's to say: only whole lots are asked for here.
        if self.reduce_only and isfinite(self.volume) and self.volume > 0:
            instrument.lots(self.volume)
        else:
            instrument.order_lots(self.volume)
        if self.type is not OrderType.LIMIT or self.time_in_force or self.price is None:
            self._check_kind()

    def _check_kind(self) -> None:
        kind = self.type
        if kind in _PRICED and self.price is None:
            raise OrderError(f"An order of type {kind.name} needs a price.", type=kind.name)
        if kind in _STOPS and self.stop_price is None:
            raise OrderError(f"An order of type {kind.name} needs stop_price=.", type=kind.name)
        if kind in _TRAILING:
            self._check_trail()
        if (self.time_in_force == TimeInForce.GTD) != (self.expire_ns is not None):
            raise OrderError("An order that ends at a time needs both expire= and time_in_force=GTD, or expire= alone.")

    def _check_trail(self) -> None:
        given = [one for one in (self.trail_amount, self.trail_percent) if one is not None]
        if len(given) != 1 or not isfinite(given[0]) or given[0] <= 0:
            raise OrderError(
                f"An order of type {self.type.name} needs either trail_amount= (in the price's currency) or trail_percent= (0.02 is 2 %), "
                "above 0.",
                type=self.type.name,
            )


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
