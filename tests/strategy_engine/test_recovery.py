"""What the journal knows of strategies: from a snapshot and its tail it is the same as from the beginning."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from torture import examples

from gcg_quant.bus import EventBus
from gcg_quant.events import (
    Applied,
    CancelRequest,
    Event,
    Fill,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    PositionEvent,
    PositionSide,
    RiskVerdict,
    Side,
    SnapshotEvent,
    StrategyControlEvent,
    StrategyStatusEvent,
    SystemEvent,
)
from gcg_quant.packing import pack_state, unpack_state
from gcg_quant.strategy_engine import StrategyManager
from gcg_quant.strategy_engine.hosting.recovery import Past


def some_event(chance: random.Random, number: int) -> Event:
    """Return an event that strategies' past is made of."""
    name, client = chance.choice(["a", "b"]), f"c{chance.randint(0, number)}"
    common: dict[str, Any] = {"symbol": chance.choice(["X", "Y"]), "venue": "V", "strategy": name, "client_id": client}
    side = chance.choice([Side.BUY, Side.SELL])
    makers: list[Callable[[], Event]] = [
        lambda: SystemEvent(action=chance.choice(["start", "stopped"])),
        lambda: SystemEvent(action="strategy_hung", component=name, detail="x", data={"callback": chance.choice(["load", "on_bar"])}),
        lambda: StrategyControlEvent(action="load", strategy=name, file="f.py"),
        lambda: Applied(control=chance.randint(1, number + 1), component="strategies"),
        lambda: StrategyStatusEvent(strategy=name, state=chance.choice(["loaded", "running", "failed", "unloaded"]), parameters={"n": 1}),
        lambda: OrderRequest(**common | {"client_id": f"c{number}"}, quantity=2.0, price=1.5, side=side, tag="t"),
        lambda: CancelRequest(**common),
        lambda: RiskVerdict(**common, passed=chance.randint(0, 1)),
        lambda: OrderEvent(**common, quantity=2.0, status=chance.choice(list(OrderStatus)), side=side),
        lambda: Fill(**common, quantity=1.0, price=chance.uniform(1, 2), side=side),
        lambda: PositionEvent(
            symbol=common["symbol"],
            venue="V",
            strategy=name,
            quantity=chance.randint(-3, 3),
            average_price=1.7,
            realised_pnl=chance.uniform(-1, 1),
            position_side=chance.choice(list(PositionSide)),
        ),
    ]
    return chance.choice(makers)()


@settings(max_examples=examples(100))
@given(seed=st.integers(0, 2**32), count=st.integers(0, 80), data=st.data())
def test_snapshot_at_any_point_and_tail_are_the_whole_past(tmp_path_factory: Any, seed: int, count: int, data: st.DataObject) -> None:
    """Put down after any event and taken up again, the past ends in the same bytes."""
    chance = random.Random(seed)
    with EventBus(tmp_path_factory.mktemp("world") / "bus", page_mb=0.0625, sync="none") as bus:
        for number in range(count):
            bus.publish(some_event(chance, number))
        first = Past()
        with bus.reader(start="begin") as reader:
            first.listen(reader)
            events = list(reader)
    cut = data.draw(st.integers(0, len(events)))
    for event in events[:cut]:
        first.apply(event)
    second = Past()
    second.load(unpack_state(pack_state(first.dump())))
    for event in events[cut:]:
        first.apply(event)
        second.apply(event)
    assert pack_state(second.dump()) == pack_state(first.dump())


def test_command_that_is_read_after_its_answer_is_answered() -> None:
    """Lanes have no common order: an answer may be read before its command, which does not wait for another one then."""
    past = Past()
    past.apply(_with_id(Applied(control=7, component="strategies"), 1 << 60))
    past.apply(_with_id(StrategyControlEvent(action="load"), 7))
    past.apply(_with_id(StrategyControlEvent(action="load"), 8))
    assert list(past.unanswered) == [8]


def _with_id(event: Any, event_id: int) -> Any:
    import msgspec

    return msgspec.structs.replace(event, id=event_id)


def test_manager_goes_on_from_its_snapshot(
    bus: EventBus, folder: Path, write_file: Callable[..., Path], command: Callable[..., Applied], wait_until: Callable[..., None]
) -> None:
    """A manager that stops leaves a snapshot; the next one finds strategies, positions and orders in it, and reads the tail alone."""
    write_file("quiet.py", "class Quiet(Strategy):\n    symbols = ('X@V',)\n")

    class Keeping(StrategyManager):
        snapshot_least = 1

    def start() -> Keeping:
        manager = Keeping([folder], account="paper")
        manager.start(bus)
        wait_until(lambda: manager.state == "running", "the manager's start")
        return manager

    bus.instruments.number("X", "V")
    manager = start()
    assert command("run", "q", file="quiet.py").ok
    common: dict[str, Any] = {"symbol": "X", "venue": "V", "strategy": "q", "client_id": "c1"}
    bus.publish(OrderEvent(**common, quantity=2.0, status=OrderStatus.ACCEPTED, side=Side.BUY))
    bus.publish(PositionEvent(symbol="X", venue="V", strategy="q", quantity=3.0, average_price=1.5))
    wait_until(lambda: manager.reader.lag == 0)
    assert manager.stop()
    with bus.reader(start="begin", events=[SnapshotEvent]) as reader:
        assert [event.component for event in reader if isinstance(event, SnapshotEvent)] == ["strategies"]
    bus.publish(PositionEvent(symbol="X", venue="V", strategy="q", quantity=4.0, average_price=1.6))
    again = start()
    portfolio = again._roster.portfolios["q"]
    assert portfolio.position("X", "V").quantity == 4.0
    assert list(portfolio.orders) == ["c1"]
    assert [info.state for info in again.strategies()] == ["loaded"] or [info.state for info in again.strategies()] == ["running"]
    wait_until(lambda: [info.state for info in again.strategies()] == ["running"], "the strategy's start")
    assert again.stop()
