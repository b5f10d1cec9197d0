"""Binance's and OKX's streams without ccxt in between: a feed of websockets, a desk that reads them, and books asked for by REST."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from gcg_quant.errors import CollectorError
from gcg_quant.events import Funding

from .binance_desk import BinanceDesk, BinanceFuturesDesk
from .desk import Desk
from .feed import Feed
from .okx_desk import OkxDesk

if TYPE_CHECKING:
    from .collector import CcxtCollector

__all__ = ["FAST", "FastStreams"]

# ccxt's name -> the desk, where its websockets are in ccxt's table of addresses, and the first path
FAST: dict[str, tuple[type[Desk], tuple[str, ...], str]] = {
    "binance": (BinanceDesk, ("spot",), "/stream"),
    "binanceusdm": (BinanceFuturesDesk, ("linear",), "/stream"),
    "okx": (OkxDesk, (), "/public"),
}
_MANY = 100  # symbols from which on books are asked for with fewer levels, to stay within the limits
_AGAIN_S, _FAILED_S = 0.3, 2.0


class FastStreams:
    """One connection's worth of streams for a collector; all coroutines on its loop."""

    def __init__(self, owner: CcxtCollector) -> None:
        self._owner = owner
        self.venue = owner.venue
        desk, place, self._path = FAST[owner.exchange]
        options = owner.settings
        self.desk = desk(self, options.streams, options.candles)
        url = owner.rest.websocket_url(*place)
        base_url = url.removesuffix("/ws") if place else url
        self.feed = Feed(self.desk, base_url, owner.recv_ns, self._flush, self._malformed)
        self._books: asyncio.Queue[str] = asyncio.Queue()  # symbols whose book is to be asked for
        self._asked: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Connect. Raises OSError."""
        await self.feed.open(self._path)
        if isinstance(self.desk, BinanceDesk) and self.desk.books:
            self._spawn(self._fetch_books(self.desk))

    async def add(self, symbols: Sequence[str]) -> None:
        """Begin symbols. Raises OSError, CollectorError."""
        for symbol in symbols:
            market = self._owner.rest.market(symbol)
            if market["id"] not in self.desk.lines:
                line = self.desk.add(symbol, market["id"], self._owner.bus.instruments.number(symbol, self.venue))
                line.mark = self._owner.marks.get(symbol)
        await self.feed.add(key for symbol in symbols for key in self.desk.keys(self._owner.rest.market(symbol)["id"]))

    async def remove(self, symbols: Sequence[str]) -> None:
        """End symbols."""
        for symbol in symbols:
            market_id = self._owner.rest.market(symbol)["id"]
            await self.feed.remove(self.desk.keys(market_id))
            self.desk.remove(market_id)

    async def run(self) -> None:
        """Read until a connection ends. Raises OSError."""
        await self.feed.run()

    async def close(self) -> None:
        """Close all."""
        for task in self._tasks.copy():
            task.cancel()
        await self.feed.close()
        self._flush()
        self._owner.marks |= {line.symbol: (line.trade_id, line.trade_ns) for line in self.desk.lines.values() if line.trade_ns}

    # ---- the desk's host

    def fault(self, kind: str, why: str, payload: Any = None) -> None:
        """Count what could not be used."""
        self._owner.fault(kind, why, payload)

    def hole(self, symbol: str, what: str, start_ns: int, end_ns: int, detail: str, missing: int | None) -> None:
        """Tell of missing numbers, after what came before them."""
        self._flush()
        self._owner.lost(symbol, what, start_ns, end_ns, "sequence", detail=detail, missing=missing)

    def missed(self, symbol: str, start_ns: int, end_ns: int) -> None:
        """Fill in the trades between two connections."""
        if end_ns > start_ns:
            self._owner.manners.refill(symbol, ["trade"], start_ns, end_ns)

    def resync(self, symbol: str) -> None:
        """Ask for a symbol's whole book: by REST, or by subscribing anew."""
        if symbol in self._asked:
            return
        self._asked.add(symbol)
        if isinstance(self.desk, BinanceDesk):
            self._books.put_nowait(symbol)
        else:
            self._spawn(self._subscribe_anew(symbol))

    def tell(self, event: Funding) -> None:
        """Publish a funding rate."""
        self._owner.publish(event, cause=0)

    # ---- inside

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _flush(self) -> None:
        if len(self.desk.rows):
            for array in self.desk.rows.arrays():
                self._owner.take_array(array)
        else:
            self._owner.alive()

    def _malformed(self, why: str, payload: bytes) -> None:
        self._owner.fault("malformed", why, payload)

    async def _subscribe_anew(self, symbol: str) -> None:
        await asyncio.sleep(_AGAIN_S)
        self._asked.discard(symbol)
        market_id = self._owner.rest.market(symbol)["id"]
        keys = [key for key in self.desk.keys(market_id) if "books" in key]
        await self.feed.remove(keys)
        await self.feed.add(keys)

    async def _fetch_books(self, desk: BinanceDesk) -> None:
        # One after the other: ccxt keeps the limits by waiting. A book that is of no use is asked for again behind the others.
        rest, settings = self._owner.rest, self._owner.settings
        while True:
            symbol = await self._books.get()
            market_id = rest.market(symbol)["id"]
            levels = settings.snapshot_levels or (1000 if len(desk.lines) <= _MANY else 100)
            again_s = _AGAIN_S
            try:
                payload = await asyncio.to_thread(rest.book, symbol, levels)
                of_use = desk.snapshot(market_id, payload, self._owner.recv_ns())
            except (OSError, ValueError, CollectorError) as error:
                self.fault("snapshot", f"the book of {symbol}: {error}")
                of_use, again_s = False, _FAILED_S
            if of_use:
                self._asked.discard(symbol)
                self._flush()
            else:
                asyncio.get_running_loop().call_later(again_s, self._books.put_nowait, symbol)
