"""Bars of a symbol of which only ticks or trades are stored: those that are made of them live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gcg_quant.calendar import Calendar
from gcg_quant.events import Bar, BarBasis
from gcg_quant.periods import period_ns
from gcg_quant.tick_bars import bars_until

from .bars import PREFERENCE, BarArray, join_bars

if TYPE_CHECKING:
    from gcg_quant.history import History

__all__ = ["bars_from_ticks"]

NO_BARS: BarArray = np.empty(0, Bar.dtype)


def bars_from_ticks(
    history: History,
    symbol: str,
    period: str,
    *,
    venue: str | None = None,
    start_ns: int | None = None,
    end_ns: int | None = None,
    limit: int | None = None,
    basis: BarBasis | None = None,
    calendar: Calendar | None = None,
) -> BarArray:
    """Return bars made of a symbol's stored trades, or else of its ticks; empty if it has neither. `limit` keeps the newest N.

    Without a basis it is the first of last, mid, bid, ask that the ticks have prices of. A last bar that is not over at `end_ns` (without
    one: when the data end) is left out, as are intervals that begin before `start_ns`.
    """
    period_ns(period)
    rows = history.trades(symbol, venue=venue, start_ns=start_ns, end_ns=end_ns) if basis in (None, BarBasis.LAST) else NO_BARS
    rows = rows if len(rows) else history.ticks(symbol, venue=venue, start_ns=start_ns, end_ns=end_ns)
    if not len(rows):
        return NO_BARS
    until_ns = int(rows["event_ns"][-1]) if end_ns is None else end_ns
    for one in PREFERENCE if basis is None else (basis,):
        bars = bars_until(rows, period, one, calendar, until_ns)
        if len(whole := bars if start_ns is None else bars[bars["start_ns"] >= start_ns]):
            return join_bars([whole if limit is None else whole[max(0, len(whole) - limit) :]])
    return NO_BARS
