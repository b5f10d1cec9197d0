"""The simulated venue against a slow, plain model of its rules, over generated markets and orders."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nan
from random import Random
from typing import Any, TypeAlias

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from torture import FULL, examples

from gcg_quant._native import MatchingEngine, Sessions
from gcg_quant.events import Bar, BookAction, BookDelta, Depth, OrderType, Side, Tick, TimeInForce, TradeTick, VolumeKind
from gcg_quant.strategy_engine.gateways import ReportKind as Kind

from .matching_model import LIMITED, SECOND, Model, Order

TICK = 0.01
NOW = 1000
TRAILING = (OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT)
QUEUES = ("back", "risk_averse", "proportional", "power", "logarithmic")
SESSIONS = [(NOW + 5, NOW + 20), *((NOW + 20 * n + 5, NOW + 20 * n + 15) for n in range(1, 8)), (NOW + 190, NOW + 1000)]
# Latency of cancels, queue model, price limit in millionths, sessions.
Rules: TypeAlias = tuple[int | None, str, int, list[tuple[int, int]] | None]
PLAIN: Rules = (None, "back", 0, None)


class Pair:
    """The engine and the model, side by side."""

    def __init__(self, latency: int, slippage: int, rules: Rules = PLAIN, *, power: float = 2.0, lot: float = 1.0, jitter: int = 0) -> None:
        cancel, queue, millionths, sessions = rules
        self.engine = MatchingEngine(
            latency, slippage, -1 if cancel is None else cancel, jitter, seed=7, queue=QUEUES.index(queue), queue_power=power
        )
        self.engine.set_grid(0, TICK, lot)
        self.engine.set_price_limit(0, millionths)
        self.engine.set_sessions(0, None if sessions is None else Sessions(*map(list, zip(*sessions, strict=True))))
        self.model = Model(latency, slippage, cancel, queue, Fraction(millionths, 1_000_000), sessions, power, lot, jitter, 7)
        self.lot = lot
        self.now = NOW
        self.key = 0

    def compare(self) -> None:
        """Both must have said the same."""
        said = []
        for kind, _, maker, key, _, ticks, lots, _, _, stop in self.engine.take_reports():
            filled = kind == Kind.FILLED
            told = ticks if filled else stop if kind == Kind.TRAILED else 0
            said.append((Kind(kind), key, told, lots if filled else 0, maker))
        assert said == self.model.reports
        assert self.engine.open_orders == len(self.model.orders)
        self.model.reports = []

    def submit(self, terms: tuple[Any, ...]) -> None:
        """Send an order to both."""
        side, kind, force, lots, price, stop, post_only, life, trail, begins = terms
        self.key += 1
        price = price if kind in LIMITED else None
        trail = trail if kind in TRAILING else None
        if not (kind in (OrderType.STOP, OrderType.STOP_LIMIT) or (kind in TRAILING and begins)):
            stop = None
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
            trail_ticks=trail if isinstance(trail, int) else 0,
            trail_millionths=int(trail * 1_000_000) if isinstance(trail, Fraction) else 0,
            now_ns=self.now,
        )
        self.model.submit(Order(self.key, side, kind, force, lots, price, stop, expire, post_only, trail), self.now)

    def cancel(self, back: int) -> None:
        """Cancel one of the last orders."""
        key = max(0, self.key - back)
        self.engine.cancel(key, self.now)
        self.model.command("cancel", key, self.now)

    def modify(self, back: int, lots: int, price: int | None, stop: int | None) -> None:
        """Change one of the last orders."""
        key = max(0, self.key - back)
        order = self.model.find(key)
        new_price = price if order is not None and order.price is not None else None
        new_stop = stop if order is not None and order.stop is not None else None
        self.engine.modify(key=key, lots=lots, price_ticks=new_price, stop_ticks=new_stop, now_ns=self.now)
        self.model.command("modify", key, self.now, (lots or None, new_price, new_stop))

    def tick(
        self, bid: int | None, bid_lots: int, spread: int, ask_lots: int, last: int | None, volume: int | None, close: int | None = None
    ) -> None:
        """A tick."""
        ask = None if bid is None else bid + spread
        total = nan if volume is None else float(volume)
        self.engine.on_market(
            Tick(
                event_ns=self.now,
                bid_price=_price(bid),
                bid_size=bid_lots * self.lot,
                ask_price=_price(ask),
                ask_size=ask_lots * self.lot,
                last_price=_price(last),
                volume=total * self.lot,
                volume_kind=VolumeKind.DAY,
                prev_close=_price(close),
            )
        )
        if close is not None and self.model.price_limit:
            self.model.run(self.now - 1)  # what arrives before it meets the old limits
            self.model.limits(close)
        self.model.tick(self.now, bid, bid_lots, ask, ask_lots, last, total)

    def trade(self, price: int, lots: int, aggressor: Side = Side.NONE) -> None:
        """A trade."""
        self.engine.on_market(TradeTick(event_ns=self.now, price=_price(price), size=lots * self.lot, aggressor=aggressor))
        self.model.trade(self.now, price, lots, aggressor)

    def delta(self, action: BookAction, side: Side, price: int, lots: int, is_last: bool) -> None:
        """A change of the book."""
        self.engine.on_market(
            BookDelta(event_ns=self.now, action=action, side=side, price=_price(price), size=lots * self.lot, is_last=int(is_last))
        )
        self.model.delta(self.now, action, side, price, lots, is_last)

    def group(self, changes: list[tuple[BookAction, Side, int, int]]) -> None:
        """Changes of the book that belong together, such as a snapshot."""
        for number, change in enumerate(changes, 1):
            self.delta(*change, number == len(changes))

    def depth(self, bid: int, spread: int, sizes: list[int]) -> None:
        """A book of equal sizes on both sides."""
        bids = [(bid - i, lots) for i, lots in enumerate(sizes)]
        asks = [(bid + spread + i, lots) for i, lots in enumerate(sizes)]
        self.engine.on_market(
            Depth(
                event_ns=self.now,
                bid_prices=[_price(price) for price, _ in bids],
                bid_sizes=[lots * self.lot for _, lots in bids],
                ask_prices=[_price(price) for price, _ in asks],
                ask_sizes=[lots * self.lot for _, lots in asks],
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
                start_ns=start,
                event_ns=self.now,
                open=_price(open_),
                high=_price(high),
                low=_price(low),
                close=_price(close),
                volume=total * self.lot,
            )
        )
        self.model.bar(start, self.now, (open_, high, low, close), inf if volume is None else volume)


def _price(ticks: int | None) -> float:
    return nan if ticks is None else ticks / 100


PRICES = st.integers(9990, 10010)
SIDES = st.sampled_from([Side.BUY, Side.SELL])


def orders(*kinds: OrderType) -> st.SearchStrategy[Any]:
    """Return a step that sends an order of some type."""
    terms = st.tuples(
        SIDES,
        st.sampled_from(kinds),
        st.sampled_from([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]),
        st.integers(1, 12),
        PRICES,
        PRICES,
        st.booleans(),
        st.none() | st.integers(0, 40),
        st.integers(1, 12) | st.sampled_from([Fraction(1, 1000), Fraction(3, 10_000), Fraction(1, 1_000_000)]),
        st.booleans(),
    )
    return st.tuples(st.just("submit"), terms)


PLAIN_ORDERS = orders(OrderType.MARKET, OrderType.LIMIT, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT)
TRAILING_ORDERS = orders(OrderType.LIMIT, *TRAILING)
CANCEL = st.tuples(st.just("cancel"), st.integers(0, 4))
MODIFY = st.tuples(st.just("modify"), st.integers(0, 4), st.integers(0, 12), PRICES, st.none() | PRICES)
RESIZE = st.tuples(st.just("modify"), st.integers(0, 3), st.integers(1, 12), st.none(), st.none())
WAIT = st.tuples(st.just("wait"), st.integers(0, 30))
TICKS = st.tuples(
    st.just("tick"),
    st.none() | PRICES,
    st.integers(0, 9),
    st.integers(1, 4),
    st.integers(0, 9),
    st.none() | PRICES,
    st.none() | st.integers(0, 60),
    st.none() | st.none() | PRICES,
)
LIMITED_TICKS = st.tuples(
    st.just("tick"), PRICES, st.integers(1, 9), st.integers(1, 4), st.integers(1, 9), st.none(), st.none(), st.integers(9997, 10003)
)
TRADES = st.tuples(st.just("trade"), PRICES, st.integers(0, 9), st.sampled_from([Side.NONE, Side.NONE, Side.BUY, Side.SELL]))
DEPTHS = st.tuples(st.just("depth"), PRICES, st.integers(1, 4), st.lists(st.integers(0, 6), min_size=1, max_size=5))
ACTIONS = st.sampled_from([BookAction.SET] * 6 + list(BookAction))
DELTAS = st.tuples(
    st.just("delta"),
    ACTIONS,
    st.sampled_from([Side.BUY, Side.BUY, Side.SELL, Side.SELL, Side.NONE]),
    PRICES,
    st.integers(0, 9),
    st.booleans(),
)
LEVELS = st.tuples(st.sampled_from([Side.BUY, Side.SELL]), PRICES, st.integers(0, 9))
GROUPS = st.tuples(
    st.just("group"),
    st.lists(LEVELS.map(lambda level: (BookAction.SNAPSHOT, *level)), min_size=1, max_size=8)
    | st.lists(st.tuples(ACTIONS, LEVELS).map(lambda change: (change[0], *change[1])), min_size=1, max_size=5),
)
BARS = st.tuples(st.just("bar"), st.lists(PRICES, min_size=4, max_size=4), st.none() | st.integers(0, 25))
LONG = st.tuples(st.just("wait"), st.just(11 * SECOND))
# A market that hardly moves, so that trades meet the queues of resting orders.
NARROW = st.integers(9999, 10001)
RESTING = st.tuples(
    st.just("submit"),
    st.tuples(
        SIDES,
        st.just(OrderType.LIMIT),
        st.just(TimeInForce.GTC),
        st.integers(1, 12),
        NARROW,
        st.none(),
        st.sampled_from([True, True, False]),
        st.none(),
        st.none(),
        st.just(False),
    ),
)
QUEUED_TRADES = st.tuples(st.just("trade"), NARROW, st.integers(0, 9), st.sampled_from([Side.NONE, Side.BUY, Side.SELL]))
QUEUED_TICKS = st.tuples(
    st.just("tick"), st.just(9999), st.integers(1, 30), st.just(2), st.integers(1, 30), st.none() | NARROW, st.none() | st.integers(0, 60)
)
QUEUEING = (RESTING, RESTING, RESIZE, QUEUED_TRADES, QUEUED_TRADES, QUEUED_TICKS, QUEUED_TICKS)
COMMANDS = (CANCEL, MODIFY, WAIT)


def steps(*kinds: st.SearchStrategy[Any], least: int = 3, most: int = 40) -> st.SearchStrategy[list[Any]]:
    """Return lists of steps."""
    return st.lists(st.one_of(*kinds), min_size=least, max_size=most)


FINE = steps(PLAIN_ORDERS, PLAIN_ORDERS, *COMMANDS, TICKS, TICKS, TRADES, DEPTHS, LONG)
COARSE = steps(PLAIN_ORDERS, PLAIN_ORDERS, CANCEL, WAIT, BARS, BARS, most=30)


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
        if name in ("tick", "trade", "depth", "group") or (name == "delta" and arguments[-1]):
            pair.now += 1


@settings(max_examples=examples(400), deadline=None)
@given(FINE, st.sampled_from([0, 0, 5]), st.integers(0, 2))
def test_ticks_trades_and_depth_fill_as_the_model_does(steps: list[tuple[Any, ...]], latency: int, slippage: int) -> None:
    """Every report of the engine is the model's, in the same order."""
    play(Pair(latency, slippage), steps)


