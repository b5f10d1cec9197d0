"""What is known of one symbol on the streams of a venue: its last quote and trade, its book, and where its numbers stand."""

from __future__ import annotations

from collections import deque
from typing import Any

from gcg_quant.events import VolumeKind

from ..binance_book import BookSequence
from ..binance_messages import BestQuote, DayTicker
from .order_book import OrderBook

__all__ = ["Line"]

_NAN = float("nan")
_SET_BACK_NS = 60_000_000_000
_ROLLING, _UNKNOWN = int(VolumeKind.ROLLING_24H), int(VolumeKind.UNKNOWN)


class Line:
    """One symbol. `number` is that of the instrument on the bus; `market_id` is what the venue calls it."""

    def __init__(self, symbol: str, market_id: str, number: int) -> None:
        self.symbol = symbol
        self.market_id = market_id
        self.number = number
        self.trade_id = -1  # of the last trade, where the venue numbers them without gaps
        self.trade_ns = 0
        self.mark: tuple[int, int] | None = None  # number and time of the last trade on the connection before, until one has come on this
        self.trades: deque[int] = deque(maxlen=100)  # numbers of the last ones, where there are gaps between them
        self.funding: tuple[float, int] | None = None  # rate and time of the next payment, as published last
        self.quote_id = 0
        self.tick_ns = 0
        self.begin_book()
        self._last = self._last_size = _NAN
        self._bid = self._ask = (_NAN, _NAN)
        self._day: tuple[float, ...] = (_NAN, _NAN, _NAN)
        self._totals = (_NAN, _NAN)

    def begin_book(self) -> None:
        """Forget the book, because it was lost or is asked for anew."""
        self.book = OrderBook()
        self.sequence = BookSequence(needs_snapshot=True)
        self.gaps = 0
        self.book_id = -1  # the number of the newest change, where the venue numbers messages
        self.book_ns = 0
        self.book_stands = False
        self.checked_ns = 0  # when its checksum was looked at
        self.snapshot_asked = False

    def traded(self, price: float, size: float) -> None:
        """Take note of a trade's price for the ticks to come."""
        self._last, self._last_size = price, size

    def quote(self, quote: BestQuote) -> tuple[Any, ...]:
        """Take a best bid and ask; return the tick that it makes, as a row of `Rows.ticks`."""
        self._bid, self._ask = quote.bid, quote.ask
        return self._tick(quote.event_ns if quote.event_ns >= 0 else quote.local_ns, quote.local_ns, max(0, quote.number))

    def ticker(self, ticker: DayTicker) -> tuple[Any, ...]:
        """Take totals of the last 24 hours; return the tick that they make, as a row of `Rows.ticks`."""
        self._last, self._last_size = ticker.last, ticker.last_size
        if ticker.bid[0] == ticker.bid[0]:
            self._bid = ticker.bid
        if ticker.ask[0] == ticker.ask[0]:
            self._ask = ticker.ask
        self._day = (ticker.open, ticker.high, ticker.low)
        self._totals = (ticker.volume, ticker.turnover)
        return self._tick(ticker.event_ns, ticker.local_ns, 0)

    def set_back(self, event_ns: int) -> bool:
        """Return whether a time is so much older than the last one that the venue's clock was set, and is not a message's delay."""
        return event_ns < self.tick_ns - _SET_BACK_NS

    def _tick(self, event_ns: int, recv_ns: int, seq: int) -> tuple[Any, ...]:
        # A tick is what is known by now: its time is never before that of what it holds already.
        if not self.set_back(event_ns):
            event_ns = max(event_ns, self.tick_ns)
        self.tick_ns = event_ns
        kind = _ROLLING if self._totals[0] == self._totals[0] else _UNKNOWN
        prices = (self._last, self._last_size, *self._totals, *_quoted(self._bid), *_quoted(self._ask), *self._day)
        return (event_ns, recv_ns, self.number, *prices, seq, kind)


def _quoted(level: tuple[float, float]) -> tuple[float, float]:
    return level if level[0] > 0 else (_NAN, _NAN)  # a side that nobody quotes has a price of 0
