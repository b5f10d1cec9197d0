"""Stateful components: snapshot plus tail is the whole fold, at every point, and restarts read the tail alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torture import examples

from gcg_quant.bus import Cursor, EventBus
from gcg_quant.component import event_handler
from gcg_quant.events import AlertEvent, Event, LogEvent, SessionEvent, SnapshotEvent, SystemEvent, Tick, World
from gcg_quant.packing import pack_event, pack_state
from gcg_quant.reader import BusReader
from gcg_quant.snapshots import Snapshots, notes
from gcg_quant.stateful import Follower, Stateful


class Sums:
    """The sum of prices by symbol, the last tick, and how often the system started."""

    VERSION: ClassVar[int] = 1
    VITAL: ClassVar[bool] = False

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.last: Tick | None = None
        self.starts = self.alerts = 0
        self.applied = 0

    def listen(self, reader: BusReader) -> None:
        """Want ticks, system events and alerts: one kind a lane."""
        reader.add_rule((Tick, SystemEvent, AlertEvent), None, None, True)

    def apply(self, event: Event) -> None:
        """Add."""
        self.applied += 1
        if isinstance(event, Tick):
            self.sums[event.symbol] = self.sums.get(event.symbol, 0.0) + event.last_price
            self.last = event
        elif isinstance(event, SystemEvent):
            self.starts += 1
        else:
            self.alerts += 1

    def dump(self) -> Any:
        """Return everything but `applied`, which counts for the tests."""
        return (self.sums, None if self.last is None else pack_event(self.last), self.starts, self.alerts)

    def load(self, state: Any) -> None:
        """Take it over."""
        self.sums, self.last, self.starts, self.alerts = state


class Summing(Stateful[Sums]):
    """Works with a copy of the fold that it was started with."""

    snapshot_every: ClassVar[int] = 50
    snapshot_least: ClassVar[int] = 5

    def __init__(self) -> None:
        super().__init__("summing")
        self.handled_ticks = 0

    def new_fold(self) -> Sums:
        """Return an empty fold."""
        return Sums()

    def on_start(self) -> None:
        """Take up the past."""
        self.past = self.recover()
        self.sums = self.past.copy()

    @event_handler(Tick)
    def on_tick(self, tick: Tick) -> None:
        """Count."""
        self.handled_ticks += 1


def wait_for(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Wait until the condition holds, or fail."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not hold in time"
        time.sleep(0.002)


def ticks(bus: EventBus, count: int) -> None:
    """Publish ticks of two symbols."""
    for number in range(count):
        bus.publish(Tick(symbol="AB"[number % 2], event_ns=number + 1, last_price=0.1 * number))


def snapshots(bus: EventBus) -> list[SnapshotEvent]:
    """Return the snapshots on the bus."""
    with bus.reader(start="begin", events=[SnapshotEvent]) as reader:
        return [event for event in reader if isinstance(event, SnapshotEvent)]


def said(bus: EventBus) -> list[str]:
    """Return the log lines."""
    with bus.reader(start="begin", events=[LogEvent]) as reader:
        return [event.message for event in reader if isinstance(event, LogEvent)]


def whole(bus: EventBus) -> bytes:
    """Return the state of a fold over the whole journal."""
    fold = Sums()
    with bus.reader(start="begin") as reader:
        fold.listen(reader)
        for event in reader:
            fold.apply(event)
    return pack_state(fold.dump())


def start(bus: EventBus) -> Summing:
    """Return a running component."""
    component = Summing()
    component.start(bus)
    wait_for(lambda: component.state == "running")
    return component


EVENTS = st.lists(
    st.one_of(
        st.builds(lambda price: Tick(symbol="A", event_ns=1, last_price=price), st.floats(-1e9, 1e9)),
        st.builds(lambda price: Tick(symbol="B", event_ns=1, last_price=price), st.floats(-1e9, 1e9)),
        st.just(SystemEvent(action="start")),
        st.just(AlertEvent(level="info", component="c", name="n", message="m")),
    ),
    max_size=30,
)


@settings(max_examples=examples(100))
@given(before=EVENTS, after=EVENTS)
def test_snapshot_and_tail_are_the_whole_fold(tmp_path_factory: pytest.TempPathFactory, before: list[Event], after: list[Event]) -> None:
    """Wherever the snapshot is taken, the state behind it is that of a fold from the beginning, byte for byte."""
    with EventBus(tmp_path_factory.mktemp("world") / "bus", world=World.PAPER, page_mb=0.0625, sync="none") as bus:
        for event in before:
            bus.publish(event)
        first = Follower(bus, "c", Sums, pytest.fail)
        first.recover()
        first.keep("events", bus.publish)
        for event in after:
            bus.publish(event)
        second = Follower(bus, "c", Sums, pytest.fail)
        second.recover()
        assert second.fold.applied == len(after)
        assert pack_state(second.fold.dump()) == whole(bus)
        while first.follow(3):
            pass
        assert pack_state(first.fold.dump()) == whole(bus)
        first.close()
        second.close()


def test_clean_stop_leaves_a_snapshot_and_the_next_start_reads_the_tail(bus: EventBus) -> None:
    """A stop puts the state down; the next start applies only what came since."""
    component = start(bus)
    ticks(bus, 30)
    assert component.stop()
    assert [event.reason for event in snapshots(bus)] == ["stop"]
    ticks(bus, 3)
    again = start(bus)
    assert again.past.fold.applied == 3
    assert pack_state(again.sums.dump()) == whole(bus)
    assert again.stop()
    assert len(snapshots(bus)) == 1, "three events are not worth another one"


def test_snapshot_comes_every_so_many_events(bus: EventBus) -> None:
    """A running component puts its state down in a quiet moment, once enough has come."""
    component = start(bus)
    for count in range(1, 4):
        ticks(bus, 60)
        wait_for(lambda count=count: len(snapshots(bus)) == count)  # type: ignore[misc]
    assert [event.reason for event in snapshots(bus)] == ["events"] * 3
    assert component.stop()  # which may put down one more
    assert all(event.source == "summing" and event.cause == 0 for event in snapshots(bus))


def test_busy_component_does_not_wait_for_a_quiet_moment(bus: EventBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """A component that is never idle follows in slices and puts its state down after twice as many events."""
    monkeypatch.setattr("gcg_quant.stateful._BEHIND", 10)
    monkeypatch.setattr("gcg_quant.stateful._LOOK_EVERY", 2)
    component = Summing()
    component.start(bus, threaded=False)
    for _ in range(12):
        ticks(bus, 20)
        assert component.turn() >= 20
    component.stop()
    assert [event.reason for event in snapshots(bus)][:1] == ["events"]
    assert snapshots(bus)[0].market_seq >= 100


def test_session_end_is_a_time_for_a_snapshot(bus: EventBus) -> None:
    """A venue that closes leads to one, an opening one does not."""
    component = start(bus)
    ticks(bus, 10)
    bus.publish(SessionEvent(venue="X", phase="open", event_ns=1))
    wait_for(lambda: component.reader.lag == 0 and component.handled_ticks == 10)
    bus.publish(SessionEvent(venue="X", phase="closed", event_ns=2))
    wait_for(lambda: bool(snapshots(bus)))
    assert component.stop()
    assert [event.reason for event in snapshots(bus)] == ["session"]
    assert snapshots(bus)[0].market_seq >= 12, "the state holds what came before the session's end"


@pytest.mark.parametrize("world", [World.BACKTEST, World.IMPORT])
def test_other_worlds_have_no_snapshots(tmp_path: Path, world: World) -> None:
    """A backtest's journal is read once, and holds nothing but what happened."""
    with EventBus(tmp_path / "bus", world=world, page_mb=1, sync="none") as bus:
        ticks(bus, 200)
        component = start(bus)
        assert pack_state(component.sums.dump()) == whole(bus)
        assert component.stop()
        assert snapshots(bus) == []
        assert notes(bus.path) == []


