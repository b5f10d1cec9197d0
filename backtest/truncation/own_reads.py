"""What a strategy reads by itself while it is loaded and runs: files, databases, connections. No cut of the data reaches these."""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

__all__ = ["PREFIX", "SCRATCH", "OwnReads"]

PREFIX = "gcg_quant_"  # of the folders of the runs themselves, which lie in memory where that is to be had: nobody needs them afterwards
SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()

_CODE = (".py", ".pyc", ".so", ".pyd", ".pth")
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/share/zoneinfo/")
_IMPORTING = ("<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>")
_WRITE_ONLY = os.O_WRONLY
_watching: list[OwnReads] = []
_hooked = False


class OwnReads:
    """Notes which files, databases and addresses the code of a folder opens to read, and on which line, while it is entered.

    What an import reads, code, and the interpreter's own files do not count. A library that opens files without Python (pyarrow by a
    file's name) is not seen.

    Args:
        folder: of the strategy file; the modules beside it are the strategy's, too.
        allowed: files and folders that it may read, because they hold no market data (settings, a model).
    """

    def __init__(self, folder: Path, allowed: Iterable[Path] = ()) -> None:
        self.found: dict[str, str] = {}
        self._folder = str(folder.resolve())
        ours = [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")]
        self._passed = tuple(str(path.expanduser().resolve()) for path in (*ours, *allowed))
        self._runs = tuple(os.path.join(os.path.realpath(folder), PREFIX) for folder in (SCRATCH, tempfile.gettempdir()))

    def __enter__(self) -> OwnReads:
        global _hooked
        if not _hooked:  # a hook stays for the life of the process
            sys.addaudithook(_heard)
            _hooked = True
        _watching.append(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        _watching.remove(self)

    def sentences(self) -> list[str]:
        """Return "FILE:LINE reads WHAT" of everything that was read, in order."""
        return [f"{place} reads {what}" for what, place in self.found.items()]

    def note(self, what: str, frame: FrameType | None) -> None:
        """Take in what is about to be opened by whoever stands at `frame`."""
        if what in self.found:
            return
        while frame is not None:
            name = frame.f_code.co_filename
            if name in _IMPORTING:
                return
            if os.path.dirname(name) == self._folder:
                self.found[what] = f"{os.path.basename(name)}:{frame.f_lineno}"
                return
            frame = frame.f_back

    def passes(self, path: str) -> bool:
        """Return whether a file is none of a strategy's own data."""
        real = os.path.realpath(path)
        return (
            real.endswith(_CODE)
            or real.startswith((*_SYSTEM, *self._runs))
            or any(real == one or real.startswith(one + os.sep) for one in self._passed)
        )


def _opened(arguments: tuple[Any, ...]) -> str:
    path, mode, flags = arguments
    only_written = (mode is not None and not set(mode) & set("r+")) or (mode is None and flags & os.O_ACCMODE == _WRITE_ONLY)
    if isinstance(path, int) or only_written:
        return ""
    return os.path.abspath(os.fsdecode(path))


def _connected(arguments: tuple[Any, ...]) -> str:
    address = arguments[1]
    return f"from {':'.join(map(str, address[:2])) if isinstance(address, tuple) else address}"


_EVENTS: dict[str, Callable[[tuple[Any, ...]], str]] = {
    "open": _opened,
    "sqlite3.connect": lambda arguments: "" if arguments[0] in (":memory:", b":memory:") else os.path.abspath(os.fsdecode(arguments[0])),
    "socket.connect": _connected,
    "subprocess.Popen": lambda arguments: f"what the program {arguments[0]!r} tells",
    "os.system": lambda arguments: "what a program tells",
}


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching or event not in _EVENTS:
        return
    what = _EVENTS[event](arguments)
    for one in _watching:
        if what and not (what.startswith(os.sep) and one.passes(what)):
            one.note(what, sys._getframe(1))
