"""Market data for the tick engine, and what a run of it gave."""

from __future__ import annotations

from typing import Any

import numpy as np

from gcg_quant.backtest import hft
from gcg_quant.events import Record

NOON = 1_700_000_000_000_000_000
SECOND = 1_000_000_000

Rows = np.ndarray[Any, Any]


def empty_rows(record: type[Record], count: int) -> Rows:
    """Return rows of a record in which every price and size is absent."""
    return hft.rows(record, event_ns=np.zeros(count, np.int64))


def make_ticks(prices: Any, *, tick: float = 0.5, size: float = 10.0, start_ns: int = NOON, step_ns: int = SECOND) -> Rows:
    """Return a tick a price, one tick of spread around it, `size` on both sides; received 2 ms later."""
    rows = empty_rows(hft.Tick, len(prices))
    rows["event_ns"] = start_ns + np.arange(len(prices)) * step_ns
    rows["recv_ns"] = rows["event_ns"] + 2_000_000
    rows["last_price"] = prices
    rows["bid_price"], rows["ask_price"] = rows["last_price"] - tick, rows["last_price"] + tick
    rows["bid_size"] = rows["ask_size"] = size
    return rows


def walk(count: int, *, seed: int = 1, price: float = 100.0, tick: float = 0.5, **options: Any) -> Rows:
    """Return ticks whose price walks at random."""
    steps = np.random.default_rng(seed).integers(-1, 2, count)
    return make_ticks(price + np.cumsum(steps) * tick, tick=tick, **options)


def arrays(engine: hft.Engine) -> dict[str, bytes]:
    """Return the bytes of all arrays of a run."""
    return {name: rows.tobytes() for name, rows in engine.result.arrays._asdict().items()}


TERMS: dict[str, Any] = {
    "tick_size": 0.5,
    "lot_size": 1.0,
    "min_quantity": 1.0,
    "currency": "USD",
    **dict.fromkeys(("maker_fee", "taker_fee", "fee_per_unit", "fee_per_order", "min_fee", "stamp_duty"), 0.0),
}
