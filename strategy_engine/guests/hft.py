"""The classes of `hft_backtest`, as strategy files of that engine use them, on our bus.

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

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from math import nan
from types import ModuleType
from typing import Any, ClassVar, Self

from gcg_quant import events
from gcg_quant.errors import StrategyError

from ..strategy.base import Strategy
from ..strategy.callbacks import Outcome
from .base import GuestStrategy

__all__ = ["HftBacktest", "HftStrategy"]


class Direction(IntEnum):
    """The side of an order."""

    Buy = 0
    Sell = 1


_SIDES = {Direction.Buy: events.Side.BUY, Direction.Sell: events.Side.SELL}
_DIRECTIONS = {ours: theirs for theirs, ours in _SIDES.items()}


class Tick:
    """A quote, read-only; what is absent is NaN. Where there are no ticks it is a closed bar, with its close as the last price."""

    __slots__ = ("_event", "last_price", "symbol")

    def __init__(self, event: events.Tick | events.Bar) -> None:
        self._event = event
        self.symbol = event.symbol
        self.last_price = event.close if isinstance(event, events.Bar) else event.last_price

    time_ns = property(lambda self: self._event.event_ns)
    volume = property(lambda self: self._event.volume)
    turnover = property(lambda self: self._event.turnover)
    open_interest = property(lambda self: self._event.open_interest)
    bid_price = property(lambda self: getattr(self._event, "bid_price", nan))
    bid_volume = property(lambda self: getattr(self._event, "bid_size", nan))
    ask_price = property(lambda self: getattr(self._event, "ask_price", nan))
    ask_volume = property(lambda self: getattr(self._event, "ask_size", nan))


@dataclass(frozen=True, slots=True)
class Order:
    """An order and what has become of it; `status` is our word for its state, such as "FILLED"."""

    order_id: str
    symbol: str
    direction: Direction
    price: float
    volume: float
    traded: float = 0.0
    status: str = "NEW"
    reason: str = ""


class _Base:
    """The base class of the file's strategies: override `init`, `on_tick`, and if you like `on_order` and `on_stop`."""

    _runs_in: HftStrategy | None = None
    _made_with: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Remember what it is made with: each start makes it anew."""
        made = super().__new__(cls)
        made._made_with = args, kwargs
        return made

    def init(self) -> None:
        """Begin: called once, before the first tick."""

    def on_tick(self, tick: Tick) -> None:
        """Handle a quote."""

    def on_order(self, order: Order) -> None:
        """Handle a change of one of the orders."""

    def on_stop(self) -> None:
        """End: called once."""

    def send_order(self, symbol: str, direction: Direction, price: float, volume: float) -> str:
        """Send a limit order and return its id. Raises StrategyError before it runs, OrderError for numbers that make no sense."""
        return self._strategy().send(symbol, direction, price, volume)

    def cancel_order(self, order_id: str) -> bool:
        """Ask for an order's cancellation; return whether it was open."""
        return self._strategy().cancel(order_id)

    def _strategy(self) -> HftStrategy:
        if self._runs_in is None:
            raise StrategyError(f"{type(self).__name__} does not run yet: send orders from init() on.")
        return self._runs_in


class _Engine:
    """Stands for the engine in which the file lets its strategies run: the system that loads the file is that engine."""

    def __init__(self, strategies: list[_Base]) -> None:
        self._strategies = strategies

    def load_config(self, path: str) -> None:
        """Pass the file over: market data, risk and cash are those of the system or the backtest that loads the strategy."""

    def add_strategy(self, strategy: _Base) -> None:
        """Name a strategy to run. Raises StrategyError for anything but a `Strategy` object."""
        if not isinstance(strategy, _Base):
            raise StrategyError(f"Engine.add_strategy wants an object of a class derived from hft_backtest.Strategy, not {strategy!r}.")
        self._strategies.append(strategy)

    def run(self) -> None:
        """Return at once: what was added runs as soon as the system starts it."""


class HftBacktest:
    """Provides `hft_backtest` to the files that import it."""

    kind = "hft_backtest"
    root = "hft_backtest"

    def modules(self) -> dict[str, ModuleType]:
        """Return the module, fresh: with a list of its own of what is added to its engines."""
        module = ModuleType(self.root, "The names of hft_backtest, as gcg_quant provides them.")
        added: list[_Base] = []
        base = type("Strategy", (_Base,), {"__module__": self.root, "__doc__": _Base.__doc__})
        names = {"Direction": Direction, "Engine": lambda: _Engine(added), "Order": Order, "Strategy": base, "Tick": Tick}
        vars(module).update(names, __all__=list(names), _added=added)
        return {self.root: module}

    def classes(self, module: ModuleType, provided: Mapping[str, ModuleType]) -> list[type[Strategy]]:
        """Return a class for each strategy that was added to an engine or, if none was, for each class of the file."""
        ours = vars(provided[self.root])
        makers: dict[str, Callable[[], _Base]] = {}
        added: list[_Base] = ours["_added"]
        for one in added:
            args, kwargs = one._made_with
            makers[type(one).__name__] = partial(type(one), *args, **kwargs)
        if not makers:
            for name, member in vars(module).items():
                if isinstance(member, type) and issubclass(member, ours["Strategy"]) and member.__module__ == module.__name__:
                    makers[name] = member
        return [
            type(name, (HftStrategy,), {"__module__": module.__name__, "__doc__": module.__doc__, "maker": staticmethod(maker)})
            for name, maker in makers.items()
        ]


class HftStrategy(GuestStrategy):
    """Runs one strategy object of the file; it sees every instrument of the bus unless it is loaded with some."""

    symbols = ("*",)
    maker: ClassVar[Callable[[], _Base]]

    def on_start(self) -> None:
        """Make the object and call init."""
        self._places: dict[str, str] = {}  # where each symbol was last seen
        self._object = type(self).maker()
        self._object._runs_in = self
        self._object.init()

    def quote(self, event: events.Tick | events.Bar) -> Outcome:
        """Call on_tick."""
        self._places[event.symbol] = f"{event.symbol}@{event.venue}" if event.venue else event.symbol
        self._object.on_tick(Tick(event))
        return None

    def on_order(self, order: events.OrderEvent) -> Outcome:
        """Call on_order."""
        direction, status = _DIRECTIONS[order.side], order.status.name
        self._object.on_order(
            Order(order.client_id, order.symbol, direction, order.price, order.quantity, order.filled_quantity, status, order.reason)
        )
        return None

    def on_stop(self) -> None:
        """Call on_stop."""
        self._object.on_stop()

    def send(self, symbol: str, direction: Direction, price: float, volume: float) -> str:
        """Send a limit order where the symbol was last seen."""
        if direction not in _SIDES:
            raise StrategyError(f"send_order wants hft.Direction.Buy or hft.Direction.Sell, not {direction!r}.", direction=direction)
        order = self.buy if _SIDES[direction] is events.Side.BUY else self.sell
        return order(float(volume), float(price), symbol=self._places.get(symbol, symbol))
