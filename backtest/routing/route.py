"""The road from a Backtrader strategy to the TradingEngine and back: requests out, order events and fills in."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from gcg_quant.errors import GcgQuantError
from gcg_quant.events import AccountEvent, Fill, OrderEvent, OrderStatus, RiskReason, RiskVerdict

from ..conversion.order_terms import UNKNOWN_TERMS
from ..streaming.stream import BusStream, Stream, market_head
from .account_money import AccountMoney
from .execution import FILLED_TOLERANCE, execute

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

    from ..broker import EventDrivenBroker
    from .sender import OrderSender

__all__ = ["OrderRoute"]

ENDED = (OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.FAILED)


class _Sent:
    """An order that is on its way, and what the engine has said of it."""

    __slots__ = ("complete", "filled", "order", "reasons", "reported", "request", "status")

    def __init__(self, order: Any, request: int) -> None:
        self.order = order
        self.request = request
        self.status = OrderStatus.NEW
        self.filled = 0.0  # as the engine's order events count it
        self.reported = 0.0  # as the strategy has been told
        self.reasons = 0
        self.complete = False


class OrderRoute:
    """Sends a strategy's orders as requests and turns the engine's answers into Backtrader's states. One thread: the cerebro's.

    A strategy sees Submitted when the request is on the bus, Accepted when the venue has it, Partial or Completed when both the fill
    and the order event that counts it have come (in whichever order), else Canceled, Expired, Margin (buying power) or Rejected.
    """

    def __init__(self, broker: EventDrivenBroker, bus: EventBus, sender: OrderSender, stream: Stream | None) -> None:
        self._broker: Any = broker
        self._sender = sender
        self._instruments = bus.instruments
        self._own_stream = stream is None
        self._stream = BusStream(bus) if stream is None else stream
        self._sent: dict[str, _Sent] = {}
        self._held: list[Any] = []  # children whose parent is not filled yet
        self._queue: deque[Any] = deque()
        self._refused: deque[tuple[Any, str]] = deque()
        for kind in (RiskVerdict, OrderEvent, Fill):
            self._stream.listen(kind, self._keep_own)
        self._stream.listen(AccountEvent, self._keep_account)
        self._money = AccountMoney(broker, sender.account, bus, getattr(self._stream, "start_id", 0) or market_head(bus))

    def close(self) -> None:
        """Leave the bus. Open orders stay what they are: they belong to the account."""
        if self._own_stream:
            self._stream.close()

    def open_orders(self) -> list[Any]:
        """Return the orders that are on their way or held back."""
        return [sent.order for sent in self._sent.values() if sent.order.alive()] + list(self._held)

    # --- out -----------------------------------------------------------------------------------------------------------------

    def transmit(self, order: Any) -> Any:
        """Send an order, hold a child until its parent is filled, or reject what cannot be traded now."""
        order.submit(self._broker)
        self._broker.orders.append(order)
        self._broker.notify(order)
        refusal = self._refusal(order)
        if refusal:  # told in the next round: Backtrader is still walking over the order's group
            self._refused.append((order, refusal))
        elif order.active():
            self._send(order)
        else:
            order.accept(self._broker)
            self._held.append(order)
            self._broker.notify(order)
        return order

    def cancel(self, order: Any, *, bracket: bool = False) -> bool:
        """Ask the engine to cancel an order, or drop a held child; return False if it is done already."""
        if any(order is one for one in self._held):
            self._drop(order, bracket=bracket)
            return True
        sent = self._sent.get(getattr(order, "client_id", ""))
        if sent is None or not sent.order.alive():
            return False
        self._sender.cancel(order.client_id, sent.request, order)
        return True

    def one_cancels_others(self, order: Any) -> None:
        """Cancel what is left of the OCO group of an order that is done."""
        broker = self._broker
        group = broker._ocol.pop(broker._ocos.get(broker._ocos.get(order.ref)), None) or ()
        for other in self.open_orders():
            if other.ref in group and other.ref != order.ref:
                self.cancel(other)

    # Nothing trades before LIVE: not from `start()`, `notify_data()`, a timer or a `prenext()` that calls `next()`.
    def _refusal(self, order: Any) -> str:
        if order.exectype in UNKNOWN_TERMS:
            return f"{order.getordername()} orders exist in a backtest with stock matching only"
        datas = self._broker.cerebro.datas
        waiting = [data for data in datas if data.islive() and data._laststatus != data.LIVE and (not _joined(data) or data is order.data)]
        return f"the feed of {waiting[0]._name} is not live yet" if waiting else ""

    def _send(self, order: Any) -> None:
        try:
            order.client_id, request = self._sender.send(order)
        except GcgQuantError as error:
            self._refused.append((order, str(error)))
            return
        self._sent[order.client_id] = _Sent(order, request)

    def _drop(self, order: Any, *, bracket: bool) -> None:
        self._held = [one for one in self._held if one is not order]
        order.cancel()
        self._broker.notify(order)
        self._broker._ococheck(order)
        if not bracket:
            self._broker._bracketize(order, cancel=True)

    # --- in ------------------------------------------------------------------------------------------------------------------

    def take_in(self) -> None:
        """Handle what came since the last call, in the order of the bus; then send the children of filled parents."""
        if self._own_stream:
            self._stream.drain()
        self._stream.end_round()
        while self._refused:
            order, reason = self._refused.popleft()
            self._end(order, OrderStatus.REJECTED, reason)
        while self._queue:
            self._apply(self._queue.popleft())
        while self._broker._toactivate:
            child = self._broker._toactivate.popleft()
            child.activate()
            if any(child is one for one in self._held):
                self._held = [one for one in self._held if one is not child]
                self._send(child)

    def _keep_own(self, event: Any) -> bool:
        if event.client_id in self._sent and event.account == self._sender.account:
            self._queue.append(event)
        return False

    def _keep_account(self, event: AccountEvent) -> bool:
        if event.account == self._sender.account:
            self._queue.append(event)
        return False

    def _apply(self, event: AccountEvent | RiskVerdict | OrderEvent | Fill) -> None:
        if isinstance(event, AccountEvent):
            self._money.take(event)
            return
        sent = self._sent[event.client_id]
        if isinstance(event, RiskVerdict):
            sent.reasons = 0 if event.passed else int(event.reasons)
        elif isinstance(event, Fill):
            execute(self._broker, sent.order, event, self._instruments)
            self._tell_fills(sent)
        else:
            self._order_event(sent, event)

    def _order_event(self, sent: _Sent, event: OrderEvent) -> None:
        order = sent.order
        sent.status = event.status
        sent.filled = max(sent.filled, event.filled_quantity)
        self._tell_fills(sent)
        if event.status == OrderStatus.ACCEPTED and order.status == order.Submitted:
            order.accept(self._broker)
            self._broker.notify(order)
        elif event.status in ENDED and order.alive():
            margin = event.status == OrderStatus.REJECTED and sent.reasons & RiskReason.BUYING_POWER
            self._end(order, event.status, event.reason, margin=bool(margin))

    # A fill and the order event that counts it come one after the other, in either order: the strategy is told once, when both are there.
    def _tell_fills(self, sent: _Sent) -> None:
        order = sent.order
        done = abs(order.executed.size)
        if abs(done - sent.filled) > FILLED_TOLERANCE:
            return
        complete = sent.status == OrderStatus.FILLED and not sent.complete
        if not complete and done <= sent.reported:
            return
        sent.reported, sent.complete = done, complete
        if complete:
            order.executed.remsize = 0
            order.completed()
        else:
            order.partial()
        self._broker.notify(order)
        if complete:
            self._broker._ococheck(order)
            self._broker._bracketize(order)

    def _end(self, order: Any, status: OrderStatus, reason: str, *, margin: bool = False) -> None:
        if margin:
            order.margin()
        elif status == OrderStatus.CANCELLED:
            order.cancel()
        elif status == OrderStatus.EXPIRED:
            order.status = order.Expired
            order.executed.dt = order.data.datetime[0]
        else:
            order.reject(self._broker)
        order.addinfo(reason=reason)
        self._broker.notify(order)
        self._broker._ococheck(order)
        self._broker._bracketize(order, cancel=True)


# The others need not wait for a feed that was added while they were live.
def _joined(data: Any) -> bool:
    return bool(getattr(data, "joined", False))
