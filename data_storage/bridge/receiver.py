"""The receiving end of a bridge: another host's events, out of a stream in Redis onto this bus, once each and in order.

How far it is stands in its own journal (`position.py`), never in Redis. Whatever Redis lost or dropped shows as a hole between what was
seen and what an entry follows on; then the sender is asked to read its journal again from there. What comes a second time is left out.
"""

from __future__ import annotations

import contextlib
import struct
import time
from typing import TYPE_CHECKING

from gcg_quant.clock import now_ns
from gcg_quant.crossing import CROSSING
from gcg_quant.errors import EventError, GcgQuantError, JournalBusyError, JournalError, JournalFullError, StorageError
from gcg_quant.events import Event, GapEvent, Lane, World
from gcg_quant.journal_frames import append_frames

from .arrival import Arrival
from .bridge_end import BridgeEnd
from .entry import Heading, Receiver, Request, Sender, decode, decode_heading, encode, host_name
from .position import Position, Positions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .redis_bridge import RedisBridge

__all__ = ["BridgeReceiver"]

_WAIT_S = 0.05
_ENTRIES = 64
_BEAT_S = 0.2
_MARK_EVERY_S = 1.0
_ASK_EVERY_S = 1.0
_ASK_REFUSED_S = 30.0
_TELL_AGAIN_S, _TELL_NEXT_S, _MOST_TOLD = 600.0, 5.0, 100
_ALLOWED = tuple(cls.TYPE for cls in CROSSING)


