"""Risk limits and the kill switch under /api/v1/risk: what the console's `risk` shows and does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query

from gcg_quant.bus import EventBus

from ...visualization.problems import problems
from ..changes.risk_change import set_limits, switch_kill
from ..monitor import Monitor
from ..reports.risk_report import risk_report
from .risk_models import KillSwitchChange, KillSwitchDone, LimitChange, LimitsDone, RiskReport
from .sending import ORIGIN, done

__all__ = ["create_risk_router"]

_SEQ = (1 << 60) - 1
_COMMAND = problems(409, 504)


def create_risk_router(bus: EventBus, monitor: Monitor, home: Path) -> APIRouter:
    """Return the routes; `monitor` must run on `bus`, and `home` is where the file of the kill switch lies."""
    router = APIRouter(prefix="/api/v1/risk", tags=["risk"])

    @router.get("")
    def risk(refusals: Annotated[int, Query(ge=0, le=200, description="so many of the newest")] = 20) -> RiskReport:
        """The kill switch, the limits in force with what is used of each, the overrides, and the newest refusals with all reasons."""
        return RiskReport(**monitor.ask(lambda view: risk_report(view, bus, refusals=refusals)))

    @router.patch("", responses=_COMMAND)
    def change(request: LimitChange) -> LimitsDone:
        """Put limits in force until the system is stopped."""

        def in_force() -> dict[str, Any]:
            monitor.catch_up()
            return monitor.ask(lambda view: dict(view.trading.limits))

        where = {"strategy": request.strategy, "symbol": request.symbol, "account": request.account}
        answer = done(monitor, lambda: set_limits(bus, home, in_force, request.limits, origin=ORIGIN, **where))
        return LimitsDone(limits=request.limits, **where, applied=answer.id & _SEQ)

    @router.put("/kill", responses=_COMMAND)
    def kill(request: KillSwitchChange) -> KillSwitchDone:
        """Switch the kill switch on (all open orders are cancelled, new ones refused) or off, of all accounts or of one."""
        answer = done(monitor, lambda: switch_kill(bus, home, request.on, ORIGIN, request.account))
        return KillSwitchDone(on=request.on, account=request.account, applied=answer.id & _SEQ)

    return router
