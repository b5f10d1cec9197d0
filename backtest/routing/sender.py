"""How a Backtrader order leaves its broker: as a request on the bus."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from gcg_quant.clock import now_ns
from gcg_quant.events import CancelRequest, OrderRequest

from ..conversion.facts import bounds_of, place_of
from ..conversion.order_terms import terms_of

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

__all__ = ["BusSender", "OrderSender"]


class OrderSender(Protocol):
    """How an order leaves: straight to the bus, or by the session of a strategy that the StrategyManager runs."""

    account: str

    def send(self, order: Any) -> tuple[str, int]:
        """Publish the order's request and return (client id, request id). Raises GcgQuantError if it may not be sent."""
        ...

    def cancel(self, client_id: str, request: int, order: Any) -> None:
        """Publish the cancel request of an order."""
        ...


class BusSender:
    """Publishes requests of its own.

    Args:
        bus: where to.
        account, strategy: whose they are.
        run: sets the client ids of one run apart from those of another; None takes the clock.
        moment: returns the time of a request and the id of the event that it follows from; None takes those of the bar that its feed shows.
    """

    def __init__(
        self, bus: EventBus, account: str, strategy: str, run: str | None = None, moment: Callable[[], tuple[int, int]] | None = None
    ) -> None:
        self.account = account
        self._bus = bus
        self._strategy = strategy
        self._run = f"{now_ns() // 1_000_000:x}" if run is None else run
        self._moment = moment
        self._count = 0

    def send(self, order: Any) -> tuple[str, int]:
        """Publish the order's request and return (client id, request id). Raises InstrumentError for an unknown symbol."""
        self._count += 1
        client_id = f"{self._strategy[:20]}-{self._run}-{self._count}"
        symbol, venue = place_of(order.data)
        now_ns, cause = self._now(order.data)
        request = OrderRequest(
            symbol=symbol,
            venue=venue,
            event_ns=now_ns,
            account=self.account,
            strategy=self._strategy,
            client_id=client_id,
            **terms_of(order, self._bus.instruments.get(symbol, venue or None)),
        )
        return client_id, self._bus.publish(request, cause=cause, source=self._strategy)

    def cancel(self, client_id: str, request: int, order: Any) -> None:
        """Publish the cancel request of an order."""
        symbol, venue = place_of(order.data)
        cancel = CancelRequest(
            symbol=symbol,
            venue=venue,
            event_ns=self._now(order.data)[0],
            request=request,
            account=self.account,
            strategy=self._strategy,
            client_id=client_id,
        )
        self._bus.publish(cancel, source=self._strategy)

    def _now(self, data: Any) -> tuple[int, int]:
        return (bounds_of(data)[1], int(getattr(data, "bar_id", 0))) if self._moment is None else self._moment()
