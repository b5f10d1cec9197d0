<<<<<<< HEAD
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
=======
"""Arrays of records as pandas frames, with a time index in the zone asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gcg_quant.clock import zone_of

if TYPE_CHECKING:
    import pandas as pd

    from gcg_quant.history import RecordArray

__all__ = ["frame_of"]


def frame_of(rows: RecordArray, *, index: str = "event_ns", zone: str = "UTC") -> pd.DataFrame:
    """Return an array of records as a frame; arrays of levels become one column a level (`bid_prices_1` ...)."""
    import pandas as pd

    where = zone_of(zone)
    columns: dict[str, Any] = {}
    for name in rows.dtype.names or ():
        values = rows[name]
        if values.ndim == 2:
            columns |= {f"{name}_{level + 1}": values[:, level] for level in range(values.shape[1])}
        elif values.dtype.kind == "S":
            columns[name] = [text.decode("utf-8", "backslashreplace") for text in values.tolist()]
        elif name not in (index, "instrument"):
            columns[name] = values
    times = pd.DatetimeIndex(rows[index].astype("datetime64[ns]"), tz="UTC", name="time")
    return pd.DataFrame(columns, index=times.tz_convert(where))
>>>>>>> 07ee237 (Ask a history in words, make bars of stored ticks and trades, and finish a last bar whose end has come)
