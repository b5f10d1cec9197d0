"""Strategies and trading: events in, signals and orders out, risk and accounts in between."""

from .adapter import StrategyAdapter
from .discovery import FoundClass, StrategyFile
from .hosted import StrategyInfo
from .loader import StrategyLoader
from .manager import StrategyManager
from .parameters import Parameter
from .portfolio import OrderView, PositionView
from .roster import LoadRequest
from .session import Session, StrategyHost, StrategyState
from .strategy import Strategy

__all__ = [
    "FoundClass",
    "LoadRequest",
    "OrderView",
    "Parameter",
    "PositionView",
    "Session",
    "Strategy",
    "StrategyAdapter",
    "StrategyFile",
    "StrategyHost",
    "StrategyInfo",
    "StrategyLoader",
    "StrategyManager",
    "StrategyState",
]
