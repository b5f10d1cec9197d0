"""turtle: its trades over SPY's days are those of a plain loop, stops included; stops after gaps, refusals and restarts."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gcg_quant.events import ConfigChangeEvent, OrderType, Side
from gcg_quant.instruments import Instrument

SHARE = Instrument(symbol="X", venue="V", tick_size=0.01, lot_size=1.0)
QUICK: dict[str, Any] = {"period": "1m", "entry": 3, "exit": 2, "range_bars": 2, "capital": 1000.0, "risk_percent": 1.0}


def average_ranges(rows: Any, bars: int) -> list[float]:
    """Return N at each bar, of at most ten times as many true ranges, begun with the mean of the first ones."""
    high, low, close = rows.high.tolist(), rows.low.tolist(), rows.close.tolist()
    ranges = [max(high[at] - low[at], abs(high[at] - close[at - 1]), abs(low[at] - close[at - 1])) for at in range(1, len(rows))]
    found = [math.nan] * len(rows)
    for at in range(bars, len(rows)):
        window = ranges[max(0, at - 10 * bars) : at]
        n = sum(window[:bars]) / bars
        for one in window[bars:]:
            n = ((bars - 1) * n + one) / bars
        found[at] = n
    return found


def plain(rows: Any, *, entry: int, leave: int, capital: float, short: bool) -> tuple[list[Any], int]:
    """Return the trades of the rule and how many of them were stops; orders of a close trade at the next open, stops within the bar."""
    trades, stops, ns = [], 0, average_ranges(rows, 20)
    n = math.nan
    held, units, price, stop, order, triggered = 0.0, 0, 0.0, math.nan, 0.0, False
    for at in range(len(rows)):
        sign = 1 if held > 0 else -1
        if order:  # a market order is first, at the open
            trades.append(rows.at_open("SPY", at, order))
        if held and not math.isnan(stop):  # none on the way out
            opens = rows.at_open("SPY", at, -held)[3]
            worst = rows.low[at] if held > 0 else rows.high[at]
            if triggered or (opens - stop) * sign <= 0 or (worst - stop) * sign <= 0:
                hit = opens if triggered or (opens - stop) * sign <= 0 else stop
                trades.append(("SPY", int(rows.start_ns[at]), -held, hit))
                stops, held, stop = stops + 1, 0.0, math.nan
        if order:
            held += order
            if held and (order > 0) == (held > 0):
                units, price = units + 1, trades[-1 if trades[-1][2] == order else -2][3]
                stop = round(price - 2 * float(f"{n:.6g}") * (1 if held > 0 else -1), 2)
                triggered = (rows.close[at] - stop) * (1 if held > 0 else -1) <= 0
        order, sign = 0.0, 1 if held > 0 else -1
        if at < max(entry, leave, 20):
            continue
        n = ns[at]
        unit = math.floor(capital / 100 / n)
        close = rows.close[at]
        if not held:
            units = 0
            if close > rows.high[at - entry : at].max():
                order = unit
            elif short and close < rows.low[at - entry : at].min():
                order = -unit
        elif (close < rows.low[at - leave : at].min()) if held > 0 else (close > rows.high[at - leave : at].max()):
            order, stop = -held, math.nan
        elif units < 4 and (close - price) * sign >= 0.5 * n:
            order = unit * sign
    return trades, stops


PINNED = {
    False: (
        97,
        "20070919 SPY +389 153.41, 20071002 SPY +474 154.62",
        "20130118 SPY +734 148, 20130123 SPY +748 149.12",
        1024225.63,
    ),
    True: (
        190,
        "20070919 SPY +389 153.41, 20071002 SPY +474 154.62",
        "20130118 SPY +734 148, 20130123 SPY +748 149.12",
        1005512.78,
    ),
}


@pytest.mark.parametrize("short", PINNED)
def test_trades_over_real_days_are_those_of_a_plain_loop(short: bool, real_bars: Any, backtest: Any) -> None:
    """Every trade, stops within the bar included, and the money in the end are equal."""
    rows = real_bars("stock/SPY_daily.csv.gz", "1d", "America/New_York", 2400, 3800)
    ran = backtest("turtle", {"SPY": rows}, cash=1_000_000.0, parameters={"short": short, "entry": 20, "exit": 10})
    expected, stops = plain(rows, entry=20, leave=10, capital=100_000.0, short=short)
    ran.must_be(expected, {"SPY": rows.close[-1]}, 1_000_000.0)
    assert ran.pinned == PINNED[short]
    assert stops == {False: 16, True: 35}[short]


def rise(desk: Any) -> None:
    """Say bars that rise until two units are held, bought at 14 and at 18, with N 1.5 and 1.625."""
    for close in (10, 11, 12, 11, 13, 14, 16, 18):
        desk.bar(close)


def stops(desk: Any) -> list[tuple[Side, float, float]]:
    """Return (side, quantity, stop price) of the stops that stand."""
    return [(one.side, one.quantity, one.stop_price) for one in desk.working() if one.order_type == OrderType.STOP]


def test_stop_follows_the_newest_unit(floor: Any) -> None:
    """One stop for all units, two N below the newest one's price; never two of them at once."""
    desk = floor("turtle", SHARE, **QUICK)
    rise(desk)
    assert desk.held() == 12
    assert stops(desk) == [(Side.SELL, 12.0, 14.75)]
    assert [one.tag for one in desk.working()] == ["stop 2 18 1.625"]


