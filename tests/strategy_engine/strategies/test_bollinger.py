"""bollinger: its trades over an hour's bars of SPY are those of a plain loop; stops, refusals and flat markets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gcg_quant.instruments import Instrument

SHARE = Instrument(symbol="X", venue="V", tick_size=0.01, lot_size=1.0)


def plain(rows: Any, window: int, width: float, stop: float, value: float, short: bool) -> list[Any]:
    """Return the trades of the rule, each at the open after the close that led to it."""
    trades, held = [], 0.0
    mean, deviation = rows.frame["close"].rolling(window).mean(), rows.frame["close"].rolling(window).std(ddof=0)
    place = ((rows.frame["close"] - mean) / deviation).to_numpy()
    for at in range(window, len(rows) - 1):
        target, now, before = held, place[at], place[at - 1]
        size = np.floor(value / rows.close[at])
        if held:
            far = -now if held > 0 else now
            target = 0.0 if far <= 0 or far >= stop else held
        elif before >= -width > now > -stop:
            target = size
        elif short and before <= width < now < stop:
            target = -size
        if target != held:
            trades.append(rows.at_open("SPY", at + 1, target - held))
            held = target
    return trades


PINNED = {
    False: (
        36,
        "20200730 SPY +156 320.13, 20200730 SPY -156 323.55",
        "20210324 SPY +128 389.6, 20210326 SPY -128 391.3",
        102281.14,
    ),
    True: (
        69,
        "20200730 SPY -153 321.9, 20200730 SPY +153 320.13",
        "20210326 SPY -128 391.3, 20210329 SPY -126 394.35",
        98684.55,
    ),
}


@pytest.mark.parametrize("short", PINNED)
def test_trades_over_real_hours_are_those_of_a_plain_loop(short: bool, real_bars: Any, backtest: Any) -> None:
    """Every trade and the money in the end are equal."""
    rows = real_bars("stock/SPY_hour.csv.gz", "1h", "America/New_York", -1200)
    options = {"value": 50_000, "short": short, "stop_width": 3.0}
    ran = backtest("bollinger", {"SPY": rows}, period="1h", parameters=options)
    ran.must_be(plain(rows, 20, 2.0, 3.0, 50_000, short), {"SPY": rows.close[-1]})
    assert ran.pinned == PINNED[short]


def test_price_that_does_not_move_trades_nothing(floor: Any) -> None:
    """Bands of no width are crossed by nobody, and nothing is divided by zero."""
    desk = floor("bollinger", SHARE, period="1m", window=3)
    for close in (100, 100, 100, 100, 100):
        desk.bar(close)
    assert (desk.requests(), desk.state()) == ([], ("running", ""))


def test_stop_ends_a_fall_and_the_next_crossing_begins_anew(floor: Any) -> None:
    """What falls on is sold at the stop band, and not bought again before it has been inside of the bands."""
    desk = floor("bollinger", SHARE, period="1m", window=10, width=1.5, stop_width=2.6, value=1000)
    for close in (100, 101, 100, 101, 100, 101, 100, 101, 100, 101, 99):
        desk.bar(close)
    desk.bar(99.5)
    assert desk.held() == 10
    desk.bar(90)
    desk.bar(89)
    assert desk.held() == 0
    count = len(desk.requests())
    for close in (88, 87):
        desk.bar(close)
    assert len(desk.requests()) == count
