"""Market data on its way into the tick engine: arrays of one instrument, and journals of several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gcg_quant.errors import ImportFileError, nearest
from gcg_quant.events import HOT_RECORDS, Record

if TYPE_CHECKING:
    from gcg_quant.instruments import Instrument

    from .desk import Symbols
    from .native import TickEngine

    Rows = np.ndarray[Any, Any]

__all__ = ["Feed", "JournalFeed", "RowsFeed", "rows"]


class Feed(Protocol):
    """Market data of one source."""

    @property
    def places(self) -> list[tuple[str, str, Instrument | None]]:
        """The instruments in it: symbol, venue, and the terms where the source tells them."""
        ...

    def kinds(self, instrument: Instrument) -> tuple[type[Record], ...]:
        """Return which records of an instrument may be in it."""
        ...

    def span_ns(self) -> tuple[int, int] | None:
        """Return the first and the last event time, None where nobody knows before it is read."""
        ...

    def add_to(self, native: TickEngine, symbols: Symbols, start_ns: int, end_ns: int) -> None:
        """Give what lies in [start_ns, end_ns) to an engine, of the instruments that take part."""
        ...


@dataclass(frozen=True, slots=True)
class RowsFeed:
    """Rows of one record type and one instrument, in order of event time; they are read where they lie."""

    symbol: str
    venue: str
    record: type[Record]
    rows: Rows
    terms: Instrument | None = None

    @property
    def places(self) -> list[tuple[str, str, Instrument | None]]:
        """The one instrument."""
        return [(self.symbol, self.venue, self.terms)]

    def kinds(self, instrument: Instrument) -> tuple[type[Record], ...]:
        """Return its record type, if it is that instrument's."""
        return (self.record,) if (instrument.symbol, instrument.venue) == (self.symbol, self.venue) else ()

    def span_ns(self) -> tuple[int, int] | None:
        """Return the first and the last event time."""
        times = self.rows["event_ns"]
        return (int(times[0]), int(times[-1])) if len(times) else None

    def add_to(self, native: TickEngine, symbols: Symbols, start_ns: int, end_ns: int) -> None:
        """Give the rows of the time range to an engine."""
        number = symbols.find(self.symbol, self.venue)
        if number is not None:
            begin, end = np.searchsorted(self.rows["event_ns"], (start_ns, end_ns))
            native.add_rows(number, self.record, self.rows[begin:end])


@dataclass(frozen=True, slots=True)
class JournalFeed:
    """The market lane of a bus folder; it is read as the run goes on."""

    folder: str
    instruments: Mapping[int, Instrument]  # by the bus's numbers
    types: tuple[int, ...]

    @property
    def places(self) -> list[tuple[str, str, Instrument | None]]:
        """The instruments of the bus."""
        return [(one.symbol, one.venue, one) for one in self.instruments.values()]

    def kinds(self, instrument: Instrument) -> tuple[type[Record], ...]:
        """Return the record types that are read of it."""
        own = any((instrument.symbol, instrument.venue) == (one.symbol, one.venue) for one in self.instruments.values())
        return tuple(one for one in HOT_RECORDS if one.TYPE in self.types) if own else ()

    def span_ns(self) -> tuple[int, int] | None:
        """Return None: a journal is not read before."""
        return None

    def add_to(self, native: TickEngine, symbols: Symbols, start_ns: int, end_ns: int) -> None:
        """Let an engine read the journal."""
        numbers = {}
        for theirs, one in self.instruments.items():
            ours = symbols.find(one.symbol, one.venue)
            if ours is not None:
                numbers[theirs] = ours
        if numbers:
            native.add_journal(self.folder, numbers, list(self.types), start_ns, end_ns)


def rows(record: type[Record], /, **columns: Any) -> Rows:
    """Return a structured array of a record's dtype: what no column is given for is absent, as in a record that is made without it.

    Args:
        record: `hft.Tick`, `hft.Trade`, `hft.Depth`, `hft.BookDelta` or `hft.Bar`.
        columns: by the record's fields, each an array or one value for all rows: event_ns=..., last_price=... Times may be those of
            NumPy and pandas; without a time zone they are UTC.

    Raises:
        ImportFileError: a column that is no field, or columns of different lengths.
    """
    names = record.dtype.names or ()
    wrong = next((name for name in columns if name not in names), None)
    if wrong is not None:
        raise ImportFileError(f"{record.__name__} has no field {wrong!r}.{nearest(wrong, names)}", column=wrong)
    lengths = {name: len(values) for name, values in columns.items() if np.ndim(values)}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ImportFileError(f"The columns of an array have the same length, found {listed}.")
    blank = np.frombuffer(memoryview(record()), np.dtype((np.void, record.dtype.itemsize)))
    made: Rows = np.repeat(blank, next(iter(lengths.values()), 1)).view(record.dtype)
    for name, values in columns.items():
        made[name] = _nanoseconds(values) if "datetime64" in str(getattr(values, "dtype", "")) else values
    return made


def _nanoseconds(times: Any) -> np.ndarray[Any, Any]:
    # Of a pandas column with a time zone NumPy would make objects.
    plain = times.to_numpy("M8[ns]") if hasattr(times, "to_numpy") else times.astype("M8[ns]")
    return np.asarray(plain).astype(np.int64)
