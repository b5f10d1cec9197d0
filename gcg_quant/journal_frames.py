"""Frames of the journal on their way to another host's bus: as they are stored, with the numbers of the bus they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from gcg_quant.enumerations import Lane
from gcg_quant.errors import EventError

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

__all__ = ["Frames", "append_frames"]


class Frames(msgspec.Struct, frozen=True, eq=False):
    """Events of one lane as the journal holds them: `data` is one frame behind the other (docs/journal.md), without checksums.

    `instruments` and `sources` are the numbers that occur in it; `last_seq` is that of the last event.
    """

    lane: Lane
    data: bytes
    events: int
    last_seq: int
    instruments: list[int]
    sources: list[int]


def append_frames(
    bus: EventBus,
    lane: Lane,
    data: bytes,
    *,
    after: int,
    instruments: Mapping[int, int],
    sources: Mapping[int, int],
    types: Sequence[int],
    wanted: Sequence[int],
    mark: bytes = b"",
) -> tuple[int, int]:
    """Append frames that `BusReader.read_frames` of another bus gave, under one lock; killed inside, the first so many are there.

    Each event is flagged BRIDGED, and its cause is its id on the bus it came from.

    Args:
        bus: where to.
        lane: of both buses.
        data: the frames; nothing in it is believed.
        after: events up to this seq (of their origin) are left out.
        instruments: the origin's numbers to this bus's; events of an instrument with the number 0 are left out.
        sources: likewise.
        types: the type numbers that may occur.
        wanted: those of them that are not left out.
        mark: what is written first, for `BusReader.find_bridged`; may stand alone.

    Returns:
        How many events that were, and the last seq in `data`.

    Raises:
        EventError: the data is not as it must be; nothing was written.
    """
    numbers = dict(instruments), dict(sources), list(types), list(wanted)
    try:
        events, last_seq, _ = bus.native.append_frames(int(lane), data, after, *numbers, mark)
    except msgspec.MsgspecError as error:
        raise EventError(f"An event among the frames cannot be read: {error}.") from error
    return events, last_seq
