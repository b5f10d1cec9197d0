"""Tick strategies in files: the names of `hft_backtest` for those that import it, and the classes of `gcg_quant.backtest.hft`.

import hft_backtest as hft

class Grid(hft.Strategy):
    def init(self):
        self.pos = 0

    def on_tick(self, tick):
        self.send_order(tick.symbol, hft.Direction.Buy, tick.last_price, 1)

engine = hft.Engine()
engine.add_strategy(Grid())
engine.run()
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from gcg_quant import events
from gcg_quant.errors import StrategyError

from ..hft import Direction
from ..hft import Strategy as TickStrategy
from ..strategy.base import Strategy
from ..strategy.parameters import Parameter
from .hft_host import hosted_class

__all__ = ["HFT_ROOT", "HftBacktest", "hft_names", "tick_classes"]

HFT_ROOT = "hft_backtest"


class _Engine:
    """Stands for the engine in which the file lets its strategies run: the system that loads the file is that engine."""

    def __init__(self, strategies: list[TickStrategy]) -> None:
        self._strategies = strategies

    def load_config(self, path: str) -> None:
        """Pass the file over: market data, risk and cash are those of the system or the backtest that loads the strategy."""

    def add_strategy(self, strategy: TickStrategy) -> None:
        """Name a strategy to run. Raises StrategyError for anything but a `Strategy` object."""
        if not isinstance(strategy, TickStrategy):
            raise StrategyError(f"Engine.add_strategy wants an object of a class derived from hft.Strategy, not {strategy!r}.")
        self._strategies.append(strategy)

    def run(self) -> None:
        """Return at once: what was added runs as soon as the system starts it."""


class HftBacktest:
    """Provides `hft_backtest` to the files that import it."""

    kind = HFT_ROOT
    root = HFT_ROOT

    def modules(self) -> dict[str, ModuleType]:
        """Return the module, fresh: with a list of its own of what is added to its engines."""
        module = ModuleType(self.root, "The names of hft_backtest, as gcg_quant provides them.")
        added: list[TickStrategy] = []
        names = {**hft_names(), "Engine": lambda: _Engine(added)}
        vars(module).update(names, __all__=sorted(names), _added=added)
        return {self.root: module}

    def classes(self, module: ModuleType, provided: Mapping[str, ModuleType]) -> list[type[Strategy]]:
        """Return a class for each strategy that was added to an engine or, if none was, for each class of the file."""
        added: list[TickStrategy] = vars(provided[self.root])["_added"]
        if added:
            made = {type(one).__name__: one for one in added}
            return [hosted_class(type(one), module.__name__, one) for one in made.values()]
        return tick_classes(module)


def hft_names() -> dict[str, Any]:
    """Return the names of `hft_backtest` but for its Engine: the base class, and the records of the bus."""
    return {
        "Bar": events.Bar,
        "BookDelta": events.BookDelta,
        "Depth": events.Depth,
        "Direction": Direction,
        "Fill": events.Fill,
        "Offset": events.Offset,
        "Order": events.OrderEvent,
        "OrderStatus": events.OrderStatus,
        "OrderType": events.OrderType,
        "Parameter": Parameter,
        "Side": events.Side,
        "Strategy": TickStrategy,
        "Tick": events.Tick,
        "TimeInForce": events.TimeInForce,
        "Trade": events.TradeTick,
    }


def tick_classes(module: ModuleType) -> list[type[Strategy]]:
    """Return a class of the strategy manager for each tick strategy that a file defines."""
    found = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, TickStrategy)]
    return [hosted_class(one, module.__name__) for one in dict.fromkeys(found) if one.__module__ == module.__name__]
