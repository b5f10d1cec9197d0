"""The keeper: does what keeps a database in order, at its times, in small steps beside whoever records and reads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import select

from gcg_quant.clock import now_ns
from gcg_quant.component import Component, event_handler
from gcg_quant.errors import StorageError
from gcg_quant.events import Applied, ConfigChangeEvent
from gcg_quant.keeping_sections import RetentionSettings, due_ns

from ..schema.models import meta
from .row_pruning import RowPruning
from .rules import rules_of

if TYPE_CHECKING:
    from ..sql.database import Database

__all__ = ["Keeper"]

_LOOK_S = 1.0
_AGAIN_S = 60.0
_TURN_S = 0.2  # between two looks at the bus
_LONGEST_PAUSE_S = 0.1
_RETENTION = "retention"


class Keeper(Component):
    """Removes old rows by the rules of `[retention]`.

    When a job ran last stands in the database, so one whose time came while nothing ran is done soon after the start. Half of the time goes
    to pauses, in which the recorder has the database for itself.

    Args:
        database: whose; it stays open when the keeper stops.
        retention: the rules and their time; a change of the settings is taken over while running.
        clock: returns the time in ns.
    """

    capabilities: ClassVar[tuple[str, ...]] = ("keeper",)

    def __init__(
        self, database: Database, retention: RetentionSettings, *, name: str = "keeper", clock: Callable[[], int] = now_ns
    ) -> None:
        super().__init__(name, wait="sleep", sleep_s=0.05)
        self._database = database
        self._retention = retention
        self._clock = clock
        self._next_s = 0.0
        self._failure = ""
        self._steps: Iterator[object] | None = None

    @event_handler(ConfigChangeEvent)
    def on_config(self, event: ConfigChangeEvent) -> None:
        """Take over changed rules; they hold from the next run on."""
        prefix = f"{_RETENTION}."
        changes = {key.removeprefix(prefix): value for key, value in event.changes.items() if key.startswith(prefix)}
        if not changes:
            return
        self._retention = RetentionSettings.model_validate({**self._retention.model_dump(), **changes})
        rules = ", ".join(f"{rule.name} {rule.age}" for rule in rules_of(self._retention)) or "no rule: every row stays"
        self.publish(Applied(control=event.id, component=self.name, ok=True, detail=f"retention: {rules}"))

    def on_rest(self, idle: bool) -> None:
        """Do some steps of the job that runs, or look whether the time of one has come."""
        if self._steps is None and time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + _LOOK_S
        try:
            if self._steps is None and self._is_due(_RETENTION, self._retention.at):
                self._steps = self._remove_old_rows()
            self._work()
        except StorageError as error:  # a database that is locked or away today may be there in a minute; say it once
            self._steps, self._next_s = None, time.monotonic() + _AGAIN_S
            if self._failure != error.message:
                self._failure = error.message
                self.log(f"{self.name} could not do its work: {error}", level="warning")

    def on_stop(self) -> None:
        """Leave the rest of a job to the next start."""
        self._steps = None

    def _work(self) -> None:
        until = time.monotonic() + _TURN_S
        while self._steps is not None and not self.stopping and time.monotonic() < until:
            begun = time.monotonic()
            if next(self._steps, None) is None:
                self._steps, self._failure = None, ""
            self._stopping.wait(min(time.monotonic() - begun, _LONGEST_PAUSE_S))

    def _remove_old_rows(self) -> Iterator[object]:
        begun, rules = time.monotonic(), rules_of(self._retention)
        removed = dict.fromkeys(rules, 0)
        for step in RowPruning(self._database, rules, imports=self._retention.imports, clock=self._clock).steps():
            if step.rows:
                removed[step.rule] += step.rows
            yield step
        self._note(_RETENTION)
        gone = [f"{rows:,} of {rule.name} (older than {rule.age})" for rule, rows in removed.items() if rows]
        if gone:
            self.log(f"Old rows were removed within {time.monotonic() - begun:,.1f} s: {', '.join(gone)}.")

    # ---- when a job ran last

    def _is_due(self, job: str, at: str | None) -> bool:
        due = due_ns(at, self._clock())
        if not due:
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
