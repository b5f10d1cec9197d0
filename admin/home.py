"""The home folder of a run: where things lie, and whether a system runs on it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gcg_quant.errors import ComponentError, NotRunningError
from gcg_quant.kill_switch import kill_file

__all__ = ["Home"]


class Home:
    """All that a run writes lies under one folder: the bus, the database, logs, reports."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @property
    def bus(self) -> Path:
        """The folder of the live bus."""
        return self.path / "bus"

    @property
    def logs(self) -> Path:
        """The folder of the processes' log files."""
        return self.path / "logs"

    @property
    def imports(self) -> Path:
        """The folder in which each import has its own bus while it runs."""
        return self.path / "imports"

    @property
    def kill_file(self) -> Path:
        """The file that keeps the kill switch on while it exists."""
        return kill_file(self.path)

    @property
    def _lock_path(self) -> Path:
        return self.path / "run.lock"

    @contextlib.contextmanager
    def running(self, facts: dict[str, Any]) -> Iterator[None]:
        """Hold the home for one running system; `facts` (page address ...) are shown to other commands.

        Raises:
            ComponentError: another system runs on this home.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = self._facts().get("pid", "?")
                raise ComponentError(
                    f"A system runs on {self.path} already (process {holder}): stop it, or choose another folder with --home."
                ) from None
            os.ftruncate(descriptor, 0)
            os.write(descriptor, json.dumps({"pid": os.getpid(), **facts}).encode())
            yield
            os.ftruncate(descriptor, 0)
        finally:
            os.close(descriptor)

    def facts(self) -> dict[str, Any] | None:
        """Return the facts of the system that runs on this home, or None if none does."""
        try:
            descriptor = os.open(self._lock_path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._facts()
        finally:
            os.close(descriptor)
        return None

    def require_running(self) -> dict[str, Any]:
        """Return the facts of the running system. Raises NotRunningError if none runs here."""
        facts = self.facts()
        if facts is None:
            raise NotRunningError(f"No system runs on {self.path}: start one with `python -m gcg_quant run --home {self.path}`.")
        return facts

    def _facts(self) -> dict[str, Any]:
        try:
            facts = json.loads(self._lock_path.read_text())
        except (OSError, ValueError):
            return {}
        return facts if isinstance(facts, dict) else {}
