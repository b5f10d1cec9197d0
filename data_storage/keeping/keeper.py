"""The keeper: does what keeps a database in order, at its times, in small steps beside whoever records and reads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import select

from gcg_quant.clock import now_ns, to_iso
from gcg_quant.component import Component, event_handler
from gcg_quant.errors import StorageError
from gcg_quant.events import Applied, ConfigChangeEvent
from gcg_quant.keeping_sections import BackupSettings, RetentionSettings, due_ns

from ..schema.models import meta
from .backup import BackupReport, back_up
from .backup_file import remove_file
from .row_pruning import RowPruning
from .rules import rules_of

if TYPE_CHECKING:
    from ..sql.database import Database

__all__ = ["Keeper"]

_LOOK_S = 1.0
_AGAIN_S = 300.0
_PREFIX = "gcg_quant-"
_TURN_S = 0.2  # between two looks at the bus
_LONGEST_PAUSE_S = 0.1
_REST = 1.0  # of a backup: it leaves the disk to others half of the time


class Keeper(Component):
    """Removes old rows by the rules of `[retention]`, and saves the database by `[backup]`.

    When a job ran last stands in the database, so one whose time came while nothing ran is done soon after the start. Half of the time goes
    to pauses, in which the recorder has the database for itself.

    Args:
        database: whose; it stays open when the keeper stops.
        retention, backup: what is done, and when; a change of the settings is taken over while running.
        home: the folder in which backups lie, unless another one is set.
        clock: returns the time in ns.
    """

    capabilities: ClassVar[tuple[str, ...]] = ("keeper",)

    def __init__(
        self,
        database: Database,
        retention: RetentionSettings,
        backup: BackupSettings | None = None,
        *,
        home: str | Path = "gcg_home",
        name: str = "keeper",
        clock: Callable[[], int] = now_ns,
    ) -> None:
        super().__init__(name, wait="sleep", sleep_s=0.05)
        self._database = database
        self._retention = retention
        self._backup = backup or BackupSettings()
        self._home = Path(home)
        self._clock = clock
        self._next_s = 0.0
        self._put_off: dict[str, tuple[str, float]] = {}  # job -> (why it could not be done, when it is tried again)
        self._job = ""
        self._steps: Iterator[object] | None = None

    @event_handler(ConfigChangeEvent)
    def on_config(self, event: ConfigChangeEvent) -> None:
        """Take over changed rules; they hold from the next run on."""
        retention, backup = _of_section(event, "retention"), _of_section(event, "backup")
        if not retention and not backup:
            return
        self._retention = RetentionSettings.model_validate({**self._retention.model_dump(), **retention})
        self._backup = BackupSettings.model_validate({**self._backup.model_dump(), **backup})
        rules = ", ".join(f"{rule.name} {rule.age}" for rule in rules_of(self._retention)) or "every row stays"
        detail = f"retention at {self._retention.at or 'no time'}: {rules}; backup at {self._backup.at or 'no time'}"
        self.publish(Applied(control=event.id, component=self.name, ok=True, detail=detail))

    def on_rest(self, idle: bool) -> None:
        """Do some steps of the job that runs, or look whether the time of one has come."""
        if self._steps is None and time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + _LOOK_S
        try:
            if self._steps is None:
                self._steps = self._next_job()
            self._work()
        except StorageError as error:  # a database that is locked or a disk that is full today may have room tomorrow; say it once
            self._steps = None
            if self._put_off.get(self._job, ("",))[0] != error.message and not self.stopping:
                self.log(f"{self.name} could not do the {self._job}: {error}", level="warning")
            self._put_off[self._job] = error.message, time.monotonic() + _AGAIN_S

    def on_stop(self) -> None:
        """Leave the rest of a job to the next start."""
        self._steps = None

    def _work(self) -> None:
        until = time.monotonic() + _TURN_S
        while self._steps is not None and not self.stopping and time.monotonic() < until:
            begun = time.monotonic()
            if next(self._steps, None) is None:
                self._steps = None
                self._put_off.pop(self._job, None)
            self._stopping.wait(min(time.monotonic() - begun, _LONGEST_PAUSE_S))

    def _next_job(self) -> Iterator[object] | None:
        if self._is_due("backup", self._backup.at):  # before anything is removed
            return self._save()
        return self._remove_old_rows() if self._is_due("retention", self._retention.at) else None

    def _remove_old_rows(self) -> Iterator[object]:
        begun, rules = time.monotonic(), rules_of(self._retention)
        removed = dict.fromkeys(rules, 0)
        for step in RowPruning(self._database, rules, imports=self._retention.imports, clock=self._clock).steps():
            if step.rows:
                removed[step.rule] += step.rows
            yield step
        self._note("retention")
        gone = [f"{rows:,} of {rule.name} (older than {rule.age})" for rule, rows in removed.items() if rows]
        if gone:
            self.log(f"Old rows were removed within {time.monotonic() - begun:,.1f} s: {', '.join(gone)}.")

    def _save(self) -> Iterator[object]:
        # The copy is one long call: a thread of its own does it, and this one goes on being seen as alive.
        folder = Path(self._backup.folder) if self._backup.folder else self._home / "backups"
        stamp = to_iso(self._clock()).replace("-", "").replace(":", "")[:15]
        path = folder / f"{_PREFIX}{stamp}Z.db{'.zst' if self._backup.compress == 'zstd' else ''}"
        for left in folder.glob(f"{_PREFIX}*.part*"):  # by a process that was killed
            left.unlink(missing_ok=True)
        outcome: list[BackupReport | Exception] = []

        def work() -> None:
            try:
                outcome.append(back_up(self._database, path, rest=_REST, stopped=lambda: self.stopping))
            except Exception as error:  # told by the component's own thread
                outcome.append(error)

        worker = threading.Thread(target=work, name=f"{self.name} backup", daemon=True)
        worker.start()
        while worker.is_alive():
            worker.join(_LONGEST_PAUSE_S)
            yield path
        (report,) = outcome
        if isinstance(report, Exception):
            raise report
        self._note("backup")
        self.log(f"The database was saved: {path}, {report.rows:,} rows, {report.bytes / 1e6:,.1f} MB, {report.seconds:,.1f} s.")
        ours = sorted(file for file in folder.glob(f"{_PREFIX}*Z.db*") if file.suffix in (".db", ".zst"))
        for old in ours[: -self._backup.keep]:
            remove_file(old)

    # ---- when a job ran last

    def _is_due(self, job: str, at: str | None) -> bool:
        self._job, due = job, due_ns(at, self._clock())
        if not due or time.monotonic() < self._put_off.get(job, ("", 0.0))[1]:
            return False
        with self._database.reading() as connection:
            ran = connection.scalar(select(meta.c.value).where(meta.c.name == f"{job}_ran_ns"))
        if ran is None:  # a rule that is new does not begin its work in the middle of the day
            self._note(job)
            return False
        return int(ran) < due

    def _note(self, job: str) -> None:
        mine = meta.c.name == f"{job}_ran_ns"
        with self._database.writing() as connection:
            if not connection.execute(meta.update().where(mine).values(value=str(self._clock()))).rowcount:
                connection.execute(meta.insert().values(name=f"{job}_ran_ns", value=str(self._clock())))


def _of_section(event: ConfigChangeEvent, section: str) -> dict[str, object]:
    prefix = f"{section}."
    return {key.removeprefix(prefix): value for key, value in event.changes.items() if key.startswith(prefix)}
