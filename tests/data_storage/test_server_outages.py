"""A recorder whose PostgreSQL is stopped, crashes or is locked: the journal keeps what comes, and all of it is stored once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from patience import within

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, DatabaseHistory, ImportRegistry, Recorder
from gcg_quant.errors import StorageError
from gcg_quant.events import AlertEvent, Bar, Tick


class Publishing(threading.Thread):
    """Publishes ticks whose price is their number, until told to stop."""

    def __init__(self, bus: EventBus) -> None:
        super().__init__()
        self._bus = bus
        self.count = 0
        self.enough = threading.Event()

    def run(self) -> None:
        """Publish some thousand ticks a second."""
        while not self.enough.wait(0.002):
            times = range(self.count, self.count + 5)
            self._bus.publish_many([Tick(symbol="A", venue="V", event_ns=at, last_price=float(at)) for at in times])
            self.count += 5


@pytest.fixture
def database(own_postgresql: Any) -> Iterator[Database]:
    """Return a database of a server that may be stopped."""
    with Database(own_postgresql.new_database(), busy_timeout_s=0.05) as opened:
        yield opened


def alerts_of(bus: EventBus) -> list[AlertEvent]:
    """Return the alerts on the bus."""
    with bus.reader(start="begin", events=[AlertEvent]) as reader:
        return [one for one in reader if isinstance(one, AlertEvent)]


def record_through(bus: EventBus, database: Database, outage: Any, wait_for: Any) -> list[AlertEvent]:
    """Publish and record before, during and after an outage; check that each tick is stored once, and return the alerts."""
    recorder = Recorder(database, flush_ms=1, batch_rows=100)
    publishing = Publishing(bus)
    recorder.start(bus)
    publishing.start()
    try:
        wait_for(lambda: database.counts().get("ticks", 0) > 50)
        with outage():
            wait_for(lambda: len(alerts_of(bus)) == 1)
            during = publishing.count
            wait_for(lambda: publishing.count > during + 200)
            assert recorder.state == "running"
            assert recorder.health().behind_s > 0
        published = publishing.count
        wait_for(lambda: recorder.stored.rows["ticks"] >= published, 60.0)
    finally:
        publishing.enough.set()
        publishing.join()
        assert recorder.stop(20.0)
    assert DatabaseHistory(database).ticks("A")["last_price"].tolist() == list(range(publishing.count))
    assert database.counts()["ticks"] == recorder.stored.rows["ticks"] == publishing.count
    return alerts_of(bus)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_recorder_lives_through_a_stopped_and_a_crashed_server(
    bus: EventBus, database: Database, own_postgresql: Any, wait_for: Any, mode: str
) -> None:
    """Nothing is lost or stored twice; one alert says how far the database is behind, and others that it goes on."""

    class Outage:
        def __enter__(self) -> None:
            own_postgresql.stop(mode)

        def __exit__(self, *_: object) -> None:
            own_postgresql.start()

    first, *later = record_through(bus, database, Outage, wait_for)
    assert first.level == "critical"
    assert "cannot be reached" in first.message
    assert "events wait, the oldest for " in first.message
    assert [one.level for one in later] == ["info"] * len(later)


def test_recorder_waits_for_a_locked_table(bus: EventBus, database: Database, own_postgresql: Any, wait_for: Any) -> None:
    """Somebody who holds a table in his hands keeps the recorder waiting, not more."""

    class Locked:
        def __enter__(self) -> None:
            self.connection = psycopg.connect(database.url.set(drivername="postgresql").render_as_string(hide_password=False))
            self.connection.execute("LOCK TABLE ticks IN ACCESS EXCLUSIVE MODE")

        def __exit__(self, *_: object) -> None:
            self.connection.close()

    first, *_ = record_through(bus, database, Locked, wait_for)
    assert (first.level, "locked by another program" in first.message) == ("critical", True)


def test_import_notices_that_the_server_forgot_its_lock(bus: EventBus, make_bus: Any, database: Database, own_postgresql: Any) -> None:
    """After a crash the import takes its lock again and goes on; one that was taken for dead and removed stops with a sentence."""
    bus.publish(Bar(symbol="A", venue="V", start_ns=1, end_ns=2, period="1s", close=1.0))
    registry, other = ImportRegistry(database), ImportRegistry(database)
    number = registry.begin("a.csv", "a" * 64)
    own_postgresql.stop("immediate")
    own_postgresql.start()
    assert registry.store(bus, number).rows == {"bars": 1}
    assert other.clean() == 0
    own_postgresql.stop("immediate")
    own_postgresql.start()
    assert other.clean() == 1
    bus.publish(Bar(symbol="A", venue="V", start_ns=2, end_ns=3, period="1s", close=1.0))
    with pytest.raises(StorageError, match="was taken for dead and removed"):
        registry.store(bus, number)
    assert database.counts() == {}


def test_server_that_is_away_is_noticed_at_once(database: Database, own_postgresql: Any) -> None:
    """Questions and openings fail with a sentence within a second, and work again as soon as the server does."""
    own_postgresql.stop("fast")
    began = time.monotonic()
    try:
        for ask in (database.counts, DatabaseHistory(database).symbols, lambda: Database(database.url.render_as_string(False))):
            with pytest.raises(StorageError, match="cannot be reached") as caught:
                ask()
            assert "\n" not in str(caught.value)
        assert time.monotonic() - began < within(5.0, 20.0)
    finally:
        own_postgresql.start()
    assert database.counts() == {}


def test_recorder_begins_while_the_server_is_away(bus: EventBus, own_postgresql: Any, wait_for: Any) -> None:
    """A system starts without its database; what comes meanwhile waits in the journal, and a second start goes on behind the first."""
    url = own_postgresql.new_database()
    for first in (0, 100):
        own_postgresql.stop("fast")
        try:
            with pytest.raises(StorageError, match="cannot be reached"):
                Database(url)
            database = Database(url, patient=True, busy_timeout_s=0.05)
            recorder = Recorder(database, flush_ms=1)
            recorder.start(bus)
            bus.publish_many([Tick(symbol="A", venue="V", event_ns=at, last_price=float(at)) for at in range(first, first + 100)])
            wait_for(lambda: alerts_of(bus) and "cannot be reached" in alerts_of(bus)[-1].message)
            assert recorder.state == "running"
        finally:
            own_postgresql.start()
        wait_for(lambda wanted=first + 100, opened=database: opened.counts().get("ticks") == wanted)  # type: ignore[misc]
        assert recorder.stop(20.0)
        assert DatabaseHistory(database).ticks("A")["last_price"].tolist() == list(range(first + 100))
        assert "has caught up" in alerts_of(bus)[-1].message
        database.close()
