"""What the system looks like, folded from its events: groups, components, strategies, orders, positions, accounts."""

from __future__ import annotations

from collections import deque
from typing import Any

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_SECOND, now_ns
from gcg_quant.events import (
    AccountEvent,
    AlertEvent,
    BacktestProgressEvent,
    BacktestRequestEvent,
    BacktestResultEvent,
    Event,
    Fill,
    LogEvent,
    MetricEvent,
    OrderEvent,
    OrderStatus,
    PositionEvent,
    StrategyStatusEvent,
    SystemEvent,
)

__all__ = ["SystemView"]

_OPEN = frozenset(
    {
        OrderStatus.NEW,
        OrderStatus.RISK_CHECKED,
        OrderStatus.SUBMITTING,
        OrderStatus.ACCEPTED,
        OrderStatus.PARTLY_FILLED,
        OrderStatus.CANCELLING,
    }
)
_KEPT = 200
_FRESH_NS = 10 * NS_PER_SECOND


class SystemView:
    """The state that status commands and the REST interface answer from. Not thread-safe: one thread applies and asks."""

    EVENTS = (
        SystemEvent,
        StrategyStatusEvent,
        MetricEvent,
        LogEvent,
        AlertEvent,
        OrderEvent,
        Fill,
        PositionEvent,
        AccountEvent,
        BacktestRequestEvent,
        BacktestProgressEvent,
        BacktestResultEvent,
    )

    def __init__(self) -> None:
        self.groups: dict[str, dict[str, Any]] = {}
        self.metrics: dict[str, dict[str, float]] = {}
        self.metric_ns: dict[str, int] = {}
        self.strategies: dict[str, StrategyStatusEvent] = {}
        self.orders: dict[int, OrderEvent] = {}
        self.positions: dict[tuple[str, str, str, str], PositionEvent] = {}
        self.accounts: dict[tuple[str, str], AccountEvent] = {}  # by account and currency
        self.fills: deque[Fill] = deque(maxlen=_KEPT)
        self.problems: deque[LogEvent | AlertEvent] = deque(maxlen=_KEPT)
        self.backtests: dict[str, dict[str, Any]] = {}
        self.started_ns = 0
        self.fill_count = 0
        self.order_count = 0

    @classmethod
    def of(cls, bus: EventBus, *, since_ns: int | None = None) -> SystemView:
        """Return the view of a bus as it is now: the whole control lane, and the other lanes since `since_ns` (default: all)."""
        view = cls()
        with bus.reader(start="begin", events=cls.EVENTS) as reader:
            if since_ns is not None:
                begin = reader.cursor
                reader.seek_time(since_ns)
                reader.seek(reader.cursor.__class__(begin.bus_id, begin.epoch, begin.control, reader.cursor.market, reader.cursor.log))
            for event in reader:
                view.apply(event)
        return view

    def apply(self, event: Event) -> None:
        """Take one event in."""
        handler = getattr(self, f"_on_{type(event).__name__}", None)
        if handler is not None:
            handler(event)

    def _on_SystemEvent(self, event: SystemEvent) -> None:  # noqa: N802 - named after the event
        if event.action == "start":
            self.groups.clear()
            self.metrics.clear()
            self.started_ns = event.time_ns
        elif event.action.startswith("group_"):
            state = {"group_started": "running", "group_died": "died", "group_stopped": "stopped"}.get(event.action, event.action)
            self.groups[event.component] = {"state": state, "since_ns": event.time_ns, "detail": event.detail, **event.data}
        elif event.action == "stopped":
            for group in self.groups.values():
                group["state"] = "stopped"

    def _on_StrategyStatusEvent(self, event: StrategyStatusEvent) -> None:  # noqa: N802
        if event.state == "unloaded":
            self.strategies.pop(event.strategy, None)
        else:
            self.strategies[event.strategy] = event

    def _on_MetricEvent(self, event: MetricEvent) -> None:  # noqa: N802
        key = event.name if not event.labels else event.name + "{" + ",".join(f"{k}={v}" for k, v in sorted(event.labels.items())) + "}"
        self.metrics.setdefault(event.component, {})[key] = event.value
        self.metric_ns[event.component] = event.time_ns

    def _on_LogEvent(self, event: LogEvent) -> None:  # noqa: N802
        if event.level in ("warning", "error", "critical"):
            self.problems.append(event)

    def _on_AlertEvent(self, event: AlertEvent) -> None:  # noqa: N802
        self.problems.append(event)

    def _on_OrderEvent(self, event: OrderEvent) -> None:  # noqa: N802
        if event.request not in self.orders:
            self.order_count += 1
        self.orders[event.request] = event
        if len(self.orders) > 10 * _KEPT:
            closed = [request for request, order in self.orders.items() if order.status not in _OPEN]
            for request in closed[: -_KEPT or None]:
                del self.orders[request]

    def _on_Fill(self, event: Fill) -> None:  # noqa: N802
        self.fill_count += 1
        self.fills.append(event)

    def _on_PositionEvent(self, event: PositionEvent) -> None:  # noqa: N802
        self.positions[event.account, event.strategy, event.symbol, event.venue] = event

    def _on_AccountEvent(self, event: AccountEvent) -> None:  # noqa: N802
        self.accounts[event.account, event.currency] = event

    def _on_BacktestRequestEvent(self, event: BacktestRequestEvent) -> None:  # noqa: N802
        self.backtests[event.run] = {"run": event.run, "file": event.file, "symbols": event.symbols, "state": "requested", "progress": 0.0}

    def _on_BacktestProgressEvent(self, event: BacktestProgressEvent) -> None:  # noqa: N802
        row = self.backtests.setdefault(event.run, {"run": event.run})
        row.update(state="running", progress=event.done / event.total if event.total else 0.0, value=event.value)

    def _on_BacktestResultEvent(self, event: BacktestResultEvent) -> None:  # noqa: N802
        row = self.backtests.setdefault(event.run, {"run": event.run})
        row.update(state="done" if event.ok else "failed", progress=1.0, error=event.error, results=event.results, report=event.report)

    @property
    def open_orders(self) -> list[OrderEvent]:
        """The orders that still work."""
        return [order for order in self.orders.values() if order.status in _OPEN]

    def fresh_metrics(self) -> dict[str, dict[str, float]]:
        """Return the metrics of the components that reported within the last 10 s."""
        limit = now_ns() - _FRESH_NS
        return {name: values for name, values in self.metrics.items() if self.metric_ns.get(name, 0) >= limit}
