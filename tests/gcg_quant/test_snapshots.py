"""Snapshots: the newest one is found by its note or, without it, in the pages; one that cannot be used is passed over."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from gcg_quant.bus import Cursor, EventBus
from gcg_quant.errors import GcgQuantError
from gcg_quant.events import SnapshotEvent, Tick, World
from gcg_quant.snapshots import SnapshotNote, Snapshots, notes


def fill(bus: EventBus, count: int) -> None:
    """Publish ticks."""
    for number in range(count):
        bus.publish(Tick(symbol="A", event_ns=number + 1, last_price=number))


def write(bus: EventBus, state: bytes, *, component: str = "c", version: int = 1, cursor: Cursor | None = None) -> int:
    """Publish a snapshot of all that is on the bus."""
    with bus.reader(start="end") as reader:
        here = reader.cursor
    return Snapshots(bus, component, version).write(state, cursor or here, "events", bus.publish)


def found(bus: EventBus, version: int = 1) -> tuple[list[bytes], list[str]]:
    """Return the states that are found, newest first, and what was said about it."""
    said: list[str] = []
    states = [one.state for one in Snapshots(bus, "c", version, said.append).find()]
    return states, said


def note_file(bus: EventBus) -> Path:
    """Return the note of component c."""
    return bus.path / "snapshots" / "c"


def written(bus: EventBus) -> list[int]:
    """Publish three snapshots of c with ticks and another component's between them; return their ids."""
    ids = []
    for number in range(3):
        fill(bus, 10)
        ids.append(write(bus, b"state %d" % number))
        write(bus, b"of somebody else", component="d")
    fill(bus, 5)
    return ids


def test_newest_snapshot_is_found_by_its_note(bus: EventBus) -> None:
    """The newest comes first, the older ones after it, and the tail begins where the state ends."""
    ids = written(bus)
    every = list(Snapshots(bus, "c", 1).find())
    assert [one.state for one in every] == [b"state 2", b"state 1", b"state 0"]
    assert [one.event_id for one in every] == ids[::-1]
    with bus.reader(start=every[0].cursor) as reader:
        tail = list(reader)
    assert [type(one) for one in tail] == [SnapshotEvent, SnapshotEvent] + [Tick] * 5


@pytest.mark.parametrize("damage", [None, b"", b"{", b'{"component":"c"}'])
def test_newest_snapshot_is_found_without_a_note(bus: EventBus, damage: bytes | None) -> None:
    """A missing or damaged note costs a search and nothing else."""
    written(bus)
    if damage is None:
        note_file(bus).unlink()
    else:
        note_file(bus).write_bytes(damage)
    assert found(bus)[0] == [b"state 2", b"state 1", b"state 0"]


@pytest.mark.parametrize("wrong", ["another event", "another component", "beyond the end", "another lane"])
def test_note_that_does_not_fit_the_journal_is_no_use(bus: EventBus, wrong: str) -> None:
    """The note is believed only if the event it names is that snapshot."""
    ids = written(bus)
    event_id = {"another event": ids[2] - 3, "another component": ids[2] + 1, "beyond the end": ids[2] + 1000, "another lane": 5}[wrong]
    note = msgspec.json.decode(note_file(bus).read_bytes(), type=SnapshotNote)
    note_file(bus).write_bytes(msgspec.json.encode(msgspec.structs.replace(note, event_id=event_id)))
    states, said = found(bus)
    assert states == [b"state 2", b"state 1", b"state 0"]
    assert "does not fit the journal" in said[0]


def test_stale_note_finds_an_older_snapshot(bus: EventBus) -> None:
    """A writer that died between the snapshot and its note leaves the one before, which is as good with a longer tail."""
    fill(bus, 10)
    write(bus, b"old")
    before = note_file(bus).read_bytes()
    fill(bus, 10)
    write(bus, b"new")
    note_file(bus).write_bytes(before)
    assert found(bus)[0] == [b"old"]


def test_note_of_another_bus_is_not_believed(bus: EventBus, tmp_path: Path) -> None:
    """A folder that was put together from two buses is searched."""
    written(bus)
    with EventBus(tmp_path / "other", world=World.PAPER, page_mb=1, sync="none") as other:
        fill(other, 100)
        write(other, b"other")
        (other.path / "snapshots" / "c").write_bytes(note_file(bus).read_bytes())
        assert found(other)[0] == [b"other"]


