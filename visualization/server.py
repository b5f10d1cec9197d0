"""The web server of the running system, as a component: the chart page, and the routes that other rooms add."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from gcg_quant.bus import EventBus
from gcg_quant.component import Component
from gcg_quant.errors import ComponentError
from gcg_quant.events import SystemEvent
from gcg_quant.settings import Settings

from .app import create_app
from .bridge import WebSocketEventBridge
from .serving import AppServer, serve

if TYPE_CHECKING:
    from fastapi import APIRouter

__all__ = ["AppServer", "WebServer", "create_app", "serve"]


class WebServer(Component):
    """Serves the chart page over `bridge`; it is "running" once it listens, and `url` says where.

    Args:
        settings: [web] and [chart].
        bridge: the charts' bridge; it must be a component of the same registry, added before this one.
        name: of the component.
        routers: called with the bus when it starts; returns more routes for the same app, such as the REST interface's.
    """

    capabilities: ClassVar[tuple[str, ...]] = ("web",)

    def __init__(
        self,
        settings: Settings,
        bridge: WebSocketEventBridge,
        *,
        name: str = "web",
        routers: Callable[[EventBus], Sequence[APIRouter]] | None = None,
    ) -> None:
        super().__init__(name, wait="sleep", sleep_s=0.05)
        self._settings = settings
        self._bridge = bridge
        self._routers = routers
        self._server: AppServer | None = None
        self._port = 0  # where it has listened

    @property
    def url(self) -> str:
        """Where the page is; "" before it is served."""
        return self._server.url if self._server is not None else ""

    def on_start(self) -> None:
        """Build the app and serve it. A port that is taken fails the component with a sentence on the log lane."""
        app = create_app(self.bus, self._settings, self.history, self._bridge)
        for router in self._routers(self.bus) if self._routers is not None else ():
            app.include_router(router)
        web = self._settings.web
        kept = web.port or self._port or _port_of_run(self.bus)  # a free one that was taken stays its own when it is started again
        try:
            self._server = serve(app, web.host, kept)
        except ComponentError:
            if web.port:
                raise
            self._server = serve(app, web.host, 0)  # somebody else has taken it meanwhile
        self._port = self._server.port

    def on_stop(self) -> None:
        """Close every connection."""
        if self._server is not None:
            self._server.stop()
            self._server = None


def _port_of_run(bus: EventBus) -> int:
    # Where the page was before its process died, since the start of the run; 0 if it was nowhere: browsers still ask there.
    port = 0
    with bus.reader(events=[SystemEvent], start="begin") as reader:
        for event in reader:
            if isinstance(event, SystemEvent) and event.action == "start":
                port = 0
            elif isinstance(event, SystemEvent) and event.action == "group_started" and event.data.get("url"):
                port = urlsplit(event.data["url"]).port or 0
    return port
