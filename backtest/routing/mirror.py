"""What Backtrader's own matching does, told on the run's bus: requests, order events, fills, positions, the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backtrader as bt

from gcg_quant.events import AccountEvent, Fill, OrderEvent, OrderRequest, OrderStatus, PositionEvent, Record, Side

from ..conversion.facts import bounds_of, place_of
from ..conversion.order_terms import STATUS_OF, limit_price, terms_of

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

    from ..tapes.journal_tape import JournalTape
    from ..tapes.tape import BarTape

__all__ = ["OrderMirror"]

GATEWAY = "backtrader"


class _Mirrored:
    """What was told of an order so far."""

    __slots__ = ("client_id", "fills", "request", "status")

    def __init__(self, client_id: str, request: int) -> None:
        self.client_id = client_id
        self.request = request
        self.status = OrderStatus.NEW
        self.fills = 0


class OrderMirror:
    """Publishes each step of each order of a stock broker. It only reads: no attribute of an order or a position changes.

    An order's time is the end of the bar on which the strategy gave it; what the broker does in the next bar carries that bar's start
    (Backtrader does not know when within a bar a price was met). Times never decrease.
    """

    def __init__(self, bus: EventBus, account: str, strategy: str, tape: BarTape | JournalTape | None = None) -> None:
        self._bus = bus
        self._account = account
        self._strategy = strategy
        self._tape = tape
        self._orders: dict[int, _Mirrored] = {}
        self._now_ns = 0
        self._touched: dict[Any, None] = {}

    def order_changed(self, order: Any, *, matching: bool) -> None:
        """Publish what is new of `order`; `matching` is True inside the broker's `next()`."""
        self._advance(order.data, matching)
        seen = self._orders.get(order.ref) or self._request(order)
        events: list[Record] = []
        for bit in list(order.executed.exbits)[seen.fills :]:
            seen.fills += 1
            events.append(self._fill(order, seen, bit))
            self._touched[order.data] = None
        events.append(self._order_event(order, seen))
        self._bus.publish_many(events, cause=seen.request)

    def bar_matched(self, broker: Any) -> None:
        """Publish positions and account if the bar's matching changed them."""
        if not self._touched:
            return
        events: list[Record] = [self._position(broker, data) for data in self._touched if data in broker.positions]
        self._touched.clear()
        events.append(self._account_event(broker))
        self._bus.publish_many(events)

    def _advance(self, data: Any, matching: bool) -> None:
        start_ns, end_ns = bounds_of(data)
        self._now_ns = max(self._now_ns, start_ns if matching else end_ns)
        if self._tape is not None:
            self._tape.forward(self._now_ns)

    def _request(self, order: Any) -> _Mirrored:
        client_id = f"{self._strategy[:28]}-{len(self._orders) + 1}"
        symbol, venue = place_of(order.data)
        request = OrderRequest(
            symbol=symbol,
            venue=venue,
            event_ns=self._now_ns,
            recv_ns=self._now_ns,
            account=self._account,
            strategy=self._strategy,
            client_id=client_id,
            **terms_of(order),
        )
        seen = self._orders[order.ref] = _Mirrored(client_id, self._bus.publish(request))
        return seen

    def _key(self, order: Any, seen: _Mirrored) -> dict[str, Any]:
        symbol, venue = place_of(order.data)
        return {
            "symbol": symbol,
            "venue": venue,
            "event_ns": self._now_ns,
            "recv_ns": self._now_ns,
            "request": seen.request,
            "account": self._account,
            "strategy": self._strategy,
            "client_id": seen.client_id,
            "gateway": GATEWAY,
        }

    def _fill(self, order: Any, seen: _Mirrored, bit: Any) -> Fill:
        return Fill(
            **self._key(order, seen),
            trade_id=f"{seen.client_id}/{seen.fills}",
            side=Side.BUY if order.isbuy() else Side.SELL,
            price=bit.price,
            quantity=abs(bit.size),
            fee=bit.comm,
        )

    def _order_event(self, order: Any, seen: _Mirrored) -> OrderEvent:
        before, seen.status = seen.status, STATUS_OF[order.status]
        done = abs(order.executed.size)
        return OrderEvent(
            **self._key(order, seen),
            side=Side.BUY if order.isbuy() else Side.SELL,
            quantity=abs(order.created.size),
            filled_quantity=done,
            average_price=order.executed.price if done else None,
            price=limit_price(order),
            status=seen.status,
            previous_status=before,
            reason="not enough cash" if order.status == bt.Order.Margin else str(order.info.get("reason", ""))[:160],
        )

    def _position(self, broker: Any, data: Any) -> PositionEvent:
        symbol, venue = place_of(data)
        position = broker.positions[data]
        last = float(data.close[0])
        return PositionEvent(
            symbol=symbol,
            venue=venue,
            event_ns=self._now_ns,
            recv_ns=self._now_ns,
            account=self._account,
            strategy=self._strategy,
            quantity=position.size,
            average_price=position.price if position.size else None,
            last_price=last,
            unrealised_pnl=broker.getcommissioninfo(data).profitandloss(position.size, position.price, last),
        )

    def _account_event(self, broker: Any) -> AccountEvent:
        cash = broker.get_cash()
        return AccountEvent(
            event_ns=self._now_ns, recv_ns=self._now_ns, account=self._account, cash=cash, available=cash, equity=broker.get_value()
        )