def test_snapshot_of_another_version_is_passed_over(bus: EventBus) -> None:
    """A state that this version does not read is skipped with a sentence, and the one before it is used."""
    fill(bus, 3)
    write(bus, b"known", version=2)
    fill(bus, 3)
    newest = write(bus, b"from the future", version=3)
    states, said = found(bus, version=2)
    assert states == [b"known"]
    assert said == [f"Snapshot {newest & ((1 << 60) - 1)} of c is passed over: its version is 3, and this program reads 2."]


def test_damaged_state_is_passed_over(bus: EventBus) -> None:
    """An envelope that is no msgpack, and a packed state that is cut off, are skipped."""
    write(bus, b"good")
    bus.publish(SnapshotEvent(component="c", market_seq=0, state=b"\xc1garbage"))
    whole = msgspec.msgpack.encode([1, 0, 1, 1, True, b"no zlib at all"])
    bus.publish(SnapshotEvent(component="c", market_seq=0, state=whole))
    note_file(bus).unlink()
    states, said = found(bus)
    assert states == [b"good"]
    assert len(said) == 2


def test_snapshot_of_a_longer_journal_is_passed_over(bus: EventBus) -> None:
    """A snapshot that was copied into another journal does not tell of this one."""
    fill(bus, 5)
    state = msgspec.msgpack.encode([1, 1, 1, 1, False, b"state"])
    bus.publish(SnapshotEvent(component="c", market_seq=4711, state=state))
    states, said = found(bus)
    assert states == []
    assert "it is of another journal" in said[0]


def test_large_state_is_packed(bus: EventBus) -> None:
    """A state that is larger than a page comes back whole, as long as it is compressible."""
    state = b"0123456789abcdef" * 200_000  # 3 MB, on pages of 1 MB
    write(bus, state)
    assert found(bus)[0] == [state]


def test_state_that_does_not_fit_is_refused(bus: EventBus) -> None:
    """A state that no page holds is an error to the writer; the note stays with the one before."""
    import random

    write(bus, b"small")
    with pytest.raises(GcgQuantError):
        write(bus, random.Random(1).randbytes(2_000_000))
    assert found(bus)[0] == [b"small"]


def test_search_goes_back_over_many_pages(bus: EventBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search takes larger and larger steps back, and reports each snapshot once, newest first."""
    monkeypatch.setattr("gcg_quant.snapshots._FIRST_LOOK", 7)
    for number in range(12):
        fill(bus, 17)
        write(bus, b"%d" % number)
    note_file(bus).unlink()
    assert found(bus)[0] == [b"%d" % number for number in range(11, -1, -1)]


def test_note_says_what_is_needed(bus: EventBus) -> None:
    """A component without two snapshots needs everything, and one with two what is behind the older one."""
    fill(bus, 20)
    Snapshots(bus, "fresh one/1", 1).claim(None)
    write(bus, b"state")
    assert {note.component: note.market_floor for note in notes(bus.path)} == {"fresh one/1": 1, "c": 1}
    fill(bus, 20)
    write(bus, b"state")
    fill(bus, 20)
    Snapshots(bus, "c", 1).claim(next(Snapshots(bus, "c", 1).find()))
    (bus.path / "snapshots" / "broken").write_bytes(b"?")
    by_name = {note.component: (note.market_floor, note.market) for note in notes(bus.path)}
    assert by_name == {"fresh one/1": (1, 1), "c": (21, 42), "broken": (1, 1)}


def test_note_of_a_snapshot_that_was_searched_for_holds_it(bus: EventBus) -> None:
    """Where the newest one could not be used, the older one is what the rest is kept for."""
    written(bus)
    older = list(Snapshots(bus, "c", 1).find())[1]
    Snapshots(bus, "c", 1).claim(older)
    (note,) = [note for note in notes(bus.path) if note.component == "c"]
    assert (note.event_id, note.market, note.market_floor) == (older.event_id, older.cursor.market, older.cursor.market)


def test_claimed_component_is_not_searched_for(bus: EventBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the note says that there is no snapshot, the journal is not read for one."""
    fill(bus, 20)
    Snapshots(bus, "c", 1).claim(None)
    monkeypatch.setattr(Snapshots, "_search", lambda *arguments: pytest.fail("the journal was searched"))
    assert found(bus)[0] == []


def test_bus_without_snapshots_has_no_notes(bus: EventBus) -> None:
    """Nothing noted is nothing needed."""
    assert notes(bus.path) == []
    assert found(bus) == ([], [])
