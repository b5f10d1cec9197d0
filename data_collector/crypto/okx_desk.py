"""OKX's public channels: their names, and what is made of their messages."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence

from ..binance_messages import Candle, DayTicker, FundingRate, Trade
from .desk import Desk, Host, Key
from .line import Line
from .okx_messages import PERIODS, ImpossibleLevel, OkxAnswer, OkxBook, OkxMessage, parse_okx
from .order_book import unpacked

__all__ = ["OkxDesk"]

_MOST_WRONG = 3
_CHECK_NS = 1_000_000_000  # between two looks at a book's checksum: one that is wrong stays wrong
PUBLIC, BUSINESS = "/public", "/business"


class OkxDesk(Desk):
    """The channel "books" begins with a snapshot; `prevSeqId` and the checksum tell when a change of it is missing.

    A checksum is of the levels as OKX writes them, which is how we write them ourselves: their texts are kept only of symbols of which a
    checksum was another one than ours.
    """

    # "WebSocket: Overview": 480 requests an hour, a message of 64 KB; "ping" within 30 s.
    most_streams, request_streams, request_pause_s, ping = 500, 200, 0.35, "ping"

    _right = _wrong = 0  # checksums
    _checks = True

    def __init__(self, host: Host, streams: Collection[str], periods: Iterable[str]) -> None:
        super().__init__(host, streams, periods)
        self._written: set[str] = set()  # symbols whose levels are kept as they are written

    def keys(self, market_id: str) -> list[Key]:
        """Return the channels of a symbol. Its tickers hold the best quotes, too."""
        wants = self.wants
        found = [(PUBLIC, "trades")] if "trades" in wants else []
        found += [(PUBLIC, "tickers")] if wants & {"tickers", "quotes"} else []
        found += [(PUBLIC, "books")] if self.books else []
        found += [(PUBLIC, "funding-rate")] if "funding" in wants and market_id.endswith("-SWAP") else []
        found += [(BUSINESS, f"candle{PERIODS[period]}") for period in self.periods] if "candles" in wants else []
        return [(path, channel, market_id) for path, channel in found]

    def request(self, keys: Sequence[Key], number: int, *, subscribe: bool) -> str:
        """Return the message that begins or ends channels."""
        arguments = [{"channel": channel, "instId": market_id} for _, channel, market_id in keys]
        return json.dumps({"op": "subscribe" if subscribe else "unsubscribe", "args": arguments})

    def take(self, payload: bytes, recv_ns: int) -> None:
        """Take one message."""
        try:
            messages = parse_okx(payload, recv_ns, self._written)
        except ImpossibleLevel as error:  # a hole, which the next message's number shows
            if error.symbol in self.lines:
                self.host.fault("negative", str(error), payload)
            return
        for message in messages:
            if isinstance(message, OkxAnswer):
                if message.event == "error":
                    self.host.fault("refused", f"OKX refuses a request: {message.code} {message.text}", payload)
                continue
            line = self.lines.get(message.symbol)
            if line is not None:
                self._take(line, message)

    # ---- inside

    def _take(self, line: Line, message: OkxMessage) -> None:
        if isinstance(message, Trade):
            self.trade(line, message, numbered=False)
        elif isinstance(message, DayTicker):
            if message.event_ns >= line.tick_ns or line.set_back(message.event_ns):
                self.tick(line, message)
            else:
                self.host.fault("out of order", f"{line.symbol}: an older ticker", message)
        elif isinstance(message, OkxBook):
            self._book(line, message)
        elif isinstance(message, Candle):
            self.candle(line, message)
        elif isinstance(message, FundingRate):
            self.funding(line, message)

    def _book(self, line: Line, change: OkxBook) -> None:
        if not change.snapshot and not line.book_stands:
            return  # of a book that was given up
        if not self._take_book(line, change):
            self.host.resync(line.symbol)
            return
        if "deltas" in self.wants:
            ids, times = (change.previous, change.sequence), (change.event_ns, change.local_ns)
            levels = unpacked(change.bids), unpacked(change.asks)
            self.rows.deltas(*times, line.number, *levels, ids, snapshot=change.snapshot)
        self.show(line, change.event_ns, change.local_ns, max(0, change.sequence))

    def _take_book(self, line: Line, change: OkxBook) -> bool:
        if not change.snapshot and change.previous >= 0 and line.book_id >= 0 and change.previous != line.book_id:
            self.book_lost(line, change.event_ns, f"changes {line.book_id} to {change.previous} are missing")
            return False
        book = line.book
        act = book.replace if change.snapshot else book.change
        act(change.bids, change.asks)
        if change.texts is not None:
            book.write(*change.texts)
        line.book_stands, line.book_id, line.book_ns = True, change.sequence, change.event_ns
        if change.checksum and self._checks and not self._is_right(line, change):
            self.book_lost(line, change.event_ns, "the book's checksum is another one")
            return False
        if book.crossed:
            self.book_lost(line, change.event_ns, "the best bid is not below the best ask")
            return False
        return True

    def _is_right(self, line: Line, change: OkxBook) -> bool:
        # What the checksum says, if it is time to look at it.
        if not change.snapshot and 0 <= change.local_ns - line.checked_ns < _CHECK_NS:
            return True
        if line.book.checksum() == change.checksum:
            line.checked_ns = change.local_ns
            self._right += 1
            return True
        if change.symbol not in self._written:
            self._written.add(change.symbol)  # so that the next book is compared as it is written
            return False
        # OKX has given the checksum up: one that is never right says nothing of the book.
        self._wrong += 1
        if self._right or self._wrong <= _MOST_WRONG:
            return False
        self.host.fault("checksum", "no checksum of OKX's was ever right: they are not looked at any more")
        self._checks = False
        return True
