"""Strategies under /api/v1/strategies: what the console's `strategies` shows and does."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict

from gcg_quant.bus import EventBus
from gcg_quant.errors import nearest
from gcg_quant.events import StrategyControlEvent

from ..monitor import Monitor
from ..status import strategy_row
from .sending import command

__all__ = ["create_strategies_router"]


class LoadRequest(BaseModel):
    """A strategy to load."""

    model_config = ConfigDict(extra="forbid")

    file: str
    strategy: str = ""
    class_name: str = ""
    symbols: list[str] = []
    parameters: dict[str, Any] = {}
    start: bool = True


def create_strategies_router(bus: EventBus, monitor: Monitor) -> APIRouter:
    """Return the routes; a monitor must run on `bus`."""
    router = APIRouter(prefix="/api/v1", tags=["strategies"])

    @router.get("/strategies")
    def strategies() -> list[dict[str, Any]]:
        """Every loaded strategy with its state and parameters."""
        return [strategy_row(one) for one in monitor.ask(lambda view: list(view.strategies.values()))]

    @router.post("/strategies", status_code=201)
    def load(request: LoadRequest) -> dict[str, str]:
        """Load a strategy file from an allowed folder, and start it unless told otherwise; without a name it is given one."""
        action = "run" if request.start else "load"
        answer = command(bus, StrategyControlEvent(action=action, **request.model_dump(exclude={"start"})))
        return {"strategy": answer.detail.partition(":")[0], "state": "running" if request.start else "loaded"}

    @router.post("/strategies/{strategy}/{action}")
    def act(strategy: str, action: str) -> dict[str, str]:
        """Start, stop or reload a strategy."""
        if action not in ("start", "stop", "reload"):
            raise HTTPException(404, f"There is no action {action!r}.{nearest(action, ('start', 'stop', 'reload'))}")
        command(bus, StrategyControlEvent(action=action, strategy=strategy))
        return {"strategy": strategy, "done": action}

    @router.patch("/strategies/{strategy}")
    def set_parameters(strategy: str, parameters: dict[str, Any]) -> dict[str, str]:
        """Set parameters of a strategy."""
        command(bus, StrategyControlEvent(action="set_parameters", strategy=strategy, parameters=parameters))
        return {"strategy": strategy, "done": "set_parameters"}

    @router.delete("/strategies/{strategy}")
    def unload(strategy: str) -> dict[str, str]:
        """Stop and unload a strategy."""
        command(bus, StrategyControlEvent(action="unload", strategy=strategy))
        return {"strategy": strategy, "done": "unload"}

    return router
