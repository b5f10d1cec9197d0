"""Sends market data over a bridge from a machine without gcg_quant: this file, `client_buffer.py` beside it, Python 3.8 or later and the
package redis are enough.

    with BridgeClient("mt5", "redis://10.0.0.5:6379/0", folder="bridge_mt5") as client:
        client.instrument("EURUSD", "MT5", kind="fx", market="fx", tick_size=0.00001)
        client.publish("Tick", symbol="EURUSD", venue="MT5", event_ns=time.time_ns(), bid_price=1.0841, ask_price=1.0842)

`publish` returns when the event is in a file of the folder; from then on it reaches each receiver once and in order, whatever is killed and
started again. A thread sends it as soon as Redis is there. The files take `buffer_mb` at most: a receiver that was away for longer is told
what it misses. The password belongs into the environment: GCG_QUANT_BRIDGE__PASSWORD.
"""

from __future__ import annotations

import difflib
import json
import logging
import math
import os
import socket
import struct
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

try:
    from .client_buffer import HEADER, Buffer
except ImportError:  # a copy of the two files, without the package around them
    from client_buffer import HEADER, Buffer  # type: ignore[import-not-found, no-redef]

__all__ = ["RECORDS", "BridgeClient"]

log = logging.getLogger("gcg_quant.bridge")

PROTOCOL = 1
MARKET = 1  # the lane
WORLDS = {"live": 1, "paper": 2}
ENTRY_BYTES = 1 << 18
_PREFIX = ["event_ns", "recv_ns", "instrument", "ordinal"]
_TICK = (
    "last_price last_size volume turnover open_interest bid_price bid_size ask_price ask_size open high low prev_close prev_settlement "
    "prev_open_interest settlement average_price upper_limit lower_limit venue_seq trading_day volume_kind quality exchange condition"
)
_TRADE = "price size turnover venue_seq trading_day aggressor quality trade_id exchange condition"
_BAR = "start_ns open high low close volume turnover open_interest quote_size count period trading_day revision basis origin quality"
# By name: type number, layout, fields in its order. The same as native/include/gcg/records.h, which a test compares.
RECORDS: dict[str, tuple[int, struct.Struct, list[str]]] = {
    "Tick": (1, struct.Struct("<qqII19dqiBB2x8s16s"), _PREFIX + _TICK.split()),
    "TradeTick": (4, struct.Struct("<qqII3dqiBB2x32s8s16s"), _PREFIX + _TRADE.split()),
    "Bar": (5, struct.Struct("<qqIIq8dq8siiBBB5x"), _PREFIX + _BAR.split()),
}
_ENUMS = {
    "volume_kind": ["UNKNOWN", "DAY", "ROLLING_24H", "SINGLE"],
    "quality": ["NORMAL", "SUSPICIOUS"],
    "aggressor": ["NONE", "BUY", "SELL"],
    "basis": ["LAST", "BID", "ASK", "MID"],
    "origin": ["UNKNOWN", "VENUE", "AGGREGATED"],
}
_TEXTS = {"exchange": 8, "condition": 16, "trade_id": 32, "period": 8}
_WHOLE = {"venue_seq", "trading_day", "start_ns", "count", "revision", "ordinal", "event_ns", "recv_ns"}


