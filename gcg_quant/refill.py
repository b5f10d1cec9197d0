"""Filling in market data that a bus has missed: rows of the past as BACKFILL, and a word that the gap is closed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gcg_quant.asking import ROWS
from gcg_quant.cold_events import REFILLED
from gcg_quant.errors import EventError
from gcg_quant.events import BarBasis, Event, GapEvent
from gcg_quant.periods import period_ns
from gcg_quant.stretches import joined

if TYPE_CHECKING:
    from gcg_quant.history import History, RecordArray
    from gcg_quant.instrument_table import InstrumentTable

__all__ = ["Publisher", "past_rows", "publish_refill"]


class Publisher(Protocol):
    """A bus, or a component on one."""

    def publish(self, event: Event, *, cause: int | None = None, backfill: bool = False) -> int:
        """Publish an event and return its id."""

    def publish_batch(self, array: np.ndarray[Any, Any], *, cause: int | None = None, backfill: bool = False) -> int:
        """Publish an array of records and return the first id."""


def past_rows(history: History, symbol: str, what: str, start_ns: int, end_ns: int, *, venue: str | None = None) -> list[RecordArray]:
    """Return what a history has of a stretch: of a bar period the bars of every basis that touch it, of "tick", "trade", "depth" or "delta"
    the rows in it.

    Raises:
        InstrumentError: it knows nothing of the symbol. EventError: no such period, or it keeps no such rows.
    """
    if what in ROWS:
        ask = getattr(history, ROWS[what], None)
        if ask is None:
            raise EventError(f"This history keeps no {ROWS[what].replace('_', ' ')}.", period=what)
        return [ask(symbol, venue=venue, start_ns=start_ns, end_ns=end_ns)]
    length = period_ns(what)
    found = []
    for basis in BarBasis:
        bars = history.bars(symbol, what, venue=venue, start_ns=start_ns - length, end_ns=end_ns + length, basis=basis)
        found.append(bars[(bars["event_ns"] > start_ns) & (bars["start_ns"] < end_ns)])
    return found


def publish_refill(
    to: Publisher,
    instruments: InstrumentTable,
    rows: Iterable[RecordArray],
    *,
    symbol: str,
    venue: str,
    what: str,
    start_ns: int,
    end_ns: int,
    complete: bool,
) -> int:
    """Publish rows of a stretch as BACKFILL and return how many there were: the recorder stores those that it has not got yet.

    Behind them events `GapEvent` of the kind REFILLED say what is missing no more.

    Args:
        rows: arrays of records of the instrument, sorted; equal times are told apart by `ordinal`.
        what: the bar period, or "tick", "trade", "depth", "delta".
        complete: the source has all that there is of the stretch: then it is closed as a whole, also if no rows came. Otherwise what the
            rows cover is: bars their intervals, others all from the first to the last of them.
    """
    count = 0
    covered = [(start_ns, end_ns)] if complete else []
    for part in rows:
        if not len(part):
            continue
        array = np.zeros(len(part), part.dtype)
        for name in part.dtype.names or ():
            array[name] = part[name]
        array["instrument"] = instruments.number(symbol, venue)
        to.publish_batch(array, cause=0, backfill=True)
        count += len(array)
        if what in ROWS:
            covered.append((int(array["event_ns"][0]), int(array["event_ns"][-1])))
        else:
            covered += zip(array["start_ns"].tolist(), array["event_ns"].tolist(), strict=True)
    for begin_ns, over_ns in joined((max(start_ns, begin), min(end_ns, over)) for begin, over in covered):
        if begin_ns < over_ns:
            told = GapEvent(symbol=symbol, venue=venue, kind=REFILLED, start_ns=begin_ns, end_ns=over_ns, detail=what)
            to.publish(told, cause=0)
    return count
