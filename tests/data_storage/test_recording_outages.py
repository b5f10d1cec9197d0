"""A recorder whose database is full, gone, replaced or read-only, and a journal that is cleared: nothing is lost, nothing stored twice."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from patience import within
from sqlalchemy import Connection
from sqlalchemy import event as sql_event

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, DatabaseHistory, Recorder
from gcg_quant.errors import JournalFullError
from gcg_quant.events import AlertEvent, LogEvent, Tick
from gcg_quant.pruning import prune
from gcg_quant.retention import needed

BALLAST = 5 * 2**20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a disk of 10 MB of its own, half of it taken by the file `ballast`; only root may have one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=10m", "tmpfs", str(disk)], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no small disk can be mounted here: {made.stderr.strip()}")
    (disk / "ballast").write_bytes(bytes(BALLAST))
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


class Ticks:
    """Publishes ticks whose price is their number, and waits where the journal's disk is full."""

    def __init__(self, bus: EventBus) -> None:
        self.bus = bus
        self.count = 0

    def publish(self, count: int) -> None:
        """Publish so many more; stop at the first that does not fit."""
        name = {"symbol": "A", "venue": "V"}
        more = range(self.count, self.count + count)
        self.bus.publish_many([Tick(**name, event_ns=at, last_price=float(at)) for at in more])
        self.count += count

    def publish_for_ever(self) -> None:
        """Publish until something stops it."""
        while True:
            self.publish(100)


def stored(database: Database) -> list[int]:
    """Return the times of the stored ticks."""
    found: list[int] = DatabaseHistory(database).ticks("A")["event_ns"].tolist()
    return found


def alerts_of(bus: EventBus) -> list[AlertEvent]:
    """Return the alerts on the bus."""
    with bus.reader(start="begin", events=[AlertEvent]) as reader:
        return [one for one in reader if isinstance(one, AlertEvent)]


def test_full_disk_is_waited_for(bus: EventBus, small_disk: Path, wait_for: Any) -> None:
    """The database fills its disk; the journal, which lies elsewhere, takes all; with room again all is stored once."""
    with Database(home=small_disk) as database:
        recorder = Recorder(database, flush_ms=1, batch_rows=2_000)
        recorder.start(bus)
        ticks = Ticks(bus)
        while not alerts_of(bus):
            ticks.publish(2_000)
            wait_for(lambda: recorder._pause_s > 0 or recorder.health().lag < 2_000)
        ticks.publish(2_000)
        assert "free some disk space. Nothing is lost" in alerts_of(bus)[0].message
        assert sum(database.counts().values()) < ticks.count
        (small_disk / "ballast").unlink()
        wait_for(lambda: database.counts().get("ticks") == ticks.count)
        assert recorder.stop()
        assert recorder.stored.already == {}
        assert stored(database) == list(range(ticks.count))
        assert alerts_of(bus)[-1].level == "info"


def test_journal_and_database_on_one_full_disk(small_disk: Path, wait_for: Any) -> None:
    """The publisher is told, the recorder waits and lives, and the alert that had nowhere to go comes when there is room."""
    with (
        EventBus(small_disk / "bus", source="test", page_mb=0.25, sync="none") as bus,
        Database(home=small_disk) as database,
    ):
        recorder = Recorder(database, flush_ms=1, batch_rows=1_000)
        recorder.start(bus)
        ticks = Ticks(bus)
        with pytest.raises(JournalFullError):
            ticks.publish_for_ever()
        wait_for(lambda: recorder._pause_s > 0)
        assert recorder.state == "running"
        (small_disk / "ballast").unlink()
        ticks.publish(500)
        wait_for(lambda: database.counts().get("ticks") == ticks.count)
        assert recorder.stop()
        assert stored(database) == list(range(ticks.count))


