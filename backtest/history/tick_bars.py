"""Bars of a symbol of which only ticks or trades are stored: those that are made of them live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gcg_quant.bars import aggregate
from gcg_quant.calendar import Calendar
from gcg_quant.events import Bar, BarBasis
from gcg_quant.periods import period_ns

from .bars import PREFERENCE, BarArray

if TYPE_CHECKING:
    from gcg_quant.history import History

__all__ = ["bars_from_ticks"]

NO_BARS: BarArray = np.empty(0, Bar.dtype)
_ANY_TIME = np.iinfo(np.int64)


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
    rows = history.trades(symbol, venue=venue, start_ns=start_ns, end_ns=end_ns) if basis in (None, BarBasis.LAST) else NO_BARS
    rows = rows if len(rows) else history.ticks(symbol, venue=venue, start_ns=start_ns, end_ns=end_ns)
    if not len(rows):
        return NO_BARS
    first, last = (limit if at is None else at for limit, at in ((_ANY_TIME.min, start_ns), (_ANY_TIME.max, end_ns)))
    for one in PREFERENCE if basis is None else (basis,):
        bars = aggregate(rows, period, one, calendar)[:-1]
        bars["instrument"] = 0  # the store's number, not this run's
        whole = bars[(bars["start_ns"] >= first) & (bars["event_ns"] <= last)]
        if len(whole):
            return whole
    return NO_BARS
