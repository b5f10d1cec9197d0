"""Restarts of the trading engine: killed between any two of its events, or with -9, it loses nothing and does nothing twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import (
    AccountEvent,
    CancelCommand,
    CancelRequest,
    ConfigChangeEvent,
    Event,
    Fill,
    ModifyRequest,
    OrderCommand,
    OrderEvent,
    OrderFlag,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionEvent,
    RiskVerdict,
    Side,
    SnapshotEvent,
    Tick,
    TimeInForce,
    VolumeKind,
    World,
)
from gcg_quant.instruments import preset
from gcg_quant.strategy_engine import PaperGateway, RiskLimits, TradingConfig
from gcg_quant.strategy_engine.orders.states import FINAL_STATES, may_follow

from .mortal import Mortal

FULL = "GCG_TORTURE_S" in os.environ  # else it dies before every ninth event
LIVES = 6 if FULL else 4
DAY_NS = 1_790_000_000_000_000_000
OWN = (RiskVerdict, OrderEvent, OrderCommand, CancelCommand, Fill, PositionEvent, AccountEvent)


class PlainVenue(PaperGateway):
    """A venue that knows market and limit orders until they are cancelled: all else is held by the engine."""

    order_types: ClassVar[frozenset[OrderType]] = frozenset({OrderType.MARKET, OrderType.LIMIT})
    times_in_force: ClassVar[frozenset[TimeInForce]] = frozenset({TimeInForce.GTC})


class MortalEngine(Mortal):
    """An engine that dies before it publishes event number `life`, as if it was killed there."""

    def __init__(self, life: int) -> None:
        super().__init__(TradingConfig(cash=50_000.0), RiskLimits(max_order_value=20_000.0), PlainVenue())
        self.life = life


class KeepingEngine(MortalEngine):
    """The same, with a snapshot after every few events; it may die before publishing one, too."""

    snapshot_every: ClassVar[int] = 7
    snapshot_least: ClassVar[int] = 1

    def __init__(self, life: int) -> None:
        super().__init__(life)
        self._batch = 1

    def on_rest(self, idle: bool) -> None:
        """Take every moment for a quiet one."""
        super().on_rest(True)


ENGINES = pytest.mark.parametrize("make", [MortalEngine, KeepingEngine])


def tick(second: int, bid: float, size: float = 2.0, volume: float = 0.0) -> Tick:
    """Return a tick of BTC/USDT with a spread of one."""
    return Tick(
        symbol="BTC/USDT",
        venue="SIM",
        event_ns=DAY_NS + second * 1_000_000_000,
        last_price=bid,
        bid_price=bid,
        bid_size=size,
        ask_price=bid + 1,
        ask_size=size,
        volume=volume,
        volume_kind=VolumeKind.DAY,
    )


def order(client_id: str, side: Side, quantity: float, price: float | None = None) -> OrderRequest:
    """Return a market or limit order."""
    return OrderRequest(
        symbol="BTC/USDT",
        venue="SIM",
        event_ns=DAY_NS,
        account="paper",
        strategy="s",
        client_id=client_id,
        quantity=quantity,
        price=price,
        side=side,
        order_type=OrderType.MARKET if price is None else OrderType.LIMIT,
    )


def scene() -> list[Event]:
    """Return a market and requests that use every step: partial fills, refusals, cancels, changes."""
    names = {"symbol": "BTC/USDT", "venue": "SIM", "event_ns": DAY_NS, "account": "paper", "strategy": "s"}
    return [
        tick(0, 100.0),
        order("a", Side.BUY, 5.0),  # 2 at once, the rest with the next ticks
        order("b", Side.BUY, 3.0, 99.0),
        tick(1, 101.0),
        order("c", Side.BUY, 1000.0, 99.0),  # refused
        CancelRequest(client_id="b", **names),
        CancelRequest(client_id="b", **names),  # too late
        CancelRequest(client_id="nobody", **names),
        tick(2, 102.0),
        order("d", Side.SELL, 4.0, 105.0),
        ModifyRequest(client_id="d", price=103.0, **names),
        ModifyRequest(client_id="d", quantity=1e6, **names),  # refused
        tick(3, 103.0, 1.0),
        order("e", Side.SELL, 9.0),
        order("f", Side.BUY, 50.0).replace(order_flags=int(OrderFlag.REDUCE_ONLY)),  # cut to what is short
        tick(4, 104.0),
        tick(5, 100.0),
        *held_scene(),
    ]


def held_scene() -> list[Event]:
    """Return what goes on with a bracket, an OCO pair, a trailing stop and an order with an end that no venue knows."""
    names = {"symbol": "BTC/USDT", "venue": "SIM", "event_ns": DAY_NS, "account": "paper", "strategy": "s"}
    pair = {"group": "pair", "order_flags": int(OrderFlag.OCO)}
    trailing = {"order_type": OrderType.TRAILING_STOP, "trail_amount": 3.0}
    day_end = {"time_in_force": TimeInForce.GTD, "expire_ns": DAY_NS + 9_500_000_000}
    return [
        order("in", Side.BUY, 4.0),  # 2 at once, the rest with the next tick
        order("profit", Side.SELL, 4.0, 110.0).replace(parent="in"),
        order("loss", Side.SELL, 4.0).replace(parent="in", order_type=OrderType.STOP, stop_price=95.0),
        tick(6, 100.0),
        order("low", Side.SELL, 2.0).replace(order_type=OrderType.STOP, stop_price=96.0, **pair),
        order("high", Side.BUY, 2.0, 121.0).replace(order_type=OrderType.STOP_LIMIT, stop_price=120.0, **pair),
        order("trail", Side.SELL, 1.0).replace(**trailing),
        order("brief", Side.BUY, 1.0, 50.0).replace(**day_end),
        tick(7, 104.0),
        ModifyRequest(client_id="low", stop_price=97.0, **names),
        CancelRequest(client_id="high", **names),  # and the other one with it
        tick(8, 101.0),
        tick(9, 100.0),
        tick(10, 99.0),
        tick(11, 95.0),
        tick(12, 94.0),
        tick(13, 93.0, 50.0),
        tick(14, 93.0, 50.0),
    ]


def run_to_end(engine: Mortal, bus: EventBus, wait_until: Callable[..., None]) -> None:
    """Start an engine, let it handle all there is (or die), and stop it."""

    def ended() -> bool:
        return engine.state == "killed" or engine.at_end

    engine.start(bus)
    wait_until(ended, "the engine's end")
    assert engine.stop()


def check_journal(events: list[Any]) -> dict[str, float]:
    """Check the promises over a whole journal; return the quantity filled by client id."""
    orders = [one for one in events if isinstance(one, OrderRequest)]
    verdicts = Counter(one.request for one in events if isinstance(one, RiskVerdict))
    assert all(verdicts[one.id] == 1 for one in orders), "each order is judged once"
    commands = Counter(one.request for one in events if isinstance(one, OrderCommand))
    passed = {one.request for one in events if isinstance(one, RiskVerdict) and one.passed} & {one.id for one in orders}
    last = {one.request: one for one in events if isinstance(one, OrderEvent)}
    held = {one.request for one in events if isinstance(one, OrderEvent) and one.reason.startswith("held: ")}
    assert set(commands) <= passed, "no order that was refused is commanded"
    assert all(count == 1 for count in commands.values()), "each order is commanded once"
    assert passed - set(commands) <= {one for one in held if last[one].status in FINAL_STATES}, "what was not sent was held and has ended"
    answered = Counter(one.cause for one in events if isinstance(one, OrderEvent | RiskVerdict))
    asked = [one.id for one in events if isinstance(one, CancelRequest | ModifyRequest)]
    assert all(answered[one] >= 1 for one in asked), "each cancel and change is answered"
    fills = [one for one in events if isinstance(one, Fill)]
    assert len({one.trade_id for one in fills}) == len(fills), "no trade counts twice"
    check_orders(events, fills)
    check_positions(events, fills)
    filled: dict[str, float] = defaultdict(float)
    for one in fills:
        filled[one.client_id] += one.quantity
    return dict(filled)


def check_orders(events: list[Any], fills: list[Fill]) -> None:
    """The states of each order are a possible walk, and its last event knows all its fills."""
    walks: dict[int, list[OrderEvent]] = defaultdict(list)
    for one in events:
        if isinstance(one, OrderEvent) and one.request:
            walks[one.request].append(one)
    for request, walk in walks.items():
        states = [one.status for one in walk]
        steps = zip([OrderStatus.NEW, *states], states, strict=False)
        first = states[0] in (OrderStatus.SUBMITTING, OrderStatus.REJECTED) or walk[0].reason.startswith("held: ")
        assert first
        assert all(a == b or a == OrderStatus.NEW or may_follow(a, b) for a, b in steps)
        assert walk[-1].filled_quantity == pytest.approx(sum(one.quantity for one in fills if one.request == request))
        assert walk[-1].filled_quantity <= walk[-1].quantity


def check_positions(events: list[Any], fills: list[Fill]) -> None:
    """The last position and account events agree with the fills, money to the last bit of a plain fold."""
    quantity, cash = 0.0, 0.0
    for one in fills:
        sign = 1.0 if one.side == Side.BUY else -1.0
        quantity += sign * one.quantity
        cash += -(sign * one.quantity * one.price)
        cash -= one.fee
    last = [one for one in events if isinstance(one, PositionEvent)][-1]
    assert last.quantity == pytest.approx(quantity)
    account = [one for one in events if isinstance(one, AccountEvent) and one.currency == "USDT"][-1]
    assert account.cash == cash
    dollars = {one.cash for one in events if isinstance(one, AccountEvent) and one.currency == "USD"}
    assert dollars == {50_000.0}


def prepared(path: Path) -> EventBus:
    """Return a bus that knows the instrument and holds the scene."""
    bus = EventBus(path, world=World.PAPER, source="test", page_mb=0.25, sync="none")
    bus.instruments.add(preset("crypto", "BTC/USDT", "SIM"))
    for event in scene():
        bus.publish(event, cause=0)
    return bus


def read(bus: EventBus) -> list[Any]:
    """Return all requests and all of the engine's events."""
    with bus.reader(start="begin", events=[OrderRequest, CancelRequest, ModifyRequest, *OWN]) as reader:
        return list(reader)


