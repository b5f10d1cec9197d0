"""The journal under /api/v1/journal: what it holds, its newest events, whether it is whole."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, HTTPException, Query
from pydantic import Field, JsonValue

from gcg_quant import journal_check
from gcg_quant.bus import EventBus
from gcg_quant.errors import EventError
from gcg_quant.events import Lane

from ..reports.journal_tail import as_json, newest
from .paging import PAGED, Page
from .system_models import JournalCheck, LaneRow

__all__ = ["create_journal_router"]

Name = Annotated[str, Field(max_length=120)]


def create_journal_router(bus: EventBus) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/api/v1", tags=["journal"])

    @router.get("/journal/inspect", responses=PAGED)
    def inspect(page: Page) -> list[LaneRow]:
        """The journal's lanes at a glance: pages, sizes, records, times, epochs, and what came within the last minute."""
        lanes: list[dict[str, Any]] = msgspec.to_builtins(list(journal_check.survey(bus.path).values()))
        return page.of([LaneRow(**{**lane, "lane": Lane(lane["lane"]).name.lower()}) for lane in lanes])

    @router.get("/journal/tail")
    def tail(
        lines: Annotated[int, Query(ge=1, le=1000, description="so many of the newest")] = 20,
        type: Annotated[list[Name], Query(max_length=50, description="event classes, such as Fill")] = [],  # noqa: B006
        symbol: Annotated[list[Name], Query(max_length=50, description="BTC/USDT, BTC/USDT@SIM or patterns")] = [],  # noqa: B006
        source: Annotated[list[Name], Query(max_length=50, description="who published them")] = [],  # noqa: B006
    ) -> list[dict[str, JsonValue]]:
        """The newest events, oldest first; `type`, `symbol` and `source` may be repeated."""
        try:
            return [as_json(event) for event in newest(bus, lines, types=type, symbols=symbol, sources=source)]
        except EventError as error:
            raise HTTPException(422, str(error)) from error

    @router.get("/journal/verify")
    def verify() -> JournalCheck:
        """Every frame's checksum and number; `damage` names what is not whole, `lost` what a copy could not save."""
        pages = journal_check.verify(bus.path)
        damage = [page["damage"] for page in pages if page["damage"]]
        lost = [place for page in pages for place in page["lost"]]
        return JournalCheck(pages=len(pages), events=sum(page["records"] for page in pages), damage=damage, lost=lost)

    return router
