"""Snapshots: a component's state as an event on the market lane, so that a restart reads the newest one and the tail behind it.

Which event is the newest one is written beside the bus (BUS/snapshots/NAME). That file is a hint: whoever reads it looks at the event
itself, and searches the lane, newest pages first, if the two do not agree. What must not be pruned follows from the same files (`needed`).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import msgspec

from gcg_quant.clock import now_ns
from gcg_quant.errors import JournalError
from gcg_quant.events import Lane, SnapshotEvent
from gcg_quant.reader import Cursor

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.reader import BusReader

__all__ = ["Snapshot", "SnapshotNote", "Snapshots", "note_file", "notes"]

_SEQ = (1 << 60) - 1
_FOLDER = "snapshots"
_PACK_FROM = 32_768  # bytes from which a state is compressed
_FIRST_LOOK = 200_000  # events from the end that a search without a hint looks through first
_MOST_BYTES = 256 * 2**20  # of a state once unpacked: a damaged length must not take all memory


class SnapshotNote(msgspec.Struct, frozen=True, kw_only=True):
    """What the file of a component says: its newest snapshot, and the first seqs behind it that a restart reads.

    `event_id` is 0 as long as there is no snapshot. From `control_floor` and `market_floor` on the lanes are needed: by the snapshot
    before the newest one, which takes its place if a power loss or a damaged page takes it; without one, all is needed. Who is `vital`
    cannot do without its past.
    """

    component: str
    bus_id: str
    epoch: int
    event_id: int = 0
    control: int = 1
    market: int = 1
    log: int = 1
    control_floor: int = 1
    market_floor: int = 1
    written_ns: int = 0
    vital: bool = True


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A state that was found, and where to read on."""

    event_id: int
    cursor: Cursor
    state: bytes


class _Envelope(msgspec.Struct, frozen=True, array_like=True):
    # SnapshotEvent.state: the market lane's place is the event's own market_seq + 1.
    version: int
    epoch: int
    control: int
    log: int
    packed: bool
    state: bytes


