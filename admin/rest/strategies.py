"""Strategies under /api/v1/strategies: what the console's `strategies` shows and does."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path

from gcg_quant.bus import EventBus
from gcg_quant.errors import StrategyError
from gcg_quant.events import StrategyControlEvent

from ...visualization.problems import problems
from ..monitor import Monitor
from ..reports.strategy_report import find_strategy, strategy_log, strategy_rows
from ..strategy_files import StrategyFiles
from .model import Parameters
from .paging import PAGED, Page
from .sending import command
from .strategy_models import LoadRequest, LogRow, ParameterRow, StrategyAction, StrategyDetail, StrategyDone, StrategyLoaded, StrategyRow

__all__ = ["create_strategies_router"]

Name = Annotated[str, Path(max_length=40, description="the strategy's name, such as grid-btc")]
_COMMAND = problems(404, 409, 504)


def create_strategies_router(bus: EventBus, monitor: Monitor, files: StrategyFiles) -> APIRouter:
    """Return the routes; a monitor must run on `bus`."""
    router = APIRouter(prefix="/api/v1/strategies", tags=["strategies"])
    _add_questions(router, monitor, files)
    _add_commands(router, bus, monitor)
    return router


def _add_questions(router: APIRouter, monitor: Monitor, files: StrategyFiles) -> None:
    @router.get("", responses=PAGED)
    def strategies(page: Page) -> list[StrategyRow]:
        """Every loaded strategy: state, parameters, position and profit."""
        return page.of([StrategyRow(**row) for row in monitor.ask(strategy_rows)])

    @router.get("/{strategy}", responses=problems(404))
    def strategy(strategy: Name) -> StrategyDetail:
        """One strategy, with the parameters that its class declares."""
        row = _find(monitor, strategy)
        return StrategyDetail(**row, declared=[ParameterRow(**one) for one in files.declared(row["file"], row["class_name"])])

    @router.get("/{strategy}/log", responses={**PAGED, **problems(404)})
    def log(strategy: Name, page: Page) -> list[LogRow]:
        """The newest log lines of a strategy (200 are kept), oldest first; `offset` counts from the newest."""
        _find(monitor, strategy)
        lines = monitor.ask(lambda view: strategy_log(view, strategy))
        return [LogRow(**line) for line in reversed(page.of(lines[::-1]))]


def _add_commands(router: APIRouter, bus: EventBus, monitor: Monitor) -> None:
    def act(event: StrategyControlEvent) -> str:
        if event.strategy and event.action not in ("load", "run"):
            _find(monitor, event.strategy)
        try:
            return command(bus, event).detail
        finally:
            monitor.catch_up()

    @router.post("", status_code=201, responses=_COMMAND)
    def load(request: LoadRequest) -> StrategyLoaded:
        """Load a strategy file from an allowed folder, and start it unless told otherwise; without a name it is given one."""
        action = "run" if request.start else "load"
        detail = act(StrategyControlEvent(action=action, **request.model_dump(exclude={"start"})))
        return StrategyLoaded(strategy=detail.partition(":")[0], state="running" if request.start else "loaded")

    @router.post("/{strategy}/{action}", responses=_COMMAND)
    def control(strategy: Name, action: StrategyAction) -> StrategyDone:
        """Start, stop or reload a strategy."""
        act(StrategyControlEvent(action=action.value, strategy=strategy))
        return StrategyDone(strategy=strategy, done=action.value)

    @router.patch("/{strategy}", responses=_COMMAND)
    def set_parameters(strategy: Name, parameters: Parameters) -> StrategyDone:
        """Set parameters of a strategy: all that are named, or none if one of them is refused."""
        act(StrategyControlEvent(action="set_parameters", strategy=strategy, parameters=parameters))
        return StrategyDone(strategy=strategy, done="set_parameters")

    @router.delete("/{strategy}", responses=_COMMAND)
    def unload(strategy: Name) -> StrategyDone:
        """Stop and unload a strategy; its file stays."""
        act(StrategyControlEvent(action="unload", strategy=strategy))
        return StrategyDone(strategy=strategy, done="unload")


def _find(monitor: Monitor, strategy: str) -> dict[str, Any]:
    try:
        return monitor.ask(lambda view: find_strategy(view, strategy))
    except StrategyError as error:
        raise HTTPException(404, str(error)) from error
