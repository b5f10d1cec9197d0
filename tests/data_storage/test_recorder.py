"""The recorder as a component: exactly once over restarts, and patient with a database that is locked or full."""

from __future__ import annotations

import re
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from patience import within
from sqlalchemy import Connection
from sqlalchemy import event as sql_event

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, DatabaseHistory, Ledger, Recorder
from gcg_quant.errors import CursorError, StorageError
from gcg_quant.events import AlertEvent, LogEvent, MetricEvent, Tick, TradeTick


def publish_ticks(bus: EventBus, first: int, count: int) -> None:
    """Publish ticks whose price is their time."""
    bus.publish_many([Tick(symbol="A", venue="V", event_ns=at, last_price=float(at)) for at in range(first, first + count)])


def stored_times(database: Database) -> list[int]:
    """Return the times of the stored ticks."""
    found: list[int] = DatabaseHistory(database).ticks("A")["event_ns"].tolist()
    return found


def alerts_of(bus: EventBus) -> list[AlertEvent]:
    """Return the alerts on the bus."""
    with bus.reader(start="begin", events=[AlertEvent]) as reader:
        return [one for one in reader if isinstance(one, AlertEvent)]


def test_events_before_and_after_the_start_are_stored(bus: EventBus, database: Database, wait_for: Any) -> None:
    """A bus that was never recorded is stored from its beginning, backfill and all, and what comes later follows."""
    publish_ticks(bus, 0, 10)
    bus.publish(TradeTick(symbol="A", venue="V", event_ns=1, price=1.0), backfill=True)
    recorder = Recorder(database, flush_ms=5)
    recorder.start(bus)
    wait_for(lambda: database.counts() == {"ticks": 10, "trade_ticks": 1})
    publish_ticks(bus, 10, 10)
    wait_for(lambda: database.counts()["ticks"] == 20)
    health = recorder.health()
    assert recorder.stop()
    assert (health.state, health.handled, health.errors) == ("running", 21, 0)
    assert recorder.stored.rows == {"ticks": 20, "trade_ticks": 1}
    assert stored_times(database) == list(range(20))


def test_stop_stores_what_was_published_before(bus: EventBus, database: Database) -> None:
    """Nothing waits for the next start."""
    recorder = Recorder(database, flush_ms=50, batch_rows=100)
    recorder.start(bus)
    publish_ticks(bus, 0, 1_000)
    assert recorder.stop()
    assert stored_times(database) == list(range(1_000))


def test_stopped_recorder_leaves_a_file_that_is_whole(bus: EventBus, tmp_path: Path) -> None:
    """The file of SQLite alone, without its write-ahead log, holds every row."""
    with Database(home=tmp_path / "home") as database:
        recorder = Recorder(database, flush_ms=1)
        recorder.start(bus)
        publish_ticks(bus, 0, 1_000)
        assert recorder.stop()
        (tmp_path / "copy").mkdir()
        shutil.copy(tmp_path / "home" / "gcg_quant.db", tmp_path / "copy")
        with Database(home=tmp_path / "copy") as copy:
            assert stored_times(copy) == list(range(1_000))


def test_restarted_recorder_goes_on_where_it_stopped(bus: EventBus, database_url: str) -> None:
    """Three runs on one database store each event once, however the batches fall."""
    for run in range(3):
        publish_ticks(bus, run * 100, 100)
        with Database(database_url) as database:
            recorder = Recorder(database, batch_rows=7, flush_ms=1)
            recorder.start(bus)
            assert recorder.stop()
            assert recorder.stored.rows == {"ticks": 100}
            assert recorder.stored.already == {}
    with Database(database_url) as database:
        assert stored_times(database) == list(range(300))


def test_counts_are_published_as_metrics(bus: EventBus, database: Database, wait_for: Any) -> None:
    """The rows stored by table stand on the log lane, at the latest when the recorder stops."""
    publish_ticks(bus, 0, 5)
    recorder = Recorder(database, flush_ms=5)
    recorder.start(bus)
    wait_for(lambda: database.counts() == {"ticks": 5})
    recorder.stop()
    with bus.reader(start="begin", events=[MetricEvent]) as reader:
        metrics = [one for one in reader if isinstance(one, MetricEvent)]
    assert (metrics[-1].name, metrics[-1].value, metrics[-1].labels, metrics[-1].source) == (
        "rows_stored",
        5.0,
        {"table": "ticks"},
        "recorder",
    )


def test_locked_database_is_waited_for_and_reported(bus: EventBus, database_url: str, wait_for: Any) -> None:
    """While another program holds the database nothing is lost; alerts tell again and again how far behind it is, and the end."""
    with Database(database_url, busy_timeout_s=0.01) as database, Database(database_url) as other:
        recorder = Recorder(database, flush_ms=1, alert_s=0.3)
        publish_ticks(bus, 0, 50)
        with other.writing():
            recorder.start(bus)
            wait_for(lambda: recorder._pause_s >= 0.4)
            assert recorder.state == "running"
            assert recorder.health().busy_s < 2
            assert (recorder.health().behind_s or 0) > 0.3
            publish_ticks(bus, 50, 10)
            wait_for(lambda: len(alerts_of(bus)) == 2)
        wait_for(lambda: database.counts().get("ticks") == 60)
        wait_for(lambda: "has caught up after" in alerts_of(bus)[-1].message and recorder.health().behind_s == 0)
        assert recorder.stop()
        first, second, *_, last = alerts_of(bus)
        assert (first.level, second.level) == ("critical", "critical")
        assert re.search(r"locked by another program\. Nothing is lost: 50 events wait, the oldest for \d+\.\d s, ", first.message)
        assert "in the journal until the database takes rows again" in second.message
        assert last.level == "info"
        assert stored_times(database) == list(range(60))
        assert [one.level for one in Ledger(database).alerts()] == [one.level for one in alerts_of(bus)]


