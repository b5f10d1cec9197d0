"""The newest events of a bus, for people and for programs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from enum import Enum
from typing import Any

import msgspec

from gcg_quant.bus import BusReader, EventBus
from gcg_quant.errors import EventError, nearest
from gcg_quant.events import Event, Lane, Record, event_types

__all__ = ["as_json", "event_class", "newest"]

_EVENTS: dict[str, type[Event]] = {cls.__name__: cls for cls in event_types(object)}
_FIRST_SPAN = 256  # events to go back at first ...
_WIDER = 8  # ... and so many times as far each time that they do not suffice


def event_class(name: str) -> type[Event]:
    """Return the event class of that name. Raises EventError naming the nearest one."""
    if name not in _EVENTS:
        raise EventError(f"There is no event class {name!r}.{nearest(name, _EVENTS)}", name=name)
    return _EVENTS[name]


def newest(
    bus: EventBus, lines: int, *, types: Iterable[str] = (), symbols: Iterable[str] = (), sources: Iterable[str] = ()
) -> list[Event]:
    """Return the last `lines` events that match, by the time of their publishing.

    Goes back from the end of each lane as far as it must: the cost grows with the distance of the matches, not with the journal.

    Raises:
        EventError: an unknown class name.
    """
    classes = [event_class(name) for name in types] or list(_EVENTS.values())
    if lines <= 0:
        return []
    with (
        bus.reader(start="begin") as all_events,
        bus.reader(start="end", events=classes, symbols=list(symbols) or None, sources=list(sources) or None) as matching,
    ):
        lanes = [_LaneTail(lane, all_events, matching, lines) for lane in sorted({Lane(cls.LANE) for cls in classes})]
        while True:
            found = sorted((event for lane in lanes for event in lane.found), key=lambda event: (event.time_ns, event.id))[-lines:]
            # What a lane has not looked at yet is older than all it has: once there are enough younger ones, it may rest.
            since_ns = found[0].time_ns if len(found) == lines else -1
            open_lanes = [lane for lane in lanes if lane.start > lane.first and lane.since_ns >= since_ns]
            if not open_lanes:
                return found
            max(open_lanes, key=lambda lane: lane.since_ns).go_back()


class _LaneTail:
    # The matches in one lane from seq `start` on, of which the first event is of `since_ns`.

    def __init__(self, lane: Lane, all_events: BusReader, matching: BusReader, lines: int) -> None:
        self._lane = lane
        self._all = all_events
        self._matching = matching
        self._span = max(_FIRST_SPAN, lines)
        self._end = matching.cursor
        self.first: int = getattr(all_events.cursor, lane.name.lower())
        self.start: int = getattr(self._end, lane.name.lower())
        self.since_ns = 2**63 - 1
        self.found: deque[Event] = deque(maxlen=lines)

    def go_back(self) -> None:
        end: int = getattr(self._end, self._lane.name.lower())
        self.start = max(end - self._span, self.first)
        self._span *= _WIDER
        cursor = msgspec.structs.replace(self._end, **{self._lane.name.lower(): self.start})
        self._all.seek(cursor)
        oldest = next((event for event in self._all if event.id >> 60 == self._lane), None)
        self.since_ns = oldest.time_ns if oldest is not None else -1
        self._matching.seek(cursor)
        self.found.clear()
        self.found.extend(event for event in self._matching if event.id >> 60 == self._lane and event.id & ((1 << 60) - 1) < end)


def as_json(event: Any) -> dict[str, Any]:
    """Return an event as plain JSON values: absent numbers are null, enumerations their names, ids split into lane and seq."""
    if isinstance(event, Record):
        fields = {name: _plain(value) for name, value in event.to_dict().items() if name != "instrument"}
    else:
        values = msgspec.json.decode(msgspec.json.encode(event))  # tuples become lists, and numbers that are none null
        fields = {name: value for name, value in values.items() if name not in ("id", "time_ns", "cause", "source")}
    head = {"event": type(event).__name__, "time_ns": event.time_ns, "source": event.source}
    return {**head, **_place("", event.id), **_place("cause_", event.cause), **fields}


def _place(prefix: str, event_id: int) -> dict[str, Any]:
    if not event_id:
        return {}
    return {f"{prefix}lane": Lane(event_id >> 60).name.lower(), f"{prefix}seq": event_id & ((1 << 60) - 1)}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and value != value else value
