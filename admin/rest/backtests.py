"""Backtests under /api/v1/backtests: run on stored data by the system's engine, listed, looked at, compared, removed."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import HTMLResponse

from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError, EventError, StrategyError
from gcg_quant.events import BacktestCancelEvent
from gcg_quant.settings import Settings

from ...visualization.problems import problems
from ..backtest_spec import asked_spec
from ..monitor import Monitor
from ..report_policy import report_headers
from ..reports.kept_runs import compared, new_run_name
from ..reports.run_curve import run_curve
from ..reports.run_list import RunList
from ..strategy_files import StrategyFiles
from .backtest_models import BacktestDefaults, BacktestDetail, BacktestDone, BacktestRequest, BacktestRow, Comparison, Curve, TradeRow
from .paging import PAGED, Page
from .sending import command

__all__ = ["create_backtests_router"]

REPORT = "report.html"
RunPath = Annotated[str, Path(max_length=80, description="the run's name")]


def create_backtests_router(bus: EventBus, monitor: Monitor, settings: Settings) -> APIRouter:
    """Return the routes; a monitor must run on `bus`."""
    router = APIRouter(prefix="/api/v1/backtests", tags=["backtests"])
    runs = RunList(settings, monitor, bus)
    _add_list(router, runs)
    _add_requests(router, bus, runs, settings)
    _add_results(router, runs)
    return router


def _add_list(router: APIRouter, runs: RunList) -> None:
    @router.get("", responses=PAGED)
    def backtests(page: Page) -> list[BacktestRow]:
        """Every backtest, on its way or kept, the newest first; also those of the console and of the tick engine."""
        return [BacktestRow.model_validate(run.row()) for run in page.of(runs.newest())]

    @router.get("/compare", responses=problems(404))
    def compare(
        run: Annotated[list[Annotated[str, Query(max_length=80)]], Query(min_length=2, max_length=8, description="repeated: run=A&run=B")],
    ) -> Comparison:
        """Runs side by side: every measure and every parameter, in the order of the runs."""
        found = [(_found(runs, name), runs.kept.result(name)) for name in run]
        facts = compared([(one.results, told.get("parameters") or one.given) for one, told in found])
        return Comparison(runs=[BacktestRow.model_validate(one.row()) for one, _ in found], **facts)


def _add_requests(router: APIRouter, bus: EventBus, runs: RunList, settings: Settings) -> None:
    files = StrategyFiles(settings)

    @router.get("/defaults")
    def defaults() -> BacktestDefaults:
        """The settings that hold for a request that does not name them."""
        return BacktestDefaults(cash=settings.backtest.cash, commission=settings.backtest.commission)

    @router.post("", status_code=202, responses=problems(409, 503))
    def request_backtest(request: BacktestRequest) -> BacktestDone:
        """Ask the system's engine for a backtest; two run at a time, others wait. What becomes of it: GET /backtests/{run}."""
        asked = request.model_dump(exclude={"parameters"})
        try:
            path = files.find(request.file)
            spec = asked_spec(settings, asked, request.parameters).check()
        except (BacktestError, StrategyError, EventError) as error:
            raise HTTPException(422, str(error)) from error
        if request.run and (request.run in runs.live() or runs.kept.has(request.run)):
            raise HTTPException(409, f"There is a backtest {request.run!r} already: choose another name.")
        run = request.run or new_run_name(runs.kept, request.class_name or path.stem, list(runs.live()))
        runs.request(spec, run)
        return BacktestDone(run=run, done="requested")

    @router.post("/{run}/cancel", responses=problems(404, 409, 504))
    def cancel(run: RunPath) -> BacktestDone:
        """Cancel a backtest that is running or waiting."""
        _found(runs, run)
        command(bus, BacktestCancelEvent(run=run))
        return BacktestDone(run=run, done="cancelled")

    @router.delete("/{run}", responses=problems(404, 409))
    def remove(run: RunPath) -> BacktestDone:
        """Remove a backtest that has ended, with its folder."""
        if _found(runs, run).on_its_way:
            raise HTTPException(409, f"The backtest {run!r} is on its way: cancel it first.")
        runs.remove(run)
        return BacktestDone(run=run, done="removed")


def _add_results(router: APIRouter, runs: RunList) -> None:
    @router.get("/{run}", responses=problems(404))
    def detail(run: RunPath) -> BacktestDetail:
        """One backtest: all measures, settings, parameters, and digests of the code and data that it used."""
        return BacktestDetail.model_validate(_found(runs, run).detail(runs.kept.result(run), runs.kept.folder(run)))

    @router.get("/{run}/curve", responses=problems(404))
    def curve(run: RunPath, points: Annotated[int, Query(ge=10, le=10_000, description="so many at most")] = 600) -> Curve:
        """The account's worth over time."""
        try:
            return Curve(**run_curve(_folder(runs, run), points))
        except BacktestError as error:
            raise HTTPException(404, str(error)) from error

    @router.get("/{run}/trades", responses={**PAGED, **problems(404)})
    def trades(run: RunPath, page: Page) -> list[TradeRow]:
        """The closed trades, oldest first."""
        _folder(runs, run)
        return [TradeRow(**row) for row in page.of(runs.kept.result(run).get("trades", []))]

    @router.get("/{run}/report", response_class=HTMLResponse, responses=problems(404))
    def report(run: RunPath) -> HTMLResponse:
        """The HTML report, which needs nothing else; it is served into a sandbox with a policy that allows its own scripts alone."""
        path = _folder(runs, run) / REPORT
        if not path.is_file() or path.is_symlink():
            raise HTTPException(404, f"The backtest {run!r} has no report.")
        page = path.read_text(encoding="utf-8")
        return HTMLResponse(page, headers=report_headers(page))


def _found(runs: RunList, run: str) -> Any:
    try:
        return runs.find(run)
    except BacktestError as error:
        raise HTTPException(404, str(error)) from error


def _folder(runs: RunList, run: str) -> FilePath:
    _found(runs, run)
    folder = runs.kept.folder(run)
    if folder is None:
        raise HTTPException(404, f"The backtest {run!r} has no folder in this home: it has not ended well, or ran elsewhere.")
    return folder