def test_file_that_was_moved_away_is_waited_for(bus: EventBus, tmp_path: Path, wait_for: Any) -> None:
    """Nothing is written into a file that lies elsewhere now; put back, it gets all that came meanwhile."""
    with Database(home=tmp_path / "home") as database:
        recorder = Recorder(database, flush_ms=1)
        recorder.start(bus)
        ticks = Ticks(bus)
        ticks.publish(10)
        wait_for(lambda: database.counts().get("ticks") == 10)
        database.path.rename(tmp_path / "elsewhere")
        ticks.publish(10)
        wait_for(lambda: len(alerts_of(bus)) == 1)
        assert "was moved away or deleted: put it back" in alerts_of(bus)[0].message
        (tmp_path / "elsewhere").rename(database.path)
        wait_for(lambda: database.counts().get("ticks") == 20)
        assert recorder.stop()
        assert stored(database) == list(range(20))


def test_file_that_was_replaced_stops_the_recorder(bus: EventBus, tmp_path: Path, wait_for: Any) -> None:
    """A sentence says so, and the next start stores into the new file what it has not seen."""
    with Database(home=tmp_path / "other"), Database(home=tmp_path / "home") as database:
        recorder = Recorder(database, flush_ms=1)
        recorder.start(bus)
        ticks = Ticks(bus)
        ticks.publish(10)
        wait_for(lambda: database.counts().get("ticks") == 10)
        for file in (tmp_path / "other").iterdir():
            file.replace(tmp_path / "home" / file.name)
        ticks.publish(10)
        wait_for(lambda: recorder.state == "failed")
    with bus.reader(start="begin", events=[LogEvent]) as reader:
        assert "was replaced by another file" in str(reader.read())
    with Database(home=tmp_path / "home") as new:
        again = Recorder(new, flush_ms=1)
        again.start(bus)
        assert again.stop()
        assert stored(new) == list(range(20))


def test_read_only_database_is_waited_for(bus: EventBus, tmp_path: Path, wait_for: Any) -> None:
    """A disk that was mounted anew for reading only is one sentence; writable again, all is stored."""
    mode = ["ON"]
    with Database(home=tmp_path) as database:

        def set_mode(connection: Connection) -> None:
            connection.exec_driver_sql(f"PRAGMA query_only={mode[0]}")

        sql_event.listen(database.engine, "begin", set_mode)
        recorder = Recorder(database, flush_ms=1)
        recorder.start(bus)
        ticks = Ticks(bus)
        ticks.publish(10)
        wait_for(lambda: len(alerts_of(bus)) == 1)
        assert "cannot be opened for writing" in alerts_of(bus)[0].message
        mode[0] = "OFF"
        wait_for(lambda: database.counts().get("ticks") == 10)
        assert recorder.stop()


def test_both_limits_of_a_batch_hold(bus: EventBus, database: Database, wait_for: Any) -> None:
    """Few events are stored after `flush_ms`; `batch_rows` of them at once, however long that is; never more in one transaction."""
    sizes: list[int] = []

    def count(recorder: Recorder) -> None:
        store = recorder._store
        assert store is not None
        write = store.write

        def counted(tables: Any, cold: Any, cursor: Any) -> Any:
            sizes.append(sum(map(len, tables.values())))
            return write(tables, cold, cursor)

        store.write = counted  # type: ignore[method-assign]

    ticks = Ticks(bus)
    recorder = Recorder(database, batch_rows=100, flush_ms=60_000)
    recorder.start(bus)
    count(recorder)
    wait_for(lambda: recorder._next_at > 0)  # it has looked once
    ticks.publish(99)
    time.sleep(0.12)
    assert sizes == []
    ticks.publish(151)
    wait_for(lambda: sum(sizes) == 200)
    assert recorder.stop()
    assert (max(sizes), sum(sizes)) == (100, 250)
    quick = Recorder(database, batch_rows=100, flush_ms=150)
    quick.start(bus)
    wait_for(lambda: quick.state == "running")
    count(quick)
    began = time.monotonic()
    ticks.publish(1)
    wait_for(lambda: database.counts()["ticks"] == 251)
    assert time.monotonic() - began < within(2.0, 20.0)
    assert quick.stop()


