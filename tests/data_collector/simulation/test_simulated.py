"""The simulated exchange on a bus."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from patience import within

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_SECOND, from_iso
from gcg_quant.data_collector import SimulatedExchange
from gcg_quant.data_collector.simulation.profiles import PROFILES
from gcg_quant.errors import ComponentError, InstrumentError
from gcg_quant.events import (
    Applied,
    Bar,
    ConfigChangeEvent,
    Depth,
    EventFlag,
    GapEvent,
    LogEvent,
    SessionEvent,
    Side,
    SubscribeEvent,
    Tick,
    TradeTick,
    VolumeKind,
    World,
)
from gcg_quant.history import MemoryHistory
from gcg_quant.sections import SimulatedSettings


def wait_until(condition: Callable[[], Any], timeout_s: float = 60.0) -> Any:
    """Wait for a condition with a deadline, and return its value."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "the condition did not come about in time"
        time.sleep(0.002)
    return found


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_ns = 5 * NS_PER_SECOND
        self.calls = 0

    def __call__(self) -> int:
        """Return its time."""
        self.calls += 1
        return self.now_ns

    def move(self, step_ns: int, done: threading.Event) -> None:
        """Go on, and wait until the new time has been looked at and dealt with, or all is done."""
        self.now_ns += step_ns
        calls = self.calls
        wait_until(lambda: self.calls > calls + 4 or done.is_set())


def run(bus: EventBus, **options: Any) -> SimulatedExchange:
    """Run an exchange as fast as possible to its end."""
    exchange = SimulatedExchange(real_time=False, **options)
    exchange.start(bus)
    assert exchange.finished.wait(300)
    exchange.stop()
    assert exchange.state == "stopped"
    return exchange


def rows(bus: EventBus, kind: Any) -> np.ndarray:
    """Return all records of a type."""
    with bus.reader(start="begin") as reader:
        return reader.read_array(kind, limit=10_000_000)


def payloads(bus: EventBus, *kinds: Any) -> list[bytes]:
    """Return the payload bytes of all records, in the order of the bus."""
    with bus.reader(start="begin", events=kinds) as reader:
        return [bytes(memoryview(record)) for record in reader]


@pytest.fixture
def other_bus(tmp_path: Path) -> Iterator[EventBus]:
    """Return a second bus."""
    with EventBus(tmp_path / "other", world=World.PAPER, page_mb=1, sync="none") as opened:
        yield opened


def test_same_seed_gives_the_same_records_byte_for_byte(bus: EventBus, other_bus: EventBus) -> None:
    """As fast as possible, everything on the bus is the same in every run."""
    for one in (bus, other_bus):
        run(one, seed=3, ticks_per_second=200, stop_after_s=30, trades=True, depth_every=7, history_minutes=60)
    first = payloads(bus, Bar, Tick, Depth, TradeTick)
    assert first == payloads(other_bus, Bar, Tick, Depth, TradeTick)
    assert len(first) > 600 + 6_000 + 800


def test_another_seed_gives_other_prices(bus: EventBus, other_bus: EventBus) -> None:
    """The seed decides the market."""
    run(bus, seed=1, stop_after_s=5)
    run(other_bus, seed=2, stop_after_s=5)
    assert payloads(bus, Tick) != payloads(other_bus, Tick)


