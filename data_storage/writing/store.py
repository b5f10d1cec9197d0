"""From a bus into the database: events and the reader's cursor in one transaction, so that each event is stored exactly once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from sqlalchemy import Connection, and_, select

from gcg_quant.clock import now_ns
from gcg_quant.errors import StorageError
from gcg_quant.events import (
    BacktestRequestEvent,
    BacktestResultEvent,
    ColdEvent,
    Event,
    InstrumentEvent,
    LogEvent,
    Record,
)
from gcg_quant.reader import Cursor

from ..schema.models import COLD_TABLES, EVENT_KEY, RECORD_TABLES, import_ranges, recorder_cursors, row_counts
from ..sql.catalogue import Catalogue
from .cold_writer import ColdWriter
from .record_writer import Outcome, RecordWriter
from .state_writer import StateWriter

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

    from ..schema.columns import Rows
    from ..sql.database import Database

__all__ = ["STORED_EVENTS", "Store", "Stored"]

# What is worth a row. The rest stays in the journal only.
STORED_EVENTS: tuple[type[Event], ...] = (*RECORD_TABLES, *COLD_TABLES, InstrumentEvent, BacktestRequestEvent, BacktestResultEvent)


class Stored(msgspec.Struct):
    """What became of the events of one bus so far, by table."""

    rows: dict[str, int] = {}
    replaced: dict[str, int] = {}  # bars that a correction overwrote
    already: dict[str, int] = {}  # identical rows that were there before

    def add(self, table: str, outcome: Outcome) -> None:
        """Count the outcome of one batch."""
        for counts, number in ((self.rows, outcome.stored), (self.replaced, outcome.replaced), (self.already, outcome.already)):
            if number:
                counts[table] = counts.get(table, 0) + number

    def merge(self, other: Stored) -> None:
        """Add another count to this one."""
        for mine, its in ((self.rows, other.rows), (self.replaced, other.replaced), (self.already, other.already)):
            for table, number in its.items():
                mine[table] = mine.get(table, 0) + number


class Store:
    """Stores the events of one bus. One thread; one Store a (recorder name, bus), which the cursor in the database enforces.

    Args:
        recorder: the name under which the cursor is kept.
        import_number: the import (a row of `imports`) that the events belong to; 0 for a bus that is no import.
    """

    def __init__(self, database: Database, bus: EventBus, recorder: str, *, import_number: int = 0) -> None:
        self._database = database
        self._recorder = recorder
        self._bus = bus
        self._import_number = import_number
        self._catalogue = Catalogue(bus, import_number)
        self._records = {kind: RecordWriter(database, table, imported=import_number > 0) for kind, table in RECORD_TABLES.items()}
        self._cold = {kind: ColdWriter(database, table) for kind, table in COLD_TABLES.items()}
        self._states = StateWriter(database)
        self._counts = _counting(database)
        self._expected: Cursor | None = None
        self._offered: tuple[Cursor, Stored] | None = None  # of a transaction of which nobody said whether it was committed

    def load_cursor(self) -> Cursor | None:
        """Return where to go on, or None for a bus that has never been stored under this name. Call it before `write`."""
        with self._database.reading() as connection:
            self._expected = self._stored_cursor(connection)
        return self._expected

    def write(self, tables: Mapping[type[Record], Rows], cold: Iterable[ColdEvent], cursor: Cursor) -> Stored:
        """Store events and the cursor behind them in one transaction; return what became of them.

        Raises:
            StorageError: nothing was stored and the cursor stands where it stood; another recorder stores this bus.
        """
        try:
            with self._database.writing() as connection:
                stored = self._committed_before(connection, cursor) or self._write(connection, tables, cold, cursor)
                self._offered = (cursor, stored)
        except BaseException:
            self._catalogue.forget()
            raise
        self._expected, self._offered = cursor, None
        return stored

    def _write(self, connection: Connection, tables: Mapping[type[Record], Rows], cold: Iterable[ColdEvent], cursor: Cursor) -> Stored:
        stored = Stored()
        for kind, table in RECORD_TABLES.items():
            if kind in tables:
                writer = self._records[kind]
                rows = writer.encode(connection, tables[kind], cursor.epoch, self._catalogue)
                outcome = writer.write(connection, rows)
                stored.add(table.name, outcome)
                self._states.write_records(connection, kind, rows)
                self._note_range(connection, kind, rows)
        self._write_cold(connection, cold, cursor.epoch, stored)
        self._count(connection, stored)
        self._move_cursor(connection, cursor)
        return stored

    def _write_cold(self, connection: Connection, events: Iterable[ColdEvent], epoch: int, stored: Stored) -> None:
        by_kind: dict[type[ColdEvent], list[ColdEvent]] = {}
        for event in events:
            if isinstance(event, InstrumentEvent):
                self._catalogue.change_terms(connection, event)
            elif isinstance(event, BacktestRequestEvent | BacktestResultEvent):
                self._states.write_backtest(connection, event, self._catalogue.bus_number(connection))
            elif not (isinstance(event, LogEvent) and event.level == "debug"):
                by_kind.setdefault(type(event), []).append(event)
        for kind, some in by_kind.items():
            writer = self._cold[kind]
            rows = writer.encode(connection, some, epoch, self._catalogue)
            stored.add(writer.table.name, writer.write(connection, rows))
            self._states.write_cold(connection, kind, rows)

    def _stored_cursor(self, connection: Connection) -> Cursor | None:
        columns = recorder_cursors.c
        mine = and_(columns.recorder == self._recorder, columns.bus_id == self._bus.bus_id)
        row = connection.execute(select(columns.epoch, columns.control, columns.market, columns.log).where(mine)).one_or_none()
        return None if row is None else Cursor(self._bus.bus_id, *row)

    def _committed_before(self, connection: Connection, cursor: Cursor) -> Stored | None:
        # A server that goes away in the middle of a commit may have made it: then the cursor stands where this batch ends.
        found = self._stored_cursor(connection)
        if found == cursor and self._offered is not None and self._offered[0] == cursor:
            return self._offered[1]
        if found != self._expected:
            raise StorageError(
                f"Another recorder called {self._recorder!r} stores the same bus into {self._database.name}: stop one of them.",
                expected=self._expected,
                found=found,
                retry=False,
            )
        return None

    def _move_cursor(self, connection: Connection, cursor: Cursor) -> None:
        values = {"epoch": cursor.epoch, "control": cursor.control, "market": cursor.market, "log": cursor.log, "updated_ns": now_ns()}
        key = {"recorder": self._recorder, "bus_id": cursor.bus_id}
        if self._expected is None:
            connection.execute(recorder_cursors.insert().values(**key, **values))
        else:
            mine = and_(*(recorder_cursors.c[name] == value for name, value in key.items()))
            connection.execute(recorder_cursors.update().where(mine).values(**values))

    def _count(self, connection: Connection, stored: Stored) -> None:
        for name, rows in stored.rows.items():
            connection.exec_driver_sql(self._counts, (name, rows))

    def _note_range(self, connection: Connection, kind: type[Record], rows: Rows) -> None:
        # Where an import's rows are, so that an unfinished one is found and removed without looking at whole tables.
        table = RECORD_TABLES[kind]
        if not self._import_number or table.key is EVENT_KEY:
            return
        numbers, times = rows["instrument"], rows[table.time_column]
        for number in np.unique(numbers).tolist():
            mine = times[numbers == number]
            _extend_range(connection, self._import_number, table.name, number, int(mine.min()), int(mine.max()))


def _counting(database: Database) -> str:
    name, mark = row_counts.name, database.mark
    return f"INSERT INTO {name} VALUES ({mark}, {mark}) ON CONFLICT (table_name) DO UPDATE SET rows = {name}.rows + excluded.rows"


def _extend_range(connection: Connection, number: int, table: str, instrument: int, first: int, last: int) -> None:
    columns = import_ranges.c
    mine = and_(columns.import_number == number, columns.table_name == table, columns.instrument == instrument)
    held = connection.execute(select(columns.first_ns, columns.last_ns).where(mine)).one_or_none()
    if held is None:
        key = {"import_number": number, "table_name": table, "instrument": instrument}
        connection.execute(import_ranges.insert().values(**key, first_ns=first, last_ns=last))
    else:
        connection.execute(import_ranges.update().where(mine).values(first_ns=min(first, held[0]), last_ns=max(last, held[1])))
