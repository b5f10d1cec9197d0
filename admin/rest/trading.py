"""What trades, under /api/v1: orders, positions, accounts and risk together."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter

from gcg_quant.bus import EventBus

from ..monitor import Monitor
from .accounts import create_accounts_router
from .orders import create_orders_router
from .positions import create_positions_router
from .risk import create_risk_router

__all__ = ["create_trading_router"]


def create_trading_router(bus: EventBus, monitor: Monitor, home: Path) -> APIRouter:
    """Return the routes; `monitor` must run on `bus`, and `home` is where the file of the kill switch lies."""
    router = APIRouter()
    for one in (
        create_orders_router(bus, monitor),
        create_positions_router(bus, monitor),
        create_accounts_router(bus, monitor),
        create_risk_router(bus, monitor, home),
    ):
        router.include_router(one)
    return router
