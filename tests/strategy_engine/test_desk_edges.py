"""What a venue, a strategy or a long run may do to the desk that must not cost money: odd reports, odd changes, old ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf, nan
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import from_iso
from gcg_quant.events import (
    AccountEvent,
    AlertEvent,
    Fill,
    LogEvent,
    ModifyRequest,
    OrderEvent,
    OrderFlag,
    OrderRequest,
    OrderStatus,
    RiskVerdict,
    Side,
    Tick,
    TimeInForce,
)
from gcg_quant.instruments import preset
from gcg_quant.strategy_engine import RiskLimits, TradingConfig, TradingEngine
from gcg_quant.strategy_engine.gateways.base import GatewayReport, ReportKind
from gcg_quant.strategy_engine.orders import manager as orders_module
from gcg_quant.strategy_engine.orders.manager import OrderManager
from gcg_quant.strategy_engine.orders.order import WholeTerms, expiry_of

from .test_held import NAMES, NOW, SECOND, Floor, PlainVenue

Journal = Callable[..., list[Any]]


@pytest.fixture
def floor(bus: EventBus) -> Iterator[Floor]:
    """Return a floor with a market at 100."""
    made = Floor(bus, RiskLimits(self_trade=False))
    made.tick(100.0)
    yield made
    assert made.engine.stop()


def report(floor: Floor, kind: ReportKind, client_id: str, **fields: Any) -> None:
    """Let the venue report something, and show the market again."""
    floor.engine.desk.listen(GatewayReport(kind=kind, client_id=client_id, event_ns=NOW + floor.seconds * SECOND, **fields))
    floor.tick(100.0)


def change(floor: Floor, client_id: str, **terms: float) -> str:
    """Ask for a change; return the reason of the order's last event."""
    floor.say(ModifyRequest(client_id=client_id, **{**NAMES, "event_ns": NOW + floor.seconds * SECOND}, **terms))
    with floor.bus.reader(start="begin", events=[OrderEvent]) as reader:
        return [one.reason for one in reader if isinstance(one, OrderEvent) and one.client_id == client_id][-1]


ODD_FILLS = {
    "not a multiple": {"quantity": 0.123456789},
    "above 0": {"quantity": 0.0},
    "must be a number": {"quantity": nan},
    "price is nan": {"price": nan},
    "fee is inf": {"fee": inf},
    "no trade id": {"trade_id": ""},
}


@pytest.mark.parametrize("words", ODD_FILLS)
def test_fill_that_cannot_be_booked_is_told_and_booked_nowhere(floor: Floor, journal: Journal, bus: EventBus, words: str) -> None:
    """An alert calls for a person; nothing is half done, the next fill counts, and a restart reads all of it."""
    floor.order("a", Side.BUY, 2.0, 90.0)
    good = {"trade_id": "t1", "price": 90.0, "quantity": 1.0, "fee": 0.5, "fee_currency": "USDT"}
    report(floor, ReportKind.FILLED, "a", **{**good, **ODD_FILLS[words]})
    (alert,) = [one for one in journal(AlertEvent) if one.name == "odd_fill"]
    assert words in alert.message
    assert "order 'a'" in alert.message
    assert journal(Fill) == []
    report(floor, ReportKind.FILLED, "a", **good)
    assert [(one.price, one.quantity, one.fee) for one in journal(Fill)] == [(90.0, 1.0, 0.5)]
    assert journal(OrderEvent)[-1].filled_quantity == 1.0
    assert floor.engine.stop()
    second = TradingEngine(TradingConfig(cash=100_000.0), None, PlainVenue())
    second.start(bus, threaded=False)
    assert second.desk.books.accounts.total(floor.number) == second.desk.terms.get(floor.number).lots(1.0)
    assert second.stop()


def test_report_that_makes_no_sense_stops_nothing(floor: Floor, journal: Journal) -> None:
    """A price between two ticks is told in the log; what the venue reports next is handled."""
    floor.order("a", Side.BUY, 2.0, 90.0)
    floor.engine.desk.listen(GatewayReport(kind=ReportKind.TRAILED, client_id="a", event_ns=NOW, price=90.0000001))
    report(floor, ReportKind.CANCELLED, "a")
    assert any("paper reported TRAILED" in one.message for one in journal(LogEvent))
    assert journal(OrderEvent)[-1].status == OrderStatus.CANCELLED


def test_changed_prices_are_checked_as_new_ones(floor: Floor) -> None:
    """A limit or stop price of nothing, or below, is no price, whether it comes with an order or later."""
    floor.order("a", Side.SELL, 1.0, 110.0)
    floor.order("b", Side.SELL, 1.0, stop_price=90.0)
    assert change(floor, "a", price=0.0) == "change refused: The limit price must be above 0, found 0."
    assert change(floor, "a", price=-5.0) == "change refused: The limit price must be above 0, found -5."
    assert change(floor, "b", stop_price=-1.0) == "change refused: The stop price must be above 0, found -1."
    assert change(floor, "a", price=111.0) == "modified"


def test_reduce_only_order_does_not_grow_beyond_the_position(floor: Floor, journal: Journal) -> None:
    """A larger quantity is held against what may be closed, less what others close: also after a restart."""
    floor.order("in", Side.BUY, 3.0)
    floor.order("other", Side.SELL, 1.0, 120.0)
    floor.order("out", Side.SELL, 1.0, 110.0, order_flags=OrderFlag.REDUCE_ONLY)
    assert "reduce-only: 3 is more than the 2 that can be closed" in change(floor, "out", quantity=3.0)
    assert change(floor, "out", quantity=2.0) == "modified"
    assert floor.engine.stop()
    floor.engine = TradingEngine(TradingConfig(cash=100_000.0), None, PlainVenue())
    floor.engine.start(floor.bus, threaded=False)
    assert "reduce-only: 4 is more than the 2 that can be closed" in change(floor, "out", quantity=4.0)


