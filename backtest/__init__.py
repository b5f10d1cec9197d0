"""Backtests, and Backtrader on the bus. Names are imported when they are first asked for: Backtrader takes half a second."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .cerebro_run import lazy_talib as _lazy_talib

if TYPE_CHECKING:
    from .adapters import BacktraderAdapter
    from .analyzers import ResultAnalyzer
    from .broker import EventDrivenBroker
    from .cerebro import EventDrivenCerebro
    from .engine import BacktestEngine
    from .feed import EventDrivenDataFeed
    from .indicators import ChanPivot, ChanStroke
    from .inputs.spec import BacktestSpec
    from .own_strategies.hosted_class import as_backtrader
    from .own_strategies.indicators import indicator
    from .preset_broker import PresetBroker
    from .report import print_report
    from .results.result import BacktestResult, FillRow, Measures, TradeRow
    from .runs.bus_run import BusStrategyRunner

__all__ = [
    "BacktestEngine",
    "BacktestResult",
    "BacktestSpec",
    "BacktraderAdapter",
    "BusStrategyRunner",
    "ChanPivot",
    "ChanStroke",
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

_lazy_talib.install()

_HOMES = {
    "BacktestEngine": "engine",
    "BacktestResult": "results.result",
    "BacktestSpec": "inputs.spec",
    "BacktraderAdapter": "adapters",
    "BusStrategyRunner": "runs.bus_run",
    "ChanPivot": "indicators",
    "ChanStroke": "indicators",
    "EventDrivenBroker": "broker",
    "EventDrivenCerebro": "cerebro",
    "EventDrivenDataFeed": "feed",
    "FillRow": "results.result",
    "Measures": "results.result",
    "PresetBroker": "preset_broker",
    "ResultAnalyzer": "analyzers",
    "TradeRow": "results.result",
    "as_backtrader": "own_strategies.hosted_class",
    "indicator": "own_strategies.indicators",
    "print_report": "report",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