@pytest.mark.slow
@ENGINES
def test_engine_killed_between_any_two_events_goes_on(tmp_path: Path, wait_until: Callable[..., None], make: type[MortalEngine]) -> None:
    """Wherever it dies, the next engine finishes what is half done, and the journal keeps all its promises."""
    with prepared(tmp_path / "whole") as bus:
        run_to_end(make(-1), bus, wait_until)
        undisturbed = check_journal(read(bus))
        count = len(read(bus)) - sum(isinstance(one, OrderRequest | CancelRequest | ModifyRequest) for one in scene())
    assert undisturbed["a"] == 5.0
    assert count > 40
    for life in range(0, count + 1, 1 if FULL else 9):
        with prepared(tmp_path / f"bus{life}") as bus:
            for engine in (make(life), make(-1)):
                run_to_end(engine, bus, wait_until)
            filled = check_journal(read(bus))
            assert set(filled) <= set(undisturbed)
            assert filled["a"] == 5.0
            check_held(read(bus), filled)


def check_held(events: list[Any], filled: dict[str, float]) -> None:
    """What was held did what it promised: the bracket is closed by one of its legs, and nothing is left open."""
    last = {one.client_id: one.status.name for one in events if isinstance(one, OrderEvent)}
    assert filled["in"] == filled["loss"] == 4.0
    assert "profit" not in filled
    assert (last["profit"], last["low"], last["high"], last["brief"]) == ("CANCELLED", "CANCELLED", "CANCELLED", "EXPIRED")
    assert filled["trail"] == 1.0
    levels = [
        one.stop_price for one in events if isinstance(one, OrderEvent) and one.client_id == "trail" and one.status.name == "ACCEPTED"
    ]
    assert max(level for level in levels if level == level) == 101.0


