"""The bars before a live feed's first live one: stored history, then what the journal holds since, without gap or duplicate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gcg_quant.errors import InstrumentError
from gcg_quant.events import Bar, BarBasis

from .bars import PREFERENCE, BarArray, check_bars, join_bars, one_a_start
from .lookback import Rows, look_back

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.history import History

__all__ = ["bars_before"]


def bars_before(
    bus: EventBus,
    before_id: int,
    history: History | None,
    symbol: str,
    period: str,
    *,
    venue: str | None = None,
    start_ns: int | None = None,
    limit: int | None = None,
    basis: BarBasis | None = None,
    late: bool = False,
) -> BarArray:
    """Return the bars of a symbol up to the event `before_id`, by start time; `limit` is the newest N. There may be none.

    The store is behind the bus by what its recorder has not yet written, so its end is completed from the journal; and it may know what
    comes on the journal from `before_id` on, which is left out. With `late`, history that was filled in behind `before_id` counts, too: who
    asked the store then may have been told of it.

    Raises:
        BacktestError: the bars are out of order or have no prices.
    """
    name = f"{symbol}@{venue}" if venue else symbol
    stored = _stored(history, symbol, period, venue, start_ns, limit, basis)
    if len(stored):
        next_ns = _next_start(bus, before_id, name, period)
        if next_ns is not None and int(stored["start_ns"][-1]) >= next_ns:
            stored = _stored(history, symbol, period, venue, start_ns, limit, basis, next_ns)
    if basis is None and len(stored):
        basis = BarBasis(int(stored["basis"][0]))
    last_ns = int(stored["start_ns"][-1]) if len(stored) else None

    def enough(rows: Rows) -> bool:
        found = one_a_start([rows], period, basis)
        if last_ns is not None:
            return len(found) > 0 and int(found["start_ns"][0]) <= last_ns
        return limit is not None and len(found) >= limit

    rows = look_back(bus, Bar, before_id, enough, [name])
    recorded = one_a_start([rows, *(_filled_in_behind(bus, before_id, name) if late else ())], period, basis)
    if last_ns is not None:
        recorded = recorded[recorded["start_ns"] > last_ns]
    bars = join_bars([stored, recorded])
    if start_ns is not None:
        bars = bars[bars["start_ns"] >= start_ns]
    return check_bars(bars if limit is None else bars[max(0, len(bars) - limit) :], symbol, period)


def _filled_in_behind(bus: EventBus, from_id: int, name: str) -> list[BarArray]:
    every, live = _rows_from(bus, from_id, name, backfill=True), _rows_from(bus, from_id, name, backfill=False)
    return [every[~np.isin(every["id"], live["id"])]] if len(every) > len(live) else []


def _rows_from(bus: EventBus, from_id: int, name: str, *, backfill: bool) -> BarArray:
    with bus.reader(start="end", events=[Bar], symbols=[name], backfill=backfill) as reader:
        reader.seek_id(from_id)
        parts = [reader.read_array(Bar)]
        while len(parts[-1]):
            parts.append(reader.read_array(Bar))
    return np.concatenate(parts)


# Where the bars of the journal go on, from an event on.
def _next_start(bus: EventBus, from_id: int, name: str, period: str) -> int | None:
    with bus.reader(start="end", events=[Bar], symbols=[name], backfill=False) as reader:
        reader.seek_id(from_id)
        return next((bar.start_ns for bar in reader if isinstance(bar, Bar) and bar.period == period), None)


def _stored(
    history: History | None,
    symbol: str,
    period: str,
    venue: str | None,
    start_ns: int | None,
    limit: int | None,
    basis: BarBasis | None,
    before_ns: int | None = None,
) -> BarArray:
    if history is not None:
        for one in PREFERENCE if basis is None else (basis,):
            try:
                rows = history.bars(symbol, period, venue=venue, start_ns=start_ns, end_ns=before_ns, limit=limit, basis=one)
            except InstrumentError:  # nothing of it has been stored yet: the journal may hold some
                break
            if len(rows):
                return check_bars(np.asarray(rows), symbol, period)
    return np.empty(0, Bar.dtype)