@settings(max_examples=examples(300), deadline=None)
@given(COARSE, st.sampled_from([0, 0, 5]), st.integers(0, 2))
def test_bars_fill_as_the_model_does(steps: list[tuple[Any, ...]], latency: int, slippage: int) -> None:
    """The cautious path through each bar is the model's."""
    play(Pair(latency, slippage), steps)


@settings(max_examples=examples(400), deadline=None)
@given(steps(TRAILING_ORDERS, TRAILING_ORDERS, *COMMANDS, TICKS, TRADES, TRADES, DEPTHS), st.sampled_from([0, 5]))
def test_trailing_stops_move_and_trigger_as_the_model_does(steps: list[tuple[Any, ...]], latency: int) -> None:
    """They follow trades, or quotes where nobody trades, and every move is reported."""
    play(Pair(latency, 0), steps)


@settings(max_examples=examples(300), deadline=None)
@given(steps(TRAILING_ORDERS, TRAILING_ORDERS, CANCEL, MODIFY, WAIT, BARS, BARS, most=30), st.integers(0, 2))
def test_trailing_stops_walk_through_bars_as_the_model_does(steps: list[tuple[Any, ...]], slippage: int) -> None:
    """They are triggered at the worst price that a bar allows."""
    play(Pair(0, slippage), steps)


