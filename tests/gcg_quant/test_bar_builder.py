"""The bar builder: canonical bars of a running system."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from gcg_quant import bar_builder
from gcg_quant.bar_builder import BarBuilder
from gcg_quant.bar_sections import BarsEntry, BarsSettings
from gcg_quant.bars import aggregate
from gcg_quant.bus import EventBus
from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_SECOND, from_iso
from gcg_quant.events import (
    Applied,
    Bar,
    BarBasis,
    BarOrigin,
    ConfigChangeEvent,
    LogEvent,
    Record,
    SnapshotEvent,
    Tick,
    TimerEvent,
    TradeTick,
    VolumeKind,
    from_array,
)
from gcg_quant.instruments import Instrument, preset
from gcg_quant.packing import pack_state
from gcg_quant.snapshots import Snapshots

START = from_iso("2024-11-04T10:00Z")


def tick(second: float, price: float, symbol: str = "BTC/USDT", **fields: Any) -> Tick:
    """Return a tick with the day's volume, so many seconds after START."""
    event_ns = START + round(second * NS_PER_SECOND)
    return Tick(symbol=symbol, venue="SIM", event_ns=event_ns, last_price=price, volume=second + 1, volume_kind=VolumeKind.DAY, **fields)


def published(bus: EventBus, count: int, kind: type[Any] = Bar) -> list[Any]:
    """Return the events of a class on the bus once there are `count`, waiting at most 60 s."""
    deadline = time.monotonic() + 60
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
    ids = bus.publish_many([tick(second, 100 + second) for second in (0, 0.5, 1, 61)])  # at once: after a second a timer ends a bar
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
    bus.publish_many(
        [
            Tick(symbol="BTC/USDT", venue="SIM", event_ns=START, bid_price=99.0, ask_price=101.0),
            TradeTick(symbol="BTC/USDT", venue="SIM", event_ns=START + 1, price=100.0, size=2.0),
            tick(0.5, 50),
            TradeTick(symbol="BTC/USDT", venue="SIM", event_ns=START + NS_PER_SECOND, price=101.0, size=1.0),
        ]
    )
    bar = published(bus, 1)[0]
    assert (bar.low, bar.high, bar.volume) == (100, 100, 2)


@pytest.mark.usefixtures("builder")
def test_trades_take_the_place_of_ticks_with_totals_of_a_day(bus: EventBus) -> None:
    """Where ticks tell totals of the last 24 hours, bars have the volume of the trades from the first whole bar on."""
    events: list[Record] = []
    for second in range(8):
        events.append(tick(second, 100.0 + second).replace(volume=5000.0, volume_kind=VolumeKind.ROLLING_24H))
        if second >= 2:
            at = START + second * NS_PER_SECOND + 1
            trade = TradeTick(symbol="BTC/USDT", venue="SIM", event_ns=at, price=100.5 + second, size=2.0, trade_id=str(second))
            events.append(trade)
    bus.publish_many(events)
    bars = [bar for bar in published(bus, 6) if bar.period == "1s"]
    assert [(bar.close, bar.volume) for bar in bars if bar.start_ns >= START + 3 * NS_PER_SECOND][:3] == [
        (103.5, 2),
        (104.5, 2),
        (105.5, 2),
    ]
    assert len({bar.start_ns for bar in bars}) == len(bars)


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


def test_unknown_calendar_leaves_bars_to_the_clock(bus: EventBus) -> None:
    """An instrument whose calendar nobody knows still has bars, and the log says by what."""
    bus.instruments.add(Instrument(symbol="X", venue="SIM", calendar="MOON:session"))
    builder = BarBuilder(periods=("1m",), timers=False)
    builder.start(bus, threaded=False)
    bus.publish_many([tick(second, 100 + second, "X") for second in (0, 61)])
    builder.turn()
    assert builder.stop()
    assert [bar.start_ns for bar in published(bus, 1)] == [START]
    assert any("Bars of X@SIM are made by the clock: There is no calendar 'MOON'" in event.message for event in published(bus, 1, LogEvent))


# ---- restarts


def day_of_ticks(count: int = 2440) -> np.ndarray[Any, Any]:
    """Return ticks of a day of a future, one every nine seconds, with totals that are no whole numbers, and one of the next day."""
    rows = np.zeros(count, Tick.dtype)
    for name in Tick.dtype.names or ():
        if Tick.dtype[name].kind == "f":
            rows[name] = np.nan
    rows["event_ns"] = from_iso("2024-11-04T08:59:30", "Asia/Shanghai") + np.arange(count) * 9 * NS_PER_SECOND
    rows["last_price"] = 100 + np.arange(count) * 37 % 101
    rows["volume"] = np.cumsum(0.1 + np.arange(count) % 7 * 0.3)
    rows["volume_kind"], rows["trading_day"] = int(VolumeKind.DAY), 20241104
    rows[-1:]["event_ns"], rows[-1:]["trading_day"] = from_iso("2024-11-05T09:00", "Asia/Shanghai"), 20241105
    return rows


