"""A Dask cluster as the workers of a sweep. Needs the extra `gcg_quant[dask]`."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from gcg_quant import __version__
from gcg_quant.errors import BacktestError, GcgQuantError

from .pool import OnRow
from .runner import PLAN, SweepRunner
from .table import Row
from .worker import Task

__all__ = ["DaskPool"]

CONNECT_S = 10.0
AHEAD = 3  # tasks a thread of the cluster is given at a time: the next one is there when one is done

_lock = threading.Lock()
_runners: dict[tuple[str, str], SweepRunner] = {}


class DaskPool:
    """The workers of a Dask cluster, by the address of its scheduler, "HOST:PORT".

    They read the sweep's folder: it must be there for all of them, by the same path, on one machine or on a file system that they
    share; each machine holds the bars once. They need this version of gcg_quant. A process computes one run at a time, whatever its
    number of threads, so start it with `dask worker HOST:PORT --nthreads 1 --nworkers N`. A run whose workers die again and again
    (Dask's `allowed-failures`) is given up, and its row says so.

    Raises:
        BacktestError: Dask is not installed.
    """

    def __init__(self, address: str) -> None:
        self.address = address if "://" in address else f"tcp://{address}"
        try:
            import distributed
        except ImportError:
            raise BacktestError("Dask is not installed: install the extra with `pip install 'gcg_quant[dask]'`.") from None
        self._distributed: Any = distributed

    def run(self, folder: Path, tasks: Iterable[Task], on_row: OnRow) -> None:
        """Compute all tasks of the sweep in `folder`.

        Raises:
            BacktestError: nobody answers at the address; no worker; a worker of another version, or one that does not see the folder.
        """
        waiting = iter(tasks)
        plan = hashlib.sha256((folder / PLAN).read_bytes()).hexdigest() if (folder / PLAN).is_file() else ""
        with self._client() as client:
            threads = self._check(client, folder)
            running = self._distributed.as_completed([], with_results=False, raise_errors=False, loop=client.loop)
            sent: dict[str, Task] = {}

            def send() -> None:
                if (task := next(waiting, None)) is not None:
                    future = client.submit(compute, str(folder), plan, task.number, task.parameters, pure=False)
                    sent[future.key] = task
                    running.add(future)

            try:
                for _ in range(threads * AHEAD):
                    send()
                for future in running:
                    task = sent.pop(future.key)
                    on_row(self._row(future, task))
                    send()
            finally:
                client.cancel(list(running.futures))

    def _client(self) -> Any:
        try:
            return self._distributed.Client(self.address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise BacktestError(
                f"No Dask scheduler answers at {self.address}: start one with `dask scheduler`, or check host and port.",
                address=self.address,
            ) from error

    def _check(self, client: Any, folder: Path) -> int:
        threads: dict[str, int] = client.nthreads()
        if not threads:
            raise BacktestError(f"The Dask cluster at {self.address} has no worker: start some with `dask worker`.", address=self.address)
        try:
            found: dict[str, tuple[str, bool]] = client.run(look, str(folder))
        except ModuleNotFoundError as error:
            raise BacktestError(f"A worker of {self.address} lacks a package ({error}): install gcg_quant there, too.") from error
        for worker, (version, sees) in found.items():
            if version != __version__:
                raise BacktestError(
                    f"The Dask worker {worker} has gcg_quant {version}, here is {__version__}: install the same.", worker=worker
                )
            if not sees:
                raise BacktestError(
                    f"The Dask worker {worker} does not see {folder}: let it share this folder, or put --home where it can.", worker=worker
                )
        return sum(threads.values())

    def _row(self, future: Any, task: Task) -> Row:
        if future.status == "finished":
            return msgspec.msgpack.decode(future.result(), type=Row)
        error = future.exception()
        if isinstance(error, self._distributed.KilledWorker):
            text = "The run ended its Dask worker again and again."
        elif isinstance(error, GcgQuantError):
            raise error  # not of this run, but of all: damaged bars, no plan
        else:  # the scheduler is gone, or lets nothing be computed any more
            why = f"{type(error).__name__}: {error}"
            raise BacktestError(
                f"The Dask cluster at {self.address} has lost a run ({why}): go on with --resume when it is well.", address=self.address
            )
        return Row(number=task.number, parameters=task.parameters, error=text)


def look(folder: str) -> tuple[str, bool]:
    """Return a worker's version, and whether it sees the sweep's folder."""
    return __version__, (Path(folder) / PLAN).is_file()


def compute(folder: str, plan: str, number: int, parameters: dict[str, Any]) -> bytes:
    """Return the row of one combination, packed; the bars stay mapped for the next one of the same sweep.

    `plan` is the SHA-256 of its plan: a cluster outlives sweeps, and another one may have been begun in the same folder.
    """
    key = folder, plan
    with _lock:  # loading strategy files changes what the whole process sees
        if key not in _runners:
            _runners.clear()
            _runners[key] = SweepRunner(Path(folder))
        return msgspec.msgpack.encode(_runners[key].run(number, parameters))
