"""The simulated tape: what all instruments do, block by block, as arrays of records in the order of their times.

Times in a block are nanoseconds since the start of the simulation; whoever publishes adds the moment of the start.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec
import numpy as np

from gcg_quant.clock import NS_PER_MINUTE, NS_PER_SECOND
from gcg_quant.events import Depth, SessionEvent, Side, Tick, TradeTick

from ..blank import RecordArray, blank, joined, picked
from .market import SimulatedMarket
from .microstructure import QuoteBlock

__all__ = ["SESSION", "Block", "Tape"]

Int64Array: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

SESSION, TRADE, TICK, DEPTH = 0, 1, 2, 3  # the order of what happens at one time
_TICKS_A_BLOCK = 200
_BLOCK_SECONDS = (
    1,
    2,
    5,
)  # each divides a minute, so that no day begins inside a block; short, for what is changed takes effect with the next


class Block(msgspec.Struct, frozen=True):
    """One stretch of the tape. Entry i happens at `times[i]` and is row `rows[i]` of `records[kinds[i]]`, or of `sessions`."""

    times: Int64Array
    kinds: Int64Array
    rows: Int64Array
    records: dict[int, RecordArray]
    sessions: list[SessionEvent]
    begin_ns: int
    end_ns: int


class Tape:
    """Makes the blocks of a simulation, one after the other. The same arguments give the same blocks.

    `start_ns` should be a whole second: sessions begin and end on whole seconds, and blocks do so, too.
    """

    def __init__(
        self,
        *,
        seed: int,
        ticks_per_second: float,
        start_ns: int,
        depth_every: int = 0,
        trades: bool = False,
    ) -> None:
        self._markets: list[SimulatedMarket] = []
        self._random = np.random.default_rng([seed, 3])
        self._start_ns = start_ns
        self._depth_every = depth_every
        self._trades = trades
        self._elapsed_ns = 0
        self._owed = 0.0
        self._ticks = 0
        self.ticks_per_second = ticks_per_second

    def add(self, market: SimulatedMarket) -> None:
        """Let a market take part from the next block on."""
        self._markets.append(market)

    def remove(self, symbol: str) -> None:
        """Take a market out from the next block on."""
        self._markets = [market for market in self._markets if market.profile.symbol != symbol]

    @property
    def elapsed_ns(self) -> int:
        """Where the next block begins, since the start."""
        return self._elapsed_ns

    def next_block(self) -> Block:
        """Return the next block; it is empty while every market is closed."""
        seconds = self._block_seconds()
        begin_ns, length_ns = self._elapsed_ns, seconds * NS_PER_SECOND
        self._elapsed_ns += length_ns
        sessions = [event for market in self._markets for event in market.advance(self._start_ns + begin_ns)]
        open_now = [market for market in self._markets if market.is_open]
        ticks, depths, trades = self._make(open_now, begin_ns, length_ns, seconds)
        return _merge((begin_ns, self._elapsed_ns), ticks, depths, trades, sessions)

    def skip_closed(self) -> None:
        """Go on to the block in which the first market opens, if all are closed."""
        now_ns = self._start_ns + self._elapsed_ns
        openings = [market.opens_at(now_ns) for market in self._markets if market.rests_at(now_ns)]
        known = [opening for opening in openings if opening is not None]
        if not known or len(openings) < len(self._markets):
            return
        first = min(known)
        length_ns = self._block_seconds() * NS_PER_SECOND
        self._elapsed_ns += (first - now_ns) // length_ns * length_ns

    def _block_seconds(self) -> int:
        if self._start_ns % NS_PER_MINUTE and any(market.keeps_hours for market in self._markets):
            return 1  # sessions, which begin on whole minutes, must begin with a block
        wanted = _TICKS_A_BLOCK / self.ticks_per_second
        return next((seconds for seconds in _BLOCK_SECONDS if seconds >= wanted), _BLOCK_SECONDS[-1])

    def _make(
        self, markets: list[SimulatedMarket], begin_ns: int, length_ns: int, seconds: int
    ) -> tuple[RecordArray, RecordArray, RecordArray]:
        self._owed += self.ticks_per_second * seconds
        count = int(self._owed)
        self._owed -= count
        if not markets or count == 0:
            return blank(Tick, 0), blank(Depth, 0), blank(TradeTick, 0)
        times = begin_ns + self._arrivals(count, length_ns)
        weights = np.array([market.profile.activity for market in markets])
        whose = self._random.choice(len(markets), count, p=weights / weights.sum())
        ticks = blank(Tick, count)
        depths: list[RecordArray] = []
        trades: list[RecordArray] = []
        for position, market in enumerate(markets):
            mine = np.flatnonzero(whose == position)
            if len(mine) == 0:
                continue
            part, block = market.ticks(times[mine], begin_ns)
            ticks[mine] = part
            if self._depth_every:
                depths.append(market.depths(part, block, self._depth_every))
            if self._trades:
                trades.append(_trade_ticks(part, block))
        ticks["venue_seq"] = self._ticks + np.arange(1, count + 1)
        self._ticks += count
        return ticks, joined(Depth, depths), _numbered(joined(TradeTick, trades))

    def _arrivals(self, count: int, length_ns: int) -> Int64Array:
        # Waiting times are exponential; no two ticks at the same nanosecond, so that the order never hangs on a tie.
        waits = np.cumsum(self._random.exponential(size=count + 1))
        times = (waits[:-1] / waits[-1] * (length_ns - count)).astype(np.int64)
        return np.maximum.accumulate(times) + np.arange(count)


def _trade_ticks(ticks: RecordArray, block: QuoteBlock) -> RecordArray:
    chosen = ticks[block.trade]
    trades = blank(TradeTick, len(chosen))
    for field in ("event_ns", "recv_ns", "instrument", "trading_day"):
        trades[field] = chosen[field]
    trades["price"], trades["size"] = chosen["last_price"], chosen["last_size"]
    trades["aggressor"] = np.where(block.side[block.trade] > 0, Side.BUY, Side.SELL)
    return trades


def _numbered(trades: RecordArray) -> RecordArray:
    trades = picked(trades, np.argsort(trades["event_ns"], kind="stable"))
    trades["trade_id"] = trades["event_ns"].astype("S32")  # unique, since no two ticks share a nanosecond
    return trades


def _merge(span: tuple[int, int], ticks: RecordArray, depths: RecordArray, trades: RecordArray, sessions: list[SessionEvent]) -> Block:
    depths = picked(depths, np.argsort(depths["event_ns"], kind="stable"))
    parts = {TRADE: trades, TICK: ticks, DEPTH: depths}
    times = np.concatenate([np.full(len(sessions), span[0]), *(part["event_ns"] for part in parts.values())])
    kinds = np.concatenate([np.full(len(sessions), SESSION), *(np.full(len(part), kind) for kind, part in parts.items())])
    rows = np.concatenate([np.arange(len(sessions)), *(np.arange(len(part)) for part in parts.values())])
    order = np.lexsort((kinds, times))
    return Block(times[order], kinds[order], rows[order], parts, sessions, *span)
