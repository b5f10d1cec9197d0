"""The bars of ticks or trades up to a moment."""

from __future__ import annotations

from gcg_quant.bar_grid import BarGrid
from gcg_quant.bars import aggregate
from gcg_quant.calendar import Calendar
from gcg_quant.enumerations import BarBasis
from gcg_quant.history import RecordArray

__all__ = ["bars_until"]


def bars_until(rows: RecordArray, period: str, basis: BarBasis, calendar: Calendar | None, until_ns: int) -> RecordArray:
    """Return the bars of an array of ticks or trades (see `aggregate`) that are over at `until_ns`; `instrument` is 0 in them."""
    bars = aggregate(rows, period, basis, calendar)
    if len(bars):
        last = BarGrid(period, calendar).at(int(bars["start_ns"][-1]))
        if last is None or last.due_ns > until_ns:
            bars = bars[:-1]
    bars["instrument"] = 0  # a number of the store or of some bus
    return bars
