"""Snapshots of the trading engine: any of them with its tail is the fold of the whole journal, byte for byte."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from torture import FULL

from gcg_quant.bus import EventBus
from gcg_quant.errors import ComponentError
from gcg_quant.events import (
    CancelRequest,
    ConfigChangeEvent,
    Event,
    LogEvent,
    ModifyRequest,
    OrderEvent,
    OrderFlag,
    OrderRequest,
    OrderType,
    Side,
    SnapshotEvent,
    Tick,
    TimeInForce,
    VolumeKind,
    World,
)
from gcg_quant.instruments import preset
from gcg_quant.packing import pack_state, unpack_state
from gcg_quant.snapshots import Snapshots, notes
from gcg_quant.strategy_engine import PaperGateway, RiskLimits, TradingConfig, TradingEngine
from gcg_quant.strategy_engine.desk.fold import TradingFold

DAY_NS = 1_790_000_000_000_000_000
SYMBOLS = {"BTC/USDT": "crypto", "EUR/USD": "fx", "AAPL": "us", "600519": "cn_stock"}


class PlainVenue(PaperGateway):
    """A venue that knows market and limit orders until they are cancelled: all else is held by the engine."""

    order_types: ClassVar[frozenset[OrderType]] = frozenset({OrderType.MARKET, OrderType.LIMIT})
    times_in_force: ClassVar[frozenset[TimeInForce]] = frozenset({TimeInForce.GTC})


class KeepingEngine(TradingEngine):
    """An engine that puts its state down often."""

    snapshot_every: ClassVar[int] = 40
    snapshot_least: ClassVar[int] = 1

    def __init__(self, latency_ns: int = 0, currency: str = "USD") -> None:
        limits = RiskLimits(max_order_value=200_000.0, max_orders_per_second=3)
        super().__init__(TradingConfig(cash=500_000.0, currency=currency), limits, PlainVenue(latency_ns=latency_ns))


class LaterFold(TradingFold):
    """A fold of a later version, which reads no state of this one."""

    VERSION: ClassVar[int] = 99


class LaterEngine(KeepingEngine):
    """An engine of a later version."""

    def new_fold(self) -> TradingFold:
        """Return an empty fold."""
        return LaterFold(self._make_desk(PaperGateway()), self.name, self._is_ours)


def tick(chance: random.Random, second: int) -> Tick:
    """Return a tick of some symbol near 100."""
    bid = 100.0 + chance.randrange(-5, 6)
    return Tick(
        symbol=chance.choice(list(SYMBOLS)),
        venue="SIM",
        event_ns=DAY_NS + second * 997_000_000,
        last_price=bid,
        bid_price=bid,
        bid_size=chance.randrange(1, 500),
        ask_price=bid + 1,
        ask_size=chance.randrange(1, 500),
        volume=second * 10.0,
        volume_kind=VolumeKind.DAY,
    )


def request(chance: random.Random, number: int) -> Event:
    """Return some order, change or cancel, now and then a senseless one."""
    common: dict[str, Any] = {
        "symbol": chance.choice(list(SYMBOLS)),
        "venue": "SIM",
        "account": "paper",
        "strategy": chance.choice(["s", "t"]),
        "client_id": f"k{number}",
    }
    kind = chance.random()
    if kind < 0.2:
        return CancelRequest(**common | {"client_id": f"k{chance.randint(0, number)}"})
    if kind < 0.3:
        return ModifyRequest(**common | {"client_id": f"k{chance.randint(0, number)}"}, price=float(chance.randrange(95, 106)))
    price = chance.choice([None, 95.0, 100.0, 105.0])
    plain = OrderRequest(
        **common,
        quantity=float(chance.choice([1, 10, 100, 1000, 100_000])),
        price=price,
        side=chance.choice([Side.BUY, Side.SELL]),
        order_type=OrderType.MARKET if price is None else OrderType.LIMIT,
        order_flags=int(chance.choice([OrderFlag.NONE, OrderFlag.NONE, OrderFlag.REDUCE_ONLY])),
    )
    return plain if kind < 0.6 else held(chance, plain, number)


def held(chance: random.Random, plain: OrderRequest, number: int) -> OrderRequest:
    """Return an order that the engine holds: a stop, a trailing stop, one with an end, one of a group or a child."""
    kind = chance.choice(["stop", "trail", "end", "group", "child"])
    if kind == "trail":
        return plain.replace(price=None, order_type=OrderType.TRAILING_STOP, trail_amount=2.0)
    if kind == "end":
        end_ns = DAY_NS + (number + chance.randrange(20)) * 997_000_000
        return plain.replace(time_in_force=chance.choice([TimeInForce.GTD, TimeInForce.DAY]), expire_ns=end_ns)
    if kind == "child":
        return plain.replace(parent=f"k{chance.randint(max(0, number - 6), number)}")
    stop = plain.replace(price=None, order_type=OrderType.STOP, stop_price=float(chance.randrange(95, 106)))
    return stop if kind == "stop" else stop.replace(group=f"g{number // 8}", order_flags=int(OrderFlag.OCO))


def drive(bus: EventBus, chance: random.Random, rounds: range) -> None:
    """Publish a market and requests."""
    for number in rounds:
        bus.publish(tick(chance, number))
        if chance.random() < 0.6:
            bus.publish(request(chance, number))


def run(engine: TradingEngine, bus: EventBus, wait_until: Callable[..., None]) -> None:
    """Let an engine handle what there is, then stop it."""
    engine.start(bus)
    wait_until(lambda: engine.state == "running" and engine.reader.lag == 0, "the engine's end")
    assert engine.stop()


def journal(path: Path, seed: int, wait_until: Callable[..., None]) -> EventBus:
    """Return a bus with what several engines, one after the other, made of random requests."""
    chance = random.Random(seed)
    bus = EventBus(path, world=World.PAPER, source="test", page_mb=0.25, sync="none")
    for symbol, market in SYMBOLS.items():
        bus.instruments.add(preset(market, symbol, "SIM"))
    for life in range(4):
        drive(bus, chance, range(life * 90, life * 90 + 90))
        run(KeepingEngine(latency_ns=chance.choice([0, 2_000_000_000])), bus, wait_until)
    return bus


def empty(bus: EventBus) -> TradingFold:
    """Return an empty fold, as a running engine makes it."""
    engine = KeepingEngine()
    engine._bus = bus
    return engine.new_fold()


def events_of(bus: EventBus) -> list[Event]:
    """Return what the fold reads."""
    with bus.reader(start="begin") as reader:
        empty(bus).listen(reader)
        return list(reader)


@pytest.mark.parametrize("seed", range(1, 5 if FULL else 3))
def test_snapshot_at_any_point_and_tail_are_the_whole_fold(tmp_path: Path, wait_until: Callable[..., None], seed: int) -> None:
    """Put down after any event, also in the middle of an order's steps, and taken up again, the fold ends in the same bytes."""
    with journal(tmp_path / "bus", seed, wait_until) as bus:
        events = events_of(bus)
        assert len(events) > 300
        reasons = {event.reason.partition(" ")[0] for event in events if isinstance(event, OrderEvent)}
        assert reasons >= {"held:", "triggered"}
        running = empty(bus)
        states = []
        for event in events:
            states.append(pack_state(running.dump()))
            running.apply(event)
        whole = pack_state(running.dump())
        chance = random.Random(seed)
        for cut in [0, 1, len(events) - 1, *chance.sample(range(len(events)), 40 if FULL else 16)]:
            restored = empty(bus)
            restored.load(unpack_state(states[cut]))
            assert pack_state(restored.dump()) == states[cut]
            for event in events[cut:]:
                restored.apply(event)
            assert pack_state(restored.dump()) == whole