def test_gap_through_the_stop_is_filled_at_the_open(floor: Any) -> None:
    """What opens far below the stop is sold there, once, and nothing is left standing."""
    desk = floor("turtle", SHARE, **QUICK)
    rise(desk)
    desk.bar(9, open=8)
    desk.bar(9)
    assert desk.fills()[-1] == (Side.SELL, 12.0, 8.0)
    assert (desk.held(), desk.working(), desk.state()) == (0, [], ("running", ""))


def test_units_and_stop_survive_a_restart(floor: Any) -> None:
    """After a restart the stop is the same order, and the next units are the third and the fourth."""
    desk = floor("turtle", SHARE, **QUICK)
    rise(desk)
    desk.restart()
    assert stops(desk) == [(Side.SELL, 12.0, 14.75)]
    for close in (19, 20, 21, 22):
        desk.bar(close)
    assert [one.tag.split()[1] for one in desk.requests() if one.tag.startswith("unit")] == ["1", "2", "3", "4"]
    assert len(stops(desk)) == 1


def test_stop_that_was_refused_is_asked_for_at_each_bar(floor: Any) -> None:
    """A stop that is taken away and refused is tried again once a bar, until it stands."""
    desk = floor("turtle", SHARE, **QUICK)
    rise(desk)
    desk.say(ConfigChangeEvent(revision=1, changes={"risk.kill_switch": True}))
    assert (stops(desk), len(desk.refusals())) == ([], 1)
    desk.bar(18)
    assert (stops(desk), len(desk.refusals())) == ([], 2)
    desk.say(ConfigChangeEvent(revision=2, changes={"risk.kill_switch": False}))
    desk.bar(18)
    assert stops(desk) == [(Side.SELL, 12.0, 14.75)]


def test_stop_grows_with_a_unit_that_fills_in_parts(floor: Any) -> None:
    """What is filled so far is behind the stop, and a unit in parts is one unit."""
    desk = floor("turtle", SHARE, **QUICK)
    for close in (10, 11, 12, 11, 13):
        desk.bar(close)
    desk.bar(13, volume=4)
    assert stops(desk) == [(Side.SELL, 4.0, 10.0)]
    desk.bar(13, volume=4)
    assert stops(desk) == [(Side.SELL, 6.0, 10.0)]
    assert desk.requests()[-1].tag.startswith("stop 1 ")


def test_position_without_a_stop_gets_one(floor: Any) -> None:
    """A position of an earlier life whose stop is gone is protected from its average price, and not added to."""
    desk = floor("turtle", SHARE, **QUICK)
    rise(desk)
    desk.say(ConfigChangeEvent(revision=1, changes={"risk.kill_switch": True}))
    desk.restart()
    desk.say(ConfigChangeEvent(revision=2, changes={"risk.kill_switch": False}))
    for close in (19, 20, 21):
        desk.bar(close)
    assert [(side, quantity) for side, quantity, _ in stops(desk)] == [(Side.SELL, 12.0)]
    assert desk.held() == 12


def test_exit_takes_the_stop_away_first(floor: Any) -> None:
    """A close below the exit channel sells all at the next open; the stop does not sell it again."""
    desk = floor("turtle", SHARE, **{**QUICK, "stop_ranges": 10.0})
    rise(desk)
    for close in (15, 14, 14):
        desk.bar(close)
    assert desk.fills()[-1] == (Side.SELL, 12.0, 14.0)
    assert (desk.held(), desk.working(), desk.refusals()) == (0, [], [])


def test_unit_of_less_than_a_lot_is_not_taken(floor: Any) -> None:
    """Where the risk allows no whole lot there is no trade."""
    desk = floor("turtle", SHARE, **{**QUICK, "capital": 100.0})
    rise(desk)
    assert (desk.requests(), desk.state()) == ([], ("running", ""))


def test_units_are_reckoned_of_the_equity(floor: Any) -> None:
    """With `equity_percent` the second unit is sized by what the first has won meanwhile, not by `capital`."""
    desk = floor("turtle", SHARE, **{**QUICK, "risk_percent": 3.0, "equity_percent": 100.0})
    rise(desk)
    units = [one.quantity for one in desk.requests() if one.tag.startswith("unit")]
    assert units == [200_000.0, 10_400_000 * 0.03 // 1.625]
