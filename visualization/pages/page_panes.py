"""What one page shows: a series with its indicators in each pane, and one instrument's book."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..indicators import Indicator

__all__ = ["Audience", "PagePanes", "ShownSeries", "audience_topic", "book_topic", "series_of"]


class Audience(NamedTuple):
    """Those pages that get the same messages of a series: its candles with the lines of the same indicators."""

    name: str
    period: str
    keys: tuple[str, ...] = ()


class ShownSeries(NamedTuple):
    """A series in a pane with its indicators."""

    name: str
    period: str
    indicators: tuple[Indicator, ...] = ()


def series_of(name: str, period: str) -> str:
    """Return a series as messages name it."""
    return f"{name}|{period}"


def audience_topic(audience: Audience) -> str:
    """Return the topic of the candles of a series with the lines of these indicators."""
    return "\n".join((series_of(audience.name, audience.period), *audience.keys))


def book_topic(name: str) -> str:
    """Return the topic of an instrument's depth and trades."""
    return f"\n{name}"


class PagePanes:
    """The panes of one page; changing them is making a new one."""

    def __init__(self, shown: Mapping[int, ShownSeries] | None = None, book: str = "") -> None:
        self.shown: dict[int, ShownSeries] = dict(shown or {})
        self.book = book

    def showing(self, pane: int, series: ShownSeries | None) -> PagePanes:
        """Return these panes with another series in one of them, or with none."""
        others = {number: one for number, one in self.shown.items() if number != pane}
        return PagePanes(others if series is None else {**others, pane: series}, self.book)

    def reading(self, book: str) -> PagePanes:
        """Return these panes with another instrument's book."""
        return PagePanes(self.shown, book)

    def audiences(self) -> set[Audience]:
        """Return what the page gets of each series: the lines of all its panes together."""
        keys: dict[tuple[str, str], set[str]] = {}
        for one in self.shown.values():
            keys.setdefault((one.name, one.period), set()).update(indicator.key for indicator in one.indicators)
        return {Audience(name, period, tuple(sorted(found))) for (name, period), found in keys.items()}

    def audience(self, pane: int) -> Audience:
        """Return what the page gets of the series in a pane."""
        shown = self.shown[pane]
        return next(one for one in self.audiences() if (one.name, one.period) == shown[:2])

    def topics(self) -> set[str]:
        """Return the topics of all that the page shows."""
        topics = {audience_topic(one) for one in self.audiences()} | {one.name for one in self.shown.values()}
        return topics | ({book_topic(self.book)} if self.book else set())
