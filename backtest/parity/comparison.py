"""Comparing two runs of a strategy: what differs in each order, and the first event that led to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isnan
from typing import Any

from gcg_quant.events import Event

from .causes import Causes
from .difference import Difference, FirstEvent, Kind, first_event
from .market import TwoMarkets
from .pairing import OrderPair, pair_orders
from .run_log import OrderTrack, RunLog

__all__ = ["ComparedPair", "Comparison", "compare"]

EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class ComparedPair:
    """An order of both runs, or of one, with its number and what differs in it."""

    number: int
    pair: OrderPair
    differences: tuple[Difference, ...]


@dataclass(slots=True)
class Comparison:
    """Two runs, order by order, over the time that both of them cover. `outside` counts the orders of each run before and after that."""

    a: RunLog
    b: RunLog
    begin_ns: int
    end_ns: int
    outside: tuple[int, int]
    pairs: list[ComparedPair] = field(default_factory=list)

    @property
    def differing(self) -> list[ComparedPair]:
        """The orders in which something differs."""
        return [one for one in self.pairs if one.differences]

    @property
    def unexplained(self) -> list[ComparedPair]:
        """The orders with a difference for which no earlier event was found."""
        return [one for one in self.pairs if not all(difference.explained for difference in one.differences)]

    def count(self, kind: Kind) -> int:
        """Return how many orders have a difference of a kind."""
        return sum(any(difference.kind == kind for difference in one.differences) for one in self.pairs)


def compare(a: RunLog, b: RunLog) -> Comparison:
    """Return the orders of two runs of one strategy side by side, with what differs and the first event that led to it."""
    return _Comparer(a, b).compare()


class _Comparer:
    def __init__(self, a: RunLog, b: RunLog) -> None:
        self._runs = {"a": a, "b": b}
        self._market = TwoMarkets(a, b)
        self._causes = Causes(self._runs, self._market)
        self._begin_ns, self._end_ns = max(a.began_ns, b.began_ns), min(a.ended_ns, b.ended_ns)
        self._held: dict[str, defaultdict[str, float]] = {"a": defaultdict(float), "b": defaultdict(float)}
        self._roots: dict[str, tuple[int | None, Difference]] = {}  # by symbol: what made the positions differ
        self._money: tuple[int | None, Difference] | None = None  # what made the accounts differ first
        self._last: tuple[int | None, Difference] | None = None  # what the order began with that differed last

    def compare(self) -> Comparison:
        a, b = self._runs["a"], self._runs["b"]
        inside = {run: [one for one in log.orders if self._begin_ns <= one.bar_ns <= self._end_ns] for run, log in self._runs.items()}
        found = Comparison(a, b, self._begin_ns, self._end_ns, (len(a.orders) - len(inside["a"]), len(b.orders) - len(inside["b"])))
        self._take_over()
        for number, pair in enumerate(pair_orders(inside["a"], inside["b"]), 1):
            differences = tuple(self._differences(pair))
            found.pairs.append(ComparedPair(number, pair, differences))
            self._hold(number, pair, differences)
        return found

    # A run that began earlier may hold what the other one never bought.
    def _take_over(self) -> None:
        for run, log in self._runs.items():
            for track in log.orders:
                if track.bar_ns < self._begin_ns:
                    self._held[run][track.request.symbol] += track.signed
        for symbol in {*self._held["a"], *self._held["b"]}:
            if not self._differ(symbol):
                continue
            run, fill = max(
                (
                    (run, fill)
                    for run, log in self._runs.items()
                    for track in log.orders
                    if track.bar_ns < self._begin_ns and track.request.symbol == symbol
                    for fill in track.fills
                ),
                key=lambda one: one[1].event_ns,
            )
            text = f"the runs begin with different positions in {symbol}: {self._held['a'][symbol]:g} and {self._held['b'][symbol]:g}"
            difference = Difference(kind="timing", text=text, first=first_event(run, fill))
            self._roots[symbol] = (None, difference)
            self._money = self._money or (None, difference)

    def _hold(self, number: int, pair: OrderPair, differences: tuple[Difference, ...]) -> None:
        symbol = pair.tracks[0][1].request.symbol
        for run, track in pair.tracks:
            self._held[run][symbol] += track.signed
        if differences:
            begins = self._last = differences[0].follows or number, differences[0]
            self._money = self._money or begins
            self._roots.setdefault(symbol, begins)
        if not self._differ(symbol):
            self._roots.pop(symbol, None)

    def _differ(self, symbol: str) -> bool:
        return abs(self._held["a"][symbol] - self._held["b"][symbol]) > EPSILON

    # ---- one pair

    def _differences(self, pair: OrderPair) -> Iterator[Difference]:
        if pair.a is None or pair.b is None:
            ((run, track),) = pair.tracks
            yield self._led_to(track, track, f"only run {run} has this order", run, silent="b" if run == "a" else "a")
            return
        yield from self._decision(pair.a, pair.b)
        yield from self._outcome(pair.a, pair.b)

    def _decision(self, a: OrderTrack, b: OrderTrack) -> Iterator[Difference]:
        earlier = "a" if a.bar_ns <= b.bar_ns else "b"
        if a.bar_ns != b.bar_ns:
            yield self._led_to(a, b, f"given {abs(a.bar_ns - b.bar_ns) / 1e9:g} s later in run {'b' if earlier == 'a' else 'a'}", earlier)
        for name, kind in (("quantity", "partial"), ("price", "price"), ("stop_price", "price")):
            left, right = float(getattr(a.request, name)), float(getattr(b.request, name))
            if _other(left, right):
                word = name.replace("_", " ")
                found = self._led_to(a, b, f"asked for the {word} {left:g} and {right:g}", earlier, money=name == "quantity")
                yield _of_kind(found, kind)

    def _outcome(self, a: OrderTrack, b: OrderTrack) -> Iterator[Difference]:
        if a.refused != b.refused:
            run, track = ("a", a) if a.refused else ("b", b)
            verdict = track.verdict if track.verdict is not None and not track.verdict.passed else track.states[-1]
            yield Difference(kind="rejected", text=f"refused in run {run}: {track.reason}", first=first_event(run, verdict))
            return
        same_size = not _other(a.request.quantity, b.request.quantity)
        if same_size and abs(a.filled - b.filled) > EPSILON:
            run, track = ("a", a) if a.filled < b.filled else ("b", b)
            yield Difference(kind="partial", text=f"filled {a.filled:g} and {b.filled:g}", first=first_event(run, _stopped_by(track)))
        if a.average_price is not None and b.average_price is not None:
            fills = [self._market.bar_of(one.request.symbol, one.fill_ns or 0) for one in (a, b)]
            if fills[0] != fills[1]:
                yield self._filled_late(a, b, min(fills)) if fills[0] > fills[1] else self._filled_late(b, a, min(fills))
            if _other(a.average_price, b.average_price):
                text = f"filled at {a.average_price:.10g} and {b.average_price:.10g}"
                yield Difference(kind="price", text=text, first=self._fill_event(a, b))

    # Filled in a later bar than in the other run: because it was asked for only when that bar was there, or the market did not allow it.
    def _filled_late(self, late: OrderTrack, early: OrderTrack, start_ns: int) -> Difference:
        run, other = ("a", "b") if late in self._runs["a"].orders else ("b", "a")
        ids = next((ids for (name, _), ids in self._runs[run].bar_ids.items() if name == late.request.symbol), {})
        text = f"filled in a later bar in run {run}"
        if 0 < ids.get(start_ns, 0) < late.request.id:
            why = f"asked for after the next bar was there: the strategy answered late in run {run}"
            return Difference(kind="timing", text=f"{text}: {why}", first=first_event(run, late.request))
        return Difference(kind="timing", text=text, first=first_event(other, early.fill_causes[0] or early.fills[0]))

    # The first fill that is not the same: what the market showed where the price is the other run's news. A venue's own tick tells more
    # than a bar, and a bar more than the fill itself.
    def _fill_event(self, a: OrderTrack, b: OrderTrack) -> FirstEvent:
        at = next((at for at, (one, two) in enumerate(zip(a.fills, b.fills, strict=False)) if _other(one.price, two.price)), 0)
        candidates = [("b", b), ("a", a)]
        for run, track in candidates:
            cause = track.fill_causes[at] if at < len(track.fill_causes) else None
            if cause is not None and cause.id != track.request.id:
                return first_event(run, cause)
        run, track = candidates[0]
        return first_event(run, track.fills[min(at, len(track.fills) - 1)])

    # ---- why a decision differs

    def _led_to(self, a: OrderTrack, b: OrderTrack, text: str, run: str, *, silent: str = "", money: bool = False) -> Difference:
        track = a if run == "a" else b
        symbol = track.request.symbol
        root = self._roots.get(symbol) or (self._money if money else None)
        if root is not None:
            return _following(root, text)
        found = self._causes.of_decision(symbol, {a.bar_ns, b.bar_ns}, silent)
        if found is None and self._last is not None:  # the same market, and another decision: the class remembers what differed before
            return _following(self._last, text)
        found = found or self._causes.beginning(symbol)
        if found is not None:
            return Difference(kind=found.kind, text=f"{text}: {found.text}", first=found.first)
        return Difference(kind="timing", text=f"{text}; no earlier event differs", first=first_event(run, track.request), explained=False)


def _following(root: tuple[int | None, Difference], text: str) -> Difference:
    number, difference = root
    after = f", after order {number}" if number else ""
    return Difference(kind=difference.kind, text=text + after, first=difference.first, follows=number)


def _of_kind(found: Difference, kind: Any) -> Difference:
    return Difference(kind=kind, text=found.text, first=found.first, follows=found.follows, explained=found.explained)


# What kept the rest of an order from being filled: its end, or the last thing that filled a part of it.
def _stopped_by(track: OrderTrack) -> Event:
    if track.states and track.states[-1].status.name in ("CANCELLED", "EXPIRED"):
        return track.states[-1]
    if track.fill_causes and track.fill_causes[-1] is not None:
        return track.fill_causes[-1]
    return track.states[-1] if track.states else track.request


def _other(left: float, right: float) -> bool:
    if isnan(left) or isnan(right):
        return isnan(left) != isnan(right)
    return abs(left - right) > EPSILON * max(1.0, abs(left), abs(right))
