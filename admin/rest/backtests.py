"""Backtests under /api/v1/backtests."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from gcg_quant.bus import EventBus
from gcg_quant.events import BacktestCancelEvent, BacktestRequestEvent

from ..monitor import Monitor
from .sending import command

__all__ = ["create_backtests_router"]


class BacktestRequest(BaseModel):
    """A backtest to run; the answer comes as an event and under /backtests."""

    model_config = ConfigDict(extra="forbid")

    run: str
    file: str
    class_name: str = ""
    symbols: list[str]
    period: str = "1d"
    start_ns: int | None = None
    end_ns: int | None = None
    cash: float = 10_000.0
    commission: float = 0.0
    parameters: dict[str, Any] = {}


def create_backtests_router(bus: EventBus, monitor: Monitor) -> APIRouter:
    """Return the routes; a monitor must run on `bus`."""
    router = APIRouter(prefix="/api/v1", tags=["backtests"])

    @router.get("/backtests")
    def backtests() -> list[dict[str, Any]]:
        """Every backtest asked for on this bus, with progress and results."""
        return list(monitor.ask(lambda view: list(view.backtests.values())))

    @router.post("/backtests", status_code=202)
    def request_backtest(request: BacktestRequest) -> dict[str, str]:
        """Ask for a backtest on stored data."""
        bus.publish(BacktestRequestEvent(**request.model_dump()))
        return {"run": request.run}

    @router.delete("/backtests/{run}")
    def cancel_backtest(run: str) -> dict[str, str]:
        """Cancel a backtest that is running or waiting."""
        command(bus, BacktestCancelEvent(run=run))
        return {"run": run, "done": "cancel"}

    return router
