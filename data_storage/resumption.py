"""Where a recorder goes on after a power loss has cut the journal behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gcg_quant.events import Lane
from gcg_quant.journal_check import LaneSurvey, survey
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
    lanes = survey(bus.path)
    return Cursor(
        cursor.bus_id,
        bus.epoch,
        control=_kept(lanes[Lane.CONTROL], cursor.epoch, cursor.control),
        market=_kept(lanes[Lane.MARKET], cursor.epoch, cursor.market),
        log=_kept(lanes[Lane.LOG], cursor.epoch, cursor.log),
    )


def _kept(lane: LaneSurvey, epoch: int, seq: int) -> int:
    return min([seq, *(later.first_seq for later in lane.epochs if later.number > epoch)])