@ENGINES
def test_engine_killed_again_while_it_recovers_goes_on(tmp_path: Path, wait_until: Callable[..., None], make: type[MortalEngine]) -> None:
    """A recovery that dies is recovered from, too."""
    chance = random.Random(7)
    for turn in range(12 if FULL else 4):
        with prepared(tmp_path / f"bus{turn}") as bus:
            for _ in range(4):
                run_to_end(make(chance.randrange(1, 14)), bus, wait_until)
            run_to_end(make(-1), bus, wait_until)
            check_journal(read(bus))


def test_quiet_restart_publishes_nothing_of_orders(tmp_path: Path, wait_until: Callable[..., None]) -> None:
    """An engine that stopped cleanly reads its state back mute."""
    with prepared(tmp_path / "bus") as bus:
        run_to_end(MortalEngine(-1), bus, wait_until)
        before = read(bus)
        engine = MortalEngine(-1)
        run_to_end(engine, bus, wait_until)
        assert len(read(bus)) == len(before)
        assert engine.desk.books.accounts.in_currency("USDT").cash == [e for e in before if isinstance(e, AccountEvent)][-1].cash


def test_open_order_works_after_a_restart(bus: EventBus, wait_until: Callable[..., None]) -> None:
    """A limit order of before is filled by a tick of after, and is not accepted a second time."""
    bus.instruments.add(preset("crypto", "BTC/USDT", "SIM"))
    for event in (tick(0, 100.0), order("a", Side.BUY, 1.0, 95.0)):
        bus.publish(event)
    run_to_end(MortalEngine(-1), bus, wait_until)
    bus.publish(tick(1, 90.0))
    run_to_end(MortalEngine(-1), bus, wait_until)
    states = [one.status for one in read(bus) if isinstance(one, OrderEvent)]
    assert states == [OrderStatus.SUBMITTING, OrderStatus.ACCEPTED, OrderStatus.FILLED]


