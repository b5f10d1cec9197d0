"""Deleting market data: exactly the rows asked for, in short transactions, and what it means for imports."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, DatabaseHistory, ImportRegistry
from gcg_quant.data_storage.writing import row_deletion
from gcg_quant.data_storage.writing.deletion import Deletion, DeletionRequest
from gcg_quant.errors import EventError, GcgQuantError, InstrumentError, StorageError
from gcg_quant.events import Bar, Tick, World

MINUTE = 60_000_000_000


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a transaction delete a few rows only."""
    monkeypatch.setattr(row_deletion, "_ROWS_AT_A_TIME", 4)
    monkeypatch.setattr(row_deletion, "_LONGEST_PAUSE_S", 0.0)


def publish(bus: EventBus, symbol: str, times: Any, period: str = "") -> None:
    """Publish ticks at these times, or bars that start then."""
    rows = np.zeros(len(times), Bar.dtype if period else Tick.dtype)
    rows["event_ns"] = times
    rows["instrument"] = bus.instruments.number(symbol, "V")
    if period:
        rows["start_ns"], rows["event_ns"], rows["period"] = times, np.array(times) + MINUTE, period.encode()
    bus.publish_batch(rows)


def delete(database: Database, **asked: Any) -> list[int]:
    """Delete and return the rows of each transaction."""
    return list(Deletion(database, DeletionRequest(**asked)).run())


def stored(database: Database) -> dict[str, list[int]]:
    """Return the times of all ticks by symbol."""
    history = DatabaseHistory(database)
    return {symbol: history.ticks(symbol)["event_ns"].tolist() for symbol, _ in history.symbols()}


def test_only_what_is_asked_for_goes(bus: EventBus, database: Database, store_bus: Any) -> None:
    """Symbol, kind, period and range choose; the counts of rows follow, and what would go is told before."""
    publish(bus, "A", range(10))
    publish(bus, "B", range(10))
    publish(bus, "A", [MINUTE * one for one in range(6)], "1m")
    publish(bus, "A", [0], "1h")
    store_bus(bus, database)
    request = DeletionRequest(symbol="A@V", start_ns=2, end_ns=9, kind="ticks")
    (doomed,) = Deletion(database, request).doomed()
    assert (doomed.symbol, doomed.venue, doomed.what, doomed.rows, doomed.first_ns, doomed.last_ns) == ("A", "V", "ticks", 7, 2, 8)
    assert sum(delete(database, symbol="A@V", start_ns=2, end_ns=9, kind="ticks")) == 7
    assert stored(database) == {"A": [0, 1, 9], "B": list(range(10))}
    assert delete(database, symbol="A", period="1m", start_ns=MINUTE) == [4, 1]
    history = DatabaseHistory(database)
    assert history.bars("A", "1m")["start_ns"].tolist() == [0]
    assert (history.periods("A"), database.counts()) == (["1m", "1h"], {"ticks": 13, "bars": 2})
    assert sum(delete(database, symbol="A")) == 5
    assert history.symbols() == [("B", "V")]
    assert database.counts() == {"ticks": 10}
    assert Deletion(database, DeletionRequest(symbol="A")).doomed() == []


def test_any_ranges_leave_what_a_list_would(bus: EventBus, database: Database, store_bus: Any) -> None:
    """Random deletions, some cut short as by a kill, of rows of which many have one time: always exactly the range, and exact counts."""
    chance = np.random.default_rng(5)
    times = sorted(chance.integers(0, 60, 300).tolist() + [30] * 20)
    publish(bus, "A", times)
    store_bus(bus, database)
    while times:
        start, width = int(chance.integers(-5, 60)), int(chance.integers(1, 25))
        steps = Deletion(database, DeletionRequest(symbol="A", start_ns=start, end_ns=start + width)).run()
        next(steps, None)
        if chance.random() < 0.3:
            steps.close()  # type: ignore[attr-defined]
            assert database.counts().get("ticks", 0) == len(stored(database).get("A", []))
            steps = Deletion(database, DeletionRequest(symbol="A", start_ns=start, end_ns=start + width)).run()
        list(steps)
        times = [one for one in times if not start <= one < start + width]
        assert stored(database).get("A", []) == times
        assert database.counts().get("ticks", 0) == len(times)
        if len(times) < 40:
            delete(database, symbol="A")
            times = []
    assert database.counts() == {}


def import_ticks(registry: ImportRegistry, bus: EventBus, sha256: str) -> int:
    """Store all of a bus as an import."""
    number = registry.begin(f"{sha256[0]}.csv", sha256)
    registry.store(bus, number)
    registry.finish(number)
    return number


