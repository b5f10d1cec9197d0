"""How the orders of a Backtrader class leave the StrategyManager: by the session of its strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...strategy_engine.strategy.session import OrderTerms, Session
from ..conversion.facts import place_of
from ..conversion.order_terms import terms_of

if TYPE_CHECKING:
    from ..streaming.stream import QueueStream

__all__ = ["SessionSender"]


class SessionSender:
    """Sends a Backtrader broker's orders by the session of its strategy, as answers to what the run has seen last."""

    def __init__(self, session: Session, stream: QueueStream) -> None:
        self.account = session.account
        self._session = session
        self._stream = stream

    def send(self, order: Any) -> tuple[str, int]:
        """Publish the order's request; raise GcgQuantError if the strategy may not trade now or the order makes no sense."""
        symbol, venue = place_of(order.data)
        place = f"{symbol}@{venue}" if venue else symbol
        terms = terms_of(order, self._session.instrument(place))
        side, quantity = terms.pop("side"), terms.pop("quantity")
        return self._session.order(side, quantity, place, OrderTerms(**terms), self._stream.moment), 0

    def cancel(self, client_id: str, request: int, order: Any) -> None:
        """Publish the cancel request of an order."""
        self._session.cancel(client_id, self._stream.moment)
