"""The native tick engine: tick-level research at C++ speed, with strategies that run unchanged on paper and live."""

from gcg_quant.events import Bar, BookAction, BookDelta, Depth, Fill, Offset, OrderStatus, OrderType, Side, Tick, TimeInForce, VolumeKind
from gcg_quant.events import OrderEvent as Order
from gcg_quant.events import TradeTick as Trade

from ...strategy_engine.hft import Direction, OpenOrder, Strategy
from ...strategy_engine.strategy.parameters import Parameter
from ..verify import verify
from .closed_loop import Rerun, rerun
from .config import Fees, HftConfig, Latency
from .engine import Engine
from .market import rows
from .result import Result
from .strategy_file import run_file

__all__ = [
    "Bar",
    "BookAction",
    "BookDelta",
    "Depth",
    "Direction",
    "Engine",
    "Fees",
    "Fill",
    "HftConfig",
    "Latency",
    "Offset",
    "OpenOrder",
    "Order",
    "OrderStatus",
    "OrderType",
    "Parameter",
    "Rerun",
    "Result",
    "Side",
    "Strategy",
    "Tick",
    "TimeInForce",
    "Trade",
    "VolumeKind",
    "rerun",
    "rows",
    "run_file",
    "verify",
]
