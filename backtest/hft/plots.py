"""What strategies draw in a run of the tick engine: of each plot as many points as a report can show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gcg_quant.events import PlotEvent

__all__ = ["MOST_POINTS", "RunPlots"]

MOST_POINTS = 40_000  # of a plot: twice the bars that the report's chart has at most


class RunPlots:
    """The plots of a run. Once one has more than MOST_POINTS points, of each stretch of time (twice as long each time) the last is kept."""

    def __init__(self) -> None:
        self._points: dict[tuple[str, str, str, str], _Points] = {}

    def put(self, point: PlotEvent) -> None:
        """Take the next point; its `symbol` is what the report calls the instrument."""
        key = (point.strategy, point.symbol, point.name, point.place)
        points = self._points.get(key)
        if points is None:
            points = self._points[key] = _Points()
        points.put(point.event_ns, point.value)

    def rows(self) -> Iterator[tuple[str, str, str, str, list[int], list[float]]]:
        """Yield the plots in the order in which they began: strategy, symbol, name, place, times and values, copied."""
        for key, points in self._points.items():
            yield (*key, list(points.times_ns), list(points.values))


@dataclass(slots=True)
class _Points:
    times_ns: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    step_ns: int = 100_000_000  # `Drawing` lets through one in so long

    def put(self, time_ns: int, value: float) -> None:
        times, values = self.times_ns, self.values
        if times and times[-1] // self.step_ns == time_ns // self.step_ns:
            times[-1], values[-1] = time_ns, value
            return
        times.append(time_ns)
        values.append(value)
        while len(times) > MOST_POINTS:
            self._thin()

    def _thin(self) -> None:
        self.step_ns *= 2
        kept = {time_ns // self.step_ns: at for at, time_ns in enumerate(self.times_ns)}
        self.times_ns = [self.times_ns[at] for at in kept.values()]
        self.values = [self.values[at] for at in kept.values()]
