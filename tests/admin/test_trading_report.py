"""Rows and sums of trading from events, and what is used of the limits."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from gcg_quant.admin.monitor import Monitor
from gcg_quant.admin.reports.risk_report import risk_report
from gcg_quant.admin.reports.trading_report import (
    account_rows,
    funding_rows,
    gateway_rows,
    order_rows,
    position_rows,
    position_totals,
    strategy_profits,
)
from gcg_quant.admin.views.system_view import BACKTEST_REMOVED, SystemView
from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_DAY, NS_PER_HOUR
from gcg_quant.events import (
    AccountEvent,
    Applied,
    BacktestRequestEvent,
    ConfigChangeEvent,
    FundingPayment,
    GatewayStatus,
    Offset,
    OrderEvent,
    OrderStatus,
    PositionEvent,
    PositionSide,
    RiskReason,
    RiskVerdict,
    Side,
    SystemEvent,
    Tick,
)
from gcg_quant.instruments import Instrument
from gcg_quant.packing import pack_state, unpack_state
from gcg_quant.settings import Settings

DAY = 20_000 * NS_PER_DAY


def begin(bus: EventBus) -> None:
    """Publish what a run begins with: its settings and its process groups."""
    bus.publish(SystemEvent(action="start"))
    changes = {f"{section}.{key}": value for section, keys in Settings().dump().items() for key, value in keys.items()}
    bus.publish(ConfigChangeEvent(revision=1, changes=changes, origin="demo"))
    bus.publish(SystemEvent(action="group_started", component="market", data={"pid": 1, "components": ["trading-paper"]}))


def order(request: int, status: OrderStatus, **fields: Any) -> OrderEvent:
    """Return an order of strategy s."""
    terms = {"symbol": "X", "venue": "V", "account": "a", "strategy": "s", "gateway": "paper", "side": Side.BUY, "quantity": 5.0} | fields
    return OrderEvent(request=request, client_id=f"c{request}", status=status, **terms)


@pytest.mark.parametrize(("larger", "used"), [(True, 9.0), (False, 16.0)])
def test_sides_that_are_held_apart_count_as_the_venue_margins_them(bus: EventBus, larger: bool, used: float) -> None:
    """The larger side or both, with the open orders that open; what closes counts nothing."""
    bus.instruments.add(Instrument(symbol="X", venue="V", legs=True, larger_side=larger, kind="future"))
    begin(bus)
    bus.publish(held("s", 4.0, position_side=PositionSide.LONG))
    bus.publish(held("t", -7.0, position_side=PositionSide.SHORT))
    bus.publish(order(1, OrderStatus.ACCEPTED, offset=Offset.OPEN, quantity=3.0))
    bus.publish(order(2, OrderStatus.ACCEPTED, offset=Offset.OPEN, side=Side.SELL, quantity=2.0))
    bus.publish(order(3, OrderStatus.ACCEPTED, offset=Offset.CLOSE, side=Side.SELL, quantity=4.0))
    usage = {row["limit"]: row["used"] for row in risk_report(SystemView.of(bus), bus)["limits"]}
    assert usage["max_position_quantity"] == used
    assert usage["max_position_value"] == used * 10.0


def held(strategy: str, quantity: float, **fields: Any) -> PositionEvent:
    """Return a position."""
    terms = {"symbol": "X", "venue": "V", "account": "a", "currency": "USD", "last_price": 10.0} | fields
    return PositionEvent(strategy=strategy, quantity=quantity, **terms)


def test_orders_are_chosen(bus: EventBus) -> None:
    """Open ones or all, by strategy, symbol with or without venue, or pattern; an answer about no order is none."""
    bus.publish(order(1, OrderStatus.ACCEPTED))
    bus.publish(order(2, OrderStatus.FILLED))
    bus.publish(order(3, OrderStatus.ACCEPTED, symbol="Y", strategy="t"))
    bus.publish(order(0, OrderStatus.REJECTED))
    view = SystemView.of(bus)
    assert [row["request"] for row in order_rows(view)] == [1, 3]
    assert [row["request"] for row in order_rows(view, every=True)] == [1, 2, 3]
    assert [row["request"] for row in order_rows(view, strategy="t")] == [3]
    for symbol in ("X", "X@V", "[X]@*"):
        assert [row["request"] for row in order_rows(view, symbol=symbol)] == [1]
    assert order_rows(view)[0]["price"] is None
    json.dumps(order_rows(view, every=True), allow_nan=False)


def test_positions_add_up_over_strategies_but_not_over_legs(bus: EventBus) -> None:
    """Totals are by account, instrument and leg; what is closed is left out unless asked for."""
    bus.publish(held("s", 3.0, today=1.0, yesterday=2.0, frozen=1.0, realised_pnl=5.0, fees=0.5, margin=7.0))
    bus.publish(held("t", -1.0, today=1.0, unrealised_pnl=-2.0))
    bus.publish(held("u", 0.0, realised_pnl=9.0))
    bus.publish(held("s", 4.0, symbol="F", position_side=PositionSide.LONG))
    bus.publish(held("s", -4.0, symbol="F", position_side=PositionSide.SHORT))
    view = SystemView.of(bus)
    rows = position_rows(view)
    assert len(rows) == 4
    assert len(position_rows(view, every=True)) == 5
    totals = {(row["symbol"], row["side"]): row for row in position_totals(rows)}
    net = totals["X", "net"]
    assert [net[name] for name in ("quantity", "today", "yesterday", "frozen", "realised_pnl", "unrealised_pnl", "fees", "margin")] == [
        2.0,
        2.0,
        2.0,
        1.0,
        5.0,
        -2.0,
        0.5,
        7.0,
    ]
    assert (net["strategies"], totals["F", "long"]["quantity"], totals["F", "short"]["quantity"]) == (2, 4.0, -4.0)
    profits = {row["strategy"]: row["profit"] for row in strategy_profits(view)}
    assert profits == {"s": 4.5, "t": -2.0, "u": 9.0}


def test_profit_of_today_counts_from_the_day_s_first_event(bus: EventBus) -> None:
    """A new book counts from its beginning, an old one from where the daily loss limit counts."""
    for hours, equity, realised in ((20, 100.0, 0.0), (23, 110.0, 10.0), (25, 105.0, 5.0), (26, 125.0, 25.0)):
        bus.publish(AccountEvent(account="a", currency="USD", equity=equity, realised_pnl=realised, event_ns=DAY + hours * NS_PER_HOUR))
    bus.publish(AccountEvent(account="a", currency="EUR", equity=-3.0, unrealised_pnl=-2.0, fees=1.0, event_ns=DAY + 26 * NS_PER_HOUR))
    assert {row["currency"]: row["profit_today"] for row in account_rows(SystemView.of(bus))} == {"USD": 20.0, "EUR": -3.0}


def test_gateway_tells_its_state_orders_and_latency(bus: EventBus) -> None:
    """Latency is from SUBMITTING to the first answer; a gateway whose process is gone is down, whatever it said last."""
    begin(bus)
    bus.publish(GatewayStatus(gateway="paper", account="a", status="connected"), source="trading-paper")
    for request in (1, 2, 3):
        bus.publish(order(request, OrderStatus.SUBMITTING))
    for request in (1, 2):
        bus.publish(order(request, OrderStatus.ACCEPTED))
    bus.publish(order(1, OrderStatus.FILLED))
    (row,) = gateway_rows(SystemView.of(bus))
    assert (row["status"], row["working_orders"], row["answers"]) == ("connected", 2, 2)
    assert 0 <= row["latency_p50_ms"] <= row["latency_p99_ms"]
    assert gateway_rows(SystemView.of(bus), running=False)[0]["status"] == "down"
    bus.publish(SystemEvent(action="group_died", component="market", detail="exit code -9"))
    assert gateway_rows(SystemView.of(bus))[0]["status"] == "down"


def test_usage_of_limits(bus: EventBus) -> None:
    """Open orders, the day's loss over all currencies, and the largest position with its worse side's open orders."""
    begin(bus)
    bus.instruments.add(Instrument(symbol="X", venue="V", multiplier=10.0, currency="USD"))
    bus.instruments.add(Instrument(symbol="USD/JPY", venue="V", kind="fx", currency="JPY"))
    bus.publish(Tick(symbol="USD/JPY", venue="V", event_ns=DAY, bid_price=199.0, ask_price=201.0))
    for equity in (1000.0, 900.0):
        bus.publish(AccountEvent(account="a", currency="USD", equity=equity, event_ns=DAY))
    for equity in (0.0, -4000.0):
        bus.publish(AccountEvent(account="a", currency="JPY", equity=equity, event_ns=DAY))
    bus.publish(held("s", 3.0))
    bus.publish(held("t", -1.0))
    bus.publish(order(1, OrderStatus.PARTLY_FILLED, filled_quantity=1.0))
    bus.publish(order(2, OrderStatus.ACCEPTED, side=Side.SELL, quantity=2.0))
    bus.publish(order(3, OrderStatus.CANCELLED, quantity=1e9))
    report = risk_report(SystemView.of(bus), bus)
    used = {row["limit"]: (row["used"], row["where"]) for row in report["limits"]}
    assert used["max_open_orders"] == (2, "")
    assert used["max_position_quantity"] == (6.0, "X@V")  # 2 held and 4 to buy
    assert used["max_position_value"] == (600.0, "X@V")
    assert used["max_concentration"] == (pytest.approx(600.0 / 880.0), "X@V")
    assert used["max_daily_loss"] == (120.0, "")  # 100 dollars, and 4000 yen at 200
    assert used["max_order_value"] == (None, "")
    assert (report["profit_today"], report["currency"]) == (-120.0, "USD")
    json.dumps(report, allow_nan=False)


def test_usage_is_that_of_the_account_which_uses_the_most(bus: EventBus) -> None:
    """Each account is checked by itself: what another has open, holds or has lost is not added."""
    begin(bus)
    bus.instruments.add(Instrument(symbol="X", venue="V"))
    for account, loss, quantity in (("a", 40.0, 2.0), ("b", 100.0, 1.0)):
        for equity in (1000.0, 1000.0 - loss):
            bus.publish(AccountEvent(account=account, currency="USD", equity=equity, event_ns=DAY))
        bus.publish(held("s", quantity, account=account))
    bus.publish(order(1, OrderStatus.ACCEPTED))
    bus.publish(order(2, OrderStatus.ACCEPTED, account="b", side=Side.SELL, quantity=0.5))
    view = SystemView.of(bus)
    used = {row["limit"]: row["used"] for row in risk_report(view, bus)["limits"]}
    assert (used["max_open_orders"], used["max_position_quantity"], used["max_daily_loss"]) == (1, 7.0, 100.0)
    assert [row["request"] for row in order_rows(view, account="b")] == [2]
    assert [row["quantity"] for row in position_rows(view, account="a")] == [2.0]


def test_limits_in_force_are_what_engines_have_applied(bus: EventBus) -> None:
    """A run begins with its settings; a request counts when it is applied; refusals name every reason, the newest last."""
    begin(bus)
    control = bus.publish(ConfigChangeEvent(revision=0, changes={"risk.price_band": 0.5}, origin="console"))
    bands = [row["value"] for row in risk_report(SystemView.of(bus), bus)["limits"] if row["limit"] == "price_band"]
    assert bands == [0.1]
    bus.publish(Applied(control=control, component="trading-paper", detail='{"risk.price_band":0.5}'))
    tables = '{"risk.overrides":[{"strategy":"s","symbol":"","price_band":"off","max_order_value":null}]}'
    bus.publish(Applied(control=control, component="trading-paper", detail=tables))
    for number in range(3):
        reasons = int(RiskReason.PRICE_BAND | RiskReason.KILL_SWITCH)
        bus.publish(RiskVerdict(client_id=f"c{number}", symbol="X", passed=0, reasons=reasons, message="both"))
    bus.publish(RiskVerdict(client_id="good", symbol="X", passed=1))
    report = risk_report(SystemView.of(bus), bus, refusals=2)
    assert [row["value"] for row in report["limits"] if row["limit"] == "price_band"] == [0.5]
    assert report["overrides"] == [{"strategy": "s", "price_band": "off"}]
    assert [row["client_id"] for row in report["refusals"]] == ["c1", "c2"]
    assert report["refusals"][0]["reasons"] == ["price_band", "kill_switch"]
    assert risk_report(SystemView.of(bus), bus, refusals=0)["refusals"] == []


@pytest.mark.parametrize("count", [1, 3000])
def test_monitor_catches_up_with_what_was_published_before(bus: EventBus, count: int) -> None:
    """After catch_up() the view holds all that was on the bus at the call, also what is on the control lane alone."""
    monitor = Monitor()
    monitor.start(bus)
    deadline = time.monotonic() + 30
    while monitor.state != "running":
        assert time.monotonic() < deadline, "the monitor did not start"
        time.sleep(0.002)
    for _ in range(3):
        for _ in range(count):
            last = bus.publish(AccountEvent(account="a", currency="USD", equity=1.0))
        monitor.catch_up(10.0)
        assert monitor.ask(lambda view: view.accounts["a", "USD"].id) == last
        for number in range(count):
            bus.publish(BacktestRequestEvent(run=f"r{number}", file="f", symbols=("X",)))
        monitor.catch_up(10.0)
        assert monitor.ask(lambda view: list(view.backtests)[-1]) == f"r{count - 1}"
        bus.publish(SystemEvent(action=BACKTEST_REMOVED, component=f"r{count - 1}"))
        monitor.catch_up(10.0)
        assert monitor.ask(lambda view: f"r{count - 1}" not in view.backtests)
    assert monitor.stop(60.0)


def test_funding_is_told_by_position_the_newest_first(bus: EventBus) -> None:
    """A venue's payment names its id and no rate, one on paper the other way round; a view that was put down has them, too."""
    names: dict[str, Any] = {"symbol": "X", "venue": "V", "account": "a", "currency": "USD"}
    paper = {"rate": 0.001, "price": 100.0, "payments": [("s", 0, 2.0, -0.2), ("t", 0, -1.0, 0.1)]}
    bus.publish(FundingPayment(**names, **paper, event_ns=DAY, due_ns=DAY))
    told = {"rate": float("nan"), "price": float("nan"), "payment_id": "77", "payments": [("s", 0, 2.0, 0.3)]}
    bus.publish(FundingPayment(**names, **told, event_ns=DAY + 1, due_ns=DAY + 1))
    view = SystemView.of(bus)
    again = SystemView()
    again.load(unpack_state(pack_state(view.dump())))
    for one in (view, again):
        rows = funding_rows(one)
        assert [(row["strategy"], row["side"], row["quantity"], row["amount"], row["payment_id"]) for row in rows] == [
            ("s", "net", 2.0, 0.3, "77"),
            ("s", "net", 2.0, -0.2, ""),
            ("t", "net", -1.0, 0.1, ""),
        ]
        assert [(row["rate"], row["price"], row["due_ns"]) for row in rows[:2]] == [(None, None, DAY + 1), (0.001, 100.0, DAY)]
