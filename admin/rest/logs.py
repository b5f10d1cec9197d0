"""The log under /api/v1/logs: what components say, and the alerts."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from gcg_quant.bus import EventBus

from ..monitoring.log_lines import LogFilter, log_lines
from .model import Model, Ns

__all__ = ["create_logs_router"]

Level = Literal["debug", "info", "warning", "error", "critical"]


class LogLine(Model):
    """A line of the log."""

    id: int = Field(ge=1, description="its number in the log lane: ask for what comes behind it by `after`")
    time_ns: Ns
    level: str
    component: str
    message: str
    about: str = Field(description="the event that it concerns, such as 'market #1204'; empty for none")
    detail: str = Field(description="a traceback, if there is one")
    alert: str = Field(description="the alert's name, if it is one")


def create_logs_router(bus: EventBus) -> APIRouter:
    """Return the route."""
    router = APIRouter(prefix="/api/v1/logs", tags=["monitoring"])

    @router.get("")
    def logs(
        level: Annotated[Level, Query(description="this level or worse")] = "debug",
        component: Annotated[str, Query(max_length=80)] = "",
        text: Annotated[str, Query(max_length=200, description="in the message or its detail, in whatever case")] = "",
        after: Annotated[int, Query(ge=0, le=(1 << 53) - 1, description="only lines behind this one, the oldest first page")] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> list[LogLine]:
        """The newest lines that match, the newest last; with `after` the next ones behind that line."""
        return [LogLine(**line) for line in log_lines(bus, LogFilter(level, component, text), limit=limit, after=after)]

    return router
