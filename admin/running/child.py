"""The process of a group, as its supervisor sees it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from ..home import Home

__all__ = ["Child"]

_MOST_BYTES = 1_000_000  # of raw output that a new process goes on behind


class Child:
    """One group's process and what the supervisor knows of it; `deaths` are the moments of those that nobody asked for."""

    def __init__(self, name: str, home: Home, config_id: int) -> None:
        self.name = name
        self._home = home
        self._config_id = config_id
        self.deaths: list[float] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.spawned_s = 0.0  # on the monotonic clock
        self._rests_until_s: float | None = None
        self._log: IO[bytes] | None = None

    @property
    def log_path(self) -> Path:
        """Where its raw output goes: tracebacks of crashes, and what came before its log was there."""
        return self._home.logs / f"{self.name}.out"

    def spawn(self) -> None:
        """Start its process."""
        self._home.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.log_path.exists() and self.log_path.stat().st_size > _MOST_BYTES:
            self.log_path.replace(self.log_path.with_suffix(".out.old"))
        self._log = open(self.log_path, "ab")  # noqa: SIM115 - closed in reap()
        command = [sys.executable, "-m", "gcg_quant.admin.running.group", self.name]
        command += ["--home", str(self._home.path), "--config", str(self._config_id)]
        self.spawned_s = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=self._log, stderr=self._log, start_new_session=True)

    @property
    def code(self) -> int:
        """The exit code of its process, 0 as long as there is none."""
        return (self.process.returncode or 0) if self.process is not None else 0

    def dead(self) -> bool:
        """Return whether its process has ended."""
        return self.process is not None and self.process.poll() is not None

    def rest(self, now_s: float, seconds: float) -> None:
        """Start its process again only after so many seconds."""
        self._rests_until_s = now_s + seconds

    def resting(self, now_s: float) -> bool:
        """Return whether its process is to be started later; the moment that comes, start it."""
        if self._rests_until_s is None:
            return False
        if now_s >= self._rests_until_s:
            self._rests_until_s = None
            self.spawn()
        return True

    def terminate(self) -> None:
        """Ask its process to end."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def reap(self, deadline: float) -> bool:
        """Wait until the deadline, then kill; return whether it ended by itself."""
        if self.process is None:
            return True
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
            ended = True
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            ended = False
        if self.process.stdin is not None:
            self.process.stdin.close()
        if self._log is not None:
            self._log.close()
        return ended

    def last_words(self) -> str:
        """Return the last line of its output."""
        lines = self.log_path.read_text(errors="replace").strip().splitlines() if self.log_path.exists() else []
        return lines[-1] if lines else "it said nothing"
