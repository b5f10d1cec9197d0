"""Fixtures of the backtest room: bars from real files and made-up ones, and Backtrader classes to run."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from gcg_quant.backtest.history.bars import BarArray
from gcg_quant.events import Bar
from gcg_quant.history import MemoryHistory
from gcg_quant.periods import period_ns

sys.path.insert(0, str(Path(__file__).resolve().parent))  # for `parity`, the set-ups that are compared

from parity.bars import START_NS, frame_of, make_bars, random_bars, restart_references

__all__ = ["START_NS", "Cross", "frame_of", "make_bar", "make_bars", "random_bars", "read_daily", "restart_references", "stored"]


def make_bar(start_ns: int, close: float, symbol: str = "X", venue: str = "SIM", period: str = "1s", **others: Any) -> Bar:
    """Return one bar as a record."""
    values = {"open": close, "high": close + 0.5, "low": close - 0.5, "close": close, "volume": 10.0, **others}
    return Bar(symbol=symbol, venue=venue, start_ns=start_ns, end_ns=start_ns + period_ns(period), period=period, **values)


def read_daily(path: Path, zone: str = "America/New_York") -> tuple[pd.DataFrame, BarArray]:
    """Return a daily CSV file as a naive UTC frame and as bars."""
    with gzip.open(path, "rt") as file:
        frame = pd.read_csv(file, index_col=0, parse_dates=True)
    frame.index = frame.index.tz_localize(zone).tz_convert("UTC").tz_localize(None)
    frame = frame.astype(float)
    starts = frame.index.to_numpy().astype("datetime64[ns]").astype(np.int64)
    bars = np.zeros(len(frame), Bar.dtype)
    bars["start_ns"] = starts
    bars["event_ns"] = starts + 86_400_000_000_000
    for name in ("open", "high", "low", "close", "volume"):
        bars[name] = frame[name].to_numpy()
    bars["open_interest"] = np.nan
    bars["period"] = b"1d"
    return frame, bars


def stored(bars: BarArray, symbol: str = "X", venue: str = "SIM") -> MemoryHistory:
    """Return a history that holds these bars."""
    history = MemoryHistory()
    history.add_bars(symbol, venue, bars.copy())
    return history


@pytest.fixture(scope="session")
def kit() -> ModuleType:
    """Return this module: the tests are no package, so its functions cannot be imported."""
    return sys.modules[__name__]


@pytest.fixture(autouse=True)
def _fresh_references() -> None:
    # Backtrader counts orders and trades over the whole process; runs that are compared must begin alike.
    restart_references()


class Cross(bt.Strategy):
    """Buys when the fast average crosses above the slow one, closes when it crosses below."""

    params = (("fast", 10), ("slow", 30))

    def __init__(self) -> None:
        """Make the indicators."""
        self.cross = bt.ind.CrossOver(bt.ind.SMA(period=self.p.fast), bt.ind.SMA(period=self.p.slow))

    def next(self) -> None:
        """Trade the crossing."""
        if not self.position and self.cross > 0:
            self.buy()
        elif self.position and self.cross < 0:
            self.close()
