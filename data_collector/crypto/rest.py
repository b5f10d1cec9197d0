"""An exchange's REST interface by ccxt, for any thread: its market table, clock, books, and what it keeps of the past.

ccxt keeps the exchange's rate limits. Its errors come out as OSError (try again) or CollectorError (it is refused).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from gcg_quant.errors import CollectorError, nearest

__all__ = ["ExchangeRest", "import_ccxt", "redirected"]

_T = TypeVar("_T")
_NS_PER_MS = 1_000_000
_TABLE_LASTS_S = 3600.0
_PAGE = 1000
_OKX_PAGE = 100
_CANDLES = {"okx": 300}  # on a page; others give 1,000
_MOST_PAGES = 2_000


def import_ccxt() -> Any:
    """Return the package ccxt; it takes a second, so it is done when a collector starts.

    Raises:
        CollectorError: it is not installed.
    """
    try:
        import ccxt
    except ImportError as error:
        raise CollectorError(f"ccxt is not there ({error}): pip install 'gcg_quant[crypto]'.") from error
    return ccxt


def redirected(urls: Any, base: str, *, hosts: bool) -> Any:
    """Return an exchange's addresses with another host: all of them below `base`, "http://127.0.0.1:9001".

    Args:
        urls: a tree of texts, as ccxt keeps it; what is no address stays.
        base: scheme, host and port.
        hosts: put the first word of the host into a websocket's path ("/fstream/ws"), where only the host says what it is.
    """
    if isinstance(urls, Mapping):
        return {name: redirected(value, base, hosts=hosts) for name, value in urls.items()}
    if not isinstance(urls, str) or "://" not in urls:
        return urls
    old, new = urlsplit(urls), urlsplit(base)
    secure = new.scheme in ("https", "wss")
    prefix = new.path.rstrip("/")
    if old.scheme in ("ws", "wss"):
        prefix += f"/{old.netloc.partition('.')[0]}" if hosts else ""
        return urlunsplit(("wss" if secure else "ws", new.netloc, prefix + old.path, old.query, ""))
    return urlunsplit(("https" if secure else "http", new.netloc, prefix + old.path, old.query, ""))


class ExchangeRest:
    """One exchange. Calls wait for each other.

    Args:
        exchange: ccxt's name of it.
        url: a base address instead of the exchange's own.
        timeout_s: of one call.
        sandbox: use the test net.

    Raises:
        CollectorError: there is no such exchange, or ccxt is not installed.
    """

    def __init__(self, exchange: str, *, url: str = "", timeout_s: float = 10.0, sandbox: bool = False) -> None:
        self._ccxt = import_ccxt()
        if exchange not in self._ccxt.exchanges:
            raise CollectorError(f"ccxt has no exchange {exchange!r}.{nearest(exchange, self._ccxt.exchanges)}", exchange=exchange)
        self.exchange = exchange
        self.url = url
        self._sandbox = sandbox
        self._lock = threading.Lock()
        self._loaded_s: float | None = None
        self.client = self.configured(getattr(self._ccxt, exchange), timeout_s)

    def configured(self, cls: type, timeout_s: float) -> Any:
        """Return a client of ccxt's (or of ccxt.pro's) class for this exchange, with the addresses and options of this one."""
        client: Any = cls({"timeout": round(timeout_s * 1000), "enableRateLimit": True})
        if self._sandbox:
            client.set_sandbox_mode(True)
        if self.url:
            client.urls["api"] = redirected(client.urls["api"], self.url, hosts=self.exchange.startswith("binance"))
        if self.exchange == "binance":
            client.options["fetchMarkets"] = {**client.options.get("fetchMarkets", {}), "types": ["spot"]}
        client.options["warnOnFetchOpenOrdersWithoutSymbol"] = False
        return client

    def websocket_url(self, *path: str) -> str:
        """Return the address of the websockets, from `urls["api"]["ws"]` on along `path`."""
        import ccxt.pro

        found = self.configured(getattr(ccxt.pro, self.exchange), 1.0).urls["api"]["ws"]
        for word in path:
            found = found[word]
        return str(found)

    # ---- what is asked

    def load(self) -> None:
        """Load the market table, if that was not done within the last hour. Raises OSError, CollectorError."""
        now_s = time.monotonic()
        if self._loaded_s is None or now_s - self._loaded_s > _TABLE_LASTS_S:
            self._call(lambda: self.client.load_markets(True))
            self._loaded_s = now_s

    def market(self, symbol: str) -> dict[str, Any]:
        """Return a symbol's entry of the market table.

        Raises:
            CollectorError: the exchange does not have it.
        """
        markets: dict[str, dict[str, Any]] = self.client.markets or {}
        if symbol not in markets:
            hint = nearest(symbol, markets)
            if self.exchange == "binance" and ":" in symbol:
                hint = " Contracts are at exchange = 'binanceusdm'."
            raise CollectorError(f"{self.exchange} has no symbol {symbol!r}.{hint}", symbol=symbol)
        return markets[symbol]

    @property
    def symbols(self) -> list[str]:
        """All symbols that can be traded."""
        return [symbol for symbol, market in (self.client.markets or {}).items() if market.get("active") is not False]

    def clock_ns(self) -> int | None:
        """Return the exchange's clock, None if it tells none."""
        if not self.client.has.get("fetchTime"):
            return None
        told = self._call(lambda: self.client.fetch_time())
        return None if told is None else round(told * _NS_PER_MS)

    def book(self, symbol: str, levels: int) -> bytes:
        """Return a book of Binance's as it came. Raises OSError, CollectorError."""
        market = self.market(symbol)
        with self._lock:
            call = self.client.fapiPublicGetDepth if market.get("linear") else self.client.publicGetDepth
            self._guarded(lambda: call({"symbol": market["id"], "limit": levels}))
            return str(self.client.last_http_response).encode()

    def trades(self, symbol: str, start_ms: int, end_ms: int) -> Iterator[list[dict[str, Any]]]:
        """Yield pages of the trades from `start_ms` to `end_ms`, in order. Raises OSError, CollectorError."""
        if self.exchange.startswith("okx"):
            yield from self._trades_backwards(symbol, start_ms, end_ms)
        else:
            yield from self._trades_forwards(symbol, start_ms, end_ms)

    def candles(self, symbol: str, period: str, start_ms: int, end_ms: int) -> Iterator[list[list[Any]]]:
        """Yield pages of the finished candles that begin from `start_ms` on and before `end_ms`. Raises OSError, CollectorError."""
        length_ms = round(self.client.parse_timeframe(period) * 1000)
        since, limit = start_ms, _CANDLES.get(self.exchange, _PAGE)
        for _ in range(_MOST_PAGES):
            page: list[list[Any]] = self._call(partial(self.client.fetch_ohlcv, symbol, period, since, limit))
            now_ms = self.client.milliseconds()
            yield [one for one in page if start_ms <= one[0] < end_ms and one[0] + length_ms <= now_ms]
            since = page[-1][0] + length_ms if page and page[-1][0] >= since else since + limit * length_ms
            if since >= min(end_ms, now_ms):
                return

    @property
    def periods(self) -> Mapping[str, str]:
        """The periods of candles that it keeps."""
        return self.client.timeframes or {} if self.client.has.get("fetchOHLCV") else {}

    # ---- inside

    def _trades_forwards(self, symbol: str, start_ms: int, end_ms: int) -> Iterator[list[dict[str, Any]]]:
        # Binance goes on by number, others by time: what is at a page's last moment is then asked for again.
        numbered, seen = self.exchange.startswith("binance"), set[str]()
        since: int | None = start_ms
        params: dict[str, Any] = {}
        for _ in range(_MOST_PAGES):
            page: list[dict[str, Any]] = self._call(partial(self.client.fetch_trades, symbol, since, _PAGE, params))
            fresh = [one for one in page if str(one["id"]) not in seen and one["timestamp"] >= start_ms]
            yield [one for one in fresh if one["timestamp"] <= end_ms]
            if not fresh or page[-1]["timestamp"] > end_ms:
                return
            if numbered:
                since, params = None, {"fromId": int(page[-1]["id"]) + 1}
            else:
                since, seen = page[-1]["timestamp"], {str(one["id"]) for one in page}

    def _trades_backwards(self, symbol: str, start_ms: int, end_ms: int) -> Iterator[list[dict[str, Any]]]:
        # "GET / Trades history": pages before a time, then before a trade's number, at most 100 each.
        pages: list[list[dict[str, Any]]] = []
        params: dict[str, Any] = {"method": "publicGetMarketHistoryTrades", "type": "2", "after": str(end_ms + 1)}
        for _ in range(_MOST_PAGES):
            page: list[dict[str, Any]] = self._call(partial(self.client.fetch_trades, symbol, None, _OKX_PAGE, params))
            pages.append([one for one in page if start_ms <= one["timestamp"] <= end_ms])
            if len(page) < _OKX_PAGE or page[0]["timestamp"] < start_ms:
                break
            params = {**params, "type": "1", "after": str(page[0]["id"])}
        yield from reversed(pages)

    def _call(self, function: Callable[[], _T]) -> _T:
        with self._lock:
            return self._guarded(function)

    def _guarded(self, function: Callable[[], _T]) -> _T:
        try:
            return function()
        except self._ccxt.NetworkError as error:  # and rate limits, and an exchange that is being maintained
            raise OSError(f"{self.exchange}: {type(error).__name__}: {_short(error)}") from error
        except self._ccxt.BaseError as error:
            raise CollectorError(f"{self.exchange}: {type(error).__name__}: {_short(error)}") from error


def _short(error: Exception) -> str:
    return str(error)[:300]
