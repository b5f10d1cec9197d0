"""Orders out as requests, answers back as Backtrader's states: the answers are written here as an engine would write them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import backtrader as bt
import pytest

from gcg_quant.backtest import EventDrivenBroker, EventDrivenCerebro, EventDrivenDataFeed
from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError
from gcg_quant.events import (
    AccountEvent,
    CancelRequest,
    Fill,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    OrderType,
    RiskReason,
    RiskVerdict,
    Side,
    TimeInForce,
)
from gcg_quant.instruments import Instrument

NAMES = bt.Order.Status


class Scripted(bt.Strategy):
    """Does at its n-th live bar what `script[n]` says, and notes what it is told."""

    params = (("script", None),)

    def __init__(self) -> None:
        self.calls = 0
        self.told: list[tuple[Any, ...]] = []
        self.trades: list[tuple[Any, ...]] = []
        self.orders: list[Any] = []
        self.funds: list[tuple[float, float]] = []

    def next(self) -> None:
        """Act."""
        self.calls += 1
        action = self.p.script.get(self.calls)
        if action is not None:
            action(self)

    def notify_order(self, order: Any) -> None:
        """Note an order's state, what is filled, and the position."""
        self.told.append((order.ref, NAMES[order.status], order.executed.size, self.position.size))
        self.orders.append(order)

    def notify_trade(self, trade: Any) -> None:
        """Note a trade."""
        self.trades.append((trade.status, trade.size, trade.pnl, trade.commission))

    def notify_cashvalue(self, cash: float, value: float) -> None:
        """Note cash and value."""
        self.funds.append((cash, value))


