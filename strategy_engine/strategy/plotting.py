"""What a strategy draws on the chart: its points are checked, and so many of them kept that a chart can show."""

from __future__ import annotations

from math import isfinite
from numbers import Real

from gcg_quant.errors import StrategyError, nearest
from gcg_quant.events import PlotEvent

__all__ = ["PLACES", "Drawing"]

PLACES = ("price", "below")
_MOST_NAME = 64
_APART_NS = 100_000_000  # of event time: a replay thins out the same points


class Drawing:
    """The plots of one strategy: of each, on each instrument, one point in a tenth of a second."""

    def __init__(self) -> None:
        self._drawn: dict[tuple[str, str, str], int] = {}

    def point(self, name: object, value: object, place: str, at: tuple[str, str], strategy: str, now_ns: int) -> PlotEvent | None:
        """Return a point to be published on the chart of `at` (symbol, venue); None for NaN, and where it is too soon for another one.

        Raises:
            StrategyError: the name is empty or long, the value no number, or there is no such place.
        """
        if not isinstance(name, str) or not 0 < len(name) <= _MOST_NAME:
            raise StrategyError(f"A plot needs a name of 1 to {_MOST_NAME} characters, not {name!r}.", name=name)
        if isinstance(value, bool) or not isinstance(value, Real):
            raise StrategyError(f"The value of plot {name!r} must be a number, not {value!r}.", name=name)
        if place not in PLACES:
            raise StrategyError(f"There is no place {place!r} for plot {name!r}: price or below.{nearest(place, PLACES)}", name=name)
        tenth = now_ns // _APART_NS
        if not isfinite(float(value)) or self._drawn.get((name, *at)) == tenth:
            return None
        self._drawn[name, *at] = tenth
        return PlotEvent(symbol=at[0], venue=at[1], strategy=strategy, name=name, value=float(value), event_ns=now_ns, place=place)
