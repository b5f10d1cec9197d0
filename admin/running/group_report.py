"""What a group tells once a second of its components and of its process: metrics on the log lane."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from gcg_quant.bus import EventBus
from gcg_quant.clock import now_ns
from gcg_quant.component import Component, Health
from gcg_quant.events import MetricEvent, SystemEvent
from gcg_quant.registry import Registry

from ..monitoring.machine import pss_bytes
from ..views.component_view import process_name

__all__ = ["GroupReport", "memory_bytes"]

_REPORT_S = 1.0
_MEMORY_EVERY_S = 5.0  # the kernel walks through all pages for it
_BUSY_S = 1.0  # a wait for events is no work
_ALL_EVERY_S = 15.0  # in between only what has changed, and that a component runs
_TOLD_STATES = ("running", "stopped", "failed")


def memory_bytes() -> int | None:
    """Return the proportional set size of this process: its memory, what it shares counted by its share; None where no kernel tells it."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return pss_bytes(Path("/proc/self"))
    return None


class GroupReport:
    """Publishes each component's health, what collectors collect, and the process's memory and processor time. One thread.

    Once a second a component's `running` is told, which shows that it is there, and what else has changed; every 15 s all of it.
    """

    def __init__(self, group: str, registry: Registry, bus: EventBus, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._group = group
        self._registry = registry
        self._bus = bus
        self._clock = clock
        self._last = 0.0
        self._memory_at = 0.0
        self._cpu_s = _cpu_s()
        self._handled: dict[str, int] = {}
        self._states: dict[str, str] = {}
        self._collected: dict[str, tuple[int, int]] = {}  # records and when the last ones came
        self._symbols: dict[str, list[str]] = {}
        self._told: dict[tuple[str, str, str], tuple[float, tuple[int, ...]]] = {}
        self._all_at = 0.0

    def make(self) -> None:
        """Publish a report if a second has passed since the last one."""
        now = self._clock()
        passed_s = now - self._last
        if passed_s < _REPORT_S:
            return
        first = not self._last
        self._last = now
        if now - self._all_at >= _ALL_EVERY_S:
            self._all_at = now
            self._told.clear()
        for health in self._registry.health():
            self._tell_health(health, 0.0 if first else passed_s)
        for collector in self._registry.find("collector"):
            self._tell_collector(collector, 0.0 if first else passed_s)
        self._tell_process(0.0 if first else passed_s)

    def _metric(self, component: str, name: str, value: float, counts: tuple[int, ...] = (), **labels: str) -> None:
        key = (component, name, labels.get("type", ""))
        if self._told.get(key) == (value, counts) and name != "running":
            return
        self._told[key] = value, counts
        told = {"group": self._group, **labels}
        self._bus.publish(MetricEvent(component=component, name=name, value=value, labels=told, counts=counts))

    def _tell_health(self, health: Health, passed_s: float) -> None:
        new = max(health.handled - self._handled.get(health.name, 0), 0)  # one that was built anew counts from 0
        self._handled[health.name] = health.handled
        values = {
            "lag": float(health.lag),
            "handled": float(health.handled),
            "handled_per_s": new / passed_s if passed_s else 0.0,
            "errors": float(health.errors),
            "max_us": health.max_us,
            "busy_s": health.busy_s if health.busy_s >= _BUSY_S else 0.0,
            "running": float(health.state == "running"),
        }
        if health.behind_s is not None:
            values["behind_s"] = health.behind_s
        for name, value in values.items():
            self._metric(health.name, name, value)
        self._metric(health.name, "mean_us", health.mean_us, health.calls)
        before = self._states.get(health.name, "running")
        if health.state in _TOLD_STATES:
            self._states[health.name] = health.state
            if health.state == "failed" != before:
                self._bus.publish(SystemEvent(action="component_failed", component=health.name, data={"group": self._group}))

    def _tell_collector(self, collector: Component, passed_s: float) -> None:
        counts: dict[str, int] = dict(getattr(collector, "counts", {}))
        for kind, count in counts.items():
            self._metric(collector.name, "collected", float(count), type=kind)
        total = sum(counts.values())
        before, last_ns = self._collected.get(collector.name, (0, 0))
        if total > before:
            last_ns = now_ns()
        self._collected[collector.name] = (total, last_ns)
        self._metric(collector.name, "collected_per_s", max(total - before, 0) / passed_s if passed_s else 0.0)
        if last_ns:
            self._metric(collector.name, "collected_last_ns", float(last_ns))
        symbols = sorted(getattr(collector, "symbols", ()))
        if self._symbols.get(collector.name) != symbols:
            self._symbols[collector.name] = symbols
            facts = {"group": self._group, "venue": getattr(collector, "venue", ""), "symbols": symbols}
            self._bus.publish(SystemEvent(action="collector_symbols", component=collector.name, data=facts))

    def _tell_process(self, passed_s: float) -> None:
        cpu_s = _cpu_s()
        if passed_s:
            self._metric(process_name(self._group), "cpu", (cpu_s - self._cpu_s) / passed_s)
        self._cpu_s = cpu_s
        if self._last - self._memory_at >= _MEMORY_EVERY_S and (size := memory_bytes()) is not None:
            self._memory_at = self._last
            self._metric(process_name(self._group), "memory_bytes", float(size))


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system
