"""Orders that are held here because no venue would: children that wait for their parent, stops that a gateway does not know, expiries.

What becomes of a held order follows from the orders' states, their fills and the market alone. So nothing has to be remembered beside the
journal's OrderEvents, and after a restart `resume` finds out again what is due.
"""

from __future__ import annotations

from dataclasses import replace
from math import isnan
from typing import TYPE_CHECKING

from gcg_quant.clock import NS_PER_SECOND
from gcg_quant.events import MarketDataEvent, OrderFlag, OrderRequest, OrderStatus, RiskReason, TimeInForce

from ..orders.order import Order, WholeTerms
from ..orders.reasons import HELD, TRAILED, TRIGGERED, WAITS
from ..orders.trail import TRAILING
from ..remembered import Remembered
from ..risk.engine import summary
from .offsets import late_offset
from .reduce_only import closable_lots, is_reduce_only
from .stop_prices import StopPrices, followed, is_reached
from .venue_terms import knows_force, knows_type

if TYPE_CHECKING:
    from .desk import TradingDesk

__all__ = ["HeldOrders"]

_FOR_PRICE, _FOR_MARKET, _FOR_GATEWAY = HELD + "waits for its stop price", HELD + "trails the market", HELD + "waits for the gateway"
_NEVER = 1 << 62
_TOLD_KEPT = 4096
_PATIENCE_NS = NS_PER_SECOND  # between two cancellations of an order that has expired, in event time
_NOT_PLACED = frozenset({OrderStatus.NEW, OrderStatus.RISK_CHECKED})
# An order that was open already is no new one, and one that only closes what is held makes no risk larger.
_NOT_AGAIN = RiskReason.ORDER_RATE | RiskReason.OPEN_ORDERS
_SIZES = (
    RiskReason.ORDER_SIZE
    | RiskReason.ORDER_VALUE
    | RiskReason.POSITION_SIZE
    | RiskReason.POSITION_VALUE
    | RiskReason.DAILY_LOSS
    | RiskReason.CONCENTRATION
    | RiskReason.PRICE_BAND
    | RiskReason.BUYING_POWER
)


