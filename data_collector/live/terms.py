"""The terms of what a collector collects: from the venue, the bus's table, or the market's usual ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from gcg_quant.calendar import Calendar
from gcg_quant.errors import InstrumentError
from gcg_quant.events import Event, InstrumentEvent
from gcg_quant.instruments import Instrument, usual_terms

if TYPE_CHECKING:
    from gcg_quant.instrument_table import InstrumentTable

__all__ = ["Terms"]


class Terms:
    """The instruments of one collector by symbol. Any thread.

    Args:
        venue_of: returns the venue of a symbol.
    """

    def __init__(self, venue_of: Callable[[str], str]) -> None:
        self._venue_of = venue_of
        self._stated: dict[str, Instrument] = {}  # by the venue itself
        self._found: dict[str, Instrument] = {}
        self._calendars: dict[str, Calendar] = {}

    def state(self, stated: Instrument, table: InstrumentTable, publish: Callable[[Event], int]) -> None:
        """Put terms into the bus's table as the venue states them, and publish an InstrumentEvent if they are others than before."""
        number = table.number(stated.symbol, stated.venue)
        before = table[number]
        table.add(stated)
        current = table[number]
        self._stated[stated.symbol] = self._found[stated.symbol] = current
        if current != before:
            terms = {name: getattr(current, name) for name in current.__struct_fields__ if name not in ("symbol", "venue")}
            publish(InstrumentEvent(symbol=stated.symbol, venue=stated.venue, terms=terms))

    def stated_venue(self, symbol: str) -> str:
        """Return the venue that was stated for a symbol, or ""."""
        stated = self._stated.get(symbol)
        return stated.venue if stated is not None else ""

    def of(self, symbol: str, table: InstrumentTable) -> Instrument:
        """Return the terms of a symbol."""
        found = self._found.get(symbol)
        if found is None:
            venue = self._venue_of(symbol)
            try:
                found = table.get(symbol, venue)
            except InstrumentError:
                found = usual_terms(symbol, venue)
            self._found[symbol] = found
        return found

    def calendar(self, symbol: str, table: InstrumentTable) -> Calendar:
        """Return the calendar of a symbol."""
        name = self.of(symbol, table).calendar
        calendar = self._calendars.get(name)
        if calendar is None:
            calendar = self._calendars[name] = Calendar(name)
        return calendar

    def any_open(self, symbols: Iterable[str], since_ns: int, until_ns: int, table: InstrumentTable) -> bool:
        """Return whether the market of any of these symbols was open all the time between two moments."""
        calendars = {self.calendar(symbol, table) for symbol in symbols}
        return any(one.is_open(since_ns) and one.is_open(until_ns) and not _opens(one, since_ns, until_ns) for one in calendars)

    def traded(self, symbol: str, start_ns: int, end_ns: int, table: InstrumentTable) -> bool:
        """Return whether a symbol's market was open at any moment of a stretch."""
        calendar = self.calendar(symbol, table)
        return calendar.is_open(start_ns) or _opens(calendar, start_ns, end_ns)


def _opens(calendar: Calendar, after_ns: int, before_ns: int) -> bool:
    opening = calendar.next_open(after_ns)
    return opening is not None and opening < before_ns
