"""The routes of monitoring together: alerts, log, metrics."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter

from gcg_quant.bus import EventBus
from gcg_quant.histogram import Histogram
from gcg_quant.settings import Settings

from ..monitor import Monitor
from ..monitoring.metrics import Exporter
from ..monitoring.performance import PerformanceMonitor
from .alerts import create_alerts_router
from .logs import create_logs_router
from .metrics import create_metrics_router

__all__ = ["create_watching_routers"]


def create_watching_routers(
    bus: EventBus,
    monitor: Monitor,
    performance: PerformanceMonitor,
    settings: Settings,
    pages: Callable[[], int],
    delivery: Histogram | None = None,
) -> list[APIRouter]:
    """Return the routers; both monitors must run on `bus`, `pages` tells how many chart pages are connected."""
    return [
        create_alerts_router(bus, performance),
        create_logs_router(bus),
        create_metrics_router(Exporter(bus, monitor, performance, settings, pages, delivery)),
    ]