class HeldOrders:
    """Places orders: sends them, or holds them and sends them when they are due. It belongs to the desk and its thread."""

    def __init__(self, desk: TradingDesk) -> None:
        self._desk = desk
        self._orders = desk.orders
        self._books = desk.books
        self._gateway = desk.gateway
        self._prices = StopPrices()
        self._waiting: dict[int, dict[int, Order]] = {}  # for a price, by instrument number and request
        self._due: dict[int, Order] = {}  # for the gateway, by request
        self._expires_ns = _NEVER  # no order's time ends earlier
        self._asked_ns: dict[int, int] = {}  # when an expired order's cancellation was asked for last, by request
        self._quiet: dict[int, tuple[WholeTerms, float, float]] = {}  # prices that change nothing, by request
        self._told: Remembered[int] = Remembered(_TOLD_KEPT)  # orders of which it was said that they cannot be sent, or are left open

    # ---- what comes in

    def place(self, order: Order, now_ns: int, cause: int) -> None:
        """Send an order that passed risk, or hold it; one that comes too late ends here."""
        if not order.is_of_a_set and order.expire_ns < 0 and order.terms.order_type in self._gateway.order_types:
            self._books.open(order)
            self._desk.dispatch(order, now_ns, cause)
            return
        why = self._orders.groups.why_late(order, self._parent(order)) if order.is_of_a_set else ""
        if why:
            self._orders.move(order, OrderStatus.CANCELLED, event_ns=now_ns, cause=cause, reason=why)
        elif order.expire_ns >= 0 and order.expire_ns <= now_ns and self._ends_here(order):
            self._orders.move(order, OrderStatus.EXPIRED, event_ns=now_ns, cause=cause, reason="expired")
        elif order.is_of_a_set and order.terms.parent:
            self._orders.hold(order, order.whole, WAITS, event_ns=now_ns, cause=cause)
            self._books.open_again(order)
            self._track(order)
            self._fit(order, now_ns, cause)
        elif self._is_conditional(order):
            self._wait_for_price(order, order.whole, now_ns, cause, opened=False)
        else:
            self._track(order)
            self._books.open(order)
            self._desk.dispatch(order, now_ns, cause)

    def obstacles(self, request: OrderRequest) -> list[str]:
        """Return what is wrong with how a request belongs to other orders."""
        found = []
        if request.order_flags & OrderFlag.OCO and not (request.group or request.parent):
            found.append("an OCO order needs the name of a group")
        if request.parent:
            parent = self._orders.find(client_id=request.parent)
            if parent is None or parent.strategy != request.strategy:
                found.append(f"its parent {request.parent} is not known")
            elif parent.number != request.instrument or parent.side == request.side:
                found.append(f"it must close what its parent {request.parent} opens: the same instrument, the other side")
        return found

    def on_market(self, event: MarketDataEvent) -> None:
        """Let stops trail and trigger, and time pass."""
        self._prices.note(event)
        if event.event_ns >= self._expires_ns or self._due:
            self.advance(event.event_ns, event.id)
        waiting = self._waiting.get(event.instrument)
        if waiting:
            for order in list(waiting.values()):
                prices = self._prices.of(event, order)
                if prices and order.held and not self._is_quiet(order, prices):
                    self._look(order, prices, max(event.event_ns, self._desk.clock_ns), event.id)

    def seed(self, event: MarketDataEvent) -> None:
        """Take in market data of before a restart."""
        self._prices.note(event)

    def advance(self, now_ns: int, cause: int) -> None:
        """Let event time pass: what has waited for the gateway is sent, what has expired ends."""
        if self._gateway.connected:
            for order in list(self._due.values()):
                self._send(order, now_ns, cause, "")
        if now_ns < self._expires_ns:
            return
        self._expires_ns = _NEVER
        working = [order for order in self._orders.open_orders() if order.expire_ns >= 0 and order.status not in _NOT_PLACED]
        timed = [order for order in working if self._ends_here(order)]
        for order in timed:
            if order.expire_ns <= now_ns and not order.is_final:
                self._expire(order, now_ns, cause)
        open_now = {order.request_id for order in timed if not order.is_final}
        self._asked_ns = {request: asked for request, asked in self._asked_ns.items() if request in open_now}
        for order in timed:
            self._track(order)

    def review(self, order: Order, now_ns: int, cause: int) -> None:
        """Bring an order's relatives to what its fill or its end leaves them."""
        groups = self._orders.groups
        if not groups.has_relatives(order):
            return
        relatives = [*groups.others(order), *groups.children(order)]
        parent = self._parent(order)
        for one in relatives if parent is None else [*relatives, parent]:
            self._fit(one, now_ns, cause)
        if relatives and order.filled_lots:
            self._look_after(order, cause)

    def change(self, order: Order, whole: WholeTerms, now_ns: int, cause: int) -> None:
        """Give a held order checked new terms."""
        self._books.open_more(order, 0 if order.waits else whole.lots - order.whole.lots)
        self._orders.change(order, whole, event_ns=now_ns, cause=cause)
        self._look_now(order, now_ns, cause)

    def end(self, order: Order, status: OrderStatus, reason: str, now_ns: int, cause: int) -> None:
        """End a held order."""
        left = order.left_lots
        self._forget(order)
        self._orders.move(order, status, event_ns=now_ns, cause=cause, reason=reason)
        self._books.close(order, left)
        self.review(order, now_ns, cause)

    def resume(self) -> None:
        """After a restart, with orders, books and gateway as they were: find out what is due and do it."""
        found = [order for order in self._orders.open_orders() if order.status not in _NOT_PLACED]
        for order in found:
            self._track(order)
            if order.held and not order.waits:
                self._keep(order)
        for order in found:
            self._fit(order, self._now(order), 0)
        for order in found:
            self._look_now(order, self._now(order), 0)
        if found:
            self.advance(self._now(found[-1]), 0)

    def ended_as(self, order: Order, status: OrderStatus, event_ns: int) -> OrderStatus:
        """Return how an order ended that its venue calls cancelled: one that was cancelled for its time in force has expired."""
        late = 0 <= order.expire_ns <= max(event_ns, self._desk.clock_ns)
        return OrderStatus.EXPIRED if status == OrderStatus.CANCELLED and late and self._ends_here(order) else status

    # ---- inside

    def _parent(self, order: Order) -> Order | None:
        return self._orders.find(client_id=order.terms.parent) if order.is_of_a_set and order.terms.parent else None

    def _now(self, order: Order) -> int:
        return max(order.report.event_ns, self._desk.clock_ns)

    def _is_conditional(self, order: Order) -> bool:
        return not knows_type(self._gateway, order.order_type)

    def _ends_here(self, order: Order) -> bool:
        timed = order.report.time_in_force in (TimeInForce.DAY, TimeInForce.GTD)
        return timed and (order.held or not knows_force(self._gateway, order.report.time_in_force))

    def _track(self, order: Order) -> None:
        if order.expire_ns >= 0 and not order.is_final and (order.held or self._ends_here(order)):
            asked = self._asked_ns.get(order.request_id)
            self._expires_ns = min(self._expires_ns, order.expire_ns if asked is None else asked + _PATIENCE_NS)

    def _keep(self, order: Order) -> None:
        if self._is_conditional(order):
            self._waiting.setdefault(order.number, {})[order.request_id] = order
        else:
            self._due[order.request_id] = order

    def _forget(self, order: Order) -> None:
        waiting = self._waiting.get(order.number)
        if waiting is not None and waiting.pop(order.request_id, None) is not None and not waiting:
            del self._waiting[order.number]
        self._due.pop(order.request_id, None)
        self._quiet.pop(order.request_id, None)
        self._told.seen.pop(order.request_id, None)

    def _expire(self, order: Order, now_ns: int, cause: int) -> None:
        if order.held:
            self.end(order, OrderStatus.EXPIRED, "expired", now_ns, cause)
        elif now_ns >= self._asked_ns.get(order.request_id, 0) + _PATIENCE_NS:
            # A venue that refuses is asked again, but not with every price.
            self._asked_ns[order.request_id] = now_ns
            if order.status != OrderStatus.CANCELLING:
                self._desk.cancel_order(order, now_ns, cause, "expired")

    def _fit(self, order: Order, now_ns: int, cause: int) -> None:
        if order.is_final or order.status in _NOT_PLACED or order.status == OrderStatus.CANCELLING:
            return
        parent, groups = self._parent(order), self._orders.groups
        why = groups.why_over(order, parent)
        if why and order.held:
            self.end(order, OrderStatus.CANCELLED, why, now_ns, cause)
        elif why:
            self._desk.cancel_order(order, now_ns, cause, why)
        elif order.held:
            self._resize(order, groups.lots_for(order, parent), now_ns, cause)
        elif order.is_of_a_set:
            self._desk.change_lots(order, groups.lots_for(order, parent), now_ns, cause)

    def _resize(self, order: Order, lots: int, now_ns: int, cause: int) -> None:
        if lots == order.whole.lots:
            return
        whole = replace(order.whole, lots=lots)
        if lots == 0:
            self._books.open_more(order, -order.whole.lots)
            self._forget(order)
            self._orders.hold(order, whole, WAITS, event_ns=now_ns, cause=cause)
        elif self._is_conditional(order):
            self._wait_for_price(order, whole, now_ns, cause, opened=True)
        elif self._gateway.connected:
            self._books.open_more(order, lots - order.whole.lots)
            order.waits = False
            self._orders.take_terms(order, whole)
            self._send(order, now_ns, cause, "")
        else:
            self._books.open_more(order, lots - order.whole.lots)
            self._orders.hold(order, whole, _FOR_GATEWAY, event_ns=now_ns, cause=cause)
            self._keep(order)
            self._tell(order, "is due and waits", cause)

    def _wait_for_price(self, order: Order, whole: WholeTerms, now_ns: int, cause: int, *, opened: bool) -> None:
        trails = order.order_type in TRAILING
        if opened:
            self._books.open_more(order, whole.lots - order.whole.lots)
        if trails and order.whole.stop_ticks is None:
            price = self._desk.last_price(order.number)
            whole = whole if isnan(price) else replace(followed(order, price), lots=whole.lots)
        self._orders.hold(order, whole, _FOR_MARKET if trails else _FOR_PRICE, event_ns=now_ns, cause=cause)
        if not opened:
            self._books.open_again(order)
        self._keep(order)
        self._track(order)
        self._look_now(order, now_ns, cause)

    def _look_now(self, order: Order, now_ns: int, cause: int) -> None:
        if order.held and not order.waits and self._is_conditional(order):
            price = self._desk.last_price(order.number)
            self._look(order, () if isnan(price) else (price,), now_ns, cause)

    def _is_quiet(self, order: Order, prices: tuple[float, ...]) -> bool:
        # Between two prices that did nothing to an order with these terms, no other does.
        quiet = self._quiet.get(order.request_id)
        return quiet is not None and quiet[0] is order.whole and all(quiet[1] <= price <= quiet[2] for price in prices)

    def _look(self, order: Order, prices: tuple[float, ...], now_ns: int, cause: int) -> None:
        before = whole = order.whole
        trails = order.order_type in TRAILING
        reached = False
        for price in prices:
            reached = is_reached(order, price)
            if reached:
                self._orders.take_terms(order, whole)
                self._send(order, now_ns, cause, TRIGGERED)
                break
            if trails:
                order.whole = whole = followed(order, price)
        if order.held and whole != before:
            self._orders.change(order, whole, event_ns=now_ns, cause=cause, reason=TRAILED)
        if order.held and not reached and prices:
            quiet = self._quiet.get(order.request_id)
            known = quiet[1:] if quiet is not None and quiet[0] is order.whole else prices
            self._quiet[order.request_id] = (order.whole, min(*known, *prices), max(*known, *prices))

    def _send(self, order: Order, now_ns: int, cause: int, reason: str) -> None:
        # What is due is checked once more, and sent unless the gateway is down: a stop then needs another price when it is up again.
        if not order.held:  # it has ended by what became of another one
            return
        if not self._gateway.connected:
            self._tell(order, "has reached its stop and waits for another price", cause)
            return
        if is_reduce_only(order.terms):
            lots = closable_lots(order, self._books.accounts)
            if not lots:
                self.end(order, OrderStatus.CANCELLED, "reduce-only: nothing is left to close", now_ns, cause)
                return
            self._books.open_more(order, lots - order.whole.lots)
            self._orders.take_terms(order, replace(order.whole, lots=lots))
        findings = self._desk.check_again(order, now_ns, _NOT_AGAIN | (_SIZES if self._only_closes(order) else RiskReason.NONE))
        if findings:
            self.end(order, OrderStatus.REJECTED, f"refused when it was due: {summary(findings)}", now_ns, cause)
            return
        wrong = late_offset(order, now_ns, self._books.accounts, self._orders, nets=self._gateway.nets)
        self._books.tie(order, 0)
        if wrong:
            self.end(order, OrderStatus.REJECTED, f"refused when it was due: {summary(wrong)}", now_ns, cause)
            return
        self._forget(order)
        self._desk.dispatch(order, now_ns, cause, reason)
        self._track(order)

    def _look_after(self, parent: Order, cause: int) -> None:
        # A parent that goes on being filled after its children are done leaves a position that nothing closes.
        children = self._orders.groups.children(parent)
        out = sum(child.filled_lots for child in children)
        if not out or parent.request_id in self._told or not all(child.is_final for child in children):
            return
        if out < min(parent.filled_lots, max(child.asked_lots for child in children)):
            self._told.add(parent.request_id)
            message = f"Order {parent.client_id} was filled after its way out was taken: nothing closes the rest."
            self._desk.alert("open_bracket", message, cause)

    def _tell(self, order: Order, what: str, cause: int) -> None:
        if order.request_id not in self._told:
            self._told.add(order.request_id)
            self._desk.warn(f"Order {order.client_id} {what}: the {self._gateway.name} gateway is not connected.", cause)

    def _only_closes(self, order: Order) -> bool:
        return order.left_lots == closable_lots(order, self._books.accounts)
