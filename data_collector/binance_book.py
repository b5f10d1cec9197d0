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

    `dropped` counts updates and snapshots that are older than the book, `gaps` how often updates were missing.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self.gaps = 0
        self._held: list[Message] | None = []
        self._last_id = -1
        self._event_ns = -1  # of the newest update

    def feed(self, message: Message) -> list[Message | Placed]:
        """Return what is in order now."""
        if self._held is not None:
            self._held.append(message)
            if isinstance(message, Snapshot):
                return self._begin(message)
            return self.release() if len(self._held) >= _HELD else []
        if isinstance(message, Snapshot):
            if message.last_id <= self._last_id:
                self.dropped += 1
                return []
            self._last_id = message.last_id
            return [Placed(message, self._event_ns, message.local_ns)]
        if isinstance(message, BookUpdate):
            if message.last_id <= self._last_id:
                self.dropped += 1
                return []
            if not message.follows(self._last_id):
                self.gaps += 1
                self._held = [message]
                return []
            self._last_id, self._event_ns = message.last_id, message.event_ns
        return [message]

    def release(self) -> list[Message | Placed]:
        """Return what still waits: no snapshot has come. The book begins with the first update then."""
        held, self._held = self._held or [], None
        for message in held:
            if isinstance(message, BookUpdate):
                self._last_id, self._event_ns = message.last_id, message.event_ns
        return [message for message in held if not isinstance(message, Snapshot)]

    def _begin(self, snapshot: Snapshot) -> list[Message | Placed]:
        held = [message for message in self._held or [] if message is not snapshot]
        updates = [message for message in held if isinstance(message, BookUpdate)]
        newer = [update for update in updates if update.last_id > snapshot.last_id]
        if newer and not newer[0].follows(snapshot.last_id):  # it is older than what is held: of no use
            self.dropped += 1
            self._held = held
            return []
        older = updates[: len(updates) - len(newer)]
        self.dropped += len(older)
        self._held = None
        first = newer[0] if newer else None
        self._last_id = newer[-1].last_id if newer else snapshot.last_id
        local_ns = first.local_ns if first else snapshot.local_ns
        event_ns = older[-1].event_ns if older else first.event_ns if first else -1
        self._event_ns = newer[-1].event_ns if newer else event_ns
        placed = Placed(snapshot, event_ns, local_ns)
        ordered: list[Message | Placed] = []
        for message in held:
            if message is first:
                ordered.append(placed)
            if not isinstance(message, BookUpdate) or message.last_id > snapshot.last_id:
                ordered.append(message)
        return ordered if first else [*ordered, placed]
