"""Alerts under /api/v1/alerts: what a person should know, and saying that one has seen it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path
from pydantic import Field

from gcg_quant.bus import EventBus

from ...visualization.problems import problems
from ..monitoring.alert_report import acknowledge
from ..monitoring.performance import PerformanceMonitor
from .answers import answered, found
from .model import Model, Ns
from .paging import PAGED, Page

__all__ = ["create_alerts_router"]

Number = Annotated[int, Field(ge=1, le=(1 << 53) - 1)]
Level = Literal["info", "warning", "critical"]


class AlertRow(Model):
    """An alert, from the first time it was told until it is over."""

    id: Number
    time_ns: Ns
    level: Level
    component: str
    name: str
    message: str = Field(description="what is the matter and what to do, as told last")
    count: int = Field(ge=1, description="how often it was told")
    last_ns: Ns
    over_ns: Ns = Field(description="0 while it lasts")
    state: Literal["lasts", "over"]
    acknowledged: bool
    acknowledged_by: str


def create_alerts_router(bus: EventBus, performance: PerformanceMonitor) -> APIRouter:
    """Return the routes; `performance` must run on `bus`."""
    router = APIRouter(prefix="/api/v1/alerts", tags=["monitoring"])

    @router.get("", responses=PAGED)
    def alerts(page: Page, state: Literal["all", "lasts", "over", "open"] = "all", level: Level = "info") -> list[AlertRow]:
        """The alerts, the newest first; "open" are those that nobody has acknowledged. `level` is the least one shown."""
        levels = ("info", "warning", "critical")
        least = levels.index(level)
        rows = performance.ask(lambda book: [row for row in book.rows(state=state) if levels.index(row["level"]) >= least])
        return page.of([AlertRow(**row) for row in rows])

    @router.post("/{id}/acknowledge", responses=problems(404, 504))
    def seen(id: Annotated[int, Path(ge=1, le=(1 << 53) - 1)]) -> AlertRow:
        """Say that a person has seen an alert; whoever did so first is kept."""
        found(lambda: acknowledge(bus, id, "REST interface", performance.ask))
        rows = answered(lambda: performance.ask(lambda book: [row for row in book.rows() if row["id"] == id]))
        if not rows:
            raise HTTPException(404, f"There is no alert {id} any more.")
        return AlertRow(**rows[0])

    return router
