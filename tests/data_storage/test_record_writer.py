"""Whatever arrives in whatever order: the stored rows are those that the rules of docs/database.md say."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from torture import examples

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, DatabaseHistory
from gcg_quant.data_storage.writing.store import STORED_EVENTS, Store
from gcg_quant.events import Tick


class Step(NamedTuple):
    """A tick published on one of two buses; afterwards the bus may be stored, from its cursor or once more from its beginning."""

    bus: int
    event_ns: int
    ordinal: int
    price: float
    backfill: bool
    store: bool
    again: bool


STEPS = st.lists(
    st.builds(
        Step,
        bus=st.integers(0, 1),
        event_ns=st.integers(1, 3),
        ordinal=st.integers(0, 1),
        price=st.sampled_from([1.0, 2.0]),
        backfill=st.booleans(),
        store=st.booleans(),
        again=st.booleans(),
    ),
    max_size=25,
)


def store(bus: EventBus, database: Database, *, again: bool) -> None:
    """Store what a bus holds behind its cursor, or all of it once more."""
    writer = Store(database, bus, "recorder")
    cursor = writer.load_cursor()
    with bus.reader(start="begin" if again else cursor or "begin", events=STORED_EVENTS) as reader:
        writer.write(*reader.read_tables(), reader.cursor)


class Model:
    """The rules in plain Python: every live tick is kept, history only if no equal row is there."""

    def __init__(self) -> None:
        self.rows: Counter[tuple[int, int, float]] = Counter()
        self.waiting: tuple[list[Step], list[Step]] = ([], [])

    def store(self, bus: int) -> None:
        """Store what waits on a bus, in its order."""
        for step in self.waiting[bus]:
            row = (step.event_ns, step.ordinal, step.price)
            if not (step.backfill and self.rows[row]):
                self.rows[row] += 1
        self.waiting[bus].clear()


@settings(max_examples=examples(24), deadline=None)
@given(steps=STEPS)
def test_any_mixture_of_live_backfill_and_repeated_delivery_follows_the_rules(fresh_url: Callable[[str], str], steps: list[Step]) -> None:
    """Each live event is one row, equal history is stored once, and delivering everything again changes nothing."""
    model = Model()
    with tempfile.TemporaryDirectory() as folder, Database(fresh_url(folder)) as database:
        buses = [EventBus(Path(folder) / f"bus{number}", page_mb=0.25, sync="none") for number in range(2)]
        for step in steps:
            fields: dict[str, Any] = {"event_ns": step.event_ns, "ordinal": step.ordinal, "last_price": step.price}
            buses[step.bus].publish(Tick(symbol="A", venue="V", **fields), backfill=step.backfill)
            model.waiting[step.bus].append(step)
            if step.store:
                store(buses[step.bus], database, again=step.again)
                model.store(step.bus)
        for number, bus in enumerate(buses):
            store(bus, database, again=False)
            model.store(number)
            store(bus, database, again=True)
            bus.close()
        found = DatabaseHistory(database).ticks("A") if steps else ()
        assert Counter((int(row["event_ns"]), int(row["ordinal"]), float(row["last_price"])) for row in found) == +model.rows
        assert database.counts().get("ticks", 0) == sum(model.rows.values())
