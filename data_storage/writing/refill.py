"""Refilling gaps of the database from another history: over the bus, so that the recorder stores what it has not got yet, once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gcg_quant.refill import past_rows, publish_refill

from ..reading.gaps import Gap

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.history import History

__all__ = ["refill"]


def refill(bus: EventBus, gaps: Iterable[Gap], source: History, *, venue: str | None = None, complete: bool = False) -> int:
    """Publish what `source` has of each gap as BACKFILL, and return how many rows that were.

    What was found closes as much of a gap as it covers (see `publish_refill`). Refilling twice stores nothing twice.

    Args:
        bus: the bus that the recorder stores.
        source: another database, files in memory, a venue's own history.
        venue: under which the source has the symbol, where that is another one.
        complete: the source has all that there is: then the gaps are closed as a whole, also where it has nothing.

    Raises:
        InstrumentError: the source knows nothing of a symbol; the gaps before it are refilled. EventError: it keeps no such rows.
    """
    count = 0
    for gap in gaps:
        rows = past_rows(source, gap.symbol, gap.what, gap.start_ns, gap.end_ns, venue=gap.venue if venue is None else venue)
        told = {"symbol": gap.symbol, "venue": gap.venue, "what": gap.what}
        count += publish_refill(bus, bus.instruments, rows, **told, start_ns=gap.start_ns, end_ns=gap.end_ns, complete=complete)
    return count
