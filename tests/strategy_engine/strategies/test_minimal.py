"""minimal: its trades over SPY's days are those of a plain loop, and what is refused is asked for again."""

from __future__ import annotations

from typing import Any

from gcg_quant.events import Side
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine import RiskLimits

SHARE = Instrument(symbol="X", venue="V", tick_size=0.01, lot_size=1.0)


def plain(rows: Any, bars_back: int, size: float) -> list[Any]:
    """Return the trades of the rule: above the mean in at the next open, below it out."""
    trades, held = [], 0.0
    mean = rows.frame["close"].rolling(bars_back).mean().shift().to_numpy()
    for at in range(bars_back, len(rows) - 1):
        if rows.close[at] > mean[at] and not held:
            trades.append(rows.at_open("SPY", at + 1, size))
            held = size
        elif rows.close[at] < mean[at] and held:
            trades.append(rows.at_open("SPY", at + 1, -held))
            held = 0.0
    return trades


def test_trades_over_real_days_are_those_of_a_plain_loop(real_bars: Any, backtest: Any) -> None:
    """Every trade and the money in the end are equal; the numbers themselves are pinned."""
    rows = real_bars("stock/SPY_daily.csv.gz", "1d", "America/New_York", -1000)
    ran = backtest("minimal", {"SPY": rows}, parameters={"quantity": 100})
    ran.must_be(plain(rows, 20, 100.0), {"SPY": rows.close[-1]})
    assert ran.pinned == (
        91,
        "20170511 SPY +100 239.31, 20170518 SPY -100 235.7",
        "20210325 SPY -100 385.99, 20210326 SPY +100 390.98",
        112979.0,
    )


def test_refused_sale_is_asked_for_again(floor: Any) -> None:
    """A way out that risk refuses is tried again at the next bar, and told in the log."""
    desk = floor("minimal", SHARE, bars_back=2, quantity=5.9, limits=RiskLimits(max_orders_per_second=1))
    for close in (10, 10, 11, 12):
        desk.bar(close)
    assert desk.fills() == [(Side.BUY, 5.0, 12.0)]
    assert desk.held() == 5
    desk.bar(9)
    desk.bar(8)
    assert desk.held() == 0
