"""Chan's rules once more, plain and slow: functions of a whole list of bars, written from the rules alone to compare the analyzer with.

Each step is the rule's own sentence, said in Python: nothing is kept from one bar to the next, and "down" is "up" with prices turned round.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple


class Bar(NamedTuple):
    """One raw bar."""

    time_ns: int
    high: float
    low: float
    close: float


class Merged(NamedTuple):
    """Raw bars `first` to `last`, of which each includes or is included; `confirmed` is the bar that starts the next, -1 without one."""

    first: int
    last: int
    high: float
    low: float
    up: bool
    confirmed: int


class Fractal(NamedTuple):
    """A top or bottom at merged bar `merged`."""

    top: bool
    merged: int
    bar: int
    price: float
    confirmed: int


class Stroke(NamedTuple):
    """A stroke between two fractals."""

    up: bool
    begin: int
    begin_price: float
    end: int
    end_price: float
    force: float
    confirmed: int

    @property
    def high(self) -> float:
        """The greater of its two prices."""
        return max(self.begin_price, self.end_price)

    @property
    def low(self) -> float:
        """The lesser of its two prices."""
        return min(self.begin_price, self.end_price)


class Segment(NamedTuple):
    """Strokes `first` to `last`."""

    up: bool
    first: int
    last: int
    confirmed: int


class Pivot(NamedTuple):
    """Strokes `first` to `last` around the range [zd, zg]."""

    first: int
    last: int
    zd: float
    zg: float
    dd: float
    gg: float
    formed: int
    confirmed: int


class Point(NamedTuple):
    """A buy or sell point at the end of a stroke."""

    kind: str
    stroke: int
    pivot: int
    force: float
    force_before: float
    confirmed: int


# ---- rules 1 and 2: merged bars and fractals


def merged_bars(bars: Sequence[Bar]) -> list[Merged]:
    """Return the bars after inclusion."""
    done: list[Merged] = []
    for index, bar in enumerate(bars):
        if not done:
            done.append(Merged(0, 0, bar.high, bar.low, True, -1))
            continue
        last = done[-1]
        included = (last.high >= bar.high and last.low <= bar.low) or (last.high <= bar.high and last.low >= bar.low)
        if not included:
            done[-1] = last._replace(confirmed=index)
            done.append(Merged(index, index, bar.high, bar.low, bar.high > last.high, -1))
            continue
        keep = bar.high == bar.low == (last.high if last.up else last.low)
        pick = max if last.up else min
        high, low = (last.high, last.low) if keep else (pick(last.high, bar.high), pick(last.low, bar.low))
        done[-1] = last._replace(last=index, high=high, low=low)
    return done


def fractals(bars: Sequence[Bar], merged: Sequence[Merged]) -> list[Fractal]:
    """Return the tops and bottoms of the merged bars."""
    found = []
    for k in range(1, len(merged) - 1):
        before, here, after = merged[k - 1 : k + 2]
        raw = range(here.first, here.last + 1)
        if here.high > before.high and here.high > after.high and here.low > before.low and here.low > after.low:
            bar = max(index for index in raw if bars[index].high == here.high)
            found.append(Fractal(True, k, bar, here.high, here.confirmed))
        elif here.high < before.high and here.high < after.high and here.low < before.low and here.low < after.low:
            bar = max(index for index in raw if bars[index].low == here.low)
            found.append(Fractal(False, k, bar, here.low, here.confirmed))
    return found


# ---- rule 3: strokes


def fits(bars: Sequence[Bar], merged: Sequence[Merged], variant: str, begin: Fractal, end: Fractal) -> bool:
    """Return whether a stroke may run from one fractal to the other: rule 3c."""
    distance, separation = variant.split("-")
    e, f = begin.merged, end.merged
    if distance == "old":
        if f - e < 4:
            return False
    elif f - e < 3 or merged[f].first - merged[e].last - 1 < 3:
        return False

    # For a bottom E and a top F as the rule has it; else with high and low turned round.
    up = end.top

    def high(k: int) -> float:
        return merged[k].high if up else -merged[k].low

    def low(k: int) -> float:
        return merged[k].low if up else -merged[k].high

    first_raw = bars[merged[f + 1].first]  # F+1 as it was when F was confirmed
    low_after = first_raw.low if up else -first_raw.high
    if separation == "loss":
        apart = low(e) < low(f) and high(f) > high(e)
    elif separation == "half":
        apart = low(e) < min(low(f - 1), low(f)) and high(f) > max(high(e), high(e + 1))
    else:
        apart = low(e) < min(low(f - 1), low(f), low_after) and high(f) > max(high(e - 1), high(e), high(e + 1))
    return apart and all(high(k) <= high(f) for k in range(e + 1, f))


def stroke_ends(bars: Sequence[Bar], merged: Sequence[Merged], variant: str) -> tuple[list[Fractal], list[int]]:
    """Return the fractals at which strokes begin and end, and for each stroke the bar at which it began to exist."""
    ends: list[Fractal] = []
    born: list[int] = []
    waiting: list[Fractal] = []
    for new in fractals(bars, merged):
        if not ends:
            start = next((old for old in waiting if old.top != new.top and fits(bars, merged, variant, old, new)), None)
            if start is None:
                waiting.append(new)
            else:
                ends, born = [start, new], [new.confirmed]
        elif new.top == ends[-1].top:
            if (new.price >= ends[-1].price) if new.top else (new.price <= ends[-1].price):
                ends[-1] = new
        elif fits(bars, merged, variant, ends[-1], new):
            ends.append(new)
            born.append(new.confirmed)
    return ends, born


def strokes(bars: Sequence[Bar], merged: Sequence[Merged], variant: str, divergence: str, macd: tuple[int, int, int]) -> list[Stroke]:
    """Return the strokes, each confirmed when the next began to exist; the last one is tentative."""
    ends, born = stroke_ends(bars, merged, variant)
    histogram = macd_histogram([bar.close for bar in bars], *macd)
    found = []
    for index, (begin, end) in enumerate(pairwise(ends)):
        amplitude = abs(end.price - begin.price)
        if divergence == "area":
            force = 0.0
            for bar in range(begin.bar + 1, end.bar + 1):
                force += max(histogram[bar] if end.top else -histogram[bar], 0.0)
        else:
            force = amplitude if divergence == "amplitude" else amplitude / (end.bar - begin.bar)
        confirmed = born[index + 1] if index + 1 < len(born) else -1
        found.append(Stroke(end.top, begin.bar, begin.price, end.bar, end.price, force, confirmed))
    return found


def macd_histogram(closes: Sequence[float], fast: int, slow: int, signal: int) -> list[float]:
    """Return DIF - DEA for each bar."""
    quick, late = average(closes, fast), average(closes, slow)
    dif = [a - b for a, b in zip(quick, late, strict=True)]
    return [a - b for a, b in zip(dif, average(dif, signal), strict=True)]


def average(values: Sequence[float], bars: int) -> list[float]:
    """Return the exponential moving average, which starts at the first value."""
    alpha = 2.0 / (bars + 1)
    out: list[float] = []
    for value in values:
        out.append(value if not out else alpha * value + (1 - alpha) * out[-1])
    return out


# ---- rule 4: segments


class Element(NamedTuple):
    """A standard element of a feature sequence: its own (first) stroke, its high and low as an up segment sees them."""

    own: int
    high: float
    low: float


def candidate(legs: Sequence[Stroke], first: int, last: int, side: float) -> tuple[Element, Element] | None:
    """Return the standard elements before and at the peak that stands, seen at stroke `last`, in the segment from stroke `first`.

    Args:
        legs: the strokes.
        first: the segment's first stroke.
        last: the newest stroke that is known.
        side: 1.0 for an up segment, -1.0 for a down one.
    """
    standard: list[Element] = []
    peak: tuple[Element, Element] | None = None
    highest = -math.inf
    for k in range(first + 1, last + 1, 2):
        high, low = side * legs[k].begin_price, side * legs[k].end_price
        if standard and high <= standard[-1].high and low >= standard[-1].low:
            standard[-1] = standard[-1]._replace(low=low)
        else:
            standard.append(Element(k, high, low))
            if len(standard) > 1 and high > highest:
                peak = (standard[-2], standard[-1])
        highest = max(highest, high)
    if peak is not None and any(side * legs[k].end_price > peak[1].high for k in range(peak[1].own + 1, last + 1, 2)):
        return None
    return peak


def turns(legs: Sequence[Stroke], own: int, last: int, side: float) -> bool:
    """Return whether a feature stroke after `own` went strictly below its low."""
    return any(side * legs[k].end_price < side * legs[own].end_price for k in range(own + 2, last + 1, 2))


def segment_end(legs: Sequence[Stroke], first: int, last: int, side: float) -> int | None:
    """Return the stroke before which the segment from stroke `first` ends, seen at stroke `last`; None while it goes on."""
    peak = candidate(legs, first, last, side)
    if peak is None:
        return None
    before, at = peak
    if before.high >= side * legs[at.own].end_price:
        return at.own if turns(legs, at.own, last, side) else None
    back = candidate(legs, at.own, last, -side)
    return at.own if back is not None and turns(legs, back[1].own, last, -side) else None


def closed_segments(legs: Sequence[Stroke]) -> tuple[list[tuple[int, int]], int | None]:
    """Return (first, last stroke) of each closed segment, and the first stroke of the open one."""
    first = None
    for i in range(len(legs) - 2):
        side = 1.0 if legs[i].up else -1.0
        keeps = side * legs[i + 1].end_price >= side * legs[i].begin_price
        if keeps and side * legs[i + 2].end_price > side * legs[i].end_price:
            first = i
            break
    closed: list[tuple[int, int]] = []
    while first is not None:
        side = 1.0 if legs[first].up else -1.0
        ends = (segment_end(legs, first, last, side) for last in range(first, len(legs)))
        own = next((end for end in ends if end is not None), None)
        if own is None:
            break
        closed.append((first, own - 1))
        first = own
    return closed, first


def segments(legs: Sequence[Stroke]) -> list[Segment]:
    """Return the segments: those that confirmed strokes close, and what all strokes have beyond them."""
    found: list[Segment] = []
    sure = [stroke for stroke in legs if stroke.confirmed >= 0]
    for n in range(1, len(sure) + 1):
        closed, _ = closed_segments(sure[:n])
        found += [Segment(legs[a].up, a, b, sure[n - 1].confirmed) for a, b in closed[len(found) :]]
    closed, first = closed_segments(legs)
    found += [Segment(legs[a].up, a, b, -1) for a, b in closed[len(found) :]]
    if first is not None:
        peak = candidate(legs, first, len(legs) - 1, 1.0 if legs[first].up else -1.0)
        last = peak[1].own - 1 if peak else first + (len(legs) - 1 - first) // 2 * 2
        if last - first >= 2:
            found.append(Segment(legs[first].up, first, last, -1))
    return found


# ---- rule 5: pivots


def pivots(legs: Sequence[Stroke]) -> list[Pivot]:
    """Return the pivots: closed when a confirmed stroke left them."""
    found = []
    i = 1
    while i + 2 < len(legs):
        three = legs[i : i + 3]
        zd, zg = max(leg.low for leg in three), min(leg.high for leg in three)
        if zd >= zg:
            i += 1
            continue
        last = i + 2
        while last + 1 < len(legs) and legs[last + 1].low <= zg and legs[last + 1].high >= zd:
            last += 1
        inside = legs[i : last + 1]
        left = legs[last + 1].confirmed if last + 1 < len(legs) else -1
        dd, gg = min(leg.low for leg in inside), max(leg.high for leg in inside)
        found.append(Pivot(i, last, zd, zg, dd, gg, legs[i + 2].confirmed, left))
        i = last + 1
    return found


# ---- rule 6: points


def points(legs: Sequence[Stroke], centres: Sequence[Pivot], ratio: float, trend_pivots: int) -> list[Point]:
    """Return the buy and sell points, by stroke and kind."""
    found = []
    for x, leg in enumerate(legs):
        letter, side = ("S", 1.0) if leg.up else ("B", -1.0)
        entering = diverges(legs, centres, x, ratio, trend_pivots)
        if entering is not None:
            pivot, force_before = entering
            found.append(Point(f"{letter}1", x, pivot, leg.force, force_before, leg.confirmed))
        first = diverges(legs, centres, x - 2, ratio, trend_pivots) if x >= 2 else None
        if first is not None and side * leg.end_price <= side * legs[x - 2].end_price:
            found.append(Point(f"{letter}2", x, first[0], leg.force, math.nan, leg.confirmed))
        for index, centre in enumerate(centres):
            if centre.last + 1 == x and (leg.high < centre.zd if leg.up else leg.low > centre.zg):
                found.append(Point(f"{letter}3", x, index, leg.force, math.nan, leg.confirmed))
    return found


def diverges(legs: Sequence[Stroke], centres: Sequence[Pivot], x: int, ratio: float, trend_pivots: int) -> tuple[int, float] | None:
    """Return (pivot, force of the stroke that entered it) if stroke x is a point of the first kind."""
    formed = [index for index, centre in enumerate(centres) if centre.first + 2 <= x]
    if not formed:
        return None
    side = 1.0 if legs[x].up else -1.0
    row = [formed[-1]]
    while row[0] > 0 and apart(centres[row[0] - 1], centres[row[0]], legs[x].up):
        row.insert(0, row[0] - 1)
    centre = centres[row[-1]]
    entering = legs[centre.first - 1]
    if len(row) < trend_pivots or entering.up != legs[x].up or x <= centre.first:
        return None
    prices = [entering.end_price]
    for leg in legs[centres[row[0]].first : x]:
        prices += [leg.begin_price, leg.end_price]
    if any(side * legs[x].end_price <= side * price for price in prices):
        return None
    return (row[-1], entering.force) if legs[x].force < ratio * entering.force else None


def apart(before: Pivot, after: Pivot, up: bool) -> bool:
    """Return whether a pivot stands strictly beyond the one before it, in the given direction."""
    return after.zd > before.zg if up else after.zg < before.zd


# ---- everything


class Analysis(NamedTuple):
    """All elements of a list of bars."""

    merged: list[Merged]
    fractals: list[Fractal]
    strokes: list[Stroke]
    segments: list[Segment]
    pivots: list[Pivot]
    points: list[Point]


def analyze(
    bars: Sequence[Bar],
    variant: str = "old-strict",
    divergence: str = "area",
    ratio: float = 1.0,
    trend_pivots: int = 2,
    macd: tuple[int, int, int] = (12, 26, 9),
) -> Analysis:
    """Return all elements of the bars, with the analyzer's own parameters."""
    merged = merged_bars(bars)
    legs = strokes(bars, merged, variant, divergence, macd)
    centres = pivots(legs)
    return Analysis(merged, fractals(bars, merged), legs, segments(legs), centres, points(legs, centres, ratio, trend_pivots))
