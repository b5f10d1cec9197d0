"""Binance's market streams: which there are, who hears them, and when they speak.

A stream's name inside the fake has its wing before it, "spot:btcusdt@trade" or "swap:btcusdt@trade".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fakes import binance_shapes as shapes
from fakes.market import Market

if TYPE_CHECKING:
    from fakes.binance_front import BinanceFront

DEPTH = re.compile(r"depth(5|10|20)?(?:@(0|100|250|500|1000)ms)?$")
KLINE = re.compile(r"kline_(\w+)$")
SIMPLE = ("trade", "aggTrade", "bookTicker", "ticker", "miniTicker", "markPrice", "markPrice@1s")


@dataclass
class Diff:
    """A running `depth` stream of one market."""

    stream: str
    market: Market
    beats: int  # how many tenths of a second between two messages
    last: int  # the update id of the last message
    changed: dict[tuple[int, int], None] = field(default_factory=dict)


@dataclass
class Bars:
    """A running `kline` stream of one market."""

    stream: str
    market: Market
    interval: str
    start_ms: int


class Streams:
    """Knows what runs; what nobody hears any more is forgotten."""

    def __init__(self, front: BinanceFront) -> None:
        self._front = front
        self._diffs: dict[str, Diff] = {}
        self._bars: dict[str, Bars] = {}
        self._best: dict[str, tuple[int | None, ...]] = {}
        self._rest: dict[str, tuple[Market, str]] = {}  # tickers, mark prices, partial books

    def start(self, stream: str) -> bool:
        """Begin a stream, given with its wing; False: there is none of this name."""
        wing, name = stream.split(":", 1)
        if name.startswith("!"):
            return bool(re.match(r"!(miniTicker|ticker|bookTicker|markPrice)(@arr)?(@1s)?$", name))
        symbol, _, topic = name.partition("@")
        market = self._front.market_of(symbol.upper(), wing == "swap")
        if market is None:
            return True  # the venue takes it, and never sends anything
        depth, bars = DEPTH.match(topic), KLINE.match(topic)
        if not (depth or topic in SIMPLE or (bars and bars[1] in shapes.INTERVALS)):
            return False
        self._front.wake(market)
        if depth and not depth[1] and stream not in self._diffs:
            diff = self._diffs[stream] = Diff(stream, market, max(1, int(depth[2] or 1000) // 100), market.book.update_id)
            market.book.recorders.append(diff.changed)
        elif bars and stream not in self._bars:
            length = shapes.INTERVALS[bars[1]]
            now = self._front.exchange.now_ms()
            self._bars[stream] = Bars(stream, market, bars[1], now - now % length)
        elif topic in ("ticker", "miniTicker", "markPrice", "markPrice@1s") or depth:
            self._rest[stream] = (market, topic)
        return True

    def happened(self, market: Market) -> None:
        """Publish new trades and best prices."""
        front, terms = self._front, market.terms
        wing = "swap" if terms.swap else "spot"
        name = f"{wing}:{shapes.venue_symbol(terms).lower()}"
        now = front.exchange.now_ms()
        trades, market.fresh = market.fresh, []
        if f"{name}@trade" in front.by_stream:
            for one in trades:
                front.publish(f"{name}@trade", "trades", terms.symbol, shapes.trade(market, one, now))
        if f"{name}@aggTrade" in front.by_stream:
            for group in shapes.groups(trades):
                front.publish(f"{name}@aggTrade", "trades", terms.symbol, shapes.agg_trade(market, group, now))
        best_stream, everybody = f"{name}@bookTicker", f"{wing}:!bookTicker"
        if best_stream in front.by_stream or everybody in front.by_stream:
            book = market.book
            bid, ask = book.best(1), book.best(-1)
            best = (bid, book.lots(1, bid or 0), ask, book.lots(-1, ask or 0))
            if self._best.get(terms.symbol) != best:
                self._best[terms.symbol] = best
                front.publish(best_stream, "best", terms.symbol, shapes.book_ticker(market, now))
                front.publish(everybody, "best", terms.symbol, shapes.book_ticker(market, now))

    def book(self, market: Market) -> None:
        """Publish a market's book changes now."""
        for diff in list(self._diffs.values()):
            if diff.market is market:
                self._diff(diff)

    def beat(self, count: int) -> None:
        """Publish what is due after a tenth of a second more."""
        for diff in list(self._diffs.values()):
            if count % diff.beats == 0:
                self._diff(diff)
        for bars in list(self._bars.values()):
            self._bar(bars, count)
        if count % 10 == 0:
            self._tickers(count)
        elif self._rest:
            self._parts()

    def _diff(self, diff: Diff) -> None:
        front = self._front
        if diff.stream not in front.by_stream:
            diff.market.book.recorders[:] = [one for one in diff.market.book.recorders if one is not diff.changed]
            del self._diffs[diff.stream]
        elif diff.changed:
            message = shapes.depth_update(diff.market, diff.changed, diff.last, front.exchange.now_ms())
            diff.last = diff.market.book.update_id
            diff.changed.clear()
            front.publish(diff.stream, "book", diff.market.terms.symbol, message)

    def _bar(self, bars: Bars, count: int) -> None:
        front, length = self._front, shapes.INTERVALS[bars.interval]
        if bars.stream not in front.by_stream:
            del self._bars[bars.stream]
            return
        now = front.exchange.now_ms()
        start = now - now % length
        if start != bars.start_ms:
            self._send_bar(bars, bars.start_ms, now, True)
            bars.start_ms = start
        if count % 10 == 0:
            self._send_bar(bars, start, now, False)

    def _send_bar(self, bars: Bars, start_ms: int, now: int, closed: bool) -> None:
        candle = bars.market.candles.at(shapes.INTERVALS[bars.interval], start_ms)
        message = shapes.kline(bars.market, candle, bars.interval, now, closed)
        self._front.publish(bars.stream, "candles", bars.market.terms.symbol, message)

    def _tickers(self, count: int) -> None:
        front, now = self._front, self._front.exchange.now_ms()
        for stream, (market, topic) in list(self._rest.items()):
            symbol = market.terms.symbol
            if stream not in front.by_stream:
                del self._rest[stream]
            elif topic == "ticker":
                front.publish(stream, "ticker", symbol, shapes.ticker(market, market.day(now), now))
            elif topic == "miniTicker":
                front.publish(stream, "ticker", symbol, shapes.mini_ticker(market, market.day(now), now))
            elif topic == "markPrice@1s" or (topic == "markPrice" and count % 30 == 0):
                front.publish(stream, "funding", symbol, shapes.mark_price(market, now))
        self._parts()
        for stream in [name for name in front.by_stream if ":!" in name and "bookTicker" not in name]:
            self._all(stream, count, now)

    def _all(self, stream: str, count: int, now: int) -> None:
        front, (wing, name) = self._front, stream.split(":", 1)
        markets = [one for one in front.exchange.markets.values() if one.awake and one.terms.swap == (wing == "swap")]
        found: list[Any] = []
        if name.startswith("!markPrice"):
            if name.endswith("@1s") or count % 30 == 0:
                found = [shapes.mark_price(market, now) for market in markets]
        else:
            shape = shapes.mini_ticker if name.startswith("!mini") else shapes.ticker
            found = [shape(market, market.day(now), now) for market in markets]
        if found:
            front.publish(stream, "ticker", "", found)

    def _parts(self) -> None:
        # The best levels of a book, whole each time.
        for stream, (market, topic) in self._rest.items():
            part = DEPTH.match(topic)
            if part and part[1]:
                data = shapes.depth(market, int(part[1]), self._front.exchange.now_ms())
                self._front.publish(stream, "book", market.terms.symbol, data)
