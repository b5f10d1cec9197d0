"""Strategies and trading: events in, signals and orders out, risk, orders and accounts in between."""

from .accounts import Accounts
from .adapter import StrategyAdapter
from .discovery import FoundClass, StrategyFile
from .gateways import Gateway, PaperGateway
from .hosted import StrategyInfo
from .loader import StrategyLoader
from .manager import StrategyManager
from .orders import OrderManager
from .parameters import Parameter
from .portfolio import OrderView, PositionView
from .risk import RiskEngine
from .risk_limits import RiskLimits, RiskRules
from .roster import LoadRequest
from .session import Session, StrategyHost, StrategyState
from .strategy import Strategy
from .trading import TradingConfig, TradingEngine

__all__ = [
    "Accounts",
    "FoundClass",
    "Gateway",
    "LoadRequest",
    "OrderManager",
    "OrderView",
    "PaperGateway",
    "Parameter",
    "PositionView",
    "RiskEngine",
    "RiskLimits",
    "RiskRules",
    "Session",
    "Strategy",
    "StrategyAdapter",
    "StrategyFile",
    "StrategyHost",
    "StrategyInfo",
    "StrategyLoader",
    "StrategyManager",
    "StrategyState",
    "TradingConfig",
    "TradingEngine",
]
