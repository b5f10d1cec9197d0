"""The `context` of Kungfu's callbacks, on top of one of our strategies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gcg_quant.errors import StrategyError, nearest
from gcg_quant.events import Offset as OurOffset
from gcg_quant.events import OrderFlag, OrderType, TimeInForce

from .kungfu_data import PositionRow, strftime, strptime
from .kungfu_words import OFFSETS, SIDES, Direction, Offset, PriceType, Side, venues_of

if TYPE_CHECKING:
    from ..strategy.portfolio import PositionView
    from .kungfu import KungfuStrategy

__all__ = ["Feed", "KungfuBook", "KungfuContext", "KungfuLog"]

# How a price type is sent: order type and time in force. Kungfu's orders end with the trading day.
_WAYS = {
    PriceType.Limit: (OrderType.LIMIT, TimeInForce.DAY),
    PriceType.Any: (OrderType.MARKET, TimeInForce.DAY),
    PriceType.FakBest5: (OrderType.MARKET, TimeInForce.IOC),
    PriceType.ForwardBest: (OrderType.LIMIT, TimeInForce.DAY),
    PriceType.ReverseBest: (OrderType.LIMIT, TimeInForce.DAY),
    PriceType.Fak: (OrderType.LIMIT, TimeInForce.IOC),
    PriceType.Fok: (OrderType.LIMIT, TimeInForce.FOK),
}


class Feed(NamedTuple):
    """What a strategy has subscribed to: an instrument, under the exchange and the source that it named."""

    exchange: str
    source: str
    symbol: str


class KungfuLog:
    """`context.log`: writes to the system's log; texts may have % arguments, as those of `logging`."""

    def __init__(self, write: Callable[[str, str], None]) -> None:
        self._write = write

    def debug(self, text: object, *values: object) -> None:
        """Write a line that helps in the search for mistakes."""
        self._line("debug", text, values)

    def info(self, text: object, *values: object) -> None:
        """Write a line."""
        self._line("info", text, values)

    def warning(self, text: object, *values: object) -> None:
        """Write a warning."""
        self._line("warning", text, values)

    warn = warning

    def error(self, text: object, *values: object) -> None:
        """Write an error."""
        self._line("error", text, values)

    critical = exception = error

    def _line(self, level: str, text: object, values: tuple[object, ...]) -> None:
        self._write(str(text) % values if values else str(text), level)


class KungfuBook:
    """`context.book`: the strategy's own positions, also after a restart."""

    def __init__(self, position: Callable[[str, str], PositionView]) -> None:
        self._position = position

    def get_position(self, instrument_id: str, exchange: str, direction: Direction = Direction.Long) -> PositionRow:
        """Return one direction of the position in an instrument; its volume is 0 if there is none."""
        return PositionRow.of(self._position(instrument_id, exchange), instrument_id, exchange, direction)


