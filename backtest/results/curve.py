"""The measures of a value curve and its trades, by the formulas of Backtrader's analyzers, for runs without Backtrader."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcg_quant.clock import NS_PER_DAY

from .performance import DAYS_PER_YEAR, further_measures
from .result import Measures, TradeRow

__all__ = ["measure"]

YEARLY_RATE = 0.01


def measure(
    start_value: float,
    times_ns: NDArray[np.int64],
    values: NDArray[np.float64],
    trades: Sequence[TradeRow],
    *,
    open_trades: int = 0,
    invested_bars: int = 0,
    traded: float = 0.0,
    periods_per_year: float = 252.0,
) -> Measures:
    """Return the measures of an account that was worth `start_value` at first and `values` at the end of each bar.

    `traded` is the value of all fills together.
    """
    bars = len(values)
    end_value = float(values[-1]) if bars else start_value
    daily = _returns(start_value, times_ns // NS_PER_DAY, values)
    yearly = _returns(start_value, times_ns.astype("datetime64[ns]").astype("datetime64[Y]"), values)
    fall, money, length = _falls(values)
    won = [row.net_profit for row in trades if row.net_profit > 0]
    lost = [-row.net_profit for row in trades if row.net_profit < 0]
    cagr = _yearly_rate(start_value, end_value, (int(times_ns[-1]) - int(times_ns[0])) / NS_PER_DAY if bars else 0.0)
    return Measures(
        start_ns=int(times_ns[0]) if bars else 0,
        end_ns=int(times_ns[-1]) if bars else 0,
        bars=bars,
        start_value=start_value,
        end_value=end_value,
        total_return=end_value / start_value - 1.0,
        cagr=cagr,
        volatility=_deviation(daily, 1) * math.sqrt(periods_per_year) if len(daily) > 1 else None,
        sharpe=_sharpe(daily, 0.0, periods_per_year),
        sharpe_yearly=_sharpe(yearly, YEARLY_RATE, 1.0),
        max_drawdown=fall / 100.0,
        max_drawdown_percent=fall,
        max_drawdown_money=money,
        max_drawdown_bars=length,
        trades=len(trades),
        open_trades=open_trades,
        won=sum(row.net_profit >= 0 for row in trades),
        lost=len(lost),
        win_rate=sum(row.net_profit >= 0 for row in trades) / len(trades) if trades else None,
        profit_factor=sum(won) / sum(lost) if lost else None,
        net_profit=sum(row.net_profit for row in trades),
        commission=sum(row.commission for row in trades),
        exposure=invested_bars / bars if bars else 0.0,
        periods_per_year=periods_per_year,
        **further_measures(
            times_ns, values, daily, trades, traded=traded, cagr=cagr, max_drawdown=fall / 100.0, periods_per_year=periods_per_year
        ),
    )


# The last value of each day or year over the last one before; the first over the value at the start.
def _returns(start_value: float, keys: NDArray[Any], values: NDArray[np.float64]) -> list[float]:
    if not len(values):
        return []
    last = np.append(keys[1:] != keys[:-1], True)
    ends = values[last]
    before = np.append(start_value, ends[:-1])
    found: list[float] = (ends / before - 1.0).tolist()
    return found


def _deviation(returns: Sequence[float], less: int) -> float:
    mean = math.fsum(returns) / len(returns)
    return math.sqrt(math.fsum((one - mean) ** 2.0 for one in returns) / (len(returns) - less))


def _sharpe(returns: Sequence[float], rate: float, factor: float) -> float | None:
    rate = pow(1.0 + rate, 1.0 / factor) - 1.0  # of a year, as one of a period
    excess = [one - rate for one in returns]
    deviation = _deviation(excess, 0) if excess else 0.0
    if not deviation:
        return None
    ratio = math.fsum(excess) / len(excess) / deviation
    return math.sqrt(factor) * ratio if factor != 1.0 else ratio


def _falls(values: NDArray[np.float64]) -> tuple[float, float, int]:
    if not len(values):
        return 0.0, 0.0, 0
    peaks = np.maximum.accumulate(values)
    money = peaks - values
    percent = 100.0 * money / peaks
    length = longest = 0
    for below in (percent > 0).tolist():
        length = length + 1 if below else 0
        longest = max(longest, length)
    return float(percent.max()), float(money.max()), longest


def _yearly_rate(start_value: float, end_value: float, days: float) -> float | None:
    if days <= 0 or end_value <= 0:
        return None
    try:
        return float((end_value / start_value) ** (DAYS_PER_YEAR / days) - 1.0)
    except OverflowError:  # a good hour, extrapolated to a year
        return None
