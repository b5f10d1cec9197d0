"""How the orders of a Backtrader class leave the StrategyManager: by the session of its strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gcg_quant.events import OrderEvent, OrderStatus

from ...strategy_engine.strategy.session import OrderTerms, Session
from ..conversion.facts import place_of
from ..conversion.order_terms import terms_of

if TYPE_CHECKING:
    from ..streaming.stream import QueueStream

__all__ = ["SessionSender"]

DONE = frozenset({OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.FAILED})


class SessionSender:
    """Sends a Backtrader broker's orders by the session of its strategy, as answers to what the run has seen last.

    All that it goes by is what the run itself has been told: the strategy's host may be ahead of it.
    """

    def __init__(self, session: Session, stream: QueueStream) -> None:
        self.account = session.account
        self._session = session
        self._stream = stream
        self._asked: set[str] = set()
        stream.listen(OrderEvent, self._told)

    def send(self, order: Any) -> tuple[str, int]:
        """Publish the order's request; raise GcgQuantError if the strategy may not trade now or the order makes no sense."""
        symbol, venue = place_of(order.data)
        place = f"{symbol}@{venue}" if venue else symbol
        terms = terms_of(order, self._session.instrument(place))
        side, quantity = terms.pop("side"), terms.pop("quantity")
        return self._session.send(side, quantity, place, OrderTerms(**terms), self._stream.moment)

    def cancel(self, client_id: str, request: int, order: Any) -> None:
        """Publish the cancel request of an order, unless it was asked for and has not been refused."""
        if self.note_cancel(client_id):
            symbol, venue = place_of(order.data)
            terms = self._session.instrument(f"{symbol}@{venue}" if venue else symbol)
            self._session.cancel_sent(client_id, request, (terms.symbol, terms.venue), self._stream.moment)

    def note_cancel(self, client_id: str) -> bool:
        """Note that an order's cancellation is asked for; return whether it was not before."""
        new = client_id not in self._asked
        self._asked.add(client_id)
        return new

    # An order that tells a reason goes on: its cancellation was refused, and may be asked for again. One that is done is forgotten.
    def _told(self, event: OrderEvent) -> bool:
        if event.reason or event.status in DONE:
            self._asked.discard(event.client_id)
        return False
