"""The native risk check beside a slow, plain model of it, over random orders, fills, markets and limits.

Numbers are chosen so that floats hold them exactly: both must find the same reasons, values and limits to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isnan, nan
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from torture import examples

from gcg_quant.events import RiskReason, Side, Tick
from gcg_quant.instruments import Instrument, preset
from gcg_quant.strategy_engine.risk.engine import RiskEngine
from gcg_quant.strategy_engine.risk.limits import LIMIT_NAMES, RULE_NAMES

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
NAMES = [*LIMIT_NAMES.values(), *RULE_NAMES]
SHARE = Instrument(symbol="A", venue="X", tick_size=0.5, lot_size=1.0, multiplier=1.0, t_plus_one=True, price_limit=0.125, calendar="hours")
FUTURE = Instrument(symbol="F", venue="X", kind="future", tick_size=0.25, lot_size=2.0, multiplier=8.0, margin_rate=0.125, price_limit=0.25)
APART: dict[str, Any] = {
    "venue": "X",
    "kind": "future",
    "tick_size": 0.25,
    "lot_size": 2.0,
    "multiplier": 4.0,
    "margin_rate": 0.25,
    "legs": True,
}
ASSETS = {1: SHARE, 2: FUTURE, 3: Instrument(symbol="B", **APART), 4: Instrument(symbol="L", **APART, larger_side=True)}
OPENS, CLOSES = [START + 3 * SECOND, START + 9 * SECOND], [START + 6 * SECOND, START + 90 * SECOND]
DAYS = (0, 20260105, 20260106)


@dataclass
class Open:
    """An order that works."""

    key: int
    strategy: int
    number: int
    side: Side
    left: int
    ticks: int | None
    opens: bool = True  # or closes; of no meaning where positions are net


@dataclass
class Market:
    """What is known of an instrument."""

    last: float = nan
    bid: float = nan
    ask: float = nan
    day: int = 0
    told: dict[str, float] = field(default_factory=dict)
    bought: tuple[int, int] = (0, 0)


@dataclass
class Model:
    """The rules once more, as they are described, over plain lists."""

    limits: dict[tuple[int, int], dict[str, float]] = field(default_factory=dict)
    orders: list[Open] = field(default_factory=list)
    sent: list[tuple[int, int, int]] = field(default_factory=list)
    fills: list[tuple[int, int, int]] = field(default_factory=list)
    sides: dict[tuple[int, int, Side], int] = field(default_factory=dict)  # lots by strategy, instrument and the side that opened them
    markets: dict[int, Market] = field(default_factory=lambda: {number: Market() for number in ASSETS})
    cash: float = 0.0
    base: float = nan
    daily_loss: float = nan
    buying_power: bool = True
    kill: bool = False

    def scope(self, name: str, strategy: int, number: int) -> tuple[float, int, int]:
        """Return the most special limit, and where it was set."""
        for where in ((strategy, number), (0, number), (strategy, 0), (0, 0)):
            value = self.limits.get(where, {}).get(name, nan)
            if not isnan(value):
                return value, *where
        return inf, 0, 0

    def held(self, strategy: int, number: int) -> int:
        """Return signed lots; strategy 0 is all."""
        return sum(lots for own, at, lots in self.fills if at == number and strategy in (0, own))

    def working(self, strategy: int, number: int, side: Side) -> int:
        """Return the lots of open orders."""
        return sum(one.left for one in self.orders if one.number == number and one.side == side and strategy in (0, one.strategy))

    def reach(self, strategy: int, number: int, side: Side) -> int:
        """Return how many lots of a side could be held if all open orders that open it filled; strategy 0 is all."""
        held = sum(lots for (own, at, opener), lots in self.sides.items() if at == number and opener == side and strategy in (0, own))
        orders = [one for one in self.orders if one.number == number and one.side == side and one.opens]
        return held + sum(one.left for one in orders if strategy in (0, one.strategy))

    def worst(self, number: int, buys: int = 0, sells: int = 0) -> int:
        """Return the most lots that may come to tie up margin with the open orders and so many lots more."""
        if ASSETS[number].legs:
            long, short = self.reach(0, number, Side.BUY) + buys, self.reach(0, number, Side.SELL) + sells
            return max(long, short) if ASSETS[number].larger_side else long + short
        held = self.held(0, number)
        return max(held + self.working(0, number, Side.BUY) + buys, self.working(0, number, Side.SELL) + sells - held)

    def unit(self, number: int) -> float:
        """Return what a lot is worth at price 1."""
        return ASSETS[number].lot_size * ASSETS[number].multiplier

    @property
    def equity(self) -> float:
        """Cash and positions."""
        held = {number: self.held(0, number) for number in ASSETS}
        return self.cash + sum(lots * self.unit(number) * self.markets[number].last for number, lots in held.items() if lots)

    @property
    def available(self) -> float:
        """Equity less what positions and orders may tie up."""
        known = [number for number in ASSETS if not isnan(self.markets[number].last)]
        return self.equity - sum(
            self.worst(number) * self.unit(number) * self.markets[number].last * ASSETS[number].margin_rate for number in known
        )

    def bounds(self, number: int) -> tuple[float | None, float | None]:
        """Return the day's price limits."""
        told, terms = self.markets[number].told, ASSETS[number]
        base = told.get("prev_close")
        if terms.kind == "future":
            base = told.get("prev_settlement", base)
        low, high = (None, None) if base is None else terms.price_bounds(base) or (None, None)
        return told.get("lower_limit", low), told.get("upper_limit", high)

    def check(
        self,
        strategy: int,
        number: int,
        side: Side,
        lots: int,
        ticks: int | None,
        stop: int | None,
        replaced: int,
        now_ns: int,
        day: int,
        opens: int = 0,
        adds: int = 0,
    ) -> dict[RiskReason, tuple[float, float]]:
        """Return every reason with the value found and the limit."""
        terms, market, found = ASSETS[number], self.markets[number], {}
        sign = 1 if side == Side.BUY else -1
        marks = [one for one in (ticks, stop) if one is not None]
        price = marks[0] * terms.tick_size if marks else market.last
        reference = price if isnan(market.last) else market.last
        size, each = lots * terms.lot_size, self.unit(number)

        def rule(reason: RiskReason, name: str, value: Any, broken: Any = None) -> None:
            limit, *where = self.scope(name, strategy, number)
            if limit != inf:
                measured = value(*where)
                if measured is not None and (measured > limit if broken is None else broken(measured)):
                    found[reason] = (measured, limit)

        def after(own: int, _: int) -> int:
            if terms.legs and not opens:
                return 0
            if terms.legs:
                other = Side.SELL if side == Side.BUY else Side.BUY
                return self.reach(own, number, side) + adds + (0 if terms.larger_side else self.reach(own, number, other))
            return sign * self.held(own, number) + self.working(own, number, side) - replaced + lots

        def recent(_: int, at: int) -> int:
            own = [one for one, where, when in self.sent if one == strategy and at in (0, where) and when > now_ns - SECOND]
            return len(own) + 1

        def crowd(own: int, at: int) -> int | None:
            others = [one for one in self.orders if own in (0, one.strategy) and at in (0, one.number)]
            return None if replaced else len(others) + 1

        def concentration(own: int, at: int) -> float | None:
            value = after(own, at) * each * reference
            return None if value <= 0 or isnan(value) else value / self.equity if self.equity > 0 else inf

        def distance(_: int, __: int) -> float | None:
            return None if ticks is None or isnan(market.last) else abs(price - market.last) / market.last

        rule(RiskReason.ORDER_SIZE, "order_quantity", lambda *_: size)
        rule(RiskReason.ORDER_VALUE, "order_value", lambda *_: size * terms.multiplier * price)
        rule(RiskReason.POSITION_SIZE, "position_quantity", lambda *where: after(*where) * terms.lot_size)
        rule(RiskReason.POSITION_VALUE, "position_value", lambda *where: after(*where) * each * reference)
        rule(RiskReason.ORDER_RATE, "orders_per_second", recent)
        rule(RiskReason.CONCENTRATION, "concentration", concentration)
        rule(RiskReason.OPEN_ORDERS, "open_orders", crowd)
        rule(RiskReason.PRICE_BAND, "price_band", distance)
        closing = lots <= -sign * self.held(0, number) - (self.working(0, number, side) - replaced)
        if terms.legs:
            closing = not opens
        loss = self.base - self.equity
        if not closing and loss >= self.daily_loss:
            found[RiskReason.DAILY_LOSS] = (loss, self.daily_loss)
        found |= self.market_rules(strategy, number, side, lots, ticks, stop, replaced, now_ns, day)
        added = adds if terms.legs else lots - replaced
        more = {"buys": added} if side == Side.BUY else {"sells": added}
        needed = (self.worst(number, **more) - self.worst(number)) * each * price * terms.margin_rate
        if self.buying_power and needed > 0 and needed > self.available:
            found[RiskReason.BUYING_POWER] = (needed, self.available)
        if self.kill:
            found[RiskReason.KILL_SWITCH] = (nan, nan)
        if ticks is None and isnan(market.last):
            found[RiskReason.NO_MARKET] = (nan, nan)
        return found

    def market_rules(
        self, strategy: int, number: int, side: Side, lots: int, ticks: int | None, stop: int | None, replaced: int, now_ns: int, day: int
    ) -> dict[RiskReason, tuple[float, float]]:
        """Return what the market itself would not allow."""
        terms, market, found = ASSETS[number], self.markets[number], {}
        on = {name for name in RULE_NAMES if self.scope(name, strategy, number)[0] != inf}
        own = [one.ticks for one in self.orders if one.number == number and one.side != side and one.ticks is not None]
        quote = market.ask if side == Side.BUY else market.bid
        touch = market.last if isnan(quote) else quote
        reach = ticks * terms.tick_size if ticks is not None else touch
        if "self_trade" in on and stop is None and own:
            nearest = (min(own) if side == Side.BUY else max(own)) * terms.tick_size
            if nearest <= reach if side == Side.BUY else nearest >= reach:
                found[RiskReason.SELF_TRADE] = (reach, nearest)
        if "session" in on and number == 1 and not any(begin <= now_ns < end for begin, end in zip(OPENS, CLOSES, strict=True)):
            later = [begin for begin in OPENS if begin > now_ns]
            found[RiskReason.SESSION_CLOSED] = (now_ns / 1e9, later[0] / 1e9 if later else nan)
        if "t_plus_one" in on and terms.t_plus_one and side == Side.SELL:
            bought = market.bought[1] if market.bought[0] >= (day or market.day) else 0
            free = self.held(0, number) - bought - self.working(0, number, side) + replaced
            if lots > free:
                found[RiskReason.T_PLUS_ONE] = (lots * terms.lot_size, max(0, free) * terms.lot_size)
        if "price_limit" in on and ticks is not None and not (market.day and day > market.day):
            low, high = self.bounds(number)
            price = ticks * terms.tick_size
            if low is not None and price < low:
                found[RiskReason.PRICE_LIMIT] = (price, low)
            elif high is not None and price > high:
                found[RiskReason.PRICE_LIMIT] = (price, high)
        return found


