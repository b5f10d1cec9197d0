"""The ticks of the tick engines' benchmark: one made market, the same for everybody, as plain columns.

A quote every 100 ms, one tick wide or two, that wanders by a tick now and then. Nobody is told of trades: engines differ in what they make
of a last price, and all are to match the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

TICK = 0.01
STEP_NS = 100_000_000
START_NS = 1_700_000_000_000_000_000
EVERY = 100  # an order on each hundredth tick


def columns(count: int, seed: int = 11) -> dict[str, Any]:
    """Return the columns of so many ticks: times, bid, ask, and their sizes."""
    rng = np.random.default_rng(seed)
    steps = rng.choice(np.array([-1, 0, 0, 0, 1]), count)
    middle = np.abs(np.cumsum(steps)) + 10_000
    bid, ask = middle, middle + rng.integers(1, 3, count)
    bid_size, ask_size = rng.integers(1, 100, (2, count)).astype(np.float64)
    return {
        "event_ns": START_NS + np.arange(count, dtype=np.int64) * STEP_NS,
        "bid": np.round(bid * TICK, 2),
        "ask": np.round(ask * TICK, 2),
        "bid_size": bid_size,
        "ask_size": ask_size,
    }


def rows(count: int) -> Any:
    """Return the ticks as an array of `Tick.dtype`."""
    from gcg_quant.events import Tick

    made = columns(count)
    found = np.zeros(count, Tick.dtype)
    for name in Tick.dtype.names or ():
        if Tick.dtype[name] == np.float64:
            found[name] = np.nan
    found["event_ns"] = found["recv_ns"] = made["event_ns"]
    found["instrument"], found["ordinal"] = 1, np.arange(count)
    for side in ("bid", "ask"):
        found[f"{side}_price"], found[f"{side}_size"] = made[side], made[f"{side}_size"]
    return found