@settings(max_examples=examples(400), deadline=None)
@given(steps(PLAIN_ORDERS, *COMMANDS, DELTAS, DELTAS, GROUPS, GROUPS, TICKS, TRADES, DEPTHS, LONG), st.sampled_from([0, 5]))
def test_book_deltas_fill_as_the_model_does(steps: list[tuple[Any, ...]], latency: int) -> None:
    """The book that deltas make, with ticks and depth between them, is the model's."""
    play(Pair(latency, 0), steps)


@settings(max_examples=examples(600), deadline=None)
@given(
    steps(*QUEUEING, *QUEUEING, CANCEL, MODIFY, least=10) | steps(*QUEUEING, *QUEUEING, PLAIN_ORDERS, *COMMANDS, DEPTHS, GROUPS, least=10),
    st.sampled_from(QUEUES[1:] + QUEUES[3:]),
    st.sampled_from([0.5, 1.0, 2.0, 3.5, 8.0]),
    st.sampled_from([1.0, 0.25]),
)
def test_queues_wear_off_as_the_model_s_do(steps: list[tuple[Any, ...]], queue: str, power: float, lot: float) -> None:
    """All queue models, with several orders at a price."""
    play(Pair(0, 0, (None, queue, 0, None), power=power, lot=lot), steps)


