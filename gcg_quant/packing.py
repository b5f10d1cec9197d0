"""A component's state as bytes: msgpack, in which whole events stand with their ids, times and sources.

state = pack_state({"orders": {order.request: pack_event(order)}})
unpack_state(state)["orders"]                                       # {7: OrderEvent(...)}
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from gcg_quant.events import ColdEvent, Event, Record, Tick, event_types

__all__ = ["STATE_ERRORS", "pack_event", "pack_state", "unpack_state"]

_RECORD, _COLD = 1, 2  # codes of msgpack's extension types
_encode = msgspec.msgpack.Encoder().encode
_rebuild: Callable[..., Record] = Tick().__reduce__()[0]  # type: ignore[assignment]
_cold_decoders = {cls.TYPE: msgspec.msgpack.Decoder(cls).decode for cls in event_types(ColdEvent) if issubclass(cls, ColdEvent)}

# What reading a state of another version, or a damaged one, may end in.
STATE_ERRORS = (msgspec.MsgspecError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def pack_event(event: Event) -> msgspec.msgpack.Ext:
    """Return an event as `pack_state` takes it; `unpack_state` gives it back whole."""
    if isinstance(event, Record):
        return msgspec.msgpack.Ext(_RECORD, _encode(event.__reduce__()[1]))
    return msgspec.msgpack.Ext(_COLD, bytes([event.TYPE]) + _encode(event))


def pack_state(state: Any) -> bytes:
    """Return plain values (None, numbers, text, bytes, lists, dictionaries) and packed events as bytes."""
    return _encode(state)


def unpack_state(data: bytes) -> Any:
    """Return what `pack_state` was given, tuples as lists.

    Raises:
        msgspec.DecodeError: it is no msgpack. ValueError, LookupError: it holds an event that this version does not know.
    """
    return _decode(data)


def _event(code: int, data: memoryview) -> Event:
    if code == _RECORD:
        return _rebuild(*msgspec.msgpack.decode(data))
    if code == _COLD:
        return _cold_decoders[data[0]](data[1:])
    raise ValueError(f"the state holds a value of the unknown kind {code}")


_decode = msgspec.msgpack.Decoder(ext_hook=_event).decode
