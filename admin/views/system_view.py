"""What the system looks like, folded from its events: groups, components, strategies, orders, positions, accounts."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

import msgspec

from gcg_quant.bus import BusReader, EventBus
from gcg_quant.clock import NS_PER_SECOND, now_ns
from gcg_quant.errors import JournalError
from gcg_quant.events import (
    AccountEvent,
    AlertEvent,
    Applied,
    BacktestProgressEvent,
    BacktestRequestEvent,
    BacktestResultEvent,
    CollectorStatusEvent,
    ConfigChangeEvent,
    Event,
    Fill,
    FundingPayment,
    GapEvent,
    GatewayStatus,
    LogEvent,
    MetricEvent,
    ModelStatusEvent,
    OrderEvent,
    OrderStatus,
    PositionEvent,
    RiskVerdict,
    StrategyStatusEvent,
    SystemEvent,
)
from gcg_quant.packing import STATE_ERRORS, pack_event, unpack_state
from gcg_quant.snapshots import Snapshots

from ...backtest.engine import CANCELLED, STOPPED
from .component_view import ComponentView
from .settings_view import SettingsView
from .trading_view import TradingView

__all__ = ["BACKTEST_REMOVED", "SystemView"]

BACKTEST_REMOVED = "backtest_removed"  # the action of a SystemEvent

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

    VERSION: ClassVar[int] = 3
    VITAL: ClassVar[bool] = False
    KEEPER: ClassVar[str] = "monitor"  # the component whose snapshots are views
    EVENTS: ClassVar[tuple[type[Event], ...]] = (
        SystemEvent,
        StrategyStatusEvent,
        MetricEvent,
        LogEvent,
        AlertEvent,
        OrderEvent,
        Fill,
        FundingPayment,
        PositionEvent,
        AccountEvent,
        BacktestRequestEvent,
        BacktestProgressEvent,
        BacktestResultEvent,
        CollectorStatusEvent,
        ModelStatusEvent,
        GapEvent,
        *TradingView.EVENTS,
    )

    def __init__(self) -> None:
        self.parts = ComponentView()
        self.settings = SettingsView()
        self.metrics: dict[str, dict[str, float]] = {}
        self.metric_ns: dict[str, int] = {}
        self.counts: dict[str, dict[str, list[int]]] = {}  # of the metrics that are means of many, how these are spread
        self.strategies: dict[str, StrategyStatusEvent] = {}
        self.models: dict[str, ModelStatusEvent] = {}
        self.orders: dict[int, OrderEvent] = {}
        self.positions: dict[tuple[str, str, str, str, str], PositionEvent] = {}  # by account, strategy, symbol, venue and side
        self.accounts: dict[tuple[str, str], AccountEvent] = {}  # by account and currency
        self.trading = TradingView()
        self.fills: deque[Fill] = deque(maxlen=5 * _KEPT)
        self.payments: deque[FundingPayment] = deque(maxlen=5 * _KEPT)
        self.problems: deque[LogEvent | AlertEvent] = deque(maxlen=_KEPT)
        self.backtests: dict[str, dict[str, Any]] = {}
        self.started_ns = 0
        self.words: dict[str, deque[LogEvent]] = {}  # the newest log lines of each component and strategy
        self.fill_counts: dict[str, int] = {}  # by strategy
        self.fill_count = 0
        self.order_count = 0
        self._loaded = False

    @classmethod
    def of(cls, bus: EventBus, *kinds: type[Event], since_ns: int | None = None) -> SystemView:
        """Return the view of a bus as it is now: the monitor's newest snapshot and the tail behind it.

        Without a snapshot it is made of the whole control lane, and of the other lanes since `since_ns` (default: all).

        Args:
            kinds: the events that matter, if not all; what shows others may be out of date.
        """
        for found in Snapshots(bus, cls.KEEPER, cls.VERSION).find(search=False):
            view = cls()
            try:
                view.load(unpack_state(found.state))
                reader = bus.reader(start=found.cursor, events=kinds or cls.EVENTS)
            except (*STATE_ERRORS, JournalError):
                continue  # the monitor says so on the log lane when it starts
            return view._read(reader)
        reader = bus.reader(start="begin", events=kinds or cls.EVENTS)
        if since_ns is not None:
            begin = reader.cursor
            reader.seek_time(since_ns)
            reader.seek(msgspec.structs.replace(reader.cursor, control=begin.control))
        view = cls()
        view.trading.saw_the_beginning = reader.cursor.market == 1
        return view._read(reader)

    def _read(self, reader: BusReader) -> SystemView:
        with reader:
            for event in reader:
                self.apply(event)
        return self

    # ---- as a fold

    def listen(self, reader: BusReader) -> None:
        """Let a reader pass the events that are shown."""
        if not self._loaded:
            self.trading.saw_the_beginning = reader.cursor.market == 1
        reader.add_rule(self.EVENTS, None, None, True)

    def dump(self) -> Any:
        """Return the view as plain values and packed events."""
        return {
            "parts": self.parts.dump(),
            "settings": self.settings.dump(),
            "metrics": self.metrics,
            "metric_ns": self.metric_ns,
            "metric_counts": self.counts,
            "strategies": [pack_event(event) for event in self.strategies.values()],
            "models": [pack_event(event) for event in self.models.values()],
            "orders": [pack_event(event) for event in self.orders.values()],
            "positions": [pack_event(event) for event in self.positions.values()],
            "accounts": [pack_event(event) for event in self.accounts.values()],
            "fills": [pack_event(event) for event in self.fills],
            "payments": [pack_event(event) for event in self.payments],
            "problems": [pack_event(event) for event in self.problems],
            "words": [pack_event(event) for said in self.words.values() for event in said],
            "fill_counts": self.fill_counts,
            "backtests": self.backtests,
            "started_ns": self.started_ns,
            "counts": (self.fill_count, self.order_count),
            "trading": self.trading.dump(),
        }

    def load(self, state: Any) -> None:
        """Take over what `dump` returned; this view is new."""
        self.metrics, self.metric_ns = state["metrics"], state["metric_ns"]
        self.counts = state.get("metric_counts", {})  # a state of before they were told has none
        self.parts.load(state["parts"])
        self.settings.load(state["settings"])
        self.strategies = {event.strategy: event for event in state["strategies"]}
        self.models = {event.model: event for event in state.get("models", ())}  # a state of before there were models has none
        self.orders = {event.request: event for event in state["orders"]}
        self.positions = {_position_key(event): event for event in state["positions"]}
        self.accounts = {(event.account, event.currency): event for event in state["accounts"]}
        self.fills.extend(state["fills"])
        self.payments.extend(state.get("payments", ()))
        self.problems.extend(state["problems"])
        for event in state.get("words", ()):  # a state of before they were kept has none
            self._keep_words(event)
        self.fill_counts = state.get("fill_counts", {})
        self.backtests, self.started_ns = state["backtests"], state["started_ns"]
        self.fill_count, self.order_count = state["counts"]
        self.trading.load(state["trading"])
        self._loaded = True

    def apply(self, event: Event) -> None:
        """Take one event in."""
        handler = getattr(self, f"_on_{type(event).__name__}", None)
        if handler is not None:
            handler(event)

    def _on_SystemEvent(self, event: SystemEvent) -> None:  # noqa: N802 - named after the event
        self.parts.on_system(event)
        if event.action == "start":
            self.metrics.clear()
            self.counts.clear()
            self.started_ns = event.time_ns
            for row in self.backtests.values():
                if row.get("state") in ("requested", "running"):  # what ran when the process was killed has told nobody
                    row.update(state="failed", error=STOPPED)
        elif event.action == BACKTEST_REMOVED:
            self.backtests.pop(event.component, None)

    def _on_StrategyStatusEvent(self, event: StrategyStatusEvent) -> None:  # noqa: N802
        if event.state == "unloaded":
            self.strategies.pop(event.strategy, None)
        else:
            self.strategies[event.strategy] = event

    def _on_ModelStatusEvent(self, event: ModelStatusEvent) -> None:  # noqa: N802
        self.models[event.model] = event

    def _on_MetricEvent(self, event: MetricEvent) -> None:  # noqa: N802
        key = event.name if not event.labels else event.name + "{" + ",".join(f"{k}={v}" for k, v in sorted(event.labels.items())) + "}"
        self.metrics.setdefault(event.component, {})[key] = event.value
        self.metric_ns[event.component] = event.time_ns
        if event.counts:
            self.counts.setdefault(event.component, {})[event.name] = list(event.counts)

    def _keep_words(self, event: LogEvent) -> None:
        said = self.words.get(event.component)
        if said is None:
            if len(self.words) >= _KEPT:
                del self.words[next(iter(self.words))]
            said = self.words[event.component] = deque(maxlen=_KEPT)
        said.append(event)

    def _on_LogEvent(self, event: LogEvent) -> None:  # noqa: N802
        self._keep_words(event)
        if event.level in ("warning", "error", "critical"):
            self.problems.append(event)

    def _on_AlertEvent(self, event: AlertEvent) -> None:  # noqa: N802
        self.problems.append(event)

    def _on_OrderEvent(self, event: OrderEvent) -> None:  # noqa: N802
        if not event.request:
            return  # it answers a request about an order that nobody knows
        if event.request not in self.orders:
            self.order_count += 1
        self.trading.on_order(self.orders.get(event.request), event)
        self.orders[event.request] = event
        if len(self.orders) > 10 * _KEPT:
            closed = [request for request, order in self.orders.items() if order.status not in _OPEN]
            for request in closed[: -_KEPT or None]:
                del self.orders[request]

    def _on_Fill(self, event: Fill) -> None:  # noqa: N802
        self.fill_count += 1
        self.fill_counts[event.strategy] = self.fill_counts.get(event.strategy, 0) + 1
        self.fills.append(event)

    def _on_FundingPayment(self, event: FundingPayment) -> None:  # noqa: N802
        self.payments.append(event)

    def _on_PositionEvent(self, event: PositionEvent) -> None:  # noqa: N802
        self.positions[_position_key(event)] = event

    def _on_AccountEvent(self, event: AccountEvent) -> None:  # noqa: N802
        self.accounts[event.account, event.currency] = event
        self.trading.on_account(event)

    def _on_ConfigChangeEvent(self, event: ConfigChangeEvent) -> None:  # noqa: N802
        self.trading.on_config(event)
        self.settings.on_config(event)

    def _on_Applied(self, event: Applied) -> None:  # noqa: N802
        self.trading.on_applied(event)
        self.settings.on_applied(event)

    def _on_RiskVerdict(self, event: RiskVerdict) -> None:  # noqa: N802
        self.trading.on_verdict(event)

    def _on_GatewayStatus(self, event: GatewayStatus) -> None:  # noqa: N802
        self.trading.on_gateway(event)

    def _on_CollectorStatusEvent(self, event: CollectorStatusEvent) -> None:  # noqa: N802
        self.parts.on_line(event)

    def _on_GapEvent(self, event: GapEvent) -> None:  # noqa: N802
        self.parts.on_gap(event)

    def _on_BacktestRequestEvent(self, event: BacktestRequestEvent) -> None:  # noqa: N802
        told = {name: getattr(event, name) for name in ("run", "file", "class_name", "symbols", "period", "parameters")}
        self.backtests.pop(event.run, None)
        self.backtests[event.run] = {**told, "requested_ns": event.time_ns, "state": "requested", "progress": 0.0}
        if len(self.backtests) > _KEPT:
            del self.backtests[next(iter(self.backtests))]

    def _on_BacktestProgressEvent(self, event: BacktestProgressEvent) -> None:  # noqa: N802
        row = self.backtests.setdefault(event.run, {"run": event.run})
        row.update(state="running", progress=event.done / event.total if event.total else 0.0, value=event.value)

    def _on_BacktestResultEvent(self, event: BacktestResultEvent) -> None:  # noqa: N802
        row = self.backtests.setdefault(event.run, {"run": event.run})
        state = "done" if event.ok else "cancelled" if event.error == CANCELLED else "failed"
        row.update(
            state=state,
            progress=1.0 if event.ok else row.get("progress", 0.0),
            error=event.error,
            results=event.results,
            report=event.report,
            finished_ns=event.time_ns,
        )

    @property
    def groups(self) -> dict[str, dict[str, Any]]:
        """The process groups by name: state, since when, pid, components."""
        return self.parts.groups

    @property
    def open_orders(self) -> list[OrderEvent]:
        """The orders that still work."""
        return [order for order in self.orders.values() if order.status in _OPEN]

    def fresh_metrics(self) -> dict[str, dict[str, float]]:
        """Return the metrics of the components that reported within the last 10 s."""
        limit = now_ns() - _FRESH_NS
        return {name: values for name, values in self.metrics.items() if self.metric_ns.get(name, 0) >= limit}


def _position_key(event: PositionEvent) -> tuple[str, str, str, str, str]:
    return event.account, event.strategy, event.symbol, event.venue, event.position_side.name
