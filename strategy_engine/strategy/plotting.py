"""What a strategy draws on the chart: its points are checked, and so many of them kept that a chart can show."""

from __future__ import annotations

from math import isfinite
from numbers import Real

from gcg_quant.errors import StrategyError, nearest

__all__ = ["PLACES", "Drawing"]

PLACES = ("price", "below")
_MOST_NAME = 64
_APART_NS = 100_000_000  # of event time: a replay thins out the same points


class Drawing:
    """The plots of one strategy: of each, on each instrument, one point in a tenth of a second."""

    def __init__(self) -> None:
        self._drawn: dict[tuple[str, str, str], int] = {}

    def takes(self, name: object, value: object, place: str, symbol: str, venue: str, now_ns: int) -> bool:
        """Return whether a point is to be published: its value is a number (NaN draws nothing), and it is not too soon for it.

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
        if not isfinite(float(value)) or self._drawn.get((name, symbol, venue)) == tenth:
            return False
        self._drawn[name, symbol, venue] = tenth
        return True