class Desk:
    """A live run, and the other side of its orders."""

    def __init__(self, kit: ModuleType, bus: EventBus, script: dict[int, Any], terms: Instrument | None = None, **feed: Any) -> None:
        self.kit, self.bus = kit, bus
        bus.instruments.add(terms or Instrument(symbol="X", venue="SIM", tick_size=0.05, lot_size=1.0))
        self.requests = bus.reader(start="end", events=[OrderRequest, CancelRequest])
        self.feed = EventDrivenDataFeed(dataname="X", period="1s", bus=bus, live=True, **feed)
        self.cerebro = EventDrivenCerebro()
        self.cerebro.adddata(self.feed)
        self.cerebro.broker = EventDrivenBroker(matching="engine", bus=bus, account="paper", strategy="me")
        self.cerebro.addstrategy(Scripted, script=script)
        self.cerebro.start(stdstats=False)
        self.bars = 100
        self.wait(lambda: self.feed._laststatus == self.feed.LIVE)

    @property
    def strategy(self) -> Scripted:
        """The running strategy."""
        found: Scripted = self.cerebro.runningstrats[0]
        return found

    def wait(self, condition: Any, timeout_s: float = 60.0) -> None:
        """Wait until a condition holds, or fail with what the run raised."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if self.cerebro._failure is not None:
                raise self.cerebro._failure
            assert time.monotonic() < deadline, "the condition did not come true in time"
            time.sleep(0.002)

    def bar(self, close: float = 100.0) -> None:
        """Publish the next bar and wait until the strategy has seen it."""
        seen = self.cerebro.bars_done
        self.bus.publish(self.kit.make_bar(self.kit.START_NS + self.bars * 10**9, close))
        self.bars += 1
        self.wait(lambda: self.cerebro.bars_done > seen)

    def request(self) -> Any:
        """Return the next request."""
        found = self.requests.read(60.0)
        assert found is not None, "no request came"
        return found

    def no_request(self) -> bool:
        """Return True if no request is there."""
        return self.requests.read(0.05) is None

    def key(self, request: OrderRequest) -> dict[str, Any]:
        """Return what every answer to a request carries."""
        return {
            "symbol": request.symbol,
            "venue": request.venue,
            "event_ns": self.kit.START_NS + self.bars * 10**9,
            "request": request.id,
            "account": request.account,
            "strategy": request.strategy,
            "client_id": request.client_id,
        }

    def state(self, request: OrderRequest, status: OrderStatus, filled: float = 0.0, reason: str = "") -> None:
        """Publish an order event."""
        terms = {"quantity": request.quantity, "filled_quantity": filled, "status": status, "reason": reason, "side": request.side}
        self.bus.publish(OrderEvent(**self.key(request), **terms))

    def fill(self, request: OrderRequest, quantity: float, price: float, fee: float = 0.0) -> None:
        """Publish a fill."""
        self.bus.publish(Fill(**self.key(request), side=request.side, quantity=quantity, price=price, fee=fee))

    def done(self, request: OrderRequest, price: float, fee: float = 0.0) -> None:
        """Accept and fill an order."""
        self.state(request, OrderStatus.ACCEPTED)
        self.fill(request, request.quantity, price, fee)
        self.state(request, OrderStatus.FILLED, request.quantity)

    def told(self) -> list[tuple[Any, ...]]:
        """Return what the strategy was told, with orders numbered from 1."""
        self.bar()
        first = self.strategy.told[0][0] if self.strategy.told else 0
        return [(ref - first + 1, *rest) for ref, *rest in self.strategy.told]

    def close(self) -> None:
        """End the run."""
        self.cerebro.stop()
        self.cerebro.wait(60.0)
        self.requests.close()


@pytest.fixture
def open_desk(kit: ModuleType, bus: EventBus) -> Iterator[Any]:
    """Return a function that opens a desk for a script; it is closed afterwards."""
    desks: list[Desk] = []

    def make(script: dict[int, Any], **feed: Any) -> Desk:
        desks.append(Desk(kit, bus, script, **feed))
        return desks[-1]

    yield make
    for desk in desks:
        desk.close()


def test_market_order_goes_out_and_comes_back_filled(open_desk: Any) -> None:
    """Submitted, Accepted, Completed; the position and the trade are those of the fill."""
    desk = open_desk({1: lambda s: s.buy(size=3), 3: lambda s: s.close()})
    desk.bar()
    request = desk.request()
    assert (request.side, request.order_type, request.quantity) == (Side.BUY, OrderType.MARKET, 3.0)
    assert (request.symbol, request.venue, request.account, request.strategy) == ("X", "SIM", "paper", "me")
    assert (request.source, request.cause >> 60) == ("me", 1)
    desk.done(request, 101.0, fee=0.3)
    assert desk.told() == [(1, "Submitted", 0, 3.0), (1, "Accepted", 0, 3.0), (1, "Completed", 3.0, 3.0)]
    assert desk.strategy.position.price == 101.0
    desk.bar()
    request = desk.request()
    assert (request.side, request.quantity) == (Side.SELL, 3.0)
    desk.done(request, 103.0, fee=0.3)
    desk.bar()
    assert desk.strategy.position.size == 0
    assert desk.strategy.trades[-1] == (bt.Trade.Closed, 0.0, 6.0, 0.6)
    assert desk.strategy.orders[-1].executed.comm == 0.3


def test_partial_fills_are_told_one_by_one(open_desk: Any) -> None:
    """Each fill is told once, whether the order event that counts it comes after or before it."""
    desk = open_desk({1: lambda s: s.sell(size=5)})
    desk.bar()
    request = desk.request()
    desk.state(request, OrderStatus.ACCEPTED)
    desk.fill(request, 2.0, 100.0)
    desk.state(request, OrderStatus.PARTLY_FILLED, 2.0)
    desk.state(request, OrderStatus.PARTLY_FILLED, 3.0)
    desk.fill(request, 1.0, 99.0)
    desk.fill(request, 2.0, 98.0)
    desk.state(request, OrderStatus.FILLED, 5.0)
    assert [row[1:3] for row in desk.told()] == [
        ("Submitted", 0),
        ("Accepted", 0),
        ("Partial", -2.0),
        ("Partial", -3.0),
        ("Completed", -5.0),
    ]
    assert desk.strategy.position.size == -5.0
    assert desk.strategy.position.price == pytest.approx((2 * 100 + 99 + 2 * 98) / 5)


def test_fractions_that_do_not_add_up_still_complete(open_desk: Any, bus: EventBus) -> None:
    """0.1 + 0.2 is not 0.3 in floats; the order is complete when the engine says so."""
    desk = open_desk({1: lambda s: s.buy(size=1)}, terms=Instrument(symbol="X", venue="SIM", lot_size=0.1))
    desk.bar()
    request = desk.request()
    desk.state(request, OrderStatus.ACCEPTED)
    for part in (0.1, 0.2, 0.7):
        desk.fill(request, part, 100.0)
    desk.state(request, OrderStatus.FILLED, 1.0)
    assert desk.told()[-1][1] == "Completed"
    assert desk.strategy.orders[-1].executed.remsize == 0


def test_parts_that_do_not_add_up_close_position_and_trade(open_desk: Any, bus: EventBus) -> None:
    """1.0 - 0.3 - 0.7 is not 0 in floats; position and trade are closed all the same."""
    desk = open_desk({1: lambda s: s.buy(size=1), 3: lambda s: s.sell(size=1)}, terms=Instrument(symbol="X", venue="SIM", lot_size=0.1))
    desk.bar()
    request = desk.request()
    desk.state(request, OrderStatus.ACCEPTED)
    for part in (0.3, 0.7):
        desk.fill(request, part, 100.0)
    desk.state(request, OrderStatus.FILLED, 1.0)
    desk.bar()
    desk.bar()
    request = desk.request()
    desk.state(request, OrderStatus.ACCEPTED)
    for part in (0.3, 0.1, 0.6):
        desk.fill(request, part, 101.0)
    desk.state(request, OrderStatus.FILLED, 1.0)
    desk.bar()
    assert desk.strategy.position.size == 0
    assert not desk.strategy.position
    status, _, profit, _ = desk.strategy.trades[-1]
    assert (status, profit) == (bt.Trade.Closed, pytest.approx(1.0))


@pytest.mark.parametrize(
    ("reasons", "word"),
    [(RiskReason.BUYING_POWER, "Margin"), (RiskReason.ORDER_SIZE, "Rejected"), (RiskReason.NONE, "Rejected")],
)
def test_refused_order_is_margin_or_rejected(open_desk: Any, bus: EventBus, reasons: RiskReason, word: str) -> None:
    """A refusal for lack of cash is Margin, any other Rejected; the reason stands in the order's info."""
    desk = open_desk({1: lambda s: s.buy()})
    desk.bar()
    request = desk.request()
    if reasons:
        bus.publish(RiskVerdict(**desk.key(request), reasons=reasons, passed=0, message="no"))
    desk.state(request, OrderStatus.REJECTED, reason="no")
    assert [row[1] for row in desk.told()] == ["Submitted", word]
    assert desk.strategy.orders[-1].info.reason == "no"


