"""dual_thrust: its trades over an hour's bars of SPY are those of a plain loop over days; restarts within a day."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gcg_quant.errors import StrategyError
from gcg_quant.events import Side
from gcg_quant.instruments import Instrument

SHARE = Instrument(symbol="X", venue="V", tick_size=0.01, lot_size=1.0)


def plain(rows: Any, days: int, k: float, value: float, short: bool) -> list[Any]:
    """Return the trades of the rule: days by their UTC date, each trade at the open after the close that led to it."""
    trades, held = [], 0.0
    date = rows.frame.index.date
    table = rows.frame.groupby(date).agg({"open": "first", "high": "max", "low": "min", "close": "last"})
    hh, hc = table["high"].rolling(days).max().shift(), table["close"].rolling(days).max().shift()
    ll, lc = table["low"].rolling(days).min().shift(), table["close"].rolling(days).min().shift()
    width = np.maximum(hh - lc, hc - ll)
    upper, lower = (table["open"] + k * width).to_dict(), (table["open"] - k * width).to_dict()
    for at in range(len(rows) - 1):
        target, close, day = held, rows.close[at], date[at]
        size = np.floor(value / close)
        if close > upper[day] and held <= 0:
            target = size
        elif close < lower[day] and held >= 0:
            target = -size if short else 0.0
        if target != held:
            trades.append(rows.at_open("SPY", at + 1, target - held))
            held = target
    return trades


PINNED = {
    False: (
        15,
        "20200812 SPY +147 337.87, 20200820 SPY -147 335.33",
        "20210225 SPY -127 382.88, 20210317 SPY +125 397.66",
        103031.07,
    ),
    True: (
        16,
        "20200731 SPY -154 323.18, 20200812 SPY +301 337.87",
        "20210225 SPY -257 382.88, 20210317 SPY +255 397.66",
        95415.36,
    ),
}


@pytest.mark.parametrize("short", PINNED)
def test_trades_over_real_hours_are_those_of_a_plain_loop(short: bool, real_bars: Any, backtest: Any) -> None:
    """Every trade and the money in the end are equal."""
    rows = real_bars("stock/SPY_hour.csv.gz", "1h", "America/New_York", -1200)
    ran = backtest("dual_thrust", {"SPY": rows}, period="1h", parameters={"value": 50_000, "short": short})
    ran.must_be(plain(rows, 4, 0.5, 50_000, short), {"SPY": rows.close[-1]})
    assert ran.pinned == PINNED[short]


def test_days_are_too_long_for_it(real_bars: Any, backtest: Any) -> None:
    """Bars of a day are refused with a sentence."""
    rows = real_bars("stock/SPY_daily.csv.gz", "1d", "America/New_York", -30)
    with pytest.raises(StrategyError, match="period must be shorter than 1d, not 1d"):
        backtest("dual_thrust", {"SPY": rows})


def test_without_days_it_waits(floor: Any) -> None:
    """Before as many days are closed as the range takes, nothing is ordered."""
    desk = floor("dual_thrust", SHARE, period="1m", days=1)
    for close in (100, 120, 80):
        desk.bar(close)
    assert (desk.requests(), desk.state()) == ([], ("running", ""))


def test_open_of_the_day_is_found_again_after_a_restart(floor: Any) -> None:
    """The lines of a day that has begun stay where they were: 100 and half of a range of 10."""
    desk = floor("dual_thrust", SHARE, period="1m", days=1)
    for close in (100, 110, 90, 100):
        desk.bar(close)
    desk.now_ns += 86_400_000_000_000
    desk.bar(102, open=100)
    desk.restart()
    desk.bar(104)
    assert desk.requests() == []
    desk.bar(106)
    assert [one.side for one in desk.requests()] == [Side.BUY]