class KungfuContext:
    """What a Kungfu strategy may do; it may keep attributes of its own here.

    One account: whatever `add_account` names, orders go to the account that the strategy was loaded for, in its system's settings. The
    number of an order is that of its request's event, so that it is the same after a restart.
    """

    def __init__(self, strategy: KungfuStrategy) -> None:
        self.log = self.logger = KungfuLog(strategy.log)
        self.book = KungfuBook(lambda symbol, exchange: strategy.positions[self._place(symbol, exchange)])
        self.account = ("", "")
        self.arguments = strategy.arguments
        self._strategy = strategy
        self._open = False
        self._wanted: dict[tuple[str, str], Feed] = {}  # by symbol and exchange
        self._feeds: dict[tuple[str, str], Feed | None] = {}  # by symbol and venue, once seen
        self._venues: dict[Feed, str] = {}
        self._timers: dict[str, Callable[..., Any]] = {}

    def __getattr__(self, name: str) -> Any:
        known = [one for one in dir(type(self)) if not one.startswith("_")]
        raise AttributeError(f"context has no {name!r} here; it has {', '.join(known)}, and what you set yourself.{nearest(name, known)}")

    # ---- the chart

    def plot(self, name: str, value: float, instrument_id: str = "", exchange: str = "", place: str = "price") -> None:
        """Draw a point on the chart page: of an instrument that was subscribed to, without one of the strategy's first symbol."""
        symbol = self._place(instrument_id, exchange) if instrument_id else None
        self._strategy.plot(name, value, symbol=symbol, place=place)

    # ---- the time

    def now(self) -> int:
        """Return the time of the event being handled, in nanoseconds."""
        return self._strategy.now_ns

    strftime = staticmethod(strftime)
    strptime = staticmethod(strptime)

    def add_timer(self, nanotime: int, callback: Callable[..., Any]) -> None:
        """Call `callback(context, event)` once, at a time in nanoseconds."""
        self._set_timer(max(nanotime - self.now(), 1), callback, repeat=False)

    def add_time_interval(self, duration: int, callback: Callable[..., Any]) -> None:
        """Call `callback(context, event)` every `duration` nanoseconds."""
        self._set_timer(duration, callback, repeat=True)

    def _set_timer(self, wait_ns: int, callback: Callable[..., Any], *, repeat: bool) -> None:
        name = f"kungfu-{len(self._timers) + 1}"
        self._timers[name] = callback
        self._strategy.set_timer(name, wait_ns / 1e9, repeat=repeat)

    def timer(self, name: str) -> Callable[..., Any] | None:
        """Return the function of a timer that is due, for the strategy."""
        return self._timers.get(name)

    # ---- accounts and market data

    def add_account(self, source: str, account: str, cash_limit: float = 0.0) -> None:
        """Name the account to trade on. Raises StrategyError for a second one."""
        place = (str(source), str(account))
        if self.account not in (("", ""), place):
            raise StrategyError(
                f"{self._strategy.id} adds a second account ({'/'.join(place)} after {'/'.join(self.account)}): a strategy has one account "
                "here. Load the file twice, each time with an account of its own.",
                account=account,
            )
        self.account = place

    def get_account_book(self, source: str, account: str) -> KungfuBook:
        """Return the book of the account that was added."""
        self._check_account(str(source))
        self._check_account(str(account))
        return self.book

    def subscribe(self, source: str, instruments: Sequence[str], exchange: str) -> None:
        """Ask for the quotes of instruments of an exchange; they are taken from wherever the bus has them."""
        if isinstance(instruments, str):
            raise StrategyError(f"context.subscribe wants a list of instruments, not the text {instruments!r}.", instruments=instruments)
        for symbol in instruments:
            self._wanted[symbol, exchange] = Feed(exchange, source, symbol)
        self._feeds.clear()
        self._strategy.subscribe(*instruments)

    def feed_of(self, symbol: str, venue: str) -> Feed | None:
        """Return what the strategy has subscribed to by an instrument of the bus, or None."""
        key = (symbol, venue)
        if key not in self._feeds:
            self._feeds[key] = self._find_feed(symbol, venue)
        return self._feeds[key]

    def _find_feed(self, symbol: str, venue: str) -> Feed | None:
        # The exchange itself comes first. Where the bus does not have it, the first venue that shows the symbol stands in for it.
        for feed in (one for (name, _), one in self._wanted.items() if name == symbol):
            venues = venues_of(feed.exchange)
            if feed not in self._venues and (venue in venues or not any(self._strategy.knows(f"{symbol}@{one}") for one in venues)):
                self._venues[feed] = venue
            if self._venues.get(feed) == venue:
                return feed
        return None

    def exchange_of(self, symbol: str, venue: str) -> str:
        """Return the exchange under which the strategy knows an instrument of the bus."""
        feed = self.feed_of(symbol, venue)
        return feed.exchange if feed is not None else venue

    # ---- orders

    def open(self) -> None:
        """Allow orders: pre_start is over (for the strategy)."""
        self._open = True

    def insert_order(self, instrument_id: str, exchange: str, source: str, *terms: Any, **named: Any) -> int:
        """Send an order and return its number.

        `terms` are price, volume, PriceType, Side and Offset, with the account before them where the strategy names it too; what follows
        them (HedgeFlag, ...) means nothing here. By name: `account`, `limit_price` or `price`, `volume`, `type` or `price_type`, `side`,
        `offset`.

        Raises:
            StrategyError: before post_start, or for an account that was not added, or a side that cannot be ordered.
            OrderError: a price or volume that is none. InstrumentError: an instrument that the bus does not know.
        """
        if not self._open:
            raise StrategyError(f"{self._strategy.id} cannot send orders in pre_start: post_start is the first place.")
        values = list(terms)
        accounts = [source, named.pop("account", source)]
        if values and isinstance(values[0], str):
            accounts.append(values.pop(0))
        for account in accounts:
            self._check_account(str(account))
        return self._send(instrument_id, exchange, *_five(values, named))

    def _send(self, symbol: str, exchange: str, price: float, volume: float, kind: PriceType, side: Side, offset: Offset) -> int:
        strategy = self._strategy
        if side not in SIDES or kind not in _WAYS:
            raise StrategyError(f"{strategy.id} cannot send an order with {side} and {kind}: this is not done here.")
        place = self._place(symbol, exchange)
        order_type, time_in_force = _WAYS[PriceType(kind)]
        if kind in (PriceType.ForwardBest, PriceType.ReverseBest):
            price = self._best(place, buying=(side == Side.Buy) == (kind == PriceType.ForwardBest))
        # Futures exchanges want to be told the offset. Elsewhere a closing order is one that must not turn the position round.
        future = strategy.instrument(place).market == "cn_future"
        closing = not future and offset != Offset.Open
        order = strategy.buy if SIDES[side].name == "BUY" else strategy.sell
        client_id = order(
            float(volume),
            None if order_type is OrderType.MARKET else float(price),
            symbol=place,
            order_type=order_type,
            time_in_force=time_in_force,
            offset=OFFSETS[offset] if future else OurOffset.NONE,
            flags=OrderFlag.REDUCE_ONLY if closing else OrderFlag.NONE,
        )
        return next((view.request for view in strategy.orders if view.client_id == client_id), 0)

    def cancel_order(self, order_id: int) -> int:
        """Ask for an order's cancellation; return its number, or 0 if it is not open or is being cancelled already."""
        for view in self._strategy.orders:
            if view.request == order_id and self._strategy.cancel(view.client_id):
                return order_id
        return 0

    def _check_account(self, name: str) -> None:
        if name not in self.account or not name:
            known = "/".join(self.account) if self.account[0] else "none"
            raise StrategyError(
                f"{self._strategy.id} names the account {name!r}, which it has not added (added: {known}): call context.add_account in "
                f"pre_start.{nearest(name, self.account)}",
                account=name,
            )

    def _place(self, symbol: str, exchange: str) -> str:
        known = self._venues.get(self._wanted.get((symbol, exchange), Feed(exchange, "", symbol)))
        candidates = [known] if known is not None else list(venues_of(exchange))
        return next((place for venue in candidates if self._strategy.knows(place := f"{symbol}@{venue}")), symbol)

    def _best(self, place: str, *, buying: bool) -> float:
        tick = self._strategy.tick(place)
        if tick is None:
            return float("nan")
        return tick.bid_price if buying else tick.ask_price


def _five(values: list[Any], named: dict[str, Any]) -> list[Any]:
    # Price, volume, price type, side, offset: from the row, or by name.
    names = (("limit_price", "price"), ("volume",), ("type", "price_type"), ("side",), ("offset",))
    found = []
    for at, choices in enumerate(names):
        given = [named[name] for name in choices if name in named]
        if at < len(values):
            found.append(values[at])
        elif given:
            found.append(given[0])
        elif choices == ("offset",):
            found.append(Offset.Open)
        else:
            raise StrategyError(f"context.insert_order lacks {choices[0]}: give price, volume, PriceType, Side and Offset in that order.")
    return found