class BridgeReceiver(BridgeEnd):
    """Publishes what comes through one bridge onto its bus; each event keeps its times and payload, and says where it is from.

    Invariant: a lane's position goes up only with the append that makes it true, or by an entry that has nothing for this lane.

    Args:
        link: the bridge's place in Redis.
        types: event classes that are wanted; others that may cross are left out, and all else refused.
        symbols: as for subscriptions; None: all.
        begin: at the first contact, ask for all that the sender's journal holds.
        worlds: of the sender; None: live, and the world of this bus.
    """

    def __init__(
        self,
        link: RedisBridge,
        *,
        types: Iterable[type[Event]],
        symbols: Iterable[str] | None = None,
        begin: bool = False,
        worlds: Iterable[World] | None = None,
    ) -> None:
        super().__init__(f"bridge-from-{link.name}", link)
        self.received_events = self.asked = 0
        self._wanted = tuple(cls.TYPE for cls in types)
        self._symbols = None if symbols is None else tuple(symbols)
        self._begin = begin
        self._worlds = None if worlds is None else set(worlds)

    # ---- its life

    def on_start(self) -> None:
        """Look into the journal how far it is."""
        super().on_start()
        self.positions = Positions(self.bus, self.link.name)
        self._arrival = Arrival(self.bus, self.link.name, self._symbols, self._new_source)
        self._may_come_from = self._worlds or {World.LIVE, self.bus.world}
        self._at = "0"  # the stream's entry that was taken last
        self._marked: dict[Lane, tuple[str, int, float]] = {}  # bus, epoch and when
        self._missing: dict[Lane, tuple[int, float]] = {}  # lanes with a hole: position, when to ask again
        self._seen_behind: dict[Lane, int] = {}
        self._first_sent: dict[Lane, Position] = {}
        self._told: dict[str, float] = {}
        self._refused_until = self._tell_at = 0.0
        self._latency_ns = self._beat = self._behind = 0
        self._beat_at = 0.0
        self._saved_at = time.monotonic()
        self._unsaved = self._dry = False

    def on_stop(self) -> None:
        """Leave behind how far it is, and give the connection back."""
        self._save()
        self.link.close()

    def read_batch(self) -> int:
        """Publish what has come and return how many events that were."""
        self.handle_waiting(0.0)  # of its own bus it reads nothing, and does not lag
        if self.counts_due():
            self.publish_counts()
        if self.rests():
            return 0
        before = self.received_events
        started = time.perf_counter_ns()
        try:
            entries = self.link.entries(self._at, _WAIT_S, _ENTRIES)
            started = time.perf_counter_ns()  # waiting is no work
            self._dry = len(entries) < _ENTRIES
            for at, heading, frames in entries:
                self._take(heading, frames)
                self._at = at
            self._say()
        except (StorageError, JournalFullError, JournalBusyError) as error:
            self._wait_longer(error)
        count = self.received_events - before
        self.note_handled(count, time.perf_counter_ns() - started if count else 0)
        return count

    # ---- an entry

    def _take(self, text: bytes, frames: bytes) -> None:
        try:
            heading = decode_heading(text)
            self._check(heading)
            self._put(heading, frames)
        except EventError as error:
            self._refuse(error.message)
        except (TypeError, ValueError, OverflowError) as error:
            self._refuse(f"it cannot be read ({error})")

    def _check(self, heading: Heading) -> None:
        if heading.bus == self.bus.bus_id:
            raise EventError("it was sent by this bus itself: give what this host sends and what it receives different names")
        if World(heading.world) not in self._may_come_from:
            names = ", ".join(world.name.lower() for world in sorted(self._may_come_from))
            raise EventError(
                f"it is of a {World(heading.world).name.lower()} bus, and {names} may come in: set worlds of [[bridge.receive]] if it shall"
            )

    def _put(self, heading: Heading, frames: bytes) -> None:
        lane = Lane(heading.lane)
        at = self._position(lane, heading)
        if heading.last <= at.seq or heading.epoch < at.epoch:
            return
        if heading.prev > at.seq:
            if heading.oldest != heading.prev + 1:
                self._ask(lane, at)
                return
            at = self._lost(lane, at, heading, frames)
        self._missing.pop(lane, None)
        count, last = 0, heading.last
        self.positions.by_lane[lane] = at
        if frames:
            instruments, sources = self._arrival.instruments(heading), self._arrival.sources(heading)
            count, last = append_frames(
                self.bus,
                lane,
                frames,
                after=at.seq,
                instruments=instruments,
                sources=sources,
                types=_ALLOWED,
                wanted=self._wanted,
                mark=self._mark(lane, at),
            )
            last = max(last, heading.last)
            self._latency_ns = now_ns() - heading.sent_ns
        self.positions.by_lane[lane] = Position(heading.bus, heading.epoch, last, heading.sent_ns)
        self.received_events += count
        self._unsaved = True

    # Where this lane is, seen from the bus and epoch of an entry.
    def _position(self, lane: Lane, heading: Heading) -> Position:
        at = self.positions.by_lane.get(lane)
        if at is not None and (at.bus, at.epoch) == (heading.bus, heading.epoch):
            return at
        if at is None or at.bus != heading.bus:
            if at is not None:
                self.alert("warning", f"Bridge {self.link.name!r} is sent by another bus than before: {heading.bus[:8]}, not {at.bus[:8]}.")
            at = Position(heading.bus, heading.epoch, 0 if self._begin else heading.prev, heading.sent_ns)
            self._start_here(lane, at)
            return at
        if heading.epoch < at.epoch:
            return at
        kept = min([at.seq, *(first - 1 for number, first in heading.epochs if number > at.epoch)])
        if kept < at.seq:
            self.alert(
                "warning",
                f"The sender of bridge {self.link.name!r} has lost {at.seq - kept} events of the {lane.name.lower()} lane in a power loss, "
                "which have come here before; they stay.",
            )
        at = Position(heading.bus, heading.epoch, kept, at.time_ns)
        self._start_here(lane, at)
        return at

    # From here on the journal itself tells that this lane's events are of this bus and epoch.
    def _start_here(self, lane: Lane, at: Position) -> None:
        self.positions.by_lane[lane] = at
        append_frames(self.bus, lane, b"", after=0, instruments={}, sources={}, types=(), wanted=(), mark=self._mark(lane, at))
        self._unsaved = True

    def _mark(self, lane: Lane, at: Position) -> bytes:
        # So often that pruning, which takes old pages, leaves one in front of whatever is there.
        now = time.monotonic()
        bus, epoch, due = self._marked.get(lane, ("", 0, 0.0))
        if (bus, epoch) == (at.bus, at.epoch) and now < due:
            return b""
        self._marked[lane] = at.bus, at.epoch, now + _MARK_EVERY_S
        return self.positions.mark(lane)

    def _new_source(self, name: str, path: list[str]) -> None:
        if self.positions.sources.get(name) != path:
            self.positions.sources[name] = path
            self.positions.save()  # first: a sender that relays looks there when it meets the name

    # ---- holes

    def _ask(self, lane: Lane, at: Position) -> bool:
        seq, due = self._missing.get(lane, (-1, 0.0))
        now = time.monotonic()
        if seq == at.seq and now < due:
            return False
        self._missing[lane] = at.seq, now + (_ASK_REFUSED_S if now < self._refused_until else _ASK_EVERY_S)
        self.asked += 1
        self.link.request(encode(Request(at.bus, at.epoch, int(lane), at.seq, self.bus.bus_id)))
        return True

    def _lost(self, lane: Lane, at: Position, heading: Heading, frames: bytes) -> Position:
        # The sender's journal itself does not hold it any more.
        count = heading.prev - at.seq
        end_ns = struct.unpack_from("<q", frames, 16)[0] if len(frames) >= 24 else heading.sent_ns
        detail = f"bridge {self.link.name}: {lane.name.lower()} lane, seq {at.seq + 1} to {heading.prev} of bus {heading.bus}"
        self.alert(
            "critical",
            f"Bridge {self.link.name!r}: up to {count} events of the {lane.name.lower()} lane are lost: the sender's journal was pruned "
            "before they came here; keep it for longer there ([bus] keep_days, keep_gb).",
        )
        with contextlib.suppress(JournalError):
            self.publish(GapEvent(symbol="", venue="", kind="bridge", start_ns=at.time_ns, end_ns=end_ns, detail=detail), cause=0)
        return Position(heading.bus, heading.epoch, heading.prev, at.time_ns)

    # ---- what goes back

    def _say(self) -> None:
        now = time.monotonic()
        if self._unsaved and now >= self._saved_at + _MARK_EVERY_S:
            self._save()
        if now < self._beat_at:
            return
        self._beat_at = now + _BEAT_S
        self._beat += 1
        sender = decode(self.link.say_receiver(self.bus.bus_id, encode(Receiver(self._at, self._beat, host_name()))), Sender)
        self.go_on(f"Bridge {self.link.name!r} receives again.")
        if sender is not None:
            self._compare(sender)

    # Where nothing comes that would show a hole, the sender's own word does.
    def _compare(self, sender: Sender) -> None:
        self._behind = 0
        if sender.bus == self.bus.bus_id:
            return
        for number, sent in sender.sent.items():
            lane = Lane(number)
            at = self.positions.by_lane.get(lane) or self._meet(lane, Position(sender.bus, sender.epoch, sent))
            if at is None or (at.bus, at.epoch) != (sender.bus, sender.epoch):
                continue
            self._behind += max(0, sent - at.seq)
            stands_still = sent > at.seq and self._seen_behind.get(lane) == at.seq  # else it may be on its way
            self._seen_behind[lane] = at.seq if sent > at.seq else -1
            if stands_still and self._ask(lane, at):
                self._at = "0"  # Redis may be another one, whose entries have lower numbers

    # At the first contact: a lane without any entry begins where the sender was at the last look; what it sent since is still to come.
    def _meet(self, lane: Lane, sent: Position) -> Position | None:
        before = self._first_sent.get(lane)
        if not self._dry:
            return None
        self._first_sent[lane] = sent
        if self._begin:
            before = Position(sent.bus, sent.epoch, 0)
        if before is not None:
            self._start_here(lane, before)
        return before

    def _save(self) -> None:
        self._saved_at = time.monotonic()
        self._unsaved = False
        with contextlib.suppress(OSError):  # a full disk: the journal is searched from an earlier place
            self.positions.save()

    # ---- trouble, and counts

    def _refuse(self, reason: str) -> None:
        now = time.monotonic()
        self._refused_until = now + _ASK_REFUSED_S  # the sender would send the same once more
        if now >= self._told.get(reason, self._tell_at):
            self._tell_at = now + _TELL_NEXT_S  # whoever writes rubbish into the stream shall not fill the journal
            self._told = {**self._told, reason: now + _TELL_AGAIN_S} if len(self._told) < _MOST_TOLD else {}
            self.alert("critical", f"Bridge {self.link.name!r} refuses an entry: {reason.rstrip('.')}.")

    def _wait_longer(self, error: GcgQuantError) -> None:
        self._at = "0"  # it may be another Redis than before; what is known is left out
        self.put_off(error, "receives nothing", "What is missed comes later.")

    def counts(self) -> dict[str, float]:
        """Return how many events were received, are known to be missing, how often they were asked for, and the latest one's time."""
        return {"events": self.received_events, "behind": self._behind, "resends_asked": self.asked, "latency_ms": self._latency_ns / 1e6}
