"""`/metrics`: the figures of the running system for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST

from ..monitoring.metrics import Exporter

__all__ = ["create_metrics_router"]


def create_metrics_router(exporter: Exporter) -> APIRouter:
    """Return the route; the exporter's monitors must run."""
    router = APIRouter(tags=["monitoring"])

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    def metrics() -> Response:
        """Rates, lags, latencies, memory, database, gateways and strategies in Prometheus' text format (docs/monitoring.md)."""
        return Response(exporter.text(), media_type=CONTENT_TYPE_LATEST)

    return router
