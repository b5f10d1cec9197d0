"""Bars of several buses and imports that claim the same place: what is stored is what the rules say, taken row by row."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from torture import examples

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database
from gcg_quant.data_storage.schema.models import RECORD_TABLES, imports
from gcg_quant.data_storage.sql.selection import Selection
from gcg_quant.data_storage.writing.store import STORED_EVENTS, Store
from gcg_quant.events import Bar

MINUTE_NS = 60_000_000_000
IMPORTS = (0, 0, 1, 2)  # of the four buses: two run, two are imports


class Step(NamedTuple):
    """A bar published on one of the buses; afterwards the bus may be stored, from its cursor or once more from its beginning."""

    bus: int
    minute: int
    close: float
    revision: int
    backfill: bool
    store: bool
    again: bool


STEPS = st.lists(
    st.builds(
        Step,
        bus=st.integers(0, 3),
        minute=st.integers(0, 1),
        close=st.sampled_from([1.0, 2.0, float("nan")]),
        revision=st.integers(0, 1),
        backfill=st.booleans(),
        store=st.booleans(),
        again=st.booleans(),
    ),
    max_size=25,
)


@dataclass
class Model:
    """The rules in plain Python, for one row after the other. A row is [copy, bus, (revision, when), close]."""

    rows: dict[int, list[list[Any]]] = field(default_factory=dict)
    waiting: list[list[tuple[int, Step]]] = field(default_factory=lambda: [[], [], [], []])

    def store(self, bus: int) -> None:
        """Store what waits on a bus, in its order."""
        for when, step in self.waiting[bus]:
            self.settle(self.rows.setdefault(step.minute, []), when, step)
        self.waiting[bus].clear()

    def settle(self, held: list[list[Any]], when: int, step: Step) -> None:
        """Add a row to those of its key, or change one, or neither."""
        imported = IMPORTS[step.bus] > 0
        others = [row for row in held if not imported or row[1] != step.bus]
        if (imported or step.backfill) and any(repr(row[3]) == repr(step.close) and row[2][0] == step.revision for row in others):
            return
        running = [row for row in held if not IMPORTS[row[1]]]
        if not imported and running:
            if (step.revision, when) > running[0][2]:
                running[0][1:] = [step.bus, (step.revision, when), step.close]
            return
        held.append([len(held), step.bus, (step.revision, when), step.close])


def store(bus: EventBus, database: Database, number: int, *, again: bool) -> None:
    """Store what a bus holds behind its cursor, or all of it once more."""
    writer = Store(database, bus, "recorder", import_number=number)
    cursor = writer.load_cursor()
    with bus.reader(start="begin" if again else cursor or "begin", events=STORED_EVENTS) as reader:
        writer.write(*reader.read_tables(), reader.cursor)


def stored(database: Database, numbers: dict[int, int]) -> Iterator[tuple[int, list[Any]]]:
    """Return (minute, [copy, bus, revision, close]) of every row, by place."""
    with database.reading() as connection:
        rows = Selection(database, RECORD_TABLES[Bar], everything=True).rows(connection, RECORD_TABLES[Bar].key)
    for row in rows:
        yield int(row["start_ns"]) // MINUTE_NS, [int(row["copy"]), numbers[int(row["bus"])], int(row["revision"]), float(row["close"])]


@settings(max_examples=examples(16), deadline=None)
@given(steps=STEPS)
def test_any_mixture_of_bars_corrections_refills_and_imports_follows_the_rules(fresh_url: Callable[[str], str], steps: list[Step]) -> None:
    """Whatever the batches, every place holds the rows that the rules give for one event after the other."""
    model = Model()
    with tempfile.TemporaryDirectory() as folder, Database(fresh_url(folder)) as database:
        with database.writing() as connection:
            about = {"sha256": "", "path": "", "status": "done", "started_ns": 0, "report": "{}"}
            connection.execute(imports.insert(), [{"number": number, **about} for number in (1, 2)])
        buses = [EventBus(Path(folder) / f"bus{number}", source="x", page_mb=0.25, sync="none") for number in range(4)]
        for when, step in enumerate(steps):
            start = step.minute * MINUTE_NS
            terms: dict[str, Any] = {"start_ns": start, "end_ns": start + MINUTE_NS, "period": "1m", "revision": step.revision}
            buses[step.bus].publish(Bar(symbol="A", venue="V", close=step.close, **terms), backfill=step.backfill)
            model.waiting[step.bus].append((when, step))
            if step.store:
                store(buses[step.bus], database, IMPORTS[step.bus], again=step.again)
                model.store(step.bus)
        for number, bus in enumerate(buses):
            store(bus, database, IMPORTS[number], again=False)
            model.store(number)
            store(bus, database, IMPORTS[number], again=IMPORTS[number] == 0)
        with database.reading() as connection:
            found = connection.exec_driver_sql("SELECT number, bus_id FROM buses").fetchall()
        ids = {bus.bus_id: number for number, bus in enumerate(buses)}
        rows = list(stored(database, {number: ids[bus_id] for number, bus_id in found}))
        for bus in buses:
            bus.close()
    wanted = [(minute, [row[0], row[1], row[2][0], row[3]]) for minute, held in sorted(model.rows.items()) for row in held]
    assert repr(rows) == repr(wanted)


def test_refill_of_many_rows_is_settled_in_few_statements(bus: EventBus, database: Database, store_bus: Any) -> None:
    """Thousands of rows that are there already, and thousands that correct one, cost a handful of statements, not some for each row."""
    rows = np.zeros(3_000, Bar.dtype)
    rows["start_ns"] = np.arange(len(rows)) * MINUTE_NS
    rows["event_ns"] = rows["start_ns"] + MINUTE_NS
    rows["period"], rows["close"], rows["instrument"] = b"1m", np.arange(len(rows)), bus.instruments.number("A", "V")
    bus.publish_batch(rows)
    assert store_bus(bus, database).rows == {"bars": 3_000}
    rows["close"][::3] += 1
    bus.publish_batch(rows, backfill=True)
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    outcome = store_bus(bus, database)
    assert (outcome.rows, outcome.replaced, outcome.already) == ({}, {"bars": 1_000}, {"bars": 2_000})
    assert 0 < len(statements) < 100
