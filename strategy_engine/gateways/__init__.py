"""Gateways: where orders go. The paper gateway simulates a venue; real ones run on a live bus only."""

from .base import Change, Gateway, GatewayReport, MarketGateway, ReportKind, VenueOrder
from .paper import PaperGateway
from .session import Backoff, SessionGateway

__all__ = [
    "Backoff",
    "Change",
    "Gateway",
    "GatewayReport",
    "MarketGateway",
    "PaperGateway",
    "ReportKind",
    "SessionGateway",
    "VenueOrder",
]