def test_cancel_goes_out_and_comes_back(open_desk: Any) -> None:
    """cancel() asks; the order is Canceled when the engine says so. An order that is done cannot be cancelled."""
    kept: list[Any] = []

    def place(strategy: Scripted) -> None:
        kept.append(strategy.buy(exectype=bt.Order.Limit, price=90.02, valid=bt.num2date(strategy.data.datetime[0] + 1)))

    desk = open_desk({1: place, 2: lambda s: s.cancel(kept[0]), 4: lambda s: kept.append(s.broker.cancel(kept[0]))})
    desk.bar()
    request = desk.request()
    assert (request.order_type, request.price, request.time_in_force) == (OrderType.LIMIT, 90.0, TimeInForce.GTD)
    assert request.expire_ns > desk.kit.START_NS + 86_000 * 10**9
    desk.state(request, OrderStatus.ACCEPTED)
    desk.bar()
    cancel = desk.request()
    assert isinstance(cancel, CancelRequest)
    assert (cancel.client_id, cancel.request) == (request.client_id, request.id)
    desk.state(request, OrderStatus.CANCELLED)
    assert [row[1] for row in desk.told()] == ["Submitted", "Accepted", "Canceled"]
    desk.bar()
    assert kept[1] is False
    assert desk.no_request()


