"""The page's configuration under /api/v1/charts/config."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Body, HTTPException

from gcg_quant.errors import EventError

from ..bridge import WebSocketEventBridge

__all__ = ["create_config_router"]


def create_config_router(bridge: WebSocketEventBridge) -> APIRouter:
    """Return the routes; `bridge` keeps the configuration."""
    router = APIRouter(prefix="/api/v1", tags=["charts"])

    @router.get("/charts/config")
    def config() -> dict[str, Any]:
        """Return the chart page's configuration: theme, language, colours, watch list, layout, indicators, drawer."""
        return bridge.config()

    @router.patch("/charts/config")
    def change(patch: dict[str, Any] = Body(description="a JSON merge patch (RFC 7386); null sets a key back")) -> dict[str, Any]:  # noqa: B008
        """Change the chart page's configuration, on every open page at once, and return all of it."""
        try:
            return bridge.change_config(patch, "rest")
        except EventError as error:
            raise HTTPException(422, str(error)) from error

    return router
