"""The desk of a strategy in the tick engine: the native one, with a sentence for what it does not know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from gcg_quant.errors import InstrumentError, nearest
from gcg_quant.events import OrderStatus, OrderType, Side
from gcg_quant.instruments import Instrument

from ...strategy_engine.hft import OpenOrder
from ...strategy_engine.strategy.plotting import Drawing
from .plots import RunPlots

if TYPE_CHECKING:
    from .native import TickDesk

__all__ = ["EngineDesk", "LogLine", "Symbols"]


class LogLine(NamedTuple):
    """A line that a strategy has logged."""

    time_ns: int
    strategy: str
    text: str


class Symbols:
    """The instruments of a run by what strategies call them: "IF1311", or "IF1311@CFFEX" where two venues have it."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self.instruments = tuple(instruments)
        symbols = [one.symbol for one in instruments]
        self._numbers = {one.name: number for number, one in enumerate(instruments, start=1)}
        for number, one in enumerate(instruments, start=1):
            if symbols.count(one.symbol) == 1:
                self._numbers[one.symbol] = number

    def number(self, symbol: str) -> int:
        """Return an instrument's number. Raises InstrumentError, naming the nearest, or the venues among which to choose."""
        number = self._numbers.get(symbol)
        if number is None:
            raise self.unknown(symbol)
        return number

    def find(self, symbol: str, venue: str) -> int | None:
        """Return an instrument's number, None if it does not take part."""
        return self._numbers.get(f"{symbol}@{venue}" if venue else symbol)

    def __getitem__(self, symbol: str) -> Instrument:
        return self.instruments[self.number(symbol) - 1]

    def numbers(self, symbols: Iterable[str]) -> list[int]:
        """Return the numbers of several, each once; a pattern such as "*USDT" is all that it fits."""
        found: dict[int, None] = {}
        for symbol in symbols:
            if any(sign in symbol for sign in "*?["):
                found |= {number: None for name, number in self._numbers.items() if fnmatchcase(name, symbol)}
            else:
                found[self.number(symbol)] = None
        return list(found)

    def name(self, number: int) -> str:
        """Return what an instrument is called: its symbol, with the venue where another venue has it, too."""
        one = self.instruments[number - 1]
        return one.symbol if self._numbers.get(one.symbol) == number else one.name

    def unknown(self, symbol: object) -> InstrumentError:
        """Return what is said of a symbol that is not there."""
        if not isinstance(symbol, str):
            return InstrumentError(f"A symbol is a text such as {next(iter(self._numbers), 'IF1311')!r}, not {symbol!r}.", symbol=symbol)
        venues = [one.name for one in self.instruments if one.symbol == symbol]
        if venues:
            return InstrumentError(f"Several venues have {symbol!r}: say which ({', '.join(venues)}).", symbol=symbol)
        known = ", ".join(self.name(number) for number in range(1, min(len(self.instruments), 8) + 1))
        return InstrumentError(f"The run has no instrument {symbol!r} (it has {known}).{nearest(symbol, self._numbers)}", symbol=symbol)


class EngineDesk:
    """What `hft.Desk` promises, in the tick engine: most of it are the native desk's own methods.

    `first` is the number of the instrument that is drawn on where none is named.
    """

    def __init__(self, native: TickDesk, strategy: str, symbols: Symbols, first: int, log: list[LogLine], plots: RunPlots) -> None:
        self._native = native
        self._strategy = strategy
        self._symbols = symbols
        self._first = first
        self._log = log
        self._plots = plots
        self._drawing = Drawing()
        self.send = native.send_order
        self.cancel = native.cancel
        self.modify = native.modify
        self.position = native.position
        self.last = native.last
        self.best_bid = native.best_bid
        self.best_ask = native.best_ask
        self.book = native.book
        self.set_timer = native.set_timer
        self.cancel_timer = native.cancel_timer

    @property
    def now_ns(self) -> int:
        """The time of the event being handled."""
        return self._native.now_ns

    @property
    def cash(self) -> float:
        """The account's cash."""
        return self._native.cash

    @property
    def equity(self) -> float:
        """The account's equity."""
        return self._native.equity

    def instrument(self, symbol: str, /) -> Instrument:
        """Return a symbol's terms."""
        return self._symbols[symbol]

    def open_orders(self, symbol: str | None, /) -> list[OpenOrder]:
        """Return the open orders, oldest first."""
        wanted = 0 if symbol is None else self._symbols.number(symbol)
        return [
            OpenOrder(order_id, self._symbols.name(number), Side(side), volume, price, filled, OrderType(type), OrderStatus(status), tag)
            for order_id, number, side, volume, price, filled, type, status, tag in self._native.open_orders()
            if wanted in (0, number)
        ]

    def positions(self) -> dict[str, float]:
        """Return the positions that are not flat."""
        symbols = self._symbols
        names = [symbols.name(number) for number in range(1, len(symbols.instruments) + 1)]
        return {name: held for name in names if (held := self._native.position(name))}

    def plot(self, name: str, value: float, symbol: str | None, place: str, /) -> None:
        """Draw a point in the run's report."""
        at = self._symbols.name(self._first if symbol is None else self._symbols.number(symbol))
        point = self._drawing.point(name, value, place, (at, ""), self._strategy, self._native.now_ns)
        if point is not None:
            self._plots.put(point)

    def log(self, text: str, /) -> None:
        """Keep a line."""
        self._log.append(LogLine(self._native.now_ns, self._strategy, text))
