"""The orders of one of our classes as Backtrader's: requests in, the broker's answers out."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import backtrader as bt

from gcg_quant.events import (
    AccountEvent,
    CancelRequest,
    Fill,
    ModifyRequest,
    OrderEvent,
    OrderFlag,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionEvent,
    Record,
    Side,
    TimeInForce,
)

from ..conversion.days import one_day_from_ns
from ..conversion.order_terms import STATUS_OF, TYPE_OF

if TYPE_CHECKING:
    from .hosted_world import HostedWorld

__all__ = ["ACCOUNT", "HostedOrders"]

ACCOUNT = "backtrader"

EXECTYPE_OF = {kind: exectype for exectype, kind in TYPE_OF.items() if exectype != bt.Order.Close}
LIMITED = (OrderType.STOP_LIMIT, OrderType.TRAILING_STOP_LIMIT)
ENDED = (bt.Order.Completed, bt.Order.Canceled, bt.Order.Expired, bt.Order.Margin, bt.Order.Rejected)
NO_OTHER_TERMS = "a Backtrader order cannot be changed: cancel it and send another"


class _Order:
    """A request, the Backtrader order that it has become, and how many of its fills were told."""

    __slots__ = ("fills", "order", "request", "status")

    def __init__(self, request: OrderRequest, order: Any) -> None:
        self.request = request
        self.order = order
        self.fills = 0
        self.status = OrderStatus.NEW


class HostedOrders:
    """Carries out the requests of the hosted class through its Backtrader strategy, and answers as a trading engine does.

    The ways out of a bracket wait here until the way in is filled, and then cancel each other (Backtrader's OCO). What no Backtrader
    broker knows (immediate-or-cancel, fill-or-kill, post-only, changes) is refused by an order event that says so.
    """

    def __init__(self, strategy: Any, world: HostedWorld) -> None:
        self._strategy = strategy
        self._world = world
        self._reader = world.bus.reader(start="begin", events=[OrderRequest, CancelRequest, ModifyRequest])
        self._by_ref: dict[int, _Order] = {}
        self._by_client: dict[str, _Order] = {}
        self._children: defaultdict[str, list[OrderRequest]] = defaultdict(list)
        self._groups: dict[str, Any] = {}
        self._now_ns = 0
        self._money = (0.0, 0.0)  # the cash and the value that were told

    def carry_out(self) -> int:
        """Carry out what was asked for since the last call, and return how many requests that were."""
        count = 0
        for event in self._reader:
            count += 1
            if isinstance(event, OrderRequest):
                self._now_ns = max(self._now_ns, event.event_ns)
                if event.parent and self._waits(event.parent):
                    self._children[event.parent].append(event)
                else:
                    self._send(event)
            elif isinstance(event, CancelRequest):
                self._cancel(event.client_id)
            elif isinstance(event, ModifyRequest):
                known = self._by_client.get(event.client_id)
                if known is not None:
                    self._publish([self._event(known.request, known.status, NO_OTHER_TERMS, known.order)])
        return count

    def answer(self, order: Any) -> bool:
        """Tell the class what became of an order; return False for one that is not its own."""
        known = self._by_ref.get(order.ref)
        if known is None:
            return False
        events: list[Record] = []
        bits = list(order.executed.exbits)
        for bit in bits[known.fills :]:
            known.fills += 1
            events.append(self._fill(known, bit))
        known.status = STATUS_OF[order.status]
        reason = "not enough cash" if order.status == bt.Order.Margin else str(order.info.get("reason", "") or "")
        events.append(self._event(known.request, known.status, reason, order))
        if len(events) > 1:
            events.append(self._position(order))
        self._publish(events)
        if order.status in ENDED:
            self._release(known.request.client_id, filled=order.status == bt.Order.Completed)
        return True

    def tell_account(self) -> None:
        """Tell the class what the broker's account holds, if that has changed: one sum of money, in the first feed's currency."""
        broker, world = self._strategy.broker, self._world
        money = cash, value = broker.get_cash(), broker.get_value()
        if money == self._money:
            return
        self._money = money
        event = AccountEvent(
            event_ns=world.now_ns,
            recv_ns=world.now_ns,
            account=ACCOUNT,
            currency=world.bus.instruments.get(*world.places[0]).currency,
            cash=cash,
            equity=value,
            margin=max(value - cash, 0.0),
            available=cash,
        )
        self._publish([event])

    # ---- out

    def _waits(self, parent: str) -> bool:
        known = self._by_client.get(parent)
        return known is None or known.status not in (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED)

    def _send(self, request: OrderRequest, oco: Any = None) -> Any:
        reason = _unknown_terms(request)
        size = request.quantity
        data = self._data(request)
        if request.order_flags & OrderFlag.REDUCE_ONLY:
            held = self._strategy.getposition(data).size
            size = min(size, max(0.0, held if request.side == Side.SELL else -held))
            reason = reason or ("" if size else "there is no position to reduce")
        if reason:
            self._publish([self._event(request, OrderStatus.REJECTED, reason)])
            return None
        if request.group and request.order_flags & OrderFlag.OCO:
            oco = self._groups.get(request.group)
        place = self._strategy.buy if request.side == Side.BUY else self._strategy.sell
        order = place(data=data, size=size, oco=oco, **_keywords(request))
        if order is None:
            self._publish([self._event(request, OrderStatus.REJECTED, "the sizer left nothing of it")])
            return None
        self._groups.setdefault(request.group, order)
        self._by_ref[order.ref] = self._by_client[request.client_id] = _Order(request, order)
        return order

    def _cancel(self, client_id: str) -> None:
        for parent, children in self._children.items():
            for child in children:
                if child.client_id == client_id:
                    self._children[parent] = [one for one in children if one is not child]
                    self._publish([self._event(child, OrderStatus.CANCELLED)])
                    return
        known = self._by_client.get(client_id)
        if known is not None:
            self._strategy.cancel(known.order)

    def _release(self, client_id: str, *, filled: bool) -> None:
        first = None
        for child in self._children.pop(client_id, ()):
            if filled:
                order = self._send(child, first)
                first = first or order
            else:
                self._publish([self._event(child, OrderStatus.CANCELLED, "its way in was not filled")])

    # ---- back

    def _data(self, request: OrderRequest) -> Any:
        return self._strategy.datas[self._world.places.index((request.symbol, request.venue))]

    def _publish(self, events: list[Record]) -> None:
        self._world.bus.publish_many(events)

    def _key(self, request: OrderRequest) -> dict[str, Any]:
        return {
            "symbol": request.symbol,
            "venue": request.venue,
            "event_ns": self._now_ns,
            "recv_ns": self._now_ns,
            "account": request.account,
            "strategy": request.strategy,
        }

    def _order_key(self, request: OrderRequest) -> dict[str, Any]:
        return {**self._key(request), "request": request.id, "client_id": request.client_id, "gateway": "backtrader", "side": request.side}

    def _event(self, request: OrderRequest, status: OrderStatus, reason: str = "", order: Any = None) -> OrderEvent:
        done = abs(order.executed.size) if order is not None else 0.0
        return OrderEvent(
            **self._order_key(request),
            quantity=request.quantity,
            filled_quantity=done,
            average_price=order.executed.price if done else None,
            price=request.price,
            order_type=request.order_type,
            status=status,
            reason=reason,
            tag=request.tag,
        )

    def _fill(self, known: _Order, bit: Any) -> Fill:
        return Fill(
            **self._order_key(known.request),
            trade_id=f"{known.order.ref}/{known.fills}",
            price=bit.price,
            quantity=abs(bit.size),
            fee=bit.comm,
        )

    def _position(self, order: Any) -> PositionEvent:
        request, data = self._by_ref[order.ref].request, order.data
        position = self._strategy.getposition(data)
        return PositionEvent(
            **self._key(request),
            quantity=position.size,
            average_price=position.price if position.size else None,
            last_price=float(data.close[0]),
        )


def _unknown_terms(request: OrderRequest) -> str:
    if request.order_type not in EXECTYPE_OF:
        return f"Backtrader has no orders of the type {request.order_type.name}"
    if request.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
        return f"Backtrader's brokers know no {request.time_in_force.name} orders"
    if request.order_flags & OrderFlag.POST_ONLY:
        return "Backtrader's brokers know no post-only orders"
    return ""


def _keywords(request: OrderRequest) -> dict[str, Any]:
    kind = request.order_type
    words: dict[str, Any] = {"exectype": EXECTYPE_OF[kind], "price": None}
    if kind == OrderType.LIMIT:
        words["price"] = request.price
    elif kind != OrderType.MARKET and request.stop_price == request.stop_price:
        words["price"] = request.stop_price
    if kind in LIMITED:
        words["plimit"] = request.price
    if request.trail_amount == request.trail_amount:
        words["trailamount"] = request.trail_amount
    elif request.trail_percent == request.trail_percent:
        words["trailpercent"] = request.trail_percent
    if request.time_in_force == TimeInForce.GTD:
        words["valid"] = bt.num2date(one_day_from_ns(request.expire_ns))
    elif request.time_in_force == TimeInForce.DAY:
        words["valid"] = 0
    return words
