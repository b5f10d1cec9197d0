"""The base class of tick strategies.

    from gcg_quant.backtest import hft

    class Grid(hft.Strategy):
        step = hft.Parameter(0.2, low=0.01, doc="distance of the orders from the last price")

        def on_tick(self, tick):
            if not self.orders:
                self.buy(tick.symbol, tick.last_price - self.step, 1)

One class, two worlds: the tick engine (`hft.Engine`) runs it over recorded data, and `strategies load` runs its file unchanged on paper
and live.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from gcg_quant.clock import to_datetime
from gcg_quant.errors import StrategyError
from gcg_quant.periods import period_ns

from ..strategy.parameters import check_parameters, declared_parameters
from .callbacks import CALLBACKS, Callbacks
from .order_entry import OrderEntry

if TYPE_CHECKING:
    import numpy as np

    from gcg_quant.instruments import Instrument

    from .desk import Desk

    Levels = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Strategy"]

_TAKEN = frozenset({"basis", "check_parameters", "maker", "period", "quote", "subscribes", "warming_up"})


class Strategy(Callbacks, OrderEntry):
    """A tick strategy: override the callbacks that it needs; only these are called.

    Class attributes to set:
        symbols: what it sees unless it is added or loaded with others, "IF1311" or "IF1311@CFFEX"; empty means everything.
        periods: the bars that `on_bar` gets, such as ("1m", "5m"); `self.bars("1m")` in `init` adds to them.
        parameters, as `step = Parameter(0.2, low=0.01)`: `Grid(step=0.4)` sets them.

    Its only clock is `now`. What it is handed (ticks, orders, fills) may be kept; arrays are views that stay valid, too.
    """

    symbols: Sequence[str] = ()
    periods: Sequence[str] = ()
    _asked_periods: tuple[str, ...] = ()
    _made_with: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Remember what it is made with: each new run makes it anew."""
        made = super().__new__(cls)
        made._made_with = args, kwargs
        return made

    def __init__(self, **parameters: Any) -> None:
        """Set declared parameters. Raises StrategyError for an unknown name or a value that is not allowed."""
        self.set_parameters(parameters)

    def __init_subclass__(cls) -> None:
        """Refuse a parameter that would hide a method or attribute of this class."""
        super().__init_subclass__()
        for name in declared_parameters(cls):
            if hasattr(Strategy, name) or name in _TAKEN or name.startswith(("on_", "_")):
                whose = f"hft.Strategy.{name}" if hasattr(Strategy, name) else "what runs it on paper and live"
                raise StrategyError(f"Parameter {name!r} of {cls.__name__} would hide {whose}: give it another name.", parameter=name)

    def __repr__(self) -> str:
        """Return the class with its parameters: Grid(step=0.2)."""
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.parameters.items())})"

    # ---- what it has

    def position(self, symbol: str) -> float:
        """Return its position in a symbol: long > 0 > short."""
        return (self._desk or self._no_desk()).position(symbol)

    @property
    def positions(self) -> dict[str, float]:
        """Its positions that are not flat, by symbol."""
        return (self._desk or self._no_desk()).positions()

    @property
    def cash(self) -> float:
        """The account's cash, in the account's currency."""
        return (self._desk or self._no_desk()).cash

    @property
    def equity(self) -> float:
        """The account's cash and what its positions are worth, in the account's currency."""
        return (self._desk or self._no_desk()).equity

    # ---- the market

    @property
    def now(self) -> int:
        """The time of the event being handled, in nanoseconds since the epoch: the only clock."""
        return (self._desk or self._no_desk()).now_ns

    @property
    def time(self) -> datetime:
        """The same as a datetime in UTC, to the microsecond."""
        return to_datetime(self.now)

    def last(self, symbol: str) -> float:
        """Return the last price, NaN before the first."""
        return (self._desk or self._no_desk()).last(symbol)

    def best_bid(self, symbol: str) -> float:
        """Return the best bid, NaN if there is none."""
        return (self._desk or self._no_desk()).best_bid(symbol)

    def best_ask(self, symbol: str) -> float:
        """Return the best ask, NaN if there is none."""
        return (self._desk or self._no_desk()).best_ask(symbol)

    def mid(self, symbol: str) -> float:
        """Return the price between best bid and best ask, NaN where a side is missing."""
        desk = self._desk or self._no_desk()
        return (desk.best_bid(symbol) + desk.best_ask(symbol)) / 2.0

    def book(self, symbol: str, levels: int = 10) -> tuple[Levels, Levels]:
        """Return (bids, asks), best first: arrays of rows (price, size), as many as there are, `levels` at most."""
        return (self._desk or self._no_desk()).book(symbol, levels)

    def instrument(self, symbol: str) -> Instrument:
        """Return a symbol's terms, with `round_price` and `round_quantity`."""
        return (self._desk or self._no_desk()).instrument(symbol)

    def bars(self, *periods: str) -> None:
        """Want bars of these periods in `on_bar`: for `init`, or for `__init__`."""
        for period in periods:
            period_ns(period)
        self._asked_periods = tuple(dict.fromkeys([*self._asked_periods, *periods]))

    def wanted_periods(self) -> tuple[str, ...]:
        """Return the periods of the bars that it wants."""
        declared = (self.periods,) if isinstance(self.periods, str) else tuple(self.periods)
        return tuple(dict.fromkeys([*declared, *self._asked_periods]))

    # ---- timers and words

    def set_timer(self, name: str = "timer", *, seconds: float, repeat: bool = True) -> None:
        """Call `on_timer(name)` every `seconds` of event time (or once); setting a timer of the same name replaces it."""
        if not seconds > 0:
            raise StrategyError(f"A timer's interval must be above 0 seconds, not {seconds!r}.", name=name)
        (self._desk or self._no_desk()).set_timer(name, max(1, round(seconds * 1e9)), repeat)

    def cancel_timer(self, name: str = "timer") -> None:
        """Forget a timer; one that is not set is passed over."""
        (self._desk or self._no_desk()).cancel_timer(name)

    def plot(self, name: str, value: float, symbol: str | None = None, place: str = "price") -> None:
        """Draw a point of the plot `name` on the chart (of the first symbol, or another), over the price or "below" it.

        In the engine's report, and on the chart page on paper or live. Raises StrategyError for what cannot be drawn.
        """
        (self._desk or self._no_desk()).plot(name, value, symbol, place)

    def log(self, text: str) -> None:
        """Keep a line with its time: in the result's log, or in the system's when it trades on paper or live."""
        (self._desk or self._no_desk()).log(str(text))

    # ---- parameters

    @property
    def parameters(self) -> dict[str, Any]:
        """The declared parameters with their present values."""
        return {name: getattr(self, name) for name in declared_parameters(type(self))}

    def set_parameters(self, values: Mapping[str, Any]) -> None:
        """Set several parameters at once: all of them, or none. Raises StrategyError."""
        self.__dict__.update(check_parameters(type(self), values))

    # ---- for what runs it

    @property
    def has_run(self) -> bool:
        """Whether it was bound to a desk since it was made."""
        return self._desk is not None

    def attach(self, desk: Desk) -> None:
        """Bind it to its desk, before `init`."""
        self._desk = desk

    def callbacks(self, names: Iterable[str] = CALLBACKS) -> dict[str, Callable[..., Any]]:
        """Return its callbacks by name: those that its class, or the object itself, defines."""
        own = vars(self)
        return {name: getattr(self, name) for name in names if name in own or getattr(type(self), name) is not getattr(Strategy, name)}

    def make_anew(self) -> None:
        """Become what it was when it was made: nothing of a run is left."""
        args, kwargs = self._made_with
        vars(self).clear()
        self._made_with = args, kwargs
        self.__init__(*args, **kwargs)  # type: ignore[misc]
