"""What of a source is wanted: symbols, kinds of records and a range of time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from gcg_quant.clock import to_iso
from gcg_quant.errors import BacktestError, ImportFileError, InstrumentError, nearest
from gcg_quant.events import Bar, BookDelta, Depth, Record, Tick, TradeTick

__all__ = ["KINDS", "Rows", "Wanted", "kind_of", "split_name"]

Rows = np.ndarray[Any, Any]

KINDS: dict[str, type[Record]] = {"ticks": Tick, "trades": TradeTick, "depth": Depth, "deltas": BookDelta, "bars": Bar}
_FIRST_NS, _LAST_NS = np.iinfo(np.int64).min, np.iinfo(np.int64).max


def split_name(name: str) -> tuple[str, str]:
    """Return (symbol, venue) of "IF1311@CFFEX"; the venue is empty if it is not told."""
    symbol, _, venue = name.rpartition("@") if "@" in name else (name, "", "")
    return symbol, venue


def kind_of(kind: str | type[Record]) -> type[Record]:
    """Return the record class of a kind: one of KINDS, or the class itself. Raises BacktestError for an unknown one."""
    if isinstance(kind, str):
        if kind not in KINDS:
            raise BacktestError(f"kind must be one of {', '.join(KINDS)}, found {kind!r}.{nearest(kind, KINDS)}", kind=kind)
        return KINDS[kind]
    if kind not in KINDS.values():
        raise BacktestError(f"kind must be a record of market data, such as Tick, found {kind!r}.")
    return kind


class Wanted(msgspec.Struct, frozen=True):
    """Names ("IF1311" or "IF1311@CFFEX"; none: all), record classes (none: all) and [start_ns, end_ns) by event time."""

    names: tuple[str, ...] = ()
    records: tuple[type[Record], ...] = ()
    start_ns: int | None = None
    end_ns: int | None = None

    def has(self, symbol: str, venue: str) -> bool:
        """Return whether an instrument is wanted."""
        return not self.names or symbol in self.names or f"{symbol}@{venue}" in self.names

    def check_names(self, places: Iterable[tuple[str, str]], source: str) -> None:
        """Raise InstrumentError for a wanted name that none of the places (symbol, venue) has."""
        known = list(places)
        for name in self.names:
            if not any(name in (symbol, f"{symbol}@{venue}") for symbol, venue in known):
                symbols = [symbol for symbol, _ in known]
                listed = ", ".join(symbols[:8]) + (", ..." if len(symbols) > 8 else "")
                raise InstrumentError(f"{source} has no {name!r}; it has {listed or 'nothing'}.{nearest(name, symbols)}", symbol=name)

    def part(self, rows: Rows, name: str) -> Rows:
        """Return the rows in the range of time; they are in order of it.

        Raises:
            ImportFileError: there are none.
        """
        times = rows["event_ns"]
        low = _FIRST_NS if self.start_ns is None else self.start_ns
        high = _LAST_NS if self.end_ns is None else self.end_ns
        begin, end = (0, len(rows)) if self.all_times else (int(one) for one in np.searchsorted(times, (low, high)))
        if begin >= end:
            if not len(rows):
                raise ImportFileError(f"{name} holds no rows.", source=name)
            held = f"it has those from {to_iso(int(times[0]))} to {to_iso(int(times[-1]))}"
            raise ImportFileError(f"{name} holds no rows {self.range_text()}; {held}.", source=name)
        return rows[begin:end]

    @property
    def all_times(self) -> bool:
        """Whether every time is wanted."""
        return self.start_ns is None and self.end_ns is None

    def range_text(self) -> str:
        """Return the range as words."""
        parts = [] if self.start_ns is None else [f"from {to_iso(self.start_ns)}"]
        return " ".join(parts + ([] if self.end_ns is None else [f"before {to_iso(self.end_ns)}"]))
