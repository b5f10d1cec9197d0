"""Where a recorder goes on after a power loss has cut the journal behind it, and what is lost when the journal was cleared meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gcg_quant.events import Lane
from gcg_quant.journal_check import survey
from gcg_quant.reader import Cursor

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

    from ..sql.database import Database

__all__ = ["lost", "resumed"]


def resumed(bus: EventBus, cursor: Cursor) -> Cursor:
    """Return the part of a cursor that the journal still holds: that itself, unless it is of an earlier epoch.

    A new epoch begins where a lane was cut, on a page of its own; the numbers behind the cut were given to other events since. Where the
    pages around the cut are gone the result may lie too far back: what is read again is stored already. A lane to which nothing was
    written since ends at the cut.
    """
    if cursor.epoch >= bus.epoch:
        return cursor
    heads = {lane: bus.head(lane) for lane in Lane}  # before the survey: what comes meanwhile begins a page that is seen
    lanes = survey(bus.path)

    def kept(lane: Lane, seq: int) -> int:
        return min([seq, heads[lane], *(later.first_seq for later in lanes[lane].epochs if later.number > cursor.epoch)])

    return Cursor(
        cursor.bus_id,
        bus.epoch,
        control=kept(Lane.CONTROL, cursor.control),
        market=kept(Lane.MARKET, cursor.market),
        log=kept(Lane.LOG, cursor.log),
    )


def lost(database: Database, wanted: Cursor, found: Cursor) -> str:
    """Return a sentence about the events between two cursors, which the journal no longer holds; "" if there are none.

    Args:
        wanted: where the database's events end.
        found: the oldest events that are there, as a reader found them.
    """
    gaps = {lane: (getattr(wanted, lane.name.lower()), getattr(found, lane.name.lower())) for lane in Lane}
    texts = [f"{lane.name.lower()} events {first:,} to {end - 1:,}" for lane, (first, end) in gaps.items() if end > first]
    if not texts:
        return ""
    return (
        f"The journal no longer holds the {' and the '.join(texts)}, which the database {database.name} has not seen: they were removed "
        f"as too old. The rows before and behind them are stored; import or collect again what market data is missing in between."
    )
