"""Our bar periods as Backtrader's timeframe and compression."""

from __future__ import annotations

import backtrader as bt

from gcg_quant.errors import BacktestError

__all__ = ["period_of", "timeframe_of"]

UNITS = {
    "s": (bt.TimeFrame.Seconds, 1),
    "m": (bt.TimeFrame.Minutes, 1),
    "h": (bt.TimeFrame.Minutes, 60),
    "d": (bt.TimeFrame.Days, 1),
    "w": (bt.TimeFrame.Weeks, 1),
}


def timeframe_of(period: str) -> tuple[int, int]:
    """Return (timeframe, compression) of a period such as "5m" or "1d"; raise BacktestError if Backtrader has none."""
    count, unit = period[:-1], period[-1:]
    if not count.isdecimal() or unit not in UNITS:
        raise BacktestError(f"Backtrader has no time frame for the period {period!r}: use a count of s, m, h, d or w.", period=period)
    timeframe, factor = UNITS[unit]
    return timeframe, int(count) * factor


def period_of(timeframe: int, compression: int) -> str:
    """Return the period of a timeframe and compression; raise BacktestError if there is none (ticks, months, years)."""
    for unit, (own, factor) in UNITS.items():
        if own == timeframe and factor == 1:
            return f"{compression}{unit}"
    name = bt.TimeFrame.getname(timeframe, compression)
    raise BacktestError(f"There is no bar period for Backtrader's time frame {name}: use seconds, minutes, days or weeks.", timeframe=name)
