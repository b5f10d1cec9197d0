"""The subscriptions of one connection to Interactive Brokers: which number is whose, and records of what comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from gcg_quant.clock import NS_PER_SECOND
from gcg_quant.enumerations import Quality
from gcg_quant.events import MarketDataEvent, TradeTick

from .corporate_actions import Action
from .ib_contract import HK
from .ib_notices import DOWN, NO_BOOK, NO_SINGLE_TRADES, RESET_BOOK, RESTORED, RESTORED_ANEW, UP, concerned, sentence
from .ib_options import DATA_TYPES, IbOptions
from .ib_quote import Book, Quote, parse_dividend, parse_trade

if TYPE_CHECKING:
    from ib_async.contract import Contract

__all__ = ["IbFeed", "IbOwner"]

_RT_VOLUME, _DIVIDENDS = 48, 59
_HALTED, _DELAYED_HALTED = 49, 90
_DELAYED = (3, 4)


class IbOwner(Protocol):
    """The collector, as the feed sees it."""

    recv_ns: Callable[[], int]

    def emit(self, event: MarketDataEvent) -> None:
        """Publish a record."""

    def tell_halt(self, symbol: str, halted: bool, event_ns: int) -> None:
        """Publish whether a symbol's trading is halted."""

    def tell_dividend(self, symbol: str, action: Action) -> None:
        """Publish a dividend."""

    def interrupted(self, symbols: Sequence[str], why: str) -> None:
        """Take note that symbols miss events from now on."""

    def subscribe_anew(self) -> None:
        """Ask for all symbols again, on the connection of now."""

    def say(self, text: str, *, warning: bool = False) -> None:
        """Log a sentence."""

    def fault(self, kind: str, why: str, payload: Any = None) -> None:
        """Count what could not be used."""

    def parsed(self, function: Callable[[Any, int], Any], payload: Any, recv_ns: int) -> Any:
        """Return what a parser makes of a payload, or None."""