def test_full_database_is_waited_for(bus: EventBus, tmp_path: Path, wait_for: Any) -> None:
    """A full disk stores no half batch and moves no cursor; with room again everything is there once."""
    room = [1_000_000]
    with Database(home=tmp_path) as database:

        def limit(connection: Connection) -> None:
            connection.exec_driver_sql(f"PRAGMA max_page_count={room[0]}")

        sql_event.listen(database.engine, "begin", limit)
        recorder = Recorder(database, batch_rows=500, flush_ms=1)
        recorder.start(bus)
        publish_ticks(bus, 0, 500)
        wait_for(lambda: database.counts() == {"ticks": 500})
        room[0] = 1  # SQLite takes it as the size that the file has now
        publish_ticks(bus, 500, 2_000)
        wait_for(lambda: len(alerts_of(bus)) == 1)
        assert "free some disk space" in alerts_of(bus)[0].message
        stored = database.counts()["ticks"]
        assert stored % 500 == 0
        assert stored < 2_500
        room[0] = 1_000_000
        wait_for(lambda: database.counts()["ticks"] == 2_500)
        assert recorder.stop()
        assert stored_times(database) == list(range(2_500))


def test_stop_does_not_wait_for_a_locked_database(bus: EventBus, database_url: str, wait_for: Any) -> None:
    """The events stay in the journal and are stored by the next run."""
    with Database(database_url, busy_timeout_s=0.05) as database, Database(database_url) as other:
        recorder = Recorder(database, flush_ms=1)
        with other.writing():
            recorder.start(bus)
            publish_ticks(bus, 0, 50)
            wait_for(lambda: recorder._pause_s > 0)
            assert recorder.stop(within(2.0, 20.0))
        assert recorder.state == "stopped"
        recorder.start(bus)
        assert recorder.stop()
        assert stored_times(database) == list(range(50))


def test_second_recorder_of_a_bus_stops_with_a_sentence(bus: EventBus, make_bus: Any, database: Database, wait_for: Any) -> None:
    """Whoever finds a cursor that it did not write stops and says why."""
    first = Recorder(database, flush_ms=1)
    first.start(bus)
    wait_for(lambda: first.state == "running")
    with database.writing() as connection:
        connection.exec_driver_sql(f"INSERT INTO recorder_cursors VALUES ('recorder', '{bus.bus_id}', 1, 1, 1, 1, 0)")
    publish_ticks(bus, 0, 1)
    wait_for(lambda: first.state == "failed")
    with bus.reader(start="begin", events=[LogEvent]) as reader:
        (log,) = list(reader)
    assert isinstance(log, LogEvent)
    assert "Another recorder called 'recorder' stores the same bus" in log.message
    assert database.counts() == {}


def test_cursor_beyond_the_end_of_the_bus_is_refused(bus: EventBus, database: Database) -> None:
    """A database that knows more than the bus holds is not written on."""
    with database.writing() as connection:
        connection.exec_driver_sql(f"INSERT INTO recorder_cursors VALUES ('recorder', '{bus.bus_id}', {bus.epoch}, 1, 900, 1, 0)")
    recorder = Recorder(database)
    for _ in range(2):  # the failed start keeps no reader's name
        with pytest.raises(CursorError):
            recorder.start(bus)


def test_charts_read_while_the_recorder_writes(bus: EventBus, database: Database, wait_for: Any) -> None:
    """A reader in another thread sees whole batches in order, and neither waits for the other."""
    recorder = Recorder(database, batch_rows=100, flush_ms=1)
    recorder.start(bus)
    publish_ticks(bus, 0, 1)
    wait_for(lambda: database.counts() == {"ticks": 1})
    problems: list[str] = []
    enough = threading.Event()

    def look() -> None:
        history = DatabaseHistory(database)
        while not enough.is_set():
            times = history.ticks("A")["event_ns"].tolist()
            if times != list(range(len(times))):
                problems.append(str(times[:5]))

    looking = threading.Thread(target=look)
    looking.start()
    for first in range(1, 5_001, 100):
        publish_ticks(bus, first, 100)
    wait_for(lambda: database.counts()["ticks"] == 5_001, 60.0)
    enough.set()
    looking.join(10)
    assert recorder.stop()
    assert not problems


def test_damaged_database_stops_the_recorder_and_keeps_the_journal(bus: EventBus, database_url: str, wait_for: Any) -> None:
    """Damage that no waiting heals ends the recorder with a sentence; its cursor has not moved."""
    with Database(database_url) as database:
        recorder = Recorder(database, flush_ms=1)
        with database.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE ticks RENAME TO elsewhere")
        recorder.start(bus)
        publish_ticks(bus, 0, 1)
        wait_for(lambda: recorder.state == "failed")
        recorder.stop()  # its thread may still be on its way out
        with database.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO ticks")
        recorder.start(bus)
        assert recorder.stop()
        assert stored_times(database) == [0]


def test_database_that_went_away_is_a_storage_error(bus: EventBus, database_url: str) -> None:
    """A recorder cannot start on a database whose tables are gone."""
    with Database(database_url) as database:
        with database.writing() as connection:
            connection.exec_driver_sql("DROP TABLE recorder_cursors")
        with pytest.raises(StorageError, match="refused a statement"):
            Recorder(database).start(bus)