@settings(max_examples=examples(400), deadline=None)
@given(
    steps(PLAIN_ORDERS, PLAIN_ORDERS, TRAILING_ORDERS, *COMMANDS, TICKS, LIMITED_TICKS, LIMITED_TICKS, TRADES, DEPTHS, DELTAS),
    st.sampled_from([(None, 0, 0), (2, 5, 0), (9, 5, 0), (2, 5, 4), (None, 3, 9)]),
    st.sampled_from([0, 300, 800]),
    st.booleans(),
    st.sampled_from(["back", "proportional"]),
)
def test_venue_s_rules_are_the_model_s(
    steps: list[tuple[Any, ...]], latencies: tuple[int | None, int, int], limit: int, sessions: bool, queue: str
) -> None:
    """Price limits, sessions, cancels that are faster or slower than orders, and delays that vary."""
    cancel, latency, jitter = latencies
    play(Pair(latency, 1, (cancel, queue, limit, SESSIONS if sessions else None), jitter=jitter), steps)


def drawn(random: Random, count: int) -> list[tuple[Any, ...]]:
    """Return many steps in a market that hardly moves, or not at all: so many that queues wear off, sessions open and delays overlap."""
    calm = random.random() < 0.5

    def near(reach: int = 1) -> int:
        return random.randint(10_000 - reach, 10_000 + reach)

    def limit_order() -> tuple[Any, ...]:
        force = random.choice([TimeInForce.GTC] * 6 + [TimeInForce.IOC, TimeInForce.FOK])
        life = random.choice([None, None, random.randint(0, 40)])
        kind = random.choice([OrderType.LIMIT] * 6 + [OrderType.MARKET, OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP])
        side = random.choice([Side.BUY, Side.SELL])
        if calm:
            price = 9999 if side == Side.BUY else 10_001
            return (side, OrderType.LIMIT, TimeInForce.GTC, random.randint(1, 12), price, None, True, None, None, False)
        return (side, kind, force, random.randint(1, 12), near(), near(2), random.random() < 0.5, life, random.randint(1, 4), False)

    def tick() -> tuple[Any, ...]:
        last, volume = random.choice([None, near()]), random.choice([None, random.randint(0, 60)])
        bid = 9999 if calm else random.choice([9999, 9999, 9999, 9998, 10_000])
        return (bid, random.randint(0, 30), 2, random.randint(0, 30), last, volume, random.choice([None, None, near(3)]))

    def group() -> tuple[Any, ...]:
        action = random.choice([BookAction.SNAPSHOT, BookAction.SET, BookAction.SET, BookAction.DELETE])
        sides = [(Side.BUY, 9999), (Side.SELL, 10_001), (Side.BUY, 9998), (Side.SELL, 10_000), (Side.SELL, 10_002)]
        chosen = sides[:2] if calm else random.sample(sides, random.randint(1, 4))
        return ([(action, *side, random.randint(0, 30)) for side in chosen],)

    makers: dict[str, Any] = {
        "submit": lambda: (limit_order(),),
        "tick": tick,
        "group": group,
        "trade": lambda: (
            random.choice([9999, 10_001]) if calm else near(),
            random.randint(0, 9),
            random.choice([Side.NONE, Side.BUY, Side.SELL]),
        ),
        "depth": lambda: (near() - 1, random.randint(1, 2), [random.randint(0, 20) for _ in range(3)]),
        "modify": lambda: (random.randint(0, 4), random.randint(0, 12), random.choice([None, None, near()]), None),
        "cancel": lambda: (random.randint(0, 4),),
        "wait": lambda: (random.choice([1, 4, 12, 11 * SECOND]) if random.random() < 0.2 else random.randint(0, 3),),
    }
    names = random.choices(list(makers), [3, 8, 3, 9, 0, 1, 1, 1] if calm else [6, 4, 3, 6, 1, 2, 1, 1], k=count)
    return [(name, *makers[name]()) for name in names]


