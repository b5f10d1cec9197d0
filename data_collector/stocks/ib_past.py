"""Interactive Brokers' history: which requests a stretch takes, and their rows as arrays of records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_DAY, NS_PER_HOUR, NS_PER_SECOND
from gcg_quant.enumerations import BarOrigin, Quality
from gcg_quant.events import Bar, TradeTick
from gcg_quant.periods import period_ns

from ..blank import RecordArray, filled
from ..ordinals import Ordinals

__all__ = ["BAR_SIZES", "TICKS_A_PAGE", "Page", "bar_rows", "pages", "stamp", "trade_rows"]

# TWS API, "Historical Bar Sizes", and how long a stretch of each one request may have ("Step Sizes").
BAR_SIZES = {
    "5s": ("5 secs", NS_PER_HOUR),
    "10s": ("10 secs", NS_PER_HOUR),
    "30s": ("30 secs", 8 * NS_PER_HOUR),
    "1m": ("1 min", NS_PER_DAY),
    "5m": ("5 mins", 7 * NS_PER_DAY),
    "15m": ("15 mins", 7 * NS_PER_DAY),
    "30m": ("30 mins", 28 * NS_PER_DAY),
    "1h": ("1 hour", 28 * NS_PER_DAY),
    "1d": ("1 day", 365 * NS_PER_DAY),
}
TICKS_A_PAGE = 1000
_BAR = ("event_ns", "recv_ns", "instrument", "start_ns", "open", "high", "low", "close", "volume", "turnover", "count", "trading_day")
_TRADE = ("event_ns", "recv_ns", "instrument", "price", "size", "quality", "exchange", "condition")
_NAN = float("nan")


class Page(NamedTuple):
    """One request for bars: up to `end`, as long as `duration` says."""

    end: str
    duration: str
    size: str


def stamp(ns: int) -> str:
    """Return a moment as IB reads it, UTC and whole seconds (rounded down)."""
    return datetime.fromtimestamp(ns // NS_PER_SECOND, UTC).strftime("%Y%m%d %H:%M:%S UTC")


def pages(what: str, start_ns: int, end_ns: int) -> Iterator[Page]:
    """Yield the requests for all bars that touch a stretch, the oldest first."""
    size, longest_ns = BAR_SIZES[what]
    length_ns = period_ns(what)
    begin_ns = start_ns - start_ns % length_ns
    if what == "1d":
        begin_ns -= NS_PER_DAY  # a day of New York begins and ends at other times than one of UTC
        end_ns += NS_PER_DAY
    while begin_ns < end_ns:
        stop_ns = min(begin_ns + longest_ns, end_ns + -end_ns % min(length_ns, 60 * NS_PER_SECOND))
        seconds = -(-(stop_ns - begin_ns) // NS_PER_SECOND)
        days = -(-seconds // 86_400)
        yield Page(stamp(stop_ns + NS_PER_SECOND - 1), f"{seconds} S" if seconds <= 86_400 and what != "1d" else f"{days} D", size)
        begin_ns = stop_ns


def bar_rows(bars: Sequence[Any], what: str, number: int, lot: float, calendar: str, recv_ns: int) -> tuple[RecordArray | None, int]:
    """Return the finished bars of a page, and how many of its rows are none.

    Args:
        bars: ib_async's BarData with the dates as IB writes them: seconds since 1970, of days YYYYMMDD.
        what: the period.
        number: of the instrument on the bus.
        lot: what volumes are multiplied by.
        calendar: of the instrument.
        recv_ns: when they were asked for.
    """
    rows, refused = [], 0
    for bar in bars:
        try:
            row = _bar_row(bar, what, number, lot, calendar, recv_ns)
        except (ValueError, OverflowError):
            row = None
        if row is None:
            refused += 1
        elif row[0] <= recv_ns:
            rows.append(row)
    if not rows:
        return None, refused
    found = filled(Bar, _BAR, sorted(rows))
    found["period"], found["origin"] = what.encode(), int(BarOrigin.VENUE)
    return found, refused


def trade_rows(
    ticks: Sequence[Any], number: int, lot: float, recv_ns: int, start_ns: int, end_ns: int, ordinals: Ordinals
) -> RecordArray | None:
    """Return the trades of a page that lie in a stretch; None if there are none. Their times are whole seconds."""
    rows = []
    for tick in ticks:
        event_ns = int(tick.time.timestamp()) * NS_PER_SECOND
        if start_ns - NS_PER_SECOND < event_ns <= end_ns and tick.price > 0 and tick.size >= 0:
            odd = tick.tickAttribLast.pastLimit or tick.tickAttribLast.unreported
            marks = tick.exchange[:8].encode("ascii", "replace"), tick.specialConditions.strip()[:16].encode("ascii", "replace")
            quality = int(Quality.SUSPICIOUS if odd else Quality.NORMAL)
            rows.append((event_ns, recv_ns, number, tick.price, tick.size * lot, quality, *marks))
    if not rows:
        return None
    found = filled(TradeTick, _TRADE, rows)
    found["ordinal"] = ordinals.number(found["instrument"].astype(np.int64), found["event_ns"])
    return found


def _bar_row(bar: Any, what: str, number: int, lot: float, calendar: str, recv_ns: int) -> tuple[Any, ...] | None:
    prices = (bar.open, bar.high, bar.low, bar.close)
    if not (min(prices) > 0 and bar.high >= max(prices) and bar.low <= min(prices) and bar.high < float("inf")):
        return None
    if what == "1d":
        day = int(bar.date)
        start_ns, end_ns = Calendar(calendar).bounds(day)
    else:
        start_ns = int(bar.date) * NS_PER_SECOND
        end_ns, day = start_ns + period_ns(what), Calendar(calendar).trading_day(start_ns)
    volume = bar.volume * lot if bar.volume >= 0 else _NAN
    turnover = volume * bar.average if bar.average > 0 else _NAN
    return (end_ns, recv_ns, number, start_ns, *prices, volume, turnover, max(bar.barCount, 0), day)
