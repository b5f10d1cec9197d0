"""Trailing stops that the paper venue keeps itself, over restarts: wherever it dies, they stand and sell where they would have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from torture import FULL

from gcg_quant.bus import EventBus
from gcg_quant.events import Event, Fill, ModifyRequest, OrderEvent, OrderRequest, OrderStatus, OrderType, Side, TimeInForce, World
from gcg_quant.instruments import preset
from gcg_quant.strategy_engine import PaperGateway

from .test_trading_restart import DAY_NS, KeepingEngine, MortalEngine, check_journal, order, read, run_to_end, tick

Stood = tuple[list[float], list[float], OrderStatus]


class PaperEngine(MortalEngine):
    """A mortal engine whose venue knows all orders."""

    def __init__(self, life: int) -> None:
        super().__init__(life)
        self._gateway = PaperGateway()


class KeepingPaperEngine(KeepingEngine):
    """The same, with snapshots."""

    def __init__(self, life: int) -> None:
        super().__init__(life)
        self._gateway = PaperGateway()


def trailing(client_id: str, quantity: float, trail: float) -> OrderRequest:
    """Return a trailing stop to sell."""
    return order(client_id, Side.SELL, quantity).replace(order_type=OrderType.TRAILING_STOP, trail_amount=trail)


def scene() -> list[Event]:
    """Return a market in which a trailing stop follows, is changed and sells, while another order is filled by the same ticks."""
    names = {"symbol": "BTC/USDT", "venue": "SIM", "event_ns": DAY_NS, "account": "paper", "strategy": "s"}
    return [
        tick(0, 100.0),
        order("e", Side.BUY, 9.0),  # two with every tick, before anything trails
        trailing("t", 1.0, 3.0),  # from 97 on
        tick(1, 101.0, volume=1.0),
        ModifyRequest(client_id="t", stop_price=98.5, **names),
        tick(2, 103.0, volume=2.0),
        order("i", Side.BUY, 5.0, 104.0).replace(time_in_force=TimeInForce.IOC),  # takes what is left, and its rest is cancelled
        tick(3, 99.5, volume=3.0),  # below the stop at 100
    ]


def stood(bus: EventBus) -> Stood:
    """Return where the trailing stop stood, at which prices it sold, and what became of the immediate order."""
    events = [one for one in read(bus) if isinstance(one, OrderEvent | Fill)]
    stops = [one.stop_price for one in events if isinstance(one, OrderEvent) and one.reason in ("trailed", "modified")]
    sold = [one.price for one in events if isinstance(one, Fill) and one.client_id == "t"]
    return stops, sold, [one.status for one in events if isinstance(one, OrderEvent) and one.client_id == "i"][-1]


@pytest.mark.slow
@pytest.mark.parametrize("make", [PaperEngine, KeepingPaperEngine])
def test_venue_killed_between_any_two_events_trails_on(tmp_path: Path, wait_until: Callable[..., None], make: type[MortalEngine]) -> None:
    """Every move of the stop is in the journal, and a restart misses none, also if another order's fill came first."""

    def played(life: int) -> tuple[Stood, int]:
        with EventBus(tmp_path / f"bus{life}", world=World.PAPER, source="test", page_mb=0.25, sync="none") as bus:
            bus.instruments.add(preset("crypto", "BTC/USDT", "SIM"))
            for event in scene():
                bus.publish(event, cause=0)
            for one in (life, -1):
                run_to_end(make(one), bus, wait_until)
            check_journal(read(bus))
            return stood(bus), len(read(bus))

    whole, count = played(-1)
    assert whole == ([97.0, 98.0, 98.5, 100.0], [99.5], OrderStatus.CANCELLED)
    assert count > 40
    for life in range(0, count, 1 if FULL else 5):
        assert played(life)[0] == whole, f"killed before event {life}"
