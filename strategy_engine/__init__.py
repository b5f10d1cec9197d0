"""Strategies and trading: events in, signals and orders out, risk, orders and accounts in between."""

from .accounts.accounts import Accounts
from .gateways import Gateway, PaperGateway
from .hosting.adapter import StrategyAdapter
from .hosting.discovery import FoundClass, StrategyFile
from .hosting.hosted import StrategyInfo
from .hosting.loader import StrategyLoader
from .hosting.manager import StrategyManager
from .hosting.roster import LoadRequest
from .orders.manager import OrderManager
from .risk.engine import RiskEngine
from .risk.limits import RiskLimits, RiskRules
from .strategy.account_view import AccountView
from .strategy.base import Strategy
from .strategy.parameters import Parameter
from .strategy.portfolio import OrderView, PositionView
from .strategy.session import Session, StrategyHost, StrategyState
from .strategy.sizing import EquityShare, PositionSizing
from .trading import TradingConfig, TradingEngine

__all__ = [
    "AccountView",
    "Accounts",
    "EquityShare",
    "FoundClass",
    "Gateway",
    "LoadRequest",
    "OrderManager",
    "OrderView",
    "PaperGateway",
    "Parameter",
    "PositionSizing",
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
