"""`self.plot(name, value)` in a Backtrader class: a point on the chart page, where its run is shown there.

`bt.Strategy` has no attribute of that name (`bt.Cerebro` has, which draws a whole run), but a user's class may: then it keeps its own.
Otherwise each strategy object gets the method, beside its class: `type(strategy)` stays what it is, and nothing of Backtrader changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Protocol

__all__ = ["Pen", "no_pen", "with_pen"]


class Pen(Protocol):
    """What draws a point: at the present time, on the chart of a feed (or of a symbol; None: the first one)."""

    def __call__(self, name: str, value: float, symbol: Any = None, place: str = "price") -> None:
        """Draw a point over the price, or "below" it."""


def no_pen(name: str, value: float, symbol: Any = None, place: str = "price") -> None:
    """Draw nothing: in a backtest, which no chart shows while it runs."""


def with_pen(strategies: Iterable[Any], pen: Pen) -> Iterator[tuple[Any, Any, Any]]:
    """Return the (class, arguments, named arguments) of a run's strategies so that each one made of them can draw."""
    return ((partial(_made, cls, pen), arguments, named) for cls, arguments, named in strategies)


def _made(cls: Any, pen: Pen, *arguments: Any, **named: Any) -> Any:
    strategy = cls(*arguments, **named)
    if not hasattr(strategy, "plot"):
        strategy.plot = pen
    return strategy
