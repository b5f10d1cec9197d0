"""`Ledger`: what a venue has sent, number by number, and what has become of each: it came, was filled in, or a gap tells of it."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Any

from gcg_quant.events import GapEvent

__all__ = ["CAME", "FILLED", "PASSED", "SENT", "TOLD", "Ledger"]

SENT, CAME, FILLED, TOLD, PASSED = range(5)


class _Series:
    # What was sent of one symbol, in the order of its times.
    def __init__(self) -> None:
        self.times = array("q")
        self.states = bytearray()
        self.ordinals = array("i")
        self.newest = -1  # the last number that came live
        self.settled = 0  # all before it are explained


class Ledger:
    """Counts the events of one kind. A symbol's numbers begin with 0, and its times never go back.

    Before the first that came live none is missing.

    Args:
        what: what refills of these events are called: "trade", "tick" ...; empty = the venue keeps none.
        rhythm_ns: a venue that shows states and not events: what lies between two that came no further apart is not missing.
    """

    def __init__(self, what: str = "", *, rhythm_ns: int = 0) -> None:
        self._what = what
        self._rhythm_ns = rhythm_ns
        self._series: dict[str, _Series] = {}
        self.gaps = 0

    def next(self, symbol: str) -> int:
        """Return the number of the event that is sent next."""
        found = self._series.get(symbol)
        return len(found.times) if found is not None else 0

    def send(self, symbol: str, time_ns: int) -> int:
        """Take note that an event is sent, and return its number."""
        one = self._series.setdefault(symbol, _Series())
        assert not one.times or one.times[-1] <= time_ns, "a venue's times do not go back"
        one.times.append(time_ns)
        one.states.append(SENT)
        one.ordinals.append(-1)
        return len(one.times) - 1

    def take(self, number: int, event: Any, *, backfill: bool) -> None:
        """Take note that an event has come. Nothing may come live twice or late, have two places in time, or another's place."""
        one, where = self._series[event.symbol], f"{event.symbol} {number}"
        assert event.event_ns == one.times[number], f"{where} has the time {event.event_ns} instead of {one.times[number]}"
        if not backfill:
            assert number > one.newest, f"{where} came behind {one.newest}"
            if one.newest < 0:
                one.settled = number
            one.newest = number
        if one.ordinals[number] >= 0:
            assert one.ordinals[number] == event.ordinal, f"{where} came as {one.ordinals[number]} and as {event.ordinal} of its time"
            return
        for other in self._beside(one, number):
            assert one.ordinals[other] != event.ordinal, f"{where} has the place of {other}: {event.ordinal} of its time"
        one.ordinals[number] = event.ordinal
        one.states[number] = FILLED if backfill else CAME

    def tell(self, gap: GapEvent) -> None:
        """Take note of a gap. What is said to be filled in must be there."""
        one = self._series.get(gap.symbol)
        refilled = gap.kind == "refilled"
        self.gaps += not refilled
        if one is None or (refilled and gap.detail != self._what):
            return
        for number in range(bisect_left(one.times, gap.start_ns), bisect_right(one.times, gap.end_ns)):
            if refilled and gap.start_ns < one.times[number] < gap.end_ns:
                assert one.states[number] in (CAME, FILLED), f"{gap.symbol} {number} is said to be filled in, and is not there: {gap}"
            elif not refilled and one.states[number] == SENT:
                one.states[number] = TOLD

    def silent(self) -> list[tuple[str, int]]:
        """Return what is missing without a word: nothing tells of it, although later ones have come."""
        return [(symbol, number) for symbol, one in self._series.items() for number in self._unexplained(one)]

    def open(self) -> int:
        """Return how many are still missing, whether told of or not."""
        return sum(state in (SENT, TOLD) for one in self._series.values() for state in one.states[: one.newest + 1])

    def count(self, state: int) -> int:
        """Return how many are in a state."""
        return sum(one.states.count(state) for one in self._series.values())

    @property
    def sent(self) -> int:
        """How many were sent."""
        return sum(len(one.times) for one in self._series.values())

    def newest(self, symbol: str) -> int:
        """Return the last number of a symbol that came live; -1 for none."""
        found = self._series.get(symbol)
        return found.newest if found is not None else -1

    def _beside(self, one: _Series, number: int) -> Iterator[int]:
        # Those of the same time.
        for step in (-1, 1):
            other = number + step
            while 0 <= other < len(one.times) and one.times[other] == one.times[number]:
                yield other
                other += step

    def _unexplained(self, one: _Series) -> list[int]:
        found: list[int] = []
        before = one.settled - 1
        for number in range(one.settled, one.newest + 1):
            if one.states[number] == SENT:
                continue
            if number - before > 1 and one.times[number] - one.times[max(before, 0)] > self._rhythm_ns:
                found += range(before + 1, number)
            elif not found:
                one.states[before + 1 : number] = bytes([PASSED]) * (number - before - 1)
            before = number
        if not found:
            one.settled = max(one.settled, one.newest)
        return found