@pytest.mark.parametrize("queue", QUEUES)
def test_long_runs_are_the_model_s(queue: str) -> None:
    """Hundreds of steps of every kind, under every rule, drawn by number: what short examples seldom reach."""
    for seed in range(60 if FULL else 16):
        random = Random(f"{queue} {seed}")
        cancel, latency, jitter = random.choice([(None, 0, 0), (None, 0, 0), (2, 5, 0), (9, 5, 4), (None, 3, 9)])
        sessions = [(NOW + 30 * n, NOW + 30 * n + 25) for n in range(40)] if seed % 3 == 0 else None
        rules: Rules = (cancel, queue, random.choice([0, 0, 300]), sessions)
        steps = drawn(random, 200)
        if sessions is not None:
            steps = [step for step in steps if step != ("wait", 11 * SECOND)]
        power, lot = random.choice([0.5, 1.0, 2.0, 3.5]), random.choice([1.0, 0.25])
        play(Pair(latency, seed % 2, rules, power=power, lot=lot, jitter=jitter), steps)


@settings(max_examples=examples(200), deadline=None)
@given(steps(PLAIN_ORDERS, PLAIN_ORDERS, CANCEL, WAIT, BARS, BARS, most=30))
def test_bars_count_within_sessions_as_in_the_model(steps: list[tuple[Any, ...]]) -> None:
    """Bars outside of sessions fill nothing."""
    play(Pair(0, 0, (None, "back", 0, [(NOW + 2 * SECOND, NOW + 4 * SECOND + 5), (NOW + 7 * SECOND, NOW + 9 * SECOND)])), steps)


@pytest.mark.parametrize("wrong", ["trail_at", "look_at_queue", "session_at", "available"])
def test_comparison_finds_a_wrong_model(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model with one rule slightly wrong is found out by the generated steps: the comparison is not blind."""
    rules: Rules = (None, "proportional", 0, SESSIONS if wrong == "session_at" else None)
    if wrong == "trail_at":
        right = Order.trail_at
        monkeypatch.setattr(Order, wrong, lambda order, price: right(order, price) + 1)
    elif wrong == "look_at_queue":
        right_look = Model.look_at_queue

        def look(model: Model, order: Order) -> None:
            before = order.ahead
            right_look(model, order)
            if 0 < order.ahead < before < inf:  # cancels are rounded up instead of down
                order.ahead -= 1

        monkeypatch.setattr(Model, wrong, look)
    elif wrong == "session_at":
        monkeypatch.setattr(Model, wrong, lambda model, now: SESSIONS[0])
    else:
        monkeypatch.setattr(Model, wrong, lambda model, order: 0)

    @settings(max_examples=400, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
    @given(steps(*QUEUEING, *QUEUEING, TRAILING_ORDERS, WAIT, least=20))
    def compare(steps: list[tuple[Any, ...]]) -> None:
        play(Pair(0, 0, rules), steps)

    with pytest.raises(AssertionError):
        compare()


@settings(max_examples=examples(100), deadline=None)
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
        for kind, _, _, key, _, ticks, lots, left, _, _ in pair.engine.take_reports():
            if kind == Kind.FILLED:
                side, limit = limits[key]
                assert ticks is not None
                assert limit is None or (ticks <= limit if side == Side.BUY else ticks >= limit)
                filled[key] = filled.get(key, 0) + lots
                assert left == sizes[key] - filled[key] >= 0