class IbFeed:
    """Keeps the subscriptions of a connection, and makes records of what they bring. On the connection's loop.

    Args:
        owner: the collector.
        options: of the collector.
        venue_of: returns the venue of a symbol.
    """

    def __init__(self, owner: IbOwner, options: IbOptions, venue_of: Callable[[str], str]) -> None:
        self._owner = owner
        self._options = options
        self._venue_of = venue_of
        self._quotes: dict[int, Quote] = {}
        self._trades: dict[int, Quote] = {}
        self._books: dict[int, Book] = {}
        self._numbers: dict[str, dict[str, int]] = {}  # symbol -> stream -> number of its request
        self._halted: dict[str, bool] = {}
        self._changed: dict[int, None] = {}
        self._without: dict[str, set[str]] = {"trades": set(), "depth": set()}  # said once that they do not get it

    @property
    def symbols(self) -> list[str]:
        """The symbols that are subscribed."""
        return sorted(self._numbers)

    # ---- subscriptions

    def add(self, client: Any, symbol: str, contract: Contract) -> None:
        """Subscribe to a symbol by ib_async's client."""
        if symbol in self._numbers:
            return
        venue, streams = self._venue_of(symbol), self._options.streams
        lot = 1.0 if venue == HK else float(self._options.us_lot)
        numbers = self._numbers[symbol] = {}
        generic = [number for name, number in (("trades", "233"), ("dividends", "456")) if name in streams]
        number = numbers["quotes"] = client.getReqId()
        self._quotes[number] = Quote(symbol, venue, lot)
        client.reqMktData(number, contract, ",".join(generic), False, False, [])
        live = self._options.market_data == "live"
        if "trades" in streams and live and self._has_room("trades", symbol, self._options.tick_by_tick):
            number = numbers["trades"] = client.getReqId()
            self._trades[number] = self._quotes[numbers["quotes"]]
            client.reqTickByTickData(number, contract, "AllLast", 0, False)
        if "depth" in streams and live and self._has_room("depth", symbol, self._options.books):
            number = numbers["depth"] = client.getReqId()
            self._books[number] = Book(symbol, venue, lot)
            client.reqMktDepth(number, contract, self._options.depth_rows, venue != HK, [])

    def remove(self, client: Any, symbol: str) -> None:
        """Give up a symbol's subscriptions."""
        numbers = self._numbers.pop(symbol, {})
        if (number := numbers.get("quotes")) is not None:
            client.cancelMktData(number)
            self._quotes.pop(number, None)
        if (number := numbers.get("trades")) is not None and self._trades.pop(number, None) is not None:
            client.cancelTickByTickData(number)
        if (number := numbers.get("depth")) is not None and self._books.pop(number, None) is not None:
            client.cancelMktDepth(number, self._venue_of(symbol) != HK)
        self._halted.pop(symbol, None)

    def price_of(self, symbol: str) -> float | None:
        """Return about what a symbol costs; None if nothing is known yet."""
        quote = self._quotes.get(self._numbers.get(symbol, {}).get("quotes", -1))
        return quote.price if quote is not None else None

    # ---- what comes

    def price(self, request: int, kind: int, price: float, size: float) -> None:
        """Take a price."""
        if (quote := self._quotes.get(request)) is not None:
            quote.take_price(kind, price, size)
            self._changed[request] = None

    def size(self, request: int, kind: int, size: float) -> None:
        """Take a size."""
        if (quote := self._quotes.get(request)) is not None:
            quote.take_size(kind, size)
            self._changed[request] = None

    def text(self, request: int, kind: int, text: str) -> None:
        """Take a time, a trade or a dividend."""
        quote = self._quotes.get(request)
        if quote is None:
            return
        recv_ns = self._owner.recv_ns()
        if kind == _RT_VOLUME:
            if "trades" in self._numbers.get(quote.symbol, {}):
                return  # every single trade comes
            trade = self._owner.parsed(parse_trade, text, recv_ns)
            if trade is not None:
                self._emit_trade(quote, trade.price, trade.size, trade.event_ns, recv_ns)
        elif kind == _DIVIDENDS:
            action = self._owner.parsed(parse_dividend, text, recv_ns)
            if action is not None and "dividends" in self._options.streams:
                self._owner.tell_dividend(quote.symbol, action)
        else:
            self._owner.parsed(lambda text, _: quote.take_time(kind, text), text, recv_ns)

    def number(self, request: int, kind: int, value: float) -> None:
        """Take whether trading is halted: 0 no, 1 and 2 yes; -1 is unknown."""
        quote = self._quotes.get(request)
        if quote is not None and kind in (_HALTED, _DELAYED_HALTED) and value >= 0:
            halted = value > 0
            if self._halted.get(quote.symbol, False) != halted:
                self._halted[quote.symbol] = halted
                self._owner.tell_halt(quote.symbol, halted, self._owner.recv_ns())

    def data_type(self, request: int, kind: int) -> None:
        """Mark what is delayed, and say so."""
        quote = self._quotes.get(request)
        if quote is None:
            return
        quote.delayed = kind in _DELAYED
        if quote.delayed or DATA_TYPES[self._options.market_data] != kind:
            name = next((name for name, number in DATA_TYPES.items() if number == kind), str(kind))
            self._owner.say(f"{quote.symbol}: Interactive Brokers sends {name} data", warning=DATA_TYPES[self._options.market_data] != kind)

    def trade(self, request: int, time_s: int, price: float, size: float, odd: bool, exchange: str, condition: str) -> None:
        """Publish a single trade."""
        quote = self._trades.get(request)
        if quote is not None:
            self._emit_trade(quote, price, size, time_s * NS_PER_SECOND, self._owner.recv_ns(), odd, exchange, condition)

    def level(self, request: int, position: int, operation: int, side: int, price: float, size: float) -> None:
        """Change a level of a book."""
        book = self._books.get(request)
        if book is None:
            return
        if not book.take(position, operation, side, price, size):
            self._owner.fault("sequence", f"{book.symbol}: level {position} of the book cannot be changed so", (position, operation, side))
        self._changed[request] = None

    def packet(self) -> None:
        """Publish a tick or a book of each symbol that has changed."""
        changed, self._changed = self._changed, {}
        recv_ns = self._owner.recv_ns() if changed else 0
        for request in changed:
            quote, book = self._quotes.get(request), self._books.get(request)
            event: MarketDataEvent | None = None
            if quote is not None and "quotes" in self._options.streams:
                event = quote.tick(recv_ns)
            elif book is not None:
                event = book.depth(recv_ns)
            if event is not None:
                self._owner.emit(event)

    def fault(self, kind: str, why: str, payload: Any = None) -> None:
        """Pass on what could not be read."""
        self._owner.fault(kind, why, payload)

    # ---- errors and notices

    def refused(self, request: int, code: int, text: str) -> bool:
        """Take note of an error of a subscription: the stream is not there, others go on."""
        if (book := self._books.get(request)) is not None:
            if code == RESET_BOOK:
                book.clear()
            elif code in NO_BOOK or code >= 10_000:
                del self._books[request]
                self._owner.fault("subscription", f"{book.symbol}: no depth: {sentence(code, text)}")
            return True
        if (quote := self._trades.get(request)) is not None:
            if code in NO_SINGLE_TRADES or code >= 10_000:
                del self._trades[request]
                self._numbers.get(quote.symbol, {}).pop("trades", None)
                self._owner.fault("subscription", f"{quote.symbol}: no single trades, but the time and sales: {sentence(code, text)}")
            return True
        if (quote := self._quotes.get(request)) is not None:
            self._owner.fault("subscription", f"{quote.symbol}: {sentence(code, text)}")
            return True
        return False

    def notice(self, code: int, text: str) -> None:
        """Act on what concerns the connection as a whole."""
        if code in DOWN:
            self.packet()  # what came before it is no sign that the data is back
            self._owner.interrupted(concerned(text, self.symbols, self._venue_of), sentence(code, text))
        elif code == RESTORED_ANEW:
            self._owner.subscribe_anew()
        if code in UP or code == RESTORED:
            self._owner.say(sentence(code, text))
        else:
            self._owner.say(sentence(code, text), warning=True)

    # ---- inside

    def _has_room(self, stream: str, symbol: str, most: int) -> bool:
        if sum(stream in numbers for numbers in self._numbers.values()) < most:
            return True
        if symbol not in self._without[stream]:
            self._without[stream].add(symbol)
            if len(self._without[stream]) == 1:
                what = "single trades, and later ones the time and sales" if stream == "trades" else "depth"
                self._owner.say(f"{most} symbols get {what}: more are not allowed with {self._options.lines} market data lines")
        return False

    def _emit_trade(
        self,
        quote: Quote,
        price: float,
        size: float,
        event_ns: int,
        recv_ns: int,
        odd: bool = False,
        exchange: str = "",
        condition: str = "",
    ) -> None:
        lot = 1.0 if quote.venue == HK else float(self._options.us_lot)
        self._owner.emit(
            TradeTick(
                symbol=quote.symbol,
                venue=quote.venue,
                event_ns=event_ns,
                recv_ns=recv_ns,
                price=price,
                size=size * lot,
                quality=Quality.SUSPICIOUS if odd else Quality.NORMAL,
                exchange=exchange[:8],
                condition=condition.strip()[:16],
            )
        )