def turned(builder: BarBuilder) -> None:
    """Let a builder without a thread handle all that is there."""
    while builder.turn():
        pass


def new_builder(bus: EventBus, **options: Any) -> BarBuilder:
    """Return a started builder without a thread, whose bars are finished by events alone."""
    made = BarBuilder(**{"periods": ("1m", "1h", "1d"), "timers": False, **options})
    made.start(bus, threaded=False)
    return made


def made_of(rows: np.ndarray[Any, Any], period: str, calendar: Calendar) -> list[str]:
    """Return the finished bars of rows as texts."""
    bars = from_array(aggregate(rows, period, calendar=calendar)[:-1], "si2412", "GFEX")
    return [repr((bar.start_ns, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.count)) for bar in bars]


def seen(bus: EventBus, period: str) -> list[str]:
    """Return the published bars of a period as texts."""
    with bus.reader(start="begin", events=[Bar]) as reader:
        bars = [bar for bar in reader if isinstance(bar, Bar) and bar.period == period]
    return [repr((bar.start_ns, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.count)) for bar in bars]


def test_builder_that_dies_again_and_again_makes_the_bars_of_one_that_does_not(bus: EventBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it died right behind a snapshot, long after one, or stopped: every bar is there once, to the last bit."""
    monkeypatch.setattr(bar_builder, "_SNAPSHOT_EVENTS", 200)
    bus.instruments.add(preset("cn_future", "rb2412", "GFEX", calendar="GFEX.si:session"))
    rows = day_of_ticks()
    ticks = from_array(rows, "rb2412", "GFEX")
    builder = new_builder(bus)
    for at in range(0, len(ticks), 60):
        bus.publish_many(ticks[at : at + 60])
        turned(builder)
        if at % 540 == 480:
            assert builder.stop()
        if at % 180 == 120:  # otherwise it is just gone: what it had in memory is lost
            builder = new_builder(bus)
            turned(builder)
    calendar = Calendar("GFEX.si:session")
    for period in ("1m", "1h", "1d"):
        assert seen(bus, period) == made_of(rows, period, calendar), period
    assert [len(seen(bus, period)) for period in ("1m", "1h", "1d")] == [225, 5, 1]
    assert len(published(bus, 3, SnapshotEvent)) >= 3


def test_killed_process_leaves_the_bar_that_it_would_have_made(bus: EventBus) -> None:
    """kill -9 in the middle of an hour: the one that starts next publishes the rest, and the hour is whole."""
    program = (
        "import sys; from gcg_quant.bus import EventBus; from gcg_quant.bar_builder import BarBuilder\n"
        "bus = EventBus(sys.argv[1], create=False)\n"
        "b = BarBuilder(periods=('1m', '1h'), timers=False); b.start(bus, threaded=False); print('ready', flush=True)\n"
        "while True: b.turn()"
    )
    bus.instruments.add(preset("cn_future", "rb2412", "GFEX", calendar="GFEX.si:session"))
    rows = day_of_ticks()
    ticks = from_array(rows, "rb2412", "GFEX")
    with subprocess.Popen([sys.executable, "-c", program, str(bus.path)], stdout=subprocess.PIPE, env=dict(os.environ)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        bus.publish_many(ticks[:250])
        published(bus, 30)
        process.send_signal(signal.SIGKILL)
    bus.publish_many(ticks[250:700])
    builder = new_builder(bus, periods=("1m", "1h"))
    bus.publish_many(ticks[700:])
    turned(builder)
    calendar = Calendar("GFEX.si:session")
    assert seen(bus, "1m") == made_of(rows, "1m", calendar)
    assert seen(bus, "1h") == made_of(rows, "1h", calendar)
    assert builder.stop()


def test_snapshot_that_cannot_be_used_is_passed_over(bus: EventBus) -> None:
    """A state that is not understood is named, and the open intervals are read again."""
    bus.publish_many([tick(second, 100 + second) for second in (0, 30)])
    with bus.reader(start="begin") as reader:
        cursor = reader.cursor
    Snapshots(bus, "bars", 1, vital=False).write(pack_state({"lines": [[1, {"kind": "Moon"}]]}), cursor, "events", bus.publish)
    builder = new_builder(bus, periods=("1m",))
    bus.publish(tick(61, 100))
    turned(builder)
    assert builder.stop()
    assert [(bar.open, bar.close) for bar in published(bus, 1)] == [(100, 130)]
    assert any("A snapshot of bars is passed over" in event.message for event in published(bus, 1, LogEvent))


# ---- whose bars, and which


def test_bars_of_the_venue_win(bus: EventBus) -> None:
    """From a venue's first bar of a period on ours are held back; when three of its are missing, ours are there again."""
    builder = new_builder(bus, periods=("1s", "1m"))

    def minute(number: int) -> None:
        bus.publish(tick(60 * number, 100 + number))
        turned(builder)

    minute(0)
    bar = Bar(
        symbol="BTC/USDT", venue="SIM", period="1m", start_ns=START, event_ns=START + 60 * NS_PER_SECOND, origin=BarOrigin.VENUE, close=7.0
    )
    bus.publish(bar, backfill=True)  # history changes nothing
    minute(1)
    bus.publish(bar)
    for number in range(2, 8):
        minute(number)
    assert builder.stop()
    ours = [one for one in published(bus, 1) if one.source == "bars"]
    assert [one.close - 100 for one in ours if one.period == "1m"] == [0, 4, 5, 6]
    assert [one.close - 100 for one in ours if one.period == "1s"] == list(range(7))


def test_symbols_have_further_periods_and_settings_change_while_running(bus: EventBus) -> None:
    """Patterns add periods; a new period begins with its next whole bar; what makes no sense is refused."""
    settings = BarsSettings(
        periods=("1m",), symbols=(BarsEntry(symbol="*@SIM", periods=("5s", "1m")), BarsEntry(symbol="ETH*", periods=("2s",)))
    )
    builder = BarBuilder.from_settings(settings, timers=False)
    builder.start(bus, threaded=False)

    def shown() -> list[tuple[str, str]]:
        return [(bar.symbol, bar.period) for bar in published(bus, 0)]

    for symbol in ("BTC/USDT", "ETH/USDT"):
        bus.publish_many([tick(second, 1, symbol) for second in (0, 6)])
    turned(builder)
    assert shown() == [("BTC/USDT", "5s"), ("ETH/USDT", "5s"), ("ETH/USDT", "2s")]
    bus.publish(ConfigChangeEvent(revision=2, changes={"bars.periods": ["3s"], "bars.symbols": [], "bars.grace_ms": 0, "web.port": 1}))
    bus.publish(ConfigChangeEvent(revision=3, changes={"bars.periods": ["3 seconds"]}))
    turned(builder)
    bus.publish_many([tick(second, 1) for second in (7, 8, 9, 12, 61)])
    turned(builder)
    assert builder.stop()
    assert shown()[3:] == [("BTC/USDT", "3s")] * 2  # not the one from 6 s on, whose beginning it had not been asked for
    good, bad = published(bus, 2, Applied)
    assert (good.ok, good.detail) == (True, "bars of 3s, 0 ms of grace")
    assert not bad.ok
    assert "'3 seconds' is not a bar period" in bad.detail


def test_late_trade_is_dropped_or_revises(bus: EventBus) -> None:
    """As the settings say: the bar stays as it is, or comes again with the next revision."""
    for late, expected in (("drop", [(10, 0)]), ("revise", [(10, 0), (99, 1)])):
        builder = BarBuilder.from_settings(BarsSettings(periods=("1m",), late=late), timers=False)  # type: ignore[arg-type]
        builder.name = late
        builder.start(bus, threaded=False)
        for second, price in ((0, 10.0), (61, 11.0), (59, 99.0)):
            bus.publish(TradeTick(symbol=late, venue="SIM", event_ns=START + second * NS_PER_SECOND, price=price, size=1.0))
        turned(builder)
        assert builder.stop()
        assert [(bar.high, bar.revision) for bar in published(bus, 1) if bar.source == bar.symbol == late] == expected


def test_last_bar_of_a_session_waits_for_its_last_prices(bus: EventBus) -> None:
    """A timer finishes it a minute behind the close, with the tick that came after the close in it."""
    bus.instruments.add(preset("cn_future", "rb2412", "GFEX", calendar="GFEX.si:session"))
    builder = BarBuilder(periods=("1m",), grace_ms=0)
    builder.start(bus, threaded=False)
    close = from_iso("2024-11-04T15:00", "Asia/Shanghai")
    for seconds, price in ((-1, 10.0), (0.5, 11.0)):
        bus.publish(Tick(symbol="rb2412", venue="GFEX", event_ns=close + round(seconds * NS_PER_SECOND), last_price=price))
    turned(builder)
    our_ns = published(bus, 2, Tick)[-1].time_ns
    for seconds, bars in ((58, 0), (60, 1)):
        bus.publish(TimerEvent(component="bars", name="close_bars", event_ns=our_ns + seconds * NS_PER_SECOND))
        turned(builder)
        assert len(published(bus, bars)) == bars
    assert builder.stop()
    (bar,) = published(bus, 1)
    assert (bar.end_ns, bar.open, bar.close) == (close, 10, 11)
