"""Orders at a counter, at the boundary of the library: real structs in its callbacks, in any order, more than once, or never."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan, nan
from types import SimpleNamespace
from typing import Any

import pytest
from fakes.china.counter import Counter
from patience import within

from gcg_quant.clock import to_iso
from gcg_quant.errors import CollectorError, GatewayError, OrderError
from gcg_quant.events import CancelCommand, Offset, OrderCommand, OrderStatus, OrderType, Side, TimeInForce
from gcg_quant.openctp_trader import Login, LoginGuard
from gcg_quant.strategy_engine.gateways import Change, GatewayReport

Started = Callable[..., tuple[Any, list[GatewayReport]]]


def order(bus: Any, client_id: str = "a-1", symbol: str = "rb2105", venue: str = "SHFE", **terms: Any) -> OrderCommand:
    """Return a command to buy two lots at 4,000, or with other terms."""
    usual: dict[str, Any] = {"side": Side.BUY, "offset": Offset.OPEN, "quantity": 2.0, "price": 4000.0, "order_type": OrderType.LIMIT}
    number = bus.instruments.number(symbol, venue)
    return OrderCommand(symbol=symbol, venue=venue, instrument=number, client_id=client_id, **{**usual, **terms})


def kinds(heard: list[GatewayReport]) -> list[str]:
    """Return the names of the reports' kinds."""
    return [report.kind.name for report in heard]


def inserts(counter: Counter) -> list[dict[str, Any]]:
    """Return the orders that were sent."""
    return [fields for name, fields in counter.requests if name == "OrderInsert"]


def test_an_order_is_acknowledged_traded_and_done(start: Started, counter: Counter, live_bus: Any, wait_until: Any) -> None:
    """The login is authenticated and confirmed; the exchange's number, both trades, their time and day come as reports."""
    gateway, heard = start()
    assert [name for name, _ in counter.requests] == ["Authenticate", "UserLogin", "SettlementInfoConfirm"]
    gateway.submit(order(live_bus))
    wait_until(lambda: heard)
    counter.trading.trade(1, 3999.0)
    counter.trading.trade(1, 4000.0)
    wait_until(lambda: len(heard) == 3)
    sent = inserts(counter)[0]
    assert (sent["OrderRef"], sent["CombOffsetFlag"], sent["TimeCondition"], sent["UserID"]) == ("13", "0", "3", "100001")
    assert kinds(heard) == ["ACCEPTED", "FILLED", "FILLED"]
    assert heard[0].venue_order_id == "SHFE:1001"
    assert [(one.trade_id, one.price, one.quantity, isnan(one.fee), one.trading_day) for one in heard[1:]] == [
        ("SHFE:1", 3999.0, 1.0, True, 20210104),
        ("SHFE:2", 4000.0, 1.0, True, 20210104),
    ]
    assert to_iso(heard[1].event_ns, "Asia/Shanghai") == "2021-01-04T09:35:00+08:00"
    assert all(one.client_id == "a-1" for one in heard)


def test_a_trade_before_its_order_and_messages_twice_lose_nothing(start: Started, counter: Counter, live_bus: Any, wait_until: Any) -> None:
    """A trade whose order is not known yet waits for it; what comes twice has the same trade id."""
    gateway, heard = start()
    counter.trading.deaf = True
    gateway.submit(order(live_bus))
    wait_until(lambda: counter.trading.orders)
    waiting = next(iter(counter.trading.orders.values()))
    waiting |= {"OrderSysID": f"{7:>12}", "OrderStatus": "3", "OrderSubmitStatus": "3"}
    counter.trading.trade(1, 4000.0, trade_first=True)
    counter.trading.trade(1, 4000.0, twice=True)
    wait_until(lambda: len(heard) == 4)
    assert kinds(heard) == ["ACCEPTED", "FILLED", "FILLED", "FILLED"]
    assert [one.trade_id for one in heard[1:]] == ["SHFE:1", "SHFE:2", "SHFE:2"]


def test_cancels_and_refusals_are_told_in_the_counters_words(start: Started, counter: Counter, live_bus: Any, wait_until: Any) -> None:
    """Cancelled, a cancel too late, refused by the counter, refused by the exchange; a change is always refused."""
    gateway, heard = start()
    gateway.submit(order(live_bus))
    wait_until(lambda: kinds(heard) == ["ACCEPTED"])
    gateway.cancel(CancelCommand(client_id="a-1"))
    wait_until(lambda: kinds(heard) == ["ACCEPTED", "CANCELLED"])
    gateway.cancel(CancelCommand(client_id="a-1"))
    wait_until(lambda: kinds(heard)[2:] == ["CANCEL_REFUSED"])
    assert heard[2].reason == "the order cannot be cancelled (error 26)"
    counter.errors["OrderInsert"] = [(31, "CTP: not enough money")]
    gateway.submit(order(live_bus, "a-2"))
    wait_until(lambda: kinds(heard)[3:] == ["REJECTED"])
    assert (heard[3].client_id, heard[3].reason) == ("a-2", "CTP: not enough money (error 31)")
    counter.trading.refuse_at_exchange = "outside of the price limits"
    gateway.submit(order(live_bus, "a-3"))
    wait_until(lambda: len(heard) == 6)
    assert {(one.client_id, one.kind.name) for one in heard[4:]} == {("a-3", "REJECTED")}
    assert [one.reason for one in heard[4:]] == ["outside of the price limits (error 36)", "outside of the price limits"]
    gateway.modify(Change(request=1, client_id="a-1", price=1.0), 7)
    assert kinds(heard)[6:] == ["MODIFY_REFUSED"]


