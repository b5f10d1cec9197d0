"""Names that arrive over a bridge, as numbers of this bus."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec

from gcg_quant.bus import symbol_matches
from gcg_quant.errors import EventError, InstrumentError
from gcg_quant.instrument_codec import encode_terms
from gcg_quant.instruments import Instrument

from .entry import Heading

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

__all__ = ["Arrival", "arrived_name"]

_MOST_SOURCE_BYTES = 56
_instrument = msgspec.json.Decoder(Instrument).decode


class Arrival:
    """Maps the instruments and sources of one bridge's entries.

    An instrument's terms are taken over when it is new here, when it has none here, and whenever they change at the origin; what the
    settings of this host override stays. A source is shown as SOURCE@BRIDGE; one that has come through this bus already is refused.

    Args:
        bus: this host's.
        name: of the bridge.
        symbols: whose events are wanted; None: all.
        new_source: called with (name here, buses it came through) before anything is published under a new name.
    """

    def __init__(self, bus: EventBus, name: str, symbols: Iterable[str] | None, new_source: Callable[[str, list[str]], None]) -> None:
        self._bus, self._name = bus, name
        self._symbols = None if symbols is None else frozenset(symbols)
        self._new_source = new_source
        self._instruments: dict[tuple[str, int], tuple[bytes, int]] = {}  # (origin, number) -> terms, number here
        self._sources: dict[tuple[str, str, tuple[str, ...]], int] = {}

    def instruments(self, heading: Heading) -> dict[int, int]:
        """Return {number there: number here}; 0 for an instrument that is not wanted.

        Raises:
            EventError: the names or terms make no sense.
        """
        found = {}
        for number, raw in heading.instruments.items():
            known = self._instruments.get((heading.bus, number))
            terms = bytes(raw)
            if known is None or known[0] != terms:
                known = self._instruments[heading.bus, number] = (terms, self._take(terms, known is not None))
            found[number] = known[1]
        return found

    def sources(self, heading: Heading) -> dict[int, int]:
        """Return {number there: number here}; 0 for a source whose events have come from this bus."""
        return {number: self._source(heading, number, name) for number, name in heading.sources.items()}

    def _source(self, heading: Heading, number: int, name: str) -> int:
        path = (*heading.via.get(number, ()), heading.bus)
        known = self._sources.get((heading.bus, name, path))
        if known is None:
            known = 0
            if self._bus.bus_id not in path:
                here = arrived_name(name, self._name)
                self._new_source(here, list(path))
                known = self._bus.source_number(here)
            self._sources[heading.bus, name, path] = known
        return known

    def _take(self, terms: bytes, changed: bool) -> int:
        try:
            instrument = _instrument(terms)
            encode_terms(instrument)  # may be too long
        except (msgspec.MsgspecError, InstrumentError) as error:
            raise EventError(f"it names an instrument that makes no sense ({error})") from error
        if self._symbols is not None and not symbol_matches(self._symbols, instrument):  # type: ignore[arg-type]
            return 0
        table = self._bus.instruments
        number = self._bus.native.find_instrument(instrument.symbol, instrument.venue)
        blank = Instrument(symbol=instrument.symbol, venue=instrument.venue)
        if number == 0 or (instrument != blank and (changed or table[number] == blank)):
            return table.add(instrument)
        return number


def arrived_name(source: str, bridge: str) -> str:
    """Return how a source of another host is called here: SOURCE@BRIDGE, shortened to 56 bytes if need be."""
    name = f"{source or 'unnamed'}@{bridge}"
    if len(name.encode()) <= _MOST_SOURCE_BYTES:
        return name
    tail = f"~{hashlib.sha256(source.encode()).hexdigest()[:6]}@{bridge}"
    return source.encode()[: _MOST_SOURCE_BYTES - len(tail)].decode(errors="ignore") + tail
