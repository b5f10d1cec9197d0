"""Stateful components: what they are is a fold of the journal, kept as snapshots, and a restart reads the last one and its tail.

A `Fold` is state that events alone make: the same events in the same order give the same state, whoever reads them and when. A
`Stateful` component keeps a fold of its own, a little behind the journal, and puts it down as a snapshot from time to time. What it
works with is made from that fold at its start.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

import msgspec

from gcg_quant.component import Component, event_handler
from gcg_quant.errors import EventError, GcgQuantError, JournalError
from gcg_quant.events import Event, Lane, SessionEvent, World
from gcg_quant.packing import STATE_ERRORS, pack_state, unpack_state
from gcg_quant.snapshots import Snapshot, Snapshots

if TYPE_CHECKING:
    from gcg_quant.bus import Cursor, EventBus
    from gcg_quant.reader import BusReader

__all__ = ["Fold", "Follower", "Stateful"]

_SEQ = (1 << 60) - 1
_SLICE = 500  # events that are folded in one go between two batches
_BEHIND = 20_000  # events of the market lane that may be unread while the component has something to do
_LOOK_EVERY = 64  # batches after which a busy component looks how far its fold is behind
_END_S = 0.5  # how long a stop may read on


class Fold(Protocol):
    """State that is made by events alone. Between two lanes there is no order that it may rely on."""

    VERSION: ClassVar[int]  # of what `dump` returns; a snapshot of another version is not loaded
    VITAL: ClassVar[bool]  # whether nothing goes without the whole past, so that what leads to it is never pruned

    def listen(self, reader: BusReader) -> None:
        """Let a reader, which stands where the fold goes on, pass the events that it wants."""
        ...

    def apply(self, event: Event) -> None:
        """Take in the next event."""
        ...

    def dump(self) -> Any:
        """Return all of the state as plain values and packed events (see `pack_state`)."""
        ...

    def load(self, state: Any) -> None:
        """Take over what `dump` returned and `unpack_state` gave back; the fold is new."""
        ...


F = TypeVar("F", bound=Fold)


class Follower(Generic[F]):
    """A fold that follows the journal, begins at its newest snapshot, and is put down as one again. One thread.

    Args:
        bus: what is read.
        component: whose state it is.
        make: returns an empty fold.
        log: is told what went wrong with a snapshot.
    """

    def __init__(self, bus: EventBus, component: str, make: Callable[[], F], log: Callable[[str], None]) -> None:
        self.fold = make()
        self.began = 1  # the seq of the market lane from which on events were read, 1 if the state knows all of them
        self.snapshots = Snapshots(bus, component, self.fold.VERSION, log, vital=self.fold.VITAL)
        self._bus = bus
        self._make = make
        self._log = log
        self._reader = bus.reader(start="begin")
        self._at = 1  # the market lane's seq that is read next
        self._kept = 1  # the seq up to which a snapshot holds the state
        self._held: list[Event] = []

    @property
    def unsaved(self) -> int:
        """How many events of the market lane have been read since the last snapshot."""
        return self._at - self._kept

    @property
    def cursor(self) -> Cursor:
        """What is read next of each lane; all before it is in the fold."""
        return self._reader.cursor

    @property
    def behind(self) -> int:
        """How many events of the market lane have not been read."""
        return self._bus.head(Lane.MARKET) - self._at

    def recover(
        self, end: Cursor | None = None, *, begin: Cursor | None = None, use_snapshots: bool = True, keeps_snapshots: bool = True
    ) -> F:
        """Bring the fold to the head of the journal, or to `end`, from the newest snapshot before it that can be read; return it.

        Without one it begins at `begin`, or at the oldest event that is there. Who only looks does not keep the snapshot that was used
        (`keeps_snapshots`).
        """
        used = self._restore(end) if use_snapshots else None
        if used is None:
            if begin is not None:
                self._reader.seek(begin)
            self.fold.listen(self._reader)
            self.began = self._kept = self._reader.cursor.market
        if use_snapshots and keeps_snapshots:
            self.snapshots.claim(used)
        self._read_to(end)
        return self.fold

    def follow(self, limit: int = _SLICE) -> bool:
        """Fold up to about `limit` more events; return whether there may be more."""
        events = self._held or self._reader.read_many(limit)
        self._held = []
        for event in events:
            self.fold.apply(event)
        self._at = self._reader.cursor.market
        return len(events) >= limit

    def state(self) -> Any:
        """Return the fold's state as another fold can load it."""
        return unpack_state(pack_state(self.fold.dump()))

    def copy(self) -> F:
        """Return a fold of the same state that does not follow."""
        fold = self._make()
        fold.load(self.state())
        return fold

    def keep(self, reason: str, publish: Callable[[Any], int]) -> None:
        """Publish the fold as a snapshot."""
        cursor = self._reader.cursor
        self._kept = cursor.market  # also if it fails: the next attempt is due after as many events as ever
        try:
            self.snapshots.write(pack_state(self.fold.dump()), cursor, reason, publish)
        except (EventError, JournalError) as error:
            self._log(f"There is no snapshot of {self.snapshots.component} this time: {error}")

    def close(self) -> None:
        """Read no more."""
        self._reader.close()

    def _read_to(self, end: Cursor | None) -> None:
        before = None if end is None else {Lane.CONTROL: end.control, Lane.MARKET: end.market, Lane.LOG: end.log}
        for event in self._reader:
            if before is None or event.id & _SEQ < before[Lane(event.id >> 60)]:
                self.fold.apply(event)
            else:
                self._held.append(event)
        self._at = self._reader.cursor.market

    def _restore(self, end: Cursor | None) -> Snapshot | None:
        first = self._reader.cursor
        for found in self.snapshots.find():
            if end is not None and found.cursor.market > end.market:
                continue
            fold, cursor = self._make(), found.cursor
            # Of the other lanes, pages may have gone that nobody needs: what is left of them is the tail.
            cursor = msgspec.structs.replace(cursor, control=max(cursor.control, first.control), log=max(cursor.log, first.log))
            try:
                fold.load(unpack_state(found.state))
                self._reader.seek(cursor)
            except (*STATE_ERRORS, GcgQuantError) as error:
                why = str(error) if isinstance(error, GcgQuantError) else f"its state cannot be read ({error!r})"
                self._log(f"Snapshot {found.event_id & _SEQ} of {self.snapshots.component} is passed over: {why}.")
                continue
            self.fold = fold
            fold.listen(self._reader)
            self._kept = found.cursor.market
            return found
        return None


