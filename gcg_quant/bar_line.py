"""The bars in the making of one instrument of a running system, of all periods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from gcg_quant.bars import BarAggregator
from gcg_quant.calendar import Calendar
from gcg_quant.events import Bar, BarBasis, Tick, TradeTick

__all__ = ["BarLine"]

_KINDS: dict[str, type[Tick | TradeTick]] = {"Tick": Tick, "TradeTick": TradeTick}


class BarLine:
    """Aggregators that take the same events: of one kind, since ticks and trades together would count volume twice.

    A bar of which only a part was seen, because it had begun before the first event or before its period was asked for, is none of its.

    Args:
        kind: of the events.
        basis: of the bars.
        calendar: of the instrument, None for the clock; aggregators that are made later take what is set by then.
        revise: whether the bar before is given out again with a late event.
    """

    def __init__(self, kind: type[Tick | TradeTick], basis: BarBasis, calendar: Calendar | None, *, revise: bool) -> None:
        self.kind = kind
        self.rolling = False  # its ticks' totals are those of the last 24 hours, which say nothing about a bar
        self.event_ns = self.time_ns = 0  # the venue's clock at the last event, and ours
        self._basis = basis
        self.calendar = calendar
        self._revise = revise
        self._aggregators: dict[str, BarAggregator] = {}
        self._whole_from_ns: dict[str, int] = {}

    def keep(self, periods: Iterable[str], from_ns: int) -> None:
        """Make bars of these periods and no others; of the new ones, bars that begin at `from_ns` or later by the venue's clock."""
        before = self._aggregators
        self._aggregators = {one: before.get(one) or BarAggregator(one, self._basis, self.calendar, revise=self._revise) for one in periods}
        self._whole_from_ns = {one: self._whole_from_ns.get(one, from_ns) for one in self._aggregators}

    def update(self, event: Tick | TradeTick) -> Iterator[Bar]:
        """Take an event; yield the bars that it finishes."""
        if event.event_ns >= self.event_ns:
            self.event_ns, self.time_ns = event.event_ns, event.time_ns
        for period, aggregator in self._aggregators.items():
            for bar in aggregator.update(event):
                if bar.start_ns >= self._whole_from_ns[period]:
                    yield bar

    def advance(self, now_ns: int) -> Iterator[Bar]:
        """Yield the bars that have been over by `now_ns` of the venue's clock."""
        for period, aggregator in self._aggregators.items():
            for bar in aggregator.advance(now_ns):
                if bar.start_ns >= self._whole_from_ns[period]:
                    yield bar

    def is_due(self, now_ns: int) -> bool:
        """Return whether `advance` would finish a bar."""
        return any(0 < aggregator.due_ns <= now_ns for aggregator in self._aggregators.values())

    def venue_now(self, our_now_ns: int) -> int:
        """Return what the venue's clock shows at a time of ours. Venues' clocks differ from ours, by years when old data is replayed."""
        return self.event_ns + max(0, our_now_ns - self.time_ns)

    @property
    def late(self) -> int:
        """How many late events there were, in the period that has most."""
        return max((aggregator.late for aggregator in self._aggregators.values()), default=0)

    @property
    def state(self) -> dict[str, Any]:
        """All of it as plain values, for `of_state`."""
        return {
            "kind": self.kind.__name__,
            "rolling": self.rolling,
            "basis": int(self._basis),
            "event_ns": self.event_ns,
            "time_ns": self.time_ns,
            "aggregators": {period: aggregator.state for period, aggregator in self._aggregators.items()},
            "whole_from_ns": self._whole_from_ns,
        }

    @classmethod
    def of_state(cls, state: dict[str, Any], calendar: Calendar | None, *, revise: bool) -> BarLine:
        """Return the line behind a state."""
        line = cls(_KINDS[state["kind"]], BarBasis(state["basis"]), calendar, revise=revise)
        line._whole_from_ns = state["whole_from_ns"]
        line.keep(state["aggregators"], 0)
        for period, aggregator in line._aggregators.items():
            aggregator.state = state["aggregators"][period]
        line.event_ns, line.time_ns = state["event_ns"], state["time_ns"]
        line.rolling = state.get("rolling", False)
        return line
