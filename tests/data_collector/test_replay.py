"""Stored data played on a paper bus: in the order of its times, and never ahead of those who follow."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.data_collector.replay import ReplayCollector, ReplayPart
from gcg_quant.data_collector.replay.part import merged
from gcg_quant.errors import ComponentError, InstrumentError, SettingsError
from gcg_quant.events import Bar, BarBasis, LogEvent, MarketDataEvent, StrategyStatusEvent, Tick, World
from gcg_quant.history import MemoryHistory
from gcg_quant.replay_mark import played_ns, replay_mark_path
from gcg_quant.sections import ReplayEntry, ReplaySettings

SECOND = 10**9
START = 1_700_000_000 * SECOND


def bars(count: int, basis: BarBasis = BarBasis.LAST, period: str = "1m", step_s: int = 60) -> np.ndarray:
    """Return bars from START on."""
    rows = np.zeros(count, Bar.dtype)
    rows["start_ns"] = START + np.arange(count) * step_s * SECOND
    rows["event_ns"] = rows["start_ns"] + step_s * SECOND
    for name in ("open", "high", "low", "close"):
        rows[name] = 100.0 + np.arange(count) + 0.5 * (basis == BarBasis.ASK)
    rows["period"], rows["basis"] = period.encode(), int(basis)
    return rows


@pytest.fixture
def store() -> MemoryHistory:
    """Return a store with bid and ask bars of one symbol and ticks of another."""
    history = MemoryHistory()
    for basis in (BarBasis.ASK, BarBasis.BID):
        history.add_bars("EURUSD", "FX", bars(3, basis))
    ticks = np.zeros(5, Tick.dtype)
    ticks["event_ns"] = START + np.array([10, 50, 60, 60, 200]) * SECOND
    ticks["last_price"] = 5000.0 + np.arange(5)
    ticks["ordinal"] = [0, 0, 0, 1, 0]
    history.add_ticks("IF2101", "CFFEX", ticks)
    return history


def play(bus: EventBus, collector: ReplayCollector) -> list[Bar | Tick]:
    """Play to the end by hand and return what is on the bus."""
    collector.start(bus, threaded=False)
    while not collector.finished.is_set():
        collector.read_batch()
    collector.stop()
    with bus.reader(start="begin", events=[Bar, Tick]) as reader:
        return list(reader)  # type: ignore[arg-type]


@pytest.fixture
def strategies(bus: EventBus) -> object:
    """Let the bus look as if a manager ran on it whose only strategy runs."""
    bus.publish(StrategyStatusEvent(strategy="one", state="running"))
    return bus.reader("strategies")


def collector_of(store: MemoryHistory, *parts: ReplayPart, followers: tuple[str, ...] = ()) -> ReplayCollector:
    """Return a collector without pauses."""
    return ReplayCollector(parts, store, followers=followers, pause_ms=0.0)


def test_symbols_are_played_together_in_the_order_of_their_times(bus: EventBus, store: MemoryHistory, strategies: object) -> None:
    """Bars of both sides and ticks, each with its place and ordinal; the range is kept."""
    found = play(
        bus,
        collector_of(
            store, ReplayPart("EURUSD", "", "1m", None, START + 120 * SECOND), ReplayPart("IF2101", "", "tick", START + 50 * SECOND, None)
        ),
    )
    told = [(one.symbol, (one.event_ns - START) // SECOND, getattr(one, "basis", None), one.ordinal) for one in found]
    assert [row[:2] for row in told] == [
        ("IF2101", 50),
        ("EURUSD", 60),
        ("EURUSD", 60),
        ("IF2101", 60),
        ("IF2101", 60),
        ("EURUSD", 120),
        ("EURUSD", 120),
        ("IF2101", 200),
    ]
    assert [row[3] for row in told if row[:2] == ("IF2101", 60)] == [0, 1]
    assert [row[2] for row in told if row[0] == "EURUSD"] == [BarBasis.BID, BarBasis.ASK] * 2
    assert bus.instruments.get("EURUSD").venue == "FX"


def test_next_moment_waits_for_those_who_follow(bus: EventBus, store: MemoryHistory, strategies: object) -> None:
    """While a follower has not read a moment the next one is not played."""
    collector = collector_of(store, ReplayPart("IF2101", "CFFEX", "tick", None, None), followers=("trading",))
    with bus.reader("trading-paper", start="begin", events=[Tick]) as follower:
        collector.start(bus)
        for played in (1, 2, 4, 5):  # five ticks at four moments
            assert follower.read(60.0) is not None
            deadline = time.monotonic() + 60.0
            while sum(collector.counts.values()) < played and time.monotonic() < deadline:
                time.sleep(0.001)
            time.sleep(0.02)  # time enough to play more, if it did not wait
            assert sum(collector.counts.values()) == played
            while follower.read(0.0) is not None:
                pass
        assert collector.finished.wait(60.0)
        assert collector.stop()


def test_mark_tells_what_has_been_dealt_with(bus: EventBus, store: MemoryHistory, strategies: object) -> None:
    """It is one moment behind what is on the bus, and at the end it has come to the last one."""
    collector = collector_of(store, ReplayPart("IF2101", "CFFEX", "tick", None, None))
    path = replay_mark_path(bus.path)
    collector.start(bus, threaded=False)
    told = []
    while not collector.finished.is_set():
        collector.read_batch()
        told.append(played_ns(path) - START if played_ns(path) else None)
    assert told == [None, 10 * SECOND, 50 * SECOND, 60 * SECOND, 200 * SECOND]
    collector.stop()
    assert played_ns(path) == 0


def identity(event: Any) -> tuple[Any, ...]:
    """Return what tells a record from any other."""
    return event.symbol, event.event_ns, event.ordinal, getattr(event, "basis", None)


BOTH = (("EURUSD", "", "1m", None, None), ("IF2101", "CFFEX", "tick", None, None))


@pytest.mark.parametrize("published", range(12))
def test_replay_that_was_cut_off_goes_on(
    bus: EventBus, store: MemoryHistory, strategies: object, published: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever that was, within a moment too: in the end every record is on the journal once, and its order is that of one run."""

    class Cut(Exception):
        """The process ends here."""

    first, left = collector_of(store, *(ReplayPart(*one) for one in BOTH)), published
    publish = first.publish_data

    def until_cut(event: MarketDataEvent) -> None:
        nonlocal left
        if not left:
            raise Cut
        left -= 1
        publish(event)

    monkeypatch.setattr(first, "publish_data", until_cut)
    first.start(bus, threaded=False)
    with contextlib.suppress(Cut):
        while not first.finished.is_set():
            first.read_batch()
    assert first.finished.is_set() == (published == 11)
    assert first._progress is not None
    first._progress.close()  # as the system does when a process is gone
    found = play(bus, collector_of(store, *(ReplayPart(*one) for one in BOTH)))
    expected = merged([ReplayPart(*one).events(store) for one in BOTH])
    assert [identity(one) for one in found] == [identity(one) for one in expected]
    with bus.reader(start="begin", events=[LogEvent]) as told:
        (last,) = list(told)[-1:]
    assert ("All of it was played before: to play it again, remove" in last.message) == (published == 11)