class Snapshots:
    """The snapshots of one component on one bus. One thread.

    Args:
        bus: where they are; `write` needs it open for publishing.
        component: the component's name.
        version: of its state; states of other versions are passed over.
        vital: whether it cannot do without its past, so that no age and no silence may remove it.
        log: is told, as a sentence, why a snapshot was passed over or a note was not written.
    """

    def __init__(
        self, bus: EventBus, component: str, version: int, log: Callable[[str], None] | None = None, *, vital: bool = True
    ) -> None:
        self.component = component
        self.version = version
        self.traces = False  # whether `find` has met a note or a snapshot of the component, readable or not
        self._vital = vital
        self._bus = bus
        self._log = log or (lambda text: None)
        self._file = note_file(bus.path, component)

    # ---- writing

    def claim(self, used: Snapshot | None) -> None:
        """Note the snapshot that a restart has used; with None, that all is needed from the beginning."""
        if used is None:
            self._put(self._new_note(0, Cursor(self._bus.bus_id, self._bus.epoch), (1, 1)))
            return
        note = self._note()
        if note is not None and note.event_id == used.event_id:
            self.touch()
        else:
            self._put(self._new_note(used.event_id, used.cursor, (used.cursor.control, used.cursor.market)))

    def touch(self) -> None:
        """Note that the component was there until now."""
        note = self._note()
        if note is not None:
            self._put(msgspec.structs.replace(note, written_ns=now_ns()))

    def write(self, state: bytes, cursor: Cursor, reason: str, publish: Callable[[SnapshotEvent], int]) -> int:
        """Publish a state and note where it is; return the event's id.

        Args:
            state: of the component, after all events before `cursor` and none behind it.
            cursor: where a restart reads on.
            reason: "events", "session" or "stop".
            publish: puts the event onto the bus and returns its id.

        Raises:
            JournalError, EventError: it does not fit into a page, or the disk is full; nothing was written.
        """
        packed = len(state) >= _PACK_FROM
        envelope = _Envelope(self.version, cursor.epoch, cursor.control, cursor.log, packed, zlib.compress(state, 1) if packed else state)
        event = SnapshotEvent(component=self.component, market_seq=cursor.market - 1, state=msgspec.msgpack.encode(envelope), reason=reason)
        event_id = publish(event)
        before = self._note()
        floors = (before.control, before.market) if before is not None and before.event_id else (1, 1)
        self._put(self._new_note(event_id, cursor, floors))
        return event_id

    # ---- finding

    def find(self, *, search: bool = True) -> Iterator[Snapshot]:
        """Yield the readable snapshots, the newest first; without `search` only the one that the note names."""
        note = self._note()
        self.traces = self.traces or note is not None
        if note is not None and not note.event_id:
            return  # there was none when it was written, so that whatever came since then is in the journal
        event = self._hinted(note) if note is not None else None
        if event is not None and (opened := self._opened(event)):
            yield opened
        if search:
            yield from self._search(event.id if event is not None else None)

    def _hinted(self, note: SnapshotNote) -> SnapshotEvent | None:
        try:
            with self._reader(note.event_id & _SEQ) as reader:
                event = reader.read()
        except JournalError:
            event = None
        if not isinstance(event, SnapshotEvent) or event.id != note.event_id or event.component != self.component:
            self._log(f"The note of {self.component}'s newest snapshot does not fit the journal: the journal is searched.")
            return None
        return event

    def _search(self, before: int | None = None) -> Iterator[Snapshot]:
        # From the end towards the beginning, in steps that double; the seqs that an earlier step has seen are not looked at again.
        with self._bus.reader(start="begin") as probe:
            first = probe.cursor.market
        high = (before & _SEQ) if before is not None else self._bus.head(Lane.MARKET)
        step = _FIRST_LOOK
        while high > first:
            low = max(first, high - step)
            for event in reversed(self._between(low, high)):
                found = self._opened(event)
                if found is not None:
                    yield found
            high, step = low, 2 * step

    def _between(self, low: int, high: int) -> list[SnapshotEvent]:
        found: list[SnapshotEvent] = []
        try:
            with self._reader(low) as reader:
                for event in reader:
                    if event.id & _SEQ >= high:
                        break
                    if isinstance(event, SnapshotEvent) and event.component == self.component:
                        found.append(event)
        except JournalError as error:
            self._log(f"Snapshots of {self.component} cannot be searched from event {low} on: {error}")
        return found

    def _reader(self, market: int) -> BusReader:
        cursor = Cursor(self._bus.bus_id, 0, self._bus.head(Lane.CONTROL), market, self._bus.head(Lane.LOG))
        return self._bus.reader(start=cursor, events=[SnapshotEvent])

    def _opened(self, event: SnapshotEvent) -> Snapshot | None:
        self.traces = True
        try:
            envelope = msgspec.msgpack.decode(event.state, type=_Envelope)
            if envelope.version != self.version:
                raise ValueError(f"its version is {envelope.version}, and this program reads {self.version}")
            if event.market_seq >= event.id & _SEQ:
                raise ValueError(f"it is the state after event {event.market_seq}, which comes behind it: it is of another journal")
            state = _unpacked(envelope.state) if envelope.packed else envelope.state
        except (msgspec.MsgspecError, ValueError, zlib.error) as error:
            self._log(f"Snapshot {event.id & _SEQ} of {self.component} is passed over: {error}.")
            return None
        cursor = Cursor(self._bus.bus_id, envelope.epoch, envelope.control, event.market_seq + 1, envelope.log)
        return Snapshot(event_id=event.id, cursor=cursor, state=state)

    # ---- the note

    def _note(self) -> SnapshotNote | None:
        note = _read_note(self._file)
        return note if note is not None and note.bus_id == self._bus.bus_id and note.component == self.component else None

    def _new_note(self, event_id: int, cursor: Cursor, floors: tuple[int, int]) -> SnapshotNote:
        return SnapshotNote(
            component=self.component,
            bus_id=self._bus.bus_id,
            epoch=cursor.epoch,
            event_id=event_id,
            control=cursor.control,
            market=cursor.market,
            log=cursor.log,
            control_floor=floors[0],
            market_floor=floors[1],
            written_ns=now_ns(),
            vital=self._vital,
        )

    def _put(self, note: SnapshotNote) -> None:
        # The note before it is as good: the next start reads a longer tail, and more is kept for it.
        beside = self._file.with_name(f"#{self._file.name}")  # no component's file: '#' is quoted in those
        try:
            self._file.parent.mkdir(mode=0o700, exist_ok=True)
            beside.write_bytes(msgspec.json.encode(note))
            beside.replace(self._file)
        except OSError as error:
            self._log(f"The note of {self.component}'s newest snapshot cannot be written: {error}.")


def note_file(path: str | Path, component: str) -> Path:
    """Return where a component's note lies in a bus folder."""
    return Path(path) / _FOLDER / quote(component, safe="").replace(".", "%2E")


def notes(path: str | Path) -> list[SnapshotNote]:
    """Return what the components of a bus folder have noted, also those that have no snapshot yet.

    A note that cannot be read counts as one without a snapshot.
    """
    folder = Path(path) / _FOLDER
    files = sorted(file for file in folder.iterdir() if not file.name.startswith("#")) if folder.is_dir() else []
    return [_read_note(file) or SnapshotNote(component=unquote(file.name), bus_id="", epoch=0) for file in files]


def _read_note(file: Path) -> SnapshotNote | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=SnapshotNote)
    except (OSError, msgspec.MsgspecError):
        return None


def _unpacked(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    state = unpacker.decompress(data, _MOST_BYTES)
    if not unpacker.eof:
        raise ValueError("its state is cut off or too large")
    return state
