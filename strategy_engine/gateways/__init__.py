"""Gateways: where orders go. The paper gateway simulates a venue; real ones run on a live bus only."""

from .base import Change, FundingReport, Gateway, GatewayReport, GatewayTrial, MarketGateway, ReportKind, VenueOrder
from .paper import PaperGateway
from .session import SessionGateway

__all__ = [
    "Change",
    "FundingReport",
    "Gateway",
    "GatewayReport",
    "GatewayTrial",
    "MarketGateway",
    "PaperGateway",
    "ReportKind",
    "SessionGateway",
    "VenueOrder",
]
