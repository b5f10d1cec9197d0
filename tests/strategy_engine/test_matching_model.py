"""The simulated venue against a slow, plain model of its rules, over generated markets and orders."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, nan
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant._native import MatchingEngine
from gcg_quant.events import Bar, Depth, OrderType, Side, Tick, TimeInForce, TradeTick, VolumeKind
from gcg_quant.strategy_engine.gateways import ReportKind as Kind

TICK = 0.01
SECOND = 1_000_000_000
Report = tuple[Kind, int, float, float, bool]  # kind, key, ticks, lots, maker


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
    sent_ns: int
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
        if self.type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
            assert self.price is not None
            return self.price
        return inf if self.side == Side.BUY else -inf

    @property
    def waits(self) -> bool:
        """Whether it waits for its stop."""
        return self.type in (OrderType.STOP, OrderType.STOP_LIMIT) and not self.triggered

    def reaches(self, price: float) -> bool:
        """Whether it may trade at a price."""
        return price <= self.limit if self.side == Side.BUY else price >= self.limit

    def beaten_by(self, price: float) -> bool:
        """Whether a trade at a price went through its limit."""
        return price < self.limit if self.side == Side.BUY else price > self.limit

    def stopped_at(self, price: float) -> bool:
        """Whether a price triggers its stop."""
        assert self.stop is not None
        return price >= self.stop if self.side == Side.BUY else price <= self.stop

    def priority(self) -> tuple[float, int]:
        """Better price first, then arrival."""
        return (-self.limit if self.side == Side.BUY else self.limit, self.rank)


@dataclass
class Model:
    """The rules of matching.h, written as plainly as possible: lists are searched and sorted anew each time."""

    latency: int
    slippage: int
    clock: int = 0
    orders: list[Order] = field(default_factory=list)
    actions: list[tuple[int, int, str, int, tuple[int | None, int | None]]] = field(default_factory=list)
    bids: list[list[float]] = field(default_factory=list)
    asks: list[list[float]] = field(default_factory=list)
    last: int | None = None
    volume: float = nan
    quoted: bool = False
    fine: bool = False
    bars: bool = False
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
        self.orders.append(order)
        self.later("arrive", order.key, self.clock + self.latency)
        self.advance(now)

    def later(self, what: str, key: int, due: int, terms: tuple[int | None, int | None] = (None, None)) -> None:
        """Do something at a time."""
        self.made += 1
        self.actions.append((due, self.made, what, key, terms))

    def command(self, what: str, key: int, now: int, terms: tuple[int | None, int | None] = (None, None)) -> None:
        """Cancel or modify."""
        self.advance(now)
        self.later(what, key, self.clock + self.latency, terms)
        self.advance(now)

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

    def act(self, due: int, _: int, what: str, key: int, terms: tuple[int | None, int | None]) -> None:
        """Do one thing."""
        order = next((one for one in self.orders if one.key == key), None)
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
            self.modify(order, terms)

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
        if order.post_only and order.type == OrderType.LIMIT and self.available(order) > 0:
            self.end(order, Kind.REJECTED)
            return
        self.say(Kind.ACCEPTED, order.key)
        if order.expire_ns >= 0:
            self.later("expire", order.key, order.expire_ns)
        self.enter_or_wait(order)

    def enter_or_wait(self, order: Order) -> None:
        """It waits for its stop, or trades."""
        if order.waits:
            levels = self.opposite(order)
            price = self.last if self.last is not None else (levels[0][0] if levels else None)
            if price is None or not order.stopped_at(price):
                return
            order.triggered = True
            self.say(Kind.TRIGGERED, order.key)
        self.enter(order)

    def enter(self, order: Order) -> None:
        """It takes what it can."""
        if not self.fine and self.bars:
            return
        if order.force == TimeInForce.FOK and self.available(order) < order.left:
            self.end(order, Kind.CANCELLED)
            return
        self.take(order)
        if order.left == 0:
            self.orders.remove(order)
        elif order.force in (TimeInForce.IOC, TimeInForce.FOK):
            self.end(order, Kind.CANCELLED)

    def modify(self, order: Order, terms: tuple[int | None, int | None]) -> None:
        """New quantity and price."""
        lots, price = terms
        before = (order.lots, order.price)
        order.lots = lots or order.lots
        order.price = order.price if price is None else price
        if order.left <= 0:
            order.lots, order.price = before
            self.say(Kind.MODIFY_REFUSED, order.key)
            return
        if order.post_only and order.type == OrderType.LIMIT and self.available(order) > 0:
            order.lots, order.price = before
            self.say(Kind.MODIFY_REFUSED, order.key)
            return
        self.say(Kind.MODIFIED, order.key)
        if order.lots > before[0] or order.price != before[1]:
            self.ranks += 1
            order.rank = self.ranks
            self.enter_or_wait(order)

    def opposite(self, order: Order) -> list[list[float]]:
        """The quotes an order would take."""
        return self.asks if order.side == Side.BUY else self.bids

    def available(self, order: Order) -> float:
        """What it could take now."""
        return sum(lots for price, lots in self.opposite(order) if order.reaches(price))

    def slipped(self, order: Order, price: float) -> float:
        """A price after slippage, never beyond the limit."""
        if order.side == Side.BUY:
            return min(price + self.slippage, order.limit)
        return max(price - self.slippage, order.limit)

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

    def match(self, trade: int | None, size: float) -> None:
        """Resting orders, then stops, against a new market."""
        room = size
        for side in (Side.BUY, Side.SELL):
            for order in self.working(side):
                if order.type in (OrderType.MARKET, OrderType.STOP):
                    self.take(order)
                    continue
                if trade is not None and order.beaten_by(trade):
                    lots = min(order.left, room)
                    if lots > 0:
                        self.fill(order, order.limit, lots, True)
                    room -= lots
                for level in self.opposite(order) if self.quoted else []:
                    lots = min(order.left, level[1])
                    if order.reaches(level[0]) and lots > 0:
                        self.fill(order, order.limit, lots, True)
                        level[1] -= lots
        self.sweep()
        for order in sorted((one for one in self.orders if one.arrived and one.waits), key=lambda one: one.rank):
            levels = self.opposite(order)
            price = trade if trade is not None else (levels[0][0] if self.last is None and levels else None)
            if price is not None and order.stopped_at(price):
                order.triggered = True
                self.say(Kind.TRIGGERED, order.key)
                self.enter(order)

    def sweep(self) -> None:
        """Forget what is filled."""
        self.orders = [one for one in self.orders if one.left > 0 or not one.arrived]

    # ---- the market

    def tick(self, now: int, bid: int | None, bid_lots: float, ask: int | None, ask_lots: float, last: int | None, volume: float) -> None:
        """A tick with a day volume."""
        self.run(now - 1)
        self.clock = max(self.clock, now)
        self.fine = True
        if (bid is not None or ask is not None) and now - self.depth_ns >= 10 * SECOND:
            self.quoted = True
            self.bids = [[bid, bid_lots]] if bid is not None and bid_lots > 0 else []
            self.asks = [[ask, ask_lots]] if ask is not None and ask_lots > 0 else []
        trade, size = self.implied(now, last, volume)
        self.volume = volume
        self.know(last)
        self.match(trade, size)
        self.run(now)

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

    def trade(self, now: int, price: int, lots: float) -> None:
        """A single trade."""
        self.run(now - 1)
        self.clock = max(self.clock, now)
        self.fine, self.trade_ns = True, now
        self.know(price)
        self.match(price, lots)
        self.run(now)

    def depth(self, now: int, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> None:
        """A book."""
        self.run(now - 1)
        self.clock = max(self.clock, now)
        self.fine, self.quoted, self.depth_ns = True, True, now
        self.bids = [[price, lots] for price, lots in bids if lots > 0]
        self.asks = [[price, lots] for price, lots in asks if lots > 0]
        self.match(None, 0)
        self.run(now)

    def bar(self, start: int, now: int, prices: tuple[int, int, int, int], volume: float) -> None:
        """A bar: open, then stops, then limits, then the close for latecomers."""
        self.run(now - 1)
        self.clock = max(self.clock, now)
        if not self.fine:
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
        hit = self.trigger(whole, lambda order: open_ if order.stopped_at(open_) else None)
        self.at_once([one for one in whole if one not in hit])
        hit += self.trigger(whole, lambda order: order.stop if order.stopped_at(high if order.side == Side.BUY else low) else None)
        for order in self.resting_first([one for one in whole if one not in hit and one in self.orders]):
            lots = min(order.left, self.room)
            if order.beaten_by(low if order.side == Side.BUY else high) and abs(order.limit) < inf and lots > 0:
                self.fill(order, order.limit, lots, True)
                self.room -= lots
        for order in self.resting_first(late):
            self.bar_take(order, close)
        self.trigger(late, lambda order: close if order.stopped_at(close) else None)
        self.at_once(late)
        for order in hit:
            order.sent_ns = now
        self.sweep()

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


class Pair:
    """The engine and the model, side by side."""

    def __init__(self, latency: int, slippage: int) -> None:
        self.engine = MatchingEngine(latency, slippage)
        self.engine.set_grid(0, TICK, 1.0)
        self.model = Model(latency, slippage)
        self.now = 1000
        self.key = 0

    def compare(self) -> None:
        """Both must have said the same."""
        said = []
        for kind, _, maker, key, _, ticks, lots, _, _ in self.engine.take_reports():
            filled = kind == Kind.FILLED
            said.append((Kind(kind), key, ticks if filled else 0, lots if filled else 0, maker))
        assert said == self.model.reports
        assert self.engine.open_orders == len(self.model.orders)
        self.model.reports = []

    def submit(self, terms: tuple[Any, ...]) -> None:
        """Send an order to both."""
        side, kind, force, lots, price, stop, post_only, life = terms
        self.key += 1
        price = price if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None
        stop = stop if kind in (OrderType.STOP, OrderType.STOP_LIMIT) else None
        expire = -1 if life is None else self.now + life
        self.engine.submit(
            key=self.key,
            instrument=0,
            side=side,
            type=kind,
            time_in_force=force,
            lots=lots,
            price_ticks=price,
            stop_ticks=stop,
            expire_ns=expire,
            post_only=post_only,
            now_ns=self.now,
        )
        self.model.submit(Order(self.key, side, kind, force, lots, price, stop, expire, post_only, 0), self.now)

    def cancel(self, back: int) -> None:
        """Cancel one of the last orders."""
        key = max(0, self.key - back)
        self.engine.cancel(key, self.now)
        self.model.command("cancel", key, self.now)

    def modify(self, back: int, lots: int, price: int) -> None:
        """Change one of the last orders."""
        key = max(0, self.key - back)
        order = next((one for one in self.model.orders if one.key == key), None)
        new_price = price if order is not None and order.price is not None else None
        self.engine.modify(key=key, lots=lots, price_ticks=new_price, stop_ticks=None, now_ns=self.now)
        self.model.command("modify", key, self.now, (lots or None, new_price))

    def tick(self, bid: int | None, bid_lots: int, spread: int, ask_lots: int, last: int | None, volume: int | None) -> None:
        """A tick."""
        ask = None if bid is None else bid + spread
        total = nan if volume is None else float(volume)
        self.engine.on_market(
            Tick(
                event_ns=self.now,
                bid_price=_price(bid),
                bid_size=float(bid_lots),
                ask_price=_price(ask),
                ask_size=float(ask_lots),
                last_price=_price(last),
                volume=total,
                volume_kind=VolumeKind.DAY,
            )
        )
        self.model.tick(self.now, bid, bid_lots, ask, ask_lots, last, total)

    def trade(self, price: int, lots: int) -> None:
        """A trade."""
        self.engine.on_market(TradeTick(event_ns=self.now, price=_price(price), size=float(lots)))
        self.model.trade(self.now, price, lots)

    def depth(self, bid: int, spread: int, sizes: list[int]) -> None:
        """A book of equal sizes on both sides."""
        bids = [(bid - i, lots) for i, lots in enumerate(sizes)]
        asks = [(bid + spread + i, lots) for i, lots in enumerate(sizes)]
        self.engine.on_market(
            Depth(
                event_ns=self.now,
                bid_prices=[_price(price) for price, _ in bids],
                bid_sizes=[float(lots) for _, lots in bids],
                ask_prices=[_price(price) for price, _ in asks],
                ask_sizes=[float(lots) for _, lots in asks],
            )
        )
        self.model.depth(self.now, bids, asks)

    def bar(self, prices: list[int], volume: int | None) -> None:
        """A bar of one second that ends now."""
        open_, close = prices[0], prices[1]
        high, low = max(prices), min(prices)
        total = nan if volume is None else float(volume)
        start = self.now
        self.now += SECOND
        self.engine.on_market(
            Bar(
                start_ns=start, event_ns=self.now, open=_price(open_), high=_price(high), low=_price(low), close=_price(close), volume=total
            )
        )
        self.model.bar(start, self.now, (open_, high, low, close), inf if volume is None else volume)


def _price(ticks: int | None) -> float:
    return nan if ticks is None else ticks / 100


PRICES = st.integers(9990, 10010)
ORDERS = st.tuples(
    st.sampled_from([Side.BUY, Side.SELL]),
    st.sampled_from([OrderType.MARKET, OrderType.LIMIT, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT]),
    st.sampled_from([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]),
    st.integers(1, 12),
    PRICES,
    PRICES,
    st.booleans(),
    st.none() | st.integers(0, 40),
)
SUBMIT = st.tuples(st.just("submit"), ORDERS)
CANCEL = st.tuples(st.just("cancel"), st.integers(0, 4))
MODIFY = st.tuples(st.just("modify"), st.integers(0, 4), st.integers(0, 12), PRICES)
WAIT = st.tuples(st.just("wait"), st.integers(0, 30))
TICKS = st.tuples(
    st.just("tick"),
    st.none() | PRICES,
    st.integers(0, 9),
    st.integers(1, 4),
    st.integers(0, 9),
    st.none() | PRICES,
    st.none() | st.integers(0, 60),
)
TRADES = st.tuples(st.just("trade"), PRICES, st.integers(0, 9))
DEPTHS = st.tuples(st.just("depth"), PRICES, st.integers(1, 4), st.lists(st.integers(0, 6), min_size=1, max_size=5))
BARS = st.tuples(st.just("bar"), st.lists(PRICES, min_size=4, max_size=4), st.none() | st.integers(0, 25))
LONG = st.tuples(st.just("wait"), st.just(11 * SECOND))
FINE = st.lists(st.one_of(SUBMIT, SUBMIT, CANCEL, MODIFY, WAIT, TICKS, TICKS, TRADES, DEPTHS, LONG), min_size=3, max_size=40)
COARSE = st.lists(st.one_of(SUBMIT, SUBMIT, CANCEL, WAIT, BARS, BARS), min_size=3, max_size=30)


def play(pair: Pair, steps: list[tuple[Any, ...]]) -> None:
    """Do the steps on both, and compare after each."""
    for name, *arguments in steps:
        if name == "wait":
            pair.now += arguments[0]
            pair.engine.advance(pair.now)
            pair.model.advance(pair.now)
        else:
            getattr(pair, name)(*arguments)
        pair.compare()
        if name in ("tick", "trade", "depth"):
            pair.now += 1


@settings(max_examples=400, deadline=None)
@given(FINE, st.sampled_from([0, 0, 5]), st.integers(0, 2))
def test_ticks_trades_and_depth_fill_as_the_model_does(steps: list[tuple[Any, ...]], latency: int, slippage: int) -> None:
    """Every report of the engine is the model's, in the same order."""
    play(Pair(latency, slippage), steps)


