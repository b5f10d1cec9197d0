"""`Crowd`: the anonymous traders of a market, a seeded random walk with an order book around it."""

from __future__ import annotations

import random
from collections.abc import Callable

from fakes.book import Book
from fakes.orders import BUY, SELL

Take = Callable[[int, int], object]  # (side, lots): a market order of the crowd


class Crowd:
    """Keeps about `depth` levels a side; the same seed does the same, as long as no client comes between."""

    def __init__(self, book: Book, take: Take, seed: str, start_ticks: int, depth: int = 60) -> None:
        self.random = random.Random(seed)
        self._book = book
        self._take = take
        self._depth = depth
        self._gap = max(1, start_ticks // 20_000)  # ticks between two levels, about: half a basis point
        self._typical = 10_000
        self._drift = 0.0
        for side in (BUY, SELL):
            book.offer(side, max(1, start_ticks - side), self._lots())
            self._fill(side)

    def step(self) -> None:
        """Do one thing: improve a price, change a level, or trade."""
        chance = self.random.random()
        bid, ask = self._book.best(BUY), self._book.best(SELL)
        if bid is None or ask is None:
            self._restart(bid, ask)
        elif ask - bid > 1 and chance < (0.3 if ask - bid < 4 * self._gap else 0.8):
            side = self.random.choice((BUY, SELL))
            ahead = self.random.randint((ask - bid) // 4 + 1, (ask - bid) // 2)
            self._book.offer(side, (bid if side == BUY else ask) + side * ahead, self._lots())
        elif chance < 0.6:
            side = self.random.choice((BUY, SELL))
            prices = self._book.prices(side, 25)
            ticks = self.random.choice(prices)
            keep = ticks == prices[0] or self.random.random() < 0.7
            self._book.offer(side, ticks, self._lots() if keep else 0)
        else:
            self._drift = 0.9 * self._drift + self.random.gauss(0, 0.15)
            side = BUY if self.random.random() < 0.5 + max(-0.3, min(0.3, self._drift)) else SELL
            self._take(side, 1 + int(self.random.expovariate(2 / self._typical)))
        for side in (BUY, SELL):
            self._fill(side)

    def _lots(self) -> int:
        return 1 + int(self.random.expovariate(1 / self._typical))

    def _fill(self, side: int) -> None:
        # As many levels as there should be: more beyond the last one, or the last ones away.
        prices = self._book.prices(side)
        while prices and len(prices) < self._depth:
            ticks = prices[-1] - side * self.random.randint(1, 2 * self._gap)
            if ticks < 1:
                return
            self._book.offer(side, ticks, self._lots())
            prices.append(ticks)
        for ticks in prices[self._depth + self._depth // 2 :]:
            self._book.offer(side, ticks, 0)

    def _restart(self, bid: int | None, ask: int | None) -> None:
        # One side was eaten up: it begins anew beside the other.
        around = ask - 1 if ask is not None else bid + 1 if bid is not None else self._gap * 20_000
        side = BUY if bid is None else SELL
        self._book.offer(side, max(1, around), self._lots())
