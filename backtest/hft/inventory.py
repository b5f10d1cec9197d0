"""What a run held of an instrument over time, from its fills."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gcg_quant.enumerations import Side

from .facts import RunArrays, RunFacts

__all__ = ["Inventory", "inventory"]


class Inventory(NamedTuple):
    """The net position of one instrument, all strategies together, in its units.

    `mean` and `mean_size` (of its absolute value) are weighted by the time from the first to the last moment of the run, and None for a
    run of one moment; `largest` is its largest size; `end_price` the price at which the rest is valued, NaN if nothing is left.
    """

    mean: float | None
    mean_size: float | None
    largest: float
    end: float
    end_price: float


def inventory(arrays: RunArrays, facts: RunFacts, number: int) -> Inventory:
    """Return the inventory of the instrument of this number."""
    fills = arrays.fills[arrays.fills["number"] == number]
    signed = facts.lots(number, fills["quantity"]) * np.where(fills["side"] == Side.BUY, 1, -1)
    held = facts.quantities(number, np.cumsum(signed))
    times = np.concatenate([arrays.fills["event_ns"], arrays.equity["event_ns"]])
    first_ns, last_ns = (int(times.min()), int(times.max())) if len(times) else (0, 0)
    mean = size = None
    if last_ns > first_ns:
        spans = np.diff(np.append(fills["event_ns"], last_ns)).astype(np.float64)  # each position, until the next fill
        mean = float((held * spans).sum()) / (last_ns - first_ns)
        size = float((np.abs(held) * spans).sum()) / (last_ns - first_ns)
    return Inventory(
        mean=mean,
        mean_size=size,
        largest=float(np.abs(held).max()) if len(held) else 0.0,
        end=float(held[-1]) if len(held) else 0.0,
        end_price=_end_price(arrays, number) if len(held) and held[-1] else np.nan,
    )


# Like the account has it; a run whose last sample lacks the position (there is none) would be valued by its last fill.
def _end_price(arrays: RunArrays, number: int) -> float:
    rows = np.flatnonzero(arrays.positions["number"] == number)
    if len(rows):
        return float(arrays.positions["last_price"][rows[-1]])
    return float(arrays.fills["price"][arrays.fills["number"] == number][-1])
