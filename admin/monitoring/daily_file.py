"""A log file that begins anew every UTC day, and whose old ones go; a disk that is full stops nobody."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from gcg_quant.clock import NS_PER_DAY, now_ns, to_iso

__all__ = ["DailyFile"]

_AGAIN_S = 5.0  # how long nothing is tried after the disk has refused


class DailyFile:
    """`NAME.log` of today, `NAME.2026-11-26.log` of the days before. One process writes to a name; one thread at a time.

    Attributes:
        lost: lines that could not be written.
        trouble: why the last attempt failed, "" if it did not.

    Args:
        path: of today's file; its folder is made.
        keep_days: how long the files of past days stay.
        clock: returns the time in ns.
    """

    def __init__(self, path: Path, keep_days: int = 30, clock: Callable[[], int] = now_ns) -> None:
        self.path = path
        self.lost = 0
        self.trouble = ""
        self._keep_days = keep_days
        self._clock = clock
        self._descriptor: int | None = None
        self._day = ""
        self._torn = False  # the last line was not written to its end
        self._again_s = 0.0

    def write(self, text: str) -> bool:
        """Append a text that ends with a line's end; return whether it was written."""
        if self.trouble and time.monotonic() < self._again_s:
            self.lost += 1
            return False
        try:
            self._open()
            self._append(text)
            self.trouble = ""
            return True
        except OSError as error:
            self.lost += 1
            self.trouble, self._again_s = error.strerror or str(error), time.monotonic() + _AGAIN_S
            self.close()
            return False

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _append(self, text: str) -> None:
        data = ("\n" + text if self._torn else text).encode(errors="replace")
        written = os.write(self._descriptor or 0, data)
        while written < len(data):
            self._torn = True
            written += os.write(self._descriptor or 0, data[written:])
        self._torn = False

    def _open(self) -> None:
        today = _day(self._clock())
        if self._descriptor is not None and today == self._day:
            return
        self.close()
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            written = _day(self.path.stat().st_mtime_ns) if not self._day else self._day
            if written != today:
                self.path.rename(self._free_name(written))
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._day = today
        self._remove_old()

    def _free_name(self, day: str) -> Path:
        stem, number = self.path.stem, 1
        name = self.path.with_name(f"{stem}.{day}.log")
        while name.exists():  # a clock that was set back
            number += 1
            name = self.path.with_name(f"{stem}.{day}-{number}.log")
        return name

    def _remove_old(self) -> None:
        oldest = _day(self._clock() - self._keep_days * NS_PER_DAY)
        for path in self.path.parent.glob(f"{self.path.stem}.*.log"):
            found = re.fullmatch(r"(\d{4}-\d\d-\d\d)(-\d+)?", path.name.removeprefix(f"{self.path.stem}.").removesuffix(".log"))
            if found and found[1] < oldest:
                with contextlib.suppress(OSError):
                    path.unlink()


def _day(ns: int) -> str:
    return to_iso(ns)[:10]
