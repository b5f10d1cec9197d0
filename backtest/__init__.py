"""Backtests, and Backtrader on the bus. Names are imported when they are first asked for: Backtrader takes half a second."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .adapters import BacktraderAdapter
    from .analyzers import ResultAnalyzer
    from .broker import EventDrivenBroker
    from .bus_run import BusStrategyRunner
    from .cerebro import EventDrivenCerebro
    from .engine import BacktestEngine
    from .feed import EventDrivenDataFeed
    from .hosted_class import as_backtrader
    from .indicators import indicator
    from .preset_broker import PresetBroker
    from .report import print_report
    from .result import BacktestResult, FillRow, Measures, TradeRow
    from .spec import BacktestSpec

__all__ = [
    "BacktestEngine",
    "BacktestResult",
    "BacktestSpec",
    "BacktraderAdapter",
    "BusStrategyRunner",
    "EventDrivenBroker",
    "EventDrivenCerebro",
    "EventDrivenDataFeed",
    "FillRow",
    "Measures",
    "PresetBroker",
    "ResultAnalyzer",
    "TradeRow",
    "as_backtrader",
    "indicator",
    "print_report",
]

_HOMES = {
    "BacktestEngine": "engine",
    "BacktestResult": "result",
    "BacktestSpec": "spec",
    "BacktraderAdapter": "adapters",
    "BusStrategyRunner": "bus_run",
    "EventDrivenBroker": "broker",
    "EventDrivenCerebro": "cerebro",
    "EventDrivenDataFeed": "feed",
    "FillRow": "result",
    "Measures": "result",
    "PresetBroker": "preset_broker",
    "ResultAnalyzer": "analyzers",
    "TradeRow": "result",
    "as_backtrader": "hosted_class",
    "indicator": "indicators",
    "print_report": "report",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
