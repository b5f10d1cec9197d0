"""What a strategy published when it was run again, beside what it had published: the first field that is not the same."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from gcg_quant.clock import to_iso
from gcg_quant.events import ColdEvent, Event, Lane, Record

from ..parity.difference import described

__all__ = ["EventPlace", "ReplayDifference", "differing_field", "place_of"]

_SEQ = (1 << 60) - 1
_BUS_ONLY = frozenset({"id", "time_ns", "source"})  # what publishing makes of an event
# Where files lie, and a traceback through them; what the loader has looked at; the number of symbol and venue, which are compared.
_PLACES = frozenset({"file", "run", "detail", "code", "instrument"})
_encode = msgspec.msgpack.Encoder().encode


class EventPlace(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the journal: `lane` and `seq` find it with `journal tail`."""

    id: int
    lane: str
    seq: int
    type: str
    time: str
    text: str


class ReplayDifference(msgspec.Struct, frozen=True, kw_only=True):
    """The first difference of a strategy: `recorded` and `found` are the values of `field`, as text.

    `kind` is "changed"; "missing" if the recorded event was not published again; "added" if what was published is not recorded. `event` is
    the recorded event (of an added one: None), `input` the one that the strategy was handling.
    """

    kind: str
    type: str
    field: str
    recorded: str
    found: str
    event: EventPlace | None
    input: EventPlace | None

    def __str__(self) -> str:
        """Return it as a sentence."""
        led = f", when it handled {self.input.text} ({self.input.lane} {self.input.seq:,})" if self.input is not None else ""
        if self.kind == "added":
            return f"published a {self.type} that is not on the journal ({self.found}){led}"
        where = f"{self.type} {self.event.lane} {self.event.seq:,}" if self.event is not None else self.type
        if self.kind == "missing":
            return f"did not publish {where} again ({self.recorded}){led}"
        return f"{where}: {self.field} was {self.recorded}, and is {self.found}{led}"


def place_of(event: Event) -> EventPlace:
    """Return where an event is, and what it is in a few words."""
    return EventPlace(
        id=event.id,
        lane=Lane(event.id >> 60).name.lower(),
        seq=event.id & _SEQ,
        type=type(event).__name__,
        time=to_iso(event.time_ns),
        text=described(event),
    )


def differing_field(recorded: Event, found: Event, cause: int) -> tuple[str, Any, Any] | None:
    """Return the first field that differs and its two values, or None if the events are the same, byte for byte.

    `cause` is that of `found`, which was not published. Not compared is what publishing gives an event (id, time, source), where a file
    lies, and a traceback.
    """
    if type(recorded) is not type(found):
        return "type", type(recorded).__name__, type(found).__name__
    if isinstance(recorded, Record) and isinstance(found, Record):
        differing = _of_records(recorded, found)
    elif isinstance(recorded, ColdEvent) and isinstance(found, ColdEvent):
        differing = _of_cold(recorded, found)
    if differing is None and recorded.cause != cause:
        return "cause", recorded.cause, cause
    return differing


def _of_records(recorded: Record, found: Record) -> tuple[str, Any, Any] | None:
    for name in ("symbol", "venue"):
        if getattr(recorded, name) != getattr(found, name):
            return name, getattr(recorded, name), getattr(found, name)
    one, other = (np.frombuffer(memoryview(event), type(event).dtype) for event in (recorded, found))
    for name in one.dtype.names or ():
        if name not in _PLACES and one[name].tobytes() != other[name].tobytes():
            return name, getattr(recorded, name), getattr(found, name)
    return None


def _of_cold(recorded: ColdEvent, found: ColdEvent) -> tuple[str, Any, Any] | None:
    for name in recorded.__struct_fields__:
        if name in _BUS_ONLY or name in _PLACES or name == "cause":
            continue
        one, other = getattr(recorded, name), getattr(found, name)
        if one != other and _encode(one) != _encode(other):
            return name, one, other
    return None
