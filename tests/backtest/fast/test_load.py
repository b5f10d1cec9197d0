"""Frames are loaded as a whole: the same doubles as Backtrader's own loop, or Backtrader's own loop."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from backtrader.utils import date2num, num2date

from gcg_quant.backtest import EventDrivenCerebro
from gcg_quant.backtest.fast import BulkLoading
from gcg_quant.backtest.fast.native import fast_days


def test_days_are_date2num(kit: ModuleType) -> None:
    """Random microseconds from year 1 to 9999, and the edges of days, become the very double that date2num gives."""
    random = np.random.default_rng(5)
    lowest, highest = -62_135_596_800_000_000, 253_402_300_799_999_999
    times = np.concatenate(
        [
            random.integers(lowest, highest, 4_000),
            random.integers(1_500_000_000, 1_800_000_000, 2_000) * 1_000_000,
            np.array([lowest, highest, 0, -1, 1, 86_399_999_999, 86_400_000_000]),
        ]
    )
    days = np.empty(len(times))
    fast_days(times, days)
    epoch = pd.Timestamp(0).to_pydatetime()
    assert days.tolist() == [date2num(epoch + pd.Timedelta(0).to_pytimedelta().__class__(microseconds=int(one))) for one in times]
    with pytest.raises(ValueError, match="as many 8-byte values"):
        fast_days(times, days[1:])


def test_times_are_num2date() -> None:
    """What a line shows as datetime in a run is what num2date gives, at the edges of microseconds, seconds and days as well."""
    random = np.random.default_rng(8)
    start = 1_600_000_000_000_000
    steps = [0, 1, 9, 10, 11, 999_989, 999_990, 999_991, 999_999, 59_999_999, 86_399_999_995, 86_399_999_999]
    times = np.unique([*(start + random.integers(0, 10**13, 3_000)), *(start // 86_400_000_000 * 86_400_000_000 + np.array(steps))])
    frame = columns(len(times)).set_axis(pd.to_datetime(times, unit="us"))
    wrong: list[Any] = []

    class Asking(bt.Strategy):  # type: ignore[misc]
        def next(self) -> None:
            line = self.data.datetime
            if line.datetime() != num2date(line[0]) or line.datetime(-1) != num2date(line[-1]):
                wrong.append(line[0])

    cerebro = EventDrivenCerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame))
    cerebro.addstrategy(Asking)
    strategy = cerebro.run()[0]
    assert (cerebro.fast_reason, len(strategy), wrong) == ("", len(times), [])


def loaded(frame: pd.DataFrame, fast: bool, cls: type = bt.feeds.PandasData, **params: Any) -> list[Any]:
    """Return what a feed's lines hold after loading."""
    cerebro = EventDrivenCerebro(fast=fast)
    cerebro.adddata(cls(dataname=frame, timeframe=bt.TimeFrame.Minutes, **params))
    cerebro.addstrategy(bt.Strategy)
    cerebro.run()
    feed = cerebro.datas[0]
    return [feed._idx, *(line.array.tobytes() for line in feed.lines.lines)]


def columns(count: int, **others: Any) -> pd.DataFrame:
    """Return a frame of made-up prices."""
    prices = 100.0 + np.cumsum(np.random.default_rng(2).normal(0.0, 0.3, count))
    index = pd.date_range("2023-03-01 09:30:00.123457", periods=count, freq="37s")
    return pd.DataFrame({"open": prices, "high": prices + 1.0, "low": prices - 1.0, "close": prices, "volume": 10.0, **others}, index=index)


class WithSpread(bt.feeds.PandasData):  # type: ignore[misc]
    """Has a line more."""

    lines = ("spread",)
    params = (("spread", -1),)


FRAMES = [
    ("plain", columns(50), {}),
    ("whole numbers and half floats", columns(50, volume=np.arange(50), openinterest=np.arange(50, dtype=np.float32) / 3), {}),
    ("gaps", columns(50, volume=np.where(np.arange(50) % 3, np.nan, 1.0)), {}),
    ("no volume", columns(50).drop(columns="volume"), {}),
    ("time in a column", columns(50).reset_index(names="when"), {"datetime": "when"}),
    ("other names", columns(50).rename(columns=str.upper), {}),
    ("seconds", columns(50).set_axis(columns(50).index.floor("s").as_unit("s")), {}),
    ("a time zone", columns(50).tz_localize("Asia/Shanghai"), {}),
    ("from a date", columns(50), {"fromdate": pd.Timestamp("2023-03-01 09:40").to_pydatetime()}),
    ("objects", columns(50).astype(object), {}),
]


@pytest.mark.parametrize(("frame", "params"), [row[1:] for row in FRAMES], ids=[row[0] for row in FRAMES])
def test_lines_are_the_same_bytes(frame: pd.DataFrame, params: dict[str, Any]) -> None:
    """Whatever a frame is made of, its lines are the same to the last bit."""
    assert loaded(frame, True, **params) == loaded(frame, False, **params)


def test_a_line_more_is_loaded(kit: ModuleType) -> None:
    """A feed with a line of its own is loaded as a whole, too."""
    frame = columns(30, spread=np.arange(30) / 7)
    assert loaded(frame, True, WithSpread) == loaded(frame, False, WithSpread)


def test_only_what_is_plain_is_loaded_at_once() -> None:
    """Feeds that load in a way of their own, or filter, are left alone; afterwards no feed has anything left of it."""

    class Own(bt.feeds.PandasData):  # type: ignore[misc]
        def _load(self) -> bool:
            return bool(super()._load())

    feeds = [bt.feeds.PandasData(dataname=columns(9)), Own(dataname=columns(9)), bt.feeds.PandasData(dataname=columns(9))]
    feeds[2].addfilter(lambda data: False)
    with BulkLoading(feeds):
        assert ["preload" in vars(feed) for feed in feeds] == [True, False, False]
    assert not any("preload" in vars(feed) for feed in feeds)


def test_nanoseconds_are_cut_with_pandas_own_warning() -> None:
    """Stamps below a microsecond take Backtrader's way, where pandas warns of the loss."""
    frame = columns(5)
    frame.index = frame.index + pd.Timedelta(1, "ns")
    with pytest.warns(UserWarning, match="nanoseconds"):
        loaded(frame, True)
