"""The figures of the running system for Prometheus, made when they are asked for."""

from __future__ import annotations

import importlib.metadata
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gcg_quant.bus import EventBus
from gcg_quant.clock import now_ns
from gcg_quant.events import Lane
from gcg_quant.histogram import Histogram
from gcg_quant.settings import Settings

from ..monitor import Monitor
from ..reports.component_report import component_rows, group_rows, handler_times
from ..reports.trading_report import gateway_rows, strategy_profits
from ..views.system_view import SystemView
from .performance import PerformanceMonitor

__all__ = ["MOST_LABELS", "Exporter"]

MOST_LABELS = 200  # values of one label: more of them (strategies that come and go) would fill Prometheus' memory
_PREFIX = "gcg_quant_"
_LEVELS = ("warning", "critical")
_GATEWAY_STATES = ("connected", "connecting", "disconnected", "halted", "accepted", "down")
_COMPONENT_STATES = ("running", "stopped", "failed")


class Exporter(Collector):
    """Collects from the monitors that run anyway; whoever scrapes often costs no reader of the journal anything.

    It has a registry of its own, without the Python process's own figures. `text()` may be called from any thread.

    Args:
        bus: whose system it is.
        monitor: knows components, orders, gateways and strategies.
        performance: knows latencies, lags and rates.
        settings: where the database lies.
        pages: returns how many chart pages are connected.
        delivery: how long ticks take to the pages.
    """

    def __init__(
        self,
        bus: EventBus,
        monitor: Monitor,
        performance: PerformanceMonitor,
        settings: Settings,
        pages: Callable[[], int],
        delivery: Histogram | None = None,
    ) -> None:
        self._bus = bus
        self._monitor = monitor
        self._performance = performance
        self._settings = settings
        self._pages = pages
        self._delivery = delivery or Histogram()
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def text(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self._registry)

    def describe(self) -> Iterable[Metric]:
        """Return nothing: what there is depends on what runs."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        yield _gauge("info", "What runs: version and world.", ("version", "world"), {(_version(), self._bus.world.name.lower()): 1.0})
        yield _gauge("websocket_clients", "Chart pages that are connected.", (), {(): float(self._pages())})
        text = "From a tick on the bus until the messages that tell of it go out to the pages."
        yield _histogram("bus_to_page_seconds", text, (), {(): self._delivery})
        yield from self._of_performance()
        yield from self._monitor.ask(lambda view: list(self._of_view(view)))
        yield from self._database_size()

    # ---- what the performance monitor knows

    def _of_performance(self) -> Iterator[Metric]:
        performance = self._performance
        with performance.standing():
            yield from self._events()
            yield from self._lags()
            latency = performance.latency
            if latency is not None:
                own = {(): latency.tick_to_order}
                yield _histogram("tick_to_order_seconds", "From a market event to the order that it led to.", (), own)
                own = {(): latency.order_to_command}
                yield _histogram("order_to_command_seconds", "From an order to the command for the gateway, checked by risk.", (), own)
                acks = {(name,): one for name, one in latency.order_to_ack.items()}
                yield _histogram("order_to_ack_seconds", "From an order to the venue's first answer.", ("gateway",), acks)
                yield _counter("orders", "Orders that were asked for since the monitor started.", (), {(): float(latency.orders)})
            memory = {(name,): float(use.memory_bytes) for name, use in performance.uses.items()}
            yield _gauge("process_memory_bytes", "Memory of a process, what it shares counted in parts (PSS).", ("process",), memory)
            cpu = {(name,): use.cpu_s for name, use in performance.uses.items()}
            yield _counter("process_cpu_seconds", "Processor time that a process has taken.", ("process",), cpu)
            if performance.free_bytes is not None:
                yield _gauge("disk_free_bytes", "Free space of the home folder's disk.", (), {(): float(performance.free_bytes)})
            webhook = {("sent",): float(performance.webhook.sent), ("dropped",): float(performance.webhook.dropped)}
            yield _counter("webhook_alerts", "Alerts by what became of them at the webhook.", ("outcome",), webhook)
        rows = performance.ask(lambda book: book.rows(state="lasts"))
        lasting = {(level,): float(sum(row["level"] == level for row in rows)) for level in _LEVELS}
        yield _gauge("alerts_lasting", "Alerts that are not over.", ("level",), lasting)

    def _events(self) -> Iterator[Metric]:
        counts = {key: float(count) for key, count in self._performance.event_counts.items()}
        yield _counter("events", "Events that were published since the monitor started.", ("lane", "type"), counts)
        heads = {(lane.name.lower(),): float(self._bus.head(lane) - 1) for lane in Lane}
        yield _counter("journal_events", "Events that the journal has taken in all.", ("lane",), heads)

    def _lags(self) -> Iterator[Metric]:
        lags = self._performance.lags
        yield _gauge("reader_lag_events", "Events that wait for a reader.", ("reader",), {(lag.name,): float(lag.events) for lag in lags})
        seconds = {(lag.name,): lag.seconds for lag in lags}
        yield _gauge("reader_lag_seconds", "Age of the oldest event that waits for a reader.", ("reader",), seconds)

    # ---- what the monitor knows

    def _of_view(self, view: SystemView) -> Iterator[Metric]:
        up = max(0.0, (now_ns() - view.started_ns) / 1e9) if view.started_ns else 0.0
        yield _gauge("uptime_seconds", "Time since the system started.", (), {(): up})
        yield from self._groups(view)
        yield from self._components(view)
        yield from self._gateways(view)
        yield from self._books(view)
        yield from self._stored(view)

    def _groups(self, view: SystemView) -> Iterator[Metric]:
        rows = group_rows(view)
        states = {(row["group"],): float(row["state"] == "running") for row in rows}
        yield _gauge("process_up", "Whether a process group runs.", ("process",), states)
        restarts = {(row["group"],): float(row["restarts"]) for row in rows}
        yield _counter("process_restarts", "How often a process group was started again.", ("process",), restarts)

    def _components(self, view: SystemView) -> Iterator[Metric]:
        rows = component_rows(view)
        states = {(row["component"], state): float(row["state"] == state) for row in rows for state in _COMPONENT_STATES}
        yield _gauge("component_state", "1 for the state that a component is in.", ("component", "state"), states)
        errors = {(row["component"],): float(row["errors"]) for row in rows}
        yield _counter("component_errors", "Handlers that raised, since the component started.", ("component",), errors)
        lags = {(row["component"],): float(row["lag"]) for row in rows}
        yield _gauge("component_lag_events", "Events that a component has not seen.", ("component",), lags)
        longest = {(row["component"],): row["max_us"] / 1e6 for row in rows if row["max_us"] is not None}
        yield _gauge("component_handler_longest_seconds", "The longest time that a handler took.", ("component",), longest)
        times = {(name,): one for name, one in handler_times(view).items()}
        yield _histogram("component_handler_seconds", "How long the handlers of a component took.", ("component",), times)

    def _gateways(self, view: SystemView) -> Iterator[Metric]:
        rows = gateway_rows(view)
        labels = ("gateway", "account")
        states = {(row["gateway"], row["account"], state): float(row["status"] == state) for row in rows for state in _GATEWAY_STATES}
        yield _gauge("gateway_state", "1 for the state that a gateway is in.", (*labels, "state"), states)
        working = {(row["gateway"], row["account"]): float(row["working_orders"]) for row in rows}
        yield _gauge("gateway_working_orders", "Orders that a gateway works on.", labels, working)
        yield _gauge("kill_switch", "1 while the kill switch is on.", (), {(): float(view.trading.kill.on)})
        yield _gauge("accounts_halted", "Accounts that differ from their venue and do not trade.", (), {(): float(len(view.trading.halts))})

    def _books(self, view: SystemView) -> Iterator[Metric]:
        labels = ("account", "strategy", "currency")
        profits = {(row["account"], row["strategy"], row["currency"]): float(row["profit"]) for row in strategy_profits(view)}
        yield _gauge("strategy_profit", "Realised and open profit less fees, in the currency.", labels, profits)
        values: dict[tuple[str, ...], float] = defaultdict(float)
        for one in view.positions.values():
            price = one.last_price if one.last_price == one.last_price else one.average_price
            value = math.copysign(self._bus.instruments.get(one.symbol, one.venue).value(one.quantity, price), one.quantity)
            values[one.account, one.strategy, one.currency] += value if value == value else 0.0
        yield _gauge("strategy_position_value", "Value of the positions, short ones below 0, in the currency.", labels, values)
        states = defaultdict(float, {("running",): 0.0, ("failed",): 0.0})
        for status in view.strategies.values():
            states[status.state,] += 1
        yield _gauge("strategies", "Strategies by state.", ("state",), states)
        equity = {key: account.equity for key, account in view.accounts.items()}
        yield _gauge("account_equity", "Equity of an account, in the currency.", ("account", "currency"), equity)
        yield _counter("fills", "Fills that the journal tells of.", (), {(): float(view.fill_count)})

    def _stored(self, view: SystemView) -> Iterator[Metric]:
        rows, behind = {}, {}
        for component, values in view.fresh_metrics().items():
            for key, value in values.items():
                if key.startswith("rows_stored{"):
                    rows[_label(key, "table"),] = value
                elif key.partition("{")[0] == "behind_s":
                    behind[component,] = value
        yield _counter("database_rows", "Rows stored since the recorder started.", ("table",), rows)
        yield _gauge("database_behind_seconds", "Age of the oldest event that the database does not have.", ("component",), behind)

    def _database_size(self) -> Iterator[Metric]:
        url = self._settings.database_url
        if not url.startswith("sqlite:///"):
            return
        file = Path(url.removeprefix("sqlite:///"))
        sizes = [path.stat().st_size for path in (file, file.with_name(file.name + "-wal")) if path.is_file()]
        if sizes:
            yield _gauge("database_size_bytes", "Size of the database's files.", (), {(): float(sum(sizes))})


def _gauge(name: str, text: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> Metric:
    return _filled(GaugeMetricFamily(_PREFIX + name, text, labels=labels), values)


def _counter(name: str, text: str, labels: tuple[str, ...], values: Mapping[Any, float]) -> Metric:
    return _filled(CounterMetricFamily(_PREFIX + name, text, labels=labels), values)  # the format adds _total


def _filled(family: Any, values: Mapping[Any, float]) -> Metric:
    # What a label could be is up to users: only so many are told, the others are counted together nowhere.
    for key, value in list(values.items())[:MOST_LABELS]:
        family.add_metric([str(part) for part in key], value)
    found: Metric = family
    return found


def _histogram(name: str, text: str, labels: tuple[str, ...], values: Mapping[Any, Histogram]) -> Metric:
    family = HistogramMetricFamily(_PREFIX + name, text, labels=labels)
    for key, one in list(values.items())[:MOST_LABELS]:
        family.add_metric(key, one.buckets(), one.sum)
    return family


def _label(key: str, name: str) -> str:
    # "rows_stored{group=services,table=bars}" -> "bars"
    for part in key.partition("{")[2].rstrip("}").split(","):
        label, _, value = part.partition("=")
        if label == name:
            return value
    return ""


def _version() -> str:
    try:
        return importlib.metadata.version("gcg_quant")
    except importlib.metadata.PackageNotFoundError:
        return "0"
