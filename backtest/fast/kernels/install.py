"""Which method of stock Backtrader has a kernel, and how kernels are put in its place for a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import backtrader as bt
from backtrader import functions, linebuffer
from backtrader.indicators import basicops, crossover

from . import averages, operations, states
from .columns import Attempt

__all__ = ["KERNELS", "install_kernels", "nested"]

# A method, not a class: a subclass that keeps it gets the kernel, one that overrides it keeps its own.
KERNELS: dict[Any, Callable[[Any], Attempt | None]] = {
    linebuffer.LinesOperation.once: operations.operation,
    linebuffer.LineOwnOperation.once: operations.own_operation,
    linebuffer._LineDelay.once: operations.delay,
    linebuffer._LineForward.once: operations.forward_copy,
    functions.DivByZero.once: operations.division,
    functions.DivZeroByZero.once: operations.division_of_zeros,
    functions.Cmp.once: operations.order,
    functions.CmpEx.once: operations.by_order,
    functions.If.once: operations.choice,
    functions.MultiLogic.once: operations.of_many,
    basicops.OperationN.once: averages.of_window,
    basicops.Average.once: averages.average,
    basicops.WeightedAverage.once: averages.weighted_average,
    basicops.ExponentialSmoothing.once: averages.smoothing,
    basicops.ExponentialSmoothingDynamic.once: averages.dynamic_smoothing,
    basicops.Accum.once: averages.accumulation,
    crossover.NonZeroDifference.once: averages.difference,
    bt.Indicator.once_via_next: states.by_next,
}
_LONG_RUN = 64  # so many elements by a kernel, and the next that is stock's is taken for a lone one


def install_kernels(indicators: Iterable[Any]) -> Callable[[], None]:
    """Let these indicators and all that is nested in them compute their lines by kernels; return what takes the kernels away again.

    A kernel becomes the instance's attribute `once` where the class has stock Backtrader's method. Objects that have such an attribute
    already, and classes with methods of their own, are left alone. A kernel does what its method does, element by element, exceptions
    included: what it cannot do exactly it hands to the method. The returned function may be called again, and does nothing then.

    Args:
        indicators: indicators and line operations, as a strategy's `getindicators()` has them, while everything has its own class.
    """
    placed: list[tuple[dict[str, Any], Any]] = []

    def remove() -> None:
        while placed:
            attributes, ours = placed.pop()
            if attributes.get("once") is ours:
                del attributes["once"]

    try:
        for x in nested(indicators):
            stock, attributes = type(x).once, vars(x)
            make = KERNELS.get(stock)
            if make is states.by_next and not states.movable(x):
                continue
            if make is not None and "once" not in attributes:
                attributes["once"] = ours = _once(x, make, stock)
                placed.append((attributes, ours))
    except BaseException:
        remove()
        raise
    return remove


def nested(indicators: Iterable[Any]) -> Iterator[Any]:
    """Yield indicators and line operations with all that they are made of, each once."""
    seen: set[int] = set()
    waiting = list(indicators)
    while waiting:
        x = waiting.pop()
        if id(x) not in seen:
            seen.add(id(x))
            yield x
            waiting += vars(x).get("_lineiterators", {}).get(bt.LineIterator.IndType, ())


def _once(x: Any, make: Callable[[Any], Attempt | None], stock: Any) -> Callable[[int, int], None]:
    """Return the method `once` that runs the kernel and calls stock's where the kernel stops."""

    def once(start: int, end: int) -> None:
        attempt = make(x) if 0 <= start < end else None
        step = 1
        while attempt is not None and start < end:
            stop = attempt(start, end)
            step = 1 if stop - start > _LONG_RUN else 2 * step
            start = stop
            if start < end:
                stop = min(start + step, end)
                stock(x, start, stop)
                start = stop
        if start < end:
            stock(x, start, end)

    return once