LIMIT_VALUES = {
    "order_quantity": (8.0, 20.0),
    "order_value": (256.0, 4096.0),
    "position_quantity": (8.0, 40.0),
    "position_value": (512.0, 8192.0),
    "orders_per_second": (1.0, 3.0),
    "open_orders": (1.0, 4.0),
    "price_band": (0.125, 0.5),
    "concentration": (0.25, 1.0),
    **dict.fromkeys(RULE_NAMES, (1.0,)),
}
NUMBERS, STRATEGIES, SIDES = st.sampled_from(list(ASSETS)), st.sampled_from([1, 2]), st.sampled_from([Side.BUY, Side.SELL])
PRICES = st.sampled_from([nan, 16.0, 18.0, 20.0, 24.0, 32.0])
LIMITS = st.fixed_dictionaries({name: st.sampled_from([nan, nan, inf, *LIMIT_VALUES[name]]) for name in NAMES})


class Pair:
    """The engine and its model, which see the same."""

    def __init__(self) -> None:
        self.native, self.model, self.now_ns, self.key = RiskEngine().native, Model(), START, 0
        for number, terms in ASSETS.items():
            self.native.set_terms(
                instrument=number,
                tick_size=terms.tick_size,
                lot_size=terms.lot_size,
                multiplier=terms.multiplier,
                margin_rate=terms.margin_rate,
                fee_rate=0.0,
                currency=0,
                calendar=1 if number == 1 else 0,
                price_limit=terms.price_limit,
                by_settlement=terms.kind == "future",
                t_plus_one=terms.t_plus_one,
                sides=(2 if terms.larger_side else 1) if terms.legs else 0,
            )
        self.native.set_sessions(1, OPENS, CLOSES)
        self.native.clear_limits()
        self.cash(4096.0)

    def cash(self, amount: float) -> None:
        """Have so much."""
        self.model.cash = amount
        self.native.set_ledger(0, amount)

    def tick(self, number: int, day: int, prices: dict[str, float]) -> None:
        """Show a market, and what it tells of the day."""
        self.now_ns += SECOND // 4
        self.native.on_market(Tick(instrument=number, event_ns=self.now_ns, trading_day=day, **prices))
        market = self.model.markets[number]
        told = {name: value for name, value in prices.items() if not isnan(value)}
        market.bid, market.ask = told.pop("bid_price", market.bid), told.pop("ask_price", market.ask)
        last = prices["last_price"]
        middle = (prices["bid_price"] + prices["ask_price"]) / 2
        for price in (last, middle, prices["bid_price"], prices["ask_price"]):
            if not isnan(price):
                market.last = price
                break
        told.pop("last_price", None)
        if day > market.day:
            market.day, market.told = day, {}
        if day in (0, market.day):
            market.told |= told

    def tell_sides(self, strategy: int, number: int) -> None:
        """Tell the engine what a strategy holds on each side, and what its orders may open."""
        if ASSETS[number].legs:
            held = [self.model.sides.get((strategy, number, side), 0) for side in (Side.BUY, Side.SELL)]
            reach = [self.model.reach(strategy, number, side) for side in (Side.BUY, Side.SELL)]
            self.native.set_sides(strategy, number, *held, *(most - now for most, now in zip(reach, held, strict=True)))

    def order(self, strategy: int, number: int, side: Side, lots: int, ticks: int | None, opens: bool) -> None:
        """Send an order."""
        self.key += 1
        self.native.count_order(strategy, number, self.now_ns)
        self.native.open_order(strategy, number, side, lots)
        if ticks is not None:
            self.native.rest(self.key, number, side, ticks)
        self.model.sent.append((strategy, number, self.now_ns))
        self.model.orders.append(Open(self.key, strategy, number, side, lots, ticks, opens))
        self.tell_sides(strategy, number)

    def reprice(self, place: int, ticks: int) -> None:
        """Change the price of a resting order."""
        resting = [one for one in self.model.orders if one.ticks is not None]
        if resting:
            one = resting[place % len(resting)]
            one.ticks = ticks
            self.native.rest(one.key, one.number, one.side, ticks)

    def fill(self, place: int, lots: int, day: int) -> None:
        """Fill a part of an order, or all of it, which ends it; 0 lots cancel it."""
        if not self.model.orders:
            return
        one = self.model.orders[place % len(self.model.orders)]
        lots = min(lots, one.left)
        opener = one.side if one.opens else Side.SELL if one.side == Side.BUY else Side.BUY
        if ASSETS[one.number].legs:
            known = self.model.sides.get((one.strategy, one.number, opener), 0)
            lots = lots if one.opens else min(lots, known)
            self.model.sides[one.strategy, one.number, opener] = known + (lots if one.opens else -lots)
        signed = lots if one.side == Side.BUY else -lots
        self.native.reduce_order(one.strategy, one.number, one.side, lots)
        self.native.move_position(one.strategy, one.number, signed)
        self.native.set_last_price(one.number, 20.0)
        one.left -= lots
        market = self.model.markets[one.number]
        if isnan(market.last):
            market.last = 20.0
        if lots:
            self.model.fills.append((one.strategy, one.number, signed))
            if one.side == Side.BUY and day >= market.bought[0]:
                market.bought = (day, lots + (market.bought[1] if day == market.bought[0] else 0))
                self.native.set_bought(one.number, *market.bought)
        if not lots or not one.left:
            self.native.close_order(one.strategy, one.number, one.side, one.left)
            self.native.lift(one.key)
            self.model.orders.remove(one)
        self.tell_sides(one.strategy, one.number)

    def limit(self, strategy: int, number: int, limits: dict[str, float]) -> None:
        """Set the limits of a scope."""
        self.model.limits[strategy, number] = limits
        self.native.set_limits(strategy=strategy, instrument=number, **limits)

    def account(self, daily_loss: float, base: float, power: bool, kill: bool) -> None:
        """Set what concerns the whole account."""
        self.model.daily_loss, self.model.base, self.model.buying_power, self.model.kill = daily_loss, base, power, kill
        self.native.set_daily_loss(daily_loss)
        self.native.set_day_base(base)
        self.native.set_buying_power(power)
        self.native.set_kill_switch(kill)


