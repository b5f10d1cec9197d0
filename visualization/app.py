"""The web app: the chart page, its files, its WebSocket, and the charts' part of /api/v1. The admin room adds its routes to it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import mimetypes
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from fastapi import FastAPI, Query, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, HTMLResponse, Response
from fastapi.staticfiles import StaticFiles

from gcg_quant.bus import EventBus
from gcg_quant.errors import InstrumentError
from gcg_quant.history import History
from gcg_quant.settings import Settings
from gcg_quant.web_files import WEB_FILES, chart_library

from .adapter import EventToChartAdapter
from .bridge import WebSocketEventBridge
from .config.config_routes import create_config_router
from .guard.body_limit import BodyLimit
from .guard.security import Guard
from .indicators import Kind, kinds
from .lineage.chain_routes import create_chain_router
from .pages import messages
from .pages.commands import parse_indicators
from .pages.hub import Page
from .pages.line_messages import line_rows, resolved
from .problems import EVERYWHERE, add_problem_handlers
from .rest_models import BarsPage

__all__ = ["create_app"]

_PAGES = Path(__file__).parent / "web_frontend"


def create_app(bus: EventBus, settings: Settings, history: History | None = None, bridge: WebSocketEventBridge | None = None) -> FastAPI:
    """Return the web app of a bus.

    Args:
        bus: open for publishing.
        settings: [web] for the guard, [chart] for what a page shows first.
        history: stored bars.
        bridge: a bridge that runs on `bus`; without one the app starts its own, and stops it at its end.

    Raises:
        ComponentError: the chart library is not installed.
    """
    own = bridge is None
    bridge = bridge or WebSocketEventBridge(settings)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        bridge.hub.attach()
        if own:
            bridge.start(bus, history)
        yield
        bridge.hub.detach()
        if own:
            await asyncio.to_thread(bridge.stop)

    app = FastAPI(
        title="gcg_quant",
        version=_version(),
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        lifespan=lifespan,
        responses=EVERYWHERE,
    )
    app.add_middleware(BodyLimit, larger={"/api/v1/imports/": int(settings.web.max_upload_mb * 1e6)})
    app.add_middleware(Guard, web=settings.web, chart=settings.chart)
    _add_pages(app, settings, bridge)
    _add_questions(app, bridge)
    app.include_router(create_config_router(bridge))
    app.include_router(create_chain_router(bus))
    _add_socket(app, bridge)
    add_problem_handlers(app)
    return app


def _add_pages(app: FastAPI, settings: Settings, bridge: WebSocketEventBridge) -> None:
    library = chart_library()
    mimetypes.add_type("text/javascript", ".js")
    page = (_PAGES / "index.html").read_text(encoding="utf-8")
    session = ' data-session="true"' if settings.web.token.get_secret_value() else ""  # there is something to log out of

    @app.get("/", include_in_schema=False)
    def index() -> HTMLResponse:
        config = bridge.config()
        red = config["up_is_red"] if config["up_is_red"] is not None else config["language"] == "zh"
        theme, up = config["theme"], "red" if red else "green"
        drawn = f'<html lang="{config["language"]}" data-theme="{theme}" data-up="{up}"{session}>'
        return HTMLResponse(page.replace('<html lang="en" data-theme="dark" data-up="green">', drawn, 1))

    @app.get("/vendor/lightweight-charts.js", include_in_schema=False)
    def vendor() -> FileResponse:
        return FileResponse(library, media_type="text/javascript")

    app.mount("/shared", StaticFiles(directory=WEB_FILES), name="shared")
    app.mount("/static", StaticFiles(directory=_PAGES), name="static")


def _add_questions(app: FastAPI, bridge: WebSocketEventBridge) -> None:
    @app.get("/api/v1/symbols", tags=["charts"])
    def symbols() -> list[dict[str, Any]]:
        """Return every instrument that the bus or the database knows."""
        views = bridge.charts.views()
        with bridge.markets.lock:
            return [view.terms() for view in views]

    @app.get("/api/v1/bars", tags=["charts"], responses={200: {"model": BarsPage}})
    def bars(
        symbol: str = Query(max_length=80),
        period: str = Query("1m", max_length=8),
        venue: str = Query("", max_length=32),
        before: int | None = Query(None, ge=0, le=1 << 40, description="only bars before this time, in seconds since the epoch"),
        after: int | None = Query(None, ge=0, le=1 << 40, description="only bars from this time on, the oldest first page"),
        limit: int = Query(800, ge=1, le=5_000),
        indicators: str = Query("[]", max_length=8_192, description="a JSON array of {id, name, parameters, source}"),
    ) -> Response:
        """Return bars as [time (s), open, high, low, close, volume], the newest ones or those before or after a time, sorted."""
        name = EventToChartAdapter.name(symbol, venue) if venue or "@" in symbol else _only_name(bridge, symbol)
        asked = resolved(parse_indicators(indicators), bridge.kinds)
        window = bridge.charts.page(name, period, before, limit, after, [one.indicator for one in asked if one.indicator is not None])
        rows = [EventToChartAdapter.candle_row(candle) for candle in window.candles]
        lines = line_rows(asked, window.lines)
        body = {"name": name, "period": period, "bars": rows, "lines": lines, "through": window.through, "more": window.more}
        return Response(messages.encode(body), media_type="application/json")

    @app.get("/api/v1/indicators", tags=["charts"])
    def indicators() -> list[dict[str, Any]]:
        """Return every indicator with its parameters and their limits: ours first, then all functions of ta-lib."""
        return [_kind_row(kind) for kind in (*bridge.kinds.values(), *kinds())]


def _kind_row(kind: Kind) -> dict[str, Any]:
    return {
        "name": kind.name,
        "title": kind.title,
        "group": kind.group,
        "place": kind.place,
        "parameters": [{key: value for key, value in msgspec.structs.asdict(one).items() if value != ()} for one in kind.parameters],
        "lines": [*kind.lines, *(name for name, style in kind.shapes.items() if style != "marker")],
        "source": kind.source,
    }


def _only_name(bridge: WebSocketEventBridge, symbol: str) -> str:
    names = [view.name for view in bridge.charts.views() if view.instrument.symbol == symbol]
    if len(names) > 1:
        raise InstrumentError(f"Several venues have {symbol!r}: say which ({', '.join(names)}).", symbol=symbol)
    return names[0] if names else symbol


def _add_socket(app: FastAPI, bridge: WebSocketEventBridge) -> None:
    @app.websocket("/ws")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        page = await bridge.desk.enter(websocket.send_text)
        sender = asyncio.create_task(page.pump())
        listener = asyncio.create_task(_listen(websocket, bridge, page))
        try:
            await asyncio.wait((sender, listener), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sender, listener):
                task.cancel()
            await asyncio.gather(sender, listener, return_exceptions=True)
            await bridge.desk.leave(page)
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # it is closed already, or the line is dead
                await websocket.close(1013 if page.dropped else 1001)


async def _listen(websocket: WebSocket, bridge: WebSocketEventBridge, page: Page) -> None:
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await bridge.desk.receive(page, await websocket.receive_text())


def _version() -> str:
    try:
        return importlib.metadata.version("gcg_quant")
    except importlib.metadata.PackageNotFoundError:
        return "0"
