"""Orders, positions, accounts, gateways, risk and the kill switch under /api/v1: what the console's commands show and do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from gcg_quant.bus import EventBus
from gcg_quant.errors import GcgQuantError, NotRunningError, SettingsError
from gcg_quant.events import OrderEvent

from ..cancellation import Cancellation, cancel_orders
from ..halt import halt_of, halt_rows, resume_account
from ..monitor import Monitor
from ..risk_change import set_limits, switch_kill
from ..risk_report import risk_report
from ..trading_report import (
    account_rows,
    chosen_orders,
    gateway_rows,
    order_rows,
    position_rows,
    position_totals,
    strategy_profits,
)

__all__ = ["create_trading_router"]

_ORIGIN = "REST interface"
Done = TypeVar("Done")
StrategyName = Annotated[str, Field(max_length=40)]
SymbolName = Annotated[str, Field(max_length=112)]


class CancelAll(BaseModel):
    """Which open orders to cancel; without a strategy and a symbol all of them."""

    model_config = ConfigDict(extra="forbid")

    strategy: StrategyName = ""
    symbol: SymbolName = Field("", description="BTC/USDT, BTC/USDT@SIM or a pattern")


class LimitChange(BaseModel):
    """Limits to put in force, for all orders or for a strategy, a symbol or both."""

    model_config = ConfigDict(extra="forbid")

    limits: dict[str, bool | float | str] = Field(
        min_length=1, max_length=32, description='by name: a number or "off"; for a strategy or symbol "default" takes the limit back'
    )
    strategy: StrategyName = ""
    symbol: SymbolName = ""


class KillSwitchChange(BaseModel):
    """The kill switch to be on (all orders are cancelled, new ones refused) or off."""

    model_config = ConfigDict(extra="forbid", strict=True)

    on: bool


class ResumeAccount(BaseModel):
    """What is accepted of a halted account: the differences as GET /accounts/halts shows them."""

    model_config = ConfigDict(extra="forbid")

    differences: dict[Annotated[str, Field(max_length=112)], float] = Field(max_length=1000)


def create_trading_router(bus: EventBus, monitor: Monitor, home: FilePath) -> APIRouter:
    """Return the routes; `monitor` must run on `bus`, and `home` is where the file of the kill switch lies."""
    router = APIRouter(prefix="/api/v1", tags=["trading"])
    _add_orders(router, bus, monitor)
    _add_books(router, monitor)
    _add_halts(router, bus, monitor)
    _add_risk(router, bus, monitor, home)
    return router


def _add_orders(router: APIRouter, bus: EventBus, monitor: Monitor) -> None:
    @router.get("/orders")
    def orders(
        strategy: str = Query("", max_length=40),
        symbol: str = Query("", max_length=112, description="BTC/USDT, BTC/USDT@SIM or a pattern"),
        only_open: bool = Query(True, alias="open"),
    ) -> list[dict[str, Any]]:
        """The orders that work, or with open=false also those that are done, as far as kept."""
        return monitor.ask(lambda view: order_rows(view, every=not only_open, strategy=strategy, symbol=symbol))

    @router.post("/orders/cancel")
    def cancel_all(request: CancelAll) -> list[dict[str, str]]:
        """Cancel open orders; the answer tells what became of each: cancelled, cancelling (the venue has not said yet) or refused."""
        chosen = monitor.ask(lambda view: chosen_orders(view, strategy=request.strategy, symbol=request.symbol))
        return [_row(answer) for answer in _done(monitor, lambda: cancel_orders(bus, chosen))]

    @router.delete("/orders/{client_id:path}")
    def cancel(client_id: str) -> dict[str, str]:
        """Cancel an order by its client id."""
        known = monitor.ask(lambda view: [order for order in view.orders.values() if order.client_id == client_id])
        chosen: list[OrderEvent | str] = [*known[-1:]] or [client_id]
        (answer,) = _done(monitor, lambda: cancel_orders(bus, chosen))
        if not answer.ok:
            raise HTTPException(409, f"Order {client_id} is not cancelled: {answer.detail}.")
        return _row(answer)


def _add_books(router: APIRouter, monitor: Monitor) -> None:
    @router.get("/positions")
    def positions(
        strategy: str = Query("", max_length=40),
        symbol: str = Query("", max_length=112, description="BTC/USDT, BTC/USDT@SIM or a pattern"),
        by: Literal["strategy", "instrument"] = "strategy",
        only_open: bool = Query(True, alias="open"),
    ) -> list[dict[str, Any]]:
        """The positions of each strategy, or their sums by instrument; with open=false also those that are closed."""
        rows = monitor.ask(lambda view: position_rows(view, every=not only_open, strategy=strategy, symbol=symbol))
        return rows if by == "strategy" else position_totals(rows)

    @router.get("/accounts")
    def accounts() -> list[dict[str, Any]]:
        """Every account by currency: cash, equity, margin, profit."""
        return monitor.ask(account_rows)

    @router.get("/accounts/strategies")
    def profits() -> list[dict[str, Any]]:
        """What each strategy has made, by account and currency."""
        return monitor.ask(strategy_profits)

    @router.get("/gateways")
    def gateways() -> list[dict[str, Any]]:
        """Every gateway: its state and since when, the orders it works on, how long its venue takes to answer."""
        return monitor.ask(gateway_rows)


def _add_halts(router: APIRouter, bus: EventBus, monitor: Monitor) -> None:
    @router.get("/accounts/halts")
    def halts() -> list[dict[str, Any]]:
        """The halted accounts, and by how much their venues' figures are above ours."""
        return monitor.ask(halt_rows)

    @router.post("/accounts/{account}/resume")
    def resume(account: Annotated[str, Path(max_length=40)], request: ResumeAccount) -> dict[str, Any]:
        """Accept how a halted account differs from its venue, and let it trade again; refused if it differs otherwise by now."""

        def lift() -> dict[str, Any]:
            monitor.catch_up()
            monitor.ask(lambda view: halt_of(view, account))
            return resume_account(bus, account, request.differences, _ORIGIN)

        return _done(monitor, lift)


