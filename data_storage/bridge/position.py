"""How far a receiver is in each lane of its sender: told by its own journal, so that a kill at any instruction loses and doubles nothing.

Every event that came over a bridge carries its id on the bus it came from, and marks say which bus and epoch that is. A file beside the
journal names a place from which on it has to be searched; without the file, or after a power loss, it is searched from its beginning.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import msgspec

from gcg_quant.errors import CursorError
from gcg_quant.events import Lane
from gcg_quant.reader import Cursor

from ..writing.resumption import resumed

if TYPE_CHECKING:
    from pathlib import Path

    from gcg_quant.bus import EventBus

__all__ = ["FOLDER", "Position", "Positions", "cursor_of", "paths_of_sources"]

FOLDER = "bridges"  # in the bus folder


class Position(msgspec.Struct, frozen=True):
    """All up to `seq` of a lane of bus `bus`, in that epoch, has been seen; `time_ns` is when the newest of it was sent."""

    bus: str
    epoch: int
    seq: int
    time_ns: int = 0


class _Mark(msgspec.Struct):
    bridge: str
    bus: str
    epoch: int
    seq: int
    time_ns: int = 0


class _Saved(msgspec.Struct):
    bus: str
    epoch: int
    own: dict[int, int]  # the seq of this bus up to which `lanes` tells all
    lanes: dict[int, Position]
    sources: dict[str, list[str]] = {}


class Positions:
    """The positions of one bridge's receiver by lane. Invariant: `save` never tells more than the journal and the file hold together.

    Args:
        bus: the receiver's bus.
        name: of the bridge.
    """

    def __init__(self, bus: EventBus, name: str) -> None:
        self._bus, self._name = bus, name
        self._path = bus.path / FOLDER / f"{name}.json"
        self.sources: dict[str, list[str]] = {}
        self.by_lane: dict[Lane, Position] = {}
        self._load()

    def mark(self, lane: Lane) -> bytes:
        """Return what a lane of the journal is to be marked with before events that follow on its position."""
        at = self.by_lane[lane]
        return msgspec.json.encode(_Mark(self._name, at.bus, at.epoch, at.seq, at.time_ns))

    def save(self) -> None:
        """Write the file; from the thread that publishes the bridge's events."""
        own = {int(lane): self._bus.head(lane) for lane in Lane}
        lanes = {int(lane): position for lane, position in self.by_lane.items()}
        saved = _Saved(self._bus.bus_id, self._bus.epoch, own, lanes, self.sources)
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        temporary = self._path.with_suffix(f".{os.getpid()}")
        temporary.write_bytes(msgspec.json.encode(saved))
        temporary.replace(self._path)

    def _load(self) -> None:
        saved = self._saved()
        begin = dict.fromkeys(Lane, 1)
        if saved is not None:
            self.sources = saved.sources
            cursor = Cursor(saved.bus, saved.epoch, *(saved.own[int(lane)] for lane in Lane))
            if saved.bus == self._bus.bus_id and self._is_kept(cursor):
                begin = {lane: saved.own[int(lane)] for lane in Lane}
                self.by_lane = {Lane(lane): position for lane, position in saved.lanes.items()}
        for lane in Lane:
            self._search(lane, begin[lane])

    def _saved(self) -> _Saved | None:
        try:
            saved = msgspec.json.decode(self._path.read_bytes(), type=_Saved)
        except (OSError, msgspec.MsgspecError):
            return None
        return saved if all(int(lane) in saved.own for lane in Lane) else None

    def _is_kept(self, cursor: Cursor) -> bool:
        # Not after a power loss that has cut what the file speaks of, nor in an older copy of the folder.
        if cursor.epoch > self._bus.epoch or any(cursor_of(cursor, lane) > self._bus.head(lane) for lane in Lane):
            return False
        return all(cursor_of(resumed(self._bus, cursor), lane) == cursor_of(cursor, lane) for lane in Lane)

    def _search(self, lane: Lane, from_seq: int) -> None:
        at = self.by_lane.get(lane)
        with self._bus.reader() as reader:
            try:
                found = reader.find_bridged(lane, from_seq, f"@{self._name}")
            except CursorError:  # nothing was ever written
                found = []
        for _, text, seq in found:
            if text is not None:
                mark = msgspec.json.decode(text, type=_Mark)
                if mark.bridge == self._name:
                    at = Position(mark.bus, mark.epoch, mark.seq, mark.time_ns)
            elif at is not None:
                at = msgspec.structs.replace(at, seq=seq)
        if at is not None:
            self.by_lane[lane] = at


def cursor_of(cursor: Cursor, lane: Lane) -> int:
    """Return a cursor's seq in a lane."""
    return {Lane.CONTROL: cursor.control, Lane.MARKET: cursor.market, Lane.LOG: cursor.log}[lane]


def paths_of_sources(bus_folder: Path) -> dict[str, list[str]]:
    """Return which buses the sources have come through that came over any bridge to this bus."""
    found: dict[str, list[str]] = {}
    for path in sorted((bus_folder / FOLDER).glob("*.json")):
        try:
            saved: Any = json.loads(path.read_bytes())
            found |= {str(name): [str(one) for one in buses] for name, buses in saved["sources"].items()}
        except (OSError, ValueError, LookupError, AttributeError, TypeError):
            continue
    return found
