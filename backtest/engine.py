"""`BacktestEngine`: runs backtests for a program, and as a component for whoever asks on the live bus."""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gcg_quant.component import Component, event_handler
from gcg_quant.errors import GcgQuantError
from gcg_quant.events import Applied, BacktestCancelEvent, BacktestProgressEvent, BacktestRequestEvent, BacktestResultEvent

from .inputs.spec import BacktestSpec
from .runs.job import BacktestJob

if TYPE_CHECKING:
    from gcg_quant.history import History
    from gcg_quant.settings import Settings

    from .results.result import BacktestResult
    from .runs.run import Keep, Progress

__all__ = ["CANCELLED", "STOPPED", "BacktestEngine"]

PARALLEL = 2
END_PATIENCE_S = 1.0
STDERR_SHOWN = 2000
CANCELLED = "The backtest was cancelled."
STOPPED = "The system was stopped before the backtest ended."


class BacktestEngine(Component):
    """Runs backtests. `run()` does one in the calling process; as a component it does each request in a process of its own.

    A run never touches the live bus but for its progress and result: it has a bus folder of its own, in HOME/backtests/RUN.
    This module imports neither Backtrader nor pandas, so that the component costs a live process nothing.

    Args:
        home: the home folder.
        database_url: the store that child processes read; "" is the home folder's SQLite file.
        folders: where strategy files may lie, besides the shipped ones.
        parallel: how many requests run at a time; the others wait.
        store: the store that `run()` reads in this process (as a component it is given one by `start`).
    """

    capabilities = ("backtest",)

    def __init__(
        self,
        home: Path,
        *,
        database_url: str = "",
        folders: Sequence[Path | str] = (),
        parallel: int = PARALLEL,
        store: History | None = None,
        name: str = "backtest",
    ) -> None:
        super().__init__(name, start="end", wait="sleep", sleep_s=0.02)
        self.home = Path(home)
        self.folders = tuple(str(folder) for folder in folders)
        self._database_url = database_url
        self._parallel = parallel
        self._store = store
        self._waiting: deque[BacktestJob] = deque()
        self._children: list[tuple[BacktestJob, subprocess.Popen[bytes]]] = []
        self._cancelled: set[int] = set()

    @classmethod
    def from_settings(cls, settings: Settings, store: History | None = None) -> BacktestEngine:
        """Return an engine with the home folder, database and strategy folders of the settings."""
        return cls(settings.home, database_url=settings.database.url, folders=settings.strategy_folders, store=store)

    def run(self, spec: BacktestSpec, on_progress: Progress | None = None, keep: Keep | None = None) -> BacktestResult:
        """Run one backtest here and now; see `run_backtest` for `keep` and for what it raises."""
        from .runs.run import run_backtest  # Backtrader takes half a second to import

        store = self.history if self.history is not None else self._store
        return run_backtest(spec, home=self.home, history=store, folders=self.folders, on_progress=on_progress, keep=keep)

    # --- the component -------------------------------------------------------------------------------------------------------

    @event_handler(BacktestRequestEvent)
    def on_request(self, event: BacktestRequestEvent) -> None:
        """Start the run, or let it wait for its turn; what is wrong with the request is its result."""
        try:
            BacktestSpec.from_event(event)
        except GcgQuantError as error:
            self._fail(event.run, event.id, str(error))
            return
        self._waiting.append(
            BacktestJob(
                request=event, bus=str(self.bus.path), home=str(self.home), database_url=self._database_url, folders=list(self.folders)
            )
        )
        self._start_waiting()

    @event_handler(BacktestCancelEvent)
    def on_cancel(self, event: BacktestCancelEvent) -> None:
        """End the run of that name, waiting or running; its result says so. The answer is an `Applied`."""
        self._reap()
        waiting = [job for job in self._waiting if job.request.run == event.run]
        running = [(job, child) for job, child in self._children if job.request.run == event.run]
        for job in waiting:
            self._waiting.remove(job)
            self._fail(event.run, job.request.id, CANCELLED)
        for _, child in running:
            child.terminate()  # what became of it is told when it has ended
            self._cancelled.add(child.pid)
        found = bool(waiting or running)
        detail = "" if found else f"No backtest {event.run!r} is running or waiting."
        self.publish(Applied(control=event.id, component=self.name, ok=found, detail=detail), cause=event.id)

    def on_idle(self) -> None:
        """Look after the children."""
        self._reap()
        self._start_waiting()

    def on_batch(self) -> None:
        """Look after the children, also while requests come."""
        self.on_idle()

    def on_stop(self) -> None:
        """End the runs that are on their way; their results say so."""
        self._reap()
        for _, child in self._children:
            child.terminate()
        for job, child in self._children:
            try:
                child.wait(END_PATIENCE_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            _close(child)
            if child.returncode != 0:
                self._fail(job.request.run, job.request.id, STOPPED)
        for job in self._waiting:
            self._fail(job.request.run, job.request.id, STOPPED)
        self._children.clear()
        self._waiting.clear()

    def _reap(self) -> None:
        running = []
        for job, child in self._children:
            if child.poll() is None:
                running.append((job, child))
                continue
            if child.returncode != 0:
                self._fail(job.request.run, job.request.id, CANCELLED if child.pid in self._cancelled else _last_words(child))
            self._cancelled.discard(child.pid)
            _close(child)
        self._children = running

    def _start_waiting(self) -> None:
        while self._waiting and len(self._children) < self._parallel:
            job = self._waiting.popleft()
            child = subprocess.Popen(
                [sys.executable, "-m", "gcg_quant.backtest.runs.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            if child.stdin is not None:
                child.stdin.write(msgspec.msgpack.encode(job))  # not in the arguments: a database URL may hold a password
                child.stdin.close()
            self._children.append((job, child))
            self.publish(BacktestProgressEvent(run=job.request.run, done=0, total=0), cause=job.request.id)  # it runs; bars come later

    def _fail(self, run: str, cause: int, error: str) -> None:
        self.publish(BacktestResultEvent(run=run, ok=False, error=error), cause=cause)


def _close(child: subprocess.Popen[bytes]) -> None:
    if child.stderr is not None:
        child.stderr.close()


def _last_words(child: subprocess.Popen[bytes]) -> str:
    text = child.stderr.read().decode(errors="replace").strip() if child.stderr is not None else ""
    last = text[-STDERR_SHOWN:].rpartition("\n")[2]
    how = f"signal {-child.returncode}" if child.returncode < 0 else f"exit code {child.returncode}"
    return f"The backtest's process ended with {how}{': ' + last if last else ''}."
