"""The REST interface under /api/v1: the console's commands and questions for other programs. /docs describes it."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict

from gcg_quant import journal_check
from gcg_quant.bus import EventBus
from gcg_quant.errors import EventError, GcgQuantError, NotRunningError, nearest
from gcg_quant.events import Applied, BacktestCancelEvent, BacktestRequestEvent, Lane, StrategyControlEvent

from .client import send
from .journal_tail import as_json, newest
from .monitor import Monitor
from .status import strategy_row, system_status

__all__ = ["create_router"]


class LoadRequest(BaseModel):
    """A strategy to load."""

    model_config = ConfigDict(extra="forbid")

    file: str
    strategy: str = ""
    class_name: str = ""
    symbols: list[str] = []
    parameters: dict[str, Any] = {}
    start: bool = True


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


def create_router(bus: EventBus, monitor: Monitor) -> APIRouter:
    """Return the routes; `monitor` must run on `bus`."""
    router = APIRouter(prefix="/api/v1", tags=["system"])
    _add_questions(router, bus, monitor)
    _add_journal(router, bus)
    _add_strategies(router, bus, monitor)
    _add_backtests(router, bus, monitor)
    return router


def _add_questions(router: APIRouter, bus: EventBus, monitor: Monitor) -> None:
    @router.get("/system/status")
    def status() -> dict[str, Any]:
        """Processes, components with their lag, readers, accounts, recent problems."""
        answer: dict[str, Any] = monitor.ask(lambda view: system_status(view, bus))
        return answer


def _add_journal(router: APIRouter, bus: EventBus) -> None:
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


def _add_strategies(router: APIRouter, bus: EventBus, monitor: Monitor) -> None:
    @router.get("/strategies")
    def strategies() -> list[dict[str, Any]]:
        """Every loaded strategy with its state and parameters."""
        return [strategy_row(one) for one in monitor.ask(lambda view: list(view.strategies.values()))]

    @router.post("/strategies", status_code=201)
    def load(request: LoadRequest) -> dict[str, str]:
        """Load a strategy file from an allowed folder, and start it unless told otherwise; without a name it is given one."""
        action = "run" if request.start else "load"
        answer = _command(bus, StrategyControlEvent(action=action, **request.model_dump(exclude={"start"})))
        return {"strategy": answer.detail.partition(":")[0], "state": "running" if request.start else "loaded"}

    @router.post("/strategies/{strategy}/{action}")
    def act(strategy: str, action: str) -> dict[str, str]:
        """Start, stop or reload a strategy."""
        if action not in ("start", "stop", "reload"):
            raise HTTPException(404, f"There is no action {action!r}.{nearest(action, ('start', 'stop', 'reload'))}")
        _command(bus, StrategyControlEvent(action=action, strategy=strategy))
        return {"strategy": strategy, "done": action}

    @router.patch("/strategies/{strategy}")
    def set_parameters(strategy: str, parameters: dict[str, Any]) -> dict[str, str]:
        """Set parameters of a strategy."""
        _command(bus, StrategyControlEvent(action="set_parameters", strategy=strategy, parameters=parameters))
        return {"strategy": strategy, "done": "set_parameters"}

    @router.delete("/strategies/{strategy}")
    def unload(strategy: str) -> dict[str, str]:
        """Stop and unload a strategy."""
        _command(bus, StrategyControlEvent(action="unload", strategy=strategy))
        return {"strategy": strategy, "done": "unload"}


def _add_backtests(router: APIRouter, bus: EventBus, monitor: Monitor) -> None:
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
        _command(bus, BacktestCancelEvent(run=run))
        return {"run": run, "done": "cancel"}


def _command(bus: EventBus, event: StrategyControlEvent | BacktestCancelEvent) -> Applied:
    try:
        return send(bus, event)
    except NotRunningError as error:
        raise HTTPException(504, str(error)) from error
    except GcgQuantError as error:
        raise HTTPException(409, str(error)) from error