@pytest.mark.parametrize(
    ("terms", "fields"),
    [
        ({"side": Side.SELL, "offset": Offset.CLOSE_TODAY}, {"Direction": "1", "CombOffsetFlag": "3"}),
        ({"offset": Offset.CLOSE_YESTERDAY}, {"CombOffsetFlag": "4"}),
        ({"symbol": "IF2101", "venue": "CFFEX", "offset": Offset.CLOSE_YESTERDAY}, {"CombOffsetFlag": "1"}),
        ({"offset": Offset.CLOSE}, {"CombOffsetFlag": "1"}),
        ({"time_in_force": TimeInForce.IOC}, {"TimeCondition": "1", "VolumeCondition": "1"}),
        ({"time_in_force": TimeInForce.FOK}, {"TimeCondition": "1", "VolumeCondition": "3"}),
        ({"time_in_force": TimeInForce.DAY}, {"TimeCondition": "3", "VolumeCondition": "1"}),
        (
            {"symbol": "IF2101", "venue": "CFFEX", "order_type": OrderType.MARKET, "price": nan},
            {"OrderPriceType": "1", "LimitPrice": 0.0, "TimeCondition": "1", "ExchangeID": "CFFEX"},
        ),
    ],
)
def test_what_an_order_says_to_the_counter(
    start: Started, counter: Counter, live_bus: Any, terms: dict[str, Any], fields: dict[str, Any]
) -> None:
    """Sides, offsets (today's lots apart at SHFE alone), times and price types have the letters of the library's header."""
    gateway, _ = start(options={"hedge": "hedge"})
    gateway.submit(order(live_bus, **terms))
    sent = inserts(counter)[0]
    assert {name: sent[name] for name in fields} == fields
    assert sent["CombHedgeFlag"] == "3"


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"order_type": OrderType.MARKET, "price": nan}, "SHFE takes no market orders"),
        ({"offset": Offset.NONE}, "says whether it opens or closes: give rb2105 an offset"),
        ({"price": nan}, "SHFE takes limit orders with a price"),
    ],
)
def test_what_no_exchange_takes_is_refused_before_it_is_sent(
    start: Started, counter: Counter, live_bus: Any, terms: dict[str, Any], words: str
) -> None:
    """An order that cannot be said is an OrderError, and nothing goes out."""
    gateway, _ = start()
    with pytest.raises(OrderError, match=words):
        gateway.submit(order(live_bus, **terms))
    assert not inserts(counter)


def test_flow_control_is_waited_for_and_no_connection_is_an_error(start: Started, counter: Counter, live_bus: Any) -> None:
    """-3 is tried again; -2 for good means that nothing was sent; so does a connection that has gone."""
    gateway, _ = start()
    counter.returns["OrderInsert"] = [-3]
    gateway.submit(order(live_bus))
    assert len(inserts(counter)) == 2
    counter.returns["OrderInsert"] = [-2] * 50
    with pytest.raises(OrderError, match="too many requests are waiting .code -2.; nothing was sent"):
        gateway.submit(order(live_bus, "a-2"))
    counter.stop()
    with pytest.raises(OrderError, match="nothing was sent"):
        gateway.submit(order(live_bus, "a-3"))


def ours(client_id: str) -> Any:
    """Return what `restore` needs of an order."""
    return SimpleNamespace(client_id=client_id, report=SimpleNamespace(event_ns=1))


def test_after_a_break_the_queries_tell_what_became_of_orders(start: Started, counter: Counter, live_bus: Any, wait_until: Any) -> None:
    """Fills and ends that nobody heard are found again; an order that got lost is unknown; another's is a stranger."""
    gateway, heard = start()
    gateway.submit(order(live_bus, "a-1"))
    gateway.submit(order(live_bus, "a-2"))
    wait_until(lambda: len(heard) == 2)
    counter.trading.lose = 1
    gateway.submit(order(live_bus, "a-3"))
    counter.trading.mute = True
    first, second = list(counter.trading.orders.values())
    counter.trading.trade(2, 3998.0, order=first)
    counter.trading.trade(1, 3997.0, order=second)
    second |= {"OrderStatus": "5", "StatusMsg": "cancelled"}
    counter.trading.orders[7, 99, "1"] = {**first, "SessionID": 99, "OrderRef": "1", "OrderSysID": "77", "OrderStatus": "3"}
    session = gateway.session
    counter.drop()
    assert gateway.wait_connected(20.0, after=session)
    heard.clear()
    gateway.restore([ours("a-1"), ours("a-2"), ours("a-3")])
    assert [(one.client_id, one.kind.name) for one in heard] == [
        ("a-1", "ACCEPTED"),
        ("a-1", "FILLED"),
        ("a-2", "ACCEPTED"),
        ("a-2", "FILLED"),
        ("a-2", "CANCELLED"),
        ("a-3", "UNKNOWN"),
    ]
    assert [(one.client_id, one.status, one.venue_order_id) for one in gateway.query_orders()] == [
        ("SHFE:77", OrderStatus.PARTLY_FILLED, "SHFE:77")
    ]