class BridgeClient:
    """Publishes ticks, trades and bars under the name of a bridge. Thread-safe; one client a folder.

    Args:
        name: of the bridge; no other host sends under it.
        url: redis://host:port/db, or rediss:// for TLS.
        folder: for the buffer and this client's identity; keep it.
        world: "live" or "paper" (of a demo account, say).
        source: who publishes, as the receivers show it (SOURCE@NAME).
        buffer_mb: most room of the buffer's files, MB.
        stream_mb: memory of Redis that the stream may take, MB.
        password: of Redis; None takes GCG_QUANT_BRIDGE__PASSWORD of the environment.

    Raises:
        ValueError: an argument makes no sense. OSError: the folder cannot be written, or another client has it.
    """

    def __init__(
        self,
        name: str,
        url: str,
        folder: str = "bridge_client",
        *,
        world: str = "live",
        source: str = "client",
        buffer_mb: float = 256.0,
        stream_mb: float = 64.0,
        password: str | None = None,
    ) -> None:
        if world not in WORLDS:
            raise ValueError(f"world must be 'live' or 'paper', found {world!r}.")
        self.name, self.url, self.problem = name, url, ""
        self._source, self._world = source, WORLDS[world]
        self._password = os.environ.get("GCG_QUANT_BRIDGE__PASSWORD") if password is None else password
        self._stream_bytes = int(stream_mb * 1e6)
        self._buffer = Buffer(Path(folder), int(buffer_mb * 1e6))
        self._lock = threading.Lock()
        self._equal: dict[tuple[str, int], tuple[int, int]] = {}
        self._news = threading.Event()
        self._stop = threading.Event()
        self._link: Any = None
        self._kept: deque[tuple[tuple[int, int], int]] = deque()  # entries in Redis: id, bytes
        self._beats: dict[str, tuple[bytes, float]] = {}
        self._kept_bytes = self._unseen = self._oldest = 0
        self._owed = False
        self._look_at = self._say_at = 0.0
        self._thread = threading.Thread(target=self._run, name=f"bridge-{name}", daemon=True)
        self._thread.start()

    @property
    def last(self) -> int:
        """The number of the newest event in the buffer."""
        return self._buffer.last

    @property
    def waiting(self) -> int:
        """How many events are not in Redis yet."""
        return self._buffer.last - self._buffer.sent

    def instrument(self, symbol: str, venue: str, **terms: Any) -> None:
        """Tell an instrument's terms, by the names of gcg_quant.instruments.Instrument; without it an instrument has none."""
        with self._lock:
            self._buffer.number({"symbol": symbol, "venue": venue, **terms}, change=True)

    def publish(self, record: str, *, symbol: str, venue: str, **fields: Any) -> int:
        """Append one record to the buffer and return its number.

        Args:
            record: "Tick", "TradeTick" or "Bar".
            symbol: as the venue writes it.
            venue: where it trades.
            fields: by their names; times are integer nanoseconds since 1970 (UTC), a price that is left out is absent, enumerations are
                names or numbers. A Bar's event_ns is its end.

        Raises:
            ValueError: a name or value that makes no sense, with the nearest name.
        """
        if record not in RECORDS:
            raise ValueError(f"There is no record {record!r}.{_nearest(record, RECORDS)}")
        kind, layout, names = RECORDS[record]
        for name in fields:
            if name not in names or name == "instrument":
                raise ValueError(f"A {record} has no field {name!r}.{_nearest(name, names)}")
        if "event_ns" not in fields:
            raise ValueError(f"A {record} needs event_ns: when it happened, in nanoseconds.")
        now = time.time_ns()
        with self._lock:
            number = self._buffer.number({"symbol": symbol, "venue": venue})
            values = {"recv_ns": now, "instrument": number, "ordinal": self._ordinal(record, number, int(fields["event_ns"])), **fields}
            try:
                payload = layout.pack(*(_value(name, values.get(name)) for name in names))
            except (struct.error, TypeError, OverflowError) as error:
                raise ValueError(f"A {record} of {symbol} holds a value of the wrong kind: {error}.") from error
            seq = self._buffer.append(kind, number, now, payload)
        self._news.set()
        return seq

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Wait until all is in Redis; return whether it is."""
        deadline = time.monotonic() + timeout_s
        while self.waiting and time.monotonic() < deadline:
            self._news.set()
            time.sleep(0.002)
        return not self.waiting

    def close(self, timeout_s: float = 5.0) -> bool:
        """Send what can be sent within `timeout_s` seconds, and stop; return whether all is in Redis. The rest goes next time."""
        if self._stop.is_set():
            return not self.waiting
        done = self.flush(timeout_s)
        self._stop.set()
        self._news.set()
        self._thread.join(5.0)
        self._buffer.close()
        return done

    def __enter__(self) -> BridgeClient:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # ---- the sending thread

    def _ordinal(self, record: str, number: int, event_ns: int) -> int:
        before, count = self._equal.get((record, number), (-1, 0))
        count = count + 1 if before == event_ns else 0
        self._equal[record, number] = event_ns, count
        return count

    def _run(self) -> None:
        pause = 0.1
        while not self._stop.is_set():
            try:
                if not self._step():
                    self._news.wait(0.05)
                    self._news.clear()
                if self.problem:
                    self.problem, pause = "", 0.1
                    log.info("bridge %s sends again", self.name)
            except Exception as error:  # whatever Redis or the network does: the buffer has it, and it is tried again
                text = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
                if text != self.problem:
                    log.error("bridge %s does not send: %s; %d events wait in the buffer", self.name, text, self.waiting)
                self.problem, self._link = text, None
                self._stop.wait(pause)
                pause = min(2 * pause, 5.0)

    def _step(self) -> bool:
        now = time.monotonic()
        if self._link is None:
            self._connect()
        if now >= self._look_at:
            self._look_at = now + 0.1
            self._look(now)
        if self._unseen > self._stream_bytes // 2:  # who receives is behind: Redis would drop what he has not seen
            self._look_at = 0.0
            return False
        frames, first, last = self._buffer.read(ENTRY_BYTES)
        if not frames and not self._owed:
            return False
        if first - 1 > self._buffer.sent:
            self._oldest = first
        self._owed = False
        heading = self._heading(frames, first, last)
        size = len(heading) + len(frames) + 200
        while self._kept and self._kept_bytes + size > self._stream_bytes:
            self._kept_bytes -= self._kept.popleft()[1]
        at = self._link.xadd(self._key("events"), {b"h": heading, b"f": frames}, maxlen=len(self._kept) + 1, approximate=False)
        self._kept.append((_id(at.decode()), size))
        self._kept_bytes += size
        self._unseen += size
        self._buffer.sent_up_to(max(last, first - 1))
        return True

    def _heading(self, frames: bytes, first: int, last: int) -> bytes:
        heading = {
            "v": PROTOCOL,
            "bus": self._buffer.identity,
            "epoch": 1,
            "world": self._world,
            "lane": MARKET,
            "prev": first - 1,
            "last": max(last, first - 1),
            "events": last - first + 1 if frames else 0,
            "sent_ns": time.time_ns(),
            "sources": {"1": self._source},
            "instruments": {str(number): self._buffer.names[number - 1] for number in _numbers(frames)},
        }
        if self._oldest:
            heading["oldest"], self._oldest = self._oldest, 0
        return json.dumps(heading, separators=(",", ":")).encode()

    def _connect(self) -> None:
        try:
            import redis
        except ImportError as error:
            raise RuntimeError("a bridge needs the package redis: pip install redis") from error
        options = {"password": self._password} if self._password and "@" not in self.url else {}
        self._link = redis.Redis.from_url(self.url, socket_timeout=5.0, socket_connect_timeout=5.0, **options)
        count = self._link.xlen(self._key("events"))
        used = self._link.memory_usage(self._key("events")) or 0
        self._kept = deque([((0, 0), used // count)] * count if count else [])
        self._kept_bytes = used if count else 0
        self._say_at = 0.0

    def _look(self, now: float) -> None:
        pipe = self._link.pipeline()
        pipe.lrange(self._key("requests"), 0, -1)
        pipe.delete(self._key("requests"))
        pipe.hgetall(self._key("receivers"))
        pipe.get(self._key("sender"))
        requests, _, receivers, sender = pipe.execute()
        other = _said(sender)
        if other.get("bus", self._buffer.identity) != self._buffer.identity:
            raise RuntimeError(f"another bus sends under the name {self.name!r} (on {other.get('host')}): give one of the two another name")
        for text in requests:
            request = _said(text)
            seq = request.get("seq")
            mine = (request.get("bus"), request.get("lane")) == (self._buffer.identity, MARKET)
            if mine and isinstance(seq, int) and 0 <= seq <= self._buffer.sent:
                self._forget_lost()
                first = self._buffer.go_back(seq)
                self._oldest = first if first > seq + 1 else 0
                self._owed = True
        behind = 0
        for receiver, text in receivers.items():
            known, since = self._beats.get(receiver, (b"", now))
            if text != known:
                self._beats[receiver] = (text, now)
            if known and (text != known or now - since < 5.0):  # it lives
                at = _id(str(_said(text).get("at")))
                behind = max(behind, sum(size for entry, size in self._kept if entry > at))
        self._unseen = behind
        if now >= self._say_at:
            self._say_at = now + 1.0
            me = {"v": PROTOCOL, "bus": self._buffer.identity, "epoch": 1, "world": self._world, "host": socket.gethostname()}
            me.update(pid=os.getpid(), sent={str(MARKET): self._buffer.sent}, head={str(MARKET): self._buffer.last})
            self._link.set(self._key("sender"), json.dumps(me), ex=10)

    def _forget_lost(self) -> None:
        # Entries that Redis has lost will never be seen by anybody: nobody is to be waited for because of them.
        oldest = self._link.xrange(self._key("events"), count=1)
        while self._kept and (not oldest or self._kept[0][0] < _id(oldest[0][0].decode())):
            self._kept_bytes -= self._kept.popleft()[1]

    def _key(self, part: str) -> str:
        return f"gcg:bridge:{self.name}:{part}"


def _value(name: str, value: Any) -> Any:
    if name in _ENUMS:
        names = _ENUMS[name]
        if isinstance(value, str) and value.upper() not in names:
            raise ValueError(f"{name} has no value {value!r}.{_nearest(value.upper(), names)}")
        return names.index(value.upper()) if isinstance(value, str) else int(value or 0)
    if name in _TEXTS:
        data = str(value or "").encode()
        if len(data) > _TEXTS[name]:
            raise ValueError(f"{name} has room for {_TEXTS[name]} bytes, found {value!r}.")
        return data
    if name in _WHOLE or name == "instrument":
        return int(value or 0)
    return math.nan if value is None else float(value)


def _said(text: bytes | None) -> dict[str, Any]:
    # What somebody else has written: anything but an object in JSON says nothing.
    try:
        found = json.loads(text or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _numbers(frames: bytes) -> set[int]:
    found, at = set(), 0
    while at < len(frames):
        length, _, _, _, _, instrument = HEADER.unpack_from(frames, at)[:6]
        found.add(instrument)
        at += length
    return found


def _id(text: str) -> tuple[int, int]:
    milliseconds, _, number = text.partition("-")
    return (int(milliseconds), int(number)) if milliseconds.isdigit() and number.isdigit() else (0, 0)


def _nearest(word: str, known: Any) -> str:
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.55)
    return f" Did you mean {matches[0]!r}?" if matches else ""
