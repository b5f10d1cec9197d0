"""The chain behind an event under /api/v1/chain."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path
from pydantic import BaseModel

from gcg_quant.bus import EventBus
from gcg_quant.errors import EventError

from .lineage import chain, event_id

__all__ = ["create_chain_router"]

Fact = str | int | float | bool | list[str]


class Step(BaseModel):
    """One event of a chain."""

    kind: str
    event: str
    time_ns: int | None
    since_ms: float | None
    text: str
    facts: dict[str, Fact]


def create_chain_router(bus: EventBus) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/api/v1", tags=["charts"])

    @router.get("/chain/{event}")
    def steps(event: Annotated[str, Path(max_length=40)]) -> list[Step]:
        """Return what led to an event, and what became of it: tick, signal, request, risk, order, fill, the oldest first.

        `event` is its number in the market lane (1204871), or lane and number (control-17). What is no longer there is of the kind "gone".
        """
        try:
            number = event_id(event)
        except EventError as error:
            raise HTTPException(422, str(error)) from error
        try:
            found = chain(bus, number)
        except EventError as error:
            raise HTTPException(404, str(error)) from error
        return [
            Step(kind=one.kind, event=one.event, time_ns=one.time_ns, since_ms=one.since_ms, text=one.text, facts=one.facts)
            for one in found
        ]

    return router
