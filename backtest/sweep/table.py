"""The rows of a sweep: one line of JSON for each finished run, appended as it finishes, whole again after any death."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from gcg_quant.errors import BacktestError

__all__ = ["Row", "RowTable", "read_rows"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a sweep: its place in the plan, its parameters, and measures, or the sentence that says why there are none.

    `notes` are those of its result, such as orders that were refused. Everything but `seconds` is the same whoever computes it.
    """

    number: int
    parameters: dict[str, Any]
    measures: dict[str, Any] | None = None
    notes: list[str] = []
    error: str = ""
    seconds: float = 0.0


class RowTable:
    """The file of a sweep's rows; held by one process at a time.

    A row is there once `append` has returned, also if the process is killed in the next instant. What a death or a power loss left
    of a line is cut off when the table is opened again, and its run is done again.

    Raises:
        BacktestError: another process holds the table.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._handle)
            raise BacktestError(f"The sweep {path.parent.name} is being computed by another process: wait for it, or stop it.") from None
        self.rows = self._read()

    def append(self, row: Row) -> None:
        """Add the row of a run; a second row of a run that has one is passed over."""
        if row.number not in self.rows:
            _write(self._handle, msgspec.json.encode(row) + b"\n")
            self.rows[row.number] = row

    def close(self) -> None:
        """Bring the rows to the disk and let go of the file."""
        os.fsync(self._handle)
        os.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _read(self) -> dict[int, Row]:
        found, whole = read_rows(self.path)
        os.ftruncate(self._handle, whole)
        return found


def read_rows(path: Path) -> tuple[dict[int, Row], int]:
    """Return the rows of a file by their numbers, and how many of its bytes they are: up to the first line that is not whole."""
    found: dict[int, Row] = {}
    whole = 0
    for line in path.read_bytes().split(b"\n")[:-1]:
        try:
            row = msgspec.json.decode(line, type=Row)
        except (msgspec.MsgspecError, ValueError):
            break
        found.setdefault(row.number, row)
        whole += len(line) + 1
    return found, whole


# A full disk may take only a part of it; the rest must not be glued to the next line.
def _write(handle: int, line: bytes) -> None:
    size = os.fstat(handle).st_size
    try:
        if os.write(handle, line) == len(line):
            return
        reason = "no space is left"
    except OSError as error:
        reason = error.strerror or str(error)
    os.ftruncate(handle, size)
    raise BacktestError(f"The result of a run cannot be written: {reason}. Free some disk space and go on with --resume.")
