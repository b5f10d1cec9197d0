"""The system under /api/v1/system: what runs, and how it does."""

from __future__ import annotations

from fastapi import APIRouter

from gcg_quant.bus import EventBus

from ..monitor import Monitor
from ..views.status import system_status
from .system_models import SystemStatus

__all__ = ["create_system_router"]


def create_system_router(bus: EventBus, monitor: Monitor) -> APIRouter:
    """Return the routes; a monitor must run on `bus`."""
    router = APIRouter(prefix="/api/v1", tags=["system"])

    @router.get("/system/status")
    def status() -> SystemStatus:
        """Processes, components with their lag, readers, accounts, recent problems."""
        return SystemStatus(**monitor.ask(lambda view: system_status(view, bus)))

    return router
