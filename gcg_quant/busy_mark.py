"""Which strategy is in which callback at this moment, for whoever finds the process hanging or dead."""

from __future__ import annotations

import mmap
import sys
import time
from pathlib import Path
from typing import NamedTuple

__all__ = ["BusyMark", "BusyWith", "busy_with", "mark_path"]

_TIME_BYTES = 8
_TEXT_BYTES = 128
_LOOKS = 5
_NOBODY = bytes(_TEXT_BYTES)


class BusyWith(NamedTuple):
    """A strategy and its callback ("load" while its file is run), and for how many seconds it has been there."""

    strategy: str
    callback: str
    busy_s: float


class BusyMark:
    """A few bytes in a mapped file, written without a system call: they outlive a process that is killed.

    `path` None keeps them in memory alone, where no supervisor looks.
    """

    def __init__(self, path: Path | None = None) -> None:
        size = _TIME_BYTES + _TEXT_BYTES
        if path is None:
            self._map = mmap.mmap(-1, size)
        else:
            path.write_bytes(bytes(size))
            with path.open("r+b") as file:
                self._map = mmap.mmap(file.fileno(), size)
        whole = memoryview(self._map)
        self._since_ns = whole[:_TIME_BYTES].cast("q")
        self._text = whole[_TIME_BYTES:]

    def enter(self, entry: bytes) -> None:
        """Note what begins; `entry` comes from `entry_of`."""
        self._since_ns[0] = time.monotonic_ns()  # one clock for all processes of a machine
        self._text[:] = entry

    def leave(self) -> None:
        """Note that it has ended."""
        self._text[:] = _NOBODY

    @staticmethod
    def entry_of(strategy: str, callback: str) -> bytes:
        """Return what `enter` wants, made beforehand."""
        return f"{callback}\n{strategy}".encode()[:_TEXT_BYTES].ljust(_TEXT_BYTES, b"\0")


def mark_path(bus_path: Path, manager: str = "strategies") -> Path:
    """Return where the manager of a bus keeps its mark."""
    return bus_path / f"{manager}.busy"


def busy_with(path: Path) -> BusyWith | None:
    """Return which strategy a manager was busy with when it wrote last, or None."""
    # A single look may fall between the writing of time and text, and find an old time beside a new text; two equal ones do not.
    found, again = _look(path), _look(path)
    for _ in range(_LOOKS):
        if found == again:
            break
        found, again = again, _look(path)
    else:
        return None  # it changes all the time: nobody hangs
    callback, _, strategy = found[_TIME_BYTES:].rstrip(b"\0").decode(errors="replace").partition("\n")
    if not strategy:
        return None
    since_ns = int.from_bytes(found[:_TIME_BYTES], sys.byteorder)
    return BusyWith(strategy, callback, max(0.0, (time.monotonic_ns() - since_ns) / 1e9))


def _look(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
