"""`/admin`: the page of the running system, and its files under /admin/static."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles

from gcg_quant.settings import Settings

__all__ = ["create_admin_page_router"]

_PAGES = Path(__file__).parent.parent / "web"
_PLAIN = '<html lang="en" data-theme="dark" data-up="green">'


def create_admin_page_router(settings: Settings) -> APIRouter:
    """Return the routes of the page; [chart] of the settings says in which theme and language it begins."""
    router = APIRouter(prefix="/admin", include_in_schema=False)
    chart = settings.chart
    up = "red" if chart.up_is_red or chart.language == "zh" else "green"
    drawn = f'<html lang="{chart.language}" data-theme="{chart.theme}" data-up="{up}">'
    page = (_PAGES / "admin.html").read_text(encoding="utf-8").replace(_PLAIN, drawn, 1)
    files = StaticFiles(directory=_PAGES)

    @router.get("")
    def index() -> HTMLResponse:
        return HTMLResponse(page)

    @router.get("/static/{path:path}")
    async def static(path: str, request: Request) -> Response:
        return await files.get_response(path, request.scope)  # a router cannot mount; it refuses what lies outside its folder

    return router
