"""The web server of the running system, as a component: the chart page, and the routes that other rooms add."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from gcg_quant.bus import EventBus
from gcg_quant.component import Component
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
        self._port = settings.web.port

    @property
    def url(self) -> str:
        """Where the page is; "" before it is served."""
        return self._server.url if self._server is not None else ""

    def on_start(self) -> None:
        """Build the app and serve it. A port that is taken fails the component with a sentence on the log lane."""
        app = create_app(self.bus, self._settings, self.history, self._bridge)
        for router in self._routers(self.bus) if self._routers is not None else ():
            app.include_router(router)
        self._server = serve(app, self._settings.web.host, self._port)
        self._port = self._server.port  # a free one that was taken stays its own when it is started again

    def on_stop(self) -> None:
        """Close every connection."""
        if self._server is not None:
            self._server.stop()
            self._server = None
