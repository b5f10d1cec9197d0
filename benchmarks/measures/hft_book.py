"""The same recorded book, strategy, delays and queue through hftbacktest and through our venue: orders and fills, one by one.

The strategy quotes one bid and one ask `distance` ticks behind the touch that it sees, looks every `step_ns` and replaces what has moved.
It sees the market when that was received, its orders reach the venue `entry_ns` after they were sent, and it hears of them `response_ns`
after that. Everything is event time, so both runs are equal from run to run.
"""

from __future__ import annotations

import heapq
import time
from collections import deque
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np

from gcg_quant._native import MatchingEngine
from gcg_quant.data_collector.importing.binance_file import BinanceFile
from gcg_quant.events import BookAction, BookDelta, OrderType, Side, TimeInForce, TradeTick, from_array
from gcg_quant.strategy_engine.gateways import ReportKind

__all__ = ["FILLED", "OPEN", "ORDER", "REFUSED", "TICK", "WITHDRAWN", "Market", "Outcome", "Terms", "load", "ours", "theirs"]

Array: TypeAlias = np.ndarray[Any, Any]

TICK, LOT = 0.01, 1e-5  # of BTCUSDT
QUEUES = ("back", "risk_averse", "proportional", "power", "logarithmic")
OPEN, FILLED, WITHDRAWN, REFUSED = range(4)
ORDER = np.dtype(
    [
        ("sent_ns", "i8"),
        ("side", "i1"),  # as Side
        ("ticks", "i8"),
        ("end", "i1"),  # OPEN, FILLED, WITHDRAWN or REFUSED
        ("filled", "i8"),  # lots
        ("fill_ns", "i8"),  # of the last fill, at the venue; 0 = none
        ("fill_ticks", "i8"),
    ]
)
_FIRST_LOOK_NS = 2_000_000_000  # after the first event: the book is there by then


class Market(msgspec.Struct, frozen=True):
    """The deltas and trades of one instrument, and the touch as it was received: after `touch_ns[i]`, in ticks."""

    deltas: Array
    trades: Array
    touch_ns: Array
    bids: Array
    asks: Array


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How both sides trade: delays in ns, the distance in ticks, the size in lots, and the queue model by our name."""

    entry_ns: int = 5_000_000
    response_ns: int = 5_000_000
    step_ns: int = 100_000_000
    distance: int = 0
    lots: int = 100
    queue: str = "risk_averse"
    power: float = 2.0


class Outcome(msgspec.Struct, frozen=True):
    """What became of the orders, in the order in which they were sent (rows of ORDER), and how long the run took."""

    orders: Array
    seconds: float


def load(path: Path) -> Market:
    """Return the market of a recording of Binance's streams."""
    arrays = BinanceFile(path).arrays()
    deltas, trades = arrays[BookDelta], arrays[TradeTick]
    return Market(deltas, trades, *_touches(deltas))


def _touches(deltas: Array) -> tuple[Array, Array, Array]:
    # Sizes by key, where the smallest key is the best; heaps keep keys that are gone until they come to the top.
    sizes: tuple[dict[int, float], dict[int, float]] = ({}, {})
    heaps: tuple[list[int], list[int]] = ([], [])
    found: list[tuple[int, int, int]] = []
    ticks = np.rint(deltas["price"] / TICK).astype(np.int64)
    rows = zip(
        deltas["recv_ns"].tolist(),
        deltas["side"].tolist(),
        ticks.tolist(),
        deltas["action"].tolist(),
        deltas["is_last"].tolist(),
        strict=True,
    )
    for recv_ns, side, price, action, is_last in rows:
        row, key = (0, -price) if side == Side.BUY else (1, price)
        if action == BookAction.DELETE:
            sizes[row].pop(key, None)
        elif key not in sizes[row]:
            sizes[row][key] = 1.0
            heapq.heappush(heaps[row], key)
        if is_last:
            for side_sizes, heap in zip(sizes, heaps, strict=True):
                while heap[0] not in side_sizes:
                    heapq.heappop(heap)
            found.append((recv_ns, -heaps[0][0], heaps[1][0]))
    table = np.array(found, np.int64)
    return table[:, 0], table[:, 1], table[:, 2]