def _add_risk(router: APIRouter, bus: EventBus, monitor: Monitor, home: FilePath) -> None:
    @router.get("/risk")
    def risk(refusals: int = Query(20, ge=0, le=200)) -> dict[str, Any]:
        """The kill switch, the limits in force with what is used of each, the overrides, and the newest refusals with all reasons."""
        return monitor.ask(lambda view: risk_report(view, bus, refusals=refusals))

    @router.patch("/risk")
    def change(request: LimitChange) -> dict[str, Any]:
        """Put limits in force until the system is stopped."""

        def in_force() -> dict[str, Any]:
            monitor.catch_up()
            return monitor.ask(lambda view: dict(view.trading.limits))

        where = {"strategy": request.strategy, "symbol": request.symbol}
        answer = _done(monitor, lambda: set_limits(bus, home, in_force, request.limits, origin=_ORIGIN, **where))
        return {"limits": request.limits, **where, "applied": answer.id & ((1 << 60) - 1)}

    @router.put("/risk/kill")
    def kill(request: KillSwitchChange) -> dict[str, Any]:
        """Switch the kill switch on (all open orders are cancelled, new ones refused) or off."""
        answer = _done(monitor, lambda: switch_kill(bus, home, request.on, _ORIGIN))
        return {"on": request.on, "applied": answer.id & ((1 << 60) - 1)}


def _row(answer: Cancellation) -> dict[str, str]:
    return {"client_id": answer.client_id, "status": answer.status, "detail": answer.detail}


def _done(monitor: Monitor, command: Callable[[], Done]) -> Done:
    # Whoever asks after the answer sees what the command has done, also one that was refused.
    try:
        done = command()
    except NotRunningError as error:
        raise HTTPException(504, str(error)) from error
    except GcgQuantError as error:
        monitor.catch_up()
        raise HTTPException(422 if isinstance(error, SettingsError) else 409, str(error)) from error
    monitor.catch_up()
    return done
