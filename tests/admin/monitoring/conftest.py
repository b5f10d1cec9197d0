"""A monitor of performance that looks ten times a second, and its alerts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gcg_quant.admin.monitor import Monitor
from gcg_quant.admin.monitoring import performance
from gcg_quant.admin.monitoring.performance import PerformanceMonitor
from gcg_quant.admin.rest.watching import create_watching_routers
from gcg_quant.bus import EventBus
from gcg_quant.events import AlertEvent
from gcg_quant.settings import Settings
from gcg_quant.visualization.server import create_app, serve

OFF = dict.fromkeys(
    (
        "tick_to_order_ms",
        "order_to_ack_ms",
        "lag_events",
        "lag_s",
        "database_s",
        "process_mb",
        "memory_mb",
        "disk_mb",
        "silence_s",
        "handler_errors",
        "gateway_s",
        "collector_s",
        "clock_ms",
    ),
    "off",
)


def wait_until(condition: Callable[[], Any], what: str = "the condition", timeout_s: float = 60.0) -> Any:
    """Return the first true answer of `condition`, or fail after `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come true within {timeout_s} s")


class Watched:
    """A bus that is watched with some thresholds, all others off; `latency_ms` is that of the paper gateway."""

    def __init__(self, bus: EventBus, home: Path, *, latency_ms: float = 5.0, **limits: Any) -> None:
        self.bus = bus
        told = {"system": {"home": str(home)}, "trading": {"latency_ms": latency_ms}, "monitoring": {**OFF, **limits}}
        self.settings = Settings.model_validate(told)
        self.monitor = self._new()

    def _new(self) -> PerformanceMonitor:
        monitor = PerformanceMonitor(self.settings, grace_s=0.0, hold_s=0.0, rest_s=0.1)
        monitor.start(self.bus)
        wait_until(lambda: monitor.state == "running", "the monitor running")
        return monitor

    def restart(self) -> None:
        """Stop it, and start another one on the same bus."""
        assert self.monitor.stop(60.0)
        self.monitor = self._new()

    @property
    def alerts(self) -> list[AlertEvent]:
        """What was told so far."""
        with self.bus.reader(start="begin", events=[AlertEvent]) as reader:
            return [event for event in reader if isinstance(event, AlertEvent)]

    def until(self, level: str, name: str, count: int = 1, *, component: str = "") -> AlertEvent:
        """Return the newest alert of that level and name, and of that component, once there are so many."""

        def found() -> list[AlertEvent]:
            rows = [one for one in self.alerts if (one.level, one.name) == (level, name) and component in ("", one.component)]
            return rows if len(rows) >= count else []

        rows: list[AlertEvent] = wait_until(found, f"{count} {level} alerts {name}")
        return rows[-1]

    def looks(self, count: int = 3) -> None:
        """Wait until it has looked so many times more."""
        before = self.monitor.looks
        wait_until(lambda: self.monitor.looks >= before + count, "more looks")


@pytest.fixture
def watch(bus: EventBus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Watched]]:
    """Return a function that watches the test's bus."""
    monkeypatch.setattr(performance, "_LOOK_S", 0.05)
    monkeypatch.setattr(performance, "_USE_S", 0.05)
    (tmp_path / "home").mkdir(exist_ok=True)
    made: list[Watched] = []

    def make(**limits: Any) -> Watched:
        made.append(Watched(bus, tmp_path / "home", **limits))
        return made[-1]

    yield make
    for one in made:
        assert one.monitor.stop(60.0)


class Served:
    """A bus with both monitors behind a real web server."""

    def __init__(self, bus: EventBus, settings: Settings) -> None:
        self.bus = bus
        self.settings = settings
        self.monitor = Monitor()
        self.performance = PerformanceMonitor(settings)
        for one in (self.monitor, self.performance):
            one.start(bus)
        wait_until(lambda: self.monitor.state == self.performance.state == "running", "the monitors running")
        app = create_app(bus, settings)
        for router in create_watching_routers(bus, self.monitor, self.performance, settings, lambda: 3):
            app.include_router(router)
        self.server = serve(app, port=0)
        self.client = httpx.Client(base_url=self.server.url)

    def close(self) -> None:
        """Stop all."""
        self.client.close()
        assert self.server.stop(60.0)
        for one in (self.performance, self.monitor):
            assert one.stop(60.0)


@pytest.fixture
def served(bus: EventBus, tmp_path: Path) -> Iterator[Served]:
    """Return the test's bus behind a web server."""
    one = Served(bus, Settings.model_validate({"system": {"home": str(tmp_path)}}))
    yield one
    one.close()
