"""Times as Backtrader keeps them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import backtrader as bt
import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.backtest.conversion.days import days_from_ns, ns_from_days, one_day_from_ns

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES = st.integers(min_value=-2_000_000_000_000_000_000, max_value=4_000_000_000_000_000_000)


def stock_days(time_ns: int) -> float:
    """Return what Backtrader makes of the naive UTC datetime."""
    days: float = bt.date2num((EPOCH + timedelta(microseconds=time_ns // 1000)).replace(tzinfo=None))
    return days


@given(TIMES)
def test_days_equal_those_of_date2num(time_ns: int) -> None:
    """Every nanosecond time becomes the very float that Backtrader makes of its datetime."""
    assert one_day_from_ns(time_ns) == stock_days(time_ns)


@given(st.lists(TIMES, max_size=20))
def test_array_of_times_converts_like_single_ones(times: list[int]) -> None:
    """The array form gives the same floats as one time after the other."""
    found = days_from_ns(np.array(times, dtype=np.int64))
    assert found.tolist() == [one_day_from_ns(time_ns) for time_ns in times]


def test_days_equal_those_of_a_pandas_index() -> None:
    """Minute stamps of a pandas index go through PandasData's conversion to the same bits."""
    index = pd.date_range("2013-10-07 09:30", periods=2000, freq="7min")
    stock = np.array([bt.date2num(stamp.to_pydatetime()) for stamp in index])
    ours = days_from_ns(index.to_numpy().astype("datetime64[ns]").astype(np.int64))
    assert ours.tobytes() == stock.tobytes()


@given(TIMES)
def test_days_come_back_within_their_precision(time_ns: int) -> None:
    """Going back loses no more than Backtrader itself loses: about ten microseconds."""
    assert abs(ns_from_days(one_day_from_ns(time_ns)) - time_ns) < 25_000


def test_whole_seconds_come_back_exactly() -> None:
    """A time without a fraction of a second survives the way there and back."""
    assert ns_from_days(one_day_from_ns(1_381_138_201_000_000_000)) == 1_381_138_201_000_000_000
