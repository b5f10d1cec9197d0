"""Kernels of what stands between the indicators: operators, delays, and Backtrader's functions If, And, Max ..."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

from backtrader import functions
from backtrader.linebuffer import LinesOperation

from .columns import Attempt, Kernels, column, line, number

__all__ = [
    "BINARY", "UNARY", "by_order", "choice", "delay", "division", "division_of_zeros", "forward_copy", "known", "logic_of", "of_many",
    "operation", "order", "own_operation",
]  # fmt: skip

BINARY = {
    operator.add: "add",
    operator.sub: "subtract",
    operator.mul: "multiply",
    operator.truediv: "divide",
    operator.pow: "power",
    operator.lt: "less",
    operator.le: "less_equal",
    operator.gt: "greater",
    operator.ge: "greater_equal",
    operator.eq: "equal",
    operator.ne: "not_equal",
}
UNARY = {operator.abs: "absolute", operator.neg: "negative", bool: "truth"}
_MANY = {max: "highest", min: "lowest", any: "any", all: "all", math.fsum: "sum"}
_REDUCED = {functions._andlogic: "all", functions._orlogic: "any"}
_STOCK_STEPS = {name: getattr(LinesOperation, name) for name in ("_once_op", "_once_val_op", "_once_val_op_r")}


def _columns(dst: Any, *sources: Any) -> list[Any] | None:
    """Return the operands of a kernel that writes dst, or None if one of them is dst or none for a kernel."""
    columns = [column(source) for source in sources]
    if line(dst) is None or any(one is None or one is dst for one in columns):
        return None
    return columns


def known(table: dict[Any, Any], function: Any) -> Any:
    """Return the kernel of a user's function, which need not be hashable."""
    try:
        return table.get(function)
    except TypeError:
        return None


def operation(x: Any) -> Attempt | None:
    """Line with line, line with number, number with line."""
    kind, dst = known(BINARY, x.operation), x.array
    if kind is None or x.btime or any(getattr(type(x), name) is not step for name, step in _STOCK_STEPS.items()):
        return None
    a = number(x.a) if x.r and not x.bline else column(x.a)
    b = number(x.b) if not x.r and not x.bline else column(x.b)
    if a is None or b is None or line(dst) is None or dst is a or dst is b:
        return None
    return lambda start, end: Kernels.binary(kind, dst, a, b, start, end)


def own_operation(x: Any) -> Attempt | None:
    """The absolute value, the negative, the truth of a line."""
    kind, dst, src = known(UNARY, x.operation), x.array, line(x.a.array)
    if kind is None or src is None or line(dst) is None or dst is src:
        return None
    return lambda start, end: Kernels.unary(kind, dst, src, start, end)


def delay(x: Any) -> Attempt | None:
    """The line of some bars ago, or a constant."""
    dst, ago = x.array, x.ago
    columns = _columns(dst, x.a)
    if columns is None or type(ago) is not int:
        return None
    return lambda start, end: Kernels.copy(dst, columns[0], start, end, 0, ago)


def forward_copy(x: Any) -> Attempt | None:
    """The line of some bars ahead."""
    dst, ago = x.array, x.ago
    columns = _columns(dst, x.a)
    if columns is None or type(ago) is not int:
        return None
    return lambda start, end: Kernels.copy(dst, columns[0], start, end, -ago, 0)


def division(x: Any) -> Attempt | None:
    """DivByZero."""
    dst, zero = x.array, number(x.zero)
    columns = _columns(dst, x.a, x.b)
    if columns is None or zero is None:
        return None
    a, b = columns
    return lambda start, end: Kernels.divide_or(dst, a, b, zero, start, end)


def division_of_zeros(x: Any) -> Attempt | None:
    """DivZeroByZero."""
    dst, single, both = x.array, number(x.single), number(x.dual)
    columns = _columns(dst, x.a, x.b)
    if columns is None or single is None or both is None:
        return None
    a, b = columns
    return lambda start, end: Kernels.divide_zero(dst, a, b, single, both, start, end)


def order(x: Any) -> Attempt | None:
    """Cmp."""
    dst = x.array
    columns = _columns(dst, x.a, x.b)
    if columns is None:
        return None
    a, b = columns
    return lambda start, end: Kernels.choose_by_order(dst, a, b, -1.0, 0.0, 1.0, start, end)


def by_order(x: Any) -> Attempt | None:
    """CmpEx."""
    dst = x.array
    columns = _columns(dst, x.a, x.b, x.r1, x.r2, x.r3)
    if columns is None:
        return None
    a, b, less, equal, greater = columns
    return lambda start, end: Kernels.choose_by_order(dst, a, b, less, equal, greater, start, end)


def choice(x: Any) -> Attempt | None:
    """If."""
    dst = x.array
    columns = _columns(dst, x.cond, x.a, x.b)
    if columns is None:
        return None
    condition, a, b = columns
    return lambda start, end: Kernels.choose(dst, condition, a, b, start, end)


def logic_of(logic: Any) -> Any:
    """Return the kernel of a function of many values, or None."""
    if type(logic) is not functools.partial:
        return known(_MANY, logic)
    plain = logic.func is functools.reduce and len(logic.args) == 1 and not logic.keywords
    return known(_REDUCED, logic.args[0]) if plain else None


def of_many(x: Any) -> Attempt | None:
    """And, Or, Any, All, Max, Min and Sum of two operands or more."""
    dst, kind = x.array, logic_of(x.flogic)
    columns = _columns(dst, *x.args)
    if kind is None or columns is None or len(columns) < 2:
        return None
    return lambda start, end: Kernels.many(kind, dst, columns, start, end)
