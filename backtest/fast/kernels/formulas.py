"""What `next()` of Backtrader's indicators computes, as formulas of the program that is run bar by bar."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from backtrader import functions, linebuffer
from backtrader.indicators import basicops, crossover
from backtrader.linebuffer import LineBuffer, PseudoArray
from backtrader.lineseries import Lines, LineSeries

from .averages import period_of, window_function
from .columns import number
from .operations import BINARY, UNARY, known, logic_of

__all__ = ["FORMULAS", "Formula", "formula_of"]

# The order of `Formula` in fast_program.h, and of the enumerators in kernels.h.
(BINARIES, UNARIES, DELAY, DIVIDE_OR, DIVIDE_ZERO, CHOOSE, ORDER, MANY, SUM, WEIGHTED, WINDOW, SMOOTH, ACCUMULATE, DIFFERENCE) = range(14)
_BINARY = ["add", "subtract", "multiply", "divide", "power", "less", "less_equal", "greater", "greater_equal", "equal", "not_equal"]
_UNARY = ["absolute", "negative", "truth"]
_MANY = ["highest", "lowest", "any", "all", "sum"]
_WINDOW = ["highest", "lowest", "last_highest", "last_lowest", "first_highest", "first_lowest", "any", "all", "rank"]
_MOST_OPERANDS = 8

Source: TypeAlias = Any  # a line, or a float in its place


class Formula(NamedTuple):
    """A formula as the program in C reads it.

    Args:
        kind: which.
        code: of a kernel that has several.
        sources: what it reads.
        span: how many bars.
        watched: (attributes, name, value or None if missing) of what it was made from: `next()` is called where that is another now.
    """

    kind: int
    code: int
    sources: tuple[Source, ...]
    span: int = 0
    x: float = 0.0
    y: float = 0.0
    weights: tuple[float, ...] = ()
    watched: tuple[tuple[dict[str, Any], str, Any], ...] = ()


def formula_of(indicator: Any) -> Formula | None:
    """Return what an indicator's `next()` computes for its first line; None if that is not known."""
    make = FORMULAS.get(type(indicator).next)
    return None if make is None or "next" in vars(indicator) else make(indicator)


# What `source[0]` reads.
def _source(thing: Any) -> Source | None:
    if type(thing) is PseudoArray:
        return number(thing.wrapped)
    if isinstance(thing, LineSeries):
        lines = thing.lines
        stock = type(thing).__getitem__ is LineSeries.__getitem__ and type(lines).__getitem__ is Lines.__getitem__
        thing = lines.lines[0] if stock else None
    return thing if isinstance(thing, LineBuffer) and type(thing).__getitem__ is LineBuffer.__getitem__ else None


# What `source.get(size=...)` reads.
def _window(thing: Any) -> Source | None:
    if isinstance(thing, LineSeries):
        own = hasattr(type(thing), "get") or "get" in vars(thing) or type(thing.lines).get is not Lines.get
        thing = None if own else thing.lines.lines[0]
    return thing if isinstance(thing, LineBuffer) and type(thing).get is LineBuffer.get and "get" not in vars(thing) else None


def _sources(*things: Any) -> tuple[Source, ...] | None:
    found = tuple(_source(thing) for thing in things)
    return None if any(one is None for one in found) else found


def _watch(thing: Any, *names: str) -> tuple[tuple[dict[str, Any], str, Any], ...]:
    mine = vars(thing)
    return tuple((mine, name, mine.get(name)) for name in names)


def _params(x: Any, *names: str) -> tuple[tuple[dict[str, Any], str, Any], ...]:
    return (*_watch(x, "p"), *_watch(x.p, *names))


def _operation(x: Any) -> Formula | None:
    kind = known(BINARY, x.operation)
    if kind is None or x.btime:
        return None
    a: Any = number(x.a) if x.r and not x.bline else _source(x.a)
    b: Any = number(x.b) if not x.r and not x.bline else _source(x.b)
    if a is None or b is None:
        return None
    return Formula(BINARIES, _BINARY.index(kind), (a, b), watched=_watch(x, "a", "b"))


def _own_operation(x: Any) -> Formula | None:
    kind, sources = known(UNARY, x.operation), _sources(x.a)
    return None if kind is None or sources is None else Formula(UNARIES, _UNARY.index(kind), sources)


def _delay(x: Any) -> Formula | None:
    sources = _sources(x.a)
    return None if sources is None or type(x.ago) is not int else Formula(DELAY, 0, sources, x.ago, watched=_watch(x, "ago"))


