"""The bars of a run's price chart from a journal, piece by piece: a chart takes no more memory than its bars."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gcg_quant.bus import EventBus
from gcg_quant.events import BookDelta, Record

from ..history.bars import BarArray, join_bars
from ..inputs.sources import NO_BARS
from .chart_bars import KINDS, bars_of_kind

if TYPE_CHECKING:
    from gcg_quant.instruments import Instrument

    from .facts import Records
    from .market import JournalFeed

__all__ = ["journal_bars"]

PIECE = 100_000  # rows


def journal_bars(feed: JournalFeed, instrument: Instrument, period: str, start_ns: int, end_ns: int) -> BarArray:
    """Return the bars of an instrument in [start_ns, end_ns) of event time: of the first of KINDS that the journal has of it."""
    given = feed.kinds(instrument)
    with EventBus(feed.folder, create=False, read_only=True) as bus:
        for kind in KINDS:
            pieces = _pieces(bus, kind, instrument.name, start_ns, end_ns) if kind in given else iter(())
            if kind is BookDelta:  # a book is known from its beginning only
                rows = list(pieces)
                pieces = iter([np.concatenate(rows)] if rows else [])
            parts = [bars for piece in pieces if len(bars := bars_of_kind(piece, kind, period))]
            if parts:
                return _merged(join_bars(parts))
    return NO_BARS


# Each piece begins with the last row of the one before: what was traded since then is known, and its price counts twice in one bar.
def _pieces(bus: EventBus, kind: type[Record], name: str, start_ns: int, end_ns: int) -> Iterator[Records]:
    last: NDArray[Any] | None = None
    with bus.reader(start="begin", events=[kind], symbols=[name], backfill=False) as reader:
        while len(rows := reader.read_array(kind, PIECE)):
            rows = rows[(rows["event_ns"] >= start_ns) & (rows["event_ns"] < end_ns)]
            if not len(rows):
                continue
            yield rows if last is None or kind is BookDelta else np.concatenate([last, rows])
            last = rows[-1:].copy()


# Parts of one bar that lay in several pieces, as one.
def _merged(bars: BarArray) -> BarArray:
    bars = bars[np.argsort(bars["start_ns"], kind="stable")]
    first = np.flatnonzero(np.append(True, bars["start_ns"][1:] != bars["start_ns"][:-1]))
    if len(first) == len(bars):
        return bars
    last = np.append(first[1:], len(bars)) - 1
    made = join_bars([bars[first]])
    made["high"], made["low"] = np.maximum.reduceat(bars["high"], first), np.minimum.reduceat(bars["low"], first)
    made["close"] = bars["close"][last]
    for name in ("volume", "turnover"):
        known = ~np.isnan(bars[name])
        sums = np.add.reduceat(np.where(known, bars[name], 0.0), first)
        made[name] = np.where(np.logical_or.reduceat(known, first), sums, np.nan)
    return made
