"""Opening, checking and creating the database; its faults as sentences."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from gcg_quant.data_storage.schema.models import metadata
from gcg_quant.data_storage.sql.database import SCHEMA_VERSION, Database
from gcg_quant.errors import StorageError


def open_and_close(home: str) -> None:
    """Open a database in another process."""
    Database(home=home).close()


def tables_of(path: Path) -> set[str]:
    """Return the names of the tables in a file."""
    with sqlite3.connect(path) as connection:
        found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    return found


def test_new_database_has_every_table_and_runs_in_wal_mode(tmp_path: Path) -> None:
    """The home folder and the file are made, with the schema's version in it."""
    with Database(home=tmp_path / "deep" / "home") as database:
        assert database.path == tmp_path / "deep" / "home" / "gcg_quant.db"
        assert tables_of(database.path) == set(metadata.tables)
        with database.reading() as connection:
            assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
            assert connection.scalar(text("PRAGMA foreign_keys")) == 1
            assert connection.scalar(text("PRAGMA synchronous")) == 1
        assert database.counts() == {}
        assert database.bytes > 0


def test_existing_database_is_opened_again_by_url(tmp_path: Path) -> None:
    """A URL names the file; what was stored is there."""
    url = f"sqlite:///{tmp_path / 'other.db'}"
    with Database(url) as database, database.writing() as connection:
        connection.execute(text("INSERT INTO row_counts VALUES ('ticks', 5)"))
    with Database(url) as database:
        assert database.counts() == {"ticks": 5}


def test_processes_that_start_together_make_one_schema(tmp_path: Path) -> None:
    """Four processes open a missing database at once, and none fails."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([Database.__module__])
    with context.Pool(4) as pool:
        pool.map(open_and_close, [str(tmp_path)] * 8, chunksize=1)
    assert tables_of(tmp_path / "gcg_quant.db") == set(metadata.tables)


def test_rolled_back_transaction_leaves_nothing(database: Database) -> None:
    """An exception inside the block undoes what it wrote."""

    def fail() -> None:
        with database.writing() as connection:
            connection.execute(text("INSERT INTO row_counts VALUES ('ticks', 5)"))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert database.counts() == {}


def test_later_schema_is_refused(tmp_path: Path) -> None:
    """A database of a later version names both versions."""
    with Database(home=tmp_path) as database, database.writing() as connection:
        connection.execute(text(f"UPDATE meta SET value = '{SCHEMA_VERSION + 1}' WHERE name = 'schema_version'"))
    with pytest.raises(StorageError, match=f"has schema version {SCHEMA_VERSION + 1} .* reads {SCHEMA_VERSION}: install a later"):
        Database(home=tmp_path)


def test_column_that_a_record_gained_is_added_with_its_default(tmp_path: Path) -> None:
    """A table from before a record grew gets the new columns, and old rows the record's default."""
    with Database(home=tmp_path) as database, database.writing() as connection:
        connection.execute(text("INSERT INTO buses VALUES (1, 'b', 0, 'paper')"))
        connection.execute(text("INSERT INTO sources VALUES (1, 's')"))
        connection.execute(text("INSERT INTO instruments VALUES (1, 'A', 'V', '{}', 1)"))
        connection.execute(text("INSERT INTO ticks (instrument, event_ns, ordinal, bus, source) VALUES (1, 5, 0, 1, 1)"))
        connection.execute(text("ALTER TABLE ticks DROP COLUMN venue_seq"))
        connection.execute(text("ALTER TABLE ticks DROP COLUMN condition"))
        connection.execute(text("DROP TABLE funding"))
    with Database(home=tmp_path) as database, database.reading() as connection:
        assert connection.execute(text("SELECT venue_seq, condition, last_price FROM ticks")).one() == (-1, "", None)
        assert "funding" in tables_of(database.path)


