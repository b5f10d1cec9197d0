"""Bars of several symbols on their way to one run: those that end together are brought together, as a backtest has them."""

from __future__ import annotations

from typing import Any

from gcg_quant.events import Bar

__all__ = ["PATIENCE_NS", "BarGroups", "Moment"]

PATIENCE_NS = 500_000_000

Moment = tuple[int, int]  # the host's time, and the id of the event that an answer follows from


class BarGroups:
    """Holds a bar back until those of the other symbols with the same end are there, or half a second of the journal's time has passed.

    What it does follows from the events and their times alone, and not from when anybody came to look: the same events, read again, make
    the same groups. One thread.

    Args:
        symbols: how many there are; with one, nothing is held back.
    """

    def __init__(self, symbols: int) -> None:
        self._symbols = symbols
        self._held: dict[tuple[str, str], Bar] = {}
        self._moment: Moment = (0, 0)
        self._end_ns = 0
        self._since_ns = 0

    def __bool__(self) -> bool:
        """Return whether bars are held back."""
        return bool(self._held)

    def take(self, event: Any, moment: Moment) -> list[tuple[Any, Moment]]:
        """Take an event and return what is to be handed on now, in order: events, and lists of bars that belong together."""
        if self._symbols < 2:
            return [(event, moment)]
        if not isinstance(event, Bar):
            return [*self.due(getattr(event, "time_ns", 0)), (event, moment)]
        ready = self.due(moment[0])
        place = event.symbol, event.venue
        if self._held and (event.end_ns != self._end_ns or place in self._held):
            ready += self.release()
        if not self._held:
            self._since_ns, self._end_ns = moment[0], event.end_ns
        self._held[place], self._moment = event, moment
        return ready + (self.release() if len(self._held) == self._symbols else [])

    def due(self, now_ns: int) -> list[tuple[Any, Moment]]:
        """Return the bars that have been held back for long enough."""
        return self.release() if self._held and now_ns - self._since_ns >= PATIENCE_NS else []

    def release(self) -> list[tuple[Any, Moment]]:
        """Return all that is held back."""
        if not self._held:
            return []
        bars, self._held = list(self._held.values()), {}
        return [(bars, self._moment)]
