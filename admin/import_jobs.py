"""Imports that run beside everything else: one file after the other, each with its progress, and nothing half if one is broken off."""

from __future__ import annotations

import contextlib
import queue
import secrets
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import msgspec

from gcg_quant.clock import now_ns
from gcg_quant.errors import ComponentError, GcgQuantError, ImportFileError, StorageError
from gcg_quant.settings import Settings

from ..data_collector import ImportOptions, Progress
from ..data_storage.files.imports import ImportRegistry, ImportRow
from ..data_storage.sql.database import Database
from .home import Home
from .importing import ImportOutcome, import_file

__all__ = ["ImportJob", "ImportJobs"]

_READING = 0.7  # of the way: the rest is storing
_KEPT = 200  # jobs that are over
_WAITING = 100  # jobs that may wait
_REFUSALS = 100  # refused rows that are told one by one
_REGISTER_S = 2.0  # how long what the database says of earlier imports is believed


class ImportJob(msgspec.Struct):
    """An import: `state` is "waiting", "reading", "done", "failed" or "cancelled"; `progress` goes from 0 to 1.

    `stored` and `refused` count rows of the file, `records` what the database made of them; `option` names what has to be said about
    the file; `earlier` is when the same content was imported before, and nothing was stored again.
    """

    id: str
    file: str
    state: str = "waiting"
    progress: float = 0.0
    rows: int = 0
    stored: int = 0
    refused: int = 0
    records: dict[str, int] = {}
    reasons: dict[str, int] = {}
    refusals: list[dict[str, Any]] = []
    instruments: list[str] = []
    notes: dict[str, int] = {}
    error: str = ""
    option: str = ""
    earlier: str = ""
    number: int = 0
    size: int = 0
    started_ns: int = 0
    finished_ns: int = 0

    @property
    def over(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state not in ("waiting", "reading")


class _Cancelled(Exception):
    """Somebody does not want it any more."""


class ImportJobs:
    """The imports of one process. From any thread; they run on one of their own, in the order in which they came.

    A file lies in a folder of its own below the home until its import is over. What a process that was killed has left there is removed,
    with all rows of it, and shown as failed.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._home = Home(settings.home)
        self._uploads = self._home.imports / "uploads"
        self._lock = threading.Lock()
        self._jobs: dict[str, ImportJob] = {}
        self._cancelled: set[str] = set()
        self._queue: queue.Queue[tuple[ImportJob, Path, ImportOptions] | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._register: tuple[float, list[ImportJob]] = (0.0, [])
        self._left_over()

    # ---- for whoever asks

    def place(self, name: str) -> tuple[str, Path]:
        """Return a new job's id, and where its file is to be written.

        Raises:
            ComponentError: too many wait already.
        """
        with self._lock:
            if sum(not job.over for job in self._jobs.values()) >= _WAITING:
                raise ComponentError(f"{_WAITING} imports wait already: let some of them end first.")
        job_id = secrets.token_hex(6)
        folder = self._uploads / job_id
        folder.mkdir(mode=0o700, parents=True)
        return job_id, folder / name

    def forget(self, job_id: str) -> None:
        """Remove what was written at a place that no job comes of."""
        shutil.rmtree(self._uploads / job_id, ignore_errors=True)

    def add(self, job_id: str, path: Path, options: ImportOptions) -> ImportJob:
        """Import the file that was written at a place, as soon as those before it are over; return its job."""
        job = ImportJob(id=job_id, file=path.name, size=path.stat().st_size, started_ns=now_ns())
        with self._lock:
            self._jobs[job_id] = job
            over = [one.id for one in self._jobs.values() if one.over]
            for old in over[:-_KEPT]:
                del self._jobs[old]
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="imports", daemon=True)
                self._thread.start()
        self._queue.put((job, path, options))
        return job

    def rows(self) -> list[ImportJob]:
        """Return every import, newest first: those of this process, and what the database knows of earlier ones."""
        with self._lock:
            mine = [msgspec.structs.replace(job) for job in self._jobs.values()]
        numbers = {job.number for job in mine}
        return [*reversed(mine), *(job for job in self._earlier() if job.number not in numbers)]

    def find(self, job_id: str) -> ImportJob:
        """Return an import. Raises ComponentError: there is none of that id."""
        for job in self.rows():
            if job.id == job_id:
                return job
        raise ComponentError(f"There is no import {job_id!r}.", job=job_id)

    def cancel(self, job_id: str, timeout_s: float = 10.0) -> ImportJob:
        """Break an import off, so that nothing of it is stored, and return it.

        Raises:
            ComponentError: there is none of that id, or it is over.
        """
        job = self.find(job_id)
        if job.over:
            how = f": its rows go with `data delete --import {job.number}`" if job.state == "done" and job.number else ""
            raise ComponentError(f"Import {job_id} is {job.state}{how}.", job=job_id)
        self._cancelled.add(job_id)
        deadline = time.monotonic() + timeout_s
        while not self.find(job_id).over and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.find(job_id)

    def close(self) -> None:
        """Break off what runs and end the thread."""
        self._cancelled.update(self._jobs)
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(10)

    # ---- on its thread

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            job, path, options = item
            try:
                self._import(job, path, options)
            except _Cancelled:
                self._end(job, "cancelled", "Somebody has cancelled it: nothing of it is stored.")
            except ImportFileError as error:
                job.option = str(error.context.get("option", ""))
                self._end(job, "failed", _without_folder(str(error), path))
            except GcgQuantError as error:
                self._end(job, "failed", _without_folder(str(error), path))
            except Exception as error:  # whatever a file makes a reader do: the next one is imported all the same
                self._end(job, "failed", f"{path.name} could not be imported: {type(error).__name__}: {_without_folder(str(error), path)}")
            finally:
                self.forget(job.id)

    def _import(self, job: ImportJob, path: Path, options: ImportOptions) -> None:
        self._look(job)
        job.state = "reading"

        def reading(progress: Progress) -> None:
            self._look(job)
            job.rows = progress.rows
            job.progress = _READING * min(1.0, progress.bytes_done / max(progress.bytes_total, 1))

        def storing(done: int, total: int) -> None:
            self._look(job)
            job.progress = _READING + (1 - _READING) * min(1.0, done / max(total, 1))

        with contextlib.closing(Database(self._settings.database.url, home=self._settings.home)) as database:
            outcome = import_file(self._home, database, path, options, reading, storing)
            job.number = outcome.number
        _take(job, outcome)
        self._end(job, "done")

    def _look(self, job: ImportJob) -> None:
        if job.id in self._cancelled:
            raise _Cancelled

    def _end(self, job: ImportJob, state: str, error: str = "") -> None:
        job.error, job.finished_ns = error, now_ns()
        if state == "done":
            job.progress = 1.0
        else:
            job.number = 0
        job.state = state
        self._cancelled.discard(job.id)
        self._register = (0.0, [])

    # ---- what was before

    def _left_over(self) -> None:
        folders = sorted(self._uploads.glob("*")) if self._uploads.is_dir() else []
        for folder in folders:
            name = next((path.name for path in folder.glob("*")), "a file")
            error = "The system was stopped while it was being imported: nothing of it is stored, import it again."
            self._jobs[folder.name] = ImportJob(id=folder.name, file=name, state="failed", error=error, finished_ns=now_ns())
            shutil.rmtree(folder, ignore_errors=True)
        if folders:
            with contextlib.suppress(StorageError), self._database() as database:
                ImportRegistry(database).clean()

    def _earlier(self) -> list[ImportJob]:
        at, rows = self._register
        if time.monotonic() - at < _REGISTER_S:
            return rows
        found: list[ImportJob] = []
        with contextlib.suppress(StorageError), self._database(read_only=True) as database:  # nothing stored yet, or a server that is away
            register = ImportRegistry(database).rows()
            found = [_of_register(row) for row in reversed(register) if row.status != "running" or not self._is_ours(row)]
        self._register = (time.monotonic(), found)
        return found

    def _is_ours(self, row: ImportRow) -> bool:
        return self._uploads in Path(row.path).parents

    def _database(self, read_only: bool = False) -> contextlib.closing[Database]:
        return contextlib.closing(Database(self._settings.database.url, home=self._settings.home, read_only=read_only))


def _take(job: ImportJob, outcome: ImportOutcome) -> None:
    report = outcome.report
    job.rows, job.earlier = report.rows, outcome.earlier
    job.stored = 0 if outcome.earlier else report.stored_rows
    job.refused, job.reasons = report.refused_rows, dict(report.reasons)
    job.refusals = [msgspec.to_builtins(one) for one in report.refusals[:_REFUSALS]]
    job.records, job.instruments, job.notes = dict(outcome.stored), list(report.instruments), dict(report.notes)


def _of_register(row: ImportRow) -> ImportJob:
    report = row.report
    return ImportJob(
        id=str(row.number),
        file=Path(row.path).name,
        state={"running": "reading", "partial": "done"}.get(row.status, row.status),
        progress=0.0 if row.status == "running" else 1.0,
        rows=int(report.get("rows", 0)),
        stored=int(report.get("stored_rows", 0)),
        refused=int(report.get("refused_rows", 0)),
        records=dict(report.get("records", {})),
        reasons=dict(report.get("reasons", {})),
        refusals=list(report.get("refusals", ()))[:_REFUSALS],
        instruments=list(report.get("instruments", ())),
        notes=dict(report.get("notes", {})),
        number=row.number,
        started_ns=row.started_ns,
        finished_ns=row.finished_ns or 0,
    )


def _without_folder(text: str, path: Path) -> str:
    # Where the upload lies is nobody's business.
    return text.replace(f"{path.parent}/", "")
