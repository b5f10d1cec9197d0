"""Reading the bus: a cursor over its three lanes, control before market before log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec
import numpy as np

from gcg_quant.errors import JournalError
from gcg_quant.events import HOT_RECORDS, ColdEvent, Event, Lane, Record, event_types
from gcg_quant.handler_statistics import HandlerStatistics
from gcg_quant.journal_frames import Frames

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus, Subscription

__all__ = ["Batch", "BusReader", "Cursor", "ReaderStatus", "row_dtype"]

_NO_TYPE = 255  # a type number that no event has
_HEAD = [("id", "<u8"), ("time_ns", "<i8"), ("cause", "<u8"), ("source", "<u2"), ("flags", "<u2"), ("_head", "<u4")]
_RECORD_BY_TYPE = {cls.TYPE: cls for cls in HOT_RECORDS}
_EVENT_BY_TYPE: dict[int, type[Event]] = {cls.TYPE: cls for cls in event_types(object)}


def row_dtype(cls: type[Record]) -> np.dtype[Any]:
    """Return the dtype of `read_tables` rows: id, time_ns, cause, source, flags, then the record's own fields."""
    record = cls.dtype
    head = np.dtype(_HEAD)
    names = [name for name in head.names or () if name != "_head"]
    fields: dict[str, Any] = dict(head.fields or {})
    own: dict[str, Any] = dict(record.fields or {})
    return np.dtype(
        {
            "names": [*names, *own],
            "formats": [fields[name][0] for name in names] + [own[name][0] for name in own],
            "offsets": [fields[name][1] for name in names] + [head.itemsize + own[name][1] for name in own],
            "itemsize": head.itemsize + record.itemsize,
        }
    )


_ROW_DTYPES = {cls.TYPE: row_dtype(cls) for cls in HOT_RECORDS}


class Cursor(msgspec.Struct, frozen=True):
    """The next seq to read in each lane of one bus in one epoch."""

    bus_id: str
    epoch: int
    control: int = 1
    market: int = 1
    log: int = 1


class ReaderStatus(msgspec.Struct, frozen=True):
    """A named reader as any process sees it; `lag` is head - cursor, in events."""

    name: str
    durable: bool
    alive: bool
    pid: int
    updated_ns: int
    lag: dict[Lane, int]
    next_seq: dict[Lane, int]

    @classmethod
    def from_native(cls, row: dict[str, Any]) -> ReaderStatus:
        """Return the status behind a row of the native reader list."""
        return cls(
            name=row["name"],
            durable=row["durable"],
            alive=row["alive"],
            pid=row["pid"],
            updated_ns=row["updated_ns"],
            lag=dict(zip(Lane, row["lag"], strict=True)),
            next_seq=dict(zip(Lane, row["next_seq"], strict=True)),
        )


class Batch(msgspec.Struct, frozen=True, eq=False):
    """Records of one class that lie side by side on a page: a zero-copy view, which keeps its page mapped.

    `records` has the class's dtype; record i has the id `first_id + i`.
    """

    records: np.ndarray[Any, Any]
    first_id: int