def test_published_snapshots_are_the_fold_up_to_their_event(tmp_path: Path, wait_until: Callable[..., None]) -> None:
    """What an engine publishes as its state after an event is what a fold up to that event holds."""
    with journal(tmp_path / "bus", 11, wait_until) as bus:
        found = list(Snapshots(bus, "trading-paper", TradingFold.VERSION).find())
        assert len(found) >= 4
        events = events_of(bus)
        for snapshot in found:
            fold = empty(bus)
            for event in events:
                if event.id & ((1 << 60) - 1) < snapshot.cursor.market:
                    fold.apply(event)
            assert pack_state(fold.dump()) == snapshot.state


def test_restart_from_a_snapshot_is_a_restart_from_the_beginning(tmp_path: Path, wait_until: Callable[..., None]) -> None:
    """Two engines on the same journal, one with and one without its snapshots, stand at the same place."""
    with journal(tmp_path / "bus", 5, wait_until) as bus:
        with_snapshots = KeepingEngine()
        run(with_snapshots, bus, wait_until)
        for note in (bus.path / "snapshots").iterdir():
            note.unlink()
        without = LaterEngine()
        run(without, bus, wait_until)
        assert any(f"passed over: its version is {TradingFold.VERSION}" in message for message in messages(bus))
        open_orders = [
            [(one.client_id, one.status, one.whole, one.held, one.waits, one.expire_ns) for one in engine.desk.orders.open_orders()]
            for engine in (with_snapshots, without)
        ]
        assert open_orders[0] == open_orders[1]
        first, second = (engine.desk.books.accounts for engine in (with_snapshots, without))
        assert {name: (one.cash, one.ledger, one.realised, one.fees) for name, one in first.money.items()} == {
            name: (one.cash, one.ledger, one.realised, one.fees) for name, one in second.money.items()
        }
        assert {key: one.lots for key, one in first.positions.items()} == {key: one.lots for key, one in second.positions.items()}
        assert first.bought.rows() == second.bought.rows() != []


