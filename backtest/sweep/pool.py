"""The processes of a local sweep: each maps the sweep's folder and computes one combination at a time; a dead one is replaced."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import msgspec

from gcg_quant.errors import BacktestError

from .frames import FrameBuffer, pack
from .table import Row
from .worker import Task

__all__ = ["LocalPool", "Pool"]

MOST_DEATHS = 3
RUNS_A_WORKER = 1_000  # Backtrader keeps some 10 kB of each class that was ever made: the process is renewed
END_PATIENCE_S = 2.0
READ_BYTES = 1 << 16
LAST_WORDS = 2_000
LOGS = "logs"

OnRow = Callable[[Row], None]


class Pool(Protocol):
    """Whatever computes the tasks of a sweep. `on_row` is called in the calling thread, once for each task, in the order of finishing."""

    def run(self, folder: Path, tasks: Iterable[Task], on_row: OnRow) -> None:
        """Compute all tasks; return when the last row was given. An exception, also from `on_row`, ends what is on its way."""


class LocalPool:
    """Worker processes on this machine.

    A worker that dies loses nothing but the run it was at, which is done again by its successor; a run that has killed three workers
    is given up, and its row says so.

    Args:
        jobs: how many workers; 0 is one for each processor that this process may use.
    """

    def __init__(self, jobs: int = 0) -> None:
        self.jobs = jobs or len(os.sched_getaffinity(0))
        self._workers: list[_Worker] = []
        self._false_starts = 0

    @property
    def pids(self) -> list[int]:
        """The process ids of the living workers."""
        return [worker.process.pid for worker in self._workers]

    def run(self, folder: Path, tasks: Iterable[Task], on_row: OnRow) -> None:
        """Compute all tasks of the sweep in `folder`.

        Raises:
            BacktestError: a worker cannot even start; with its last words.
        """
        waiting = deque(tasks)
        deaths: dict[int, int] = {}
        (folder / LOGS).mkdir(exist_ok=True)
        with selectors.DefaultSelector() as selector:
            try:
                for number in range(min(self.jobs, len(waiting))):
                    self._start(folder, number, selector)
                while self._workers:
                    for key, _ in selector.select():
                        self._hear(key.data, folder, waiting, deaths, on_row, selector)
            finally:
                for worker in self._workers:
                    worker.close()  # all at once, then one after another
                for worker in self._workers:
                    worker.end()
                self._workers.clear()

    def _start(self, folder: Path, number: int, selector: selectors.BaseSelector) -> None:
        worker = _Worker(folder, number)
        self._workers.append(worker)
        selector.register(worker.answers, selectors.EVENT_READ, worker)

    def _hear(
        self,
        worker: _Worker,
        folder: Path,
        waiting: deque[Task],
        deaths: dict[int, int],
        on_row: OnRow,
        selector: selectors.BaseSelector,
    ) -> None:
        data = os.read(worker.answers, READ_BYTES)
        for body in worker.buffer.add(data):
            row = msgspec.msgpack.decode(body, type=Row | None)
            worker.is_ready, worker.task = True, None
            self._false_starts = 0
            if row is not None:
                on_row(row)
        if data and worker.task is None and worker.is_ready:
            if waiting and worker.runs < RUNS_A_WORKER:
                worker.give(waiting.popleft())
                return
            worker.close()  # it ends by itself, and its output with it
        if not data:
            selector.unregister(worker.answers)
            self._workers.remove(worker)
            self._bury(worker, waiting, deaths, on_row)
            if waiting and len(self._workers) < self.jobs:
                self._start(folder, worker.number, selector)

    def _bury(self, worker: _Worker, waiting: deque[Task], deaths: dict[int, int], on_row: OnRow) -> None:
        worker.end()
        if not worker.is_ready:
            self._false_starts += 1
            if worker.process.returncode < 0 and self._false_starts < MOST_DEATHS:
                return  # somebody killed it
            raise BacktestError(f"A worker of the sweep cannot start ({worker.how_it_ended}){worker.last_words}.", log=str(worker.log))
        task = worker.task
        if task is None:
            return
        deaths[task.number] = deaths.get(task.number, 0) + 1
        if deaths[task.number] < MOST_DEATHS:
            waiting.appendleft(task)
            return
        error = f"The run ended its process {MOST_DEATHS} times, the last time with {worker.how_it_ended}{worker.last_words}."
        on_row(Row(number=task.number, parameters=task.parameters, error=error))


class _Worker:
    # One process. In a session of its own: Ctrl-C reaches all of a terminal, and it is the parent who decides what it means.

    def __init__(self, folder: Path, number: int) -> None:
        self.number = number
        self.log = folder / LOGS / f"worker-{number}.log"
        self.task: Task | None = None
        self.begin = self.log.stat().st_size if self.log.exists() else 0  # of what the present task has said, in the log
        self.runs = 0
        self.is_ready = False
        self.buffer = FrameBuffer()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gcg_quant.backtest.sweep.worker", str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert self.process.stdout is not None
        self.answers = self.process.stdout.fileno()

    def give(self, task: Task) -> None:
        """Send a task; a worker that is dead already is noticed by its closed output."""
        self.task = task
        self.begin = self.log.stat().st_size
        self.runs += 1
        with contextlib.suppress(BrokenPipeError):
            assert self.process.stdin is not None
            self.process.stdin.write(pack(task))
            self.process.stdin.flush()

    def close(self) -> None:
        """Tell the worker that no more comes."""
        with contextlib.suppress(BrokenPipeError):
            assert self.process.stdin is not None
            self.process.stdin.close()

    def end(self) -> None:
        """Make sure that the process is gone."""
        self.close()
        try:
            self.process.wait(END_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    @property
    def how_it_ended(self) -> str:
        """The signal or exit code of the dead process."""
        code = self.process.returncode
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    @property
    def last_words(self) -> str:
        """The last line that the task has left in the worker's log, with a colon before it, if there is any."""
        with self.log.open("rb") as log:
            log.seek(max(self.begin, self.log.stat().st_size - LAST_WORDS))
            text = log.read().decode(errors="replace").strip()
        return f": {text.rpartition(chr(10))[2]}" if text else ""