def one_step(draw: st.DrawFn, pair: Pair) -> None:
    """Let something happen."""
    what = draw(st.sampled_from(["tick", "tick", "order", "order", "reprice", "fill", "fill", "limit", "limit", "account", "cash"]))
    if what == "tick":
        names = ("last_price", "bid_price", "ask_price", "prev_close", "prev_settlement", "lower_limit", "upper_limit")
        pair.tick(draw(NUMBERS), draw(st.sampled_from(DAYS)), {name: draw(PRICES) for name in names})
    elif what == "order":
        pair.order(
            draw(STRATEGIES),
            draw(NUMBERS),
            draw(SIDES),
            draw(st.integers(1, 12)),
            draw(st.none() | st.integers(30, 100)),
            draw(st.booleans()),
        )
    elif what == "reprice":
        pair.reprice(draw(st.integers(0, 5)), draw(st.integers(30, 100)))
    elif what == "fill":
        pair.fill(draw(st.integers(0, 5)), draw(st.integers(0, 12)), draw(st.sampled_from(DAYS[1:])))
    elif what == "limit":
        pair.limit(draw(st.integers(0, 2)), draw(st.sampled_from([0, *ASSETS])), draw(LIMITS))
    elif what == "account":
        loss, base = draw(st.sampled_from([nan, 64.0, 1024.0])), draw(st.sampled_from([nan, 4096.0, 8192.0]))
        pair.account(loss, base, draw(st.booleans()), draw(st.booleans()))
    else:
        pair.cash(draw(st.sampled_from([-512.0, 0.0, 1024.0, 4096.0, 65536.0])))


