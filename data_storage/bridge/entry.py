"""What goes through Redis: entries of a stream, each a heading in JSON and frames of one lane of the sender's journal.

    heading  {"v": 1, "bus": "1f..", "epoch": 1, "world": 1, "lane": 1, "prev": 980, "last": 1000, "events": 17, "sent_ns": ..,
              "sources": {"3": "exchange"}, "instruments": {"5": {"symbol": "BTC/USDT", "venue": "SIM", ..terms}}}
    frames   one behind the other, as docs/journal.md draws them, without checksums

An entry says all that its sender's lane had for this bridge behind seq `prev` up to seq `last`, so whoever has seen less than `prev` knows
that he misses something. `client.py` writes the same without gcg_quant.
"""

from __future__ import annotations

import socket
from typing import Annotated, Any

import msgspec

from gcg_quant.errors import EventError
from gcg_quant.events import World

__all__ = ["PROTOCOL", "Heading", "Receiver", "Request", "Sender", "decode", "decode_heading", "encode", "host_name"]

PROTOCOL = 1  # of an older one everything is read; a newer one is refused

encode = msgspec.json.Encoder().encode


# Whoever can write to Redis can write anything: numbers are what the journal takes, or the message is none.
Seq = Annotated[int, msgspec.Meta(ge=0, lt=1 << 60)]
Begin = Annotated[int, msgspec.Meta(ge=1, lt=1 << 60)]
EpochNumber = Annotated[int, msgspec.Meta(ge=1, lt=1 << 32)]
Number = Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
LaneNumber = Annotated[int, msgspec.Meta(ge=0, le=2)]
Time = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]


class Heading(msgspec.Struct, omit_defaults=True):
    """The head of an entry.

    `epochs` are (number, first seq in this lane) of the bus's epochs but its first one. `oldest` > 0 says that the sender's journal holds
    nothing below that seq any more. `via` names, by source number, the buses that a source has come through.
    """

    v: int
    bus: str
    epoch: EpochNumber
    world: int
    lane: LaneNumber
    prev: Seq
    last: Seq
    events: int = 0
    sent_ns: Time = 0
    sources: dict[Number, str] = {}
    instruments: dict[Number, msgspec.Raw] = {}
    epochs: list[tuple[EpochNumber, Begin]] = []
    oldest: Seq = 0
    via: dict[Number, list[str]] = {}


class Sender(msgspec.Struct):
    """Who sends, renewed each second: `sent` is the last seq by lane that is in Redis, or was, `head` the last one of the journal."""

    v: int
    bus: str
    epoch: EpochNumber
    world: int
    host: str
    pid: int
    sent: dict[LaneNumber, Seq]
    head: dict[LaneNumber, Seq] = {}


class Request(msgspec.Struct):
    """A receiver's wish: all of a lane behind `seq`, which it has seen in that epoch of that bus."""

    bus: str
    epoch: EpochNumber
    lane: LaneNumber
    seq: Seq
    receiver: str = ""


class Receiver(msgspec.Struct):
    """How far a receiver is: the stream's entry that it has taken last; `beat` counts up each second while it lives."""

    at: str
    beat: int
    host: str = ""


class _Version(msgspec.Struct):
    v: int


_version = msgspec.json.Decoder(_Version).decode
_heading = msgspec.json.Decoder(Heading).decode


def decode_heading(data: bytes) -> Heading:
    """Return the heading of an entry.

    Raises:
        EventError: it is none, or of a newer release.
    """
    try:
        version = _version(data).v
        if version > PROTOCOL:
            raise EventError(
                f"it is written by a newer release (protocol {version}, this one knows {PROTOCOL}): update gcg_quant on this host",
                protocol=version,
            )
        heading = _heading(data)
        World(heading.world)
    except (msgspec.MsgspecError, ValueError) as error:
        if isinstance(error, EventError):
            raise
        raise EventError(f"it is no entry of a bridge ({error})") from error
    if heading.prev > heading.last or not heading.bus:
        raise EventError(f"it goes from seq {heading.prev} to {heading.last} of epoch {heading.epoch}, which makes no sense")
    return heading


def host_name() -> str:
    """Return this machine's name, for persons."""
    return socket.gethostname()


def decode(data: bytes | None, kind: type[Any]) -> Any:
    """Return one of the small messages, or None if it is none."""
    try:
        return None if data is None else msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError:
        return None
