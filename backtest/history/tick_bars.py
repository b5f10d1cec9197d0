"""Bars of a symbol of which only ticks or trades are stored, made by the aggregator that makes them live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gcg_quant.bars import BarAggregator
from gcg_quant.calendar import Calendar
from gcg_quant.events import Bar, BarBasis, Tick, TradeTick, from_array
from gcg_quant.periods import period_ns

from .bars import PREFERENCE, BarArray

if TYPE_CHECKING:
    from gcg_quant.history import History

__all__ = ["array_of", "bars_from_ticks"]

NO_BARS: BarArray = np.empty(0, Bar.dtype)


def bars_from_ticks(
    history: History,
    symbol: str,
    period: str,
    *,
    venue: str | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    basis: BarBasis | None = None,
    calendar: Calendar | None = None,
) -> BarArray:
    """Return bars made of a symbol's stored trades, or else of its ticks; empty if it has neither.

    Without a basis it is the first of last, mid, bid, ask that the ticks have prices of. A last bar that was not over when the data end is
    left out, as are intervals that begin before `start_ns` or end behind `end_ns`.
    """
    period_ns(period)
    trades = history.trades(symbol, venue=venue, start_ns=start_ns, end_ns=end_ns) if basis in (None, BarBasis.LAST) else np.empty(0)
    rows = trades if len(trades) else history.ticks(symbol, venue=venue, start_ns=start_ns, end_ns=end_ns)
    if not len(rows):
        return NO_BARS
    events = from_array(np.asarray(rows), symbol, venue or "")
    for one in PREFERENCE if basis is None else (basis,):
        bars = _made(events, BarAggregator(period, one, calendar))
        whole = [bar for bar in bars if (start_ns is None or bar.start_ns >= start_ns) and (end_ns is None or bar.end_ns <= end_ns)]
        if whole:
            return array_of(whole)
    return NO_BARS


def _made(events: list[Tick | TradeTick], aggregator: BarAggregator) -> list[Bar]:
    found = []
    for event in events:
        found += aggregator.update(event)
    return found


def array_of(bars: list[Bar]) -> BarArray:
    """Return bars as an array of `Bar.dtype`."""
    rows = np.zeros(len(bars), Bar.dtype)
    for name in Bar.dtype.names or ():
        if name != "instrument":
            rows[name] = [getattr(bar, name) for bar in bars]
    return rows