def messages(bus: EventBus) -> list[str]:
    """Return the log lines."""
    with bus.reader(start="begin", events=[LogEvent]) as reader:
        return [event.message for event in reader if isinstance(event, LogEvent)]


@pytest.mark.no_fold("a second engine opens the account again, in another currency")
def test_state_of_another_currency_is_not_taken(tmp_path: Path, wait_until: Callable[..., None]) -> None:
    """An account whose settings name another currency reads the journal from its beginning."""
    with journal(tmp_path / "bus", 3, wait_until) as bus:
        run(KeepingEngine(currency="EUR"), bus, wait_until)
        assert any("The state is of the currency 'USD', and this engine's is 'EUR'" in message for message in messages(bus))


def test_kill_switch_is_in_the_snapshot(tmp_path: Path, wait_until: Callable[..., None]) -> None:
    """An engine that was stopped by hand does not trade because its tail has forgotten why."""
    with journal(tmp_path / "bus", 3, wait_until) as bus:
        engine = KeepingEngine()
        engine.start(bus)
        wait_until(lambda: engine.state == "running")
        bus.publish(ConfigChangeEvent(revision=1, changes={"risk.kill_switch": True}))
        wait_until(lambda: engine.desk.risk.rules.limits.kill_switch, "the kill switch")
        assert engine.stop()
        drive(bus, random.Random(1), range(500, 520))
        run(KeepingEngine(), bus, wait_until)
        again = KeepingEngine()
        run(again, bus, wait_until)
        assert again.desk.risk.rules.limits.kill_switch


def test_note_names_what_a_restart_reads(tmp_path: Path, wait_until: Callable[..., None]) -> None:
    """The engine's note lies behind its last snapshot, so that everything before it may be pruned."""
    with journal(tmp_path / "bus", 3, wait_until) as bus:
        (note,) = notes(bus.path)
        with bus.reader(start="begin", events=[SnapshotEvent]) as reader:
            last = list(reader)[-1]
        assert isinstance(last, SnapshotEvent)
        assert (note.component, note.event_id, note.market) == ("trading-paper", last.id, last.market_seq + 1)


@pytest.mark.no_fold("its first page is removed")
def test_account_without_its_past_does_not_trade(tmp_path: Path, wait_until: Callable[..., None]) -> None:
    """Where the beginning is gone and no snapshot can be read, the engine refuses to start and says why."""
    with journal(tmp_path / "bus", 3, wait_until) as bus:
        for note in (bus.path / "snapshots").iterdir():
            note.unlink()
        pages = sorted((bus.path / "market").glob("*.page"))
        assert len(pages) > 2
        pages[0].unlink()
        engine = LaterEngine()
        engine.start(bus)
        wait_until(lambda: engine.state == "failed")
        engine.stop()
        assert any("its positions are unknown" in message for message in messages(bus))


@pytest.mark.no_fold("its first page is removed")
def test_new_account_may_begin_on_an_old_journal(tmp_path: Path, wait_until: Callable[..., None]) -> None:
    """An account that has left nothing in the journal has no past that could be missing."""
    with journal(tmp_path / "bus", 3, wait_until) as bus:
        sorted((bus.path / "market").glob("*.page"))[0].unlink()
        engine = TradingEngine(TradingConfig(account="second", default=False))
        run(engine, bus, wait_until)
        assert engine.desk.books.accounts.money["USD"].cash == 1_000_000.0


def test_engine_that_was_never_started_has_no_desk() -> None:
    """There is nothing to look at before start()."""
    with pytest.raises(ComponentError):
        KeepingEngine().desk  # noqa: B018 - the access is what raises