def test_order_until_no_time_is_refused(floor: Floor, journal: Journal) -> None:
    """GTD without its end would work for ever."""
    floor.order("a", Side.BUY, 1.0, 90.0, time_in_force=TimeInForce.GTD)
    assert "a GTD order needs the time at which it ends (expire_ns)" in journal(RiskVerdict)[-1].message
    assert journal(OrderEvent)[-1].status == OrderStatus.REJECTED


def test_fills_of_an_open_order_are_never_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is traded meanwhile, a venue that reports an old fill of it again reports nothing new; memory stays bounded."""
    monkeypatch.setattr(orders_module, "_IDS_KEPT", 8)
    manager = OrderManager("a", "g", lambda event, *, cause=None: 1)
    coin = preset("crypto", "BTC/USDT", "SIM")
    old = manager.create(OrderRequest(symbol="BTC/USDT", client_id="old", quantity=9.0), 1, 1, coin, WholeTerms(9))
    assert manager.is_new_trade(old, "first")
    for number in range(2, 60):
        one = manager.create(OrderRequest(symbol="BTC/USDT", client_id=f"k{number}", quantity=1.0), number, 1, coin, WholeTerms(1))
        assert manager.is_new_trade(one, "t")
        manager.move(one, OrderStatus.REJECTED, event_ns=1)
    assert not manager.is_new_trade(old, "first")
    assert manager.knows("old")
    *_, trades = manager.put_down()
    assert len(trades) == 8


def test_request_of_a_forgotten_client_id_is_answered_once(
    floor: Floor, journal: Journal, bus: EventBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its order is long forgotten; the refusal is an event, so that no restart takes the request for one without an answer."""
    monkeypatch.setattr(orders_module, "_FINISHED_KEPT", 1)
    for client_id in ("a", "b", "a"):
        last = floor.order(client_id, Side.BUY, 1.0)
    answer = journal(OrderEvent)[-1]
    assert (answer.cause, answer.request, answer.status) == (last, 0, OrderStatus.REJECTED)
    assert answer.reason == "order refused: its client id was used before"
    assert len(journal(Fill)) == 2
    assert floor.engine.stop()
    told = len(journal(LogEvent, OrderEvent))
    second = TradingEngine(TradingConfig(cash=100_000.0), None, PlainVenue())
    second.start(bus, threaded=False)
    second.turn()
    assert len(journal(LogEvent, OrderEvent)) == told
    assert second.stop()


def test_rates_are_found_behind_changed_terms(bus: EventBus, journal: Journal) -> None:
    """New terms of an instrument are a row of their own in the bus's table: currency pairs behind it count, too."""
    bus.instruments.add(preset("fx", "USD/JPY", "SIM"))
    bus.instruments.add(preset("fx", "USD/JPY", "SIM", margin_rate=0.5))
    bus.instruments.add(preset("fx", "EUR/USD", "SIM"))
    bus.instruments.add(preset("us", "SAP", "SIM", currency="EUR"))
    engine = TradingEngine(TradingConfig(cash=12_000.0), RiskLimits(), PlainVenue())
    engine.start(bus, threaded=False)
    quotes = {"bid_size": 1e6, "ask_size": 1e6, "venue": "SIM", "event_ns": NOW}
    bus.publish(Tick(symbol="EUR/USD", last_price=1.25, bid_price=1.25, ask_price=1.25, **quotes))
    bus.publish(Tick(symbol="SAP", last_price=100.0, bid_price=100.0, ask_price=100.0, **quotes))
    terms = {**NAMES, "symbol": "SAP", "side": Side.BUY, "quantity": 100.0, "order_type": 1}
    bus.publish(OrderRequest(client_id="a", **terms))
    engine.turn()
    assert journal(RiskVerdict)[-1].message.startswith("needs 12500")
    assert [one.currency for one in journal(AccountEvent)] == ["USD"]
    assert engine.stop()


@pytest.mark.parametrize(("day", "hours"), [("2026-10-31", 24), ("2026-11-01", 25), ("2026-03-08", 23)])
def test_day_order_ends_at_the_market_s_midnight(day: str, hours: int) -> None:
    """Also on the days on which its clocks change."""
    share = preset("us", "SPY", "X")
    request = OrderRequest(symbol="SPY", quantity=1.0, time_in_force=TimeInForce.DAY)
    begin = from_iso(f"{day}T00:00:00-0{4 if day != '2026-03-08' else 5}:00")
    assert expiry_of(request, share, begin + SECOND) == begin + hours * 3600 * SECOND


def test_leg_that_came_too_late_leaves_the_other_alone(floor: Floor, journal: Journal) -> None:
    """A leg of a group that is filled in part ends at once; the one that works goes on working, over a restart, too."""
    group = {"group": "g", "order_flags": OrderFlag.OCO}
    floor.order("a", Side.BUY, 20.0, 100.02, **group)  # ten of them are offered
    assert journal(OrderEvent)[-1].status == OrderStatus.PARTLY_FILLED
    floor.order("b", Side.BUY, 20.0, 90.0, **group)
    assert journal(OrderEvent)[-1].reason == "the leg a of its group is filled in part"
    assert floor.engine.stop()
    floor.engine = TradingEngine(TradingConfig(cash=100_000.0), None, PlainVenue())
    floor.engine.start(floor.bus, threaded=False)
    floor.tick(100.0)
    assert {one.client_id: one.status for one in journal(OrderEvent)} == {"a": OrderStatus.FILLED, "b": OrderStatus.CANCELLED}
