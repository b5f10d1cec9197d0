"""Retention: what is old goes, what a snapshot or a durable reader needs stays, and who is away is reported once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from gcg_quant import journal_check
from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_DAY, now_ns
from gcg_quant.errors import JournalError
from gcg_quant.events import AlertEvent, Event, Lane, LogEvent, MetricEvent, SystemEvent, Tick, World
from gcg_quant.retention import Retention, needed
from gcg_quant.snapshots import SnapshotNote, Snapshots

PAGE = 65_536


def wait_for(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Wait until the condition holds, or fail."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not hold in time"
        time.sleep(0.002)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[EventBus]:
    """Return a paper bus with pages of 64 KB and some ten pages of ticks."""
    with EventBus(tmp_path / "bus", world=World.PAPER, source="test", page_mb=PAGE / 2**20, sync="none") as bus:
        fill(bus)
        yield bus


def fill(bus: EventBus, count: int = 3000) -> None:
    """Publish ticks."""
    bus.publish_many([Tick(symbol="A", venue="X", event_ns=number + 1, last_price=float(number)) for number in range(count)])


def pages(bus: EventBus, lane: Lane = Lane.MARKET) -> int:
    """Return how many pages of a lane are in use; more may be prepared."""
    return sum(page["lane"] == lane and page["first_seq"] > 0 for page in journal_check.verify(bus.path))


def first_seq(bus: EventBus) -> int:
    """Return the oldest seq of the market lane."""
    with bus.reader(start="begin") as reader:
        return reader.cursor.market


def read(bus: EventBus, kind: type[Event]) -> list[Event]:
    """Return all events of a class."""
    with bus.reader(start="begin", events=[kind]) as reader:
        return list(reader)


def retention(bus: EventBus, **options: object) -> Retention:
    """Return a retention that lives on the test's thread, for which all that is on the bus is old."""
    options = {"keep_days": 7.0, "clock": lambda: now_ns() + 8 * NS_PER_DAY} | options
    component = Retention(**options)  # type: ignore[arg-type]
    component.start(bus, threaded=False)
    return component


def snapshot(bus: EventBus, name: str, *, vital: bool = True) -> int:
    """Publish a snapshot of all that is there; return the seq from which on the rest is read."""
    with bus.reader(start="end") as reader:
        cursor = reader.cursor
    Snapshots(bus, name, 1, vital=vital).write(b"state", cursor, "events", bus.publish)
    return cursor.market


def age(bus: EventBus, name: str, days: float = 2.0) -> None:
    """Make a component's note look as old as that."""
    file = bus.path / "snapshots" / name
    note = msgspec.json.decode(file.read_bytes(), type=SnapshotNote)
    file.write_bytes(msgspec.json.encode(msgspec.structs.replace(note, written_ns=now_ns() - round(days * NS_PER_DAY))))


def test_old_pages_go_and_young_ones_stay(small: EventBus) -> None:
    """Pages older than keep_days go but for the one that is written to; within them nothing does."""
    young = retention(small, clock=now_ns)
    before = pages(small)
    assert not young.prune().removed
    young.stop()
    old = retention(small)
    report = old.prune()
    assert len(report.removed) == before - 1
    assert pages(small) == 1
    old.stop()
    assert [event.value for event in read(small, MetricEvent) if isinstance(event, MetricEvent)][-1] == report.bytes_after
    assert any("removed" in event.message for event in read(small, LogEvent) if isinstance(event, LogEvent))


def test_size_is_kept(small: EventBus) -> None:
    """Above keep_gb the oldest pages go, however young they are."""
    component = retention(small, clock=now_ns, keep_gb=9 * PAGE / 1e9)  # two pages a lane are there in any case
    report = component.prune()
    component.stop()
    assert report.removed
    assert report.bytes_after <= 9 * PAGE < report.bytes_before


def test_last_two_snapshots_hold_their_tails(small: EventBus) -> None:
    """Nothing behind the last snapshot but one goes, so that it can take the place of the last; with newer ones, more may go."""
    snapshot(small, "trading")
    fill(small)
    component = retention(small)
    assert not component.prune().removed, "the only snapshot can be replaced by the beginning alone"
    needed_from = snapshot(small, "trading")
    fill(small)
    snapshot(small, "trading")
    fill(small)
    report = component.prune()
    assert report.removed
    assert first_seq(small) <= needed_from
    assert {hold.name for hold in report.held if hold.lane == Lane.MARKET} == {"snapshot of trading"}
    found = list(Snapshots(small, "trading", 1).find())
    assert len(found) >= 2
    with small.reader(start=found[1].cursor, events=[Tick]) as reader:
        assert len(list(reader)) == 6000
    before = first_seq(small)
    snapshot(small, "trading")
    component.prune()
    assert first_seq(small) > before
    component.stop()


