"""The console's `database` commands, as a user calls them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.data_storage.sql.database import Database
from gcg_quant.data_storage.writing.store import STORED_EVENTS, Store
from gcg_quant.events import Event, LogEvent, Tick

from .conftest import Console


def store(bus: EventBus, home: Path, *events: Event) -> None:
    """Publish events and store them in the home's database."""
    for event in events:
        bus.publish(event)
    with Database(home=home) as database:
        writer = Store(database, bus, "recorder")
        with bus.reader(start=writer.load_cursor() or "begin", events=STORED_EVENTS) as reader:
            writer.write(*reader.read_tables(), reader.cursor)


@pytest.fixture
def home(tmp_path: Path, bus: EventBus) -> Path:
    """Return the console's home, with a database of two ticks and a log line."""
    ticks = [Tick(symbol="A", venue="V", event_ns=at, last_price=1.0) for at in (1, 2)]
    store(bus, tmp_path / "home", *ticks, LogEvent(level="info", component="c", message="m"))
    return tmp_path / "home"


def test_check_counts_rows_and_names_what_is_wrong(console: Console, home: Path) -> None:
    """A database in order is told with its rows; a wrong count is an error."""
    good = console("database", "check")
    assert good.returncode == 0, good.stderr
    assert "3 rows, no damage" in good.stdout
    with Database(home=home) as database, database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM ticks")
    bad = console("database", "check")
    assert bad.returncode == 1
    assert "Table ticks holds 0 rows, but row_counts says 2." in bad.stderr


def test_check_without_a_database_is_one_sentence(console: Console) -> None:
    """Nothing is made by looking."""
    result = console("database", "check")
    assert result.returncode == 1
    assert "There is no database" in result.stderr
