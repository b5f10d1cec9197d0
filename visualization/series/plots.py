"""What strategies draw on the chart of one instrument: the newest points of each of their plots."""

from __future__ import annotations

from collections import deque
from typing import Any, Literal

__all__ = ["Place", "Plots"]

_KEPT_POINTS = 2_000  # of each plot
_KEPT_PLOTS = 64

Place = Literal["price", "below"]
Point = tuple[str, str, str, int, float]


class Plots:
    """The plots of one instrument. One thread at a time."""

    def __init__(self) -> None:
        self._points: dict[tuple[str, str], tuple[Place, deque[tuple[int, float]]]] = {}
        self._new: list[Point] = []

    def put(self, strategy: str, name: str, place: Place, time_ms: int, value: float) -> None:
        """Take a point; one of the same time takes the place of the newest one."""
        known = self._points.get((strategy, name))
        if known is None or known[0] != place:
            known = self._points[strategy, name] = (place, deque(maxlen=_KEPT_POINTS))
            if len(self._points) > _KEPT_PLOTS:
                del self._points[next(iter(self._points))]
        points = known[1]
        if points and points[-1][0] > time_ms:
            return  # of a time that has been drawn already
        if points and points[-1][0] == time_ms:
            points.pop()
        points.append((time_ms, value))
        self._new.append((strategy, name, place, time_ms, value))

    def rows(self) -> list[dict[str, Any]]:
        """Return every plot with its points."""
        return [
            {"strategy": strategy, "name": name, "place": place, "points": list(points)}
            for (strategy, name), (place, points) in self._points.items()
        ]

    def take(self) -> list[Point]:
        """Return the points since the last call: of several in one millisecond the last."""
        if not self._new:
            return []
        last = {point[:4]: point for point in self._new}
        self._new.clear()
        return list(last.values())

    def forget_news(self) -> None:
        """Begin to collect anew."""
        self._new.clear()
