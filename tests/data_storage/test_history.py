"""Range queries: arrays, periods that are put together, unknown symbols, and streams of events."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gcg_quant.bars import resample
from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, DatabaseHistory
from gcg_quant.data_storage.reading.rows import plain
from gcg_quant.errors import EventError, InstrumentError
from gcg_quant.events import Bar, BarBasis, BookDelta, Depth, Tick, TradeTick, from_array
from gcg_quant.history import History

MINUTE = 60_000_000_000


def minutes(bus: EventBus, count: int, *, symbol: str = "A", skip: frozenset[int] = frozenset(), **fields: Any) -> None:
    """Publish one-minute bars, whose close is their number, with some left out."""
    for at in range(count):
        if at not in skip:
            prices = {"open": at, "high": at + 1, "low": at - 1, "close": at, "volume": 1.0}
            bus.publish(Bar(symbol=symbol, venue="V", start_ns=at * MINUTE, end_ns=(at + 1) * MINUTE, period="1m", **{**prices, **fields}))


@pytest.fixture
def history(database: Database) -> DatabaseHistory:
    """Return the history of a database."""
    return DatabaseHistory(database)


def test_empty_database_has_no_symbols_and_says_so(history: DatabaseHistory) -> None:
    """Every question to an empty database has an answer or a sentence."""
    assert isinstance(history, History)
    assert history.symbols() == []
    assert list(history.events()) == []
    with pytest.raises(InstrumentError, match="Nothing is stored of 'SPY'"):
        history.bars("SPY", "1d")


def test_unknown_symbol_names_the_nearest(bus: EventBus, database: Database, store_bus: Any, history: DatabaseHistory) -> None:
    """A slip of the pen gets a hint; a known symbol at another venue is unknown, too."""
    bus.publish(Tick(symbol="BTC/USDT", venue="V", event_ns=1))
    store_bus(bus, database)
    with pytest.raises(InstrumentError, match=r"Nothing is stored of 'BTC/USD'\. Did you mean 'BTC/USDT'\?"):
        history.ticks("BTC/USD")
    with pytest.raises(InstrumentError, match="Nothing is stored of 'BTC/USDT' on X"):
        history.ticks("BTC/USDT", venue="X")


def test_symbol_of_several_venues_must_be_chosen(bus: EventBus, database: Database, store_bus: Any, history: DatabaseHistory) -> None:
    """Two venues need a choice, written either way; a venue without data is no choice."""
    for venue in ("X", "Y"):
        bus.publish(Tick(symbol="A", venue=venue, event_ns=1, last_price=ord(venue)))
    bus.publish(Tick(symbol="B", venue="X", event_ns=1))
    store_bus(bus, database)
    with pytest.raises(InstrumentError, match="'A' is stored for several venues; choose one of X, Y"):
        history.ticks("A")
    assert history.ticks("A", venue="Y")["last_price"].tolist() == [ord("Y")]
    assert history.ticks("A@X")["last_price"].tolist() == [ord("X")]
    assert history.symbols() == [("A", "X"), ("A", "Y"), ("B", "X")]


def test_ticks_include_both_ends_of_the_range(bus: EventBus, database: Database, store_bus: Any, history: DatabaseHistory) -> None:
    """start_ns and end_ns belong to the answer; limit keeps the newest."""
    for at in range(10):
        bus.publish(Tick(symbol="A", venue="V", event_ns=at))
        bus.publish(TradeTick(symbol="A", venue="V", event_ns=at))
    store_bus(bus, database)

    def times(**bounds: int) -> list[int]:
        found: list[int] = history.ticks("A", **bounds)["event_ns"].tolist()
        assert history.trades("A", **bounds)["event_ns"].tolist() == found
        return found

    assert times() == list(range(10))
    assert times(start_ns=3, end_ns=5) == [3, 4, 5]
    assert times(end_ns=5, limit=2) == [4, 5]
    assert times(start_ns=8, limit=5) == [8, 9]
    assert times(start_ns=10) == times(end_ns=-1) == times(start_ns=5, end_ns=4) == times(limit=0) == []


def test_bars_start_and_end_inside_the_range(bus: EventBus, database: Database, store_bus: Any, history: DatabaseHistory) -> None:
    """A bar that is not finished at end_ns is not returned: no one sees the future."""
    minutes(bus, 10)
    store_bus(bus, database)

    def closes(**bounds: int) -> list[float]:
        found: list[float] = history.bars("A", "1m", **bounds)["close"].tolist()
        return found

    assert closes() == list(range(10))
    assert closes(start_ns=2 * MINUTE, end_ns=5 * MINUTE) == [2, 3, 4]
    assert closes(start_ns=2 * MINUTE + 1, end_ns=5 * MINUTE - 1) == [3]
    assert closes(limit=3) == [7, 8, 9]
    assert closes(end_ns=5 * MINUTE, limit=2) == [3, 4]
    assert closes(limit=0) == closes(start_ns=10 * MINUTE) == closes(end_ns=MINUTE - 1) == []
    assert history.bars("A", "1m").dtype == Bar.dtype
    assert set(history.bars("A", "1m")["instrument"].tolist()) == {0}


def test_limit_holds_although_several_sources_made_the_bars(
    bus: EventBus, database: Database, store_bus: Any, history: DatabaseHistory
) -> None:
    """The newest bars are counted by their start, however many sources there are."""
    for source in range(5):
        for at in range(40):
            bus.publish(
                Bar(symbol="A", venue="V", start_ns=at * MINUTE, end_ns=(at + 1) * MINUTE, period="1m", close=at + source / 10),
                source=f"s{source}",
            )
    store_bus(bus, database)
    assert database.counts() == {"bars": 200}
    assert history.bars("A", "1m", limit=30)["close"].tolist() == [at + 0.4 for at in range(10, 40)]
    assert len(history.bars("A", "1m", limit=50)) == 40


def test_missing_period_is_made_of_the_longest_that_divides_it(
    bus: EventBus, database: Database, store_bus: Any, history: DatabaseHistory
) -> None:
    """Fifteen minutes come from five-minute bars if there are any, else from minutes; equal to the one aggregator."""
    minutes(bus, 100, skip=frozenset({7, 8, 9, 10, 11, 40, 61}))
    store_bus(bus, database)
    assert history.periods("A") == ["1m"]
    stored = history.bars("A", "1m")
    expected = from_array(plain(resample(stored, "15m"), Bar), "A", "V")

    def quarters(**bounds: int) -> list[Bar]:
        return from_array(history.bars("A", "15m", **bounds), "A", "V")

    assert quarters(end_ns=105 * MINUTE) == expected
    assert quarters(end_ns=104 * MINUTE) == expected[:-1]
    for limit in range(1, 8):
        assert quarters(end_ns=105 * MINUTE, limit=limit) == expected[-limit:]
    assert quarters(start_ns=15 * MINUTE + 1, end_ns=70 * MINUTE) == expected[2:4]
    bus.publish(Bar(symbol="A", venue="V", start_ns=0, end_ns=5 * MINUTE, period="5m", open=1, high=1, low=1, close=77))
    bus.publish(Bar(symbol="A", venue="V", start_ns=0, end_ns=7 * MINUTE, period="7m", open=1, high=1, low=1, close=88))
    store_bus(bus, database)
    assert history.periods("A") == ["1m", "5m", "7m"]
    assert history.bars("A", "15m")["close"].tolist() == [77]


def test_period_that_nothing_divides_has_no_bars(bus: EventBus, database: Database, store_bus: Any, history: DatabaseHistory) -> None:
    """Shorter periods than those stored cannot be made; a text that is no period is refused."""
    minutes(bus, 3)
    store_bus(bus, database)
    assert len(history.bars("A", "1s")) == len(history.bars("A", "90s")) == 0
    assert len(history.bars("A", "1m", basis=BarBasis.ASK)) == 0
    with pytest.raises(EventError, match="'1x' is not a bar period"):
        history.bars("A", "1x")


def test_bases_are_kept_apart(bus: EventBus, database: Database, store_bus: Any, history: DatabaseHistory) -> None:
    """Bid and ask bars of the same start are two series."""
    minutes(bus, 3, basis=BarBasis.BID)
    minutes(bus, 2, basis=BarBasis.ASK)
    store_bus(bus, database)
    assert len(history.bars("A", "1m", basis=BarBasis.BID)) == 3
    assert len(history.bars("A", "1m", basis=BarBasis.ASK)) == 2
    assert history.periods("A") == []
    assert history.periods("A", basis=BarBasis.BID) == ["1m"]


def test_depth_and_deltas_are_queried_alike(bus: EventBus, database: Database, store_bus: Any, history: DatabaseHistory) -> None:
    """Order books and their changes come by time."""
    for at in range(3):
        bus.publish(Depth(symbol="A", venue="V", event_ns=at, bid_prices=(1.0 * at, 2.0)))
        bus.publish(BookDelta(symbol="A", venue="V", event_ns=at, price=1.0 * at))
    store_bus(bus, database)
    assert history.depth("A", start_ns=1)["bid_prices"][:, 0].tolist() == [1.0, 2.0]
    assert np.isnan(history.depth("A")["bid_prices"][:, 2:]).all()
    assert history.book_deltas("A", limit=1)["price"].tolist() == [2.0]


def test_stream_is_ordered_by_time_over_symbols_and_classes(
    bus: EventBus, database: Database, store_bus: Any, history: DatabaseHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events of all kinds come in the order of (event_ns, ordinal), portion by portion; a bar comes at its end."""
    monkeypatch.setattr("gcg_quant.data_storage.reading.stream._ROWS_AT_A_TIME", 7)
    chance = np.random.default_rng(3)
    for symbol in ("A", "B"):
        for at in sorted(chance.integers(0, 4 * MINUTE, 50).tolist()):
            bus.publish(Tick(symbol=symbol, venue="V", event_ns=at))
            bus.publish(Tick(symbol=symbol, venue="V", event_ns=at, ordinal=1))
            bus.publish(Depth(symbol=symbol, venue="V", event_ns=at))
        minutes(bus, 4, symbol=symbol)
    store_bus(bus, database)
    events = list(history.events())
    assert len(events) == 2 * (150 + 4)
    keys = [(one.event_ns, one.ordinal) for one in events]
    assert keys == sorted(keys)
    with bus.reader(start="begin") as reader:
        published = list(reader)

    def name(one: Any) -> Any:
        return (one.event_ns, one.symbol, type(one).__name__, one.ordinal)

    assert sorted(events, key=name) == sorted(published, key=name)
    only = list(history.events(["B"], kinds=Tick | Bar, start_ns=MINUTE, end_ns=2 * MINUTE))
    assert {type(one) for one in only} == {Tick, Bar}
    assert {one.symbol for one in only} == {"B"}
    assert all(MINUTE <= one.event_ns <= 2 * MINUTE for one in only)
    assert [one.event_ns for one in only if isinstance(one, Bar)] == [MINUTE, 2 * MINUTE]
    assert list(history.events(["A"], kinds=Bar, periods=["5m"])) == []
    with pytest.raises(InstrumentError):
        history.events(["C"])
