"""What a sender says of its bus: names and terms of instruments, names and ways of sources, and where epochs began."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gcg_quant.events import Lane
from gcg_quant.journal_check import survey
from gcg_quant.reader import Cursor

from .position import paths_of_sources

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gcg_quant.bus import EventBus

__all__ = ["Departure"]


class Departure:
    """The names of one bus for the headings of entries. Terms are told anew when the instrument table has grown."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._rows = 0
        self._instruments: dict[int, msgspec.Raw] = {}
        self._sources: dict[int, tuple[str, list[str]]] = {}
        self._epochs: dict[Lane, list[tuple[int, int]]] = {lane: [] for lane in Lane}
        if bus.epoch > 1:
            heads = {lane: bus.head(lane) for lane in Lane}
            lanes = survey(bus.path)
            for lane in Lane:
                begun = {one.number: one.first_seq for one in lanes[lane].epochs if one.number > 1}
                begun.setdefault(bus.epoch, heads[lane])  # nothing was written since the cut
                self._epochs[lane] = sorted(begun.items())

    def epochs(self, lane: Lane) -> list[tuple[int, int]]:
        """Return (number, first seq) of the epochs in a lane but its first one."""
        return self._epochs[lane]

    def epoch_begin(self) -> Cursor:
        """Return where the present epoch begins."""
        first = {lane: next((seq for number, seq in self._epochs[lane] if number == self._bus.epoch), 1) for lane in Lane}
        return Cursor(self._bus.bus_id, self._bus.epoch, control=first[Lane.CONTROL], market=first[Lane.MARKET], log=first[Lane.LOG])

    def kept(self, lane: Lane, epoch: int, seq: int) -> int:
        """Return how much of what was seen up to `seq` in an epoch has not been cut since."""
        return min([seq, *(first - 1 for number, first in self._epochs[lane] if number > epoch)])

    def instruments(self, numbers: Iterable[int]) -> dict[int, msgspec.Raw]:
        """Return the instruments of these numbers with their terms, as JSON."""
        rows = self._bus.native.instrument_count()
        if rows != self._rows:
            self._rows = rows
            self._instruments.clear()
        for number in numbers:
            if number not in self._instruments:
                self._instruments[number] = msgspec.Raw(msgspec.json.encode(self._bus.instruments[number]))
        return {number: self._instruments[number] for number in numbers}

    def sources(self, numbers: Iterable[int]) -> tuple[dict[int, str], dict[int, list[str]]]:
        """Return the names of sources, and which buses those that came over a bridge have come through."""
        for number in numbers:
            if number not in self._sources:
                name = self._bus.source_name(number)
                path = paths_of_sources(self._bus.path).get(name, []) if "@" in name else []
                self._sources[number] = (name, path)
        return (
            {number: self._sources[number][0] for number in numbers},
            {number: self._sources[number][1] for number in numbers if self._sources[number][1]},
        )