@settings(max_examples=examples(100))
@given(data=st.data())
def test_native_check_finds_what_the_slow_model_finds(data: st.DataObject) -> None:
    """After anything that may have happened, an order is refused for the same reasons, with the same values and limits."""
    pair = Pair()
    for _ in range(data.draw(st.integers(0, 25))):
        one_step(data.draw, pair)  # type: ignore[arg-type]
    pair.now_ns += data.draw(st.integers(0, 8)) * SECOND
    for _ in range(3):
        ticks, stop = data.draw(st.none() | st.integers(30, 100)), data.draw(st.none() | st.none() | st.integers(30, 100))
        side, lots, replaced = data.draw(SIDES), data.draw(st.integers(1, 20)), 0
        number, strategy = data.draw(NUMBERS), data.draw(STRATEGIES)
        same = [one for one in pair.model.orders if (one.strategy, one.number, one.side) == (strategy, number, side)]
        opens = adds = lots if ASSETS[number].legs and data.draw(st.booleans()) else 0
        if same and data.draw(st.booleans()):
            replaced = same[0].left
            opens = lots if same[0].opens else 0
            adds = lots - replaced if same[0].opens else 0
        terms = (strategy, number, side, lots, ticks, stop, replaced, pair.now_ns, data.draw(st.sampled_from(DAYS)), opens, adds)
        _, rows = pair.native.check(*terms)
        expected = pair.model.check(*terms)
        found = [(RiskReason(reason), repr(float(value)), repr(limit)) for reason, value, limit in rows]
        assert found == [(reason, repr(float(value)), repr(float(limit))) for reason, (value, limit) in sorted(expected.items())]


@given(close=st.integers(1, 100_000), limit=st.sampled_from([0.05, 0.1, 0.2, 0.3, 0.07]), cents=st.sampled_from([1, 2, 20, 100]))
def test_reckoned_price_limits_are_those_of_the_instrument(close: int, limit: float, cents: int) -> None:
    """Risk rounds the day's limits as `Instrument.price_bounds` does, also where a half decides."""
    share = preset("cn_stock", "600519", "SSE", price_limit=limit, tick_size=cents / 100)
    risk = RiskEngine()
    risk.set_terms(1, share)
    risk.on_market(Tick(instrument=1, event_ns=START, prev_close=close / 100))
    bounds = share.price_bounds(close / 100)
    assert bounds is not None
    assert risk.native.price_limits(1) == tuple(share.ticks(bound) for bound in bounds)
