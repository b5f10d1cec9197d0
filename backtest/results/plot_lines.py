"""What a strategy drew while it ran over bars: lines over the price or below it, as its report shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ...strategy_engine.strategy.plotting import Drawing

__all__ = ["PlotLine", "PlotLines", "RunPen"]


class PlotLine(msgspec.Struct, frozen=True, kw_only=True):
    """One plot on one symbol: a value at each time that it was drawn at, in order. `place` is "price" or "below".

    A time is that of the bar, as it stands in the values of the result.
    """

    symbol: str
    name: str
    place: str
    times_ns: list[int]
    values: list[float]


class PlotLines:
    """Collects the points of a run."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str, str], PlotLine] = {}

    def put(self, symbol: str, name: str, place: str, time_ns: int, value: float) -> None:
        """Take the next point; one of the same bar takes the place of the one before."""
        line = self._lines.get((symbol, name, place))
        if line is None:
            line = self._lines[symbol, name, place] = PlotLine(symbol=symbol, name=name, place=place, times_ns=[], values=[])
        if line.times_ns and line.times_ns[-1] == time_ns:
            line.values[-1] = value
            return
        line.times_ns.append(time_ns)
        line.values.append(value)

    def rows(self) -> list[PlotLine]:
        """Return the plots in the order in which they began."""
        return list(self._lines.values())


class RunPen:
    """`self.plot(...)` of a Backtrader class in a backtest that has a report: the points go there, and nowhere else.

    Args:
        now_ns: the time of the newest bar, 0 before the first.
        symbols: those of the run's feeds, in order.
    """

    def __init__(self, now_ns: Callable[[], int], symbols: list[str]) -> None:
        self.lines = PlotLines()
        self._now_ns = now_ns
        self._symbols = symbols
        self._checks = Drawing()

    def __call__(self, name: str, value: float, symbol: Any = None, place: str = "price") -> None:
        """Draw a point at the present bar; before the first one nothing is drawn. Raises StrategyError for what cannot be drawn."""
        now_ns = self._now_ns()
        at = self._symbols[0] if symbol is None else symbol if isinstance(symbol, str) else str(getattr(symbol, "_name", ""))
        point = self._checks.point(name, value, place, (at.partition("@")[0], ""), "", now_ns)
        if point is not None and now_ns:
            self.lines.put(point.symbol, point.name, point.place, now_ns, point.value)
