"""The order of snapshots and book updates: what of a recording makes a book without holes.

A snapshot is asked for beside the stream, so it comes in between updates that are older and newer than it. After Binance's "How to
manage a local order book correctly": updates that it includes are dropped, and the first one after it must join it without a gap.
"""

from __future__ import annotations

import msgspec

from .binance_messages import BookUpdate, Message, Snapshot

__all__ = ["BookSequence", "Placed"]

_HELD = 5_000  # messages that wait for a snapshot at most


class Placed(msgspec.Struct, frozen=True):
    """A snapshot at its place among the updates.

    `event_ns` is the time of the last update that it includes, or of the first that it does not, or -1 if there is neither; `local_ns` is
    that of the first update that it does not include, so that a book is there when that arrives.
    """

    snapshot: Snapshot
    event_ns: int
    local_ns: int


class BookSequence:
    """Puts the messages of one symbol in order. At the start, and after a gap, they wait until a snapshot tells where the book begins.

    `dropped` are updates and snapshots that are older than the book, and snapshots that came too late; `gaps` counts how often updates
    were missing. With `needs_snapshot`, on a stream that goes on, they wait for one however long it takes, and the oldest are dropped;
    otherwise the book begins without one after some thousand.
    """

    def __init__(self, *, needs_snapshot: bool = False) -> None:
        self._needs_snapshot = needs_snapshot
        self.dropped: list[Message] = []
        self.gaps = 0
        self._held: list[Message] | None = []
        self._snapshot: Snapshot | None = None  # that waits for the first update after it
        self._last_id = -1
        self._event_ns = -1  # of the newest update

    def feed(self, message: Message) -> list[Message | Placed]:
        """Return what is in order now."""
        if self._held is not None:
            return self._hold(message)
        if isinstance(message, (Snapshot, BookUpdate)):
            if message.last_id <= self._last_id:
                self.dropped.append(message)
                return []
            if isinstance(message, BookUpdate) and not message.follows(self._last_id):
                self.gaps += 1
                self._held = [message]
                return []
            self._last_id = message.last_id
            if isinstance(message, Snapshot):
                return [Placed(message, self._event_ns, message.local_ns)]
            self._event_ns = message.event_ns
        return [message]

    def release(self) -> list[Message | Placed]:
        """Return what still waits. Without a snapshot the book begins with the first update."""
        if self._snapshot is not None:
            return self._begin(self._snapshot, [])
        held, self._held = self._held or [], None
        first = next((one for one in held if isinstance(one, BookUpdate)), None)
        self._last_id = first.first_id - 1 if first else -1
        return [one for message in held for one in self.feed(message)]

    def _hold(self, message: Message) -> list[Message | Placed]:
        held = self._held or []
        if isinstance(message, Snapshot):
            self.dropped += [] if self._snapshot is None else [self._snapshot]
            self._snapshot = message
        else:
            held.append(message)
            self._held = held
        if self._snapshot is not None:
            last_id = self._snapshot.last_id
            newer = [one for one in held if isinstance(one, BookUpdate) and one.last_id > last_id]
            if newer and newer[0].follows(last_id):
                return self._begin(self._snapshot, newer)
            if newer:  # it is older than what is held: of no use
                self.dropped.append(self._snapshot)
                self._snapshot = None
        if len(held) < _HELD:
            return []
        if self._needs_snapshot:
            self._held, self.dropped = held[_HELD // 2 :], self.dropped + held[: _HELD // 2]
            return []
        return self.release()

    @property
    def wants_snapshot(self) -> bool:
        """Whether there is no book, and none that waits for its first change."""
        return self._held is not None and self._snapshot is None

    def _begin(self, snapshot: Snapshot, newer: list[BookUpdate]) -> list[Message | Placed]:
        held, self._held, self._snapshot = self._held or [], None, None
        older = [one for one in held if isinstance(one, BookUpdate) and one.last_id <= snapshot.last_id]
        first = newer[0] if newer else None
        self._event_ns = older[-1].event_ns if older else first.event_ns if first else -1
        self._last_id = snapshot.last_id
        placed = Placed(snapshot, self._event_ns, first.local_ns if first else snapshot.local_ns)
        ordered: list[Message | Placed] = []
        for message in held:
            if message is first:
                ordered.append(placed)
            ordered += self.feed(message)  # which drops the older ones, and sees gaps among the newer
        return ordered if first else [*ordered, placed]
