"""The collector of crypto exchanges, kind "ccxt": Binance's and OKX's streams read directly, any other exchange by ccxt.pro."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

from gcg_quant.clock import NS_PER_MILLISECOND
from gcg_quant.instruments import Instrument
from gcg_quant.periods import period_ns

from ..blank import RecordArray
from ..live import AsyncExchangeCollector
from .fast import FAST, FastStreams
from .generic import GenericStreams
from .markets import instrument_of
from .options import CcxtOptions
from .past import PastRows
from .rest import ExchangeRest

__all__ = ["CcxtCollector"]


class CcxtCollector(AsyncExchangeCollector):
    """One crypto exchange. See docs/crypto.md.

    Markets, history and the clock come by ccxt over REST; ccxt is imported when it first connects.
    """

    Options: ClassVar[type[CcxtOptions]] = CcxtOptions
    needs: ClassVar[str] = "crypto"
    packages: ClassVar[tuple[str, ...]] = ("ccxt", "aiohttp")

    def __init__(self, name: str, venue: str = "", **options: Any) -> None:
        """Args: `options`: those of ExchangeCollector."""
        super().__init__(name, venue, **options)
        assert isinstance(self.options, CcxtOptions)
        self.settings: CcxtOptions = self.options
        self.exchange = self.settings.exchange or name
        self.history_kinds = self.settings.candles or ("1m",)
        self.marks: dict[str, tuple[int, int]] = {}  # number and time of the last trade of each symbol, over connections
        self._rest: ExchangeRest | None = None
        self._streams: FastStreams | GenericStreams | None = None

    @property
    def rest(self) -> ExchangeRest:
        """The exchange's REST interface. Raises OSError before the first connection."""
        if self._rest is None:
            raise OSError(f"{self.name} has not connected yet")
        return self._rest

    @property
    def fast(self) -> bool:
        """Whether its streams are read directly."""
        return self.settings.fast and self.exchange in FAST

    # ---- the connection, on its loop

    async def open(self) -> None:
        """Load the market table, unless that was done just now, and connect."""
        self._rest = await asyncio.to_thread(self._loaded_rest)
        self._streams = FastStreams(self) if self.fast else GenericStreams(self)
        await self._streams.open()

    async def run(self) -> None:
        """Read until a connection ends."""
        assert self._streams is not None
        await self._streams.run()

    async def shut(self) -> None:
        """Close all connections."""
        streams, self._streams = self._streams, None
        if streams is not None:
            await streams.close()

    async def async_ask(self, symbols: Sequence[str]) -> None:
        """Subscribe."""
        if self._streams is None:
            raise OSError(f"{self.name} is not connected")
        await self._streams.add(symbols)

    async def async_drop(self, symbols: Sequence[str]) -> None:
        """Unsubscribe."""
        if self._streams is not None:
            await self._streams.remove(symbols)

    # ---- what the exchange tells by REST

    def instrument(self, symbol: str) -> Instrument | None:
        """Return a symbol's terms by the exchange's market table."""
        return instrument_of(self.rest.market(symbol), self.venue, int(self.rest.client.precisionMode))

    def discover(self) -> list[str]:
        """Return all symbols of the market table that can be traded."""
        return self.rest.symbols

    def venue_clock_ns(self) -> int | None:
        """Ask the exchange for its time."""
        try:
            return self.rest.clock_ns()
        except OSError:
            if self.stopping:
                return None  # nobody listens any more
            raise

    def past(self, symbol: str, what: str, start_ns: int, end_ns: int) -> list[RecordArray] | None:
        """Return trades ("trade") or the venue's bars (a period) of a stretch by REST; None of what it keeps no history.

        Raises:
            OSError: it cannot be reached. CollectorError: it refuses.
        """
        rest = self._rest = self._rest or self._loaded_rest()  # also where it only fills in, and never connects
        number = self.bus.instruments.number(symbol, self.venue)
        start_ms, end_ms = start_ns // NS_PER_MILLISECOND, -(-end_ns // NS_PER_MILLISECOND)
        rows = PastRows(number, self.recv_ns())
        if what == "trade":
            if not rest.client.has.get("fetchTrades"):
                return None
            return rows.trades(rest.trades(symbol, start_ms, end_ms), start_ns, end_ns)
        if what not in rest.periods:
            return None
        length_ms = period_ns(what) // NS_PER_MILLISECOND
        return rows.bars(rest.candles(symbol, what, start_ms - start_ms % length_ms, end_ms), what)

    def lost(self, symbol: str, what: str, start_ns: int, end_ns: int, why: str, *, detail: str = "", missing: int | None = None) -> None:
        """Tell of a hole; after a disconnection candles are filled in. Trades are by the desk, which knows the last and the next."""
        super().lost(symbol, what, start_ns, end_ns, why, detail=detail, missing=missing)
        if not what and self.fast and end_ns > start_ns:  # what came in batches the base has not seen one by one
            self.manners.refill(symbol, list(self.settings.candles if "candles" in self.settings.streams else ()), start_ns, end_ns)

    # ---- inside

    def _loaded_rest(self) -> ExchangeRest:
        rest = self._rest or ExchangeRest(self.exchange, url=self.url, timeout_s=self.connect_s, sandbox=self.settings.sandbox)
        rest.load()
        return rest