def test_state_that_cannot_be_loaded_is_passed_over(bus: EventBus) -> None:
    """A state of the right version and the wrong content leads back to the snapshot before it, or to the beginning."""
    ticks(bus, 20)
    with bus.reader(start="end") as reader:
        here = reader.cursor
    Snapshots(bus, "summing", 1).write(pack_state(["something", "else"]), here, "events", bus.publish)
    component = start(bus)
    assert component.past.fold.applied == 20
    assert component.stop()
    assert any("passed over" in message and "ValueError" in message for message in said(bus))


def test_snapshot_of_a_cut_epoch_is_passed_over(bus: EventBus) -> None:
    """A snapshot that counts on events of a lane that was cut is not used."""
    ticks(bus, 20)
    for cursor in (Cursor(bus.bus_id, 99, 1, 21, 1), Cursor(bus.bus_id, bus.epoch, 500, 21, 1)):
        Snapshots(bus, "summing", 1).write(pack_state(Sums().dump()), cursor, "events", bus.publish)
    component = start(bus)
    assert component.past.fold.applied == 20
    assert pack_state(component.sums.dump()) == whole(bus)
    assert component.stop()


def test_recovery_ends_where_it_is_told(bus: EventBus) -> None:
    """What comes behind the given cursor is not in the state yet, and is followed later."""
    ticks(bus, 10)
    with bus.reader(start="end") as reader:
        end = reader.cursor
    ticks(bus, 4)
    bus.publish(SystemEvent(action="start"))
    follower = Follower(bus, "c", Sums, pytest.fail)
    assert follower.recover(end).applied == 10
    assert follower.fold.starts == 0
    follower.follow()
    assert pack_state(follower.fold.dump()) == whole(bus)
    follower.close()