def test_file_of_deleted_rows_can_be_imported_again(bus: EventBus, make_bus: Any, database: Database, store_bus: Any) -> None:
    """An import that lost a row no longer counts as done; another one does, and what came from elsewhere stays."""
    publish(bus, "A", [100])
    store_bus(bus, database)
    registry, buses = ImportRegistry(database), [make_bus(name, World.IMPORT) for name in ("a", "b", "again")]
    publish(buses[0], "A", range(10))
    publish(buses[1], "A", range(200, 205))
    publish(buses[2], "A", range(10))
    first, second = (import_ticks(registry, one, name * 64) for one, name in zip(buses, "ab", strict=False))
    (doomed,) = Deletion(database, DeletionRequest(symbol="A", end_ns=3)).doomed()
    assert doomed.imports == {first: "a.csv"}
    delete(database, symbol="A", end_ns=3)
    assert [(row.number, row.status) for row in registry.rows()] == [(first, "partial"), (second, "done")]
    assert registry.find("a" * 64) is None
    assert registry.find("b" * 64) is not None
    third = import_ticks(registry, buses[2], "a" * 64)
    assert stored(database)["A"] == [*range(10), 100, *range(200, 205)]
    assert registry.find("a" * 64).number == third  # type: ignore[union-attr]
    assert sum(delete(database, import_number=second)) == 5
    assert sum(delete(database, import_number=first, symbol="A", start_ns=5)) == 5
    assert stored(database)["A"] == [0, 1, 2, 3, 4, 100]


def test_rows_of_a_running_import_are_refused(make_bus: Any, database: Database) -> None:
    """Nothing goes while an import may still put rows there; afterwards it does."""
    registry, other = ImportRegistry(database), make_bus("a", World.IMPORT)
    publish(other, "A", range(3))
    number = registry.begin("a.csv", "a" * 64)
    registry.store(other, number)
    with pytest.raises(StorageError, match=rf"Import {number} \(a\.csv\) is still running"):
        delete(database, symbol="A")
    with pytest.raises(StorageError, match=rf"Import {number} is still running"):
        delete(database, import_number=number)
    assert database.counts() == {"ticks": 3}
    registry.finish(number)
    assert sum(delete(database, symbol="A")) == 3


def test_who_writes_beside_it_is_not_kept_out(
    bus: EventBus, database: Database, database_url: str, store_bus: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another writer with little patience gets its turns between the transactions of a long deletion."""
    monkeypatch.setattr(row_deletion, "_LONGEST_PAUSE_S", 0.1)
    publish(bus, "A", range(400))
    publish(bus, "B", range(5))
    store_bus(bus, database)
    turns: list[int] = []
    done = threading.Event()

    def write() -> None:
        with Database(database_url, busy_timeout_s=1.0) as other:
            while not done.is_set():
                turns.append(sum(delete(other, symbol="B", start_ns=len(turns), end_ns=len(turns) + 1)))

    thread = threading.Thread(target=write)
    thread.start()
    delete(database, symbol="A")
    done.set()
    thread.join()
    assert len(turns) >= 5
    assert database.counts() == {}


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({}, StorageError, "Say which data: a symbol"),
        ({"symbol": "AB"}, InstrumentError, "Did you mean 'A'"),
        ({"symbol": "A", "kind": "tick"}, StorageError, "Did you mean 'ticks'"),
        ({"symbol": "A", "period": "1 minute"}, EventError, "is not a bar period"),
        ({"symbol": "A", "period": "3m"}, StorageError, "No 3m bars are stored of A; its periods: 1m"),
        ({"symbol": "A", "kind": "ticks", "period": "1m"}, StorageError, "Only bars have a period"),
        ({"symbol": "A", "start_ns": 2, "end_ns": 2}, StorageError, "is not after the start"),
        ({"import_number": 7}, StorageError, "There is no import 7"),
    ],
)
def test_what_makes_no_sense_is_a_sentence(
    bus: EventBus, database: Database, store_bus: Callable[..., Any], asked: dict[str, Any], error: type[GcgQuantError], message: str
) -> None:
    """Nothing is deleted, and the sentence names what there is."""
    publish(bus, "A", [0], "1m")
    publish(bus, "A", [0])
    store_bus(bus, database)
    with pytest.raises(error, match=message):
        delete(database, **asked)
    assert database.counts() == {"ticks": 1, "bars": 1}
