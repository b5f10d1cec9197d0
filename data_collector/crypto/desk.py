"""The desk: takes what a venue's streams say and makes rows of it; one subclass a venue.

It knows no socket and no bus. What it cannot answer itself - a hole, a book that must be asked for anew - it tells its `Host`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, ClassVar, Protocol, TypeAlias

from gcg_quant.events import BarOrigin, Funding

from ..binance_messages import BestQuote, Candle, DayTicker, FundingRate, Trade
from .line import Line
from .rows import BUY, SELL, Rows

__all__ = ["STREAMS", "Desk", "Host", "Key"]

Key: TypeAlias = tuple[str, ...]  # a stream: the path of its connections, and what the venue calls it

STREAMS = ("trades", "tickers", "quotes", "depth", "deltas", "candles", "funding")
_VENUE = int(BarOrigin.VENUE)
_INF = float("inf")


class Host(Protocol):
    """What a desk asks of its collector."""

    venue: str

    def fault(self, kind: str, why: str, payload: Any = None) -> None:
        """Count what could not be used."""

    def hole(self, symbol: str, what: str, start_ns: int, end_ns: int, detail: str, missing: int | None) -> None:
        """Tell of missing numbers in a stream."""

    def missed(self, symbol: str, start_ns: int, end_ns: int) -> None:
        """Fill in the trades between two, of two connections: the connection's hole is told already, and begins and ends with any event."""

    def resync(self, symbol: str) -> None:
        """Ask the venue for a symbol's whole book."""

    def tell(self, event: Funding) -> None:
        """Publish an event that is no record."""


