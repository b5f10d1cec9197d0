"""Features of Chan theory: of confirmed elements alone, so that none of them is taken back later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log

from .chan_track import ChanState

__all__ = ["CHAN_FEATURES", "ChanFeature"]


@dataclass(frozen=True, slots=True)
class ChanFeature:
    """A feature by name: what it is, and how it is read. Without such an element ages are those of the analysis, all else is 0."""

    text: str
    read: Callable[[ChanState], float]


def _stroke(state: ChanState) -> float:
    return (1.0 if state.strokes[-1]["up"] else -1.0) if state.strokes else 0.0


def _stroke_age(state: ChanState) -> float:
    return float(state.age(int(state.strokes[-1]["end"]))) if state.strokes else float(state.bars)


def _stroke_size(state: ChanState) -> float:
    return log(state.strokes[-1]["end_price"] / state.strokes[-1]["begin_price"]) if state.strokes else 0.0


def _stroke_distance(state: ChanState) -> float:
    return log(state.close / state.strokes[-1]["end_price"]) if state.strokes else 0.0


def _divergence(state: ChanState) -> float:
    if len(state.strokes) < 3:
        return 0.0
    before, last = float(state.strokes[0]["force"]), float(state.strokes[2]["force"])
    return (last - before) / (last + before) if last + before > 0 else 0.0


def _segment(state: ChanState) -> float:
    return 0.0 if state.segment is None else 1.0 if state.segment["up"] else -1.0


def _segment_age(state: ChanState) -> float:
    return float(state.bars) if state.segment is None else float(state.age(int(state.segment["end"])))


def _pivot(state: ChanState) -> float:
    pivot = state.pivot
    if pivot is None:
        return 0.0
    if state.close > pivot["zg"]:
        return log(state.close / pivot["zg"])
    return log(state.close / pivot["zd"]) if state.close < pivot["zd"] else 0.0


def _pivot_age(state: ChanState) -> float:
    return float(state.bars) if state.pivot is None else float(state.age(int(state.pivot["formed"])))


def _since(kind: str) -> Callable[[ChanState], float]:
    return lambda state: float(state.age(state.points[kind])) if kind in state.points else float(state.bars)


_POINTS = {
    f"{side}{number}": ChanFeature(f"bars since the last {word} point of kind {number} was confirmed", _since(f"{side}{number}"))
    for side, word in (("b", "buy"), ("s", "sell"))
    for number in (1, 2, 3)
}
CHAN_FEATURES: Mapping[str, ChanFeature] = {
    "stroke": ChanFeature("direction of the last confirmed stroke: 1 up, -1 down", _stroke),
    "stroke_age": ChanFeature("bars since its end", _stroke_age),
    "stroke_size": ChanFeature("log of its end to its begin", _stroke_size),
    "stroke_distance": ChanFeature("log of the close to its end", _stroke_distance),
    "divergence": ChanFeature("its force less that of the stroke two before, by their sum", _divergence),
    "segment": ChanFeature("direction of the last confirmed segment: 1 up, -1 down", _segment),
    "segment_age": ChanFeature("bars since its end", _segment_age),
    "pivot": ChanFeature("log of the close to the top (above it) or bottom (below it) of the last formed pivot, 0 inside", _pivot),
    "pivot_age": ChanFeature("bars since that was formed", _pivot_age),
    **_POINTS,
}
