"""Positions under /api/v1: what the console's `positions` shows and does."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, HTTPException, Query

from gcg_quant.bus import EventBus

from ...visualization.problems import problems
from ..changes.closing import chosen_positions, close_positions
from ..monitor import Monitor
from ..reports.trading_report import position_rows, position_totals
from .orders import AccountQuery, StrategyQuery, SymbolQuery
from .paging import PAGED, Page
from .sending import done
from .trading_models import ClosePositions, ClosingRow, PositionRow, PositionTotal

__all__ = ["create_positions_router"]


def create_positions_router(bus: EventBus, monitor: Monitor) -> APIRouter:
    """Return the routes; `monitor` must run on `bus`."""
    router = APIRouter(prefix="/api/v1/positions", tags=["positions"])

    @router.get("", responses=PAGED)
    def positions(
        page: Page,
        strategy: StrategyQuery = "",
        symbol: SymbolQuery = "",
        account: AccountQuery = "",
        by: Literal["strategy", "instrument"] = "strategy",
        only_open: Annotated[bool, Query(alias="open")] = True,
    ) -> list[PositionRow] | list[PositionTotal]:
        """The positions of each strategy, or their sums by instrument; with open=false also those that are closed."""
        rows = monitor.ask(lambda view: position_rows(view, every=not only_open, strategy=strategy, symbol=symbol, account=account))
        if by == "strategy":
            return [PositionRow(**row) for row in page.of(rows)]
        return [PositionTotal(**row) for row in page.of(position_totals(rows))]

    @router.post("/close", responses=problems(409, 504))
    def close(request: ClosePositions) -> list[ClosingRow]:
        """Close positions at the market, each by a reduce-only order of its strategy, which passes the risk check like any order.

        The answer tells what became of each: closed, working (not filled yet) or refused, and why; if all were refused, it is a 409. A
        strategy that runs may open a position again: stop it first.
        """
        chosen = monitor.ask(lambda view: chosen_positions(view, **request.model_dump()))
        answers = done(monitor, lambda: close_positions(bus, chosen))
        if answers and not any(one.ok for one in answers):
            raise HTTPException(409, f"Nothing is closed: {answers[0].detail}.")
        return [ClosingRow(**msgspec.structs.asdict(one)) for one in answers]

    return router
