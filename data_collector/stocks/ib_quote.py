"""What is known of a symbol at Interactive Brokers: quote and book, put together from messages that each tell one number."""

from __future__ import annotations

from typing import Any, NamedTuple

from gcg_quant.clock import NS_PER_MILLISECOND, NS_PER_SECOND
from gcg_quant.events import Depth, Tick, VolumeKind

from .corporate_actions import Action

__all__ = ["Book", "Quote", "Trade", "parse_dividend", "parse_trade"]

_NAN = float("nan")
# TWS API, "Available Tick Types". The second number of each is that of delayed data.
_BID, _ASK, _LAST = (1, 66), (2, 67), (4, 68)
_PRICES = {6: "high", 72: "high", 7: "low", 73: "low", 9: "prev_close", 75: "prev_close", 14: "open", 76: "open"}
_SIZES = {0: "bid_size", 69: "bid_size", 3: "ask_size", 70: "ask_size", 5: "last_size", 71: "last_size", 8: "volume", 74: "volume"}
LAST_TIME, DELAYED_LAST_TIME = 45, 88
MOST_LEVELS = 10


class Trade(NamedTuple):
    """A trade of the time and sales."""

    price: float
    size: float
    event_ns: int


class Quote:
    """The top of the book and the day's numbers of one symbol. Absent prices (-1, or a size of 0 beside a bid or an ask) are NaN.

    Args:
        symbol: of the instrument.
        venue: its events' venue.
        lot: what sizes are multiplied by.
    """

    def __init__(self, symbol: str, venue: str, lot: float = 1.0) -> None:
        self.symbol = symbol
        self.venue = venue
        self._lot = lot
        self.values: dict[str, float] = {}
        self.delayed = False
        self.last_ns = 0  # of the last trade
        self.changed = False
        self._held = False

    @property
    def price(self) -> float | None:
        """About what it costs; None as long as nothing is known."""
        for name in ("last_price", "prev_close", "bid_price", "ask_price"):
            value = self.values.get(name, _NAN)
            if value == value:
                return value
        return None

    def take_price(self, kind: int, price: float, size: float) -> None:
        """Take a price; a kind that is not known changes nothing."""
        if kind in _BID or kind in _ASK:
            side = "bid" if kind in _BID else "ask"
            absent = price <= 0 or size == 0
            self._set(f"{side}_price", _NAN if absent else price)
            self._set(f"{side}_size", _NAN if absent else size * self._lot)
        elif kind in _LAST:
            self._set("last_price", price if price > 0 else _NAN)
            if size > 0:
                self._set("last_size", size * self._lot)
        elif kind in _PRICES:
            self._set(_PRICES[kind], price if price > 0 else _NAN)

    def take_size(self, kind: int, size: float) -> None:
        """Take a size or the day's volume."""
        name = _SIZES.get(kind)
        if name is None or size < 0:
            return
        self._set(name, size * self._lot)
        if size == 0 and name in ("bid_size", "ask_size"):
            self._set(name, _NAN)
            self._set(name.replace("size", "price"), _NAN)

    def take_time(self, kind: int, text: str) -> None:
        """Take the time of the last trade, whole seconds."""
        if kind in (LAST_TIME, DELAYED_LAST_TIME) and int(text) > 0:
            self.last_ns = int(text) * NS_PER_SECOND

    def tick(self, recv_ns: int) -> Tick | None:
        """Return the tick of what has changed, or None.

        Quotes have no time of IB's: it is ours, for delayed data that of the last trade. Bid and ask come one after the other: one that
        seems to cross the other waits for the next message.
        """
        values: dict[str, Any] = dict(self.values)
        if not self.changed or not any(
            values.get(name, _NAN) == values.get(name, _NAN) for name in ("last_price", "bid_price", "ask_price")
        ):
            return None
        crossed = values.get("bid_price", _NAN) > values.get("ask_price", _NAN)
        if (crossed and not self._held) or (self.delayed and not self.last_ns):
            self._held = crossed
            return None
        self.changed = self._held = False
        return Tick(
            symbol=self.symbol,
            venue=self.venue,
            event_ns=self.last_ns if self.delayed else recv_ns,
            recv_ns=recv_ns,
            volume_kind=VolumeKind.DAY,
            condition="delayed" if self.delayed else "",
            **values,
        )

    def _set(self, name: str, value: float) -> None:
        before = self.values.get(name)
        if before != value and (value == value or (before is not None and before == before)):
            self.values[name] = value
            self.changed = True


class Book:
    """The levels of one symbol's book."""

    def __init__(self, symbol: str, venue: str, lot: float = 1.0) -> None:
        self.symbol = symbol
        self.venue = venue
        self._lot = lot
        self.asks: list[tuple[float, float]] = []
        self.bids: list[tuple[float, float]] = []
        self.changed = False

    def take(self, position: int, operation: int, side: int, price: float, size: float) -> bool:
        """Change a level: 0 insert, 1 update, 2 delete, on side 0 ask or 1 bid; return False for a position that cannot be."""
        levels = self.bids if side else self.asks
        if not 0 <= position < len(levels) + (operation == 0) or operation not in (0, 1, 2):
            return False
        if operation == 2:
            levels.pop(position)
        elif operation == 0:
            levels.insert(position, (price, size * self._lot))
        else:
            levels[position] = (price, size * self._lot)
        self.changed = True
        return True

    def clear(self) -> None:
        """Forget all levels: they come anew."""
        self.asks.clear()
        self.bids.clear()

    def depth(self, recv_ns: int) -> Depth | None:
        """Return the book if it has changed and has a level on either side; else None."""
        if not self.changed or not (self.bids or self.asks):
            return None
        crossed = bool(self.bids and self.asks) and self.bids[0][0] > self.asks[0][0]
        if crossed:
            return None  # one side is on its way
        self.changed = False
        bids, asks = self.bids[:MOST_LEVELS], self.asks[:MOST_LEVELS]
        return Depth(
            symbol=self.symbol,
            venue=self.venue,
            event_ns=recv_ns,
            recv_ns=recv_ns,
            bid_prices=[price for price, _ in bids],
            bid_sizes=[size for _, size in bids],
            ask_prices=[price for price, _ in asks],
            ask_sizes=[size for _, size in asks],
            levels=max(len(bids), len(asks)),
        )


def parse_trade(text: str, recv_ns: int) -> Trade | None:
    """Return the trade of an RTVolume text "price;size;ms;volume;vwap;single"; None of one that tells the volume alone.

    TWS API, "Tick Types", RTVolume. Raises ValueError for anything else.
    """
    price, size, time_ms, _volume, _vwap, _single = text.split(";")
    if not price or not float(size):
        return None
    return Trade(float(price), float(size), int(time_ms) * NS_PER_MILLISECOND)


def parse_dividend(text: str, recv_ns: int) -> Action | None:
    """Return the next dividend of an IB dividends text "past12,next12,day,amount"; None if none is announced.

    TWS API, "Tick Types", IB Dividends. Raises ValueError for anything else.
    """
    _past, _next, day, amount = text.split(",")
    if not day or not amount or float(amount) <= 0:
        return None
    if len(day) != 8:
        raise ValueError(f"a day has 8 digits, found {day!r}")
    return Action("dividend", int(day), amount=float(amount), detail="announced")
