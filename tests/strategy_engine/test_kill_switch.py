"""The kill switch of a trading engine: only switching it off ends it, and a killed engine finishes what it began."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import (
    AlertEvent,
    Applied,
    CancelCommand,
    ConfigChangeEvent,
    OrderCommand,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    OrderType,
    RiskVerdict,
    Side,
    Tick,
)
from gcg_quant.instruments import preset
from gcg_quant.kill_switch import applied_changes, kill_change
from gcg_quant.strategy_engine import PaperGateway, RiskLimits, TradingConfig

from .mortal import Mortal

NOW = 1_790_000_000_000_000_000
Wait = Callable[..., None]
Journal = Callable[..., list[Any]]


class MortalEngine(Mortal):
    """An engine that dies before it publishes event number `life`; never with a negative one."""

    def __init__(self, life: int = -1, limits: RiskLimits | None = None, gateway: PaperGateway | None = None) -> None:
        super().__init__(TradingConfig(cash=100_000.0), limits, gateway)
        self.life = life


class PlainGateway(PaperGateway):
    """A venue that knows no stops: the engine holds them."""

    order_types = frozenset({OrderType.MARKET, OrderType.LIMIT})


def run(engine: Mortal, bus: EventBus, wait_until: Wait) -> None:
    """Let an engine handle all there is, or die, and stop it."""

    def ended() -> bool:
        return engine.state == "killed" or engine.at_end

    engine.start(bus)
    wait_until(ended, "the engine's end")
    assert engine.stop()


def ask(client_id: str, price: float = 90.0) -> OrderRequest:
    """Return a limit order that waits in the market below it."""
    names: dict[str, Any] = {"symbol": "BTC/USDT", "venue": "SIM", "event_ns": NOW, "account": "paper", "strategy": "s"}
    return OrderRequest(client_id=client_id, quantity=1.0, price=price, side=Side.BUY, order_type=OrderType.LIMIT, **names)


def with_open_orders(bus: EventBus, wait_until: Wait) -> None:
    """Leave a journal in which two orders are open."""
    bus.instruments.add(preset("crypto", "BTC/USDT", "SIM"))
    bus.publish(
        Tick(symbol="BTC/USDT", venue="SIM", event_ns=NOW, last_price=100.0, bid_price=100.0, bid_size=5, ask_price=101.0, ask_size=5)
    )
    bus.publish(ask("a"))
    bus.publish(ask("b", 91.0))
    run(MortalEngine(), bus, wait_until)


def last_states(journal: Journal) -> dict[str, OrderStatus]:
    """Return the last state of every order by its client id."""
    return {event.client_id: event.status for event in journal(OrderEvent)}


CANCELLED, REJECTED = OrderStatus.CANCELLED, OrderStatus.REJECTED


@pytest.mark.parametrize("life", range(17))
def test_engine_killed_while_it_cancels_finishes_after_its_restart(bus: EventBus, wait_until: Wait, journal: Journal, life: int) -> None:
    """Killed before any of the events that the switch leads to, every order is cancelled once and nothing is sent."""
    with_open_orders(bus, wait_until)
    bus.publish(kill_change(True, "test"))
    bus.publish(ask("c"))
    run(MortalEngine(life), bus, wait_until)
    run(MortalEngine(), bus, wait_until)
    assert last_states(journal) == {"a": CANCELLED, "b": CANCELLED, "c": REJECTED}
    assert [one.client_id for one in journal(OrderCommand)] == ["a", "b"]
    assert sorted(one.client_id for one in journal(CancelCommand)) == ["a", "b"]


def test_the_next_run_s_settings_do_not_switch_it_off(bus: EventBus, wait_until: Wait, journal: Journal) -> None:
    """A run that begins with the switch off leaves it on, and says so; a later change switches it off."""
    with_open_orders(bus, wait_until)
    bus.publish(kill_change(True, "test"))
    run(MortalEngine(), bus, wait_until)
    begin = bus.publish(ConfigChangeEvent(revision=1, changes={"risk.kill_switch": False, "risk.max_order_value": 5000.0}))
    engine = MortalEngine()
    run(engine, bus, wait_until)
    answer = next(one for one in journal(Applied) if one.control == begin)
    assert applied_changes(answer) == {"risk.kill_switch": True, "risk.max_order_value": 5000.0}
    assert engine.desk.risk.rules.limits.max_order_value == 5000.0
    bus.publish(ask("c"))
    run(MortalEngine(), bus, wait_until)
    assert last_states(journal)["c"] == REJECTED
    bus.publish(kill_change(False, "test"))
    run(MortalEngine(), bus, wait_until)
    bus.publish(ask("d"))
    run(MortalEngine(), bus, wait_until)
    assert last_states(journal)["d"] == OrderStatus.ACCEPTED


def test_engine_that_begins_with_the_switch_on_cancels_what_is_open(bus: EventBus, wait_until: Wait, journal: Journal) -> None:
    """Rules that say so from the start cancel the orders of before, also where an earlier command had switched it off."""
    with_open_orders(bus, wait_until)
    bus.publish(kill_change(False, "test"))
    run(MortalEngine(), bus, wait_until)
    bus.publish(ask("c"))
    run(MortalEngine(limits=RiskLimits(kill_switch=True)), bus, wait_until)
    assert last_states(journal) == {"a": CANCELLED, "b": CANCELLED, "c": REJECTED}
    (alert,) = journal(AlertEvent)
    assert alert.message == "The kill switch of account paper is on: 2 orders are being cancelled, new ones are refused."


def test_order_that_passed_risk_before_the_switch_is_not_sent(bus: EventBus, wait_until: Wait, journal: Journal) -> None:
    """An engine that died between verdict and command does not send the order once the switch is on."""
    with_open_orders(bus, wait_until)
    bus.publish(ask("c"))
    run(MortalEngine(3), bus, wait_until)  # its own beginning, the gateway's status, and the verdict
    assert [one.passed for one in journal(RiskVerdict)] == [1, 1, 1]
    run(MortalEngine(limits=RiskLimits(kill_switch=True)), bus, wait_until)
    assert last_states(journal)["c"] == CANCELLED
    assert [one.client_id for one in journal(OrderCommand)] == ["a", "b"]


def test_held_stop_that_is_due_is_not_sent(bus: EventBus, wait_until: Wait, journal: Journal) -> None:
    """A stop that is held here and reached while the engine is down ends without a command when it starts with the switch on."""
    with_open_orders(bus, wait_until)
    bus.publish(ask("t", 90.0).replace(side=Side.SELL, price=None, order_type=OrderType.TRAILING_STOP, trail_amount=5.0))
    run(MortalEngine(gateway=PlainGateway()), bus, wait_until)
    assert last_states(journal)["t"] == OrderStatus.ACCEPTED
    low = {"last_price": 92.0, "bid_price": 92.0, "bid_size": 5, "ask_price": 93.0, "ask_size": 5}
    bus.publish(Tick(symbol="BTC/USDT", venue="SIM", event_ns=NOW + 1, **low))
    run(MortalEngine(limits=RiskLimits(kill_switch=True), gateway=PlainGateway()), bus, wait_until)
    assert last_states(journal)["t"] in (CANCELLED, REJECTED)
    assert [one.client_id for one in journal(OrderCommand)] == ["a", "b"]


def test_switching_on_again_says_nothing_new(bus: EventBus, wait_until: Wait, journal: Journal) -> None:
    """A second request is answered; there is one alert."""
    with_open_orders(bus, wait_until)
    engine = MortalEngine()
    engine.start(bus)
    wait_until(lambda: engine.state == "running", "the engine's start")
    controls = []
    for count in (1, 2):
        controls.append(bus.publish(kill_change(True, "test")))
        wait_until(lambda count=count: len(journal(Applied)) == count, "the answer")
    assert engine.stop()
    assert [one.control for one in journal(Applied)] == controls
    assert len(journal(AlertEvent)) == 1
