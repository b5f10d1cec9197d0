"""Made-up bars, as arrays of ours and as the frames that a user of stock Backtrader has."""

from __future__ import annotations

import itertools
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd

from gcg_quant.backtest.history.bars import BarArray
from gcg_quant.events import Bar
from gcg_quant.periods import period_ns

START_NS = 1_700_000_000_000_000_000 // 86_400_000_000_000 * 86_400_000_000_000


def make_bars(closes: Any, period: str = "1m", start_ns: int = START_NS, spread: float = 0.5, basis: int = 0) -> BarArray:
    """Return bars one after the other with these closes; each opens at the close before it."""
    closes = np.asarray(closes, dtype=np.float64)
    bars = np.zeros(len(closes), Bar.dtype)
    opens = np.concatenate([closes[:1], closes[:-1]])
    step = period_ns(period)
    bars["start_ns"] = start_ns + step * np.arange(len(closes))
    bars["event_ns"] = bars["recv_ns"] = bars["start_ns"] + step
    bars["open"], bars["close"] = opens, closes
    bars["high"] = np.maximum(opens, closes) + spread
    bars["low"] = np.minimum(opens, closes) - spread
    bars["volume"] = 1000.0 + np.arange(len(closes))
    bars["open_interest"] = np.nan
    bars["period"] = period.encode()
    bars["basis"] = basis
    return bars


def random_bars(count: int, seed: int = 1, period: str = "1m", **others: Any) -> BarArray:
    """Return bars of a random walk around 100."""
    steps = np.random.default_rng(seed).normal(0.0, 0.4, count)
    return make_bars(100.0 + np.cumsum(steps), period, **others)


def coarse_bars(count: int, seed: int = 1, period: str = "30m", tick: float = 0.25) -> BarArray:
    """Return bars of few different prices, with gaps between them: limits meet highs and lows exactly, closes equal opens."""
    made = random_bars(count, seed, period)
    gaps = np.random.default_rng(seed + 1000).integers(-2, 3, count) * tick
    for name in ("open", "high", "low", "close"):
        made[name] = np.round(made[name] / tick) * tick
    made["open"] = np.clip(made["open"] + gaps, made["low"] - 2 * tick, made["high"] + 2 * tick)
    made["high"] = np.maximum(made["high"], made["open"])
    made["low"] = np.minimum(made["low"], made["open"])
    made["volume"] = np.random.default_rng(seed + 2000).integers(0, 9, count)
    return made


def frame_of(bars: BarArray) -> pd.DataFrame:
    """Return bars as the frame that a user of stock Backtrader would pass to PandasData: naive UTC start times."""
    columns = {name: bars[name] for name in ("open", "high", "low", "close", "volume")}
    return pd.DataFrame(columns, index=pd.to_datetime(bars["start_ns"], unit="ns"))


def restart_references() -> None:
    """Let Backtrader number its orders, trades and couplers from 1 again: it counts them over the whole process."""
    bt.Order.refbasis = itertools.count(1)
    bt.order.OrderBase.refbasis = bt.Order.refbasis
    bt.Trade.refbasis = itertools.count(1)
    bt.lineiterator.LinesCoupler.counter = 0
