"""Fixtures of the backtest room: bars from real files and made-up ones, and Backtrader classes to run."""

from __future__ import annotations

import gzip
import itertools
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from gcg_quant.backtest.bars import BarArray
from gcg_quant.events import Bar
from gcg_quant.history import MemoryHistory
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


def make_bar(start_ns: int, close: float, symbol: str = "X", venue: str = "SIM", period: str = "1s", **others: Any) -> Bar:
    """Return one bar as a record."""
    values = {"open": close, "high": close + 0.5, "low": close - 0.5, "close": close, "volume": 10.0, **others}
    return Bar(symbol=symbol, venue=venue, start_ns=start_ns, end_ns=start_ns + period_ns(period), period=period, **values)


def frame_of(bars: BarArray) -> pd.DataFrame:
    """Return bars as the frame that a user of stock Backtrader would pass to PandasData: naive UTC start times."""
    columns = {name: bars[name] for name in ("open", "high", "low", "close", "volume")}
    return pd.DataFrame(columns, index=pd.to_datetime(bars["start_ns"], unit="ns"))


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


def restart_references() -> None:
    """Let Backtrader number its orders and trades from 1 again."""
    bt.Order.refbasis = itertools.count(1)
    bt.order.OrderBase.refbasis = bt.Order.refbasis
    bt.Trade.refbasis = itertools.count(1)


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


def order_facts(order: Any) -> str:
    """Return everything that an order notification tells, as text; floats keep their last bit."""
    facts = {
        name: value
        for name, value in vars(order).items()
        if name not in ("broker", "owner", "p", "params", "comminfo", "created", "executed")
    }
    facts["info"] = dict(order.info)
    facts["terms"] = {name: value for name, value in order.p._getkwargs().items() if name not in ("owner", "data", "oco", "parent")}
    facts["data"] = order.data._name
    facts["created"] = {**vars(order.created), "exbits": len(order.created.exbits)}
    facts["executed"] = {**vars(order.executed), "exbits": [vars(bit) for bit in order.executed.exbits]}
    facts["pending"] = [vars(bit) for bit in order.executed.iterpending()]
    return repr(sorted(facts.items()))


def trade_facts(trade: Any) -> str:
    """Return everything that a trade notification tells, as text."""
    return repr(sorted((name, value) for name, value in vars(trade).items() if name not in ("data", "history")))


class Traced(bt.Strategy):
    """Writes down, to the last bit, all that Backtrader tells it; classes of the parity tests derive from it."""

    def __init__(self) -> None:
        """Begin the trace."""
        self.trace: list[str] = []

    def notify_order(self, order: Any) -> None:
        """Note an order."""
        self.trace.append("order " + order_facts(order))

    def notify_trade(self, trade: Any) -> None:
        """Note a trade."""
        self.trace.append("trade " + trade_facts(trade))

    def notify_cashvalue(self, cash: float, value: float) -> None:
        """Note cash and value."""
        self.trace.append(f"cash {cash!r} {value!r}")

    def notify_fund(self, cash: float, value: float, fundvalue: float, shares: float) -> None:
        """Note the fund's value."""
        self.trace.append(f"fund {fundvalue!r} {shares!r}")

    def note_bar(self) -> None:
        """Note what next() sees."""
        rows = [
            (len(data), data.datetime[0], data.close[0], self.getposition(data).size, self.getposition(data).price) for data in self.datas
        ]
        self.trace.append(f"next {rows!r} {self.broker.getvalue()!r}")