class BusReader:
    """A cursor over a bus. One thread; made by `EventBus.reader`."""

    def __init__(self, bus: EventBus, name: str | None, *, durable: bool, start: str | Cursor, wait: str, sleep_s: float) -> None:
        if durable and not name:
            raise JournalError("A durable reader needs a name: bus.reader('recorder', durable=True).")
        if isinstance(start, str) and start not in ("begin", "end"):
            raise JournalError(f"start must be 'begin', 'end' or a Cursor, found {start!r}.")
        self.name = name or ""
        self._native = bus.native.reader(self.name, durable, start == "begin")
        self._native.wait_policy(wait, sleep_s)
        if isinstance(start, Cursor):
            self.seek(start)

    def add_rule(self, types: Iterable[type[Event]], symbols: Iterable[str] | None, sources: Iterable[str] | None, backfill: bool) -> None:
        """Let events of these types, symbols and sources pass, too; without any rule everything passes."""
        self._native.add_rule(
            [cls.TYPE for cls in types],
            None if symbols is None else sorted(symbols),
            None if sources is None else sorted(sources),
            backfill,
        )

    def clear_rules(self) -> None:
        """Let everything pass."""
        self._native.clear_rules()

    def block(self) -> None:
        """Let nothing pass: the filter of a component that handles nothing."""
        self._native.clear_rules()
        self._native.add_rule([_NO_TYPE], None, None, False)

    def read(self, timeout_s: float = 0.0) -> Event | None:
        """Return the next event, or None if none came within `timeout_s` seconds (negative: for ever)."""
        event: Event | None = self._native.read(timeout_s)
        return event

    def read_many(self, limit: int = 1000, timeout_s: float = 0.0, within_s: float = 0.0) -> list[Event]:
        """Return up to `limit` events: wait up to `timeout_s` seconds for the first, then up to `within_s` for the others."""
        return self._native.read_many(limit, timeout_s, within_s)

    def read_latest(self, limit: int = 1_000_000, timeout_s: float = 0.0) -> list[Event]:
        """Return the newest event a class and symbol of up to `limit` that are waiting, by id; the others are passed over."""
        return self._native.read_latest(limit, timeout_s)

    def wait(self, timeout_s: float) -> bool:
        """Return whether an event is there or came within `timeout_s` seconds; a filter may still refuse it."""
        return self._native.wait(timeout_s)

    def handle(self, subscriptions: Iterable[Subscription]) -> None:
        """Give the events to these subscriptions' handlers from now on, whenever `dispatch` is called; no others pass."""
        self._native.set_routes([one.route() for one in subscriptions])

    def dispatch(self, limit: int, timeout_s: float, failed: Callable[[Any, Any, Exception], Any], coroutine: Callable[[Any], Any]) -> int:
        """Call the handlers of up to `limit` events, control before market before log, and return how many events those were.

        It comes back without any once for all calls of `bus.wake()` since it last did so: one that was called meanwhile is not missed.

        Args:
            limit: the most events.
            timeout_s: how long to wait for the first one, in seconds.
            failed: called with (handler, event, error) when a handler raises an Exception; the dispatch goes on.
            coroutine: called with what an `async def` handler returned; it has to run it to its end.
        """
        return self._native.dispatch(limit, timeout_s, failed, coroutine)

    def flush(self, failed: Callable[[Any, Any, Exception], Any], coroutine: Callable[[Any], Any]) -> None:
        """Call the handlers of batches and of the latest with what they are still owed."""
        self._native.flush(failed, coroutine)

    @property
    def pending(self) -> bool:
        """Whether handlers of batches or of the latest have not been called yet with events that were read."""
        return self._native.pending

    def statistics(self) -> HandlerStatistics:
        """Return what `dispatch` has done so far; from any thread."""
        return HandlerStatistics(*self._native.statistics())

    def read_tables(self, limit: int = 20_000, timeout_s: float = 0.0) -> tuple[dict[type[Record], np.ndarray[Any, Any]], list[ColdEvent]]:
        """Return up to `limit` events as one structured array a record class (see `row_dtype`), and the cold events.

        The order within a class is kept; ids tell the order across classes.
        """
        tables, cold = self._native.read_tables(limit, timeout_s)
        return {_RECORD_BY_TYPE[number]: np.frombuffer(rows, _ROW_DTYPES[number]) for number, rows in tables.items()}, cold

    def read_array(self, event_type: type[Record], limit: int = 100_000) -> np.ndarray[Any, Any]:
        """Return up to `limit` records of one class up to the head as rows of `row_dtype`; other events are passed over."""
        parts: list[np.ndarray[Any, Any]] = []
        left = limit
        while left > 0:
            tables, cold = self.read_tables(left)
            if not tables and not cold:
                break
            if event_type in tables:
                parts.append(tables[event_type])
                left -= len(tables[event_type])
        return np.concatenate(parts) if parts else np.empty(0, _ROW_DTYPES[event_type.TYPE])

    def read_run(self, event_type: type[Record], limit: int = 4096) -> tuple[np.ndarray[Any, Any], Event | None]:
        """Return up to `limit` records of one class up to the head as rows of `row_dtype`, and the event that ended their run.

        That is the first event of another class; it has been read, too, and comes behind the rows. None: the head or the limit was met.
        """
        rows, event = self._native.read_run(event_type.TYPE, limit)
        return np.frombuffer(rows, _ROW_DTYPES[event_type.TYPE]), event

    def read_batches(self, event_type: type[Record], limit: int = 100_000) -> list[Batch]:
        """Return zero-copy views of up to `limit` records of one class up to the head; other events are passed over."""
        dtype = event_type.dtype
        return [
            Batch(np.ndarray((count,), dtype, buffer=memoryview(view), strides=(stride,)), first_id)
            for view, count, stride, first_id in self._native.read_views(event_type.TYPE, limit)
        ]

    def read_frames(
        self, limit: int = 10_000, limit_bytes: int = 1 << 18, timeout_s: float = 0.0, *, bridged: bool = True
    ) -> Frames | None:
        """Return up to `limit` events of one lane as frames, or None if none came within `timeout_s` seconds.

        `gcg_quant.journal_frames.append_frames` puts them onto another bus. What came over a bridge itself is passed over
        unless `bridged`. May return None early where very many events do not pass the filter.
        """
        lane, data, events, last_seq, instruments, sources = self._native.read_frames(limit, limit_bytes, timeout_s, bridged)
        return Frames(Lane(lane), data, events, last_seq, instruments, sources) if events else None

    def find_bridged(self, lane: Lane, from_seq: int, suffix: str) -> list[tuple[int, bytes | None, int]]:
        """Return what came over a bridge from `from_seq` on, by sources whose name ends with `suffix`; the reader is used up.

        Returns:
            In order: (own seq, a mark, 0), and (own seq, None, the origin's seq) of the last event before the next mark.
        """
        return self._native.find_bridged(int(lane), from_seq, suffix)

    def count(self, limit: int = 1_000_000) -> dict[type[Event], int]:
        """Pass over up to `limit` events and return how many there were of each class."""
        return {_EVENT_BY_TYPE[number]: count for number, count in self._native.count(limit).items()}

    def __iter__(self) -> Iterator[Event]:
        """Yield every event up to the head as it moves, then stop."""
        while events := self._native.read_many(1000, 0.0, 0.0):
            yield from events

    def follow(self, timeout_s: float = -1.0) -> Iterator[Event]:
        """Yield events as they come, and stop when none has come for `timeout_s` seconds (negative: never)."""
        while events := self._native.read_many(1000, timeout_s, 0.0):
            yield from events

    @property
    def cursor(self) -> Cursor:
        """Where the next read goes on."""
        bus_id, epoch, (control, market, log) = self._native.cursor()
        return Cursor(bus_id, epoch, control, market, log)

    def seek(self, cursor: Cursor) -> None:
        """Go on at `cursor`. Raises CursorError if it is beyond the end or of another bus."""
        self._native.seek(cursor.bus_id, cursor.epoch, [cursor.control, cursor.market, cursor.log])

    def seek_begin(self) -> None:
        """Go to the oldest event that is there."""
        self._native.seek_begin()

    def seek_end(self) -> None:
        """Pass over all that is there."""
        self._native.seek_end()

    def seek_time(self, time_ns: int) -> None:
        """Go to the first event of every lane that was published at `time_ns` or later."""
        self._native.seek_time(time_ns)

    def seek_id(self, event_id: int) -> None:
        """Go to an event within its lane; the other lanes stay where they are."""
        self._native.seek_seq(event_id >> 60, event_id & ((1 << 60) - 1))

    @property
    def lag(self) -> int:
        """How many events are waiting in all lanes, before any filter."""
        return sum(self._native.lag(int(lane)) for lane in Lane)

    def lag_in(self, lane: Lane) -> int:
        """Return how many events are waiting in one lane, before any filter."""
        return self._native.lag(int(lane))

    def commit(self) -> None:
        """Say that everything read so far has been handled; a durable reader starts behind it next time."""
        self._native.commit()

    def close(self) -> None:
        """Give the reader's name free."""
        self._native.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