def _looks(market: Market, terms: Terms) -> tuple[Array, Array, Array]:
    """Return when the strategy looks, and the prices it wants then."""
    first = int(min(market.deltas["event_ns"][0], market.trades["event_ns"][0]))
    last = int(max(market.deltas["recv_ns"][-1], market.trades["recv_ns"][-1]))
    looks = np.arange(first + _FIRST_LOOK_NS, last, terms.step_ns)
    seen = np.searchsorted(market.touch_ns, looks, side="right") - 1
    return looks, market.bids[seen] - terms.distance, market.asks[seen] + terms.distance


# ---- our venue


def ours(market: Market, terms: Terms) -> Outcome:
    """Run the strategy on a MatchingEngine, in a plain Python loop."""
    looks, bids, asks = _looks(market, terms)
    times, events = _merged(market)
    engine = MatchingEngine(latency_ns=terms.entry_ns, queue=QUEUES.index(terms.queue), queue_power=terms.power)
    engine.set_grid(1, TICK, LOT)
    began = time.perf_counter()
    desk = _Desk(engine, terms)
    fed, on_market = 0, engine.on_market
    for now_ns, bid, ask in zip(looks.tolist(), bids.tolist(), asks.tolist(), strict=True):
        while fed < len(times) and times[fed] <= now_ns:
            on_market(events[fed])
            fed += 1
        engine.advance(now_ns)
        desk.hear(now_ns)
        desk.quote(Side.BUY, bid, now_ns)
        desk.quote(Side.SELL, ask, now_ns)
    for event in events[fed:]:
        on_market(event)
    desk.hear(2**62)
    return Outcome(np.array([tuple(row) for row in desk.rows], ORDER), time.perf_counter() - began)


def _merged(market: Market) -> tuple[list[int], list[Any]]:
    # By event time; of equal ones deltas first.
    events = [*from_array(market.deltas, "BTCUSDT", "BINANCE"), *from_array(market.trades, "BTCUSDT", "BINANCE")]
    order = np.argsort(np.concatenate((market.deltas["event_ns"], market.trades["event_ns"])), kind="stable").tolist()
    merged = [events[row] for row in order]
    return [event.event_ns for event in merged], merged


class _Desk:
    """What the strategy knows of its orders: reports reach it late."""

    def __init__(self, engine: MatchingEngine, terms: Terms) -> None:
        self.rows: list[list[int]] = []
        self._engine = engine
        self._terms = terms
        self._late: deque[Any] = deque()
        self._live = {Side.BUY: -1, Side.SELL: -1}  # row of the order that is thought to be open

    def hear(self, now_ns: int) -> None:
        self._late.extend(self._engine.take_reports())
        while self._late and self._late[0][4] + self._terms.response_ns <= now_ns:
            kind, _, _, key, event_ns, ticks, lots, left, *_ = self._late.popleft()
            row = self.rows[key]
            if kind == ReportKind.FILLED:
                row[4] += lots
                row[5], row[6] = event_ns, ticks
                row[3] = FILLED if left == 0 else OPEN
            elif kind == ReportKind.CANCELLED:
                row[3] = WITHDRAWN
            elif kind == ReportKind.REJECTED:
                row[3] = REFUSED

    def quote(self, side: Side, ticks: int, now_ns: int) -> None:
        live = self._live[side]
        if live >= 0 and self.rows[live][3] == OPEN:
            if self.rows[live][2] == ticks:
                return
            self._engine.cancel(live, now_ns)
        self._live[side] = key = len(self.rows)
        self.rows.append([now_ns, int(side), ticks, OPEN, 0, 0, 0])
        self._engine.submit(
            key=key,
            instrument=1,
            side=side,
            type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTC,
            lots=self._terms.lots,
            price_ticks=ticks,
            stop_ticks=None,
            expire_ns=-1,
            post_only=True,
            now_ns=now_ns,
        )


# ---- hftbacktest


def theirs(market: Market, terms: Terms) -> Outcome:
    """Run the strategy on hftbacktest, in a compiled loop, as its tutorials write it. What compiling costs is not counted."""
    from .hft_book_peer import events_of, run

    return Outcome(*run(events_of(market.deltas, market.trades), terms, _looks(market, terms), ORDER))
