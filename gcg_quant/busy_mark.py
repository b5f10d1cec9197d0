"""Which strategy is in which callback at this moment, for whoever finds the process hanging or dead."""

from __future__ import annotations

import mmap
import time
from pathlib import Path
from typing import NamedTuple

__all__ = ["BusyMark", "BusyWith", "busy_with", "mark_path"]

_BYTES = 128
_NOBODY = bytes(_BYTES)


class BusyWith(NamedTuple):
    """A strategy and its callback ("load" while its file is run)."""

    strategy: str
    callback: str


class BusyMark:
    """A few bytes in a mapped file, written without a system call: they outlive a process that is killed.

    `path` None keeps them in memory alone, where no supervisor looks.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.since_ns = 0
        if path is None:
            self._map = mmap.mmap(-1, _BYTES)
            return
        path.write_bytes(_NOBODY)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _BYTES)

    def enter(self, entry: bytes) -> None:
        """Note what begins; `entry` comes from `entry_of`."""
        self._map[:] = entry
        self.since_ns = time.monotonic_ns()

    def leave(self) -> None:
        """Note that it has ended."""
        self.since_ns = 0
        self._map[:] = _NOBODY

    @property
    def busy_s(self) -> float:
        """For how many seconds the present callback has been running; 0 between two."""
        since_ns = self.since_ns
        return (time.monotonic_ns() - since_ns) / 1e9 if since_ns else 0.0

    def close(self) -> None:
        """Unmap the file; it says nobody."""
        self.leave()
        self._map.close()

    @staticmethod
    def entry_of(strategy: str, callback: str) -> bytes:
        """Return what `enter` wants, made beforehand."""
        return f"{callback}\n{strategy}".encode()[:_BYTES].ljust(_BYTES, b"\0")


def mark_path(bus_path: Path, manager: str = "strategies") -> Path:
    """Return where the manager of a bus keeps its mark."""
    return bus_path / f"{manager}.busy"


def busy_with(path: Path) -> BusyWith | None:
    """Return which strategy a manager was busy with when it wrote last, or None."""
    try:
        text = path.read_bytes().rstrip(b"\0").decode(errors="replace")
    except OSError:
        return None
    callback, _, strategy = text.partition("\n")
    return BusyWith(strategy, callback) if strategy else None
