"""Presets: the usual terms of a market, or each instrument's own, for a backtest that trades on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gcg_quant.errors import BacktestError, nearest
from gcg_quant.instruments import Instrument, preset
from gcg_quant.market_terms import MARKETS, market_of

if TYPE_CHECKING:
    from .sources import Source

__all__ = ["PRESETS", "check_preset", "preset_terms"]

PRESETS = ("auto", *MARKETS, "cme")


def check_preset(name: str) -> None:
    """Raise BacktestError, naming the nearest, if there is no such preset; "" is none."""
    if name and name not in PRESETS:
        raise BacktestError(f"There is no preset {name!r} (known: {', '.join(PRESETS)}).{nearest(name, PRESETS)}", preset=name)


def preset_terms(name: str, sources: Iterable[Source]) -> dict[tuple[str, str], Instrument]:
    """Return the terms of each source by (symbol, venue).

    "auto" takes those that the store or the journal tells, and of an instrument without any the usual ones of the market that its symbol
    looks like. A market's name takes that market's usual terms for all; "cme" are those of CME Group's futures.

    Raises:
        BacktestError: there is no such preset. InstrumentError: the market has no terms for a symbol.
    """
    check_preset(name)
    return {(one.symbol, one.venue): _terms(name, one) for one in sources}


def _terms(name: str, source: Source) -> Instrument:
    if name == "auto":
        if source.terms is not None and source.terms.market != "sim":
            return source.terms
        return preset(market_of(source.symbol), source.symbol, source.venue)
    if name == "cme":
        return preset("us", source.symbol, source.venue, kind="future")
    return preset(name, source.symbol, source.venue)
