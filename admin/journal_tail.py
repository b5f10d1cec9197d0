"""The newest events of a bus, for people and for programs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from enum import Enum
from typing import Any

import msgspec

from gcg_quant.bus import EventBus
from gcg_quant.errors import EventError, nearest
from gcg_quant.events import Event, Lane, Record, event_types

__all__ = ["as_json", "event_class", "newest"]

_EVENTS: dict[str, type[Event]] = {cls.__name__: cls for cls in event_types(object)}


def event_class(name: str) -> type[Event]:
    """Return the event class of that name. Raises EventError naming the nearest one."""
    if name not in _EVENTS:
        raise EventError(f"There is no event class {name!r}.{nearest(name, _EVENTS)}", name=name)
    return _EVENTS[name]


def newest(
    bus: EventBus, lines: int, *, types: Iterable[str] = (), symbols: Iterable[str] = (), sources: Iterable[str] = ()
) -> list[Event]:
    """Return the last `lines` events that match, by the time of their publishing.

    Raises:
        EventError: an unknown class name.
    """
    classes = [event_class(name) for name in types] or None
    with bus.reader(start="begin", events=classes, symbols=list(symbols) or None, sources=list(sources) or None) as reader:
        found: deque[Event] = deque(reader, maxlen=lines)
    return sorted(found, key=lambda event: (event.time_ns, event.id))


def as_json(event: Any) -> dict[str, Any]:
    """Return an event as plain JSON values: absent numbers are null, enumerations their names, ids split into lane and seq."""
    if isinstance(event, Record):
        fields = {name: _plain(value) for name, value in event.to_dict().items() if name != "instrument"}
    else:
        fields = {name: value for name, value in msgspec.to_builtins(event).items() if name not in ("id", "time_ns", "cause", "source")}
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
