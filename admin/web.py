"""The web part of the running system: the charts' bridge, the monitors behind the REST interface, and the server of all."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gcg_quant.bus import EventBus
from gcg_quant.component import Component
from gcg_quant.settings import Settings

from ..visualization.bridge import WebSocketEventBridge
from ..visualization.indicators import chan_kind
from ..visualization.server import WebServer
from .monitor import Monitor
from .monitoring.performance import PerformanceMonitor

if TYPE_CHECKING:
    from fastapi import APIRouter

    from ..strategy_engine.chan import ChanAnalyzer
    from .import_jobs import ImportJobs

__all__ = ["web_components"]


def web_components(settings: Settings) -> list[Component]:
    """Return the components of the web part, in the order in which they start."""
    bridge = WebSocketEventBridge(settings, kinds=[chan_kind(_chan_analyzer)])
    monitor = Monitor()
    performance = PerformanceMonitor(settings)

    @functools.cache
    def imports() -> ImportJobs:  # of the process: they go on when the server is started again
        from .import_jobs import ImportJobs

        return ImportJobs(settings)

    def routers(bus: EventBus) -> Sequence[APIRouter]:
        from .rest.routes import create_routers  # FastAPI takes its time to import
        from .rest.watching import create_watching_routers

        watching = create_watching_routers(bus, monitor, performance, settings, lambda: len(bridge.hub.pages), bridge.delivery)
        return [*create_routers(bus, monitor, settings, imports()), *watching]

    return [bridge, monitor, performance, WebServer(settings, bridge, routers=routers)]


def _chan_analyzer(**options: Any) -> ChanAnalyzer:
    from ..strategy_engine.chan import ChanAnalyzer  # with the room that it stands in, which takes a while to import

    return ChanAnalyzer(**options)
