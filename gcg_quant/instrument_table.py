"""The instrument table of a bus: (symbol, venue) <-> number, and the terms of the day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from gcg_quant.errors import InstrumentError, nearest
from gcg_quant.instrument_codec import decode_terms, encode_terms
from gcg_quant.instruments import Instrument, usual_terms

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

__all__ = ["InstrumentTable"]


class InstrumentTable:
    """The instruments of one bus, shared by all its processes; numbers never change and are never reused."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._numbers: dict[tuple[str, str], int] = {}
        self._instruments: dict[int, tuple[bytes, Instrument]] = {}
        self._rows = 0
        self._current: dict[int, Instrument] = {}  # as of so many rows: new terms are a row of their own
        self._overrides: dict[tuple[str, str], dict[str, Any]] = {}

    def override(self, symbol: str, venue: str, terms: Mapping[str, Any]) -> None:
        """Let terms (by the names of Instrument's fields) win over those that this process registers, now and later.

        Args:
            symbol: of the instrument.
            venue: where it trades; empty for every venue. One that names its venue is registered at once.
            terms: what is to be otherwise than `add` says.

        Raises:
            InstrumentError: the terms make no sense.
        """
        self._overrides.setdefault((symbol, venue), {}).update(terms)
        known = [one for one in self if one.symbol == symbol and venue in ("", one.venue)]
        for instrument in known or ([usual_terms(symbol, venue, **terms)] if venue else []):
            self.add(instrument)

    def add(self, instrument: Instrument) -> int:
        """Register an instrument with its terms and return its number; new terms replace older ones from now on.

        What was overridden stays so: read the terms that count from the table.

        Raises:
            InstrumentError: the symbol, venue or terms are too long.
        """
        native = self._bus.native
        for venue in ("", instrument.venue):
            if terms_here := self._overrides.get((instrument.symbol, venue)):
                instrument = msgspec.structs.replace(instrument, **terms_here)
        terms = encode_terms(instrument)
        number = native.add_instrument(instrument.symbol, instrument.venue, terms)
        native.set_instrument_terms(number, terms)
        self._numbers[instrument.symbol, instrument.venue] = number
        return number

    def number(self, symbol: str, venue: str = "") -> int:
        """Return the number of (symbol, venue), registering it without terms if it is new."""
        key = (symbol, venue)
        number = self._numbers.get(key)
        if number is None:
            native = self._bus.native
            number = native.find_instrument(symbol, venue)
            if number == 0:
                number = native.add_instrument(symbol, venue, b"")
            self._numbers[key] = number
        return number

    def name(self, number: int) -> tuple[str, str]:
        """Return (symbol, venue) of a number. Raises InstrumentError if there is none."""
        return self[number].symbol, self[number].venue

    def get(self, symbol: str, venue: str | None = None) -> Instrument:
        """Return an instrument by symbol; "SYMBOL@VENUE" or `venue` choose where several venues have it.

        Raises:
            InstrumentError: unknown, with the nearest known symbol; or several venues and none chosen.
        """
        if venue is None and "@" in symbol:
            symbol, venue = symbol.rsplit("@", 1)
        found = [one for one in self if one.symbol == symbol and (venue is None or one.venue == venue)]
        if not found:
            where = f" on {venue}" if venue else ""
            raise InstrumentError(
                f"There is no instrument {symbol!r}{where}.{nearest(symbol, [one.symbol for one in self])}", symbol=symbol
            )
        if len(found) > 1:
            venues = ", ".join(f"{one.symbol}@{one.venue}" for one in found)
            raise InstrumentError(f"Several venues have {symbol!r}: say which ({venues}).", symbol=symbol)
        return found[0]

    def __getitem__(self, number: int) -> Instrument:
        """Return the instrument of a number. Raises InstrumentError if there is none."""
        rows = self._bus.native.instrument_count()
        if rows != self._rows:
            self._rows, self._current = rows, {}
        found = self._current.get(number)
        if found is None:
            found = self._current[number] = self._look_up(number)
        return found

    def numbers(self, *, after: int = 0) -> Iterator[int]:
        """Yield the numbers of all instruments above `after`, ascending; there are gaps between them."""
        native = self._bus.native
        # Rows that only hold newer terms of an instrument have no name of their own.
        return (number for number in range(after + 1, native.instrument_count() + 1) if native.instrument(number) is not None)

    def __iter__(self) -> Iterator[Instrument]:
        return (self[number] for number in self.numbers())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _look_up(self, number: int) -> Instrument:
        row = self._bus.native.instrument(number)
        if row is None:
            raise InstrumentError(f"The bus {self._bus.path} has no instrument number {number}.", number=number)
        symbol, venue, terms = row
        cached = self._instruments.get(number)
        if cached is None or cached[0] != terms:
            cached = self._instruments[number] = (terms, decode_terms(symbol, venue, terms))
        return cached[1]