def test_component_without_a_snapshot_holds_everything(small: EventBus) -> None:
    """A component that has a state and no snapshot of it needs its beginning."""
    Snapshots(small, "trading", 1).claim(None)
    component = retention(small)
    assert not component.prune().removed
    component.stop()


def test_absent_component_is_reported_once(small: EventBus) -> None:
    """One that can do without its past is not waited for after 24 h; an account is, and the alert says what to do."""
    Snapshots(small, "strategies", 1, vital=False).claim(None)
    component = retention(small)
    assert not component.prune().removed, "it was here a moment ago"
    age(small, "strategies")
    for _ in range(3):
        component.prune()
    assert pages(small) == 1
    Snapshots(small, "trading-old", 1).claim(None)
    age(small, "trading-old")
    fill(small)
    for _ in range(3):
        assert not component.prune().removed
    component.stop()
    messages = [event.message for event in read(small, AlertEvent) if isinstance(event, AlertEvent)]
    assert len(messages) == 2
    assert messages[0].startswith("Component strategies has been away since ")
    assert messages[1].endswith(f"remove {small.path / 'snapshots' / 'trading-old'} if it is gone for good.")


def test_component_that_runs_is_not_absent(small: EventBus) -> None:
    """A living reader of the component's name shows that it is there, however old its note."""
    Snapshots(small, "strategies", 1, vital=False).claim(None)
    age(small, "strategies", 30)
    with small.reader("strategies"):
        floors, away = needed(small)
    assert "snapshot of strategies" in floors
    assert away == []


def test_silent_durable_reader_is_reported_once_and_not_waited_for(small: EventBus) -> None:
    """A durable reader holds its pages until it is gone for too long; then it is named, once."""
    with small.reader("recorder", durable=True, start="begin") as reader:
        reader.read()
        reader.commit()
    component = retention(small, silence_s=86_400.0)
    assert not component.prune().removed
    component.stop()
    impatient = retention(small, silence_s=0.0)
    for _ in range(3):
        impatient.prune()
    assert pages(small) == 1
    impatient.stop()
    messages = [event.message for event in read(small, AlertEvent) if isinstance(event, AlertEvent)]
    assert len(messages) == 1
    assert messages[0].startswith("The durable reader recorder has been silent since ")


def test_journal_that_is_too_large_is_reported_once(small: EventBus) -> None:
    """Where pages are needed beyond keep_gb, an alert names who needs them, and another one comes only after it was smaller."""
    component = retention(small, clock=now_ns, keep_gb=9 * PAGE / 1e9)
    for _ in range(2):
        Snapshots(small, "trading", 1).claim(None)
        fill(small)
        for _ in range(3):
            assert not component.prune().removed
        snapshot(small, "trading")
        snapshot(small, "trading")
        component.prune()
    component.stop()
    alerts = [event for event in read(small, AlertEvent) if isinstance(event, AlertEvent)]
    assert [alert.name for alert in alerts] == ["journal_too_large"] * 2
    assert "snapshot of trading (" in alerts[0].message


def test_settings_of_the_run_stay(small: EventBus) -> None:
    """A group that is started again reads the settings behind the newest start, whatever their age."""
    for _ in range(600):
        small.publish(SystemEvent(action="group_started", detail="x" * 200))
    small.publish(SystemEvent(action="start"))
    settings = small.publish(SystemEvent(action="settings"))
    for _ in range(600):
        small.publish(SystemEvent(action="group_started", detail="x" * 200))
    component = retention(small)
    assert any(page.lane == Lane.CONTROL for page in component.prune().removed)
    component.stop()
    with small.reader(start="begin") as reader:
        reader.seek_id(settings)
        event = reader.read()
    assert isinstance(event, SystemEvent)
    assert event.action == "settings"


def test_it_prunes_by_itself(small: EventBus) -> None:
    """A running retention looks again and again, the first time after a while."""
    component = Retention(keep_days=0.0, every_s=0.1)
    component.start(small)
    wait_for(lambda: pages(small) == 1)
    fill(small)
    wait_for(lambda: pages(small) == 1)
    assert component.stop()


def test_failure_is_said_once_and_tried_again(small: EventBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that refuses does not end the component."""

    def fail(*arguments: object, **options: object) -> None:
        raise JournalError("The disk says no.")

    monkeypatch.setattr("gcg_quant.retention.prune", fail)
    component = retention(small, every_s=0.0)
    for _ in range(3):
        component.turn()
    component.stop()
    messages = [event.message for event in read(small, LogEvent) if isinstance(event, LogEvent)]
    assert messages == ["Old pages were not removed: The disk says no."]
