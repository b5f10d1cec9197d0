"""Any exchange of ccxt.pro: a task for each symbol and stream, which takes what ccxt's `watch` methods return."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from gcg_quant.errors import CollectorError
from gcg_quant.periods import period_ns

from .ccxt_messages import parse_book, parse_candle, parse_funding, parse_ticker, parse_trade

if TYPE_CHECKING:
    from .collector import CcxtCollector

__all__ = ["GenericStreams"]

Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
_PAUSE_S = 1.0
_METHODS = {
    "trades": "watchTrades",
    "tickers": "watchTicker",
    "depth": "watchOrderBook",
    "candles": "watchOHLCV",
    "funding": "watchFundingRate",
}


class GenericStreams:
    """One connection's worth of streams for a collector; all coroutines on its loop. ccxt splits them over its own connections."""

    def __init__(self, owner: CcxtCollector) -> None:
        self._owner = owner
        self._client: Any = None
        self._errors: Any = None
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}
        self._ended: asyncio.Future[None] | None = None
        self._funding: dict[str, tuple[float, int]] = {}

    async def open(self) -> None:
        """Make the client. Its connections are made with the first symbol. Raises CollectorError if ccxt streams nothing of it."""
        import ccxt.pro

        owner = self._owner
        self._errors = ccxt
        cls = getattr(ccxt.pro, owner.exchange, None)
        self._ended = asyncio.get_running_loop().create_future()
        if cls is None:
            raise CollectorError(f"ccxt has no streams of {owner.exchange}.", exchange=owner.exchange)
        self._client = owner.rest.configured(cls, owner.connect_s)
        self._client.set_markets(owner.rest.client.markets, owner.rest.client.currencies)
        able = [stream for stream in owner.settings.streams if self._can(stream)]
        if not able:
            raise CollectorError(f"ccxt streams none of {', '.join(owner.settings.streams)} of {owner.exchange}.", exchange=owner.exchange)
        for stream in owner.settings.streams:
            if stream not in able and stream not in ("quotes", "deltas"):  # tickers and depth have what these would say
                owner.fault("unsupported", f"ccxt does not stream {stream} of {owner.exchange}")

    async def add(self, symbols: Sequence[str]) -> None:
        """Begin symbols. Raises CollectorError."""
        for symbol in symbols:
            self._owner.rest.market(symbol)
            if symbol not in self._tasks:
                self._tasks[symbol] = [self._spawn(work) for work in self._works(symbol)]

    async def remove(self, symbols: Sequence[str]) -> None:
        """End symbols; ccxt's own subscriptions are ended where it can."""
        for symbol in symbols:
            for task in self._tasks.pop(symbol, []):
                task.cancel()
            for name in ("un_watch_trades", "un_watch_ticker", "un_watch_order_book"):
                method = getattr(self._client, name, None)
                if method is not None and self._client.has.get(_camel(name)):
                    try:
                        await asyncio.wait_for(method(symbol), _PAUSE_S)
                    except (TimeoutError, self._errors.BaseError) as error:
                        self._owner.fault("drop", f"{symbol}: {error}")

    async def run(self) -> None:
        """Wait until a connection ends. Raises OSError."""
        assert self._ended is not None
        await asyncio.shield(self._ended)  # who waits may be cancelled, it may not

    async def close(self) -> None:
        """Close all."""
        for tasks in self._tasks.values():
            for task in tasks:
                task.cancel()
        self._tasks.clear()
        if self._ended is not None and not self._ended.cancel():
            self._ended.exception()  # it is known
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    # ---- inside

    def _can(self, stream: str) -> bool:
        return bool(stream in _METHODS and self._client.has.get(_METHODS[stream]))

    def _works(self, symbol: str) -> list[Work]:
        client, owner = self._client, self._owner
        works: list[Work] = []
        if self._wants("trades"):
            works.append(self._watch(symbol, lambda: client.watch_trades(symbol), self._take_trades))
        if self._wants("tickers"):
            works.append(self._watch(symbol, lambda: client.watch_ticker(symbol), self._take_ticker))
        if self._wants("depth"):
            works.append(self._watch(symbol, lambda: client.watch_order_book(symbol), self._take_book))
        if self._wants("candles"):
            for period in owner.settings.candles:
                newest: list[Any] = []
                works.append(
                    self._watch(
                        symbol,
                        partial(client.watch_ohlcv, symbol, period),
                        partial(self._take_candles, period, newest),
                    )
                )
        if self._wants("funding") and owner.rest.market(symbol).get("swap"):
            works.append(self._watch(symbol, lambda: client.watch_funding_rate(symbol), self._take_funding))
        return works

    def _wants(self, stream: str) -> bool:
        return stream in self._owner.settings.streams and self._can(stream)

    def _spawn(self, work: Work) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(work())

    def _watch(self, symbol: str, ask: Callable[[], Awaitable[Any]], take: Callable[[str, Any], None]) -> Work:
        async def work() -> None:
            begun_ns = 0
            while True:
                try:
                    found = await ask()
                except (self._errors.ChecksumError, self._errors.InvalidNonce) as error:
                    now_ns = self._owner.recv_ns()
                    self._owner.lost(symbol, "depth", begun_ns or now_ns, now_ns, "sequence", detail=str(error)[:200])
                    continue
                except self._errors.NetworkError as error:
                    self._end(OSError(f"{type(error).__name__}: {str(error)[:200]}"))
                    return
                except self._errors.BaseError as error:
                    self._owner.fault("refused", f"{symbol}: {type(error).__name__}: {str(error)[:200]}")
                    await asyncio.sleep(_PAUSE_S)
                    continue
                begun_ns = self._owner.recv_ns()
                try:
                    take(symbol, found)
                except Exception as error:  # whatever an exchange sends must not end the connection
                    self._owner.fault("malformed", f"{type(error).__name__}: {error}", found)

        return work

    def _end(self, error: OSError) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_exception(error)

    def _place(self, symbol: str) -> tuple[str, str, int]:
        return symbol, self._owner.venue, self._owner.recv_ns()

    def _take_trades(self, symbol: str, trades: Any) -> None:
        place = self._place(symbol)
        for trade in trades:
            self._owner.take(parse_trade(trade, *place))

    def _take_ticker(self, symbol: str, ticker: Any) -> None:
        self._owner.take(parse_ticker(ticker, *self._place(symbol)))

    def _take_book(self, symbol: str, book: Any) -> None:
        self._owner.take(parse_book(book, *self._place(symbol)))

    def _take_candles(self, period: str, newest: list[Any], symbol: str, candles: Any) -> None:
        # A candle is finished when one that begins later has come.
        for candle in candles:
            if newest and candle[0] > newest[0][0]:
                self._owner.take(parse_candle(newest[0], period, period_ns(period), *self._place(symbol)))
            if not newest or candle[0] >= newest[0][0]:
                newest[:] = [list(candle)]

    def _take_funding(self, symbol: str, rate: Any) -> None:
        funding = parse_funding(rate, *self._place(symbol))
        known = (funding.rate, funding.next_ns)
        if self._funding.get(symbol) != known:
            self._funding[symbol] = known
            self._owner.publish(funding, cause=0)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
