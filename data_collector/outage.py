"""An outage: what a collector that died in the middle of a run has missed until it was started again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gcg_quant.clock import NS_PER_HOUR, NS_PER_MINUTE
from gcg_quant.events import Record, SystemEvent, Tick

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

__all__ = ["last_records", "last_ticks"]

_LOOKS_BACK_NS = (10 * NS_PER_MINUTE, 3 * NS_PER_HOUR)  # most are back within seconds: a long run need not be read from its beginning


def last_ticks(bus: EventBus, source: str, now_ns: int) -> dict[str, int]:
    """Return the event time of the last tick by symbol that a collector has published in the run that is going on; none if it is new in it.

    Args:
        bus: a live or paper bus.
        source: the collector's name.
        now_ns: by the clock that stamps the journal.
    """
    return {record.symbol: record.event_ns for record in last_records(bus, source, now_ns, [Tick])}


def last_records(bus: EventBus, source: str, now_ns: int, kinds: Sequence[type[Record]]) -> list[Record]:
    """Return the last record of each of these kinds and symbol that a collector has published in the run that is going on.

    Args:
        bus: a live or paper bus.
        source: the collector's name.
        now_ns: by the clock that stamps the journal.
        kinds: classes of records.
    """
    with bus.reader(start="begin", events=[SystemEvent]) as reader:
        starts = [event.time_ns for event in reader if isinstance(event, SystemEvent) and event.action == "start"]
    if not starts:
        return []
    for look_ns in (*_LOOKS_BACK_NS, now_ns):
        begin_ns = max(starts[-1], now_ns - look_ns)
        with bus.reader(start="begin", events=list(kinds), sources=[source], backfill=False) as reader:
            reader.seek_time(begin_ns)
            found = [event for event in reader.read_latest(1 << 40) if isinstance(event, Record)]
        if found or begin_ns == starts[-1]:
            return found
    return []
