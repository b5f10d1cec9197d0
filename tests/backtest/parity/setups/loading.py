"""Frames of every shape for PandasData, other feeds of Backtrader's, and prices that are odd."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd

from ..bars import coarse_bars, frame_of
from ..sides import FAST, Setup, Side
from ..watching import Plain, note, trading
from .orders import limits, market

__all__ = ["SETUPS"]

COUNT = 60


class Telling(Plain):
    """Notes all lines of each bar, extra ones, too, and trades a little."""

    def act(self, bar: int) -> None:
        for data in self.datas:
            note("all", [line[0] for line in data.lines], data.getlinealiases(), data.datetime.datetime(0))
        if bar % 4 == 0:
            self.buy(size=1)
        elif bar % 4 == 2:
            self.close()


class More(bt.feeds.PandasData):
    """A feed of the user's own with more lines."""

    lines = ("rank", "absent")
    params = (("rank", -1), ("absent", None))


def shaped(change: Callable[[pd.DataFrame], pd.DataFrame], cls: type = bt.feeds.PandasData, **params: Any) -> Callable[[Side], Any]:
    """Return what loads a changed frame."""

    def build(side: Side) -> Any:
        cerebro = side.cerebro(stdstats=False)
        made = {"timeframe": bt.TimeFrame.Minutes, "compression": 30, **params}
        cerebro.adddata(cls(dataname=change(frame_of(coarse_bars(COUNT))), name="X", **made))
        cerebro.addstrategy(Telling)
        return cerebro

    return build


def odd_times(frame: pd.DataFrame) -> pd.DataFrame:
    """Give each bar a time with microseconds, of which a float of days keeps ten."""
    steps = np.cumsum(np.random.default_rng(8).integers(1, 4 * 3600 * 10**6, len(frame))) * 1000
    return frame.set_index(frame.index[0] + pd.to_timedelta(steps, unit="ns"))


def equal_times(frame: pd.DataFrame) -> pd.DataFrame:
    """Let every third bar have the time of the one before it."""
    times = frame.index.to_numpy().copy()
    times[2::3] = times[1::3][: len(times[2::3])]
    return frame.set_index(pd.DatetimeIndex(times))


def disorder(frame: pd.DataFrame) -> pd.DataFrame:
    """Exchange some bars with their neighbours."""
    order = np.arange(len(frame))
    order[10:40:6], order[11:41:6] = order[11:41:6].copy(), order[10:40:6].copy()
    return frame.iloc[order]


def odd_prices(frame: pd.DataFrame) -> pd.DataFrame:
    """Put NaN, infinities, zeros of both signs, negative and tiny prices among the others."""
    frame = frame.copy()
    for at, value in enumerate((np.nan, np.inf, -np.inf, 0.0, -0.0, -3.5, 5e-324, 1e300)):
        frame.iloc[8 + 5 * at, at % 4] = value
    frame.iloc[20, 4] = np.nan
    return frame


def named_otherwise(frame: pd.DataFrame) -> pd.DataFrame:
    """Call the columns as vendors do, in another order, with one more."""
    frame = frame.rename(columns=str.upper)[["VOLUME", "CLOSE", "OPEN", "HIGH", "LOW"]]
    return frame.assign(OpenInterest=np.arange(len(frame)), other="text")


def without_index(frame: pd.DataFrame) -> pd.DataFrame:
    """Have the time as a column."""
    return frame.reset_index(names="when")


def few(count: int) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return what keeps the first bars only."""
    return lambda frame: frame.iloc[:count]


def from_text(side: Side) -> Any:
    """A CSV file, through the generic reader."""
    text = frame_of(coarse_bars(COUNT)).to_csv(date_format="%Y-%m-%d %H:%M:%S", index_label="datetime")
    cerebro = side.cerebro()
    columns = {"open": 1, "high": 2, "low": 3, "close": 4, "volume": 5, "openinterest": -1}
    cerebro.adddata(bt.feeds.GenericCSVData(dataname=io.StringIO(text), name="csv", timeframe=bt.TimeFrame.Minutes, **columns))
    cerebro.addstrategy(trading(limits, every=3))
    return cerebro


def direct(side: Side) -> Any:
    """The reader of a frame's tuples."""
    cerebro = side.cerebro()
    cerebro.adddata(bt.feeds.PandasDirectData(dataname=frame_of(coarse_bars(COUNT)), openinterest=-1, name="direct"))
    cerebro.addstrategy(trading(market))
    return cerebro


class Noted(bt.feeds.PandasData):
    """A feed of the user's own that sees each bar come."""

    def _load(self) -> bool:
        found = super()._load()
        note("loaded", found, len(self))
        return found


def same_frame(side: Side) -> Any:
    """Two feeds of one frame, one of them without a name."""
    cerebro = side.cerebro()
    frame = frame_of(coarse_bars(COUNT))
    for name in ("X", ""):
        cerebro.adddata(bt.feeds.PandasData(dataname=frame, name=name, timeframe=bt.TimeFrame.Minutes))
    cerebro.addstrategy(Telling)
    return cerebro


CHANGES: list[tuple[str, Callable[[pd.DataFrame], pd.DataFrame], dict[str, Any]]] = [
    ("whole numbers", lambda frame: frame.round().astype(np.int64), {}),
    ("short floats", lambda frame: frame.astype(np.float32), {}),
    ("mixed types", lambda frame: frame.astype({"open": np.float32, "volume": np.int32, "high": object}), {}),
    ("Python objects", lambda frame: frame.astype(object), {}),
    ("columns named otherwise", named_otherwise, {}),
    ("columns by number", lambda frame: frame, {"open": 0, "high": 1, "low": 2, "close": 3, "volume": None, "openinterest": None}),
    ("no volume", lambda frame: frame.drop(columns="volume"), {}),
    ("the time in a column", without_index, {"datetime": "when"}),
    ("a time zone in the index", lambda frame: frame.tz_localize(UTC).tz_convert("America/New_York"), {}),
    ("seconds in the index", lambda frame: frame.set_index(frame.index.astype("datetime64[s]")), {}),
    ("times with microseconds", odd_times, {}),
    ("equal times", equal_times, {}),
    ("times out of order", disorder, {}),
    ("odd prices", odd_prices, {}),
    ("one bar", few(1), {}),
    ("no bars", few(0), {}),
    (
        "from a date on",
        lambda frame: frame,
        {"fromdate": datetime(2023, 11, 14, 12), "todate": datetime(2023, 11, 15) + timedelta(hours=3)},
    ),
]
SETUPS = [
    *(Setup(f"a frame with {name}", shaped(change, **params), ours=False) for name, change, params in CHANGES),
    Setup("a feed with more lines", shaped(lambda frame: frame.assign(rank=range(len(frame))), More), ours=False),
    Setup("a feed that sees its bars", shaped(lambda frame: frame, Noted), ours=False),
    Setup("a text file", from_text, FAST, ours=False),
    Setup("a frame's tuples", direct, ours=False),
    Setup("one frame twice", same_frame, FAST, ours=False),
]
