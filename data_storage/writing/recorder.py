"""The recorder: reads the bus in columns and stores every event exactly once.

The journal is the buffer. The recorder sleeps for `flush_ms`, or until `batch_rows` events have come, and stores them in one
transaction together with its cursor. Killed at any moment it goes on from the cursor in the database; while the database is locked,
full or away it keeps the batch, tries again with growing pauses, and says in AlertEvents how far behind it is (`Backlog`).
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, ClassVar

import msgspec

from gcg_quant.clock import now_ns
from gcg_quant.component import Component
from gcg_quant.errors import ComponentError, CursorError, JournalError, StorageError
from gcg_quant.events import AlertEvent, ColdEvent, MetricEvent, Record, event_types
from gcg_quant.handlers import Health
from gcg_quant.reader import BusReader, Cursor

from .backlog import Backlog
from .place import Place
from .resumption import lost, resumed
from .store import STORED_EVENTS, Store, Stored

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

    from ..schema.columns import Rows
    from ..sql.database import Database

__all__ = ["Recorder"]

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_METRICS_EVERY_S = 10.0
_LOOK_S = 0.05


class _Batch(msgspec.Struct, frozen=True, eq=False):
    tables: dict[type[Record], Rows]
    cold: list[ColdEvent]
    cursor: Cursor
    events: int
    oldest_ns: int  # when the first and the last of them were published
    newest_ns: int


class Recorder(Component):
    """Stores market data, trading events, signals, alerts and logs of one bus in a database.

    Invariant: the cursor in the database stands behind exactly the events whose rows are stored. A bus that it has never seen is stored
    from its beginning.

    Args:
        database: where to; it stays open when the recorder stops.
        name: the name of the cursor; two recorders of one bus need two names and two databases.
        batch_rows: the most events in one transaction.
        flush_ms: how long events may wait before they are stored.
        alert_s: how often a trouble that lasts is told again, in seconds.
    """

    capabilities: ClassVar[tuple[str, ...]] = ("recorder",)
    drain_on_stop: ClassVar[bool] = True

    def __init__(
        self,
        database: Database,
        *,
        name: str = "recorder",
        batch_rows: int = 5000,
        flush_ms: float = 200.0,
        alert_s: float = 60.0,
    ) -> None:
        super().__init__(name)
        self.database = database
        self.stored = Stored()
        self._batch_rows = batch_rows
        self._flush_s = flush_ms / 1000
        self._alert_s = alert_s
        self._backlog = Backlog(database.name)
        self._place = Place(database)
        self._missing = ""  # what the journal has lost before it could be stored
        self._store: Store | None = None
        self._stands = False  # whether the reader is where the database's cursor stands
        self._opened_ns = 0
        self._held: _Batch | None = None  # read, but not stored yet
        self._pause_s = 0.0
        self._next_at = 0.0
        self._metrics_at = 0.0

    def open_reader(self, bus: EventBus) -> BusReader:
        """Return a reader that goes on where the database's cursor stands; while the database is away that is found out later.

        The reader is durable so that the journal keeps the pages it still needs, but its own cursor file decides nothing.

        Raises:
            StorageError: the database cannot be read. CursorError: its cursor stands beyond the bus's end.
        """
        self._place.check()
        self._store = Store(self.database, bus, self.name)
        self._backlog = Backlog(self.database.name, every_s=self._alert_s)
        self._held, self._pause_s, self._next_at, self._missing = None, 0.0, 0.0, ""
        self._opened_ns = now_ns()
        reader = self._named_reader(bus)
        try:
            self._stands = self._goes_on(bus, self._store, reader)
        except BaseException:
            reader.close()
            raise
        return reader

    def _goes_on(self, bus: EventBus, store: Store, reader: BusReader) -> bool:
        # Put the reader behind what is stored; False while the database cannot say what that is.
        try:
            cursor = store.load_cursor()
        except StorageError as error:
            if not error.context.get("retry", False):
                raise
            self._backlog.refused(str(error), reader.lag, self._opened_ns)
            self._wait_longer()
            return False
        if cursor is None:
            reader.seek_begin()
        else:
            wanted = resumed(bus, cursor)
            reader.seek(wanted)
            self._missing = lost(self.database, wanted, reader.cursor)
        reader.commit()  # a restored database stands before the reader's own cursor: from now on the journal is kept from here
        return True

    def _named_reader(self, bus: EventBus) -> BusReader:
        try:
            return BusReader(bus, self.name, durable=True, start="begin", wait="sleep", sleep_s=0.001)
        except CursorError:
            # The journal refuses a cursor file from before a power loss. This one decides nothing: it is made anew.
            (bus.path / "readers" / self.name).unlink(missing_ok=True)
            return BusReader(bus, self.name, durable=True, start="begin", wait="sleep", sleep_s=0.001)

    def on_start(self) -> None:
        """Read what is worth storing, and nothing else."""
        self.reader.clear_rules()
        self.reader.add_rule(event_types(*STORED_EVENTS), None, None, True)
        self._say_what_is_missing()

    def health(self) -> Health:
        """Return what it is doing, with how far the database is behind; from any thread."""
        return msgspec.structs.replace(super().health(), behind_s=self._backlog.behind_s)

    def read_batch(self) -> int:
        """Store the next batch and return how many events it held; 0 if there is none or it could not be stored yet."""
        if not self._is_time():
            return 0
        if not self._stands:
            self._stands = self._goes_on(self.bus, self._started_store(), self.reader)
            if not self._stands:
                return 0
            self._say_what_is_missing()
        batch = self._held or self._read()
        if batch is None:
            return 0
        self._held = batch
        if not self._try_to_store(batch):
            return 0
        self._held = None
        self.reader.commit()
        return batch.events

    def on_rest(self, idle: bool) -> None:
        """Say what there is to say of the backlog, and publish the counts now and then."""
        self._say()
        self._publish_counts()

    def on_stop(self) -> None:
        """Say how much was stored in all, and leave a database file that is whole by itself."""
        self._say()
        self._publish_counts(at_once=True)
        with contextlib.suppress(StorageError):  # a locked or full database; the next one to open it does the same
            self.database.checkpoint()

    def _is_time(self) -> bool:
        # Waits a little, never long: a thread that is seen here for seconds would be taken for a hanging one.
        left = self._next_at - time.monotonic()
        if left > 0 and not self.stopping:
            self._stopping.wait(min(left, _LOOK_S))
            if self._stands and self._held is None and self.reader.lag >= self._batch_rows:
                return True
        return self.stopping or time.monotonic() >= self._next_at

    def _read(self) -> _Batch | None:
        tables, cold = self.reader.read_tables(self._batch_rows)
        events = sum(len(rows) for rows in tables.values()) + len(cold)
        if events < self._batch_rows:  # else more is waiting: go on at once
            self._next_at = time.monotonic() + self._flush_s
        if not events:
            return None
        times = [int(rows["time_ns"][at]) for rows in tables.values() for at in (0, -1)] + [event.time_ns for event in cold]
        return _Batch(tables, cold, self.reader.cursor, events, min(times), max(times))

    def _try_to_store(self, batch: _Batch) -> bool:
        store = self._started_store()
        started = time.perf_counter_ns()
        try:
            self._place.check()
            self.stored.merge(store.write(batch.tables, batch.cold, batch.cursor))
        except StorageError as error:
            if not error.context.get("retry", False):
                raise
            self._backlog.refused(str(error), batch.events + self.reader.lag, batch.oldest_ns)
            self._wait_longer()
            return False
        self.note_handled(batch.events, time.perf_counter_ns() - started)
        all_read = batch.events < self._batch_rows and not self._pause_s
        self._backlog.stored(batch.events, 0 if all_read else self.reader.lag, batch.newest_ns)
        self._pause_s = 0.0
        return True

    def _started_store(self) -> Store:
        if self._store is None:
            raise ComponentError(f"Component {self.name!r} has not been started: call start(bus) first.", name=self.name)
        return self._store

    def _say_what_is_missing(self) -> None:
        if self._missing:
            self._alert("critical", self._missing)

    def _wait_longer(self) -> None:
        self._pause_s = min(max(_FIRST_PAUSE_S, 2 * self._pause_s), _LONGEST_PAUSE_S)
        self._next_at = time.monotonic() + self._pause_s

    def _say(self) -> None:
        said = self._backlog.due()
        if said is not None and self._alert(said.level, said.message):
            self._backlog.said()

    def _alert(self, level: str, message: str) -> bool:
        # Database and journal may lie on the same full disk: then the alert has nowhere to go either, yet.
        try:
            self.publish(AlertEvent(level=level, component=self.name, name="database", message=message), cause=0)
        except JournalError:
            return False
        return True

    def _publish_counts(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if now < self._metrics_at and not at_once:
            return
        self._metrics_at = now + _METRICS_EVERY_S
        with contextlib.suppress(JournalError):
            for table, rows in self.stored.rows.items():
                self.publish(MetricEvent(component=self.name, name="rows_stored", value=float(rows), labels={"table": str(table)}), cause=0)
