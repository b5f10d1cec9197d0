"""Measures that Backtrader has no analyzer for, or that need more than one: by quantstats' formulas where it has them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gcg_quant.clock import NS_PER_DAY, day_of, day_start

if TYPE_CHECKING:
    from .result import TradeRow

__all__ = ["DAYS_PER_YEAR", "further_measures", "longest_fall_days", "monthly_returns"]

DAYS_PER_YEAR = 365.25
CONFIDENCE = 0.95


def further_measures(
    times_ns: NDArray[np.int64],
    values: NDArray[np.float64],
    daily: Sequence[float],
    trades: Sequence[TradeRow],
    *,
    traded: float,
    cagr: float | None,
    max_drawdown: float,
    periods_per_year: float,
) -> dict[str, Any]:
    """Return the measures by their names in `Measures`.

    Args:
        times_ns, values: the account's value, bar by bar.
        daily: the returns of the days, as fractions.
        trades: the closed trades.
        traded: the value of all fills together, in the account's currency.
        cagr, max_drawdown: as they stand in `Measures`.
        periods_per_year: days a year, to annualise by.
    """
    years = (int(times_ns[-1]) - int(times_ns[0])) / NS_PER_DAY / DAYS_PER_YEAR if len(values) else 0.0
    mean_value = float(np.mean(values)) if len(values) else 0.0
    returns = np.asarray(daily, dtype=np.float64)
    net = np.array([row.net_profit for row in trades])
    return {
        "sortino": _sortino(returns, periods_per_year),
        "calmar": cagr / max_drawdown if cagr is not None and max_drawdown > 0 else None,
        "value_at_risk": _value_at_risk(returns),
        "max_drawdown_days": longest_fall_days(times_ns, values),
        "turnover": traded / mean_value / years if years > 0 and mean_value > 0 else None,
        "sqn": _quality(net),
        "average_trade": float(net.mean()) if len(net) else None,
        "best_trade": float(net.max()) if len(net) else None,
        "worst_trade": float(net.min()) if len(net) else None,
    }


def longest_fall_days(times_ns: NDArray[np.int64], values: NDArray[np.float64]) -> float:
    """Return the longest time below an earlier peak, in days, from the peak to the last bar below it."""
    if not len(values):
        return 0.0
    at_peak = values >= np.maximum.accumulate(values)
    peak = np.maximum.accumulate(np.where(at_peak, np.arange(len(values)), 0))
    return float(np.max(times_ns - times_ns[peak])) / NS_PER_DAY


def monthly_returns(start_value: float, values: Sequence[tuple[int, float]], zone: str = "UTC") -> dict[tuple[int, int], float]:
    """Return {(year, month): return} of a value curve of (time in ns, value), in order; months end at midnight in `zone`.

    A month that began with nothing has no return.
    """
    if not values:
        return {}
    times = np.array([time_ns for time_ns, _ in values], dtype=np.int64)
    first = day_of(values[0][0], zone)
    year, month = first // 10_000, first // 100 % 100
    found: dict[tuple[int, int], float] = {}
    before, at = start_value, 0
    while at < len(values):
        following = date(year + month // 12, month % 12 + 1, 1)
        upto = int(np.searchsorted(times, day_start(int(f"{following:%Y%m%d}"), zone)))
        if upto > at:
            if before:
                found[year, month] = values[upto - 1][1] / before - 1.0
            before, at = values[upto - 1][1], upto
        year, month = following.year, following.month
    return found


# Sortino & Price (1994), target 0: the downside deviation counts every day, those without a loss as 0 (as quantstats.stats.sortino).
def _sortino(returns: NDArray[np.float64], periods_per_year: float) -> float | None:
    if not len(returns):
        return None
    downside = math.sqrt(float((returns[returns < 0] ** 2).sum()) / len(returns))
    return float(returns.mean()) / downside * math.sqrt(periods_per_year) if downside else None


# What a day loses at most with a confidence of 95 %, if days are normally distributed (as quantstats.stats.value_at_risk); not above 0.
def _value_at_risk(returns: NDArray[np.float64]) -> float | None:
    deviation = float(returns.std(ddof=1)) if len(returns) > 1 else 0.0
    if not deviation:
        return None
    return float(NormalDist(float(returns.mean()), deviation).inv_cdf(1.0 - CONFIDENCE))


# Van Tharp's system quality number (as bt.analyzers.SQN).
def _quality(net: NDArray[np.float64]) -> float | None:
    deviation = float(net.std()) if len(net) > 1 else 0.0
    return math.sqrt(len(net)) * float(net.mean()) / deviation if deviation else None
