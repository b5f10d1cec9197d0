"""Calendar months, `1M`: the only period without a fixed length. They are made of days, here and nowhere else.

A month holds the trading days of its dates, a night session before the first of them included; without a calendar it is one of UTC. It
begins where its first trading day does, and stands on the time axis at the first of the month.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from gcg_quant.clock import NS_PER_DAY, NS_PER_SECOND, day_start
from gcg_quant.periods import MONTH, period_ns

from .candle import Candle, Span, fold

if TYPE_CHECKING:
    from gcg_quant.calendar import Calendar

__all__ = ["DAYS", "MONTH", "check_period", "length_ns", "month_at", "month_of", "month_span", "months_of"]

DAYS = 31  # a month has no more
_MEAN_NS = 2_629_800 * NS_PER_SECOND  # the twelfth part of 365.25 days
_DAY_S = NS_PER_DAY // NS_PER_SECOND


def check_period(period: str) -> None:
    """Raise EventError if charts know no such period: months, and all that the core knows."""
    if period != MONTH:
        period_ns(period)


def length_ns(period: str) -> int:
    """Return the length of a period, of a month the mean one. Raises EventError if it is none."""
    return _MEAN_NS if period == MONTH else period_ns(period)


def month_at(ns: int, calendar: Calendar | None = None) -> int:
    """Return the month, as YYYYMM, that a moment belongs to."""
    return _month_of_date(ns // NS_PER_SECOND) if calendar is None else calendar.trading_day(ns) // 100


def month_of(day: Candle, calendar: Calendar | None = None) -> int:
    """Return the month, as YYYYMM, of a day's candle: that of the date at which it stands, or of its trading day if that is not told."""
    return _month_of_date(day.time) if calendar is None or day.time % _DAY_S == 0 else month_at(day.start_ns, calendar)


@lru_cache(maxsize=1024)
def month_span(month: int, calendar: Calendar | None = None) -> Span:
    """Return the interval of a month YYYYMM; months follow each other without a gap."""
    following = month + 1 if month % 100 < 12 else month + 89
    return Span(_begin(month, calendar), _begin(following, calendar), day_start(month * 100 + 1) // NS_PER_SECOND)


def months_of(days: Iterable[Candle], calendar: Calendar | None = None) -> list[Candle]:
    """Return the candles that the sorted candles of days make together."""
    found = (fold(month_span(month, calendar), part) for month, part in groupby(days, lambda day: month_of(day, calendar)))
    return [candle for candle in found if candle is not None]


def _begin(month: int, calendar: Calendar | None) -> int:
    first = month * 100 + 1
    if calendar is None:
        return day_start(first)
    begins, days = calendar.day_starts()
    row = int(np.searchsorted(days, first))
    # Before the calendar begins, and where it knows no more days, dates decide.
    return int(begins[row]) if 0 < row < len(days) else day_start(first, calendar.timezone)


def _month_of_date(seconds: int) -> int:
    date = time.gmtime(seconds)
    return date.tm_year * 100 + date.tm_mon
