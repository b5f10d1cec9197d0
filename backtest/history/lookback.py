"""Reading the journal backwards: the newest records of a kind, without reading a week of ticks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gcg_quant.clock import NS_PER_SECOND, now_ns

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.events import Record

__all__ = ["look_back"]

Rows = NDArray[Any]

FIRST_LOOK_NS = 600 * NS_PER_SECOND
LOOK_FURTHER = 8


def look_back(
    bus: EventBus, event_type: type[Record], before_id: int, enough: Callable[[Rows], bool], symbols: Iterable[str] | None = None
) -> Rows:
    """Return the records of a class before the event `before_id`, oldest first: at least as far back as `enough(rows)` asks.

    Event times and publishing times may differ by any amount (a simulation, a venue's clock), so nobody can tell where in the journal
    a moment lies: the last ten minutes are read, then eight times as much, until there is enough or the journal's beginning is met.
    """
    look_ns = FIRST_LOOK_NS
    while True:
        with bus.reader(start="begin", events=[event_type], symbols=symbols) as reader:
            oldest = reader.cursor.market
            reader.seek_time(now_ns() - look_ns)
            whole = reader.cursor.market <= oldest
            parts = [reader.read_array(event_type)]
            while len(parts[-1]):
                parts.append(reader.read_array(event_type))
        rows = np.concatenate(parts)
        rows = rows[rows["id"] < before_id]
        if whole or enough(rows):
            return rows
        look_ns *= LOOK_FURTHER
