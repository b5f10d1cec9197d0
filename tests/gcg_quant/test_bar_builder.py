"""The bar builder: canonical bars of a running system."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from gcg_quant import bar_builder
from gcg_quant.bar_builder import BarBuilder
from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_SECOND, from_iso
from gcg_quant.events import Bar, BarBasis, BarOrigin, Tick, TimerEvent, TradeTick, VolumeKind
from gcg_quant.instruments import preset

START = from_iso("2024-11-04T10:00Z")


def tick(second: float, price: float, symbol: str = "BTC/USDT", **fields: Any) -> Tick:
    """Return a tick with the day's volume, so many seconds after START."""
    event_ns = START + round(second * NS_PER_SECOND)
    return Tick(symbol=symbol, venue="SIM", event_ns=event_ns, last_price=price, volume=second + 1, volume_kind=VolumeKind.DAY, **fields)


def published(bus: EventBus, count: int, kind: type[Any] = Bar) -> list[Any]:
    """Return the events of a class on the bus once there are `count`, waiting at most 10 s."""
    deadline = time.monotonic() + 10
    while True:
        with bus.reader(start="begin", events=[kind]) as reader:
            events = list(reader)
        if len(events) >= count or time.monotonic() > deadline:
            return events
        time.sleep(0.01)


@pytest.fixture
def builder(bus: EventBus) -> Iterator[BarBuilder]:
    """Return a running builder of 1s and 1m bars."""
    made = BarBuilder(grace_ms=0)
    made.start(bus)
    yield made
    assert made.stop()
    assert made.health().errors == 0


@pytest.mark.usefixtures("builder")
def test_ticks_become_bars_of_every_period(bus: EventBus) -> None:
    """Each period has its bars, with the tick that finished it as their cause."""
    ids = [bus.publish(tick(second, 100 + second)) for second in (0, 0.5, 1, 61)]
    bars = published(bus, 3)
    assert [(bar.period, bar.open, bar.close, bar.cause) for bar in bars[:3]] == [
        ("1s", 100, 100.5, ids[2]),
        ("1s", 101, 101, ids[3]),
        ("1m", 100, 101, ids[3]),
    ]
    assert {(bar.symbol, bar.venue, bar.source, bar.origin, bar.basis) for bar in bars} == {
        ("BTC/USDT", "SIM", "bars", BarOrigin.AGGREGATED, BarBasis.LAST)
    }


@pytest.mark.usefixtures("builder")
def test_bars_end_although_no_tick_comes(bus: EventBus) -> None:
    """A second after the last tick a recorded timer finishes its bar, also if the venue's clock is years behind."""
    bus.publish(tick(0.2, 100))
    (bar,) = published(bus, 1)
    (timer,) = published(bus, 1, TimerEvent)
    assert (bar.period, bar.close, bar.end_ns) == ("1s", 100, START + NS_PER_SECOND)
    assert bar.cause == timer.id
    assert timer.time_ns - published(bus, 1, Tick)[0].time_ns >= 0.8 * NS_PER_SECOND


@pytest.mark.usefixtures("builder")
def test_backfill_makes_no_bars(bus: EventBus) -> None:
    """History that is filled in on a live bus is not aggregated."""
    bus.publish_many([tick(second, 1) for second in range(3)], backfill=True)
    bus.publish_many([tick(second, 2) for second in (10, 11)])
    assert {bar.close for bar in published(bus, 1)} == {2}


@pytest.mark.usefixtures("builder")
def test_ticks_and_trades_are_not_mixed(bus: EventBus) -> None:
    """The kind that brought the first price makes the bars; the other one does not count volume again."""
    bus.publish(Tick(symbol="BTC/USDT", venue="SIM", event_ns=START, bid_price=99.0, ask_price=101.0))
    bus.publish(TradeTick(symbol="BTC/USDT", venue="SIM", event_ns=START + 1, price=100.0, size=2.0))
    bus.publish(tick(0.5, 50))
    bus.publish(TradeTick(symbol="BTC/USDT", venue="SIM", event_ns=START + NS_PER_SECOND, price=101.0, size=1.0))
    bar = published(bus, 1)[0]
    assert (bar.low, bar.high, bar.volume) == (100, 100, 2)


@pytest.mark.usefixtures("builder")
def test_currency_quotes_make_mid_bars(bus: EventBus) -> None:
    """A currency pair without last prices still has bars."""
    bus.instruments.add(preset("fx", "EUR/USD", "SIM"))
    for second in (0, 1):
        bus.publish(Tick(symbol="EUR/USD", venue="SIM", event_ns=START + second * NS_PER_SECOND, bid_price=1.0, ask_price=1.5))
    bar = published(bus, 1)[0]
    assert (bar.basis, bar.close) == (BarBasis.MID, 1.25)


def test_restart_publishes_nothing_twice_and_loses_nothing(bus: EventBus) -> None:
    """A new builder reads the open intervals again: its bars are whole, and those that are out stay single."""
    times = [START + round(second * NS_PER_SECOND) for second in (0, 0.5, 1, 1.5, 2, 2.5, 60)]
    events = [Tick(symbol="BTC/USDT", venue="SIM", event_ns=at, last_price=float(i)) for i, at in enumerate(times)]
    first = BarBuilder(grace_ms=10_000)
    first.start(bus)
    bus.publish_many(events[:4])
    assert len(published(bus, 1)) == 1
    assert first.stop()
    bus.publish_many(events[4:6])
    second = BarBuilder(grace_ms=10_000)
    second.start(bus)
    bus.publish(events[6])
    bars = published(bus, 4)
    assert second.stop()
    shown = [(bar.period, (bar.start_ns - START) // NS_PER_SECOND, bar.open, bar.close) for bar in bars]
    assert shown == [("1s", 0, 0, 1), ("1s", 1, 2, 3), ("1s", 2, 4, 5), ("1m", 0, 0, 5)]


def test_daily_bars_follow_the_instruments_calendar(bus: EventBus) -> None:
    """The instrument's calendar decides which trading day a tick belongs to."""
    bus.instruments.add(preset("cn_future", "au2412", "SHFE"))
    builder = BarBuilder(periods=("1d",), grace_ms=0)
    builder.start(bus)
    for text, price in (("2024-11-01T22:00", 600.0), ("2024-11-04T10:00", 601.0), ("2024-11-04T21:00", 602.0)):
        bus.publish(Tick(symbol="au2412", venue="SHFE", event_ns=from_iso(text, "Asia/Shanghai"), last_price=price))
    (bar,) = published(bus, 1)
    assert builder.stop()
    assert (bar.trading_day, bar.open, bar.close) == (20241104, 600, 601)


def test_bar_whose_beginning_is_out_of_reach_is_left_out(bus: EventBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar that can no longer be read from its beginning is not published as if it were whole; the next one is."""
    monkeypatch.setattr(bar_builder, "_MOST_REWIND_NS", 0)
    bus.publish(tick(0, 100))
    builder = BarBuilder(periods=("1m",), grace_ms=10_000)
    builder.start(bus)
    bus.publish_many([tick(second, 100 + second) for second in (30, 60, 120)])
    (bar,) = published(bus, 1)
    assert builder.stop()
    assert bar.start_ns == START + 60 * NS_PER_SECOND
