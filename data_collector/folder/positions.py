"""How far each file has been published: durable, and right also after a kill in the middle of it.

Before records go onto the bus, what is about to be published is written down; after a restart the bus itself says how much of it is there.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

import msgspec

__all__ = ["Pending", "Position", "Positions", "fingerprint"]

_HEAD, _TAIL = 512, 512


class Position(msgspec.Struct):
    """How far a file has been read: bytes of whole lines, how many lines they are, and what tells that it is still the same file."""

    offset: int = 0
    lines: int = 0
    inode: int = 0
    mark: str = ""  # fingerprint of what lies before the offset


class Pending(msgspec.Struct):
    """What was about to be published: the records of a file up to a position, from a moment on."""

    file: str
    then: Position
    since_ns: int


class _State(msgspec.Struct):
    positions: dict[str, Position] = {}
    pending: Pending | None = None


class Positions:
    """The positions of a collector's files, by their path in the folder, kept in a file that is replaced as a whole.

    Args:
        path: of that file. A damaged one counts as none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._state = msgspec.json.decode(path.read_bytes(), type=_State)
            self.fresh = False
        except (OSError, msgspec.MsgspecError):
            self._state = _State()
            self.fresh = True  # the very first start

    @property
    def of(self) -> dict[str, Position]:
        """The positions by path; changes last after `save`."""
        return self._state.positions

    @property
    def pending(self) -> Pending | None:
        """What may be on the bus in part."""
        return self._state.pending

    def intend(self, pending: Pending) -> None:
        """Write down what is about to be published."""
        self._state.pending = pending
        self.save()

    def done(self, pending: Pending) -> None:
        """Take note that all of it is on the bus; `save` writes it down."""
        self._state.pending = None
        self.of[pending.file] = pending.then

    def save(self) -> None:
        """Write all down, so that it outlasts a loss of power."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(msgspec.json.encode(self._state))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        self.fresh = False


def fingerprint(file: BinaryIO, offset: int) -> str:
    """Return what tells whether the first `offset` bytes of a file are the same: a hash of their beginning and end."""
    file.seek(0)
    head = file.read(min(offset, _HEAD))
    file.seek(max(0, offset - _TAIL))
    tail = file.read(min(offset, _TAIL))
    return hashlib.sha256(head + tail).hexdigest()[:32] if len(head) + len(tail) == min(offset, _HEAD) + min(offset, _TAIL) else ""
