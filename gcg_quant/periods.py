"""The lengths of bars: texts such as "1s", "5m", "1h", "1d", "1w" and where their intervals begin."""

from __future__ import annotations

import re
from functools import lru_cache

from gcg_quant.clock import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND
from gcg_quant.errors import EventError, nearest

__all__ = ["MONTH", "PERIODS", "period_ns", "period_start"]

_UNITS = {"s": NS_PER_SECOND, "m": NS_PER_MINUTE, "h": NS_PER_HOUR, "d": NS_PER_DAY, "w": 7 * NS_PER_DAY}
_FIRST_MONDAY_NS = 4 * NS_PER_DAY  # the epoch was a Thursday; weeks begin on Mondays

MONTH = "1M"  # a calendar month, which charts alone know: it has no fixed length

# The periods that menus offer, shortest first; any other whole number of units works, too.
PERIODS: dict[str, int] = {
    name: int(name[:-1]) * _UNITS[name[-1]]
    for name in ("1s", "5s", "15s", "30s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "1d", "1w")
}


@lru_cache(maxsize=256)
def period_ns(period: str) -> int:
    """Return the length of a period such as "5m" in nanoseconds; raise EventError if it is none (or over 8 characters)."""
    match = re.fullmatch(r"([1-9]\d{0,6})([smhdw])", period)
    if match is None:
        raise EventError(
            f"{period!r} is not a bar period; expected a number and s, m, h, d or w, such as '5m'.{nearest(period, PERIODS)}",
            period=period,
        )
    return int(match[1]) * _UNITS[match[2]]


def period_start(ns: int, period: str) -> int:
    """Return the start of the interval that holds `ns`: a multiple of the period since the epoch, UTC (weeks: since a Monday)."""
    length = period_ns(period)
    origin = _FIRST_MONDAY_NS if period.endswith("w") else 0
    return ns - (ns - origin) % length