def test_recovery_begins_at_a_snapshot_before_its_end(bus: EventBus) -> None:
    """A snapshot of after the end is passed over, and who only looks leaves no note."""
    ticks(bus, 30)
    end = bus.reader(start="end").cursor
    half = whole(bus)
    component = start(bus)
    ticks(bus, 60)
    wait_for(lambda: bool(snapshots(bus)))
    component.stop()
    before = notes(bus.path)
    follower = Follower(bus, "summing", Sums, lambda text: None)
    assert pack_state(follower.recover(end, keeps_snapshots=False).dump()) == half
    follower.close()
    assert notes(bus.path) == before


def test_fold_that_throws_stops_the_snapshots_and_nothing_else(bus: EventBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in the copy is reported once, and the component works on."""
    component = start(bus)

    def fail(self: Sums, event: Event) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(Sums, "apply", fail)
    ticks(bus, 60)
    wait_for(lambda: any("publishes no more snapshots" in message for message in said(bus)))
    ticks(bus, 5)
    wait_for(lambda: component.handled_ticks == 65)
    assert component.stop()
    assert snapshots(bus) == []


def test_fold_that_throws_at_the_end_does_not_fail_the_stop(bus: EventBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """A component whose fold cannot be put down stops as it should, and says so."""
    component = start(bus)
    ticks(bus, 20)

    def fail(self: Sums) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(Sums, "dump", fail)
    assert component.stop()
    assert component.state == "stopped"
    assert any(message.startswith("summing leaves no snapshot") for message in said(bus))


def test_note_that_cannot_be_written_is_reported(bus: EventBus) -> None:
    """A folder that refuses costs the notes alone: snapshots are found by searching."""
    (bus.path / "snapshots").write_bytes(b"in the way")
    component = start(bus)
    ticks(bus, 20)
    assert component.stop()
    assert any("cannot be written" in message for message in said(bus))
    again = start(bus)
    assert again.past.fold.applied == 0
    assert pack_state(again.sums.dump()) == whole(bus)
    assert again.stop()


def test_busy_component_that_fell_behind_catches_up(bus: EventBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fold that is behind by more than a snapshot's worth of events follows faster than the component reads."""
    monkeypatch.setattr("gcg_quant.stateful._BEHIND", 10)
    monkeypatch.setattr("gcg_quant.stateful._LOOK_EVERY", 3)
    monkeypatch.setattr("gcg_quant.stateful._SLICE", 8)
    component = Summing()
    component.start(bus, threaded=False)
    for _ in range(40):
        ticks(bus, 20)
        assert component.turn() >= 20
    assert component.past.behind < 3 * 20 + 50
    component.stop()


def test_state_that_does_not_fit_a_page_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The component goes on without, and says why."""
    import random

    noise = random.Random(1).randbytes(200_000)
    monkeypatch.setattr(Sums, "dump", lambda self: noise)
    monkeypatch.setattr(Sums, "load", lambda self, state: None)
    with EventBus(tmp_path / "bus", world=World.PAPER, page_mb=0.0625, sync="none") as bus:
        component = start(bus)
        ticks(bus, 30)
        assert component.stop()
        assert snapshots(bus) == []
        assert any(message.startswith("There is no snapshot of summing this time:") for message in said(bus))
