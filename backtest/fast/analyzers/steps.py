"""What a strategy's analyzers do at a bar, as a row of calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import backtrader as bt
from backtrader.analyzer import TimeFrameAnalyzerBase

from .methods import fast_method, has_own
from .periods import Periods

__all__ = ["BarSteps", "bar_steps"]

Analyzer = bt.Analyzer
BAR_METHODS = ("_next", "_nextstart", "_prenext", "next", "nextstart", "prenext")
Step = Callable[[], Any]


class BarSteps:
    """The analyzers of a strategy, or of an observer, as the loop calls them: like one analyzer with many children.

    Args:
        analyzers: those that do something at a bar.
        periods: of their strategy.
    """

    __slots__ = ("_next", "_nextstart", "_prenext")

    def __init__(self, analyzers: tuple[Any, ...], periods: Periods) -> None:
        self._next = _together([step for one in analyzers for step in _steps(one, periods)])
        # Called until the first bar of next(), and once there: Backtrader's own.
        self._nextstart = _together([one._nextstart for one in analyzers])
        self._prenext = _together([one._prenext for one in analyzers])


def bar_steps(analyzers: Iterable[Any], periods: Periods) -> tuple[BarSteps, ...]:
    """Return what a loop calls at each bar in place of `analyzers`: nothing if none of them does anything there."""
    active = tuple(one for one in analyzers if _acts(one))
    return (BarSteps(active, periods),) if active else ()


def _acts(analyzer: Any) -> bool:
    if isinstance(analyzer, TimeFrameAnalyzerBase) or any(has_own(analyzer, Analyzer, name) for name in BAR_METHODS):
        return True
    return any(map(_acts, analyzer._children))


def _together(steps: list[Step]) -> Step:
    if len(steps) == 1:
        return steps[0]

    def all_steps() -> None:
        for step in steps:
            step()

    return all_steps


# An analyzer's `_next()`, taken apart: its children's, then what it does itself.
def _steps(analyzer: Any, periods: Periods) -> Iterator[Step]:
    timed = not has_own(analyzer, TimeFrameAnalyzerBase, "_next")
    if not timed and has_own(analyzer, Analyzer, "_next"):
        yield analyzer._next
        return
    for child in analyzer._children:
        yield from _steps(child, periods)
    following = fast_method(analyzer, "next") if has_own(analyzer, Analyzer, "next") else None
    if timed:
        yield _timed(analyzer, periods, following)
    elif following is not None:
        yield following


def _timed(analyzer: Any, periods: Periods, following: Step | None) -> Step:
    over, begin = periods.over(analyzer), fast_method(analyzer, "on_dt_over")

    if following is None:

        def count() -> None:
            if over():
                begin()

        return count

    def step() -> None:
        if over():
            begin()
        following()

    return step
