"""Reading the cache from a program that is not on the bus: events of the core's own classes, out of Redis.

    with CacheReader("redis://localhost:6379/0", "gcg:gcg_home") as cache:
        cache.latest_tick("BTC/USDT").last_price
        cache.recent_bars("BTC/USDT", "1m", 100)["close"]

It shows what somebody wrote, and how old that is; nothing that trades may decide by it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
import numpy as np
from redis.exceptions import RedisError

from gcg_quant.clock import now_ns
from gcg_quant.enumerations import BarBasis
from gcg_quant.errors import InstrumentError, StorageError
from gcg_quant.events import AccountEvent, Bar, Depth, OrderEvent, PositionEvent, StrategyStatusEvent, Tick, TradeTick
from gcg_quant.history import RecordArray

from .layout import FORMAT, SHAPES, Layout, series_of
from .link import open_client, sentence

__all__ = ["CacheReader", "Freshness"]

R = TypeVar("R", Tick, Depth, TradeTick, Bar)
_KINDS: dict[type, str] = {Tick: "tick", Depth: "depth", TradeTick: "trade", Bar: "bar"}


class Freshness(msgspec.Struct, frozen=True):
    """Whether somebody keeps the cache up to date: `state` is "live", "filling", "stopped" or "silent" (nobody has for 10 s).

    `age_s` is when the last sign of life was written, in seconds ago (None if silent); `lag` is how many events were unread then.
    """

    state: str
    age_s: float | None = None
    lag: int = 0
    bus: str = ""


class CacheReader:
    """The cache of one system in one world. Any thread may ask.

    Args:
        url: of the Redis, as in [redis] url.
        prefix: of the system, as in [redis] prefix: "gcg:" and the name of its home folder unless it was set.
        world: "paper", "live" or "replay".
        timeout_s: how long an answer may take, in seconds.

    Raises:
        StorageError: the URL is none of Redis. Every method: there is no Redis, or it refuses, or the cache is of another format.
    """

    def __init__(self, url: str, prefix: str = "gcg:gcg_home", world: str = "paper", *, timeout_s: float = 1.0) -> None:
        self.layout = Layout(prefix, world)
        self._url = url
        self._client: Any = open_client(url, timeout_s)
        self._checked = False

    def freshness(self) -> Freshness:
        """Return whether the cache is being kept up to date, and by which bus."""
        alive = self._ask(lambda client: client.hgetall(self.layout.alive))
        if not alive:
            return Freshness("silent")
        return Freshness(alive["state"], (now_ns() - int(alive["time_ns"])) / 1e9, int(alive["lag"]), alive.get("bus", ""))

    def symbols(self) -> list[str]:
        """Return every SYMBOL@VENUE that a tick, depth or trade has been kept of, sorted."""
        keys = [self.layout.index(kind) for kind in ("tick", "depth", "trade")]
        return sorted(self._ask(lambda client: client.sunion(keys)))

    def latest_tick(self, symbol: str) -> Tick | None:
        """Return the newest tick of "BTC/USDT@binance", or of "BTC/USDT" if one venue has it; None if there is none any more."""
        return self._latest(Tick, symbol)

    def latest_depth(self, symbol: str) -> Depth | None:
        """Return the newest order book; see `latest_tick`."""
        return self._latest(Depth, symbol)

    def latest_trade(self, symbol: str) -> TradeTick | None:
        """Return the newest trade; see `latest_tick`."""
        return self._latest(TradeTick, symbol)

    def latest_bar(self, symbol: str, period: str, basis: BarBasis = BarBasis.LAST) -> Bar | None:
        """Return the newest bar of a period; see `latest_tick`."""
        return self._latest(Bar, symbol, f"{series_of(period, basis)}:")

    def recent_bars(self, symbol: str, period: str, count: int = 500, basis: BarBasis = BarBasis.LAST) -> RecordArray:
        """Return up to `count` newest bars as an array of `Bar.dtype`, the oldest first, of each start the newest revision."""
        name = self._full_name("bar", symbol, f"{series_of(period, basis)}:")
        if name is None or count < 1:
            return np.empty(0, Bar.dtype)
        full = name.partition(":")[2].rsplit("@", 1)
        known = {"symbol": full[0], "venue": full[1], "period": period, "basis": basis.name}
        bars: dict[int, Bar] = {}
        end = "+"
        while len(bars) < count:  # a bar that was revised has several entries
            rows = self._ask(functools.partial(_newest, self.layout.stream(name), end, count + 1))
            for _, texts in rows:
                bar = SHAPES["bar"].event({**texts, **known})
                bars.setdefault(bar.start_ns, bar)
            if len(rows) <= count:
                break
            end = f"({rows[-1][0]}"
        found = sorted(bars.values(), key=lambda bar: bar.start_ns)[-count:]
        return _array(found)

    def positions(self, account: str = "") -> list[PositionEvent]:
        """Return the positions by account, strategy, instrument and side, flat ones too; of one account if it is named."""
        return [one for one in self._all("position") if account in ("", one.account)]

    def accounts(self) -> list[AccountEvent]:
        """Return the accounts by currency."""
        return self._all("account")

    def strategies(self) -> list[StrategyStatusEvent]:
        """Return the strategies that are loaded, with their states."""
        return self._all("strategy")

    def open_orders(self) -> list[OrderEvent]:
        """Return the orders that still work."""
        return self._all("order")

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _latest(self, cls: type[R], symbol: str, series: str = "") -> R | None:
        kind = _KINDS[cls]
        name = self._full_name(kind, symbol, series)
        texts = self._ask(lambda client: client.hgetall(self.layout.hash(kind, name))) if name is not None else {}
        found: R | None = SHAPES[kind].event(texts) if texts else None
        return found

    def _full_name(self, kind: str, symbol: str, series: str) -> str | None:
        if "@" in symbol:
            return series + symbol
        names = self._ask(lambda client: client.smembers(self.layout.index(kind)))
        found = sorted(name for name in names if name.startswith(f"{series}{symbol}@"))
        if len(found) > 1:
            venues = ", ".join(name.rsplit("@", 1)[1] for name in found)
            raise InstrumentError(f"{symbol!r} is cached for several venues ({venues}): ask for SYMBOL@VENUE.", symbol=symbol)
        return found[0] if found else None

    def _all(self, kind: str) -> list[Any]:
        names = sorted(self._ask(lambda client: client.smembers(self.layout.index(kind))))

        def ask(client: Any) -> Any:
            pipe = client.pipeline(transaction=False)
            for name in names:
                pipe.hgetall(self.layout.hash(kind, name))
            return pipe.execute()

        return [SHAPES[kind].event(texts) for texts in self._ask(ask) if texts]

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        try:
            if not self._checked:
                found = self._client.hget(self.layout.meta, "format")
                if found not in (None, str(FORMAT)):
                    raise StorageError(
                        f"The cache {self.layout.root} is of format {found}, and this program reads {FORMAT}: run the same version in both."
                    )
                self._checked = found is not None
            return question(self._client)
        except (RedisError, OSError) as error:
            raise StorageError(sentence(error, self._url)) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _newest(key: str, end: str, count: int, client: Any) -> Any:
    return client.xrevrange(key, end, "-", count)


def _array(bars: list[Bar]) -> RecordArray:
    rows = np.zeros(len(bars), Bar.dtype)
    names = [name for name in Bar.dtype.names or () if name != "instrument"]
    for at, bar in enumerate(bars):
        for name in names:
            rows[name][at] = getattr(bar, name)
    return rows
