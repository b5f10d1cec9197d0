"""The watches: what is measured against which threshold, and the sentence that says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from gcg_quant.monitoring_sections import MonitoringSettings

from .components import Components
from .lags import ReaderLag
from .machine import ProcessUse
from .order_latency import OrderLatency, Recent
from .reading import Reading

__all__ = [
    "clock_reading",
    "collector_readings",
    "database_readings",
    "disk_reading",
    "error_readings",
    "gateway_readings",
    "lag_readings",
    "latency_readings",
    "memory_readings",
]

Known = Callable[[str, str], bool]  # whether somebody else has raised an alert of a component and a name
_MB = 1e6


def latency_readings(latency: OrderLatency, limits: MonitoringSettings, modelled_ms: float, now_s: float) -> Iterator[Reading]:
    """Yield how long orders take: from the tick, and until the venue's answer, without the `modelled_ms` of a paper gateway."""
    hint = "look at the handler times and lags in `status`, and at the machine's load"
    for name, what, recent, limit, extra in (
        ("tick_to_order", "From the tick to the order", latency.recent_ticks, limits.tick_to_order_ms, 0.0),
        ("order_to_ack", "From the order to the venue's answer", latency.recent_acks, limits.order_to_ack_ms, modelled_ms),
    ):
        yield _latency(name, what, recent, limit, extra, hint, now_s)


def _latency(name: str, what: str, recent: Recent, limit: float | None, extra: float, hint: str, now_s: float) -> Reading:
    seconds, count = recent.late(now_s)
    value = max(seconds * 1000 - extra, 0.0)
    problem = f"{what} it takes {value:,.1f} ms (p95 of the newest {count:,}), more than {name}_ms = {limit or 0:g}: {hint}."
    return Reading("orders", name, value, limit, problem, f"{what} it takes {value:,.1f} ms again.")


def lag_readings(lags: Iterable[ReaderLag], limits: MonitoringSettings) -> Iterator[Reading]:
    """Yield how far each reader is behind, in events and in time."""
    for lag in lags:
        where = f"Reader {lag.name} is {lag.events:,} events and {lag.seconds:,.1f} s behind"
        hint = "it is too slow for what comes: look at its handler times in `status`, or give it a process of its own ([system] groups)"
        yield Reading(lag.name, "lag", float(lag.events), limits.lag_events, f"{where}: {hint}.", f"Reader {lag.name} has caught up.")
        yield Reading(lag.name, "late", lag.seconds, limits.lag_s, f"{where}: {hint}.", f"Reader {lag.name} is in time again.")


def database_readings(components: Components, limits: MonitoringSettings, now_ns: int, known: Known) -> Iterator[Reading]:
    """Yield how far the database is behind, unless its recorder says so itself."""
    for name, values in components.fresh(now_ns).items():
        if "behind_s" in values and not known(name, "database"):
            value = values["behind_s"]
            problem = f"The database is {value:,.1f} s behind ({name}); nothing is lost: look at its disk and its load."
            yield Reading(name, "database_behind", value, limits.database_s, problem, "The database has caught up.", "critical")


def memory_readings(uses: dict[str, ProcessUse], limits: MonitoringSettings) -> Iterator[Reading]:
    """Yield the memory of each process and of all together."""
    for name, use in uses.items():
        value = use.memory_bytes / _MB
        problem = (
            f"Process {name} takes {value:,.0f} MB, more than process_mb = {limits.process_mb or 0:g}: restart it, or load less into it."
        )
        yield Reading(name, "process_memory", value, limits.process_mb, problem, f"Process {name} takes {value:,.0f} MB again.")
    value = sum(use.memory_bytes for use in uses.values()) / _MB
    problem = f"All processes take {value:,.0f} MB, more than memory_mb = {limits.memory_mb or 0:g}: `status` shows which takes most."
    yield Reading("system", "memory", value, limits.memory_mb, problem, f"All processes take {value:,.0f} MB again.")


def disk_reading(free: int | None, home: str, limits: MonitoringSettings) -> Iterator[Reading]:
    """Yield the free space of the home's disk."""
    if free is not None:
        value = free / _MB
        problem = (
            f"The disk of {home} has {value:,.0f} MB left, less than disk_mb = {limits.disk_mb or 0:g}: once it is full nothing is traded. "
            "Make room (`journal prune`, `database prune`), or lower [bus] keep_gb."
        )
        yield Reading("system", "disk", value, limits.disk_mb, problem, f"The disk has {value:,.0f} MB free again.", "critical", below=True)


def gateway_readings(components: Components, limits: MonitoringSettings, now_ns: int, known: Known) -> Iterator[Reading]:
    """Yield for how long each gateway has been down, unless its engine says so itself."""
    for (gateway, account), seconds in components.down(now_ns).items():
        component = f"trading-{account}"
        if not known(component, "gateway_down"):
            problem = f"The {gateway} gateway of account {account} has been down for {seconds:,.0f} s: look at `gateways` and `logs`."
            well = f"The {gateway} gateway of account {account} is connected again."
            yield Reading(component, "gateway", seconds, limits.gateway_s, problem, well, "critical")


def collector_readings(components: Components, limits: MonitoringSettings, now_ns: int) -> Iterator[Reading]:
    """Yield for how long each collector has been disconnected while one of its markets was open."""
    for name, (seconds, why) in components.cut_off(now_ns).items():
        reason = f" ({why.rstrip('.')})" if why else ""
        problem = f"Collector {name} has been disconnected for {seconds:,.0f} s{reason}: look at `collectors status {name}`."
        well = f"Collector {name} is connected again, was stopped, or its markets are closed."
        yield Reading(name, "disconnected", seconds, limits.collector_s, problem, well, "critical")


def error_readings(components: Components, limits: MonitoringSettings) -> Iterator[Reading]:
    """Yield the errors of each component's handlers within a minute."""
    limit = limits.handler_errors - 0.5 if limits.handler_errors is not None else None
    for name, value in components.new_errors().items():
        newest = components.last_error.get(name, "it told none")
        problem = f"Handlers of {name} failed {value:,.0f} times in the last minute, the newest: {newest} (`logs --component {name}`)."
        yield Reading(name, "handler_errors", value, limit, problem, f"No handler of {name} has failed for a minute.")


def clock_reading(step_ms: float, limits: MonitoringSettings) -> Reading:
    """Return the clock's largest step of the last minute."""
    problem = (
        f"The machine's clock stepped by {step_ms / 1000:+,.3f} s, or the machine slept: event times around it are not exact; use NTP."
    )
    return Reading("system", "clock", abs(step_ms), limits.clock_ms, problem, "The clock has not stepped for a minute.", at_once=True)
