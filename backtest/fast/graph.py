"""The objects of a run that have lines, and which feed each of the strategies' indicators follows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from backtrader.linebuffer import LineBuffer
from backtrader.lineiterator import LineIterator, MultiCoupler, SingleCoupler
from backtrader.lineroot import LineRoot
from backtrader.lineseries import LineSeriesStub

__all__ = ["INDICATORS", "OBSERVERS", "indicators_of", "lines_of", "nodes_of", "observers_of", "place_of", "unclear_clock"]

INDICATORS, OBSERVERS = LineIterator.IndType, LineIterator.ObsType


def lines_of(node: Any) -> list[Any]:
    """Return the lines that an object with lines moves when it goes on a bar."""
    if isinstance(node, LineBuffer):
        return [node]
    found: list[Any] = node.lines.lines
    return found


def indicators_of(strategy: Any) -> list[Any]:
    """Return a strategy's own indicators, without those inside them."""
    found: list[Any] = strategy._lineiterators[INDICATORS]
    return found


def observers_of(strategy: Any) -> list[Any]:
    """Return a strategy's observers."""
    found: list[Any] = strategy._lineiterators.get(OBSERVERS, [])
    return found


def nodes_of(strategies: Sequence[Any], datas: Sequence[Any]) -> list[Any]:
    """Return everything with lines: feeds, strategies, observers, and indicators with all that is inside them."""
    found: dict[int, Any] = {}
    waiting: list[Any] = [*reversed(strategies), *reversed(datas)]
    while waiting:
        node = waiting.pop()
        if id(node) in found or not isinstance(node, LineRoot):
            continue
        found[id(node)] = node
        waiting.extend(_neighbours(vars(node)))
    return list(found.values())


def _neighbours(attributes: dict[str, Any]) -> Iterable[Any]:
    for children in attributes.get("_lineiterators", {}).values():
        yield from children
    yield from attributes.get("datas", ())
    yield from attributes.get("_datas", ())


def place_of(strategy: Any, datas: Sequence[Any]) -> dict[int, int]:
    """Return {id of an indicator: number of the feed in `datas` that it follows}, for a strategy's own indicators.

    An indicator's clock is what it was given first: a feed, a line, another indicator or a line of one. One whose clock leads
    nowhere is missing from the answer.
    """
    known: dict[int, int] = {}
    for number, data in enumerate(datas):
        for thing in (data, *lines_of(data)):
            known[id(thing)] = number
    places: dict[int, int] = {}
    for indicator in indicators_of(strategy):
        clock = indicator._clock
        while isinstance(clock, LineSeriesStub):
            clock = clock.lines.lines[0]
        number_or_none = known.get(id(clock))
        if number_or_none is None:
            continue
        places[id(indicator)] = number_or_none
        for thing in (indicator, *lines_of(indicator)):
            known[id(thing)] = number_or_none
    return places


def unclear_clock(strategies: Sequence[Any], datas: Sequence[Any]) -> str:
    """Return why it is not clear when some indicator goes on, or "".

    Backtrader compares the lengths of indicator and clock at each bar, in the order in which the indicators were made.
    """
    owners: dict[int, Any] = {}
    for node in (*datas, *strategies):
        for line in lines_of(node):
            owners[id(line)] = node
    for strategy in strategies:
        places = place_of(strategy, datas)
        for node in (*indicators_of(strategy), *observers_of(strategy)):
            name = type(node).__name__
            if isinstance(node, SingleCoupler | MultiCoupler):
                return f"{name} couples lines of different time frames"
            if node._ltype == INDICATORS and id(node) not in places:
                return f"the indicator {name} does not follow a feed"
            for line in lines_of(node):
                if owners.setdefault(id(line), node) is not node:
                    return f"a line of {name} belongs to two objects"
    return ""
