"""Orders and fills under /api/v1: what the console's `orders` shows and does."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query

from gcg_quant.bus import EventBus
from gcg_quant.events import OrderEvent

from ...visualization.problems import problems
from ..changes.cancellation import Cancellation, cancel_orders
from ..changes.order_change import OrderChange, change_order
from ..monitor import Monitor
from ..reports.trading_report import chosen_orders, fill_rows, order_rows
from ..views.status import order_row
from .paging import PAGED, Page
from .sending import done
from .trading_models import CancelAll, CancelRow, FillRow, OrderPatch, OrderRow

__all__ = ["AccountQuery", "StrategyQuery", "SymbolQuery", "create_orders_router"]

AccountQuery = Annotated[str, Query(max_length=40, description="on this account")]
StrategyQuery = Annotated[str, Query(max_length=40, description="of this strategy")]
SymbolQuery = Annotated[str, Query(max_length=112, description="BTC/USDT, BTC/USDT@SIM or a pattern")]
ClientId = Annotated[str, Path(max_length=120, description="the order's client id")]
_COMMAND = problems(409, 504)


def create_orders_router(bus: EventBus, monitor: Monitor) -> APIRouter:
    """Return the routes; `monitor` must run on `bus`."""
    router = APIRouter(prefix="/api/v1", tags=["orders"])

    @router.get("/orders", responses=PAGED)
    def orders(
        page: Page,
        strategy: StrategyQuery = "",
        symbol: SymbolQuery = "",
        account: AccountQuery = "",
        only_open: Annotated[bool, Query(alias="open")] = True,
    ) -> list[OrderRow]:
        """The orders that work, or with open=false also those that are done, as far as kept."""
        rows = monitor.ask(lambda view: order_rows(view, every=not only_open, strategy=strategy, symbol=symbol, account=account))
        return [OrderRow(**row) for row in page.of(rows)]

    @router.get("/fills", responses=PAGED)
    def fills(page: Page, strategy: StrategyQuery = "", symbol: SymbolQuery = "", account: AccountQuery = "") -> list[FillRow]:
        """The newest fills, as far as kept, the newest first."""
        rows = monitor.ask(lambda view: fill_rows(view, strategy=strategy, symbol=symbol, account=account))
        return [FillRow(**row) for row in page.of(rows)]

    @router.post("/orders/cancel", responses=_COMMAND)
    def cancel_all(request: CancelAll) -> list[CancelRow]:
        """Cancel open orders; the answer tells what became of each: cancelled, cancelling (the venue has not said yet) or refused."""
        chosen = monitor.ask(lambda view: chosen_orders(view, **request.model_dump()))
        return [_row(answer) for answer in done(monitor, lambda: cancel_orders(bus, chosen))]

    @router.delete("/orders/{client_id:path}", responses=_COMMAND)
    def cancel(client_id: ClientId) -> CancelRow:
        """Cancel an order by its client id."""
        chosen: list[OrderEvent | str] = [_known(monitor, client_id) or client_id]
        (answer,) = done(monitor, lambda: cancel_orders(bus, chosen))
        if not answer.ok:
            raise HTTPException(409, f"Order {client_id} is not cancelled: {answer.detail}.")
        return _row(answer)

    @router.patch("/orders/{client_id:path}", responses={**_COMMAND, **problems(404)})
    def change(client_id: ClientId, request: OrderPatch) -> OrderRow:
        """Change price, stop price or quantity of an order that works; the answer is the order as it is then."""
        order = _known(monitor, client_id)
        if order is None:
            raise HTTPException(404, f"There is no order {client_id!r}.")
        terms = OrderChange(quantity=request.quantity, price=request.price, stop_price=request.stop)
        return OrderRow(**order_row(done(monitor, lambda: change_order(bus, order, terms))))

    return router


def _known(monitor: Monitor, client_id: str) -> OrderEvent | None:
    return monitor.ask(lambda view: next((one for one in reversed(view.orders.values()) if one.client_id == client_id), None))


def _row(answer: Cancellation) -> CancelRow:
    return CancelRow.model_validate({"client_id": answer.client_id, "status": answer.status, "detail": answer.detail})
