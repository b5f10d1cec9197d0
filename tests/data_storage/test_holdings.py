"""What a database holds: series, their rows counted or estimated, and one instrument in full."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import from_iso
from gcg_quant.data_storage import Database, ImportRegistry
from gcg_quant.data_storage.reading import row_counts
from gcg_quant.data_storage.reading.holdings import Holdings
from gcg_quant.data_storage.reading.series import Series, kind_named, stored_series
from gcg_quant.errors import InstrumentError, StorageError
from gcg_quant.events import Bar, BarBasis, GapEvent, Tick, World

NOON = from_iso("2026-11-20T12:00:00")
MINUTE = 60_000_000_000


def publish_bars(bus: EventBus, symbol: str, period: str, count: int, *, basis: BarBasis = BarBasis.LAST, step: int = MINUTE) -> None:
    """Publish bars that start every `step` from noon on."""
    bars = np.zeros(count, Bar.dtype)
    bars["start_ns"] = NOON + np.arange(count) * step
    bars["event_ns"] = bars["start_ns"] + step
    bars["period"], bars["basis"] = period.encode(), int(basis)
    bars["instrument"] = bus.instruments.number(symbol, "V")
    bus.publish_batch(bars)


def publish_ticks(bus: EventBus, symbol: str, times: Any) -> None:
    """Publish ticks at these times."""
    ticks = np.zeros(len(times), Tick.dtype)
    ticks["event_ns"] = times
    ticks["ordinal"] = np.arange(len(times))
    ticks["last_price"] = 100.0
    ticks["instrument"] = bus.instruments.number(symbol, "V")
    bus.publish_batch(ticks)


def test_list_names_every_series(bus: EventBus, database: Database, store_bus: Any) -> None:
    """Kinds, periods and bases stand apart, with their rows, times and sources; patterns choose."""
    assert Holdings(database).every() == []
    publish_bars(bus, "A/B", "1m", 5)
    publish_bars(bus, "A/B", "1m", 3, basis=BarBasis.BID)
    publish_bars(bus, "A/B", "1h", 2, step=60 * MINUTE)
    publish_bars(bus, "C", "1m", 1)
    publish_ticks(bus, "A/B", [NOON, NOON, NOON + 7])
    store_bus(bus, database)
    rows = Holdings(database).every()
    found = [(row.symbol, row.kind, row.period, row.basis, row.rows, row.exact, row.first_ns - NOON, row.last_ns - NOON) for row in rows]
    assert found == [
        ("A/B", "bars", "1h", "last", 2, True, 0, 60 * MINUTE),
        ("A/B", "bars", "1m", "last", 5, True, 0, 4 * MINUTE),
        ("A/B", "bars", "1m", "bid", 3, True, 0, 2 * MINUTE),
        ("A/B", "ticks", "", "", 3, True, 0, 7),
        ("C", "bars", "1m", "last", 1, True, 0, 0),
    ]
    assert {tuple(row.sources) for row in rows} == {("test",)}
    assert all(50 * row.rows < row.bytes < 300 * row.rows for row in rows)
    for pattern, symbols in (("C", {"C"}), ("*/B", {"A/B"}), ("*@V", {"A/B", "C"}), ("A/B@V", {"A/B"})):
        assert {row.symbol for row in Holdings(database).every(pattern)} == symbols
    with pytest.raises(InstrumentError, match=r"Nothing is stored of 'A/C'\. Did you mean 'A/B'"):
        Holdings(database).every("A/C")


def test_long_series_are_estimated_from_samples(bus: EventBus, database: Database, store_bus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too long to count comes near the truth, also when sessions leave it empty most of the time, and sums are exact."""
    sessions = np.concatenate([NOON + day * 1440 * MINUTE + np.arange(1_500) * MINUTE // 10 for day in range(8)])
    publish_ticks(bus, "LONG", sessions)
    publish_ticks(bus, "EVEN", NOON + np.arange(6_000) * 2 * MINUTE)
    publish_ticks(bus, "SHORT", NOON + np.arange(10))
    publish_bars(bus, "LONG", "1m", 3_000)
    store_bus(bus, database)
    monkeypatch.setattr(row_counts, "_COUNTED_ROWS", 1_000)
    monkeypatch.setattr(row_counts, "_ENOUGH_HITS", 300)
    rows = {(row.symbol, row.kind): row for row in Holdings(database).every()}
    assert not rows["LONG", "ticks"].exact
    assert rows["LONG", "ticks"].rows == pytest.approx(12_000, rel=0.3)
    assert rows["LONG", "ticks"].rows + rows["EVEN", "ticks"].rows == 18_000
    assert (rows["SHORT", "ticks"].rows, rows["SHORT", "ticks"].exact) == (10, True)
    assert (rows["LONG", "bars"].rows, rows["LONG", "bars"].exact) == (3_000, True)  # alone in its table: what is left


def test_account_of_an_instrument_counts_every_row(bus: EventBus, make_bus: Any, database: Database, store_bus: Any) -> None:
    """Days, sources, imports and gaps of one instrument; others do not count."""
    publish_ticks(bus, "A", [NOON, NOON + 1, NOON + 1440 * MINUTE])
    publish_ticks(bus, "B", [NOON])
    bus.publish(GapEvent(symbol="A", venue="V", kind="Tick", start_ns=NOON, end_ns=NOON + 5))
    store_bus(bus, database)
    other = make_bus("file", World.IMPORT)
    publish_ticks(other, "A", [NOON + 2])
    registry = ImportRegistry(database)
    number = registry.begin("a.csv", "a" * 64)
    registry.store(other, number)
    registry.finish(number)
    account = Holdings(database).of("A")
    assert account.days == {"ticks": {20261120: 3, 20261121: 1}}
    assert [(one.rows, one.exact, one.sources) for one in account.holdings] == [(4, True, ["file", "test"])]
    assert [(one.number, one.path, one.status, one.rows) for one in account.imports] == [(number, "a.csv", "done", 1)]
    assert (account.gaps, account.instrument.venue) == (1, "V")
    with pytest.raises(InstrumentError, match="Nothing is stored of 'X'"):
        Holdings(database).of("X")


def test_series_are_found_through_the_key(bus: EventBus, database: Database, store_bus: Any) -> None:
    """Each step of the search is one look into the key, whatever lies between, and a series says what it is."""
    publish_bars(bus, "A", "1m", 50)
    publish_bars(bus, "A", "5m", 50, basis=BarBasis.ASK)
    publish_ticks(bus, "B", [1])
    store_bus(bus, database)
    with database.reading() as connection:
        numbers = dict(connection.exec_driver_sql("SELECT symbol, number FROM instruments").all())
        every = stored_series(database, connection)
        assert every == [Series("bars", numbers["A"], "1m", 0), Series("bars", numbers["A"], "5m", 2), Series("ticks", numbers["B"])]
        assert stored_series(database, connection, [numbers["B"]]) == [every[2]]
    assert [str(one) for one in every] == ["1m bars", "5m ask bars", "ticks"]


def test_unknown_kind_is_a_sentence() -> None:
    """The nearest kind is named."""
    with pytest.raises(StorageError, match=r"no kind of data 'tick'; expected bars, .*Did you mean 'ticks'"):
        kind_named("tick")
