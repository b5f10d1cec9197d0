"""The journal under /api/v1/journal: what it holds, its newest events, whether it is whole."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, HTTPException, Query

from gcg_quant import journal_check
from gcg_quant.bus import EventBus
from gcg_quant.errors import EventError
from gcg_quant.events import Lane

from ..journal_tail import as_json, newest

__all__ = ["create_journal_router"]


def create_journal_router(bus: EventBus) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/api/v1", tags=["journal"])

    @router.get("/journal/inspect")
    def inspect() -> list[dict[str, Any]]:
        """The journal's lanes at a glance: pages, sizes, records, times, epochs, and what came within the last minute."""
        lanes: list[dict[str, Any]] = msgspec.to_builtins(list(journal_check.survey(bus.path).values()))
        return [{**lane, "lane": Lane(lane["lane"]).name.lower()} for lane in lanes]

    @router.get("/journal/tail")
    def tail(
        lines: int = Query(20, ge=1, le=1000),
        type: list[str] = Query([]),  # noqa: B008 - FastAPI's way to say where a parameter comes from
        symbol: list[str] = Query([]),  # noqa: B008
        source: list[str] = Query([]),  # noqa: B008
    ) -> list[dict[str, Any]]:
        """The newest events, oldest first; `type`, `symbol` and `source` may be repeated."""
        try:
            return [as_json(event) for event in newest(bus, lines, types=type, symbols=symbol, sources=source)]
        except EventError as error:
            raise HTTPException(422, str(error)) from error

    @router.get("/journal/verify")
    def verify() -> dict[str, Any]:
        """Every frame's checksum and number; `damage` names what is not whole, `lost` what a copy could not save."""
        pages = journal_check.verify(bus.path)
        damage = [page["damage"] for page in pages if page["damage"]]
        lost = [place for page in pages for place in page["lost"]]
        return {"pages": len(pages), "events": sum(page["records"] for page in pages), "damage": damage, "lost": lost}

    return router
