"""One candle: where it stands on the time axis, what it is made from, and what several of them make together."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from gcg_quant.clock import NS_PER_SECOND, day_start
from gcg_quant.events import Bar
from gcg_quant.history import RecordArray
from gcg_quant.periods import period_start

__all__ = ["Candle", "Span", "candle_of", "candles_of", "chart_time", "fold"]


class Candle(NamedTuple):
    """One candle; `time` is what the chart shows as its place: seconds since the epoch, UTC. A volume not known is NaN."""

    start_ns: int
    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class Span(NamedTuple):
    """The interval of a candle."""

    start_ns: int
    end_ns: int
    time: int


def candles_of(bars: RecordArray, period: str) -> list[Candle]:
    """Return the candles of an array of bars of one period, those without prices left out. A trading day stands at its own date."""
    names = ("start_ns", "open", "high", "low", "close", "volume", "trading_day")
    columns = [bars[name].tolist() for name in names]
    return [
        Candle(start, chart_time(start, period, day), open_, high, low, close, volume)
        for start, open_, high, low, close, volume, day in zip(*columns, strict=True)
        if not math.isnan(open_ + high + low + close)
    ]


def chart_time(start_ns: int, period: str, trading_day: int) -> int:
    """Return where a bar stands on the time axis, in seconds: its start, or the date of its trading day, of a week that of its Monday."""
    if trading_day and period in ("1d", "1w"):
        return period_start(day_start(trading_day), period) // NS_PER_SECOND
    return start_ns // NS_PER_SECOND


def candle_of(bar: Bar) -> Candle:
    """Return the candle of a bar."""
    time = chart_time(bar.start_ns, bar.period, bar.trading_day)
    return Candle(bar.start_ns, time, bar.open, bar.high, bar.low, bar.close, bar.volume)


def fold(span: Span, parts: Iterable[Candle]) -> Candle | None:
    """Return the candle that consecutive smaller ones make together, or None if there are none."""
    merged: Candle | None = None
    for part in parts:
        if merged is None:
            merged = part._replace(start_ns=span.start_ns, time=span.time)
            continue
        volume = merged.volume if math.isnan(part.volume) else part.volume if math.isnan(merged.volume) else merged.volume + part.volume
        merged = Candle(span.start_ns, span.time, merged.open, max(merged.high, part.high), min(merged.low, part.low), part.close, volume)
    return merged
