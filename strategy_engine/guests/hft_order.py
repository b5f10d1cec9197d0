"""What can be wrong with an order of a tick strategy by itself, before it leaves as a request."""

from __future__ import annotations

from math import isfinite
from numbers import Real
from typing import TYPE_CHECKING

from gcg_quant.errors import OrderError
from gcg_quant.events import OrderType, TimeInForce

from ..strategy.session import OrderTerms

if TYPE_CHECKING:
    from gcg_quant.instruments import Instrument

__all__ = ["check_order", "check_terms"]

_PRICED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP_LIMIT})
_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
_TRAILING = frozenset({OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT})


def check_order(volume: float, terms: OrderTerms, instrument: Instrument, *, reduces: bool) -> None:
    """Raise what is wrong with an order, in one sentence.

    Args:
        volume: its volume in the instrument's units.
        terms: its prices, type and end.
        instrument: the terms of the symbol.
        reduces: whether it only makes a position smaller; the instrument's least quantity does not count then.

    Raises:
        OrderError: a number that is none, or a type without the price that it needs.
        InstrumentError: a volume that is no lot or not above 0, or a price between two ticks; the nearest valid one is named.
    """
    check_terms(volume, terms.price, terms.stop_price, instrument)
    if reduces and volume > 0:
        instrument.lots(volume)
    else:
        instrument.order_lots(volume)
    kind = terms.type
    if kind in _PRICED and terms.price is None:
        raise OrderError(f"An order of type {kind.name} needs a price.", type=kind.name)
    if kind in _STOPS and terms.stop_price is None:
        raise OrderError(f"An order of type {kind.name} needs stop_price=.", type=kind.name)
    if kind in _TRAILING:
        _check_trail(terms)
    if terms.time_in_force == TimeInForce.GTD and terms.expire_ns is None:
        raise OrderError("An order of time in force GTD needs expire=.")


def check_terms(volume: float | None, price: float | None, stop_price: float | None, instrument: Instrument) -> None:
    """Raise OrderError or InstrumentError for numbers that make no sense; what is None is not asked for."""
    if volume is not None and not _is_number(volume):
        raise OrderError(f"An order's volume must be a number, not {volume!r}.", volume=volume)
    for name, value in (("price", price), ("stop_price", stop_price)):
        if value is None:
            continue
        if not _is_number(value):
            raise OrderError(f"An order's {name} must be a number, or None for the market's, not {value!r}.", value=value)
        if not isfinite(value):
            raise OrderError(f"An order's {name} must be a number, not {value!r}: wait until the market shows one.", value=value)
        instrument.ticks(value)


def _check_trail(terms: OrderTerms) -> None:
    given = [one for one in (terms.trail_amount, terms.trail_percent) if one is not None]
    if len(given) != 1 or not isfinite(given[0]) or given[0] <= 0:
        raise OrderError(
            f"An order of type {terms.type.name} needs either trail_amount= (in the price's currency) or trail_percent= (0.02 is 2 %), "
            "above 0.",
            type=terms.type.name,
        )


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
