"""What a backtest's own bus tells of a run with Backtrader's matching: bars, requests, order events, fills, positions, the account."""

from __future__ import annotations

from types import ModuleType

import pytest
from parity.bars import coarse_bars
from parity.findings import Findings
from parity.setups.accounts import calls
from parity.setups.orders import market, scene
from parity.sides import Setup, Side, run
from parity.watching import trading

from gcg_quant.backtest import EventDrivenBroker, EventDrivenCerebro, EventDrivenDataFeed
from gcg_quant.bus import EventBus
from gcg_quant.events import AccountEvent, Bar, Fill, OrderEvent, OrderRequest, OrderStatus, PositionEvent
from gcg_quant.events import Side as OrderSide

PAID = calls(setcommission={"commission": 0.001})


def told(bus: EventBus, count: int = 200, every: int = 7) -> Findings:
    """Run market orders with a commission, told on the bus."""
    return run(Setup("told", scene(trading(market, every), PAID, count=count)), Side("events", bus=bus))


def test_journal_of_a_run_reads_like_a_session(bus: EventBus) -> None:
    """Bars, requests, order events and fills lie in the order of time, and every fill belongs to a request."""
    found = told(bus)
    with bus.reader(start="begin", events=[Bar, OrderRequest, OrderEvent, Fill, PositionEvent, AccountEvent]) as reader:
        events = list(reader)
    times = [event.event_ns for event in events]
    assert times == sorted(times)
    requests = {event.id: event for event in events if isinstance(event, OrderRequest)}
    fills = [event for event in events if isinstance(event, Fill)]
    completed = sum("Completed" in line for line in found.sections["trace"] if line.startswith("order"))
    assert len(fills) == completed > 10
    assert all(fill.request in requests and fill.cause == fill.request for fill in fills)
    assert all(requests[fill.request].side == fill.side for fill in fills)


def test_journal_folds_to_the_final_position_and_cash(bus: EventBus) -> None:
    """Adding up the fills of the run's journal gives the broker's own cash and position."""
    found = told(bus)
    with bus.reader(start="begin", events=[Fill, AccountEvent]) as reader:
        events = list(reader)
    cash, size = 10_000.0, 0.0
    for fill in (event for event in events if isinstance(event, Fill)):
        signed = fill.quantity if fill.side == OrderSide.BUY else -fill.quantity
        cash -= signed * fill.price + fill.fee
        size += signed
    last = [event for event in events if isinstance(event, AccountEvent)][-1]
    assert cash == pytest.approx(last.cash, abs=1e-6)
    position = next(line for line in found.sections["broker"] if line.startswith("positions"))
    assert f"Position(size={int(size)}," in position


def test_order_events_tell_each_state_once(bus: EventBus) -> None:
    """An order goes through SUBMITTING and ACCEPTED to its end, each state told with the one before it."""
    told(bus, count=100, every=20)
    with bus.reader(start="begin", events=[OrderEvent]) as reader:
        events = [event for event in reader if isinstance(event, OrderEvent)]
    first = [event for event in events if event.client_id == events[0].client_id]
    assert [event.status for event in first] == [OrderStatus.SUBMITTING, OrderStatus.ACCEPTED, OrderStatus.FILLED]
    assert [event.previous_status for event in first] == [OrderStatus.NEW, OrderStatus.SUBMITTING, OrderStatus.ACCEPTED]


def test_mirror_can_be_switched_off(kit: ModuleType, bus: EventBus) -> None:
    """With mirror=False nothing is told."""
    cerebro = EventDrivenCerebro()
    cerebro.adddata(EventDrivenDataFeed(dataname="X", period="30m", bars=coarse_bars(100)))
    cerebro.broker = EventDrivenBroker(bus=bus, mirror=False)
    cerebro.addstrategy(trading(market))
    strategy = cerebro.run()[0]
    assert strategy.position.size
    with bus.reader(start="begin", events=[OrderRequest, OrderEvent, Fill]) as reader:
        assert list(reader) == []
