"""Databases of earlier versions: kept, completed and migrated in one transaction, by one process, or left as they were."""

from __future__ import annotations

import gzip
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text

from gcg_quant.data_storage import Database, DatabaseHistory, Ledger
from gcg_quant.data_storage.schema.models import metadata
from gcg_quant.data_storage.sql import migration, structure
from gcg_quant.errors import StorageError
from gcg_quant.events import TradeTick

GOLDEN = Path(__file__).parent / "golden" / "schema-1.db.gz"
# Of an imaginary second version: a table made anew in SQLite, one that is partitioned in PostgreSQL, and rows that change.
SECOND = """
import os, signal
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.add_column("ticks", sa.Column("lots", sa.BigInteger, nullable=False, server_default="7"))
    with op.batch_alter_table("order_events", table_kwargs={"sqlite_with_rowid": False}) as batch:
        batch.alter_column("reason", new_column_name="why")
    with op.batch_alter_table("instruments") as batch:
        batch.alter_column("terms", server_default="{}")
    op.execute("UPDATE sources SET name = name || '!'")
    if os.environ.get("GCG_TEST_DIE"):
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ.get("GCG_TEST_FAIL"):
        op.execute("UPDATE nowhere SET x = 1")
"""


def migrate_and_die(url: str, folder: str) -> None:
    """Open a database in another process, which is killed in the middle of the migration."""
    os.environ["GCG_TEST_DIE"] = "1"
    structure.SCHEMA_VERSION = 2
    migration.FOLDER = Path(folder)
    Database(url)


@pytest.fixture
def second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the program one of the second version; return its folder of migrations."""
    folder = tmp_path / "100% migrations"
    shutil.copytree(migration.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "0002_second.py").write_text(SECOND)
    monkeypatch.setattr(migration, "FOLDER", folder)
    return folder


@pytest.fixture
def old_url(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Return the URL of a database of the first version, with rows: the golden file, or the same copied to a server."""
    if database_url.startswith("sqlite"):
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "gcg_quant.db").write_bytes(gzip.decompress(GOLDEN.read_bytes()))
        return database_url
    with Database(database_url) as database, database.writing() as connection:
        for statement in (
            "INSERT INTO buses VALUES (1, 'b', 0, 'paper')",
            "INSERT INTO sources VALUES (1, 'golden')",
            "INSERT INTO instruments VALUES (1, 'rb2501', 'SHFE', '{}', 1)",
            "CREATE TABLE ticks_2023_11 PARTITION OF ticks FOR VALUES FROM (1698796800000000000) TO (1701388800000000000)",
            "INSERT INTO ticks (instrument, event_ns, ordinal, bus, source, last_price) "
            "SELECT 1, 1700000000000000000 + n, 0, 1, 1, 3305 + n FROM generate_series(0, 2) n",
            "DROP TABLE alembic_version",
        ):
            connection.execute(text(statement))
    return database_url


def version_of(database: Database) -> tuple[str | None, str | None]:
    """Return the version as we and as alembic note it."""
    with database.reading() as connection:
        noted = connection.scalar(text("SELECT value FROM meta WHERE name = 'schema_version'"))
        return noted, connection.scalar(text("SELECT version_num FROM alembic_version"))


def test_golden_database_of_the_first_version_is_kept_and_stamped(old_url: str) -> None:
    """Its rows are read as they were written; alembic knows its version from now on."""
    with Database(old_url) as database:
        assert version_of(database) == ("1", "0001")
        ticks = DatabaseHistory(database).ticks("rb2501")
        assert (ticks["event_ns"] - 1_700_000_000_000_000_000).tolist() == [0, 1, 2]
        assert ticks["last_price"].tolist() == [3305.0, 3306.0, 3307.0]
        if database.path is not None:
            assert database.counts() == {
                "ticks": 3, "trade_ticks": 1, "depth": 1, "bars": 1, "order_requests": 1,
                "order_events": 1, "fills": 1, "signals": 1, "alerts": 1,
            }  # fmt: skip
            assert [one.condition for one in DatabaseHistory(database).events(kinds=TradeTick)] == ["碎股"]
            assert Ledger(database).signals()[0].data == {"level": 3}
            assert DatabaseHistory(database).instrument("rb2501").tick_size == 1.0


