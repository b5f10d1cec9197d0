"""Closing positions from outside: a reduce-only market order each, which passes the risk check like any order and is answered by events."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from gcg_quant.bus import EventBus, symbol_matches
from gcg_quant.clock import now_ns
from gcg_quant.errors import NotRunningError
from gcg_quant.events import OrderEvent, OrderFlag, OrderRequest, OrderStatus, OrderType, PositionEvent, PositionSide, Side

from ..views.system_view import SystemView
from .cancellation import ANSWER_S

__all__ = ["Closing", "chosen_positions", "close_positions"]

_FINAL = frozenset({OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.FAILED})


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """What became of closing a position.

    `status` is "closed" (all that was held then is sold or bought back), "working" (the order is not filled yet) or "refused"; `detail`
    says why. Quantities are in units of the instrument.
    """

    account: str
    strategy: str
    symbol: str
    venue: str
    side: str
    client_id: str
    quantity: float
    status: str
    filled_quantity: float = 0.0
    average_price: float | None = None
    detail: str = ""

    @property
    def ok(self) -> bool:
        """Whether the position is closed or being closed."""
        return self.status != "refused"


def chosen_positions(
    view: SystemView, *, account: str = "", strategy: str | None = None, symbol: str = "", venue: str = ""
) -> list[PositionEvent]:
    """Return the positions that are held; of an account, a strategy ("" is what belongs to none), a symbol or pattern, a venue."""
    symbols = frozenset({symbol}) if symbol else None
    return [
        one
        for one in view.positions.values()
        if one.quantity
        and account in ("", one.account)
        and venue in ("", one.venue)
        and strategy in (None, one.strategy)
        and (symbols is None or symbol_matches(symbols, one))
    ]


def close_positions(bus: EventBus, positions: Sequence[PositionEvent], *, timeout_s: float | None = None) -> list[Closing]:
    """Ask for positions to be closed at the market and return what became of each, in their order.

    The orders are the strategies' own, so that their positions, and nobody else's, are closed; they may only reduce. A strategy that runs
    may open a position again. Of an order that is filled the answer comes once the position is told, too.

    Args:
        bus: where the trading engine is asked.
        positions: what is held, as it is known.
        timeout_s: how long to wait for the answers, ANSWER_S by default.

    Raises:
        NotRunningError: nobody answered any of them.
    """
    timeout_s = ANSWER_S if timeout_s is None else timeout_s
    with bus.reader(events=[OrderEvent, PositionEvent], start="end") as reader:
        begin = now_ns()
        orders = [_request(one, f"close-{begin:x}-{at}") for at, one in enumerate(positions)]
        waiting = {order.client_id for order in orders}
        told: dict[str, OrderEvent] = {}
        filled: dict[int, str] = {}  # the order by its last fill, which is the cause of the position's event, too
        for order in orders:
            bus.publish(order, cause=0)
        deadline = time.monotonic() + timeout_s
        while waiting and (left := deadline - time.monotonic()) > 0:
            event = reader.read(left)
            if isinstance(event, PositionEvent):
                waiting.discard(filled.get(event.cause, ""))
            elif isinstance(event, OrderEvent) and event.client_id in waiting:
                told[event.client_id] = event
                if event.status == OrderStatus.FILLED:
                    filled[event.cause] = event.client_id
                elif event.status in _FINAL:
                    waiting.discard(event.client_id)
    if orders and not told:
        raise NotRunningError(f"No trading engine answered within {timeout_s:g} s: look at `python -m gcg_quant status`.")
    return [_closing(one, order, told.get(order.client_id)) for one, order in zip(positions, orders, strict=True)]


def _request(position: PositionEvent, client_id: str) -> OrderRequest:
    leg = position.position_side
    short = leg == PositionSide.SHORT or position.quantity < 0
    return OrderRequest(
        symbol=position.symbol,
        venue=position.venue,
        account=position.account,
        strategy=position.strategy,
        client_id=client_id,
        quantity=abs(position.quantity),
        side=Side.BUY if short else Side.SELL,
        order_type=OrderType.MARKET,
        position_side=leg,
        order_flags=int(OrderFlag.REDUCE_ONLY),
        tag="close",
    )  # without a time of ours: the market of a replay is in another year


def _closing(position: PositionEvent, order: OrderRequest, event: OrderEvent | None) -> Closing:
    status, detail = _status(event)
    filled = event is not None and event.filled_quantity > 0
    return Closing(
        account=position.account,
        strategy=position.strategy,
        symbol=position.symbol,
        venue=position.venue,
        side=position.position_side.name.lower(),
        client_id=order.client_id,
        quantity=order.quantity,
        status=status,
        filled_quantity=event.filled_quantity if event is not None else 0.0,
        average_price=event.average_price if event is not None and filled else None,
        detail=detail,
    )


def _status(event: OrderEvent | None) -> tuple[str, str]:
    if event is None:
        return "refused", "nobody has answered yet: look at the orders"
    if event.status == OrderStatus.FILLED:
        return "closed", ""
    if event.status in _FINAL:
        return "refused", event.reason or f"the order is {event.status.name}"
    return "working", "the venue has not filled it yet: look at the orders"
