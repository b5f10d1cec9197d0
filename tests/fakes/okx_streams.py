"""OKX's market channels: which there are, who hears them, and when they speak. A stream inside the fake is "channel:instId"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fakes import okx_shapes as shapes
from fakes.binance_shapes import groups
from fakes.market import Market
from fakes.session import Session

if TYPE_CHECKING:
    from fakes.okx_front import OkxFront

PUBLIC = ("tickers", "trades", "books", "books5", "bbo-tbt", "funding-rate", "mark-price")
DEPTH = 400
QUIET_BEATS = 600  # a book without changes is repeated, empty, after a minute


@dataclass
class Book:
    """A running `books` channel."""

    market: Market
    last: int  # seqId of the last message
    changed: dict[tuple[int, int], None] = field(default_factory=dict)
    quiet: int = 0


class Channels:
    """Knows what runs; what nobody hears any more is forgotten."""

    def __init__(self, front: OkxFront) -> None:
        self._front = front
        self._books: dict[str, Book] = {}
        self._bars: dict[str, int] = {}  # the start of the bar that runs
        self._best: dict[str, Any] = {}

    def start(self, channel: str, name: str, place: str) -> str | None:
        """Begin a channel and return its stream; None: there is no such channel at this address, or no such instrument."""
        market = self._front.market_of(name)
        bar = channel.removeprefix("candle") if channel.startswith("candle") else ""
        fits = (channel in PUBLIC and place == "public") or (place == "business" and (bar in shapes.BARS or channel == "trades-all"))
        if market is None or not fits or (channel == "funding-rate" and not market.terms.swap):
            return None
        self._front.wake(market)
        stream = f"{channel}:{name}"
        if channel == "books" and stream not in self._books:
            book = self._books[stream] = Book(market, market.book.update_id)
            market.book.recorders.append(book.changed)
        elif bar and stream not in self._bars:
            now = self._front.exchange.now_ms()
            self._bars[stream] = now - now % shapes.BARS[bar]
        return stream

    def greet(self, session: Session, stream: str) -> None:
        """Send what a subscriber gets at once: the snapshot of a book, the ticker as it is."""
        channel, _, name = stream.partition(":")
        market = self._front.market_of(name)
        assert market is not None
        now = self._front.exchange.now_ms()
        if channel == "books":
            book = self._books[stream]
            self._update(stream, book)  # what the others have not heard yet, so that all are at the same place
            sides = {"asks": shapes.side_of(market, -1, DEPTH), "bids": shapes.side_of(market, 1, DEPTH)}
            data = {**sides, "ts": str(now), "checksum": self._checksum(market), "seqId": book.last, "prevSeqId": -1}
            session.send(self._front.pushed(stream, [data], action="snapshot"))
        elif channel in ("tickers", "funding-rate", "mark-price", "books5"):
            session.send(self._front.pushed(stream, [self._data(channel, market, now)]))

    def happened(self, market: Market) -> None:
        """Publish new trades and best prices."""
        front, name, symbol = self._front, shapes.inst_id(market.terms), market.terms.symbol
        trades, market.fresh = market.fresh, []
        for group in groups(trades) if f"trades:{name}" in front.by_stream else ():
            front.push(f"trades:{name}", "trades", symbol, [shapes.trade(market, group)])
        for one in trades if f"trades-all:{name}" in front.by_stream else ():
            front.push(f"trades-all:{name}", "trades", symbol, [shapes.rest_trade(market, one)])
        if f"bbo-tbt:{name}" in front.by_stream:
            best = {"asks": shapes.side_of(market, -1, 1), "bids": shapes.side_of(market, 1, 1)}
            if self._best.get(name) != best:
                self._best[name] = best
                data = {**best, "ts": str(front.exchange.now_ms()), "seqId": market.book.update_id}
                front.push(f"bbo-tbt:{name}", "best", symbol, [data])

    def book(self, market: Market) -> None:
        """Publish a market's book changes now."""
        stream = f"books:{shapes.inst_id(market.terms)}"
        if stream in self._books:
            self._update(stream, self._books[stream])

    def beat(self, count: int) -> None:
        """Publish what is due after a tenth of a second more."""
        front = self._front
        now = front.exchange.now_ms()
        for stream, book in list(self._books.items()):
            if stream not in front.by_stream:
                book.market.book.recorders[:] = [one for one in book.market.book.recorders if one is not book.changed]
                del self._books[stream]
            else:
                self._update(stream, book)
        for stream in list(front.by_stream):
            channel, _, name = stream.partition(":")
            market = front.market_of(name)
            if market is None:
                continue
            if channel == "books5":
                self._changed(stream, market, {"asks": shapes.side_of(market, -1, 5), "bids": shapes.side_of(market, 1, 5)}, now)
            elif channel == "tickers":
                if self._best.get(stream) != (market.trade_id, market.book.update_id):
                    self._best[stream] = (market.trade_id, market.book.update_id)
                    front.push(stream, "ticker", market.terms.symbol, [shapes.ticker(market, now)])
            elif (channel == "mark-price" and count % 10 == 0) or (channel == "funding-rate" and count % 300 == 0):
                front.push(stream, "funding", market.terms.symbol, [self._data(channel, market, now)])
        for stream in list(self._bars):
            self._bar(stream, count, now)

    def _changed(self, stream: str, market: Market, sides: dict[str, Any], now: int) -> None:
        if self._best.get(stream) != sides:
            self._best[stream] = sides
            data = {**sides, "instId": shapes.inst_id(market.terms), "ts": str(now), "seqId": market.book.update_id}
            self._front.push(stream, "book", market.terms.symbol, [data])

    def _data(self, channel: str, market: Market, now: int) -> dict[str, Any]:
        if channel == "books5":
            sides = {"asks": shapes.side_of(market, -1, 5), "bids": shapes.side_of(market, 1, 5)}
            return {**sides, "instId": shapes.inst_id(market.terms), "ts": str(now), "seqId": market.book.update_id}
        return {"tickers": shapes.ticker, "funding-rate": shapes.funding_rate, "mark-price": shapes.mark_price}[channel](market, now)

    def _update(self, stream: str, book: Book) -> None:
        book.quiet += 1
        if not book.changed and book.quiet < QUIET_BEATS:
            return
        market, previous = book.market, book.last
        sides = {"asks": shapes.changes(market, -1, book.changed), "bids": shapes.changes(market, 1, book.changed)}
        book.last = market.book.update_id if book.changed else previous
        book.changed.clear()
        book.quiet = 0
        now = str(self._front.exchange.now_ms())
        data = {**sides, "ts": now, "checksum": self._checksum(market), "seqId": book.last, "prevSeqId": previous}
        self._front.push(stream, "book", market.terms.symbol, [data], action="update")

    def _checksum(self, market: Market) -> int:
        return shapes.checksum(market) if self._front.checksums else 0

    def _bar(self, stream: str, count: int, now: int) -> None:
        front = self._front
        channel, _, name = stream.partition(":")
        market = front.market_of(name)
        if stream not in front.by_stream or market is None:
            del self._bars[stream]
            return
        length = shapes.BARS[channel.removeprefix("candle")]
        start = now - now % length
        rows = []
        if start != self._bars[stream]:
            rows.append(shapes.candle_row(market.terms, market.candles.at(length, self._bars[stream]), True))
            self._bars[stream] = start
        if count % 10 == 0:
            rows.append(shapes.candle_row(market.terms, market.candles.at(length, start), False))
        for row in rows:
            front.push(stream, "candles", market.terms.symbol, [row])
