"""How far a replay has played, for the other processes of its system: what has been played is the past, all else is not to be seen."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

__all__ = ["ReplayMark", "played_ns", "replay_mark_path"]

_BYTES = 8


class ReplayMark:
    """The mark of a replay that goes on: a small file, locked as long as this lives. That of a run that has ended counts for nothing.

    Args:
        path: of the file; see `replay_mark_path`.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)  # who reads holds it for a few microseconds
        self.put(0)

    def put(self, ns: int) -> None:
        """Say that all records up to and including `ns` (event time) have been played, and dealt with."""
        os.pwrite(self._file, ns.to_bytes(_BYTES, "little"), 0)

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
        return int.from_bytes(os.pread(file, _BYTES, 0), "little")
    else:
        return 0  # nobody holds it: it is of a run that has ended
    finally:
        os.close(file)
