"""`self.plot(name, value)` in a Backtrader class: a point on the chart page, where its run is shown there.

`bt.Strategy` has no attribute of that name (`bt.Cerebro` has, which draws a whole run), but a user's class may: then it keeps its own.
Otherwise each object of a class whose code says `plot` gets the method, beside its class: `type(strategy)` stays what it is, nothing of
Backtrader changes, and a class that does not draw has the attributes that it has under `bt.Cerebro`.
"""

from __future__ import annotations

import dis
import inspect
import itertools
from collections.abc import Iterable, Iterator
from functools import cache, partial
from types import CodeType
from typing import Any, Protocol

__all__ = ["Pen", "no_pen", "with_pen"]


class Pen(Protocol):
    """What draws a point: at the present time, on the chart of a feed (or of a symbol; None: the first one)."""

    def __call__(self, name: str, value: float, symbol: Any = None, place: str = "price") -> None:
        """Draw a point over the price, or "below" it."""


def no_pen(name: str, value: float, symbol: Any = None, place: str = "price") -> None:
    """Draw nothing: in a backtest that has no report."""


def with_pen(strategies: Iterable[Any], pen: Pen) -> Iterator[tuple[Any, Any, Any]]:
    """Return the (class, arguments, named arguments) of a run's strategies so that each one made of them can draw."""
    return ((partial(_made, cls, pen), arguments, named) for cls, arguments, named in strategies)


def _made(cls: Any, pen: Pen, *arguments: Any, **named: Any) -> Any:
    strategy = cls(*arguments, **named)
    if not hasattr(strategy, "plot") and _draws(type(strategy)):  # type: ignore[arg-type]  # mypy: a class is hashable
        strategy.plot = pen
    return strategy


@cache
def _draws(cls: Any) -> bool:
    own = (base for base in cls.__mro__ if base.__module__.partition(".")[0] != "backtrader")
    return any(_says_plot(value) for base in own for value in vars(base).values())


def _says_plot(value: Any) -> bool:
    # A method, also a wrapped one, a static one or a property.
    function = getattr(value, "__func__", None) or getattr(value, "fget", None) or value
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    return isinstance(code, CodeType) and bool(code.co_varnames) and _asks_plot(code, code.co_varnames[0])


def _asks_plot(code: CodeType, owner: str) -> bool:
    # Whether "owner.plot" stands in the code, or in a function inside of it; lines of Backtrader have a `plot` of their own.
    steps = [(step.opname, step.argval) for step in dis.get_instructions(code)]
    if any(name == "plot" and held == owner for (_, held), (_, name) in itertools.pairwise(steps)):
        return True
    return any(isinstance(one, CodeType) and _asks_plot(one, owner) for one in code.co_consts)
