"""Watching the settings file: a good change is announced, a bad one changes nothing and says why."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gcg_quant.errors import SettingsError
from gcg_quant.settings import Settings, diff

__all__ = ["SettingsWatch", "watch"]


class SettingsWatch:
    """A thread that reads the file again whenever it changes; `settings` are the ones in force. `stop()` ends it."""

    def __init__(
        self,
        path: str | Path,
        on_change: Callable[[Settings, dict[str, Any]], None],
        on_error: Callable[[SettingsError], None],
        home: str | Path | None,
        environ: Mapping[str, str],
    ) -> None:
        self._path = Path(path).absolute()
        self._on_change = on_change
        self._on_error = on_error
        self._home = home
        self._environ = environ
        self._stopping = threading.Event()
        self._stamp = self._look()
        self.settings = Settings.load(self._path, home, environ)
        self._thread = threading.Thread(target=self._run, name="settings-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; no callback comes after this. Do not call it from a callback."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        from watchfiles import watch as watch_files

        # Editors replace files instead of writing into them, so the folder is watched. Each second the file is looked at anyway: what
        # was written before the watch stood is found then, and so is a change on a file system without notifications.
        for _ in watch_files(
            self._path.parent,
            watch_filter=lambda _, name: Path(name).name == self._path.name,
            stop_event=self._stopping,
            recursive=False,
            debounce=200,
            rust_timeout=1000,
            yield_on_timeout=True,
            raise_interrupt=False,
        ):
            stamp = self._look()
            if stamp != self._stamp and not self._stopping.is_set():
                self._stamp = stamp
                self._reload()

    def _look(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _reload(self) -> None:
        try:
            new = Settings.load(self._path, self._home, self._environ)
        except SettingsError as error:
            self._on_error(error)
            return
        changes = diff(self.settings, new)
        self.settings = new
        if changes:
            self._on_change(new, changes)


def watch(
    path: str | Path,
    on_change: Callable[[Settings, dict[str, Any]], None],
    on_error: Callable[[SettingsError], None],
    *,
    home: str | Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> SettingsWatch:
    """Watch a settings file in a thread of its own.

    Args:
        path: the file; it must be good now.
        on_change: gets the new settings and {"section.key": new value}, secrets masked; only when something did change.
        on_error: gets what is wrong with the file; the settings in force stay as they are.
        home: as for `Settings.load`.
        environ: as for `Settings.load`.

    Raises:
        SettingsError: the file is bad at the start.
    """
    return SettingsWatch(path, on_change, on_error, home, environ)
