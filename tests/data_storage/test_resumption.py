"""A power loss cuts the journal behind the recorder's cursor, or takes away what the database had stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, DatabaseHistory, Recorder
from gcg_quant.data_storage.writing.resumption import resumed
from gcg_quant.events import LogEvent, Tick
from gcg_quant.reader import Cursor

FIRST_NS = 1_000_000_000_000_000

LosePower = Callable[[EventBus, Path, int], EventBus]


def publish_ticks(bus: EventBus, first: int, count: int) -> None:
    """Publish ticks whose price is their number."""
    bus.publish_many([Tick(symbol="A", venue="V", event_ns=FIRST_NS + at, last_price=float(at)) for at in range(first, first + count)])


def record(bus: EventBus, database: Database) -> None:
    """Store all that a bus holds."""
    recorder = Recorder(database, flush_ms=1)
    recorder.start(bus)
    assert recorder.stop()
    assert recorder.state == "stopped"


def test_recorder_goes_on_where_a_power_loss_cut_the_journal(
    bus: EventBus, database: Database, tmp_path: Path, lose_power: LosePower
) -> None:
    """What the journal lost stays in the database, and what came after the reboot is stored under the same numbers."""
    publish_ticks(bus, 0, 100)
    bus.sync()
    publish_ticks(bus, 100, 100)
    record(bus, database)
    with lose_power(bus, tmp_path / "after", FIRST_NS + 150) as cut:
        assert (cut.bus_id, cut.epoch) == (bus.bus_id, bus.epoch + 1)
        publish_ticks(cut, 1_000, 20)
        cut.publish(LogEvent(level="info", component="c", message="m"))
        record(cut, database)
        record(cut, database)
    prices = DatabaseHistory(database).ticks("A")["last_price"].tolist()
    assert prices == [*range(200), *range(1_000, 1_020)]
    assert database.counts() == {"ticks": 220, "logs": 1}


def test_new_database_is_filled_although_the_old_recorder_was_cut(
    bus: EventBus, database: Database, tmp_path: Path, lose_power: LosePower
) -> None:
    """The reader's own file from before the power loss does not stand in the way."""
    publish_ticks(bus, 0, 100)
    record(bus, database)
    with lose_power(bus, tmp_path / "after", FIRST_NS + 50) as cut, Database(home=tmp_path / "new") as empty:
        record(cut, empty)
        assert DatabaseHistory(empty).ticks("A")["last_price"].tolist() == list(range(50))


def test_cursor_of_todays_epoch_stays_as_it_is(bus: EventBus) -> None:
    """Nothing was cut: nothing is looked up."""
    cursor = Cursor(bus.bus_id, bus.epoch, market=900)
    assert resumed(bus, cursor) is cursor
