"""Where a recorder goes on after a power loss has cut the journal behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gcg_quant.events import Lane
from gcg_quant.journal_check import by_lane
from gcg_quant.reader import Cursor

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

__all__ = ["resumed"]


def resumed(bus: EventBus, cursor: Cursor) -> Cursor:
    """Return the part of a cursor that the journal still holds: that itself, unless it is of an earlier epoch.

    A new epoch begins where a lane was cut, on a page of its own; the numbers behind the cut were given to other events since. Where the
    pages around the cut are gone the result may lie too far back: what is read again is stored already.
    """
    if cursor.epoch >= bus.epoch:
        return cursor
    pages = by_lane(bus.path)
    return Cursor(
        cursor.bus_id,
        bus.epoch,
        control=_kept(pages[Lane.CONTROL], cursor.epoch, cursor.control),
        market=_kept(pages[Lane.MARKET], cursor.epoch, cursor.market),
        log=_kept(pages[Lane.LOG], cursor.epoch, cursor.log),
    )


def _kept(pages: list[dict[str, Any]], epoch: int, seq: int) -> int:
    return min([seq, *(int(page["first_seq"]) for page in pages if page["epoch"] > epoch)])
