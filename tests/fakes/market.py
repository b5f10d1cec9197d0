"""`Market`: one instrument at a fake venue: its book, its crowd, its trades and candles."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fakes.book import Book, Done
from fakes.candles import Candles
from fakes.crowd import Crowd
from fakes.orders import BUY, SELL, Order
from fakes.terms import Terms

if TYPE_CHECKING:
    from fakes.recording import Replay

DAY_MS = 86_400_000


@dataclass(slots=True)
class Trade:
    """A trade as the public sees it; `side` is the taker's, `group` the same for all trades of one taker at one price."""

    id: int
    group: int
    time_ms: int
    ticks: int
    lots: int
    side: int


class Market:
    """It sleeps until somebody looks at it: `awake` False means that its crowd does nothing."""

    def __init__(self, terms: Terms, seed: str, founded_ms: int) -> None:
        self.terms = terms
        self.book = Book()
        self.book.update_id = 1_000_000
        self.candles = Candles(f"{seed}:{terms.symbol}", founded_ms, terms.start_ticks)
        self.trades: deque[Trade] = deque(maxlen=50_000 if terms.depth >= 60 else 2_000)
        self.fresh: list[Trade] = []  # since they were last collected
        self.done: list[tuple[Trade, Order]] = []  # fills of clients' resting orders, to be settled
        self.prevented: list[Order] = []  # resting orders that met their owner
        self.trade_id = self.group_id = 0
        self.now_ms = founded_ms
        self.awake = False
        self.seed = f"{seed}:{terms.symbol}"
        self.crowd: Crowd | Replay | None = None
        self.restart_ticks = 0  # where it begins after a restart of the process

    def wake(self) -> None:
        """Begin to live."""
        if not self.awake:
            self.awake = True
            if self.crowd is None:
                last = self.restart_ticks or self.terms.start_ticks
                self.crowd = Crowd(self.book, self.take, f"{self.seed}:{self.trade_id}", last, self.terms.depth)

    def step(self, now_ms: int, moves: int = 1) -> None:
        """Let the crowd do something, at this time."""
        self.now_ms = now_ms
        if self.crowd is not None:
            for _ in range(moves):
                self.crowd.step()

    def take(self, side: int, lots: int, limit: int | None = None, account: str = "") -> list[Trade]:
        """Take from the book and return the trades; what concerns clients is in `done` and `prevented`."""
        made: list[Trade] = []
        for one in self.book.take(side, lots, limit, account):
            self._print(one, side, made)
        return made

    def report(self, side: int, ticks: int, lots: int) -> None:
        """Print a trade that a recording has; clients whose orders stood at its price or better have been its makers."""
        made: list[Trade] = []
        for order, stands in self.book.clients(-side, ticks):
            done = min(lots, stands)
            if done > 0:
                self.book.reduce(order, done)
                self._print((order.ticks, done, order), side, made)
                lots -= done
        if lots > 0:
            self._print((ticks, lots, None), side, made)

    def show(self, side: int, ticks: int, lots: int) -> None:
        """Let the crowd offer just so much, as a recording has it; who of it stood against that is gone, clients are traded with."""
        while lots and (best := self.book.best(-side)) is not None and side * (ticks - best) >= 0:
            anonymous = self.book.anonymous(-side, best)
            if anonymous:
                self.book.offer(-side, best, 0)
            else:
                lots -= sum(one.lots for one in self.take(side, lots, best))
        self.book.offer(side, ticks, lots)

    def _print(self, one: Done, side: int, made: list[Trade]) -> None:
        ticks, lots, resting = one
        if not lots:
            assert resting is not None
            self.prevented.append(resting)
            return
        self.trade_id += 1
        if not made or made[-1].ticks != ticks:
            self.group_id += 1
        trade = Trade(self.trade_id, self.group_id, self.now_ms, ticks, lots, side)
        made.append(trade)
        self.trades.append(trade)
        self.fresh.append(trade)
        self.candles.trade(self.now_ms, ticks, lots, side, trade.id)
        if resting is not None:
            self.done.append((trade, resting))

    def sweep(self, ticks: int) -> None:
        """Let the crowd trade until the best prices lie around this one: all orders on the way are done."""
        side = BUY if ticks >= (self.book.best(SELL) or ticks + 1) else SELL
        self.take(side, 1 << 60, ticks)
        for one in (BUY, SELL):
            self.book.offer(one, max(1, ticks - one * (2 if one == side else 1)), 20_000)

    @property
    def last(self) -> int:
        """The last price in ticks."""
        return self.trades[-1].ticks if self.trades else self.terms.start_ticks

    @property
    def mark(self) -> int:
        """The middle of the book in ticks."""
        bid, ask = self.book.best(BUY), self.book.best(SELL)
        return (bid + ask) // 2 if bid is not None and ask is not None else self.last

    def day(self, now_ms: int) -> Day:
        """Return what a 24-hour ticker says."""
        hours = self.candles.between(3_600_000, now_ms - DAY_MS, now_ms)
        whole = hours[0]
        for hour in hours[1:]:
            whole.add(hour)
        return Day(whole.open, whole.high, whole.low, self.last, whole.lots, whole.worth, whole.count)


@dataclass
class Day:
    """The last 24 hours: ticks, lots, `worth` in ticks times lots."""

    open: int
    high: int
    low: int
    last: int
    lots: int
    worth: int
    count: int