@pytest.mark.parametrize("content", [b"Not a database, but a text of some length." * 30, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_file_that_is_no_database_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    """A damaged or foreign file is named and stays as it is."""
    (tmp_path / "gcg_quant.db").write_bytes(content)
    with pytest.raises(StorageError, match=r"gcg_quant\.db (is not a database|is damaged|cannot|refused)|The database .* is damaged"):
        Database(home=tmp_path)
    assert (tmp_path / "gcg_quant.db").read_bytes() == content


def test_database_of_another_program_is_refused(tmp_path: Path) -> None:
    """Tables that are not ours are left alone."""
    with sqlite3.connect(tmp_path / "gcg_quant.db") as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    with pytest.raises(StorageError, match="not one of gcg_quant"):
        Database(home=tmp_path)
    assert tables_of(tmp_path / "gcg_quant.db") == {"mine"}


def test_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    """A home below a file cannot be made."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot be made"):
        Database(home=tmp_path / "file" / "home")


def test_read_only_folder_is_a_sentence() -> None:
    """A folder that takes no files is named."""
    with pytest.raises(StorageError, match="/proc/gcg_quant.db cannot be opened for writing: make its folder"):
        Database(home="/proc")


def test_database_that_is_a_folder_is_a_sentence(tmp_path: Path) -> None:
    """A folder in the place of the file is named."""
    (tmp_path / "gcg_quant.db").mkdir()
    with pytest.raises(StorageError, match="is a folder"):
        Database(home=tmp_path)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("no url", "cannot be read"),
        ("oracle://u:secret@h/d", "'oracle' are not supported"),
        ("sqlite://", "must be a file"),
        ("sqlite:///:memory:", "must be a file"),
        ("sqlite+nothing:////tmp/x.db", "driver 'sqlite\\+nothing' is not known"),
    ],
)
def test_url_that_cannot_be_used_is_a_sentence_without_secrets(url: str, sentence: str) -> None:
    """What is wrong with the URL is said, its password is not."""
    with pytest.raises(StorageError, match=sentence) as caught:
        Database(url)
    assert "secret" not in str(caught.value)


def test_read_only_database_is_never_made_and_never_written(tmp_path: Path) -> None:
    """Reading needs a database that is there; writing to it is refused."""
    with pytest.raises(StorageError, match="There is no database"):
        Database(home=tmp_path, read_only=True)
    Database(home=tmp_path).close()
    with Database(home=tmp_path, read_only=True) as database:
        assert database.counts() == {}
        with pytest.raises(StorageError, match="for reading only"), database.writing():
            pass


def test_empty_file_is_not_filled_by_a_reader(tmp_path: Path) -> None:
    """A reader says that the database is empty."""
    (tmp_path / "gcg_quant.db").touch()
    with pytest.raises(StorageError, match="is empty"):
        Database(home=tmp_path, read_only=True)


def test_locked_database_is_worth_another_try(tmp_path: Path) -> None:
    """A second writer gives up after its patience, with a sentence that says so."""
    with Database(home=tmp_path, busy_timeout_s=0.05) as database, database.writing():
        with pytest.raises(StorageError, match="locked by another program") as caught, database.writing():
            pass
        assert caught.value.context["retry"] is True


def test_readers_see_one_state_while_a_writer_goes_on(database: Database) -> None:
    """A reading transaction is not blocked and does not change under its reader."""
    with database.reading() as reader:
        before = reader.scalar(text("SELECT COUNT(*) FROM row_counts"))

        def write() -> None:
            with database.writing() as connection:
                connection.execute(text("INSERT INTO row_counts VALUES ('ticks', 5)"))

        thread = threading.Thread(target=write)
        thread.start()
        thread.join(60)
        assert not thread.is_alive()
        assert reader.scalar(text("SELECT COUNT(*) FROM row_counts")) == before == 0
    assert database.counts() == {"ticks": 5}


def test_refused_statement_is_a_storage_error(database: Database) -> None:
    """What SQL refuses comes out as a sentence that names the database."""
    with pytest.raises(StorageError, match="refused a statement"), database.writing() as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (1)"))