def test_late_events_are_stored_in_their_place(bus: EventBus, database: Database) -> None:
    """Whatever the order of arrival, over batches, too, the history is in the order of event time."""
    times = [50, 10, 40, 10, 30, 20, 60, 5]
    recorder = Recorder(database, batch_rows=3, flush_ms=1)
    recorder.start(bus)
    for at in times:
        bus.publish(Tick(symbol="A", venue="V", event_ns=at, last_price=1.0))
    assert recorder.stop()
    assert stored(database) == sorted(times)


def test_journal_keeps_what_the_recorder_needs(tmp_path: Path, wait_for: Any) -> None:
    """Pages that are not stored yet stay, whatever the limits say; once stored they may go."""
    with (
        EventBus(tmp_path / "bus", source="test", page_mb=1 / 64, sync="none") as bus,
        Database(home=tmp_path, busy_timeout_s=0.01) as database,
        Database(home=tmp_path) as other,
    ):
        recorder = Recorder(database, flush_ms=1)
        with other.writing():
            recorder.start(bus)
            ticks = Ticks(bus)
            for _ in range(50):
                ticks.publish(20)
            held = prune(bus.path, keep_bytes=0, floors=needed(bus)[0])
            assert held.removed == ()
            assert [hold.name for hold in held.held] == ["recorder"]
        wait_for(lambda: database.counts().get("ticks") == 1_000)
        wait_for(lambda: len(prune(bus.path, keep_bytes=0, dry_run=True).removed) > 3)
        assert recorder.stop()
        assert stored(database) == list(range(1_000))


def test_journal_that_was_cleared_before_an_old_database_comes_back(tmp_path: Path) -> None:
    """An older copy of the database is refilled from the journal; what that no longer holds is told, and all else is stored once."""
    with EventBus(tmp_path / "bus", source="test", page_mb=1 / 64, sync="none") as bus:
        ticks = Ticks(bus)

        def record(home: Path) -> list[int]:
            with Database(home=home) as database:
                recorder = Recorder(database, flush_ms=1)
                recorder.start(bus)
                assert recorder.stop()
                return stored(database)

        for _ in range(10):
            ticks.publish(20)
        record(tmp_path / "home")
        shutil.copytree(tmp_path / "home", tmp_path / "whole")
        shutil.copytree(tmp_path / "home", tmp_path / "late")
        for _ in range(30):
            ticks.publish(20)
        assert record(tmp_path / "home") == record(tmp_path / "whole") == list(range(800))
        assert alerts_of(bus) == []
        with bus.reader("recorder", durable=True) as reader:  # as it stands after the newest run
            reader.seek_end()
            reader.commit()
        gone = [page for page in prune(bus.path, keep_bytes=200_000).removed if page.end_seq > 201]
        assert gone
        first = gone[-1].end_seq - 1
        assert record(tmp_path / "late") == [*range(200), *range(first, 800)]
        (alert,) = alerts_of(bus)
        assert f"no longer holds the market events 201 to {first}," in alert.message


def test_restored_cursor_holds_the_journal_from_the_start(tmp_path: Path, wait_for: Any) -> None:
    """A recorder that starts behind its own cursor file keeps the pages that it needs before it has stored anything."""
    with EventBus(tmp_path / "bus", source="test", page_mb=1 / 64, sync="none") as bus:
        ticks = Ticks(bus)
        for _ in range(50):
            ticks.publish(20)
        with bus.reader("recorder", durable=True) as reader:
            reader.seek_end()
            reader.commit()
        with Database(home=tmp_path, busy_timeout_s=0.01) as database, Database(home=tmp_path) as other:
            recorder = Recorder(database, flush_ms=1)
            with other.writing():
                recorder.start(bus)
                assert prune(bus.path, keep_bytes=0).removed == ()
            wait_for(lambda: database.counts().get("ticks") == 1_000)
            assert recorder.stop()
