"""The system under /api/v1/system: what runs, and how it does."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from gcg_quant.bus import EventBus

from ..monitor import Monitor
from ..status import system_status

__all__ = ["create_system_router"]


def create_system_router(bus: EventBus, monitor: Monitor) -> APIRouter:
    """Return the routes; a monitor must run on `bus`."""
    router = APIRouter(prefix="/api/v1", tags=["system"])

    @router.get("/system/status")
    def status() -> dict[str, Any]:
        """Processes, components with their lag, readers, accounts, recent problems."""
        answer: dict[str, Any] = monitor.ask(lambda view: system_status(view, bus))
        return answer

    return router