def test_request_while_down_is_handled_once(bus: EventBus, wait_until: Callable[..., None]) -> None:
    """What came between two lives is answered by the second one, and not again by the third."""
    bus.instruments.add(preset("crypto", "BTC/USDT", "SIM"))
    bus.publish(tick(0, 100.0))
    run_to_end(MortalEngine(-1), bus, wait_until)
    request = bus.publish(order("late", Side.BUY, 1.0))
    for _ in range(2):
        run_to_end(MortalEngine(-1), bus, wait_until)
    assert [one.request for one in read(bus) if isinstance(one, RiskVerdict)] == [request]
    assert sum(isinstance(one, Fill) for one in read(bus)) == 1


def test_kill_switch_survives_a_restart(bus: EventBus, wait_until: Callable[..., None]) -> None:
    """An engine that was stopped by hand does not trade because it was started again."""
    bus.instruments.add(preset("crypto", "BTC/USDT", "SIM"))
    bus.publish(tick(0, 100.0))
    engine = MortalEngine(-1)
    engine.start(bus)
    bus.publish(ConfigChangeEvent(revision=1, changes={"risk.kill_switch": True}))
    wait_until(lambda: engine.state == "running" and engine.desk.risk.rules.limits.kill_switch, "the kill switch")
    assert engine.stop()
    bus.publish(order("a", Side.BUY, 1.0))
    run_to_end(MortalEngine(-1), bus, wait_until)
    assert [one.message for one in read(bus) if isinstance(one, RiskVerdict)] == ["kill switch is on"]


PROCESS = """
import sys, time
import gcg_quant.stateful
from gcg_quant.bus import EventBus
from gcg_quant.strategy_engine.gateways import PaperGateway
from gcg_quant.strategy_engine.trading import TradingConfig, TradingEngine
if sys.argv[2] == "keeping":  # a snapshot after every few events, and no waiting for a quiet moment
    gcg_quant.stateful._LOOK_EVERY = gcg_quant.stateful._BEHIND = TradingEngine.snapshot_least = 1
    TradingEngine.snapshot_every = 20
bus = EventBus(sys.argv[1], source="engine", sync="none")
engine = TradingEngine(TradingConfig(cash=50_000.0), None, PaperGateway(latency_ns=1_000_000))
engine.start(bus)
print("up", flush=True)
time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "keeping"])
def test_engine_killed_with_signal_9_loses_no_request(bus: EventBus, wait_until: Callable[..., None], kind: str) -> None:
    """Killed at random moments while requests come in, every request is answered once, and the money adds up."""
    chance = random.Random(20261120)
    bus.instruments.add(preset("crypto", "BTC/USDT", "SIM"))
    second = number = 0

    def drive(count: int) -> None:
        nonlocal second, number
        for _ in range(count):
            second += 1
            bus.publish(tick(second, 100.0 + chance.randrange(-5, 6), chance.randrange(1, 4), second))
            if chance.random() < 0.5:
                number += 1
                price = chance.choice([None, 95.0, 100.0, 105.0])
                bus.publish(order(f"k{number}", chance.choice([Side.BUY, Side.SELL]), float(chance.randrange(1, 6)), price))
            if number and chance.random() < 0.2:
                bus.publish(
                    CancelRequest(symbol="BTC/USDT", venue="SIM", account="paper", strategy="s", client_id=f"k{chance.randint(1, number)}")
                )

    snapshots = bus.reader(start="begin", events=[SnapshotEvent])
    reasons: set[str] = set()

    def put_down(patience_s: float) -> bool:
        for event in snapshots.read_many(100, timeout_s=patience_s):
            reasons.add(event.reason)
        return "events" in reasons

    for life in range(LIVES):
        process = subprocess.Popen([sys.executable, "-c", PROCESS, str(bus.path), kind], stdout=subprocess.PIPE, cwd="/")
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        deadline = time.monotonic() + chance.uniform(0.02, 0.25)
        while time.monotonic() < deadline:
            drive(20)
            time.sleep(0.002)
        if life == LIVES - 1 and kind == "keeping":  # on a busy machine all lives may be too short for one
            wait_until(lambda: put_down(0.0), "a snapshot", timeout_s=30.0)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        drive(5 + life)
    last = Mortal(TradingConfig(cash=50_000.0), None, PaperGateway(latency_ns=1_000_000))
    run_to_end(last, bus, wait_until)
    check_journal(read(bus))
    assert put_down(0.0) == (kind == "keeping")
    snapshots.close()
    open_now = {one.client_id for one in last.desk.orders.open_orders()}
    latest = {one.client_id: one.status for one in read(bus) if isinstance(one, OrderEvent)}
    assert open_now == {name for name, status in latest.items() if status not in FINAL_STATES}