def test_a_restart_knows_its_orders_and_a_new_day_ends_them(start: Started, counter: Counter, live_bus: Any, wait_until: Any) -> None:
    """Another gateway on the same home hears of the first one's order, and cancels it; on the next trading day it has expired."""
    gateway, heard = start()
    gateway.submit(order(live_bus, "a-1"))
    wait_until(lambda: heard)
    gateway.close()
    again, told = start()
    again.restore([ours("a-1")])
    assert kinds(told) == ["ACCEPTED"]
    assert [one.client_id for one in again.query_orders()] == ["a-1"]
    counter.trading.trade(1, 4000.0)
    again.cancel(CancelCommand(client_id="a-1"))
    wait_until(lambda: kinds(told)[-1] == "CANCELLED")
    assert "FILLED" in kinds(told)
    again.close()
    counter.trading_day, counter.trading.orders = "20210105", {}
    last, later = start()
    last.restore([ours("a-1"), ours("a-9")])
    assert [(one.kind.name, one.reason) for one in later] == [("EXPIRED", "its trading day 20210104 is over"), ("UNKNOWN", "")]


def test_positions_and_cash_are_netted_as_we_count_them(start: Started, counter: Counter) -> None:
    """Rows by side and day become net lots; the cash has open positions at the prices at which they were opened."""
    gateway, _ = start(options={"cash": True})
    shared = {"InstrumentID": "rb2105", "ExchangeID": "SHFE"}
    money = {"PositionProfit": 100.0, "PositionCost": 80_000.0, "OpenCost": 79_000.0}
    counter.trading.positions = [
        {**shared, "PosiDirection": "2", "Position": 3, **money},
        {**shared, "PosiDirection": "2", "Position": 2, "PositionProfit": 0.0, "PositionCost": 0.0, "OpenCost": 0.0},
        {**shared, "PosiDirection": "3", "Position": 1, "PositionProfit": -10.0, "PositionCost": 500.0, "OpenCost": 400.0},
        {**shared, "InstrumentID": "rb2110", "PosiDirection": "3", "Position": 0},
    ]
    counter.trading.account = [{"Balance": 10_000.0, "CurrencyID": "CNY"}]
    assert gateway.query_positions() == {("rb2105", "SHFE"): 4.0}
    assert gateway.query_account() == {"CNY": 10_000.0 - (100.0 + 1000.0) - (-10.0 - 100.0)}


def test_a_question_without_an_answer_or_with_an_error_says_so(start: Started, counter: Counter, wait_until: Any) -> None:
    """A refused query is a GatewayError with its words; one that stays unanswered ends the connection, and another one is made."""
    patience_s = within(0.3, 5.0)
    gateway, _ = start(patience_s=patience_s)
    counter.errors["QryInvestorPosition"] = [(90, "CTP: not ready")]
    with pytest.raises(GatewayError, match="InvestorPosition: the counter is not ready for queries yet; CTP: not ready .error 90."):
        gateway.query_positions()
    counter.silent.add("QryInvestorPosition")
    session = gateway.session
    with pytest.raises(GatewayError, match=f"did not answer within {patience_s:g} s"):
        gateway.query_positions()
    counter.silent.clear()
    assert gateway.wait_connected(20.0, after=session)


def test_wrong_credentials_are_sent_once(make: Any, counter: Counter, live_bus: Any, wait_until: Any) -> None:
    """A counter locks a user after some wrong passwords: ours is not sent again, and the gateway says why it is down."""
    gateway = make(user={"password": "wrong-word"})
    gateway.open(live_bus, lambda report: None)
    wait_until(lambda: "not tried again" in gateway.failure)
    tried = counter.library.apis[0].counter.sessions
    wait_until(lambda: len([1 for name, _ in counter.requests if name == "UserLogin"]) == 1)
    assert gateway.failure == (
        "UserLogin: user or password is wrong; CTP: wrong password (error 3); "
        "it is not tried again with the same credentials before a restart"
    )
    assert tried == counter.sessions == 1
    gateway.close()


def test_a_refusal_is_remembered_in_the_same_words() -> None:
    """However often it is asked again, the sentence stays as it was."""
    login, guard = Login("9999", "100001", "wrong-word"), LoginGuard()
    said = guard.refused(login, CollectorError("wrong password", error=3))
    for _ in range(2):
        with pytest.raises(CollectorError, match="^wrong password; it is not tried again") as caught:
            guard.check(login)
        assert guard.refused(login, caught.value) is said
