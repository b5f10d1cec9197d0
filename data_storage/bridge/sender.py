"""The sending end of a bridge: reads its bus in frames and puts them into a stream in Redis, for any number of other hosts.

The journal is the buffer and the truth. The cursor moves on when Redis has an entry; what Redis loses, or a receiver has missed, is read
from the journal once more. While Redis is away nothing happens but that the sender lags, and says so in an alert.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from gcg_quant.clock import now_ns
from gcg_quant.crossing import lane_of
from gcg_quant.errors import CursorError, StorageError, nearest
from gcg_quant.events import Event, Lane
from gcg_quant.reader import BusReader, Cursor

from .bridge_end import BridgeEnd
from .departure import Departure
from .entry import PROTOCOL, Heading, Receiver, Request, Sender, decode, encode, host_name
from .position import cursor_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gcg_quant.bus import EventBus
    from gcg_quant.journal_frames import Frames

    from .redis_bridge import RedisBridge

__all__ = ["BridgeSender"]

_LOOK_EVERY_S = 0.1
_SAY_EVERY_S = 1.0
_ENTRY_BYTES = 1 << 18
_ENTRY_OVERHEAD = 200  # bytes of Redis's own
_NAME_AFTER_S = 10.0
_RECEIVER_GONE_S = 5.0  # without a beat: it is not waited for any more
_RECEIVER_FORGOTTEN_S = 86_400.0
_NOTHING_EVERY_S = 1.0  # say how far it is where nothing passes the filter


class BridgeSender(BridgeEnd):
    """Sends chosen events of its bus through one bridge.

    Invariant: an entry follows on the one before it in its lane, or on what a receiver asked for. A receiver that is slower than Redis has
    room for is waited for, as long as it lives.

    Args:
        link: the bridge's place in Redis.
        types: event classes that go out (`gcg_quant.crossing`).
        symbols: "BTC/USDT", "BTC/USDT@binance" or patterns; None: all.
        relay: also send on what came over other bridges.
        stream_mb: memory of Redis that the stream may take, MB.
    """

    def __init__(
        self,
        link: RedisBridge,
        *,
        types: Iterable[type[Event]],
        symbols: Iterable[str] | None = None,
        relay: bool = False,
        stream_mb: float = 64.0,
    ) -> None:
        super().__init__(f"bridge-to-{link.name}", link, durable=True, start="end")
        self.sent_events = self.resends = 0
        self._types = tuple(types)
        self._symbols = None if symbols is None else tuple(symbols)
        self._relay = relay
        self._room = int(stream_mb * 1e6)

    # ---- its life

    def open_reader(self, bus: EventBus) -> BusReader:
        """Return a reader that goes on behind what Redis has got; after a power loss, where the journal was cut."""
        self._departure = Departure(bus)
        try:
            reader = BusReader(bus, self.name, durable=True, start="end", wait="adaptive", sleep_s=0.001)
        except CursorError:
            (bus.path / "readers" / self.name).unlink(missing_ok=True)
            reader = BusReader(bus, self.name, durable=True, start="end", wait="adaptive", sleep_s=0.001)
            reader.seek(self._departure.epoch_begin())
            reader.commit()
        self._prev = {lane: cursor_of(reader.cursor, lane) - 1 for lane in Lane}
        return reader

    def on_start(self) -> None:
        """Read what may go out, and nothing else."""
        super().on_start()
        self.reader.clear_rules()
        self.reader.add_rule(self._types, self._symbols, None, True)
        self._lanes = sorted({lane_of(cls) for cls in self._types})
        self._held: tuple[Heading, bytes] | None = None  # read, but not sent yet
        self._oldest: dict[Lane, int] = {}  # lanes whose next entry says what the journal does not hold any more
        self._owed: set[Lane] = set()  # lanes whose next entry goes out even if nothing passes
        self._kept: deque[tuple[tuple[int, int], int]] = deque()  # entries in Redis: id, bytes
        self._kept_bytes = self._unseen_bytes = 0
        self._connected = False
        self._beats: dict[str, tuple[Receiver, float]] = {}
        self._look_at = self._say_at = 0.0
        self._idle_at = time.monotonic()
        self._named = False
        self._name_at = time.monotonic() + _NAME_AFTER_S

    def on_stop(self) -> None:
        """Let another host take the name over, and give the connection back."""
        if not self.problem:
            with contextlib.suppress(StorageError):
                self.link.leave_sender()
        self.link.close()

    def read_batch(self) -> int:
        """Send the next entry and return how many events it held; 0 if there is none, or Redis did not take it."""
        if self.counts_due():
            self._name_unknown_symbols()
            self.publish_counts()
        if self.rests():
            return 0
        try:
            self._look()
            if self._unseen_bytes > self._room // 2:  # who receives is behind: Redis would drop what he has not seen
                self._stopping.wait(0.01)
                self._look_at = 0.0
                return 0
            sent = self._send_next()
        except StorageError as error:
            self._wait_longer(error)
            return 0
        self.go_on(f"Bridge {self.link.name!r} sends again.")
        return sent

    # ---- sending

    def _send_next(self) -> int:
        held = self._held or self._read()
        if held is None:
            return 0
        self._held = held
        heading, frames = held
        started = time.perf_counter_ns()
        text = encode(heading)
        size = len(text) + len(frames) + _ENTRY_OVERHEAD
        while self._kept and self._kept_bytes + size > self._room:
            self._kept_bytes -= self._kept.popleft()[1]
        at = self.link.send(text, frames, len(self._kept) + 1)
        self._held = None
        self._kept.append((_id(at), size))
        self._kept_bytes += size
        self._unseen_bytes += size
        self._prev[Lane(heading.lane)] = heading.last
        self.sent_events += heading.events
        self._idle_at = time.monotonic() + _NOTHING_EVERY_S
        self.reader.commit()
        self.note_handled(heading.events, time.perf_counter_ns() - started)
        return heading.events

    def _read(self) -> tuple[Heading, bytes] | None:
        frames = self.reader.read_frames(limit_bytes=min(_ENTRY_BYTES, self._room // 8), timeout_s=0.05, bridged=self._relay)
        cursor = self.reader.cursor
        if frames is not None:
            return self._entry(frames.lane, cursor, frames)
        for lane in self._lanes:
            behind = cursor_of(cursor, lane) - 1 > self._prev[lane]
            if lane in self._owed or (behind and time.monotonic() >= self._idle_at):
                return self._entry(lane, cursor, None)
        return None

    def _entry(self, lane: Lane, cursor: Cursor, frames: Frames | None) -> tuple[Heading, bytes]:
        self._owed.discard(lane)
        heading = Heading(
            v=PROTOCOL,
            bus=self.bus.bus_id,
            epoch=self.bus.epoch,
            world=int(self.bus.world),
            lane=int(lane),
            prev=self._prev[lane],
            last=max(cursor_of(cursor, lane) - 1, self._prev[lane]),
            sent_ns=now_ns(),
            epochs=self._departure.epochs(lane),
            oldest=self._oldest.pop(lane, 0),
        )
        if frames is None:
            return heading, b""
        heading.events = frames.events
        heading.instruments = self._departure.instruments(frames.instruments)
        heading.sources, heading.via = self._departure.sources(frames.sources)
        return heading, frames.data

    # ---- what the others say

    def _look(self) -> None:
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + _LOOK_EVERY_S
        if not self._connected:
            self._begin_anew()
        requests, receivers, sender = self.link.look()
        self._check_alone(decode(sender, Sender))
        for text in requests:
            request = decode(text, Request)
            if request is not None and request.bus == self.bus.bus_id:
                self._go_back(request)
        self._hear(receivers, now)
        if now >= self._say_at:
            self._say_at = now + _SAY_EVERY_S
            self._say_self()

    # A connection that is new, or was lost: Redis may be another one than before.
    def _begin_anew(self) -> None:
        count, used = self.link.size()
        each = used // count if count else 0
        self._kept = deque(((0, 0), each) for _ in range(count))
        self._kept_bytes = each * count
        self._say_at = 0.0
        self._connected = True

    def _check_alone(self, sender: Sender | None) -> None:
        if sender is not None and sender.bus != self.bus.bus_id:
            raise StorageError(
                f"Another bus sends under the name of bridge {self.link.name!r} (on {sender.host}, process {sender.pid}): give one of the "
                "two another name.",
                retry=True,
            )

    def _say_self(self) -> None:
        head = {int(lane): self.bus.head(lane) - 1 for lane in Lane}
        sent = {int(lane): seq for lane, seq in self._prev.items()}
        me = Sender(PROTOCOL, self.bus.bus_id, self.bus.epoch, int(self.bus.world), host_name(), os.getpid(), sent, head)
        self.link.say_sender(encode(me))

    def _go_back(self, request: Request) -> None:
        lane = Lane(request.lane)
        seq = self._departure.kept(lane, request.epoch, request.seq)
        if seq > self._prev[lane] or lane not in self._lanes:
            return
        self._forget_lost()
        self.reader.seek(msgspec.structs.replace(self.reader.cursor, **{lane.name.lower(): seq + 1}))
        if self._held is not None and self._held[0].lane == lane:
            self._held = None
        first = cursor_of(self.reader.cursor, lane)
        if first > seq + 1:
            self._oldest[lane] = first
        self._prev[lane] = first - 1
        self._owed.add(lane)
        self.resends += 1

    # Entries that Redis has lost will never be seen by anybody: nobody is to be waited for because of them.
    def _forget_lost(self) -> None:
        first = self.link.first()
        while self._kept and (not first or self._kept[0][0] < _id(first)):
            self._kept_bytes -= self._kept.popleft()[1]

    def _hear(self, receivers: dict[str, bytes], now: float) -> None:
        behind = 0
        for name, text in receivers.items():
            receiver = decode(text, Receiver)
            known, since = self._beats.get(name, (None, now))
            if receiver is None or now - since > _RECEIVER_FORGOTTEN_S:
                self._beats.pop(name, None)
                self.link.forget_receiver(name)
                continue
            if known is None or known.beat != receiver.beat or known.at != receiver.at:
                self._beats[name] = (receiver, now)
                lives = known is not None  # seen for the first time it may be long gone
            else:
                lives = now - since < _RECEIVER_GONE_S
            if lives:
                behind = max(behind, self._bytes_after(_id(receiver.at)))
        self._unseen_bytes = behind

    def _bytes_after(self, at: tuple[int, int]) -> int:
        total = 0
        for entry, size in reversed(self._kept):
            if entry <= at:
                break
            total += size
        return total

    # ---- trouble, and counts

    def _wait_longer(self, error: StorageError) -> None:
        self._connected = False
        self.put_off(error, "does not send", f"Nothing is lost: {self.reader.lag} events wait in the journal.")

    def counts(self) -> dict[str, float]:
        """Return how many events were sent, how often some were sent again, and the bytes that receivers have not seen."""
        return {"events": self.sent_events, "resends": self.resends, "unseen_bytes": self._unseen_bytes}

    def _name_unknown_symbols(self) -> None:
        # Not at once: collectors name their instruments when they begin.
        if self._symbols is None or self._named or time.monotonic() < self._name_at:
            return
        self._named = True
        known = {instrument.symbol: 0 for instrument in self.bus.instruments} | {one.name: 0 for one in self.bus.instruments}
        for symbol in self._symbols:
            if symbol not in known and not set("*?[") & set(symbol):
                text = f"Bridge {self.link.name!r} has nothing to send of {symbol!r}: no instrument of this bus is called so."
                self.alert("warning", f"{text}{nearest(symbol, known)}")


def _id(text: str) -> tuple[int, int]:
    # A stream's entry: milliseconds and a number; anything else is before all of them.
    try:
        milliseconds, number = text.split("-", 1)
        return int(milliseconds), int(number)
    except ValueError:
        return 0, 0
