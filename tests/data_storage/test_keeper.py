"""The keeper as a component: at its time, beside a recorder, once; changed while running; patient with a locked database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import select

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_DAY, NS_PER_HOUR, now_ns
from gcg_quant.data_storage import Database, Recorder
from gcg_quant.data_storage.keeping.checking import check_database
from gcg_quant.data_storage.keeping.keeper import Keeper
from gcg_quant.data_storage.schema.models import meta
from gcg_quant.events import Applied, ConfigChangeEvent, Event, LogEvent, Tick
from gcg_quant.keeping_sections import BackupSettings, RetentionSettings, due_ns

TODAY = now_ns() // NS_PER_DAY * NS_PER_DAY


class Clock:
    """A clock that stands where the test puts it."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        """Return the time."""
        return self.now


def events_of(bus: EventBus, kind: type[Event]) -> list[Any]:
    """Return the events of a class on the bus."""
    with bus.reader(start="begin", events=[kind]) as reader:
        return list(reader)


def ran(database: Database) -> int:
    """Return when the rules ran last."""
    with database.reading() as connection:
        return int(connection.scalar(select(meta.c.value).where(meta.c.name == "retention_ran_ns")) or 0)


def test_due_is_the_newest_time_of_day_or_pace() -> None:
    """A time of day is in UTC; a pace counts from the epoch on; off is never."""
    half_past_three = TODAY + 3 * NS_PER_HOUR + NS_PER_HOUR // 2
    assert due_ns("03:30", half_past_three) == half_past_three
    assert due_ns("03:30", half_past_three - 1) == half_past_three - NS_PER_DAY
    assert due_ns("6h", TODAY + 7 * NS_PER_HOUR) == TODAY + 6 * NS_PER_HOUR
    assert due_ns(None, TODAY) == 0


def test_rules_run_at_their_time_beside_a_recorder(bus: EventBus, database: Database, wait_for: Any) -> None:
    """New rules wait for their time; then old rows go while new ones are stored, once, and a log line says what went."""
    clock = Clock(TODAY + 13 * NS_PER_HOUR)  # half an hour later it is not time again
    keeper = Keeper(database, RetentionSettings(at="6h", ticks="30d"), clock=clock)
    recorder = Recorder(database, flush_ms=1)
    bus.publish_many([Tick(symbol="A", venue="V", event_ns=at, last_price=1.0) for at in range(20_000)])
    recorder.start(bus)
    keeper.start(bus)
    wait_for(lambda: database.counts().get("ticks") == 20_000 and ran(database) > 0)
    first = ran(database)
    clock.now += 31 * NS_PER_DAY
    for at in range(5):
        bus.publish(LogEvent(level="info", component="test", message=str(at)))
    wait_for(lambda: ran(database) > first)
    wait_for(lambda: len([one for one in events_of(bus, LogEvent) if one.component == "keeper"]) == 1)
    clock.now += NS_PER_HOUR // 2
    keeper._next_s = 0.0
    assert keeper.stop()
    assert recorder.stop()
    (line,) = [one.message for one in events_of(bus, LogEvent) if one.component == "keeper"]
    assert "20,000 of ticks (older than 30d)" in line
    assert check_database(database).problems == ()
    assert database.counts() == {"logs": 6}


def test_changed_rules_are_taken_over(bus: EventBus, database: Database, wait_for: Any) -> None:
    """A change of the settings file holds from the next run on, and is confirmed; other changes are passed over."""
    keeper = Keeper(database, RetentionSettings())
    keeper.start(bus)
    bus.publish(ConfigChangeEvent(revision=2, changes={"chart.theme": "light"}))
    bus.publish(ConfigChangeEvent(revision=3, changes={"retention.ticks": "30d", "retention.logs": None}))
    wait_for(lambda: len(events_of(bus, Applied)) == 1)
    assert events_of(bus, Applied)[0].detail == "retention at 03:30: ticks 30d; backup at no time"
    assert keeper.stop()


def test_locked_database_is_told_once_and_tried_again(bus: EventBus, tmp_path: Path, wait_for: Any) -> None:
    """A job that cannot be done now is done later."""
    clock = Clock(now_ns())
    with Database(home=tmp_path, busy_timeout_s=0.01) as database, Database(home=tmp_path) as other:
        keeper = Keeper(database, RetentionSettings(at="1h"), clock=clock)
        keeper.start(bus)
        wait_for(lambda: ran(other) > 0)
        first = ran(other)
        with other.writing():
            clock.now += NS_PER_HOUR
            for _ in range(2):
                keeper._put_off, keeper._next_s = {key: (why, 0.0) for key, (why, _) in keeper._put_off.items()}, 0.0
                wait_for(lambda: keeper._put_off.get("retention", ("", 0.0))[1] > 0)
        assert len(events_of(bus, LogEvent)) == 1
        assert "locked by another program" in events_of(bus, LogEvent)[0].message
        assert keeper.health().errors == 0  # the supervisor asks every component for it
        keeper._put_off.clear()
        wait_for(lambda: ran(other) > first)
        assert keeper.stop()


def test_backups_are_made_at_their_time_and_the_newest_stay(bus: EventBus, database: Database, tmp_path: Path, wait_for: Any) -> None:
    """Each backup is told with its rows; the oldest goes with its SHA-256; one that fails does not keep old rows from being removed."""
    clock = Clock(now_ns())
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / "gcg_quant-20200101T000000Z.db.part").write_text("left by a process that was killed")
    keeper = Keeper(database, RetentionSettings(at="1h"), BackupSettings(at="1h", keep=2), home=tmp_path, clock=clock)
    keeper.start(bus)

    def saved() -> list[str]:
        return [one.message for one in events_of(bus, LogEvent) if "was saved" in one.message]

    wait_for(lambda: ran(database) > 0)
    for count in (1, 2, 3):
        clock.now += NS_PER_HOUR
        keeper._next_s = 0.0
        wait_for(lambda wanted=count: len(saved()) == wanted)  # type: ignore[misc]
    wait_for(lambda: len(list((tmp_path / "backups").iterdir())) == 4)
    assert all(file.suffix in (".zst", ".sha256") for file in (tmp_path / "backups").iterdir())
    (tmp_path / "no folder").write_text("")
    bus.publish(ConfigChangeEvent(revision=2, changes={"backup.folder": str(tmp_path / "no folder")}))
    wait_for(lambda: len(events_of(bus, Applied)) == 1)
    first = ran(database)
    clock.now += NS_PER_HOUR
    keeper._next_s = 0.0
    wait_for(lambda: ran(database) > first)
    assert keeper.stop()
    (problem,) = [one.message for one in events_of(bus, LogEvent) if one.level == "warning"]
    assert "could not do the backup" in problem
    assert "cannot be written" in problem
