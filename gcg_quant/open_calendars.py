"""Calendars opened before they are needed: to open one takes as long as to deal with thousands of events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gcg_quant.calendar import Calendar
from gcg_quant.clock import now_ns
from gcg_quant.enumerations import World
from gcg_quant.errors import GcgQuantError

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

__all__ = ["OpenCalendars"]


class OpenCalendars:
    """Opens the calendars of a bus's instruments in quiet moments, so that no market's first price waits for it. One thread.

    On a bus of a backtest or an import nobody waits for a price: there it does nothing.
    """

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._live = bus.world in (World.LIVE, World.PAPER)
        self._seen = 0
        self._opened: set[str] = set()

    def look(self) -> None:
        """Open the calendars of instruments that are new since the last call; costs nothing if there are none."""
        count = self._bus.native.instrument_count() if self._live else 0
        if count == self._seen:
            return
        names = {self._bus.instruments[number].calendar for number in self._bus.instruments.numbers(after=self._seen)}
        self._seen = count
        for name in sorted(names - self._opened):
            self._opened.add(name)
            try:
                Calendar(name).trading_day(now_ns())
            except GcgQuantError:
                continue  # whoever asks it in earnest says what is wrong