def test_partly_filled_order_may_expire(open_desk: Any) -> None:
    """What was filled is told before the end."""
    desk = open_desk({1: lambda s: s.buy(size=2, exectype=bt.Order.Limit, price=99.0)})
    desk.bar()
    request = desk.request()
    desk.state(request, OrderStatus.ACCEPTED)
    desk.fill(request, 1.0, 99.0)
    desk.state(request, OrderStatus.EXPIRED, 1.0)
    assert [row[1:3] for row in desk.told()] == [("Submitted", 0), ("Accepted", 0), ("Partial", 1.0), ("Expired", 1.0)]


def test_terms_of_every_order_type(open_desk: Any) -> None:
    """Stop, stop-limit and trailing orders leave with their prices, rounded to the tick."""

    def place(s: Scripted) -> None:
        s.sell(exectype=bt.Order.Stop, price=95.02)
        s.buy(exectype=bt.Order.StopLimit, price=105.0, plimit=105.51)
        s.sell(exectype=bt.Order.StopTrail, trailamount=1.5)
        s.sell(exectype=bt.Order.StopTrailLimit, price=100.0, plimit=99.0, trailpercent=0.02)

    desk = open_desk({1: place})
    desk.bar()
    stop, stop_limit, trail, trail_limit = (desk.request() for _ in range(4))
    assert (stop.order_type, stop.stop_price) == (OrderType.STOP, 95.0)
    assert (stop_limit.order_type, stop_limit.stop_price, stop_limit.price) == (OrderType.STOP_LIMIT, 105.0, 105.5)
    assert (trail.order_type, trail.trail_amount) == (OrderType.TRAILING_STOP, 1.5)
    assert (trail_limit.order_type, trail_limit.trail_percent) == (OrderType.TRAILING_STOP_LIMIT, 0.02)


def test_children_of_a_bracket_wait_for_their_parent(open_desk: Any) -> None:
    """The children are sent when the parent is filled; when one of them is filled, the other is cancelled."""
    desk = open_desk({1: lambda s: s.buy_bracket(price=100.0, stopprice=95.0, limitprice=110.0)})
    desk.bar()
    parent = desk.request()
    assert (parent.side, parent.order_type, parent.price) == (Side.BUY, OrderType.LIMIT, 100.0)
    assert desk.no_request()
    desk.done(parent, 100.0)
    desk.bar()
    stop, limit = desk.request(), desk.request()
    assert (stop.order_type, stop.stop_price, limit.order_type, limit.price) == (OrderType.STOP, 95.0, OrderType.LIMIT, 110.0)
    desk.state(stop, OrderStatus.ACCEPTED)
    desk.done(limit, 110.0)
    desk.bar()
    cancel = desk.request()
    assert cancel.client_id == stop.client_id
    desk.state(stop, OrderStatus.CANCELLED)
    told = desk.told()
    assert [row[1] for row in told if row[0] == 1] == ["Submitted", "Accepted", "Completed"]
    assert [row[1] for row in told if row[0] == 2] == ["Submitted", "Accepted", "Canceled"]
    assert [row[1] for row in told if row[0] == 3] == ["Submitted", "Accepted", "Completed"]
    assert desk.strategy.position.size == 0


def test_refused_parent_takes_its_children_along(open_desk: Any) -> None:
    """Nothing of a bracket is sent when its parent is refused."""
    desk = open_desk({1: lambda s: s.sell_bracket(price=100.0, stopprice=105.0, limitprice=90.0)})
    desk.bar()
    desk.state(desk.request(), OrderStatus.REJECTED)
    assert [row[:2] for row in desk.told()][-3:] == [(1, "Rejected"), (2, "Canceled"), (3, "Canceled")]
    assert desk.no_request()


