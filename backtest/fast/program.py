"""The indicators of a strategy as rows of a program that is run once a bar in C.

A row says what `LineIterator._next` or `LineActions._next` would do for an indicator: which clock it follows, which lines it moves, what is
nested in it, and who computes its value: a formula, or its own `next()`. An indicator that does any of this in another way than
Backtrader's is asked as a whole.
"""

from __future__ import annotations

from typing import Any

import backtrader as bt
from backtrader.linebuffer import LineActions, LineBuffer
from backtrader.lineroot import LineRoot
from backtrader.lineseries import Lines, LineSeries

from .graph import INDICATORS, indicators_of, lines_of
from .kernels import formula_of
from .native import FastProgram
from .stock import overridden, shadowed

__all__ = ["has_stock_length", "length_of", "moves_like_stock", "program_of", "rows_of"]

NOTHING, ASKS, COMPUTES = range(3)  # `Part` in fast_program.h
LineIterator = bt.LineIterator
SERIES = ("_next", "_clk_update", "_notify", "forward", "__len__")
ACTION = ("_next", "forward", "__len__")


def rows_of(strategy: Any) -> tuple[Any, ...]:
    """Return the rows of a strategy's indicators, as `FastProgram` takes them. To be asked while everything has its own class."""
    return tuple(map(_row, indicators_of(strategy)))


def program_of(strategy: Any, rows: tuple[Any, ...]) -> FastProgram:
    """Return the program of these rows, once the lines are in C."""
    return FastProgram(rows, indicators_of(strategy))


def has_stock_length(thing: Any) -> bool:
    """Return whether `len(thing)` is the length of its first line, and that what Backtrader's lines count."""
    cls = type(thing)
    if isinstance(thing, LineSeries):
        lines = thing.lines
        stock = cls.__len__ is LineSeries.__len__ and type(lines).__len__ is Lines.__len__
        return stock and bool(lines.lines) and has_stock_length(lines.lines[0])
    return isinstance(thing, LineBuffer) and cls.__len__ is LineBuffer.__len__


def length_of(thing: Any) -> Any:
    """Return the line that `len(thing)` is the length of, where there is one: a thing may keep its own class in a run, a line does not."""
    return lines_of(thing)[0] if has_stock_length(thing) else thing


def moves_like_stock(node: Any) -> bool:
    """Return whether `node.forward()` appends a value to each of its lines and goes there, and no more."""
    if isinstance(node, LineBuffer):
        return type(node).forward is LineBuffer.forward and "forward" not in vars(node)
    stock = type(node).forward is LineSeries.forward and type(node.lines).forward is Lines.forward
    return stock and not shadowed(node, ("forward",)) and all(map(moves_like_stock, lines_of(node)))


def _row(node: Any) -> tuple[Any, ...]:
    action = isinstance(node, LineActions)
    stock, names = (LineActions, ACTION) if action else (bt.Indicator, SERIES)
    known = (action or isinstance(node, LineIterator)) and not overridden(type(node), stock, names) and not shadowed(node, names)
    if not known or not lines_of(node) or not has_stock_length(node) or not moves_like_stock(node):
        return (node,)
    formula = formula_of(node) if _is_written_plainly(node) else None
    later = COMPUTES if formula is not None else _part(node, "next")
    first = later if _part(node, "nextstart") == NOTHING else ASKS
    children = [] if action else node._lineiterators[INDICATORS]
    return (
        node,
        action,
        length_of(node._clock),
        has_stock_length(node._clock),
        tuple(lines_of(node)),
        node._minperiod,
        tuple(map(_row, children)),
        None if action else children,
        _part(node, "prenext"),
        first,
        later,
        None if formula is None else tuple(formula),
    )


# Whether Backtrader's own method stands there, which does nothing, or calls next() as nextstart() does.
def _part(node: Any, name: str) -> int:
    method = getattr(type(node), name)
    stock = any(method is getattr(cls, name) for cls in (LineIterator, LineRoot))
    return NOTHING if stock and name not in vars(node) else ASKS


def _is_written_plainly(node: Any) -> bool:
    first = lines_of(node)[0]
    if type(first).__setitem__ is not LineBuffer.__setitem__:
        return False
    return isinstance(node, LineBuffer) or vars(node).get("line") is first
