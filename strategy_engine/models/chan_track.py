"""Chan elements for features: an analysis that is begun anew at fixed moments, so that it is the same whoever began to read when."""

from __future__ import annotations

from math import nan
from typing import Any

from gcg_quant.clock import NS_PER_DAY

from ..chan.analyzer import ChanAnalyzer
from ..chan.elements import Change

__all__ = ["ChanState", "ChanTrack"]

_CLOSED_NS = 12 * NS_PER_DAY  # the longest that markets are closed: a stretch without a bar does not count
# Whole numbers: a bar costs less than a look at an IntFlag.
_STROKE, _SEGMENT, _PIVOT, _POINT = map(int, (Change.STROKE, Change.SEGMENT, Change.PIVOT, Change.POINT))
_KEEP = 16  # confirmed rows of each kind: features look at the last three


class ChanState:
    """One analysis and the newest elements in it that are confirmed: nothing here changes afterwards."""

    def __init__(self) -> None:
        self._analyzer = ChanAnalyzer(keep=_KEEP)
        self.close = nan
        self.strokes: list[Any] = []  # the last three, oldest first
        self.segment: Any = None
        self.pivot: Any = None  # the last one that is formed: its zone is fixed then, its end may not be
        self.points: dict[str, int] = {}  # kind -> the bar at which the last one was confirmed
        self._counted = 0  # of the points

    @property
    def bars(self) -> int:
        """How many bars it has taken."""
        count: int = self._analyzer.bars
        return count

    def age(self, bar: int) -> int:
        """Return how many bars ago the bar with this number was."""
        return self.bars - 1 - bar

    def add(self, time_ns: int, high: float, low: float, close: float) -> None:
        """Take the next bar."""
        analyzer = self._analyzer
        self.close = close
        changed = int(analyzer.bar(time_ns, high, low, close))
        if changed & _STROKE:
            self.strokes = self._confirmed("stroke", 3)
        if changed & _SEGMENT:
            self.segment = next(iter(self._confirmed("segment", 1)), None)
        if changed & _PIVOT:
            rows = analyzer.since("pivot", max(analyzer.confirmed_count("pivot") - 1, 0))
            self.pivot = next((row for row in reversed(rows) if row["formed"] >= 0), None)
        if changed & _POINT:
            self._count_points()

    def _confirmed(self, kind: str, most: int) -> list[Any]:
        analyzer = self._analyzer
        count = analyzer.confirmed_count(kind)
        first = max(count - most, analyzer.first_kept(kind))
        return list(analyzer.since(kind, first)[: count - first])

    def _count_points(self) -> None:
        count = self._analyzer.confirmed_count("point")
        if count > self._counted:
            for row in self._analyzer.since("point", self._counted)[: count - self._counted]:
                self.points[bytes(row["kind"]).decode().lower()] = int(row["confirmed"])
            self._counted = count


class ChanTrack:
    """An analysis of at least `days` days, and of less than twice as many: with bars.

    Time is cut into stretches of so many days since the epoch. In each the elements are those of the analysis that began with the
    stretch before it. So they do not depend on when the reading began, as soon as `state` is there.

    Args:
        days: length of a stretch, UTC.
    """

    def __init__(self, days: int) -> None:
        self._length_ns = days * NS_PER_DAY
        self._stretch = -1
        self._older: ChanState | None = None
        self._newer: ChanState | None = None

    @property
    def state(self) -> ChanState | None:
        """The elements, None while the analysis of the stretch before has not been seen from its beginning."""
        return self._older

    def begin_ns(self, before_ns: int) -> int:
        """Return from where on bars must be seen for the elements at a moment: a stretch before that with which their analysis begins."""
        return (before_ns // self._length_ns - 2) * self._length_ns - _CLOSED_NS

    def add(self, start_ns: int, high: float, low: float, close: float) -> None:
        """Take the next bar."""
        stretch = start_ns // self._length_ns
        if stretch != self._stretch:
            begun = self._stretch >= 0  # the very first stretch may have begun before we came
            self._older, self._newer = self._newer, ChanState() if begun else None
            self._stretch = stretch
        for state in (self._older, self._newer):
            if state is not None:
                state.add(start_ns, high, low, close)
