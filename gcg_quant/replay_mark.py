"""How far a replay has played, for the other processes of its system: what has been played is the past, all else is not to be seen."""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

__all__ = ["Played", "ReplayMark", "played_ns", "replay_mark_path"]

_RECORD = struct.Struct("<qq")  # until_ns, market
_NAME_BYTES = 16


class Played(NamedTuple):
    """How far a replay has come: all records up to and including `until_ns` (event time) were published before event `market` of its lane.

    `until_ns` is 0 as long as nothing has been dealt with.
    """

    until_ns: int = 0
    market: int = 0


class ReplayMark:
    """The mark of a replay that goes on: a small file, locked as long as this lives.

    For others that of a run that has ended counts for nothing; the next run of the same replay goes on there: `before`, None if there
    was none.

    Args:
        path: of the file; see `replay_mark_path`.
        name: 16 bytes that tell this replay, on this journal, from any other.
        market: where the market lane ends now.
    """

    def __init__(self, path: Path, name: bytes, market: int = 0) -> None:
        self._name = name
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)  # who reads holds it for a few microseconds
        known = os.pread(self._file, _RECORD.size + _NAME_BYTES, 0)
        self.before = Played(*_RECORD.unpack_from(known)) if known[_RECORD.size :] == name else None
        self.put(self.before or Played(0, market))

    def put(self, played: Played) -> None:
        """Say how far it has come. The write is whole or not done, also if the process is killed."""
        os.pwrite(self._file, _RECORD.pack(*played) + self._name, 0)

    def close(self) -> None:
        """Give the mark up."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> ReplayMark:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def replay_mark_path(bus_path: Path) -> Path:
    """Return where the replay of a bus keeps its mark."""
    return bus_path / "replay.mark"


def played_ns(path: Path) -> int:
    """Return up to when everything has been played by the replay that goes on, 0 if there is none."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return 0
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        known = os.pread(file, _RECORD.size, 0)
        return Played(*_RECORD.unpack(known)).until_ns if len(known) == _RECORD.size else 0
    else:
        return 0  # nobody holds it: it is of a run that has ended
    finally:
        os.close(file)
