"""Kernels of indicators that have only a `next()`: PSAR, Laguerre's, the zero lag indicator.

Stock Backtrader computes them by moving the lines and calling `next()` bar by bar. A kernel computes all bars, leaves in the
attributes what `next()` would have left there, and then moves the lines as far.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import backtrader as bt
from backtrader.feed import AbstractDataBase
from backtrader.lineseries import LineSeriesStub
from backtrader.utils.py3 import MAXINT

from .columns import Attempt, Kernels, line, number

__all__ = ["NEXT_KERNELS", "by_next", "movable"]

_STAGES = ("l0", "l1", "l2", "l3")
_TREND = ("sar", "ep", "af", "tr")


def by_next(x: Any) -> Attempt | None:
    """Return the kernel that stands for calling `next()` at each bar, if this class has one."""
    make = NEXT_KERNELS.get(type(x).next)
    compute = None if make is None or any(one.bindings for one in x.lines) else make(x)
    if compute is None:
        return None

    def attempt(start: int, end: int) -> int:
        if not start or not _in_step(x, start):
            return start
        stop = compute(start, end)
        if stop > start:
            for one in (*x.datas, *_children(x), x):
                one.advance(size=stop - start)
        return stop

    return attempt


def _children(x: Any) -> list[Any]:
    found: list[Any] = x._lineiterators[bt.LineIterator.IndType]
    return found


def movable(x: Any) -> bool:
    """Return whether an indicator has a kernel instead of `next()`, and all that moves with it at a bar can be moved by many at once.

    To be asked while everything has its own class: later its methods may stand for others.
    """
    if type(x).next not in NEXT_KERNELS or not _has_stock_advance(x):
        return False
    return all(map(_has_stock_advance, (*x.datas, *_children(x))))


def _has_stock_advance(one: Any) -> bool:
    if isinstance(one, LineSeriesStub):
        return not one.slave and type(one).advance is LineSeriesStub.advance
    return type(one).advance in (AbstractDataBase.advance, bt.Indicator.advance, bt.LineBuffer.advance)


# Whether all that is moved at a bar stands at this one: moving it by many bars is then moving it by one many times.
def _in_step(x: Any, place: int) -> bool:
    clocks = {id(one) for one in (*x.datas, x)}
    together = all(id(one._clock) in clocks for one in (*_children(x), x) if not isinstance(one, bt.LineBuffer))
    return together and all(len(one) == place for one in (*x.datas, *_children(x), x))


def _parabolic(x: Any) -> Attempt | None:
    dst, high, low = line(x.lines.psar.array), line(x.data.high.array), line(x.data.low.array)
    factor, most = x.p.af, x.p.afmax
    if dst is None or high is None or low is None or dst is high or dst is low:
        return None
    if type(factor) is not float or type(most) is not float:  # an int would stay one in the status
        return None

    def compute(start: int, end: int) -> int:
        given: Any = tuple(tuple(getattr(status, name) for name in _TREND) for status in x._status)
        if len(given) != 2 or any([type(one) for one in status] != [float, float, float, bool] for status in given):
            return start
        stop, left = Kernels.parabolic(dst, high, low, start, end, factor, most, given)
        for status, trend in zip(x._status, left, strict=True):
            vars(status).update(zip(_TREND, trend, strict=True))
        return stop

    return compute


def _laguerre(strength: bool) -> Callable[[Any], Attempt | None]:
    def make(x: Any) -> Attempt | None:
        dst, src, gamma = line(x.lines[0].array), line(x.data.array), number(x.p.gamma)
        if dst is None or src is None or dst is src or gamma is None or x.data._opstage != 2:
            return None

        def compute(start: int, end: int) -> int:
            stages: Any = tuple(number(getattr(x, name)) for name in _STAGES)
            if None in stages:
                return start
            stop, left = Kernels.laguerre(dst, src, start, end, gamma, strength, stages)
            if stop > start:
                vars(x).update(zip(_STAGES, left, strict=True))
            return stop

        return compute

    return make


def _zero_lag(x: Any) -> Attempt | None:
    dst, src, average = line(x.lines.ec.array), line(x.data.array), line(x.ema.array)
    take, keep, limits = number(x.ema.alpha), number(x.ema.alpha1), x.limits
    if dst is None or src is None or average is None or dst is src or dst is average or take is None or keep is None:
        return None
    if len(limits) != 2 or any(type(one) is not int for one in limits) or MAXINT != 2**63 - 1:
        return None
    gains = [value / 10 for value in range(*limits)]
    return lambda start, end: Kernels.zero_lag(dst, src, average, start, end, take, keep, gains)


NEXT_KERNELS: dict[Any, Callable[[Any], Attempt | None]] = {
    bt.ind.ParabolicSAR.next: _parabolic,
    bt.ind.LaguerreRSI.next: _laguerre(strength=True),
    bt.ind.LaguerreFilter.next: _laguerre(strength=False),
    bt.ind.ZeroLagIndicator.next: _zero_lag,
}
