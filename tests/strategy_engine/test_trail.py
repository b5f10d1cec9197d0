"""Trailing stops: their terms, and their life on paper from request to fill."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.errors import InstrumentError
from gcg_quant.events import (
    ModifyRequest,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    TimerEvent,
    TradeTick,
)
from gcg_quant.instruments import Instrument, preset
from gcg_quant.strategy_engine import PaperGateway, TradingEngine
from gcg_quant.strategy_engine.orders.order import WholeTerms
from gcg_quant.strategy_engine.orders.trail import Trail, moved, read_trail

SHARE = Instrument(symbol="X", venue="SIM", tick_size=0.01, lot_size=1.0)
NOW = 1_790_000_000_000_000_000
NAMES: dict[str, Any] = {"symbol": "BTC/USDT", "venue": "SIM", "account": "paper", "strategy": "s"}


def terms(**fields: Any) -> OrderRequest:
    """Return a trailing stop to sell."""
    return OrderRequest(**{"order_type": OrderType.TRAILING_STOP, "side": Side.SELL, "quantity": 1.0, **fields})


def test_trail_is_read_in_ticks_or_millionths() -> None:
    """An amount is whole ticks, a share is rounded to millionths, and other orders have none."""
    assert read_trail(terms(trail_amount=0.25), SHARE) == Trail(ticks=25)
    assert read_trail(terms(trail_percent=0.0150004), SHARE) == Trail(millionths=15_000)
    assert read_trail(terms(order_type=OrderType.STOP), SHARE) == Trail()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "needs either a trail_amount"),
        ({"trail_amount": 1.0, "trail_percent": 0.1}, "needs either a trail_amount"),
        ({"trail_amount": 0.005}, "is not a multiple of its tick size"),
        ({"trail_amount": 0.0}, "trail_amount must be above 0"),
        ({"trail_percent": 2.0}, "fraction of the price between 0 and 1"),
        ({"trail_percent": 1e-9}, "fraction of the price between 0 and 1"),
        ({"trail_percent": inf}, "fraction of the price between 0 and 1"),
    ],
)
def test_senseless_trail_is_refused(fields: dict[str, float], words: str) -> None:
    """The error says what is wanted."""
    with pytest.raises(InstrumentError, match=words):
        read_trail(terms(**fields), SHARE)


def test_reported_prices_replace_those_that_are_told() -> None:
    """NaN leaves a price as it was."""
    assert moved(WholeTerms(3, 100, 110), SHARE, nan, 1.2) == WholeTerms(3, 100, 120)
    assert moved(WholeTerms(3, None, 110), SHARE, 0.9, nan) == WholeTerms(3, 90, 110)


def trade(bus: EventBus, price: float, at: int) -> None:
    """Publish a trade some milliseconds later."""
    bus.publish(TradeTick(symbol="BTC/USDT", venue="SIM", event_ns=NOW + at * 1_000_000, price=price, size=9.0))


def test_change_that_is_on_its_way_keeps_the_stop_where_it_has_trailed_to(bus: EventBus, wait_until: Any, journal: Any) -> None:
    """A change of the quantity meets a stop that has moved on meanwhile: the order is published as the venue has it."""
    bus.instruments.add(preset("crypto", "BTC/USDT", "SIM"))
    trade(bus, 100.0, 0)
    engine = TradingEngine(gateway=PaperGateway(latency_ns=5_000_000))
    engine.start(bus)
    request = terms(**NAMES, client_id="t", event_ns=NOW, trail_amount=2.0).replace(
        order_type=OrderType.TRAILING_STOP_LIMIT, price=97.0, stop_price=98.0
    )
    bus.publish(request)
    trade(bus, 100.0, 10)
    bus.publish(ModifyRequest(**NAMES, client_id="t", event_ns=NOW + 11_000_000, quantity=2.0))
    trade(bus, 104.0, 12)
    bus.publish(TimerEvent(component="trading-paper", name="later", event_ns=NOW + 30_000_000))
    wait_until(lambda: engine.state == "running" and engine.reader.lag == 0, "the engine's end")
    order = engine.desk.orders.find(client_id="t")
    assert order is not None
    assert engine.stop()
    told = [(one.reason, one.quantity, one.price, one.stop_price) for one in journal(OrderEvent) if one.status == OrderStatus.ACCEPTED]
    assert told == [("", 1.0, 97.0, 98.0), ("trailed", 1.0, 101.0, 102.0), ("modified", 2.0, 101.0, 102.0)]
    ticks = order.instrument.ticks
    assert order.whole == WholeTerms(order.instrument.lots(2.0), ticks(101.0), ticks(102.0))
