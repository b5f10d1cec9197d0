"""Restarting a whole process group because somebody asks: a step at each look of the supervisor, which goes on watching meanwhile."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol

import msgspec

from gcg_quant.bus import EventBus
from gcg_quant.errors import nearest
from gcg_quant.events import Applied, ComponentControlEvent, SystemEvent

__all__ = ["GroupRestarts", "Restartable"]

_STOP_S = 5.0  # a group that has not ended by then is killed
_START_S = 30.0
_ANSWER_S = 0.3  # that an answer needs to leave through a server which is about to be restarted


class Restartable(Protocol):
    """A group that can be ended and started again."""

    def terminate(self) -> None:
        """Ask it to end."""
        ...

    def dead(self) -> bool:
        """Return whether it has ended."""
        ...

    def reap(self, deadline: float) -> bool:
        """Wait until the deadline, then kill it; return whether it ended by itself."""
        ...

    def spawn(self) -> None:
        """Start it."""
        ...


class _Job(msgspec.Struct):
    event: ComponentControlEvent
    stage: str  # "asked", "ending" or "starting"
    until: float
    answered: bool = False


class GroupRestarts:
    """The restarts that are asked for and going on. They are no deaths: none counts as one. One thread.

    Args:
        bus: where they are asked for and answered.
        groups: what can be restarted, by name; it may grow.
        serving: the names of the groups through whose server somebody may be asking: these are answered before they end.
    """

    def __init__(self, bus: EventBus, groups: Mapping[str, Restartable], serving: frozenset[str]) -> None:
        self._bus = bus
        self._groups = groups
        self._serving = serving
        self._jobs: dict[str, _Job] = {}
        self._reader = bus.reader(events=[ComponentControlEvent, SystemEvent], start="end", wait="sleep")

    def is_going_on(self, group: str) -> bool:
        """Return whether a group is ending or starting because of us, so that its end is no death."""
        return group in self._jobs and self._jobs[group].stage != "starting"

    def look(self) -> None:
        """Take in what is asked for, and do the next step of what is going on."""
        for event in self._reader:
            if isinstance(event, ComponentControlEvent) and event.group:
                self._ask(event)
            elif isinstance(event, SystemEvent) and event.action == "group_started":
                self._started(event.component)
        for name in list(self._jobs):
            self._step(name, self._jobs[name])

    def close(self) -> None:
        """Look no more."""
        self._reader.close()

    def _ask(self, event: ComponentControlEvent) -> None:
        refusal = ""
        if event.group not in self._groups:
            refusal = f"There is no group {event.group!r}.{nearest(event.group, self._groups)}"
        elif event.action != "restart":
            refusal = f"A group can be restarted, not {event.action!r}: start and stop its components."
        elif event.group in self._jobs:
            refusal = f"Group {event.group} is being restarted already."
        if refusal:
            self._answer(event, False, refusal)
            return
        job = self._jobs[event.group] = _Job(event, "asked", 0.0)
        if event.group in self._serving:
            job.answered = True
            job.until = time.monotonic() + _ANSWER_S
            self._answer(event, True, f"group {event.group} is being restarted")

    def _step(self, name: str, job: _Job) -> None:
        group, now = self._groups[name], time.monotonic()
        if job.stage == "asked" and now >= job.until:
            self._bus.publish(SystemEvent(action="group_restarting", component=name, detail=job.event.origin), cause=job.event.id)
            job.stage, job.until = "ending", now + _STOP_S
            group.terminate()
        if job.stage == "ending" and (group.dead() or now >= job.until):
            ended = group.reap(now)
            job.stage, job.until = "starting", now + _START_S
            if not ended:
                self._bus.publish(SystemEvent(action="group_killed", component=name, detail="it did not end in time"), cause=job.event.id)
            group.spawn()
        if job.stage == "starting" and (group.dead() or now >= job.until):
            self._end(name, False, f"Group {name} did not come back: see its log in the home folder.")

    def _started(self, name: str) -> None:
        if name in self._jobs and self._jobs[name].stage == "starting":
            self._end(name, True, f"group {name} was restarted")

    def _end(self, name: str, ok: bool, detail: str) -> None:
        job = self._jobs.pop(name)
        if not job.answered:
            self._answer(job.event, ok, detail)

    def _answer(self, event: ComponentControlEvent, ok: bool, detail: str) -> None:
        self._bus.publish(Applied(control=event.id, component="supervisor", ok=ok, detail=detail), cause=event.id)
