"""Random walks as columns and candles, for tests of indicators."""

from __future__ import annotations

import numpy as np

from gcg_quant.clock import NS_PER_MINUTE, NS_PER_SECOND
from gcg_quant.visualization.indicators import Columns
from gcg_quant.visualization.series.candles import Candle

__all__ = ["BEGIN_NS", "candles", "walk"]

BEGIN_NS = 1_700_006_400 * NS_PER_SECOND  # the beginning of a day of UTC


def candles(count: int, seed: int = 1, begin_ns: int = BEGIN_NS, step_ns: int = NS_PER_MINUTE) -> list[Candle]:
    """Return candles that walk, with prices of two decimals and whole volumes."""
    random = np.random.default_rng(seed)
    close = 100 + np.round(random.normal(0, 0.2, count).cumsum(), 2)
    open_ = np.round(close + random.normal(0, 0.1, count), 2)
    high = np.maximum(open_, close) + np.round(random.random(count) / 5, 2) + 0.01
    low = np.minimum(open_, close) - np.round(random.random(count) / 5, 2) - 0.01
    volume = random.integers(1, 500, count).astype(float)
    starts = begin_ns + np.arange(count) * step_ns
    rows = zip(
        starts.tolist(), (starts // NS_PER_SECOND).tolist(), *(one.tolist() for one in (open_, high, low, close, volume)), strict=True
    )
    return [Candle(*row) for row in rows]


def walk(count: int, seed: int = 1) -> Columns:
    """Return such candles as columns."""
    return Columns.of(candles(count, seed))
