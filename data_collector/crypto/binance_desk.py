"""Binance's streams, spot and USD-M futures: their names, and what is made of their messages."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..binance_book import Placed
from ..binance_messages import BestQuote, BookUpdate, Candle, DayTicker, Level, Snapshot, StreamMessage, Trade, parse_message
from .desk import Desk, Key
from .line import Line

__all__ = ["BinanceDesk", "BinanceFuturesDesk"]


class BinanceDesk(Desk):
    """Books are kept as Binance's "How to manage a local order book correctly" says: changes wait for a snapshot that they join."""

    # "WebSocket Streams: General WSS information": 1,024 streams a connection, 5 requests a second.
    most_streams, request_streams, request_pause_s = 1000, 100, 0.25
    futures = False

    def keys(self, market_id: str) -> list[Key]:
        """Return the streams of a symbol. Trades are those of one order together: REST has them under the same numbers."""
        name, wants = market_id.lower(), self.wants
        found = [f"{name}@aggTrade"] if "trades" in wants else []
        found += [f"{name}@ticker"] if "tickers" in wants else []
        found += [f"{name}@bookTicker"] if "quotes" in wants else []
        found += [f"{name}@depth@100ms"] if self.books else []
        found += [f"{name}@kline_{period}" for period in self.periods] if "candles" in wants else []
        found += [f"{name}@markPrice"] if "funding" in wants and self.futures else []
        return [("/stream", one) for one in found]

    def request(self, keys: Sequence[Key], number: int, *, subscribe: bool) -> str:
        """Return the message that begins or ends streams."""
        return json.dumps({"method": "SUBSCRIBE" if subscribe else "UNSUBSCRIBE", "params": [name for _, name in keys], "id": number})

    def take(self, payload: bytes, recv_ns: int) -> None:
        """Take one message."""
        message = parse_message(payload, recv_ns)
        if message is None:
            self._answer(payload)
            return
        if isinstance(message, Snapshot):
            return  # it comes by `snapshot`, which knows whose it is
        line = self.lines.get(message.symbol)
        if line is not None:
            self._take(line, message)

    def snapshot(self, market_id: str, payload: bytes, recv_ns: int) -> bool:
        """Take a book that was asked for by REST; return whether it is of use: one that is too old must be asked for again.

        Raises:
            ValueError: it cannot be read.
        """
        message = parse_message(payload, recv_ns)
        if not isinstance(message, Snapshot):
            raise ValueError("it is no snapshot of a book")
        line = self.lines.get(market_id)
        if line is None:
            return True
        if not (self.sound(line, message.bids) and self.sound(line, message.asks)):
            return False
        self._feed(line, message)
        if line.sequence.wants_snapshot:
            return False
        line.snapshot_asked = False
        return True

    # ---- inside

    def _take(self, line: Line, message: StreamMessage) -> None:
        if isinstance(message, BestQuote):
            if message.number <= line.quote_id:
                return  # the same state of the book, or an older one
            line.quote_id = message.number
            self.tick(line, message)
        elif isinstance(message, Trade):
            self.trade(line, message, numbered=True)
        elif isinstance(message, BookUpdate):
            if self.sound(line, message.bids) and self.sound(line, message.asks):
                self._book(line, message)
        elif isinstance(message, DayTicker):
            self.tick(line, message)
        elif isinstance(message, Candle):
            self.candle(line, message)
        elif not isinstance(message, Snapshot):
            self.funding(line, message)

    def _book(self, line: Line, message: BookUpdate) -> None:
        before_ns = line.book_ns
        self._feed(line, message)
        if line.sequence.gaps != line.gaps:
            line.gaps, line.book_stands = line.sequence.gaps, False
            self.host.hole(line.symbol, "depth", before_ns, message.event_ns, "changes of the book are missing", None)
        if line.sequence.wants_snapshot and not line.snapshot_asked:
            line.snapshot_asked = True
            self.host.resync(line.symbol)

    def _feed(self, line: Line, message: BookUpdate | Snapshot) -> None:
        for one in line.sequence.feed(message):
            if isinstance(one, Placed):
                self._begin(line, one)
            elif isinstance(one, BookUpdate):
                self._change(line, one)
        line.sequence.dropped.clear()

    def _begin(self, line: Line, placed: Placed) -> None:
        book = placed.snapshot
        line.book.replace(book.bids, book.asks)
        line.book_stands = True
        event_ns = max(placed.event_ns if placed.event_ns >= 0 else placed.local_ns, line.book_ns)
        line.book_ns = event_ns
        if "deltas" in self.wants:
            ids = (-1, book.last_id)
            self.rows.deltas(event_ns, placed.local_ns, line.number, _ordered(book.bids), _ordered(book.asks), ids, snapshot=True)
        self.show(line, event_ns, placed.local_ns, book.last_id)

    def _change(self, line: Line, update: BookUpdate) -> None:
        line.book.change(update.bids, update.asks)
        line.book_ns = update.event_ns
        if "deltas" in self.wants:
            ids = (update.first_id, update.last_id)
            times = update.event_ns, update.local_ns
            self.rows.deltas(*times, line.number, _ordered(update.bids), _ordered(update.asks), ids, snapshot=False)
        if line.book.crossed:
            self.book_lost(line, update.event_ns, "the best bid is not below the best ask")
            return
        self.show(line, update.event_ns, update.local_ns, update.last_id)

    def _answer(self, payload: bytes) -> None:
        if b'"error"' in payload[:200] or b'"code"' in payload[:200]:
            self.host.fault("refused", "Binance refuses a request", payload)


class BinanceFuturesDesk(BinanceDesk):
    """USD-M futures: the same, and funding."""

    futures = True


def _ordered(levels: list[Level]) -> list[tuple[float, float, int]]:
    return [(price, size, -1) for price, size in levels]  # nobody tells how many orders there are
