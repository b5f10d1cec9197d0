"""How long orders take, measured on the journal: from the market event that led to one until the venue's first answer."""

from __future__ import annotations

import time
from collections import deque
from typing import NamedTuple

from gcg_quant.bus import Cursor, EventBus
from gcg_quant.errors import JournalError
from gcg_quant.events import Lane, MarketDataEvent, OrderCommand, OrderEvent, OrderRequest, OrderStatus
from gcg_quant.histogram import Histogram

__all__ = ["OrderLatency", "Recent"]

_SEQ = (1 << 60) - 1
_MOST_WAITING = 10_000
_MOST_GATEWAYS = 32
_LATE = 0.95
_OWN = frozenset({OrderStatus.NEW, OrderStatus.RISK_CHECKED})  # states before the venue is asked
_ANSWERS = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTLY_FILLED, OrderStatus.FILLED, OrderStatus.REJECTED})


class Recent:
    """The newest values: those of the last minute, or the last ten of the last hour if these are more."""

    def __init__(self, window_s: float = 60.0, least: int = 10, longest_s: float = 3600.0) -> None:
        self._window_s, self._least, self._longest_s = window_s, least, longest_s
        self._values: deque[tuple[float, float]] = deque(maxlen=5_000)

    def add(self, value: float, now_s: float) -> None:
        """Take a value that came at `now_s`."""
        self._values.append((now_s, value))

    def forget(self) -> None:
        """Begin anew."""
        self._values.clear()

    def late(self, now_s: float) -> tuple[float, int]:
        """Return the 95th percentile, never the worst one alone (one slow order says nothing), and of how many values; (0, n) if n < 2."""
        values = self._values
        while values and (now_s - values[0][0] > self._longest_s or (len(values) > self._least and now_s - values[0][0] > self._window_s)):
            values.popleft()
        count = len(values)
        if count < 2:
            return 0.0, count
        ranked = sorted(value for _, value in values)
        return ranked[min(int(count * _LATE), count - 2)], count


class _Waiting(NamedTuple):
    asked_ns: int
    submitted: bool


class OrderLatency:
    """Histograms and newest values of the way of orders, in seconds. One thread at a time.

    Only orders are looked at: the tick behind one is read from the journal by the order's cause. What no market event led to (a timer,
    a person) has no time from a tick.

    Args:
        bus: where the events are.
    """

    def __init__(self, bus: EventBus) -> None:
        self.tick_to_order = Histogram()
        self.order_to_command = Histogram()
        self.order_to_ack: dict[str, Histogram] = {}
        self.recent_ticks = Recent()
        self.recent_acks = Recent()
        self.orders = 0
        self._bus = bus
        self._past = bus.reader(events=[MarketDataEvent])
        self._waiting: dict[int, _Waiting] = {}

    def on_request(self, request: OrderRequest) -> None:
        """Take an order that somebody wants."""
        self.orders += 1
        self._waiting[request.id] = _Waiting(request.time_ns, False)
        if len(self._waiting) > _MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        began_ns = self._market_time(request.cause)
        if began_ns:
            seconds = (request.time_ns - began_ns) / 1e9
            self.tick_to_order.observe(seconds)
            self.recent_ticks.add(seconds, time.monotonic())

    def on_command(self, command: OrderCommand) -> None:
        """Take what the order manager sends to a gateway."""
        waiting = self._waiting.get(command.request)
        if waiting is not None and not waiting.submitted:
            self._waiting[command.request] = waiting._replace(submitted=True)
            self.order_to_command.observe((command.time_ns - waiting.asked_ns) / 1e9)

    def on_event(self, event: OrderEvent) -> None:
        """Take a state of an order: the first answer of the venue ends its way."""
        if event.status in _OWN or event.status == OrderStatus.SUBMITTING:
            return
        waiting = self._waiting.pop(event.request, None)
        if waiting is None or not waiting.submitted or event.status not in _ANSWERS:
            return
        seconds = (event.time_ns - waiting.asked_ns) / 1e9
        gateway = event.gateway if event.gateway in self.order_to_ack or len(self.order_to_ack) < _MOST_GATEWAYS else "others"
        self.order_to_ack.setdefault(gateway, Histogram()).observe(seconds)
        self.recent_acks.add(seconds, time.monotonic())

    def close(self) -> None:
        """Release the journal."""
        self._past.close()

    def _market_time(self, cause: int) -> int:
        # When the market event that led to an order was published; 0 if it was none, or its page is gone.
        if not cause or cause >> 60 != Lane.MARKET:
            return 0
        bus = self._bus
        at = Cursor(bus.bus_id, bus.epoch, bus.head(Lane.CONTROL), cause & _SEQ, bus.head(Lane.LOG))
        try:
            self._past.seek(at)
            event = self._past.read()
        except JournalError:  # a page that was pruned, or is damaged
            return 0
        return event.time_ns if event is not None and event.id == cause else 0
