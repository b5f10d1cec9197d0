"""The event bus: publish, subscribe, read. The bus is a memory-mapped journal; writing an event is transporting it is recording it.

    bus = EventBus("gcg_home/bus")
    bus.publish(Tick(symbol="BTC/USDT", venue="binance", event_ns=now_ns(), last_price=64000.0))
    bus.subscribe(Tick, handler, symbols={"BTC/USDT"})
    with bus.reader("recorder", durable=True) as reader:
        for event in reader: ...

Any number of processes may open the same folder; an EventBus is thread-safe, a BusReader belongs to one thread.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import numpy as np

from gcg_quant import _native
from gcg_quant.errors import EventError
from gcg_quant.events import ColdEvent, EventFlag, Lane, Record, World, event_types, record_rows
from gcg_quant.instrument_table import InstrumentTable
from gcg_quant.reader import BusReader, Cursor, ReaderStatus
from gcg_quant.schema import write_schema
from gcg_quant.subscription import Subscription, symbol_matches

__all__ = ["BusReader", "Cursor", "EventBus", "ReaderStatus", "Subscription", "Voice", "current_cause", "handling", "symbol_matches"]

_encode = msgspec.msgpack.Encoder().encode


def current_cause() -> int:
    """Return the id of the event that this thread is handling, or 0."""
    return _native.current_cause()


@contextlib.contextmanager
def handling(event_id: int) -> Iterator[None]:
    """Make `event_id` the cause of all that this thread publishes inside the block."""
    before = _native.swap_cause(event_id)
    try:
        yield
    finally:
        _native.swap_cause(before)


class Voice(_native.Publisher):
    """Publishes to a bus under one name; as `EventBus.publish` with that `source`, without asking for it each time."""

    def __init__(self, bus: EventBus, source: str) -> None:
        number = bus.source_number(source)
        self._publish_cold = bus._publish_cold
        self._attach(bus.native, {source: number}, number)


class EventBus(_native.Publisher):
    """One bus folder, opened for publishing and reading; `publish(event)` appends to it.

    Args:
        path: the bus folder; made if missing (mode 0700) unless `create` is false.
        world: what a new bus is for (default PAPER); for an existing bus it must agree, or be None.
        source: who publishes, as events show it.
        sync: "none", "interval" (to disk every 100 ms, the default) or "always".
        page_mb: the page size of a new bus, in MiB.
        create: make the bus if the folder holds none.
        read_only: never publish; needs no lock.

    Raises:
        JournalError: the folder is no bus, or its world differs; JournalVersionError: another format version;
        JournalFullError: the disk has no room for the first pages.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        world: World | None = None,
        source: str = "python",
        sync: str = "interval",
        page_mb: float = 16,
        create: bool = True,
        read_only: bool = False,
    ) -> None:
        self.path = Path(path)
        existed = (self.path / "bus.meta").exists()
        if create and not read_only and not existed:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        native = _native.Bus(
            str(self.path),
            world=int(world if world is not None else (0 if existed else World.PAPER)),
            sync=sync,
            page_bytes=int(page_mb * 2**20),
            owner=source,
            create=create,
            read_only=read_only,
        )
        self.source = source
        self.read_only = read_only
        self.closed = False
        self._dispatcher: Any = None
        self._lock = threading.Lock()
        self._sources: dict[str, int] = {"": 0}
        self._default_source = 0 if read_only else native.add_source(source)
        self._sources[source] = self._default_source
        self._attach(native, self._sources, self._default_source)
        self.instruments = InstrumentTable(self)
        if not read_only:
            write_schema(self.path)

    # ---- what it is

    @property
    def bus_id(self) -> str:
        """32 hex digits that no other bus has."""
        return self.native.bus_id

    @property
    def world(self) -> World:
        """What the bus is for."""
        return World(self.native.world)

    @property
    def epoch(self) -> int:
        """Counts up whenever a lane had to be cut after a power loss."""
        return self.native.epoch

    def epoch_reports(self) -> list[str]:
        """Return one sentence for each lane that opening this bus had to cut."""
        return [detail for *_, detail in self.native.epoch_reports()]

    def head(self, lane: Lane) -> int:
        """Return the seq that the next event of `lane` will get."""
        return self.native.head(int(lane))

    def readers(self) -> list[ReaderStatus]:
        """Return every named reader of every process with its lag."""
        return [ReaderStatus.from_native(row) for row in self.native.readers()]

    # ---- publishing

    def source_number(self, name: str) -> int:
        """Return the number of a publisher's name, registering it if it is new (at most 56 bytes of UTF-8)."""
        number = self._sources.get(name)
        if number is None:
            number = self._sources[name] = self.native.add_source(name)
        return number

    def source_name(self, number: int) -> str:
        """Return the publisher behind a source number, as columns show it."""
        return self.native.source(number) if number else ""

    def voice(self, source: str) -> Voice:
        """Return a publisher whose events have another source, for whoever publishes much under that name."""
        return Voice(self, source)

    def publish_many(
        self, events: Sequence[Record], *, cause: int | None = None, backfill: bool = False, source: str | None = None
    ) -> list[int]:
        """Append several hot records under one lock and one wake-up; return their ids."""
        number = self._default_source if source is None else self.source_number(source)
        because = current_cause() if cause is None else cause
        return self.native.publish_records(list(events), because, int(EventFlag.BACKFILL) if backfill else 0, number)

    def publish_batch(
        self, array: np.ndarray[Any, Any], *, cause: int | None = None, backfill: bool = False, source: str | None = None
    ) -> int:
        """Append a structured array of some record's dtype as batch frames; return the first id, the others follow on.

        The `instrument` field holds numbers of `bus.instruments`. An array of over 4 MB is written as several frames under one lock.

        Raises:
            EventError: the dtype is no record's, or an instrument number is unknown.
        """
        found = record_rows(array) if array.ndim == 1 else None
        if found is None:
            raise EventError(f"publish_batch() takes a one-dimensional array of a record's dtype (Tick.dtype ...), found {array.dtype}.")
        if len(array) == 0:
            raise EventError("publish_batch() was given an empty array.")
        number = self._default_source if source is None else self.source_number(source)
        because = current_cause() if cause is None else cause
        cls, rows = found
        return self.native.publish_batch(cls, rows.view(np.uint8), len(rows), because, int(EventFlag.BACKFILL) if backfill else 0, number)

    def _publish_cold(self, event: ColdEvent, cause: int, flags: int, source: int) -> int:
        if not isinstance(event, ColdEvent):
            raise EventError(f"publish() takes events of gcg_quant.events, found {type(event).__name__}.")
        symbol = getattr(event, "symbol", "")
        instrument = self.instruments.number(symbol, getattr(event, "venue", "")) if symbol else 0
        if event.id or event.cause or event.source:
            event = msgspec.structs.replace(event, id=0, time_ns=0, cause=0, source="")
        return self.native.publish_cold(int(event.LANE), event.TYPE, _encode(event), instrument, cause, flags, source)

    # ---- reading

    def reader(
        self,
        name: str | None = None,
        *,
        durable: bool = False,
        start: str | Cursor = "end",
        events: Iterable[Any] | None = None,
        symbols: Iterable[str] | None = None,
        sources: Iterable[str] | None = None,
        backfill: bool = True,
        wait: str = "adaptive",
        sleep_s: float = 0.001,
    ) -> BusReader:
        """Return a reader with its own cursor; it belongs to one thread.

        Args:
            name: makes its lag visible to all processes; needed for `durable`.
            durable: `commit()` stores the cursor in the bus folder, and the next reader of that name goes on from it.
            start: "end" (what comes from now on), "begin" (the oldest that is there) or a Cursor.
            events: event classes, unions or base classes; None means all.
            symbols: "BTC/USDT", "BTC/USDT@binance" or patterns with *, ? and [].
            sources: names of publishers.
            backfill: also history that was filled in.
            wait: "adaptive" (spins, then sleeps on a futex), "busy" (spins) or "sleep" (polls every `sleep_s` seconds).

        Raises:
            CursorError: the cursor is beyond the end or of another bus. JournalBusyError: a living reader has that name.
        """
        reader = BusReader(self, name, durable=durable, start=start, wait=wait, sleep_s=sleep_s)
        if events is not None or symbols is not None or sources is not None or not backfill:
            reader.add_rule(event_types(*events) if events is not None else (), symbols, sources, backfill)
        return reader

    def subscribe(
        self,
        event_type: Any,
        handler: Callable[[Any], Any],
        *,
        symbols: Iterable[str] | None = None,
        sources: Iterable[str] | None = None,
        backfill: bool = False,
        latest: bool = False,
        batch: int = 0,
        within_s: float = 0.0,
    ) -> Subscription:
        """Call `handler(event)` for matching events from now on, on the bus's own thread; return the subscription.

        Components have their own thread and reader; this is for scripts and notebooks. `latest`, `batch` and `within_s`: see
        `Subscription`.
        """
        from gcg_quant.component import Component  # the component stands on the bus, and not the other way round

        with self._lock:
            if self._dispatcher is None:
                self._dispatcher = Component(f"{self.source}-subscriptions", start="end")
                self._dispatcher.start(self)
            subscription: Subscription = self._dispatcher.subscribe(
                event_type, handler, symbols=symbols, sources=sources, backfill=backfill, latest=latest, batch=batch, within_s=within_s
            )
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop calling a subscription's handler."""
        with self._lock:
            if self._dispatcher is not None:
                self._dispatcher.unsubscribe(subscription)

    # ---- its life

    def sync(self) -> None:
        """Write everything to disk now, whatever the policy."""
        self.native.sync()

    def wake(self) -> None:
        """Wake every waiting reader of every process."""
        self.native.wake()

    def close(self) -> None:
        """Stop the bus's own thread and release the folder; readers of this object stop working."""
        if self.closed:
            return
        self.closed = True
        if self._dispatcher is not None:
            self._dispatcher.stop()
        self.native.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"EventBus({str(self.path)!r}, world={self.world.name}, bus_id={self.bus_id[:8]})"


def _cold_decoder(cls: type[ColdEvent]) -> Callable[[bytes, int, int, int, str], ColdEvent]:
    decode = msgspec.msgpack.Decoder(cls).decode
    set_attribute = msgspec.structs.force_setattr

    def decoder(payload: bytes, event_id: int, time_ns: int, cause: int, source: str) -> ColdEvent:
        event = decode(payload)
        set_attribute(event, "id", event_id)
        set_attribute(event, "time_ns", time_ns)
        set_attribute(event, "cause", cause)
        set_attribute(event, "source", source)
        return event

    return decoder


def _register_cold_events() -> None:
    for cls in event_types(ColdEvent):
        if issubclass(cls, ColdEvent):
            _native.register_cold(cls.TYPE, int(cls.LANE), _cold_decoder(cls))


_register_cold_events()
