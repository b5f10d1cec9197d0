"""Watching the files of loaded strategies: who changes one gets it loaded again."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

__all__ = ["FileWatch", "digest_of"]

_Stamp = tuple[int, int, int]


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, "" if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


class FileWatch:
    """A thread that looks after files; `on_change(path)` is called on it, once for each content that is not the one loaded.

    Folders are watched because editors replace files instead of writing into them; and each second the files are looked at anyway, which
    finds changes on file systems that tell none. A file that is gone, or empty as in the middle of being written, is no change.

    Args:
        folders: to watch, with all that is below them; missing ones are passed over.
        on_change: what to do.
    """

    def __init__(self, folders: Iterable[Path], on_change: Callable[[Path], None]) -> None:
        self._folders = [folder for folder in folders if folder.is_dir()]
        self._on_change = on_change
        self._wanted: Mapping[Path, str] = {}
        self._seen: dict[Path, tuple[_Stamp, str]] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="strategy-files", daemon=True)
        self._thread.start()

    def want(self, loaded: Mapping[Path, str]) -> None:
        """Look after these files, given with the digests of what was loaded; from any thread."""
        self._wanted = dict(loaded)

    def stop(self) -> None:
        """End the thread; nothing is called after this. Not from `on_change`."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        from watchfiles import watch as watch_files

        for _ in watch_files(
            *self._folders,
            watch_filter=lambda _, name: name.endswith(".py"),
            stop_event=self._stopping,
            debounce=100,
            rust_timeout=1000,
            yield_on_timeout=True,
            raise_interrupt=False,
        ):
            for path, loaded in self._wanted.items():
                if not self._stopping.is_set() and self._is_new(path, loaded):
                    self._on_change(path)

    def _is_new(self, path: Path, loaded: str) -> bool:
        stamp = _stamp(path)
        if stamp is None or stamp[2] == 0:
            return False
        before = self._seen.get(path)
        if before is not None and before[0] == stamp:
            return False
        digest = digest_of(path)
        self._seen[path] = stamp, digest
        return digest not in ("", loaded) and (before is None or digest != before[1])


def _stamp(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