def test_one_cancels_the_others(open_desk: Any) -> None:
    """When an order of an OCO group is filled, cancel requests for the others leave."""

    def place(s: Scripted) -> None:
        first = s.buy(exectype=bt.Order.Limit, price=90.0)
        s.buy(exectype=bt.Order.Stop, price=110.0, oco=first)

    desk = open_desk({1: place})
    desk.bar()
    low, high = desk.request(), desk.request()
    desk.state(low, OrderStatus.ACCEPTED)
    desk.done(high, 110.0)
    desk.bar()
    assert desk.request().client_id == low.client_id
    desk.state(low, OrderStatus.CANCELLED)
    assert [row[1] for row in desk.told() if row[0] == 1][-1] == "Canceled"


def test_cash_and_value_are_the_account_s(open_desk: Any, bus: EventBus) -> None:
    """The newest AccountEvent before the start is taken over, and each later one; other accounts are not."""
    bus.publish(AccountEvent(account="paper", cash=900.0, available=800.0, equity=1000.0))
    bus.publish(AccountEvent(account="other", cash=1.0, available=1.0, equity=1.0))
    desk = open_desk({})
    desk.bar()
    bus.publish(AccountEvent(account="paper", cash=700.0, available=600.0, equity=1100.0))
    desk.bar()
    desk.bar()
    assert desk.strategy.funds[0] == (800.0, 1000.0)
    assert desk.strategy.funds[-1] == (600.0, 1100.0)
    assert desk.cerebro.broker.fundvalue == pytest.approx(110.0)


def test_currencies_of_an_account_are_added(open_desk: Any, bus: EventBus) -> None:
    """An account with two currencies shows the sum of both."""
    bus.publish(AccountEvent(account="paper", currency="USD", available=800.0, equity=1000.0))
    bus.publish(AccountEvent(account="paper", currency="CNY", available=-50.0, equity=10.0))
    desk = open_desk({})
    desk.bar()
    bus.publish(AccountEvent(account="paper", currency="CNY", available=-40.0, equity=20.0))
    desk.bar()
    desk.bar()
    assert (desk.strategy.funds[0], desk.strategy.funds[-1]) == ((750.0, 1010.0), (760.0, 1020.0))


def test_no_order_leaves_before_live(kit: ModuleType, open_desk: Any, bus: EventBus) -> None:
    """Even a strategy that is called on history and orders at every bar sends nothing: its orders are Rejected."""
    history = kit.stored(kit.random_bars(50, period="1s"))
    desk = open_desk({number: lambda s: s.buy() for number in range(1, 51)}, history=history, warmup="run")
    desk.bar()
    assert desk.no_request()
    with bus.reader(start="begin", events=[OrderRequest]) as reader:
        assert list(reader) == []
    told = desk.told()
    assert [row[1] for row in told].count("Rejected") == 50
    assert "not live yet" in desk.strategy.orders[-1].info.reason
    assert desk.strategy.position.size == 0


def test_order_types_of_a_backtest_only_are_rejected(open_desk: Any) -> None:
    """A Close order exists in a backtest only."""
    desk = open_desk({1: lambda s: s.buy(exectype=bt.Order.Close)})
    desk.bar()
    assert [row[1] for row in desk.told()] == ["Submitted", "Rejected"]
    assert "exist in a backtest with stock matching only" in desk.strategy.orders[-1].info.reason


def test_broker_without_a_bus_is_refused() -> None:
    """matching must be known, and the engine needs a bus."""
    with pytest.raises(BacktestError, match="one of 'stock', 'native', 'engine', not 'natife'"):
        EventDrivenBroker(matching="natife")
    with pytest.raises(BacktestError, match="needs the bus of a running system"):
        EventDrivenBroker(matching="engine")
    with pytest.raises(BacktestError, match="no parameter 'acount'. Did you mean 'account'"):
        EventDrivenBroker(acount="x")
