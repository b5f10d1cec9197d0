"""What a kernel reads and writes: lines as arrays, and numbers that stand for a whole line.

The one file here that imports the compiled kernels. Where something is no plain array or number, a kernel cannot be exact: the
functions return None, and stock Backtrader's method is called.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any, TypeAlias

from backtrader.linebuffer import PseudoArray

from gcg_quant._native import Kernels

__all__ = ["Attempt", "Kernels", "column", "line", "number"]

# Computes elements from start on, and returns where it stopped: at end, or at the first element that is stock's to compute.
Attempt: TypeAlias = Callable[[int, int], int]

_EXACT_INTEGERS = 2**53  # up to here an int and its float add, multiply and compare alike


def number(value: Any) -> float | None:
    """Return a number as Python's arithmetic with floats takes it, else None: other types bring operators of their own."""
    if type(value) is float:
        return value
    if type(value) in (int, bool) and abs(value) <= _EXACT_INTEGERS:
        return float(value)
    return None


def line(values: Any) -> array[float] | None:
    """Return the values of a line that keeps all of them, else None."""
    return values if type(values) is array and values.typecode == "d" else None


def column(source: Any) -> array[float] | float | None:
    """Return the values of an operand: a line's array, or the number that a constant operand wraps."""
    values = source.array
    return number(values.wrapped) if type(values) is PseudoArray else line(values)
