"""Positions as targets: what is sent so that a strategy holds what it wants, on the terms of each market."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan, nan
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.errors import OrderError
from gcg_quant.events import AccountEvent, Offset, OrderEvent, OrderFlag, OrderStatus, OrderType, PositionEvent, PositionSide, Side
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine.strategy.account_view import AccountBook
from gcg_quant.strategy_engine.strategy.market import Market
from gcg_quant.strategy_engine.strategy.portfolio import Portfolio
from gcg_quant.strategy_engine.strategy.session import Session, StrategyState
from gcg_quant.strategy_engine.strategy.sizing import PositionSizing
from gcg_quant.strategy_engine.strategy.targets import Targets

DAY_NS = 86_400_000_000_000
NOON_NS = 1_700_020_800_000_000_000  # 12:00 in Shanghai on 15 November 2023 (UTC 04:00)
SHARE = Instrument(symbol="A", venue="V", tick_size=0.01, lot_size=1.0)
LOTS = Instrument(symbol="A", venue="V", tick_size=0.01, lot_size=100.0)
A_SHARE = Instrument(symbol="A", venue="V", tick_size=0.01, lot_size=100.0, t_plus_one=True, calendar="XSHG", timezone="Asia/Shanghai")
FUTURE = Instrument(
    symbol="A", venue="V", tick_size=1.0, lot_size=1.0, multiplier=10.0, legs=True, calendar="SHFE", timezone="Asia/Shanghai"
)
APART = Instrument(
    symbol="A", venue="V", tick_size=1.0, lot_size=1.0, legs=True, today_apart=True, calendar="SHFE", timezone="Asia/Shanghai"
)


class Host:
    """What a session needs of its host: a bus, and the market on it."""

    history = bar_book = None
    accepts_orders = True

    def __init__(self, bus: EventBus) -> None:
        self.bus, self.market, self.account_book, self.sent = bus, Market(bus), AccountBook(), []  # type: ignore[var-annotated]

    def publish(self, event: Any, *, cause: int | None = None) -> int:
        """Publish an event and keep it."""
        self.sent.append(event)
        return self.bus.publish(event, cause=cause or 0)


class Holder(Targets):
    """A strategy's targets over a session, with a position that the test states."""

    def __init__(self, bus: EventBus, terms: Instrument) -> None:
        bus.instruments.add(terms)
        self.host, self.portfolio = Host(bus), Portfolio()
        self.made: Any = Session(self.host, "mine", ("A",), self.portfolio)  # type: ignore[arg-type]
        self.made.state, self.made.now_ns = StrategyState.RUNNING, NOON_NS

    @property
    def _session(self) -> Session:
        session: Session = self.made
        return session

    def hold(self, quantity: float, *, today: float = 0.0, at_ns: int = NOON_NS, side: PositionSide = PositionSide.NET) -> None:
        """State the position of a side."""
        known = {"symbol": "A", "venue": "V", "strategy": "mine", "event_ns": at_ns, "position_side": side}
        self.portfolio.settle(PositionEvent(**known, quantity=quantity, today=today, yesterday=quantity - today, average_price=1.0))

    @property
    def sent(self) -> list[tuple[Side, float, Offset]]:
        """What was asked for."""
        return [(one.side, one.quantity, one.offset) for one in self.host.sent]


class Sized(PositionSizing, Holder):
    """The same with the parameters `value` and `equity_percent`."""


@pytest.fixture
def holder(bus: EventBus) -> Callable[[Instrument], Holder]:
    """Return a function that makes a holder of an instrument with some terms."""
    return lambda terms: Holder(bus, terms)


@pytest.mark.parametrize(
    ("held", "target", "sent", "reduces"),
    [
        (0, 5, (Side.BUY, 5.0), False),
        (5, 8, (Side.BUY, 3.0), False),
        (5, 2, (Side.SELL, 3.0), True),
        (5, 0, (Side.SELL, 5.0), True),
        (5, -2, (Side.SELL, 7.0), False),
        (-5, 0, (Side.BUY, 5.0), True),
        (-5, 4, (Side.BUY, 9.0), False),
        (0.4, 0, (Side.SELL, 0.4), True),
        (0, 5.6, (Side.BUY, 6.0), False),
    ],
)
def test_difference_is_sent(held: float, target: float, sent: Any, reduces: bool, holder: Any) -> None:
    """What is missing is sent at the market in whole lots (an odd rest is closed whole); what only reduces says so."""
    one = holder(SHARE)
    one.hold(held)
    assert one.order_target(target) is not None
    (request,) = one.host.sent
    assert (request.side, request.quantity, request.order_type) == (*sent, OrderType.MARKET)
    assert bool(request.order_flags & OrderFlag.REDUCE_ONLY) == reduces


@pytest.mark.parametrize(("held", "target"), [(5, 5), (0, 0), (5, 5.4), (0, 0.3)])
def test_nothing_is_sent_where_nothing_is_missing(held: float, target: float, holder: Any) -> None:
    """Less than half a lot is nothing."""
    one = holder(SHARE)
    one.hold(held)
    assert one.order_target(target) is None
    assert one.sent == []


