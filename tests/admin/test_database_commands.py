"""The console's `database` commands, as a user calls them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gcg_quant.admin.home import Home
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


def test_prune_says_what_goes_and_then_removes_it(console: Console, home: Path) -> None:
    """A dry run removes nothing; rows that were published just now are too young for any rule."""
    with Database(home=home) as database, database.writing() as connection:
        connection.exec_driver_sql("UPDATE ticks SET time_ns = 1 WHERE event_ns = 1")
    asked = console("database", "prune", "--keep", "ticks=30d", "--keep", "logs=1h", "--dry-run")
    assert asked.returncode == 0, asked.stderr
    assert [line.split() for line in asked.stdout.splitlines()] == [
        ["ticks", "older", "than", "30d", "1", "rows", "would", "go,", "2", "in", "the", "table"],
        ["logs", "older", "than", "1h", "0", "rows", "would", "go,", "1", "in", "the", "table"],
    ]
    done = console("database", "prune", "--keep", "ticks=30d")
    assert "1 rows removed, 1 in the table" in done.stdout
    assert "2 rows, no damage" in console("database", "check").stdout
    assert "logs" in console("database", "prune").stdout  # the only rule by default


@pytest.mark.parametrize(("rule", "sentence"), [("tiks=30d", "Did you mean 'ticks'?"), ("ticks=1s", "an age of an hour or more")])
def test_prune_without_sense_is_one_sentence(console: Console, home: Path, rule: str, sentence: str) -> None:
    """Nothing is removed by a rule that makes no sense."""
    result = console("database", "prune", "--keep", rule)
    assert result.returncode == 1
    assert sentence in result.stderr
    assert "3 rows, no damage" in console("database", "check").stdout


def test_backup_and_restore(console: Console, home: Path, bus: EventBus, tmp_path: Path) -> None:
    """A backup is told with its rows; a restore into a database with rows wants `--yes`, and brings back what was saved."""
    saved = str(tmp_path / "saved.db.zst")
    made = console("database", "backup", saved)
    assert made.returncode == 0, made.stderr
    assert "saved.db.zst: 3 rows" in made.stdout
    assert "exists already" in console("database", "backup", saved).stderr
    store(bus, home, Tick(symbol="A", venue="V", event_ns=3, last_price=1.0))
    refused = console("database", "restore", saved)
    assert refused.returncode == 1
    assert "holds 4 rows: --yes replaces it" in refused.stderr
    Path(f"{saved}.sha256").unlink()
    done = console("database", "restore", saved, "--yes")
    assert done.returncode == 0, done.stderr
    assert "3 rows, as saved at" in done.stdout
    assert "There is no saved.db.zst.sha256" in done.stderr
    assert "3 rows, no damage" in console("database", "check").stdout


def test_nothing_is_restored_into_a_running_system(console: Console, home: Path, tmp_path: Path) -> None:
    """While a system runs on the home its database stays."""
    saved = str(tmp_path / "saved.db")
    console("database", "backup", saved)
    with Home(home).running({}):
        result = console("database", "restore", saved, "--yes")
    assert result.returncode == 1
    assert "A system runs on" in result.stderr