def test_older_database_is_migrated_once_by_whoever_comes_first(old_url: str, second: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that open it together make one migration of it; rows, keys and references are as before."""
    monkeypatch.setattr(structure, "SCHEMA_VERSION", 2)
    opened: list[Database] = []
    threads = [threading.Thread(target=lambda: opened.append(Database(old_url, busy_timeout_s=0.1))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(opened) == 2
    for database in opened:
        assert version_of(database) == ("2", "0002")
        with database.reading() as connection:
            assert connection.scalars(text("SELECT name FROM sources")).all() == ["golden!"]
            assert connection.execute(text("SELECT lots, last_price FROM ticks ORDER BY event_ns")).all()[0] == (7, 3305.0)
            columns = {one["name"] for one in inspect(connection).get_columns("order_events")}
            assert {"why", "reason"} <= columns  # the record has it still, so it is added by itself
            assert inspect(connection).get_pk_constraint("order_events")["constrained_columns"] == ["bus", "seq", "time_ns"]
            assert len(inspect(connection).get_foreign_keys("order_events")) == len(metadata.tables["order_events"].foreign_keys)
            if database.path is not None:
                made = connection.scalar(text("SELECT sql FROM sqlite_master WHERE name = 'order_events'"))
                assert made.rstrip().endswith("WITHOUT ROWID")
                assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
                assert connection.scalar(text("PRAGMA foreign_keys")) == 1
        database.close()


def test_migration_that_fails_changes_nothing(old_url: str, second: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement that is refused at its end takes everything before it back."""
    monkeypatch.setenv("GCG_TEST_FAIL", "1")
    with monkeypatch.context() as patch:
        patch.setattr(structure, "SCHEMA_VERSION", 2)
        with pytest.raises(StorageError, match="nowhere"):
            Database(old_url)
    with Database(old_url) as database:
        assert version_of(database) == ("1", "0001")
        with database.reading() as connection:
            assert connection.scalars(text("SELECT name FROM sources")).all() == ["golden"]
            assert "lots" not in {one["name"] for one in inspect(connection).get_columns("ticks")}


def test_migration_that_is_killed_leaves_the_old_version(old_url: str, second: Path, wait_for: Any) -> None:
    """Killed with -9 behind its last statement, it has not happened."""
    process = multiprocessing.get_context("forkserver").Process(target=migrate_and_die, args=(old_url, str(second)))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    with Database(old_url) as database:
        assert version_of(database) == ("1", "0001")
        with database.reading() as connection:
            assert connection.scalars(text("SELECT name FROM sources")).all() == ["golden"]


def test_reader_of_an_older_database_says_how_to_bring_it_up_to_date(old_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who only reads migrates nothing."""
    monkeypatch.setattr(structure, "SCHEMA_VERSION", 2)
    with pytest.raises(StorageError, match="has schema version 1 and this gcg_quant reads 2: run the system or an import once"):
        Database(old_url, read_only=True)


def test_every_version_has_its_script() -> None:
    """The scripts lead from the first version to today's, without a gap."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(migration.FOLDER))
    scripts = list(ScriptDirectory.from_config(config).walk_revisions())
    assert [one.revision for one in reversed(scripts)] == [f"{version:04}" for version in range(1, structure.SCHEMA_VERSION + 1)]


def test_alembic_is_not_imported_without_need(tmp_path: Path) -> None:
    """A database is made and opened without it, and without a driver of another kind."""
    code = (
        "import sys; from gcg_quant.data_storage import Database; Database(home=sys.argv[1]).close(); Database(home=sys.argv[1]).close(); "
        "print([name for name in ('alembic', 'psycopg', 'sqlalchemy.dialects.postgresql') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