class Stateful(Component, Generic[F]):
    """A component with a fold. Subclasses make the empty one in `new_fold` and call `recover` in `on_start`.

    Snapshots are published on live and paper buses: every `snapshot_every` events of the market lane, at a session's end and at a clean
    stop, always between two events, and in a quiet moment if there is one.
    """

    follows_always: ClassVar[bool] = False  # the fold is what it works with, also where no snapshots are kept
    snapshot_every: ClassVar[int] = 200_000
    snapshot_least: ClassVar[int] = 1_000  # fewer events are not worth a snapshot: reading them again takes milliseconds

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        self._follower: Follower[F] | None = None
        self._keeps = self._session_ended = False
        self._rests = 0  # batches since the last look at the fold

    def new_fold(self) -> F:
        """Return an empty fold."""
        raise NotImplementedError

    def recover(self, end: Cursor | None = None, *, begin: Cursor | None = None) -> Follower[F]:
        """Return the follower, brought to the head of the journal or to `end`; without a snapshot it begins at `begin`, if given."""
        if self._follower is not None:
            self._follower.close()
        self._keeps = self.bus.world in (World.LIVE, World.PAPER)
        follower = Follower(self.bus, self.name, self.new_fold, lambda text: self.log(text, level="warning"))
        follower.recover(end, begin=begin, use_snapshots=self._keeps)
        self._session_ended = False
        self._follower = follower if self._keeps or self.follows_always else None
        if self._follower is None:
            follower.close()
        return follower

    @event_handler(SessionEvent)
    def on_session(self, event: SessionEvent) -> None:
        """Remember that a session has ended: a good time for a snapshot."""
        self._session_ended = self._session_ended or event.phase == "closed"

    def on_rest(self, idle: bool) -> None:
        """Let the fold follow the journal, and put it down if it is time."""
        if not idle:
            self._rests += 1
            if self._rests < _LOOK_EVERY:
                return
        self._rests = 0
        follower = self._follower
        if follower is None or not (idle or follower.behind >= _BEHIND):
            return
        try:
            more = follower.follow(_SLICE if follower.behind < self.snapshot_every else 10 * _SLICE)
            self._rests = _LOOK_EVERY if more else 0
            self._keep(follower, idle and not more)
        except Exception as error:  # the fold is a copy: without it there are no snapshots, and everything else goes on
            self._follower = None
            follower.close()
            self.log(f"{self.name} publishes no more snapshots: {error!r}", level="error")

    def on_end(self) -> None:
        """Put the fold down, so that the next start has next to nothing to read."""
        follower, self._follower = self._follower, None
        if follower is None:
            return
        try:
            self._keep_last(follower)
        except Exception as error:  # without it the next start reads a longer tail
            self.log(f"{self.name} leaves no snapshot: {error!r}", level="error")
        finally:
            follower.close()

    def _keep_last(self, follower: Follower[F]) -> None:
        until = time.monotonic() + _END_S
        while follower.follow() and time.monotonic() < until:
            pass
        if self._keeps and follower.unsaved >= self.snapshot_least:
            follower.keep("stop", self._publish_snapshot)
        if self._keeps:
            follower.snapshots.touch()

    def _keep(self, follower: Follower[F], quiet: bool) -> None:
        # A state of some megabytes takes tens of milliseconds: a quiet moment is waited for, but not for ever.
        unsaved = follower.unsaved if self._keeps else 0
        if self._session_ended and unsaved >= self.snapshot_least:
            reason = "session"
        elif unsaved >= (self.snapshot_every if quiet else 2 * self.snapshot_every):
            reason = "events"
        else:
            return
        self._session_ended = False
        follower.keep(reason, self._publish_snapshot)

    def _publish_snapshot(self, event: Any) -> int:
        return self.publish(event, cause=0)
