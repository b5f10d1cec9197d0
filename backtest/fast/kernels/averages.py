"""Kernels of the indicators from which all others are made: averages, sums, extremes and recursions."""

from __future__ import annotations

import math
from array import array
from typing import Any

import backtrader as bt

from .columns import Attempt, Kernels, column, line, number

__all__ = [
    "accumulation", "average", "difference", "dynamic_smoothing", "of_window", "period_of", "smoothing", "weighted_average",
    "window_function",
]  # fmt: skip

_WINDOWS = {max: "highest", min: "lowest", any: "any", all: "all"}
_PLACES = {
    bt.ind.FindFirstIndex.func: {max: "last_highest", min: "last_lowest"},
    bt.ind.FindLastIndex.func: {max: "first_highest", min: "first_lowest"},
}
_RANK = dict(bt.ind.PercentRank.params._getitems())["func"]


def _ends(x: Any) -> tuple[array[float], array[float]] | None:
    """Return the arrays that an indicator of one line writes and reads, if a kernel may."""
    dst, src = line(x.line.array), line(x.data.array)
    return None if dst is None or src is None or dst is src else (dst, src)


def period_of(x: Any) -> int | None:
    """Return the length of an indicator's window if it is an int that counts elements."""
    period = x.p.period
    return period if type(period) is int and period > 0 else None


def window_function(x: Any) -> Any:
    """Return what applies `x.func` to a window: a window kernel, `math.fsum`, or None."""
    places = _PLACES.get(getattr(type(x), "func", None))
    if "func" not in vars(x) and places is not None:
        return next((kind for function, kind in places.items() if x.p._evalfunc is function), None)
    if x.func is _RANK:
        return "rank"
    return math.fsum if x.func is math.fsum else next((kind for function, kind in _WINDOWS.items() if x.func is function), None)


def of_window(x: Any) -> Attempt | None:
    """Highest, Lowest, SumN, AnyN, AllN, where the extreme was, PercentRank."""
    function, ends, period = window_function(x), _ends(x), period_of(x)
    if function is None or ends is None or period is None:
        return None
    if function is math.fsum:
        return lambda start, end: Kernels.window_sum(*ends, start, end, period, 0.0)
    return lambda start, end: Kernels.window(function, *ends, start, end, period)


def average(x: Any) -> Attempt | None:
    """The arithmetic mean, and with it SMA."""
    ends, period = _ends(x), period_of(x)
    if ends is None or period is None:
        return None
    return lambda start, end: Kernels.window_sum(*ends, start, end, period, float(period))


def weighted_average(x: Any) -> Attempt | None:
    """The average with weights, and with it WMA."""
    ends, period, given, coefficient = _ends(x), period_of(x), x.p.weights, number(x.p.coef)
    if ends is None or period is None or coefficient is None or type(given) not in (tuple, list):
        return None
    weights = [weight for weight in map(number, given) if weight is not None]
    if len(weights) < len(given):
        return None
    return lambda start, end: Kernels.window_weighted(*ends, start, end, period, weights, coefficient)


def smoothing(x: Any) -> Attempt | None:
    """Exponential smoothing, and with it EMA and SMMA."""
    ends, take, keep = _ends(x), number(x.alpha), number(x.alpha1)
    if ends is None or take is None or keep is None:
        return None
    return lambda start, end: Kernels.smooth(*ends, keep, take, start, end)


def dynamic_smoothing(x: Any) -> Attempt | None:
    """Exponential smoothing by a line, and with it KAMA."""
    ends, take, keep = _ends(x), column(x.alpha), column(x.alpha1)
    if ends is None or take is None or keep is None or ends[0] is take or ends[0] is keep:
        return None
    return lambda start, end: Kernels.smooth(*ends, keep, take, start, end)


def accumulation(x: Any) -> Attempt | None:
    """The sum of all values so far."""
    ends = _ends(x)
    return None if ends is None else lambda start, end: Kernels.accumulate(*ends, start, end)


def difference(x: Any) -> Attempt | None:
    """The last difference of two lines that was not zero, on which the crossings stand."""
    dst, a, b = line(x.line.array), line(x.data0.array), line(x.data1.array)
    if dst is None or a is None or b is None or dst is a or dst is b:
        return None
    return lambda start, end: Kernels.last_difference(dst, a, b, start, end)
