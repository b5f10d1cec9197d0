"""The rules of native/include/gcg/matching.h once more, written as plainly and slowly as possible."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import floor, inf, log, nan
from typing import Any

from gcg_quant.events import BookAction, OrderType, Side, TimeInForce
from gcg_quant.strategy_engine.gateways import ReportKind as Kind

SECOND = 1_000_000_000
Report = tuple[Kind, int, float, float, bool]  # kind, key, ticks (of a stop that trailed: its new price), lots, maker
Terms = tuple[int | None, int | None, int | None]  # lots, price and stop price of a change
LIMITED = (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP_LIMIT)


def mixed(bits: int) -> int:
    """The finisher of SplitMix64."""
    bits = (bits + 0x9E3779B97F4A7C15) % 2**64
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB % 2**64
    return bits ^ bits >> 31


@dataclass(eq=False)
class Order:
    """One order of the model."""

    key: int
    side: Side
    type: OrderType
    force: TimeInForce
    lots: int
    price: int | None
    stop: int | None
    expire_ns: int
    post_only: bool
    trail: int | Fraction | None = None  # ticks, or a share of the price
    sent_ns: int = 0
    due_ns: int = 0
    ahead: float = inf  # in the queue at its price
    shown: float = inf
    traded: float = 0
    filled: int = 0
    rank: int = 0
    triggered: bool = False
    arrived: bool = False

    @property
    def left(self) -> int:
        """Lots still open."""
        return self.lots - self.filled

    @property
    def limit(self) -> float:
        """The worst price, beyond everything for a market order."""
        if self.type in LIMITED:
            assert self.price is not None
            return self.price
        return inf if self.side == Side.BUY else -inf

    @property
    def waits(self) -> bool:
        """Whether it waits for its stop."""
        return self.type not in (OrderType.MARKET, OrderType.LIMIT) and not self.triggered

    @property
    def sign(self) -> int:
        """1 to buy, -1 to sell."""
        return 1 if self.side == Side.BUY else -1

    def trail_at(self, price: float) -> int:
        """How far from a price its stop stays: a share of it is rounded half up, and is a tick at least."""
        assert self.trail is not None
        return self.trail if isinstance(self.trail, int) else max(1, floor(abs(int(price)) * self.trail + Fraction(1, 2)))

    def reaches(self, price: float) -> bool:
        """Whether it may trade at a price."""
        return price <= self.limit if self.side == Side.BUY else price >= self.limit

    def beaten_by(self, price: float) -> bool:
        """Whether a trade at a price went through its limit."""
        return price < self.limit if self.side == Side.BUY else price > self.limit

    def stopped_at(self, price: float) -> bool:
        """Whether a price triggers its stop."""
        return self.stop is not None and (price >= self.stop if self.side == Side.BUY else price <= self.stop)

    def priority(self) -> tuple[float, int]:
        """Better price first, then arrival."""
        return (-self.limit if self.side == Side.BUY else self.limit, self.rank)


@dataclass
class Model:
    """The rules of matching.h, written as plainly as possible: lists are searched and sorted anew each time."""

    latency: int
    slippage: int
    cancel_latency: int | None = None
    queue: str = "back"
    price_limit: Fraction = Fraction(0)
    sessions: list[tuple[int, int]] | None = None
    power: float = 2.0
    lot: float = 1.0
    jitter: int = 0
    seed: int = 0
    clock: int = 0
    orders: list[Order] = field(default_factory=list)
    actions: list[tuple[int, int, str, int, Terms]] = field(default_factory=list)
    bids: list[list[float]] = field(default_factory=list)
    asks: list[list[float]] = field(default_factory=list)
    last: int | None = None
    volume: float = nan
    quoted: bool = False
    fine: bool = False
    bars: bool = False
    booked: bool = False
    deltas: bool = False
    snapshot_ns: float = -inf
    low: float = -inf  # the day's price limits
    high: float = inf
    session: tuple[int, int] | None = None  # that of the last event
    opening: bool = False
    depth_ns: float = -inf
    trade_ns: float = -inf
    made: int = 0
    ranks: int = 0
    room: float = inf
    reports: list[Report] = field(default_factory=list)

    # ---- commands

    def submit(self, order: Order, now: int) -> None:
        """Send an order."""
        self.advance(now)
        order.sent_ns = self.clock
        order.due_ns = self.clock + self.latency + self.late("arrive", order.key)
        self.orders.append(order)
        self.later("arrive", order.key, order.due_ns)
        self.advance(now)

    def late(self, what: str, key: int) -> int:
        """What the jitter adds, by a hash of the seed, the order and the kind of command."""
        return mixed(mixed(self.seed ^ key) + ("arrive", "cancel", "modify").index(what)) % (self.jitter + 1)

    def later(self, what: str, key: int, due: int, terms: Terms = (None, None, None)) -> None:
        """Do something at a time."""
        self.made += 1
        self.actions.append((due, self.made, what, key, terms))

    def command(self, what: str, key: int, now: int, terms: Terms = (None, None, None)) -> None:
        """Cancel or modify; it never overtakes what was sent of the order before."""
        self.advance(now)
        due = self.clock + (self.latency if self.cancel_latency is None else self.cancel_latency) + self.late(what, key)
        order = self.find(key)
        if order is not None:
            due = order.due_ns = max(due, order.due_ns)
        self.later(what, key, due, terms)
        self.advance(now)

    def find(self, key: int) -> Order | None:
        """The order of a key."""
        return next((one for one in self.orders if one.key == key), None)

    # ---- time

    def run(self, until: int) -> None:
        """Do everything due, in order."""
        while due := sorted(action for action in self.actions if action[0] <= until):
            action = due[0]
            self.actions.remove(action)
            self.act(*action)

    def advance(self, now: int) -> None:
        """Let time pass."""
        self.run(now - 1)
        self.clock = max(self.clock, now)
        self.run(now)

    def act(self, due: int, _: int, what: str, key: int, terms: Terms) -> None:
        """Do one thing."""
        order = self.find(key)
        if what == "arrive" and order is not None:
            self.arrive(order, due)
        elif order is None or not order.arrived:
            if what == "cancel":
                self.say(Kind.CANCEL_REFUSED, key)
            elif what == "modify":
                self.say(Kind.MODIFY_REFUSED, key)
        elif what == "cancel":
            self.end(order, Kind.CANCELLED)
        elif what == "expire":
            self.end(order, Kind.EXPIRED)
        elif what == "modify":
            self.modify(order, terms, due)

    def say(self, kind: Kind, key: int, ticks: float = 0, lots: float = 0, maker: bool = False) -> None:
        """Report."""
        self.reports.append((kind, key, ticks, lots, maker))

    def end(self, order: Order, kind: Kind) -> None:
        """Report an end."""
        self.say(kind, order.key)
        self.orders.remove(order)

    # ---- orders

    def arrive(self, order: Order, now: int) -> None:
        """An order reaches the venue."""
        order.arrived = True
        self.ranks += 1
        order.rank = self.ranks
        if 0 <= order.expire_ns <= now:
            self.end(order, Kind.EXPIRED)
            return
        if self.forbidden(order, now):
            self.end(order, Kind.REJECTED)
            return
        self.say(Kind.ACCEPTED, order.key)
        if order.expire_ns >= 0:
            self.later("expire", order.key, order.expire_ns)
        self.enter_or_wait(order, now)

    def forbidden(self, order: Order, now: int) -> bool:
        """Whether its price is outside the limits, or it would take and must not."""
        if order.type in LIMITED and not self.low <= order.limit <= self.high:
            return True
        return order.post_only and order.type == OrderType.LIMIT and self.open_at(now) and self.available(order) > 0

    def open_at(self, now: int) -> bool:
        """Whether the market is open."""
        return self.sessions is None or self.session_at(now) is not None

    def session_at(self, now: int) -> tuple[int, int] | None:
        """The session of a moment."""
        return next((one for one in self.sessions or [] if one[0] <= now < one[1]), None)

    def watched(self, order: Order, traded: float | None) -> float | None:
        """The price that its stop looks at: the trade's, and the quote it would take where no trade was ever seen."""
        levels = self.opposite(order)
        return traded if traded is not None or self.last is not None else (levels[0][0] if levels else None)

    def enter_or_wait(self, order: Order, now: int) -> None:
        """It waits for its stop, or trades."""
        if order.waits:
            price = self.watched(order, self.last)
            self.follow(order, price)
            if price is None or not order.stopped_at(price) or not self.open_at(now):
                return
            order.triggered = True
            self.say(Kind.TRIGGERED, order.key)
        self.enter(order, now)

    def follow(self, order: Order, price: float | None) -> None:
        """A trailing stop follows a price, if that draws it nearer."""
        if order.trail is None or price is None:
            return
        stop = int(price) + order.sign * order.trail_at(price)
        if order.stop is not None and (stop - order.stop) * order.sign >= 0:
            return
        self.move_stop(order, stop)

    def move_stop(self, order: Order, stop: int) -> None:
        """A stop, and the limit behind it, move."""
        if order.stop is not None and order.price is not None:
            order.price += stop - order.stop
        order.stop = stop
        self.say(Kind.TRAILED, order.key, stop)

    def enter(self, order: Order, now: int) -> None:
        """It takes what it can, and queues up with the rest."""
        order.ahead = inf
        self.look_at_queue(order)
        if not self.fine and self.bars:
            return
        if not self.open_at(now):
            if order.force in (TimeInForce.IOC, TimeInForce.FOK):
                self.end(order, Kind.CANCELLED)
            return
        if order.force == TimeInForce.FOK and self.available(order) < order.left:
            self.end(order, Kind.CANCELLED)
            return
        self.take(order)
        if order.left == 0:
            self.orders.remove(order)
        elif order.force in (TimeInForce.IOC, TimeInForce.FOK):
            self.end(order, Kind.CANCELLED)

    def modify(self, order: Order, terms: Terms, now: int) -> None:
        """New quantity and prices."""
        before = (order.lots, order.price, order.stop)
        order.lots, order.price, order.stop = (old if new is None else new for old, new in zip(before, terms, strict=True))
        if order.left <= 0 or self.forbidden(order, now):
            order.lots, order.price, order.stop = before
            self.say(Kind.MODIFY_REFUSED, order.key)
            return
        self.say(Kind.MODIFIED, order.key)
        if order.lots > before[0] or (order.price, order.stop) != before[1:]:
            self.ranks += 1
            order.rank = self.ranks
            self.enter_or_wait(order, now)

    def opposite(self, order: Order) -> list[list[float]]:
        """The quotes an order would take."""
        return self.asks if order.side == Side.BUY else self.bids

    def available(self, order: Order) -> float:
        """What it could take now."""
        return sum(lots for price, lots in self.opposite(order) if order.reaches(price))

    def slipped(self, order: Order, price: float) -> float:
        """A price after slippage, which goes neither beyond the limit nor beyond the day's."""
        if order.side == Side.BUY:
            return min(max(price, min(price + self.slippage, self.high)), order.limit)
        return max(min(price, max(price - self.slippage, self.low)), order.limit)

    def fill(self, order: Order, price: float, lots: float, maker: bool) -> None:
        """Trade."""
        order.filled += int(lots)
        self.say(Kind.FILLED, order.key, price, lots, maker)

    def take(self, order: Order) -> None:
        """Take the opposite quotes."""
        for level in self.opposite(order):
            lots = min(order.left, level[1])
            if order.reaches(level[0]) and lots > 0:
                self.fill(order, self.slipped(order, level[0]), lots, False)
                level[1] -= lots

    def working(self, side: Side) -> list[Order]:
        """The orders that rest on a side, best first."""
        found = [one for one in self.orders if one.arrived and not one.waits and one.side == side and one.left > 0]
        return sorted(found, key=Order.priority)

    def match(self, now: int, trade: int | None, size: float, fresh: bool, aggressor: Side = Side.NONE) -> None:
        """Resting orders, then stops, against a new market; `fresh` if it shows new quotes."""
        if self.sessions is not None:
            session = self.session_at(now)
            if session is None:
                return
            self.opening, self.session = session != self.session, session
        room = size
        for side in (Side.BUY, Side.SELL):
            for order in self.working(side):
                if abs(order.limit) == inf:
                    self.take(order)
                    continue
                levels = self.opposite(order) if self.quoted else []
                crossed = bool(levels) and order.reaches(levels[0][0])
                through = trade is not None and order.beaten_by(trade)
                if crossed or through:
                    room -= self.meet(order, room if through else 0, levels if crossed else [])
                    order.ahead = order.shown = order.traded = 0
                    continue
                if self.queue != "back":
                    if trade == order.limit and size < inf and aggressor != side:
                        room -= self.wear_off(order, size, room)
                    if fresh and order.left > 0:
                        self.look_at_queue(order)
        self.sweep()
        for order in sorted((one for one in self.orders if one.arrived and one.waits), key=lambda one: one.rank):
            price = self.watched(order, trade)
            if price is not None and order.stopped_at(price):
                order.triggered = True
                self.say(Kind.TRIGGERED, order.key)
                self.enter(order, now)
            elif order in self.orders:
                self.follow(order, price)

    def meet(self, order: Order, room: float, levels: list[list[float]]) -> float:
        """A trade went through a resting order, or the quotes have come to it; return the lots of the trade."""
        if levels and self.opening and not order.post_only:
            self.take(order)
        traded = min(order.left, room)
        if traded > 0:
            self.fill(order, order.limit, traded, True)
        for level in levels:
            lots = min(order.left, level[1])
            if order.reaches(level[0]) and lots > 0:
                self.fill(order, order.limit, lots, True)
                level[1] -= lots
        return traded

    def wear_off(self, order: Order, size: float, room: float) -> float:
        """A trade at its price: those ahead are first; return what is ours."""
        order.traded += size
        if order.ahead == inf:
            return 0
        others = min(order.ahead, room)
        order.ahead -= others
        lots = min(order.left, room - others)
        if lots > 0:
            self.fill(order, order.limit, lots, True)
        return lots

    def look_at_queue(self, order: Order) -> None:
        """What is displayed at its price bounds what is ahead."""
        own = self.bids if order.side == Side.BUY else self.asks
        if self.queue == "back" or order.type not in LIMITED or not self.quoted or not own:
            return
        if (own[-1][0] - order.limit) * order.sign > 0:  # beyond all that is displayed
            return
        shown = sum(lots for price, lots in own if price == order.limit)
        if order.ahead == inf:
            order.ahead = shown
        else:
            stayed = order.shown - order.traded
            if self.queue not in ("back", "risk_averse") and shown < stayed < inf:
                ahead = min(order.ahead, stayed)
                order.ahead -= min(ahead, floor((stayed - shown) * self.share(ahead, stayed - ahead)))
            order.ahead = min(order.ahead, shown)
        order.shown, order.traded = shown, 0

    def share(self, ahead: float, behind: float) -> Fraction:
        """What share of cancels was ahead, with what rounding may have cost it."""
        if self.queue == "proportional":
            return Fraction(int(ahead), int(ahead + behind))
        front, back = (
            log(1 + lots * self.lot) if self.queue == "logarithmic" else (lots * self.lot) ** self.power for lots in (ahead, behind)
        )
        return Fraction(front / (front + back)) + Fraction(1, 10**11)

    def sweep(self) -> None:
        """Forget what is filled."""
        self.orders = [one for one in self.orders if one.left > 0 or not one.arrived]

    # ---- the market

    def tick(self, now: int, bid: int | None, bid_lots: float, ask: int | None, ask_lots: float, last: int | None, volume: float) -> None:
        """A tick with a day volume."""
        self.run(now - 1)
        self.clock = max(self.clock, now)
        self.fine = True
        same = self.deltas and bool(self.bids) and bool(self.asks) and (self.bids[0][0], self.asks[0][0]) == (bid, ask)
        fresh = (bid is not None or ask is not None) and now - self.depth_ns >= 10 * SECOND and not same
        if fresh:
            self.quoted, self.booked, self.deltas = True, False, False
            self.bids = [[bid, bid_lots]] if bid is not None and bid_lots > 0 else []
            self.asks = [[ask, ask_lots]] if ask is not None and ask_lots > 0 else []
        trade, size = self.implied(now, last, volume)
        self.volume = volume
        self.know(last)
        self.match(now, trade, size, fresh)
        self.run(now)

    def limits(self, close: int) -> None:
        """The day's price limits, half up."""
        self.low, self.high = (floor(close * (1 + share) + Fraction(1, 2)) for share in (-self.price_limit, self.price_limit))

    def implied(self, now: int, last: int | None, volume: float) -> tuple[int | None, float]:
        """The trade that a tick tells of."""
        if last is None or now - self.trade_ns < 10 * SECOND:
            return None, 0
        if self.last is None:
            return last, 0
        if volume != volume or self.volume != self.volume:
            return (last, inf) if last != self.last else (None, 0)
        if volume == self.volume:
            return None, 0
        return last, volume - self.volume if volume > self.volume else volume

    def know(self, last: int | None) -> None:
        """Take a last price, which stands in for quotes that are missing."""
        if last is None:
            return
        self.last = last
        if not self.quoted:
            self.bids, self.asks = [[last, inf]], [[last, inf]]

    def trade(self, now: int, price: int, lots: float, aggressor: Side) -> None:
        """A single trade."""
        self.run(now - 1)
        self.clock = max(self.clock, now)
        self.fine, self.trade_ns = True, now
        self.know(price)
        self.match(now, price, lots, False, aggressor)
        self.run(now)

    def depth(self, now: int, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> None:
        """A book."""
        self.run(now - 1)
        self.clock = max(self.clock, now)
        self.fine = self.quoted = self.booked = True
        self.deltas, self.depth_ns = False, now
        self.bids = [[price, lots] for price, lots in bids if lots > 0]
        self.asks = [[price, lots] for price, lots in asks if lots > 0]
        self.match(now, None, 0, True)
        self.run(now)

    def delta(self, now: int, action: BookAction, side: Side, price: int, lots: float, is_last: bool) -> None:
        """A change of the book."""
        self.run(now - 1)
        self.clock = max(self.clock, now)
        begins = action == BookAction.SNAPSHOT and self.snapshot_ns != now
        if begins or not self.booked or (action == BookAction.CLEAR and side == Side.NONE):
            self.bids, self.asks = [], []
        self.fine = self.quoted = self.booked = self.deltas = True
        self.depth_ns = now
        if action == BookAction.SNAPSHOT:
            self.snapshot_ns = now
        for own, name in ((Side.BUY, "bids"), (Side.SELL, "asks")):
            if side == own:
                book = {level[0]: level[1] for level in getattr(self, name)}
                book[price] = 0 if action == BookAction.DELETE else lots
                kept = [] if action == BookAction.CLEAR else [[at, left] for at, left in book.items() if left > 0 or at != price]
                setattr(self, name, sorted(kept, reverse=own == Side.BUY))
        if is_last:
            self.match(now, None, 0, True)
            self.run(now)

    def bar(self, start: int, now: int, prices: tuple[int, int, int, int], volume: float) -> None:
        """A bar: open, then stops, then limits, then the close for latecomers."""
        self.run(now - 1)
        self.clock = max(self.clock, now)
        overlaps = self.sessions is None or any(begin < now and end > start for begin, end in self.sessions)
        if not self.fine and overlaps:
            self.bars = True
            self.walk(start, now, prices, volume)
            self.last = prices[3]
        self.run(now)

    def walk(self, start: int, now: int, prices: tuple[int, int, int, int], volume: float) -> None:
        """The cautious path through a bar."""
        open_, high, low, close = prices
        self.room = volume
        whole = [one for one in self.orders if one.arrived and one.sent_ns <= start]
        late = [one for one in self.orders if one.arrived and start < one.sent_ns < now]
        for order in self.resting_first(whole):
            self.bar_take(order, open_)
        hit = self.trigger(whole, lambda order: self.stopped(order, open_))
        self.at_once([one for one in whole if one not in hit])
        hit += self.trigger(whole, lambda order: self.stopped_within(order, low, high))
        for order in self.resting_first([one for one in whole if one not in hit and one in self.orders]):
            lots = min(order.left, self.room)
            if order.beaten_by(low if order.side == Side.BUY else high) and abs(order.limit) < inf and lots > 0:
                self.fill(order, order.limit, lots, True)
                self.room -= lots
        for order in self.resting_first(late):
            self.bar_take(order, close)
        self.trigger(late, lambda order: self.stopped(order, close))
        self.at_once(late)
        for order in hit:
            order.sent_ns = now
        self.sweep()

    def stopped(self, order: Order, price: int) -> int | None:
        """Return the price if it triggers the stop; otherwise a trailing stop follows it."""
        if order.stopped_at(price):
            return price
        self.follow(order, price)
        return None

    def stopped_within(self, order: Order, low: int, high: int) -> int | None:
        """Return where the stop is triggered within a range, on the worst path that the range allows."""
        best, worst = (low, high) if order.side == Side.BUY else (high, low)
        if order.stopped_at(worst):
            return order.stop
        if order.trail is None:
            return None
        if (worst - best) * order.sign < order.trail_at(best):
            self.follow(order, best)
            return None
        self.move_stop(order, worst)
        return worst

    def resting_first(self, orders: list[Order]) -> list[Order]:
        """Those that rest, purchases before sales."""
        return [one for side in (Side.BUY, Side.SELL) for one in self.working(side) if one in orders]

    def trigger(self, orders: list[Order], reached: Any) -> list[Order]:
        """Trigger stops in the order of arrival, each at the price that reached it."""
        hit = []
        for order in sorted((one for one in orders if one.waits and one in self.orders), key=lambda one: one.rank):
            price = reached(order)
            if price is not None:
                order.triggered = True
                self.say(Kind.TRIGGERED, order.key)
                self.bar_take(order, price)
                hit.append(order)
        return hit

    def at_once(self, orders: list[Order]) -> None:
        """Immediate orders had their chance; those filled or triggered in this step are not asked twice."""
        for order in self.resting_first(orders):
            if order.force in (TimeInForce.IOC, TimeInForce.FOK):
                self.end(order, Kind.CANCELLED)

    def bar_take(self, order: Order, price: float) -> None:
        """Trade within a bar at a price."""
        lots = min(order.left, self.room)
        if lots <= 0 or not order.reaches(price) or (order.force == TimeInForce.FOK and lots < order.left):
            return
        passive = order.post_only and order.type == OrderType.LIMIT
        self.fill(order, order.limit if passive else self.slipped(order, price), lots, passive)
        self.room -= lots