def _division(x: Any) -> Formula | None:
    sources, zero = _sources(x.a, x.b), number(x.zero)
    return None if sources is None or zero is None else Formula(DIVIDE_OR, 0, sources, x=zero, watched=_watch(x, "zero"))


def _division_of_zeros(x: Any) -> Formula | None:
    sources, single, both = _sources(x.a, x.b), number(x.single), number(x.dual)
    if sources is None or single is None or both is None:
        return None
    return Formula(DIVIDE_ZERO, 0, sources, x=single, y=both, watched=_watch(x, "single", "dual"))


# CmpEx.next() does what Cmp's does, and leaves its three results to once().
def _order(x: Any) -> Formula | None:
    sources = _sources(x.a, x.b)
    return None if sources is None else Formula(ORDER, 0, sources)


def _choice(x: Any) -> Formula | None:
    sources = _sources(x.cond, x.a, x.b)
    return None if sources is None else Formula(CHOOSE, 0, sources)


def _of_many(x: Any) -> Formula | None:
    kind, sources = logic_of(x.flogic), _sources(*x.args)
    if kind is None or sources is None or not 2 <= len(sources) <= _MOST_OPERANDS:
        return None
    return Formula(MANY, _MANY.index(kind), sources, watched=_watch(x, "flogic"))


def _of_window(x: Any) -> Formula | None:
    function, source, period = window_function(x), _window(x.data), period_of(x)
    if function is None or source is None or period is None:
        return None
    watched = (*_params(x, "period"), *_watch(x, "data", "func"))
    if function is math.fsum:
        return Formula(SUM, 0, (source,), period, watched=watched)
    return Formula(WINDOW, _WINDOW.index(function), (source,), period, watched=watched)


def _average(x: Any) -> Formula | None:
    source, period = _window(x.data), period_of(x)
    if source is None or period is None:
        return None
    return Formula(SUM, 0, (source,), period, float(period), watched=(*_params(x, "period"), *_watch(x, "data")))


def _weighted_average(x: Any) -> Formula | None:
    source, period, given, coefficient = _window(x.data), period_of(x), x.p.weights, number(x.p.coef)
    if source is None or period is None or coefficient is None or type(given) is not tuple:  # a list may change
        return None
    weights = tuple(weight for weight in map(number, given) if weight is not None)
    if len(weights) < len(given):
        return None
    watched = (*_params(x, "period", "weights", "coef"), *_watch(x, "data"))
    return Formula(WEIGHTED, 0, (source,), period, coefficient, weights=weights, watched=watched)


def _smoothing(x: Any) -> Formula | None:
    sources, keep, take = _sources(x.data), number(x.alpha1), number(x.alpha)
    if sources is None or keep is None or take is None:
        return None
    return Formula(SMOOTH, 0, (*sources, keep, take), watched=_watch(x, "alpha", "alpha1", "data"))


def _dynamic_smoothing(x: Any) -> Formula | None:
    sources = _sources(x.data, x.alpha1, x.alpha)
    return None if sources is None else Formula(SMOOTH, 0, sources, watched=_watch(x, "alpha", "alpha1", "data"))


def _accumulation(x: Any) -> Formula | None:
    sources = _sources(x.data)
    return None if sources is None else Formula(ACCUMULATE, 0, sources, watched=_watch(x, "data"))


def _difference(x: Any) -> Formula | None:
    sources = _sources(x.data0, x.data1)
    return None if sources is None else Formula(DIFFERENCE, 0, sources, watched=_watch(x, "data0", "data1"))


# A method, not a class, as KERNELS has it.
FORMULAS: dict[Any, Callable[[Any], Formula | None]] = {
    linebuffer.LinesOperation.next: _operation,
    linebuffer.LineOwnOperation.next: _own_operation,
    linebuffer._LineDelay.next: _delay,
    functions.DivByZero.next: _division,
    functions.DivZeroByZero.next: _division_of_zeros,
    functions.Cmp.next: _order,
    functions.CmpEx.next: _order,
    functions.If.next: _choice,
    functions.MultiLogic.next: _of_many,
    basicops.OperationN.next: _of_window,
    basicops.Average.next: _average,
    basicops.WeightedAverage.next: _weighted_average,
    basicops.ExponentialSmoothing.next: _smoothing,
    basicops.ExponentialSmoothingDynamic.next: _dynamic_smoothing,
    basicops.Accum.next: _accumulation,
    crossover.NonZeroDifference.next: _difference,
}
