"""A journal (a bus folder) as market data: nothing is read before the run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError
from gcg_quant.events import World

from ..market import JournalFeed
from .wanted import KINDS, Wanted

if TYPE_CHECKING:
    from ..desk import Symbols
    from ..native import TickEngine

__all__ = ["JournalPart", "is_journal", "load_journal"]


@dataclass(frozen=True, slots=True)
class JournalPart(JournalFeed):
    """What a journal holds between two times.

    What was recorded lies in the order in which it was seen, and is replayed so. Files that were imported lie one behind the other:
    then each instrument's records of each kind are a stream of their own (`apart`), merged by event time.
    """

    start_ns: int | None = None
    end_ns: int | None = None
    apart: bool = False

    def add_to(self, native: TickEngine, symbols: Symbols, start_ns: int, end_ns: int) -> None:
        """Let an engine read the journal."""
        first = start_ns if self.start_ns is None else max(start_ns, self.start_ns)
        last = end_ns if self.end_ns is None else min(end_ns, self.end_ns)
        numbers = {}
        for theirs, one in self.instruments.items():
            ours = symbols.find(one.symbol, one.venue)
            if ours is not None:
                numbers[theirs] = ours
        if not self.apart:
            if numbers:
                native.add_journal(self.folder, numbers, list(self.types), first, last)
            return
        for theirs, ours in numbers.items():
            for number in self.types:
                native.add_journal(self.folder, {theirs: ours}, [number], first, last)


def is_journal(folder: Path) -> bool:
    """Return whether a folder holds a bus."""
    return (folder / "bus.meta").exists()


def load_journal(folder: Path, wanted: Wanted) -> list[JournalPart]:
    """Return a journal's market data, with the terms of its instrument table; history that was filled in is left out.

    Raises:
        InstrumentError: a symbol that the journal does not have. JournalError: it cannot be opened. BacktestError: it has no instruments.
    """
    with EventBus(folder, create=False, read_only=True) as bus:
        table = bus.instruments
        known = {number: table[number] for number in table.numbers()}
        apart = bus.world == World.IMPORT
    if not known:
        raise BacktestError(f"The journal {folder} has no instruments: nothing was ever published in it.", journal=str(folder))
    wanted.check_names([(one.symbol, one.venue) for one in known.values()], f"The journal {folder}")
    chosen = {number: one for number, one in known.items() if wanted.has(one.symbol, one.venue)}
    types = tuple(record.TYPE for record in wanted.records or KINDS.values())
    return [JournalPart(str(folder), chosen, types, wanted.start_ns, wanted.end_ns, apart)]