@settings(max_examples=300, deadline=None)
@given(COARSE, st.sampled_from([0, 0, 5]), st.integers(0, 2))
def test_bars_fill_as_the_model_does(steps: list[tuple[Any, ...]], latency: int, slippage: int) -> None:
    """The cautious path through each bar is the model's."""
    play(Pair(latency, slippage), steps)


@settings(max_examples=100, deadline=None)
@given(FINE, st.integers(0, 2))
def test_no_order_trades_beyond_its_limit_or_size(steps: list[tuple[Any, ...]], slippage: int) -> None:
    """A fill is never worse than the limit, and the fills of an order never exceed it."""
    pair = Pair(0, slippage)
    limits: dict[int, tuple[Side, int | None]] = {}
    filled: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for name, *arguments in [step for step in steps if step[0] not in ("modify", "wait")]:
        getattr(pair, name)(*arguments)
        if name == "submit":
            side, kind, _, lots, price, *_ = arguments[0]
            limits[pair.key] = (side, price if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None)
            sizes[pair.key] = lots
        for kind, _, _, key, _, ticks, lots, left, _ in pair.engine.take_reports():
            if kind == Kind.FILLED:
                side, limit = limits[key]
                assert limit is None or (ticks <= limit if side == Side.BUY else ticks >= limit)
                filled[key] = filled.get(key, 0) + lots
                assert left == sizes[key] - filled[key] >= 0
