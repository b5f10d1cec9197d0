"""Restarts with long and short held apart: wherever an engine dies, offsets, sides and fees end up as if it had not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import (
    CancelRequest,
    Event,
    Fill,
    LogEvent,
    Offset,
    OrderCommand,
    OrderEvent,
    OrderFlag,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionEvent,
    PositionSide,
    Side,
    Tick,
    World,
)
from gcg_quant.instruments import preset
from gcg_quant.strategy_engine import TradingEngine
from gcg_quant.strategy_engine.accounts.audit import audit

from .test_trading_restart import ENGINES, FULL, MortalEngine, run_to_end

DAY = 86_400_000_000_000
NOW = 1_790_000_000_000_000_000 // DAY * DAY
Wait = Callable[..., None]


def tick(second: int, price: float, day: int = 0, size: float = 3.0) -> Tick:
    """Return a tick of a thin market."""
    names = {"symbol": "rb2501", "venue": "SHFE", "event_ns": NOW + day * DAY + second * 1_000_000_000}
    return Tick(**names, last_price=price, bid_price=price, bid_size=size, ask_price=price, ask_size=size)


def order(client_id: str, side: Side, lots: float, offset: Offset = Offset.NONE, **fields: Any) -> OrderRequest:
    """Return an order of a strategy."""
    terms = {"order_type": OrderType.MARKET if fields.get("price") is None else OrderType.LIMIT, **fields}
    names = {"symbol": "rb2501", "venue": "SHFE", "event_ns": NOW, "account": "paper", "strategy": "s", "client_id": client_id}
    return OrderRequest(**names, side=side, quantity=lots, offset=offset, **terms)


def scene() -> list[Event]:
    """Return two days of opening, locking, closing by day, turning round in one order, and refusals."""
    names = {"symbol": "rb2501", "venue": "SHFE", "event_ns": NOW, "account": "paper", "strategy": "s"}
    return [
        tick(0, 100.0),
        order("open", Side.BUY, 5.0),  # 3 at once, 2 with the next tick
        tick(1, 101.0),
        order("lock", Side.SELL, 2.0, Offset.OPEN),
        order("early", Side.SELL, 1.0, Offset.CLOSE_YESTERDAY),  # refused
        order("rest", Side.SELL, 2.0, price=110.0),  # closes today's lots
        CancelRequest(client_id="rest", **names),
        tick(0, 105.0, day=1),
        order("more", Side.BUY, 1.0, Offset.OPEN),
        order("exit", Side.SELL, 1.0, parent="more"),  # its offset is chosen when it is sent
        order("both", Side.SELL, 5.0),  # 4 of yesterday's and 1 of today's, partly filled
        tick(1, 106.0, day=1),
        tick(2, 107.0, day=1),
        order("back", Side.BUY, 1.0, order_flags=int(OrderFlag.REDUCE_ONLY)),
        order("round", Side.BUY, 3.0),  # closes the last short lot and opens two long ones
        tick(3, 108.0, day=1),
        tick(4, 109.0, day=1),
    ]


def prepared(path: Path) -> EventBus:
    """Return a bus that knows the instrument and holds the scene."""
    bus = EventBus(path, world=World.PAPER, source="test", page_mb=0.25, sync="none")
    bus.instruments.add(preset("cn_future", "rb2501", "SHFE", calendar="24/7", close_today_fee=0.0003))
    for event in scene():
        bus.publish(event, cause=0)
    return bus


def check(bus: EventBus, engine: TradingEngine) -> dict[str, tuple[Offset, PositionSide]]:
    """Check a journal's promises; return the offset and side that each order was sent with."""
    audit(bus)
    with bus.reader(start="begin", events=[OrderCommand, OrderEvent, Fill, PositionEvent, LogEvent]) as reader:
        events: list[Any] = list(reader)
    meant: dict[str, set[tuple[Offset, PositionSide]]] = defaultdict(set)
    sent = {
        one.client_id: index for index, one in enumerate(events) if isinstance(one, OrderEvent) and one.status == OrderStatus.SUBMITTING
    }
    for index, one in enumerate(events):
        if isinstance(one, OrderCommand | OrderEvent | Fill) and index >= sent.get(one.client_id, 0):
            meant[one.client_id].add((one.offset, one.position_side))
    assert all(len(one) == 1 for one in meant.values()), "an order means one thing from its sending to its last fill"
    assert not [one.message for one in events if isinstance(one, LogEvent) and "closes more" in one.message]
    told = {one.position_side: one for one in events if isinstance(one, PositionEvent)}
    for (_, _, side), position in engine.desk.books.accounts.positions.items():
        last = told[side]
        assert (last.quantity, last.today, last.frozen) == (position.lots, position.today_lots, 0.0)
        assert (last.realised_pnl, last.fees) == (position.realised, position.fees)
    commands = [one for one in events if isinstance(one, OrderCommand)]
    assert len({one.client_id for one in commands}) == len(commands), "each order is sent once"
    return {one.client_id: (one.offset, one.position_side) for one in commands}


@pytest.mark.slow
@ENGINES
def test_killed_between_any_two_events_sides_and_offsets_add_up(tmp_path: Path, wait_until: Wait, make: type[MortalEngine]) -> None:
    """Wherever it dies, the next engine sends each order with an offset that is right then, and both sides are what the fills say."""
    with prepared(tmp_path / "whole") as bus:
        engine = make(-1)
        run_to_end(engine, bus, wait_until)
        offsets = check(bus, engine)
        with bus.reader(start="begin", events=[PositionEvent]) as reader:
            told = {one.position_side: (one.quantity, one.today, one.yesterday) for one in reader if isinstance(one, PositionEvent)}
        count = bus.head(1) - len(scene())
    assert offsets == {
        "open": (Offset.OPEN, PositionSide.LONG),
        "lock": (Offset.OPEN, PositionSide.SHORT),
        "rest": (Offset.CLOSE_TODAY, PositionSide.LONG),
        "more": (Offset.OPEN, PositionSide.LONG),
        "both": (Offset.NONE, PositionSide.NET),
        "back": (Offset.CLOSE_YESTERDAY, PositionSide.SHORT),
        "exit": (Offset.CLOSE_YESTERDAY, PositionSide.LONG),
        "round": (Offset.NONE, PositionSide.NET),
    }
    assert told == {PositionSide.LONG: (2.0, 2.0, 0.0), PositionSide.SHORT: (0.0, 0.0, 0.0)}
    for life in range(0, count, 1 if FULL else 9):
        with prepared(tmp_path / f"bus{life}") as bus:
            run_to_end(make(life), bus, wait_until)
            bus.publish(tick(5, 109.0, day=1, size=50.0), cause=0)  # enough for what comes late
            engine = make(-1)
            run_to_end(engine, bus, wait_until)
            # Orders that were on their way meet a later market, and others come while they work: what those close may be refused then.
            again = check(bus, engine)
            assert set(offsets) - set(again) <= {"both", "back", "exit", "round"}
            signed = {"open": 5, "lock": -2, "rest": 0, "more": 1, "exit": -1, "both": -5, "back": 1, "round": 3}
            assert sum(one.lots for one in engine.desk.books.accounts.positions.values()) == sum(signed[name] for name in again)