def test_real_time_only_adds_the_moment_of_the_start(bus: EventBus, other_bus: EventBus) -> None:
    """With an injected clock, the records of real time are those of simulated time, moved by the start."""
    run(bus, ticks_per_second=50, stop_after_s=4, history_minutes=0, start_ns=0)
    clock, start_ns = Clock(), from_iso("2026-11-20T12:00:00.5")
    exchange = SimulatedExchange(ticks_per_second=50, stop_after_s=4, history_minutes=0, clock=clock, wall=lambda: start_ns)
    exchange.start(other_bus)
    wait_until(lambda: exchange.state == "running")
    for _ in range(10):
        clock.move(NS_PER_SECOND // 2, exchange.finished)
    assert exchange.finished.wait(300)
    exchange.stop()
    simulated, real = rows(bus, Tick), rows(other_bus, Tick)
    assert 180 < len(simulated) == len(real) < 220
    assert (real["event_ns"] - simulated["event_ns"] == start_ns).all()
    for field in ("last_price", "bid_price", "ask_price", "bid_size", "volume", "turnover", "venue_seq", "instrument"):
        np.testing.assert_array_equal(simulated[field], real[field])


def test_pacing_follows_the_clock_and_skips_what_a_stall_exceeds(bus: EventBus) -> None:
    """Nothing comes while the clock stands; after a stall of a minute one second's worth comes, and the rest is lost, and said so."""
    clock = Clock()
    exchange = SimulatedExchange(ticks_per_second=100, history_minutes=0, depth_every=0, clock=clock, wall=lambda: 0)
    exchange.start(bus)
    wait_until(lambda: exchange.state == "running")
    clock.now_ns += NS_PER_SECOND // 2
    wait_until(lambda: rows(bus, Tick)["event_ns"].max(initial=0) > 0.4 * NS_PER_SECOND)
    before = len(rows(bus, Tick))
    assert 20 < before < 80
    clock.now_ns += 60 * NS_PER_SECOND
    with bus.reader(start="begin", events=[LogEvent]) as reader:
        warning = wait_until(lambda: reader.read(0.05))
    exchange.stop()
    ticks = rows(bus, Tick)
    assert "was held up and has skipped 59.0 s" in warning.message
    with bus.reader(start="begin", events=[GapEvent]) as reader:
        gaps = {one.symbol: (one.kind, one.start_ns, one.end_ns) for one in reader if isinstance(one, GapEvent)}
    assert gaps == dict.fromkeys(PROFILES, ("held_up", NS_PER_SECOND // 2, NS_PER_SECOND // 2 + 59 * NS_PER_SECOND))
    assert 70 < len(ticks) - before < 130
    assert ticks["event_ns"].max() <= 60.5 * NS_PER_SECOND
    assert (np.diff(ticks["event_ns"]) > 0).all()


def test_rate_is_that_of_all_instruments_together(bus: EventBus) -> None:
    """A thousand ticks a second for ten seconds, the busy instruments with their share."""
    exchange = run(bus, ticks_per_second=1_000, stop_after_s=10, history_minutes=0)
    assert exchange.counts["Tick"] == 10_000
    ticks = rows(bus, Tick)
    shares = Counter(bus.instruments.name(number)[0] for number in ticks["instrument"].tolist())
    total = sum(profile.activity for profile in PROFILES.values())
    for symbol, profile in PROFILES.items():
        assert shares[symbol] / 10_000 == pytest.approx(profile.activity / total, rel=0.15)
    assert exchange.counts["Depth"] == len(rows(bus, Depth)) == pytest.approx(1_000, abs=10)


def test_ticks_make_sense(bus: EventBus) -> None:
    """On the grid, with a spread, totals that never fall, ranges that hold the price, and limits around it."""
    run(bus, ticks_per_second=200, stop_after_s=120, depth_every=0)
    ticks = rows(bus, Tick)
    assert (np.diff(ticks["event_ns"]) > 0).all()
    assert (np.diff(ticks["venue_seq"]) == 1).all()
    assert (ticks["recv_ns"] == ticks["event_ns"]).all()
    for instrument in bus.instruments:
        mine = ticks[ticks["instrument"] == bus.instruments.number(instrument.symbol, "SIM")]
        for field in ("last_price", "bid_price", "ask_price", "open", "high", "low", "prev_close"):
            steps = mine[field] / instrument.tick_size
            np.testing.assert_allclose(steps, np.round(steps), atol=1e-4)
            assert [float(f"{value:.10g}") for value in mine[field].tolist()] == mine[field].tolist()
        assert (mine["ask_price"] - mine["bid_price"] > instrument.tick_size * 0.99).all()
        for field in ("volume", "turnover"):
            assert (np.diff(mine[field]) >= 0).all()
            assert mine[field][-1] > mine[field][0]
        assert (mine["low"] <= mine["last_price"]).all()
        assert (mine["last_price"] <= mine["high"]).all()
        assert (np.diff(mine["high"]) >= 0).all()
        assert set(mine["volume_kind"].tolist()) == {VolumeKind.DAY}
        assert set(mine["trading_day"].tolist()) == {20240102}
        if instrument.price_limit is None:
            assert np.isnan(mine["upper_limit"]).all()
        else:
            assert (mine["upper_limit"] > mine["ask_price"]).all()
            assert (mine["lower_limit"] < mine["bid_price"]).all()
        assert np.isnan(mine["open_interest"]).all() == (instrument.kind != "future")


def test_books_have_ten_levels_in_order(bus: EventBus) -> None:
    """Bids fall, asks rise, the best are those of the tick before."""
    run(bus, ticks_per_second=100, stop_after_s=20, depth_every=5, history_minutes=0)
    with bus.reader(start="begin", events=[Tick, Depth]) as reader:
        events = list(reader)
    last: dict[str, Tick] = {}
    books = 0
    for event in events:
        if isinstance(event, Tick):
            last[event.symbol] = event
            continue
        books += 1
        tick = last[event.symbol]
        assert (event.event_ns, event.bid_prices[0], event.ask_prices[0]) == (tick.event_ns, tick.bid_price, tick.ask_price)
        assert (event.bid_sizes[0], event.ask_sizes[0]) == (tick.bid_size, tick.ask_size)
        assert list(event.bid_prices) == sorted(event.bid_prices, reverse=True)
        assert list(event.ask_prices) == sorted(event.ask_prices)
        assert event.levels == 10
        assert min(event.bid_sizes) > 0
    assert books > 390


def test_trades_come_before_the_tick_that_shows_them(bus: EventBus) -> None:
    """A trade has price, size and side, and the tick after it agrees; their sizes add up to the volume."""
    run(bus, symbols=["SPY"], ticks_per_second=50, stop_after_s=20, trades=True, history_minutes=0)
    with bus.reader(start="begin", events=[Tick, TradeTick]) as reader:
        events = list(reader)
    trades = [event for event in events if isinstance(event, TradeTick)]
    assert 500 < len(trades) < 700
    for before, after in pairwise(events):
        if isinstance(before, TradeTick):
            assert (after.event_ns, after.last_price, after.last_size) == (before.event_ns, before.price, before.size)
            assert before.price == (after.ask_price if before.aggressor == Side.BUY else after.bid_price)
    assert sum(trade.size for trade in trades) == events[-1].volume
    assert len({trade.trade_id for trade in trades}) == len(trades)


def test_history_ends_where_live_begins(bus: EventBus) -> None:
    """The past is backfill, and the first live prices lie beside its last close; the day's totals go on from it."""
    run(bus, ticks_per_second=100, stop_after_s=3, history_minutes=90)
    bars, ticks = rows(bus, Bar), rows(bus, Tick)
    assert len(bars) == 90 * len(PROFILES)
    assert set(bars["flags"].tolist()) == {EventFlag.BACKFILL}
    assert not ticks["flags"].any()
    for symbol in PROFILES:
        number = bus.instruments.number(symbol, "SIM")
        mine, live = bars[bars["instrument"] == number], ticks[ticks["instrument"] == number]
        assert live["last_price"][0] == pytest.approx(mine["close"][-1], rel=2e-3)
        assert mine["event_ns"][-1] == 1_704_153_600 * NS_PER_SECOND
        assert live["open"][0] == mine["open"][0]
        assert live["high"][0] >= mine["high"].max()
        assert live["volume"][0] == pytest.approx(mine["volume"].sum(), rel=0.01)


def test_restart_goes_on_from_the_recorded_price(bus: EventBus) -> None:
    """With stored bars, only the minutes since then are filled in, from their last close on."""
    now_ns = from_iso("2026-11-20T12:00:30")
    recorded = np.zeros(1, Bar.dtype)
    recorded["start_ns"], recorded["event_ns"] = now_ns - 331 * NS_PER_SECOND, now_ns - 270 * NS_PER_SECOND
    recorded["close"], recorded["period"] = 70_000.0, b"1m"
    history = MemoryHistory()
    history.add_bars("BTC/USDT", "SIM", recorded)
    exchange = SimulatedExchange(symbols=["BTC/USDT", "SPY"], history_minutes=60, wall=lambda: now_ns)
    exchange.start(bus, history)
    wait_until(lambda: exchange.state == "running")
    exchange.stop()
    bars = rows(bus, Bar)
    mine = bars[bars["instrument"] == bus.instruments.number("BTC/USDT", "SIM")]
    assert len(mine) == 4
    assert mine["open"][0] == 70_000.0
    assert (bars["instrument"] == bus.instruments.number("SPY", "SIM")).sum() == 60


def test_price_limits_and_totals_begin_anew_with_the_day(bus: EventBus) -> None:
    """Around the clock a day lasts 24 hours from the start; then the last close is the previous close."""
    run(bus, symbols=["600519", "IF2412"], ticks_per_second=0.01, stop_after_s=90_000, history_minutes=0, depth_every=0)
    ticks = rows(bus, Tick)
    for symbol in ("600519", "IF2412"):
        mine = ticks[ticks["instrument"] == bus.instruments.number(symbol, "SIM")]
        first, second = mine[mine["trading_day"] == 20240102], mine[mine["trading_day"] == 20240103]
        assert second["prev_close"][0] == first["last_price"][-1]
        assert second["volume"][0] < first["volume"][-1]
        assert second["upper_limit"][0] != first["upper_limit"][0]
        assert (second["high"][-1], second["low"][-1]) != (first["high"][-1], first["low"][-1])
        base = second["prev_settlement" if symbol == "IF2412" else "prev_close"][0]
        assert second["upper_limit"][0] == pytest.approx(base * 1.1, rel=1e-3)


def test_real_sessions_open_break_and_close(bus: EventBus) -> None:
    """On a Shanghai day nothing trades outside its sessions, and each change is an event at its exact time."""
    start_ns = from_iso("2024-01-02T00:00:00")  # 08:00 in Shanghai
    run(bus, symbols=["600519"], calendar="real", ticks_per_second=0.5, stop_after_s=9 * 3600, start_ns=start_ns, history_minutes=30)
    with bus.reader(start="begin", events=[SessionEvent]) as reader:
        sessions = [(event.phase, event.event_ns, event.trading_day, event.symbol) for event in reader]
    shanghai = "Asia/Shanghai"
    assert sessions == [
        ("closed", start_ns, 20240102, "600519"),
        ("open", from_iso("2024-01-02 09:30", shanghai), 20240102, "600519"),
        ("break", from_iso("2024-01-02 11:30", shanghai), 20240102, "600519"),
        ("open", from_iso("2024-01-02 13:00", shanghai), 20240102, "600519"),
        ("closed", from_iso("2024-01-02 15:00", shanghai), 20240102, "600519"),
    ]
    times = rows(bus, Tick)["event_ns"]
    morning = (times >= sessions[1][1]) & (times < sessions[2][1])
    afternoon = (times >= sessions[3][1]) & (times < sessions[4][1])
    assert (morning | afternoon).all()
    assert morning.sum() == pytest.approx(0.5 * 7_200, rel=0.01)
    bars = rows(bus, Bar)
    assert bars["start_ns"].max() == from_iso("2023-12-29 14:59", shanghai)
    assert set(bars["trading_day"].tolist()) == {20231229}


def test_volume_is_large_at_the_open_and_the_close(bus: EventBus) -> None:
    """Trades in the middle of a session are smaller."""
    start_ns = from_iso("2024-01-02 09:30", "America/New_York")
    run(
        bus,
        symbols=["SPY"],
        calendar="real",
        ticks_per_second=0.2,
        stop_after_s=23_400,
        start_ns=start_ns,
        history_minutes=0,
        depth_every=0,
    )
    ticks = rows(bus, Tick)
    third = (ticks["event_ns"] - start_ns) // (7_800 * NS_PER_SECOND)
    volume = np.diff(ticks["volume"], prepend=0.0)
    opening, middle, close = (np.median(volume[(third == part) & (volume > 0)]) for part in range(3))
    assert opening > 1.2 * middle
    assert close > 1.2 * middle


def test_symbols_are_taken_on_and_given_up(bus: EventBus) -> None:
    """A subscription adds a market with a past, its end removes one, and both are answered."""
    exchange = SimulatedExchange(symbols=["SPY"], ticks_per_second=500, history_minutes=5)
    exchange.start(bus)
    try:
        bus.publish(SubscribeEvent(symbol="SOL/USDT", venue="SIM"))
        number = wait_until(lambda: bus.instruments.number("SOL/USDT", "SIM") if exchange.symbols >= {"SOL/USDT"} else 0)
        wait_until(lambda: (rows(bus, Tick)["instrument"] == number).any())
        assert (rows(bus, Bar)["instrument"] == number).sum() == 5
        bus.publish(SubscribeEvent(symbol="SPY", venue="SIM", subscribe=False))
        bus.publish(SubscribeEvent(symbol="XYZ", venue="SIM", subscribe=False))
        bus.publish(SubscribeEvent(symbol="SOL/USDT"))
        with bus.reader(start="begin", events=[Applied]) as reader:
            answers = [wait_until(lambda: reader.read(0.05)) for _ in range(4)]
    finally:
        exchange.stop()
    assert [(answer.ok, answer.detail) for answer in answers] == [
        (True, "SOL/USDT is traded from now on"),
        (True, "SPY is no longer traded"),
        (False, "simulated does not trade 'XYZ'."),
        (True, "SOL/USDT is traded already"),
    ]
    last = rows(bus, Tick)
    assert exchange.symbols == {"SOL/USDT"}
    assert last["instrument"][-1] in (number, bus.instruments.number("SPY", "SIM"))


def test_what_was_asked_while_it_ran_holds_when_it_is_started_again(bus: EventBus) -> None:
    """After a restart the exchange trades the symbols that were added, and not those that were given up."""
    bus.publish(SubscribeEvent(symbol="SOL/USDT", venue="SIM"))
    bus.publish(SubscribeEvent(symbol="DOGE/USDT"))
    bus.publish(SubscribeEvent(symbol="DOGE/USDT", subscribe=False))
    bus.publish(SubscribeEvent(symbol="SPY", venue="SIM", subscribe=False))
    bus.publish(SubscribeEvent(symbol="AAPL", venue="elsewhere"))
    exchange = SimulatedExchange(symbols=["SPY", "EUR/USD"], ticks_per_second=500, history_minutes=0)
    exchange.start(bus)
    try:
        wait_until(lambda: exchange.symbols == {"EUR/USD", "SOL/USDT"})
    finally:
        exchange.stop()


def test_rate_can_be_changed_while_running(bus: EventBus) -> None:
    """A new rate is answered and takes effect; a senseless one is answered with its fault."""
    exchange = SimulatedExchange(ticks_per_second=1, history_minutes=0)
    exchange.start(bus)
    try:
        bus.publish(ConfigChangeEvent(revision=1, changes={"simulated.ticks_per_second": 2_000.0}))
        bus.publish(ConfigChangeEvent(revision=2, changes={"simulated.ticks_per_second": 0}))
        bus.publish(ConfigChangeEvent(revision=3, changes={"web.port": 1}))
        with bus.reader(start="begin", events=[Applied]) as reader:
            answers = [wait_until(lambda: reader.read(0.05)) for _ in range(2)]
        wait_until(lambda: exchange.counts.get("Tick", 0) > 1_000, timeout_s=30)
    finally:
        exchange.stop()
    assert [(answer.ok, answer.detail) for answer in answers] == [
        (True, "2000 ticks per second"),
        (False, "the rate must be above 0, found 0"),
    ]


def test_it_stops_at_once_and_starts_again(bus: EventBus) -> None:
    """Stopping does not wait for the next tick, and a second start begins anew."""
    exchange = SimulatedExchange(ticks_per_second=0.01, history_minutes=1)
    for count in (1, 2):
        exchange.start(bus)
        wait_until(lambda: exchange.state == "running")
        began = time.monotonic()
        assert exchange.stop()
        assert time.monotonic() - began < within(1.0, 8.0)
        assert exchange.counts["Bar"] == count * len(PROFILES)


def test_two_thousand_ticks_a_second_cost_little_processor_time(bus: EventBus) -> None:
    """The whole process takes less than 0.4 of a core, also on a busy machine (about 0.05 when it is quiet)."""
    exchange = SimulatedExchange(ticks_per_second=2_000, history_minutes=0)
    began, wall = time.process_time(), time.monotonic()
    exchange.start(bus)
    wait_until(lambda: exchange.counts.get("Tick", 0) > 4_000)
    exchange.stop()
    assert (time.process_time() - began) / (time.monotonic() - wall) < 0.4


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"symbols": []}, ComponentError, "expected symbols, ticks_per_second above 0"),
        ({"ticks_per_second": 0}, ComponentError, "found .*, 0, 480, 10"),
        ({"history_minutes": -1}, ComponentError, "history_minutes and depth_every of 0 or more"),
        ({"symbols": ["X" * 90]}, InstrumentError, "symbol must have 1 to 80 bytes"),
    ],
)
def test_senseless_arguments_are_refused_with_a_sentence(options: dict[str, Any], error: type[Exception], sentence: str) -> None:
    """The error names what was expected."""
    with pytest.raises(error, match=sentence):
        SimulatedExchange(**options)


def test_settings_describe_an_exchange() -> None:
    """The section [simulated] is all it needs."""
    exchange = SimulatedExchange.from_settings(SimulatedSettings(seed=9, symbols=("SPY",), ticks_per_second=5.0))
    assert exchange.name == "simulated"
    assert exchange.venue == "SIM"
    assert {"collector", "simulated"} <= set(exchange.capabilities)
