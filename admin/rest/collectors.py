"""Collectors under /api/v1/collectors: what they bring, and the symbols that they are asked for."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from gcg_quant.bus import EventBus

from ...visualization.problems import problems
from ..changes.component_change import subscribe
from ..monitor import Monitor
from ..reports.component_report import collector_rows
from .answers import answered
from .model import Model, Ns
from .paging import PAGED, Page

__all__ = ["create_collectors_router"]


class GapTold(Model):
    """A gap that a collector has told of."""

    symbol: str
    venue: str
    kind: str
    start_ns: int
    end_ns: int
    missing: int | None = Field(description="messages, where the venue counts them")
    detail: str


class Collector(Model):
    """A collector."""

    collector: str
    venue: str
    state: str
    kind: str = Field(description="as [[collectors.run]] names it; empty for the system's own")
    connection: str | None = Field(
        description="connecting, connected, waiting (for the next attempt), refused or idle; null where there is none"
    )
    connection_since_ns: Ns | None
    detail: str = Field(description="why it is not connected")
    faults: dict[str, int] = Field(description="what could not be used, by kind, since it was started")
    reconnects: int
    clock_offset_s: float | None = Field(description="the venue's clock less ours, s")
    history: float | None = Field(description="the share of the history that is filled in, 0 to 1; null where none is asked for")
    symbols: list[str]
    counts: dict[str, int] = Field(description="records by kind, since it was started")
    events_per_s: float | None
    last_event_ns: Ns | None = Field(description="when its last record came, to the second")
    gaps: int = Field(description="gaps that it has told of since the system started")
    recent_gaps: list[GapTold]


class Subscription(Model):
    """A symbol that is to be collected, or no longer."""

    symbol: Annotated[str, Field(min_length=1, max_length=80)]
    venue: Annotated[str, Field(max_length=32, description="empty = any")] = ""
    subscribe: bool = True


class Subscribed(Model):
    """What a collector has answered."""

    symbol: str
    venue: str
    subscribe: bool
    collector: str
    detail: str


def create_collectors_router(bus: EventBus, monitor: Monitor) -> APIRouter:
    """Return the routes; `monitor` must run on `bus`."""
    router = APIRouter(prefix="/api/v1/collectors", tags=["collectors"])

    @router.get("", response_model=list[Collector], responses=PAGED)
    def rows(page: Page) -> list[dict[str, Any]]:
        """The collectors: venue, symbols, rate, gaps."""
        return page.of(monitor.ask(collector_rows))

    @router.post("/subscribe", response_model=Subscribed, responses=problems(409, 504))
    def change(request: Subscription) -> dict[str, Any]:
        """Ask the collectors for a symbol while they run, or no longer; the first to answer says what it does."""
        symbol, _, named = request.symbol.partition("@")
        venue = request.venue or named
        answer = answered(lambda: subscribe(bus, symbol, venue, request.subscribe))
        return {"symbol": symbol, "venue": venue, "subscribe": request.subscribe, "collector": answer.component, "detail": answer.detail}

    return router
