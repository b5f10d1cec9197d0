"""`hft.rows`: arrays of market data from columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gcg_quant.backtest import hft
from gcg_quant.clock import from_iso


def test_columns_become_records_and_what_is_not_given_is_absent() -> None:
    """Numbers, single values, enumerations and texts; the rest is what a record has that is made without it."""
    made = hft.rows(hft.Trade, event_ns=[5, 7], price=np.array([1.5, 2.5]), aggressor=hft.Side.BUY, exchange=["N", "Q"])
    assert made.dtype == hft.Trade.dtype
    assert (made["event_ns"].tolist(), made["price"].tolist(), made["aggressor"].tolist()) == ([5, 7], [1.5, 2.5], [1, 1])
    assert made["exchange"].tolist() == [b"N", b"Q"]
    assert np.isnan(made["size"]).all()
    assert made["venue_seq"].tolist() == [-1, -1]


@pytest.mark.parametrize("unit", ["ms", "ns"])
def test_times_of_pandas_and_numpy_are_nanoseconds_in_utc(unit: str) -> None:
    """With a time zone and without, whatever they count in."""
    local = pd.Series(pd.to_datetime(["2021-01-04 09:30:00.5"])).dt.as_unit(unit)
    for times, expected in (
        (local.dt.tz_localize("Asia/Shanghai"), "2021-01-04T01:30:00.5Z"),
        (pd.DatetimeIndex(local).tz_localize("Asia/Shanghai"), "2021-01-04T01:30:00.5Z"),
        (local, "2021-01-04T09:30:00.5Z"),
        (local.to_numpy(), "2021-01-04T09:30:00.5Z"),
    ):
        assert hft.rows(hft.Tick, event_ns=times)["event_ns"].tolist() == [from_iso(expected)]
