"""Groups and components under /api/v1: what runs, and starting, stopping and restarting it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path
from pydantic import Field

from gcg_quant.bus import EventBus

from ...visualization.problems import problems
from ..changes.component_change import change_component, component_named, group_named, restart_group
from ..monitor import Monitor
from ..reports.component_report import component_rows, group_rows
from .answers import answered, found
from .model import Model, Ns
from .paging import PAGED, Page

__all__ = ["create_components_router"]

_ORIGIN = "REST interface"
_SERVES = {"web", "monitor"}  # without them no answer comes
Name = Annotated[str, Path(max_length=80)]
Number = float | None


class Group(Model):
    """A process group."""

    group: str
    pid: int | None
    state: str = Field(description="running, restarting, died or stopped")
    since_ns: Ns
    memory_bytes: int | None = Field(description="proportional set size of its process; null while it is not known")
    cpu: Number = Field(description="processors in use, over the last second")
    restarts: int = Field(description="how often it was started again since the system started")
    detail: str
    components: list[str]


class ComponentRow(Model):
    """A component."""

    component: str
    group: str
    state: str = Field(description="running, stopped or failed")
    by_hand: bool = Field(description="somebody has stopped it")
    capabilities: list[str]
    lag: int = Field(description="events that wait for it")
    handled: int
    errors: int
    events_per_s: Number
    mean_us: Number
    max_us: Number
    busy_s: Number = Field(description="since when it is at what it is doing now, s")
    behind_s: Number = Field(description="age of the oldest event that is not where it belongs yet, s; null where there is no such place")
    since_ns: Ns
    if_stopped: str = Field(description="what stopping it means, as half a sentence")


class Changed(Model):
    """What became of a component or group."""

    name: str
    action: str
    detail: str = Field(description="what was done, and what follows from it")


def create_components_router(bus: EventBus, monitor: Monitor) -> APIRouter:
    """Return the routes; `monitor` must run on `bus`."""
    router = APIRouter(prefix="/api/v1", tags=["components"])

    @router.get("/groups", response_model=list[Group], responses=PAGED)
    def groups(page: Page) -> list[dict[str, Any]]:
        """The process groups: memory, processors, restarts."""
        return page.of(monitor.ask(group_rows))

    @router.post("/groups/{group}/restart", response_model=Changed, responses=problems(404, 409, 504))
    def restart(group: Name) -> dict[str, str]:
        """Restart a group's process; the one that serves this answers before it ends."""
        found(lambda: monitor.ask(lambda view: group_named(group_rows(view), group)))
        answer = answered(lambda: restart_group(bus, group, _ORIGIN))
        return {"name": group, "action": "restart", "detail": answer.detail}

    @router.get("/components", response_model=list[ComponentRow], responses=PAGED)
    def components(page: Page) -> list[dict[str, Any]]:
        """The components: state, rate, lag, time per event, errors."""
        return page.of(monitor.ask(component_rows))

    @router.post("/components/{name}/{action}", response_model=Changed, responses=problems(404, 409, 504))
    def change(name: Name, action: Literal["start", "stop", "restart"]) -> dict[str, str]:
        """Start, stop or restart a component; the answer says what follows from it."""
        row = found(lambda: monitor.ask(lambda view: component_named(component_rows(view), name)))
        if action == "stop" and _SERVES & set(row["capabilities"]):
            raise HTTPException(
                409, f"{name} serves this page, which could not start it again: restart it here, or stop it with the console."
            )
        answer = answered(lambda: change_component(bus, action, name, _ORIGIN))
        return {"name": name, "action": action, "detail": answer.detail}

    return router