def test_longer_replay_goes_on_and_another_one_begins_anew(bus: EventBus, store: MemoryHistory, strategies: object) -> None:
    """With a later end what is new is played; with another begin it is another replay."""
    assert len(play(bus, collector_of(store, ReplayPart("IF2101", "", "tick", None, START + 50 * SECOND)))) == 2
    assert len(play(bus, collector_of(store, ReplayPart("IF2101", "", "tick", None, None)))) == 5
    assert len(play(bus, collector_of(store, ReplayPart("IF2101", "", "tick", START, None)))) == 10


def test_nothing_is_played_before_the_strategies_run(bus: EventBus, store: MemoryHistory) -> None:
    """A strategy that is loaded and not yet running is waited for."""
    bus.publish(StrategyStatusEvent(strategy="one", state="loaded"))
    collector = collector_of(store, ReplayPart("IF2101", "CFFEX", "tick", None, None))
    with bus.reader("strategies"):
        collector.start(bus)
        watch = threading.Event()
        assert not watch.wait(0.1)
        assert not collector.counts
        bus.publish(StrategyStatusEvent(strategy="one", state="running"))
        assert collector.finished.wait(60.0)
        assert collector.stop()


@pytest.mark.parametrize(
    ("part", "error", "words"),
    [
        (ReplayPart("EURUSD", "", "1h", None, None), ComponentError, "no stored 1h records of EURUSD"),
        (ReplayPart("EURUSB", "", "1m", None, None), InstrumentError, "EURUSD"),
        (ReplayPart("EURUSD", "", "1m", START + 10**15, None), ComponentError, "check the dates"),
    ],
)
def test_what_is_not_stored_is_a_sentence(bus: EventBus, store: MemoryHistory, part: ReplayPart, error: type, words: str) -> None:
    """A period, symbol or range of which nothing is stored is named."""
    with pytest.raises(error, match=words):
        collector_of(store, part).start(bus, threaded=False)


def test_symbol_of_two_venues_must_be_told(bus: EventBus, store: MemoryHistory) -> None:
    """Nobody guesses between venues."""
    store.add_bars("EURUSD", "OTHER", bars(2))
    with pytest.raises(InstrumentError, match=r"several venues: name one in \[\[replay.data\]\], of EURUSD@FX, EURUSD@OTHER"):
        collector_of(store, ReplayPart("EURUSD", "", "1m", None, None)).start(bus, threaded=False)


def test_recorded_data_is_played_on_paper_only(tmp_path: Path, store: MemoryHistory) -> None:
    """A live bus is for what happens now."""
    with EventBus(tmp_path / "live", world=World.LIVE) as live, pytest.raises(ComponentError, match="on a paper bus, and this one is live"):
        collector_of(store, ReplayPart("EURUSD", "", "1m", None, None)).start(live, threaded=False)


def test_settings_make_the_parts(store: MemoryHistory) -> None:
    """Days are UTC; one that is none is a sentence."""
    settings = ReplaySettings(data=(ReplayEntry(symbol="EURUSD", start="2023-11-14T22:14:20", end="2023-11-15"),))
    (part,) = ReplayCollector.from_settings(settings, store)._parts
    assert (part.start_ns, part.period) == (START + 60 * SECOND, "1m")
    bad = ReplaySettings(data=(ReplayEntry(symbol="EURUSD", start="soon"),))
    with pytest.raises(SettingsError, match="start must be a time such as 2021-01-04 .*not 'soon'"):
        ReplayCollector.from_settings(bad, store)
