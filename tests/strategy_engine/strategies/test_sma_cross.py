"""sma_cross: its trades over SPY's days are those of a plain loop, long and short; T+1, refusals and partial fills."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gcg_quant.events import ConfigChangeEvent, Side
from gcg_quant.instruments import Instrument

SHARE = Instrument(symbol="X", venue="V", tick_size=0.01, lot_size=1.0)
A_SHARE = Instrument(symbol="600519", venue="SSE", tick_size=0.01, lot_size=100.0, t_plus_one=True, market="cn_stock", currency="CNY")


def plain(rows: Any, fast: int, slow: int, value: float, short: bool, percent: float = 0.0) -> list[Any]:
    """Return the trades of the rule: at the open after a crossing, shares worth `value` (or `percent` of the equity) at its close."""
    trades, held, cash = [], 0.0, 100_000.0
    spread = (rows.frame["close"].rolling(fast).mean() - rows.frame["close"].rolling(slow).mean()).to_numpy()
    for at in range(slow, len(rows) - 1):
        target = held
        equity = cash + held * rows.close[at]
        size = np.floor((equity * percent / 100 if percent else value) / rows.close[at])
        if spread[at - 1] <= 0 < spread[at]:
            target = size
        elif spread[at - 1] >= 0 > spread[at]:
            target = -size if short else 0.0
        if target != held:
            trades.append(rows.at_open("SPY", at + 1, target - held))
            cash -= trades[-1][2] * trades[-1][3]
            held = target
    return trades


PINNED = {
    False: (
        33,
        "20161116 SPY +229 217.52, 20170327 SPY -229 231.97",
        "20210308 SPY -140 384.69, 20210318 SPY +125 394.49",
        114718.55,
    ),
    True: (
        34,
        "20160912 SPY -234 212.39, 20161116 SPY +463 217.52",
        "20210308 SPY -270 384.69, 20210318 SPY +255 394.49",
        96647.37,
    ),
}


@pytest.mark.parametrize("short", PINNED)
def test_trades_over_real_days_are_those_of_a_plain_loop(short: bool, real_bars: Any, backtest: Any) -> None:
    """Every trade and the money in the end are equal."""
    rows = real_bars("stock/SPY_daily.csv.gz", "1d", "America/New_York", -1200)
    ran = backtest("sma_cross", {"SPY": rows}, parameters={"value": 50_000, "short": short})
    ran.must_be(plain(rows, 10, 30, 50_000, short), {"SPY": rows.close[-1]})
    assert ran.pinned == PINNED[short]


def test_share_of_the_equity_grows_and_shrinks_with_it(real_bars: Any, backtest: Any) -> None:
    """Sized by the equity every trade is that of a loop that keeps account: more shares after a profit, fewer after a loss."""
    rows = real_bars("stock/SPY_daily.csv.gz", "1d", "America/New_York", -1200)
    ran = backtest("sma_cross", {"SPY": rows}, parameters={"equity_percent": 90, "short": True})
    expected = plain(rows, 10, 30, 0.0, True, percent=90)
    ran.must_be(expected, {"SPY": rows.close[-1]})
    assert len(expected) > 30
    assert ran.equity != pytest.approx(100_000.0, rel=0.01)


def test_position_is_sized_after_profit_and_loss(floor: Any) -> None:
    """Half of 10,000,000 at first, half of what is left or was won at each crossing; after a restart it goes on with that."""
    desk = floor("sma_cross", SHARE, fast=1, slow=2, equity_percent=50)
    for close in (100, 90, 100, 100, 120, 90, 110, 120):  # bought at 100, sold at 110: 500,000 won
        desk.bar(close)
    bought = [one.quantity for one in desk.requests() if one.side == Side.BUY]
    assert bought == [50_000.0, 10_500_000 / 2 // 110]
    for close in (100, 60, 55):  # bought at 120, sold at 60
        desk.bar(close)
    left = 10_500_000 - bought[1] * (120 - 60)
    desk.restart()
    for close in (50, 60, 61):
        desk.bar(close)
    bought = [one.quantity for one in desk.requests() if one.side == Side.BUY]
    assert bought[2:] == [left / 2 // 60]
    assert (desk.held(), desk.refusals(), desk.state()) == (bought[2], [], ("running", ""))


def test_sale_that_was_refused_is_asked_for_again(floor: Any) -> None:
    """While the kill switch is on the position stays; afterwards it is sold without another crossing."""
    desk = floor("sma_cross", SHARE, fast=1, slow=2, value=1000)
    for close in (100, 90, 100, 100, 101):
        desk.bar(close)
    assert desk.held() == 10
    desk.say(ConfigChangeEvent(revision=1, changes={"risk.kill_switch": True}))
    desk.bar(90)
    assert desk.held() == 10
    assert len(desk.refusals()) == 1
    desk.say(ConfigChangeEvent(revision=2, changes={"risk.kill_switch": False}))
    desk.bar(89)
    desk.bar(88)
    assert desk.held() == 0


def test_order_that_fills_in_part_is_waited_for(floor: Any) -> None:
    """A bar with little volume fills a part; the rest follows, and nothing is sent beside it."""
    desk = floor("sma_cross", SHARE, fast=1, slow=2, value=1000)
    for close in (100, 90):
        desk.bar(close)
    desk.bar(100)
    desk.bar(100, volume=4)
    assert desk.held() == 4
    desk.bar(101, volume=4)
    desk.bar(102, volume=4)
    assert desk.held() == 10
    assert len(desk.requests()) == 1


def test_t_plus_one_is_neither_sold_on_its_day_nor_short(floor: Any) -> None:
    """Bought today it is sold on the first bar of tomorrow, by one order, and never below zero."""
    desk = floor("sma_cross", A_SHARE, fast=1, slow=2, value=20_000, short=True)
    for close in (100, 90, 100, 100):
        desk.bar(close)
    assert desk.held() == 200
    for close in (90, 89, 88):
        desk.bar(close)
    assert (desk.held(), desk.refusals()) == (200, [])
    desk.now_ns += 86_400_000_000_000
    for close in (87, 86, 85):
        desk.bar(close)
    assert desk.held() == 0
    assert [one.side for one in desk.requests()] == [Side.BUY, Side.SELL]