def test_nothing_is_sent_beside_a_working_order(holder: Any, bus: EventBus) -> None:
    """While an order works nothing is added; a stop that waits does not count; after the end it goes on."""
    one = holder(SHARE)
    first = one.order_target(5)
    assert one.order_target(7) is None
    one.portfolio.order(OrderEvent(symbol="A", venue="V", strategy="mine", client_id=first, status=OrderStatus.REJECTED))
    waiting = {"symbol": "A", "venue": "V", "strategy": "mine", "client_id": "stop", "side": Side.SELL, "quantity": 5.0}
    one.portfolio.order(OrderEvent(**waiting, status=OrderStatus.ACCEPTED, order_type=OrderType.STOP, stop_price=1.0))
    assert one.order_target(7) is not None


def test_t_plus_one_sells_what_is_older_and_never_short(holder: Any) -> None:
    """Of 500 shares of which 200 were bought today 300 go, tomorrow all of them; and no more than those."""
    one = holder(A_SHARE)
    one.hold(500.0, today=200.0)
    assert one.sellable() == 300.0
    one.order_target(-500)
    assert one.sent == [(Side.SELL, 300.0, Offset.NONE)]
    one.portfolio.orders.clear()
    one.made.now_ns += DAY_NS
    assert one.sellable() == 500.0
    one.order_target(-500)
    assert one.sent[1:] == [(Side.SELL, 500.0, Offset.NONE)]
    one.portfolio.orders.clear()
    one.hold(100.0, today=100.0, at_ns=NOON_NS + DAY_NS)
    assert one.order_target(0) is None


def test_turning_round_with_legs_closes_and_opens(holder: Any) -> None:
    """Where long and short are apart, one order closes and another opens."""
    one = holder(FUTURE)
    one.hold(3.0, side=PositionSide.LONG)
    one.order_target(-2)
    assert one.sent == [(Side.SELL, 3.0, Offset.NONE), (Side.SELL, 2.0, Offset.OPEN)]


def test_lots_of_both_days_are_closed_apart(holder: Any) -> None:
    """At SHFE the older lots and today's take an order each; of yesterday's event all lots are older."""
    one = holder(APART)
    one.hold(5.0, today=2.0, side=PositionSide.LONG)
    one.order_target(0)
    assert one.sent == [(Side.SELL, 3.0, Offset.CLOSE_YESTERDAY), (Side.SELL, 2.0, Offset.CLOSE_TODAY)]
    one.portfolio.orders.clear()
    one.made.now_ns += DAY_NS
    one.order_target(1)
    assert one.sent[2:] == [(Side.SELL, 4.0, Offset.NONE)]


def test_quantity_worth_is_in_lots(holder: Any) -> None:
    """A value is made whole lots, downwards; one lot at least."""
    assert holder(LOTS).quantity_worth(10_000, 33) == 300.0
    assert holder(LOTS).quantity_worth(10, 33) == 100.0


def test_quantity_worth_counts_the_multiplier(holder: Any) -> None:
    """A contract is worth its multiplier times its price."""
    assert holder(FUTURE).quantity_worth(10_000, 33) == 30.0


@pytest.mark.parametrize("price", [0.0, -1.0, nan])
def test_quantity_worth_needs_a_price(price: float, holder: Any) -> None:
    """Without a price above 0 there is no quantity."""
    with pytest.raises(OrderError, match="needs a price above 0"):
        holder(SHARE).quantity_worth(1000, price)


def test_share_of_the_equity_is_in_lots(holder: Any) -> None:
    """A share of the equity is made whole lots, one at least; it grows and shrinks with the account."""
    one = holder(SHARE)
    for equity, quantity in ((10_000.0, 150.0), (12_000.0, 180.0), (7_990.0, 120.0), (20.0, 1.0)):
        one.host.account_book.note(AccountEvent(account="paper", currency="USD", equity=equity))
        assert one.equity_share(50.0) == equity / 2
        assert one.quantity_of_equity(50.0, 33.25) == quantity


@pytest.mark.parametrize("equity", [nan, 0.0, -5.0])
def test_nothing_can_be_sized_by_no_equity(equity: float, holder: Any) -> None:
    """Not told yet, lost, or owed: the quantity is 0."""
    one = holder(SHARE)
    assert isnan(one.equity_share(50.0))
    one.host.account_book.note(AccountEvent(account="paper", currency="USD", equity=equity))
    assert one.quantity_of_equity(50.0, 33.0) == 0.0


def test_size_of_a_position_is_its_value_or_a_share_of_the_equity(bus: EventBus) -> None:
    """Without a percentage a position is worth `value`; where the equity is not known (told once) or below zero there is none."""
    one: Any = Sized(bus, SHARE)
    one.value = 3000.0
    assert one.position_size(30.0) == 100.0
    one.equity_percent = 20.0
    assert (one.position_size(30.0), one.position_size(30.0)) == (0.0, 0.0)
    (told,) = one.host.sent
    assert told.message == "The account's equity in USD is not known: no position is sized by it until it is."
    one.host.account_book.note(AccountEvent(account="paper", currency="USD", equity=30_000.0))
    assert (one.position_size(30.0), one.stake(1.0)) == (200.0, 6000.0)
    one.host.account_book.note(AccountEvent(account="paper", currency="USD", equity=-1.0))
    assert one.position_size(30.0) == 0.0
    one.equity_percent = 0.0
    assert one.position_size(30.0) == 100.0