class Desk:
    """The lines of all symbols, and how the venue wants its streams asked for. `rows` are taken by its caller after each round of messages.

    One thread. The class attributes are the venue's limits.

    Args:
        host: its collector.
        streams: of `STREAMS`, what is wanted.
        periods: of the candles.
    """

    most_streams: ClassVar[int]  # on one connection
    request_streams: ClassVar[int]  # in one request
    request_pause_s: ClassVar[float]  # between two of them
    ping: ClassVar[str] = ""  # what keeps a connection alive beside websocket pings

    def __init__(self, host: Host, streams: Collection[str], periods: Iterable[str]) -> None:
        self.host = host
        self.wants = frozenset(streams)
        self.periods = tuple(periods)
        self.rows = Rows()
        self.lines: dict[str, Line] = {}  # by the venue's own name

    @property
    def books(self) -> bool:
        """Whether books are followed."""
        return bool(self.wants & {"depth", "deltas"})

    def add(self, symbol: str, market_id: str, number: int) -> Line:
        """Begin a symbol."""
        line = self.lines[market_id] = Line(symbol, market_id, number)
        return line

    def remove(self, market_id: str) -> None:
        """End a symbol; what still comes of it is passed over."""
        self.lines.pop(market_id, None)

    def reconnected(self) -> None:
        """Begin all books anew: the changes in between were missed."""
        for line in self.lines.values():
            line.begin_book()
            line.trade_id = -1  # what came while nobody listened is the connection's hole
            line.quote_id = 0

    def keys(self, market_id: str) -> list[Key]:
        """Return the streams of a symbol."""
        raise NotImplementedError

    def request(self, keys: Sequence[Key], number: int, *, subscribe: bool) -> str:
        """Return the message that begins or ends streams of one path."""
        raise NotImplementedError

    def take(self, payload: bytes, recv_ns: int) -> None:
        """Take one message as it came.

        Raises:
            ValueError: it cannot be read; nothing of it was taken.
        """
        raise NotImplementedError

    # ---- alike for all venues

    def trade(self, line: Line, trade: Trade, *, numbered: bool) -> None:
        """Take a trade; `numbered`: the venue's numbers have no gaps, so that a missing one is a hole."""
        if not (0 < trade.price < _INF and 0 <= trade.size < _INF):
            self.host.fault("negative", f"{line.symbol}: {trade.size:g} at {trade.price:g}", trade)
            return  # it is missing now, and the next one says so
        if line.mark is not None:
            (number, time_ns), line.mark = line.mark, None
            if not numbered or trade.number > number + 1:
                self.host.missed(line.symbol, time_ns, trade.event_ns)
        if numbered:
            if trade.number <= line.trade_id:
                self.host.fault("duplicate", f"{line.symbol}: trade {trade.number} after {line.trade_id}", trade)
                return
            missing = trade.number - line.trade_id - 1
            if missing and line.trade_id >= 0:
                detail = f"trades {line.trade_id + 1} to {trade.number - 1}"
                self.host.hole(line.symbol, "trade", line.trade_ns, trade.event_ns, detail, missing)
        elif trade.number <= line.trade_id:
            if trade.number in line.trades:
                self.host.fault("duplicate", f"{line.symbol}: trade {trade.number} came before", trade)
            else:  # REST has it at its place
                self.host.fault("out of order", f"{line.symbol}: trade {trade.number} after {line.trade_id}", trade)
                self.host.hole(line.symbol, "trade", trade.event_ns, line.trade_ns, f"trade {trade.number} came late", 1)
            return
        else:
            line.trades.append(trade.number)
        line.trade_id = trade.number
        line.trade_ns = trade.event_ns
        line.traded(trade.price, trade.size)
        aggressor = SELL if trade.buyer_rested else BUY
        number = trade.number
        self.rows.trades.append(
            (trade.event_ns, trade.local_ns, line.number, trade.price, trade.size, number, aggressor, str(number).encode())
        )

    def candle(self, line: Line, candle: Candle) -> None:
        """Take a bar of the venue's if it is finished."""
        if not candle.finished:
            return
        if not (0 < candle.low <= min(candle.open, candle.close) and max(candle.open, candle.close) <= candle.high < _INF):
            self.host.fault(
                "crossed" if candle.low > 0 else "negative", f"{line.symbol}: a bar from {candle.low:g} to {candle.high:g}", candle
            )
            return
        times = candle.end_ns, candle.local_ns, line.number, candle.start_ns
        prices = candle.open, candle.high, candle.low, candle.close, candle.volume, candle.turnover
        self.rows.bars.append((*times, *prices, candle.count, candle.period.encode(), _VENUE))

    def tick(self, line: Line, quote: BestQuote | DayTicker) -> None:
        """Take a quote or a ticker."""
        bid, ask = quote.bid[0], quote.ask[0]
        if bid < 0 or ask < 0 or quote.bid[1] < 0 or quote.ask[1] < 0 or (isinstance(quote, DayTicker) and quote.last <= 0):
            self.host.fault("negative", f"{line.symbol}: bid {bid:g}, ask {ask:g}", quote)
        elif bid > ask > 0:
            self.host.fault("crossed", f"{line.symbol}: bid {bid:g} above ask {ask:g}", quote)
        else:
            self.rows.ticks.append(line.quote(quote) if isinstance(quote, BestQuote) else line.ticker(quote))

    def sound(self, line: Line, levels: Iterable[Sequence[float]]) -> bool:
        """Return whether prices and sizes of a book's levels can be; the message of one that cannot is left out, which is a hole."""
        for level in levels:
            if not (0 < level[0] < _INF and 0 <= level[1] < _INF):
                self.host.fault("negative", f"{line.symbol}: a level of {level[1]:g} at {level[0]:g}")
                return False
        return True

    def funding(self, line: Line, funding: FundingRate) -> None:
        """Publish a funding rate when it, or the time of the next payment, has changed."""
        known = (funding.rate, funding.next_ns)
        if known == line.funding:
            return
        line.funding = known
        mark = funding.mark_price if funding.mark_price == funding.mark_price else None
        event_ns = funding.event_ns if funding.event_ns >= 0 else funding.local_ns
        place: dict[str, Any] = {"symbol": line.symbol, "venue": self.host.venue, "event_ns": event_ns}
        self.host.tell(Funding(**place, rate=funding.rate, next_ns=funding.next_ns, mark_price=mark))

    def book_lost(self, line: Line, end_ns: int, why: str) -> None:
        """Forget a book of which changes are missing, and tell of it."""
        start_ns = line.book_ns or end_ns
        line.begin_book()
        self.host.hole(line.symbol, "depth", start_ns, end_ns, why, None)

    def show(self, line: Line, event_ns: int, recv_ns: int, seq: int) -> None:
        """Publish the best ten levels if they have changed. `line.book` has just been changed."""
        if "depth" in self.wants and line.book.moved():
            self.rows.depth(event_ns, recv_ns, line.number, line.book, seq)
