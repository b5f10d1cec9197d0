"""Trailing stops: how far they stay away from the market, and where they have come to."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite, isnan
from typing import NamedTuple

from gcg_quant.errors import InstrumentError
from gcg_quant.events import OrderCommand, OrderRequest, OrderType
from gcg_quant.instruments import Instrument

from .order import WholeTerms

__all__ = ["TRAILING", "Trail", "moved", "read_trail"]

TRAILING = (OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT)
_MILLION = 1_000_000


class Trail(NamedTuple):
    """How far a trailing stop stays away: in whole ticks, or in millionths of the price; the other one is 0."""

    ticks: int = 0
    millionths: int = 0


def read_trail(terms: OrderRequest | OrderCommand, instrument: Instrument) -> Trail:
    """Return how far a trailing order stays away, and no trail for any other order.

    Raises:
        InstrumentError: it tells no trail or two, the amount is no whole number of ticks above 0, or the fraction not between 0 and 1.
    """
    if terms.order_type not in TRAILING:
        return Trail()
    amount, fraction = terms.trail_amount, terms.trail_percent
    if isnan(amount) == isnan(fraction):
        raise InstrumentError(
            "A trailing order needs either a trail_amount, in the price's currency, or a trail_percent, as a fraction of the price.",
            symbol=instrument.symbol,
        )
    if isnan(fraction):
        ticks = instrument.ticks(amount)
        if ticks <= 0:
            raise InstrumentError(f"The trail_amount must be above 0, found {amount:g}.", symbol=instrument.symbol, value=amount)
        return Trail(ticks=ticks)
    millionths = round(fraction * _MILLION) if isfinite(fraction) else 0
    if not 0 < millionths < _MILLION:
        raise InstrumentError(
            f"The trail_percent is a fraction of the price between 0 and 1 (0.02 is 2 %), found {fraction:g}.",
            symbol=instrument.symbol,
            value=fraction,
        )
    return Trail(millionths=millionths)


def moved(whole: WholeTerms, instrument: Instrument, price: float, stop_price: float) -> WholeTerms:
    """Return terms with the prices that a venue reports; NaN leaves one as it is."""
    return replace(
        whole,
        price_ticks=whole.price_ticks if isnan(price) else instrument.ticks(price),
        stop_ticks=whole.stop_ticks if isnan(stop_price) else instrument.ticks(stop_price),
    )
