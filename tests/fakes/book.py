"""`Book`: an order book of anonymous orders and the clients' own, first come first served at each price."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator

from fakes.orders import BUY, SELL, Order

# Done: (ticks, lots, the resting order of a client or None). A maker that is the taker's own is reported with 0 lots: it must go.
Done = tuple[int, int, Order | None]


class Entry:
    """A place in the queue at a price; `order` None: the crowd's."""

    __slots__ = ("lots", "order")

    def __init__(self, lots: int, order: Order | None = None) -> None:
        self.lots = lots
        self.order = order


class Book:
    """Both sides; each change of a level counts `update_id` up by one and is noted in every recorder.

    It is never crossed: whoever adds must have taken first.
    """

    def __init__(self) -> None:
        self.update_id = 0
        self.recorders: list[dict[tuple[int, int], None]] = []
        self._queues: dict[int, dict[int, deque[Entry]]] = {BUY: {}, SELL: {}}
        self._sums: dict[int, dict[int, int]] = {BUY: {}, SELL: {}}
        self._clients = False  # whether a client's order has ever stood here
        self._keys: dict[int, list[int]] = {BUY: [], SELL: []}  # sorted, the best first: a bid's price is negated

    def best(self, side: int) -> int | None:
        """Return the best price of a side in ticks."""
        keys = self._keys[side]
        return -side * keys[0] if keys else None

    def lots(self, side: int, ticks: int) -> int:
        """Return what is offered at a price, 0 where nothing is."""
        return self._sums[side].get(ticks, 0)

    def orders(self, side: int, ticks: int) -> int:
        """Return how many orders stand at a price."""
        return len(self._queues[side].get(ticks, ()))

    def anonymous(self, side: int, ticks: int) -> int:
        """Return what the crowd offers at a price."""
        return sum(entry.lots for entry in self._queues[side].get(ticks, ()) if entry.order is None)

    def prices(self, side: int, count: int | None = None) -> list[int]:
        """Return the best prices of a side, the best first."""
        return [-side * key for key in self._keys[side][:count]]

    def levels(self, side: int, count: int | None = None) -> Iterator[tuple[int, int, int]]:
        """Yield (ticks, lots, orders) from the best on."""
        for ticks in self.prices(side, count):
            yield ticks, self._sums[side][ticks], len(self._queues[side][ticks])

    def add(self, side: int, ticks: int, lots: int, order: Order | None = None) -> None:
        """Join the queue at a price."""
        queue = self._queues[side].get(ticks)
        if queue is None:
            queue = self._queues[side][ticks] = deque()
            insort(self._keys[side], -side * ticks)
        queue.append(Entry(lots, order))
        self._clients = self._clients or order is not None
        self._sums[side][ticks] = self._sums[side].get(ticks, 0) + lots
        self._touch(side, ticks)

    def offer(self, side: int, ticks: int, lots: int) -> None:
        """Let the crowd offer just so much at a price; 0 takes its orders away. Clients' orders stay where they are."""
        have = self.anonymous(side, ticks)
        if lots > have:
            self.add(side, ticks, lots - have)
        elif lots < have:
            over = have - lots
            for entry in reversed(self._queues[side][ticks]):
                if entry.order is None:
                    gone = min(over, entry.lots)
                    entry.lots -= gone
                    over -= gone
            self._less(side, ticks, have - lots)

    def remove(self, order: Order) -> None:
        """Take a client's order out."""
        for entry in self._queues[order.side].get(order.ticks, ()):
            if entry.order is order:
                lots, entry.lots = entry.lots, 0
                self._less(order.side, order.ticks, lots)
                return

    def reduce(self, order: Order, lots: int) -> None:
        """Make a client's order smaller by so much; it keeps its place."""
        for entry in self._queues[order.side].get(order.ticks, ()):
            if entry.order is order:
                entry.lots -= lots
                self._less(order.side, order.ticks, lots)
                return

    def clients(self, side: int, limit: int) -> list[tuple[Order, int]]:
        """Return the clients' orders of a side at the limit or better, the best first, as they queue, and what is left of each."""
        found: list[tuple[Order, int]] = []
        for ticks in self.prices(side) if self._clients else ():
            if side * (limit - ticks) > 0:
                break
            found += [(entry.order, entry.lots) for entry in self._queues[side][ticks] if entry.order is not None]
        return found

    def available(self, side: int, limit: int | None, account: str = "") -> int:
        """Return how much a taker on `side` would find, at the limit or better, without his own orders."""
        found = 0
        for ticks in self.prices(-side):
            if limit is not None and side * (ticks - limit) > 0:
                break
            found += sum(e.lots for e in self._queues[-side][ticks] if e.order is None or e.order.account != account)
        return found

    def take(self, side: int, lots: int, limit: int | None = None, account: str = "") -> Iterator[Done]:
        """Take from the other side, best price and first come first, and yield what was done, step by step."""
        while lots > 0 and (ticks := self.best(-side)) is not None:
            if limit is not None and side * (ticks - limit) > 0:
                return
            entry = self._queues[-side][ticks][0]
            if entry.order is not None and entry.order.account == account:
                own = entry.order
                self.remove(own)
                yield ticks, 0, own
                continue
            done = min(lots, entry.lots)
            entry.lots -= done
            lots -= done
            self._less(-side, ticks, done)
            yield ticks, done, entry.order

    def _less(self, side: int, ticks: int, lots: int) -> None:
        # Takes so much off a level's sum, and what became empty out.
        queue, sums = self._queues[side][ticks], self._sums[side]
        sums[ticks] -= lots
        if sums[ticks] <= 0:
            del self._queues[side][ticks], sums[ticks]
            keys = self._keys[side]
            del keys[bisect_left(keys, -side * ticks)]
        elif any(not entry.lots for entry in queue):
            self._queues[side][ticks] = deque(entry for entry in queue if entry.lots)
        self._touch(side, ticks)

    def _touch(self, side: int, ticks: int) -> None:
        self.update_id += 1
        for recorder in self.recorders:
            recorder[(side, ticks)] = None
