"""Backups and restores: consistent beside a recorder, whole or not there, checked before anything is replaced."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, DatabaseHistory, Recorder
from gcg_quant.data_storage.keeping import backup as backup_module
from gcg_quant.data_storage.keeping.backup import back_up
from gcg_quant.data_storage.keeping.checking import check_database
from gcg_quant.data_storage.keeping.restoring import RestoreReport
from gcg_quant.data_storage.keeping.restoring import restore as restore_url
from gcg_quant.data_storage.schema.models import metadata
from gcg_quant.errors import StorageError
from gcg_quant.events import LogEvent, Tick


def publish(bus: EventBus, first: int, count: int) -> None:
    """Publish ticks whose time is their number."""
    bus.publish_many([Tick(symbol="A", venue="V", event_ns=at, last_price=float(at)) for at in range(first, first + count)])


def times(home: Path) -> list[int]:
    """Return the times of the ticks that a home's database holds, after a check of it."""
    with Database(home=home) as database:
        assert check_database(database).problems == ()
        found: list[int] = DatabaseHistory(database).ticks("A")["event_ns"].tolist()
    return found


def restore(saved: Path, target: Path, *, replace: bool = False) -> RestoreReport:
    """Bring a saved database back into a file."""
    return restore_url(saved, f"sqlite:///{target}", replace=replace)


@pytest.fixture
def home(tmp_path: Path, bus: EventBus) -> Path:
    """Return a home whose database holds a hundred ticks."""
    publish(bus, 0, 100)
    record(bus, tmp_path / "home")
    return tmp_path / "home"


def record(bus: EventBus, home: Path) -> None:
    """Store what the bus holds."""
    with Database(home=home) as database:
        recorder = Recorder(database, flush_ms=1)
        recorder.start(bus)
        assert recorder.stop()


def save(home: Path, path: Path) -> Path:
    """Save a home's database."""
    with Database(home=home, read_only=True) as database:
        return back_up(database, path).path


@pytest.mark.parametrize("name", ["saved.db", "saved.db.zst"])
def test_backup_comes_back_as_it_was(home: Path, tmp_path: Path, name: str) -> None:
    """Plain or packed, a new home gets the same rows; the SHA-256 is one that other tools read; the file is whole by itself."""
    saved = save(home, tmp_path / "far" / name)
    assert sorted(file.name for file in saved.parent.iterdir()) == [name, f"{name}.sha256"]
    assert subprocess.run(["sha256sum", "-c", f"{name}.sha256"], cwd=saved.parent, capture_output=True, check=False).returncode == 0
    report = restore(saved, tmp_path / "new" / "gcg_quant.db")
    assert (report.rows, report.verified) == ({"ticks": 100}, True)
    assert report.saved_ns > 0
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["gcg_quant.db"]
    assert times(tmp_path / "new") == list(range(100))
    with sqlite3.connect(tmp_path / "new" / "gcg_quant.db") as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    plain.close()


def test_backup_of_a_running_recorder_goes_on_where_it_was_made(bus: EventBus, tmp_path: Path, wait_for: Any) -> None:
    """Made at full speed and brought back, the recorder adds from the journal what came later: each event once, as without the backup."""
    home, enough, published = tmp_path / "home", threading.Event(), [0]

    def go() -> None:
        while not enough.wait(0.01):
            publish(bus, published[0], 200)
            published[0] += 200

    with Database(home=home) as database:
        recorder = Recorder(database, flush_ms=1, batch_rows=500)
        recorder.start(bus)
        publishing = threading.Thread(target=go)
        publishing.start()
        try:
            wait_for(lambda: database.counts().get("ticks", 0) > 1_000)
            reports = [back_up(database, tmp_path / f"saved-{number}.db.zst", rest=0.5) for number in range(2)]
            wait_for(lambda: database.counts()["ticks"] > reports[-1].rows)
        finally:
            enough.set()
            publishing.join()
        wait_for(lambda: recorder.health().lag == 0)
        assert recorder.stop()
    for report in reports:
        other = tmp_path / report.path.stem
        restored = restore(report.path, other / "gcg_quant.db")
        assert sum(restored.rows.values()) == report.rows < published[0]
        assert times(other) == list(range(report.rows))
        record(bus, other)
        assert times(other) == times(home) == list(range(published[0]))


def test_existing_file_is_not_written_over(home: Path, tmp_path: Path) -> None:
    """A backup has a name of its own."""
    saved = save(home, tmp_path / "saved.db")
    before = saved.read_bytes()
    with pytest.raises(StorageError, match="exists already: choose another name"):
        save(home, saved)
    assert saved.read_bytes() == before


def test_backup_to_a_full_disk_leaves_nothing(home: Path, tmp_path: Path) -> None:
    """No room is one sentence, and the half file is gone."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        for name in ("saved.db", "saved.db.zst"):
            with pytest.raises(StorageError, match=f"{name} cannot be written: .*full"):
                save(home, disk / name)
        assert list(disk.iterdir()) == []
        other = save(home, tmp_path / "saved.db")
        with pytest.raises(StorageError, match="cannot be written: No space left"):
            restore(other, disk / "gcg_quant.db")
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_folder_that_cannot_be_written_is_one_sentence(home: Path, tmp_path: Path) -> None:
    """A file in the place of the folder is named."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        save(home, tmp_path / "file" / "saved.db")


def test_damaged_database_makes_no_backup(home: Path, tmp_path: Path) -> None:
    """A copy of damage would one day push out the last good backup."""
    file = home / "gcg_quant.db"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) - 8192] + bytes(8192))
    with pytest.raises(StorageError, match="is damaged"):
        save(home, tmp_path / "saved.db")
    assert not (tmp_path / "saved.db").exists()


def test_stopped_backup_leaves_nothing(home: Path, tmp_path: Path) -> None:
    """A system that stops does not wait for its backup."""
    with Database(home=home) as database, pytest.raises(StorageError, match="stopped before its end"):
        back_up(database, tmp_path / "saved.db", stopped=lambda: True)
    assert not [file for file in tmp_path.iterdir() if file.name.startswith("saved")]


def foreign(path: Path) -> None:
    """Make a database of somebody else."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE friends (name)")
    connection.close()


def newer(path: Path) -> None:
    """Give a backup the schema of a later version."""
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE name = 'schema_version'")
    connection.close()


def miscounted(path: Path) -> None:
    """Take a row out behind the database's back."""
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM ticks WHERE event_ns = 7")
    connection.close()


def cut(path: Path) -> None:
    """Take the end away."""
    path.write_bytes(path.read_bytes()[:-5000])


def flip(path: Path) -> None:
    """Flip a bit within the rows, which no database notices."""
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)


@pytest.mark.parametrize(
    ("name", "harm", "sentence"),
    [
        ("saved.db", foreign, "is a database, but not one of gcg_quant"),
        ("saved.db", newer, "has schema version 99"),
        ("saved.db", miscounted, "Table ticks holds 99 rows, but row_counts says 100"),
        ("saved.db", cut, "damaged"),
        ("saved.db", lambda path: path.write_text("hello"), "is no backup"),
        ("saved.db", lambda path: path.unlink(), "There is no backup"),
        ("saved.db.zst", cut, "damaged"),
        ("saved.db.zst", lambda path: path.write_text("hello"), "damaged: it cannot be unpacked"),
    ],
)
def test_file_that_is_no_sound_backup_replaces_nothing(
    home: Path, tmp_path: Path, name: str, harm: Callable[[Path], None], sentence: str
) -> None:
    """What is wrong is one sentence with the backup's name, and the database is as it was."""
    saved = save(home, tmp_path / name)
    (tmp_path / f"{name}.sha256").unlink()
    if harm is foreign:
        saved.unlink()
    harm(saved)
    with pytest.raises(StorageError, match=sentence) as error:
        restore(saved, home / "gcg_quant.db", replace=True)
    assert str(saved) in str(error.value)
    assert ".restoring" not in str(error.value)
    assert [file.name for file in home.iterdir()] == ["gcg_quant.db"]
    assert times(home) == list(range(100))


def test_other_bytes_than_were_written_are_noticed(home: Path, tmp_path: Path) -> None:
    """The SHA-256 finds what a database does not notice."""
    saved = save(home, tmp_path / "saved.db")
    flip(saved)
    with pytest.raises(StorageError, match="its SHA-256 is not that of saved.db.sha256"):
        restore(saved, home / "gcg_quant.db", replace=True)


def test_database_in_use_or_with_rows_is_not_replaced(home: Path, bus: EventBus, tmp_path: Path) -> None:
    """Rows need `replace`, and who has it open needs to go first; then the newer rows come again from the journal."""
    saved = save(home, tmp_path / "saved.db")
    publish(bus, 100, 50)
    record(bus, home)
    target = home / "gcg_quant.db"
    with pytest.raises(StorageError, match="holds 150 rows: --yes replaces it"):
        restore(saved, target)
    with Database(home=home) as database:
        database.counts()
        with pytest.raises(StorageError, match="is in use: stop the system"):
            restore(saved, target, replace=True)
    assert times(home) == list(range(150))
    assert restore(saved, target, replace=True).rows == {"ticks": 100}
    assert times(home) == list(range(100))
    record(bus, home)
    assert times(home) == list(range(150))


def test_damaged_database_is_replaced_on_demand(home: Path, tmp_path: Path) -> None:
    """What a backup is for: the file is no database any more, and its write-ahead log must not get into the new one."""
    saved = save(home, tmp_path / "saved.db")
    target = home / "gcg_quant.db"
    with Database(home=home) as database, database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM ticks WHERE event_ns < 50")
        log = Path(f"{target}-wal")
    with Database(home=home) as database:
        with database.writing() as connection:
            connection.exec_driver_sql("DELETE FROM ticks")
        kept = log.read_bytes()
    target.write_bytes(b"nothing of use" * 1000)
    log.write_bytes(kept)
    with pytest.raises(StorageError, match="cannot be read as a database"):
        restore(saved, target)
    restore(saved, target, replace=True)
    assert not log.exists()
    assert times(home) == list(range(100))


def test_database_of_either_kind_is_saved_and_brought_back(
    bus: EventBus, database: Database, tmp_path: Path, store_bus: Any, market_records: list[Any], order_records: list[Any]
) -> None:
    """From a file or a server, into a file or a server: the same rows, and the recorder goes on behind them."""
    bus.publish_many([*market_records, *order_records])
    bus.publish(LogEvent(level="info", component="c", message="m"))
    store_bus(bus, database)
    counts = database.counts()
    saved = back_up(database, tmp_path / "saved.db.zst")
    assert saved.rows == sum(counts.values())
    assert restore(saved.path, tmp_path / "other" / "gcg_quant.db").rows == counts
    with Database(home=tmp_path / "other") as other:
        assert rows_of(other) == rows_of(database)
    publish(bus, 1000, 5)
    store_bus(bus, database)
    whole = rows_of(database)
    url = database.url.render_as_string(hide_password=False)
    database.close()
    with pytest.raises(StorageError, match="holds 1"):
        restore_url(saved.path, url)
    assert restore_url(saved.path, url, replace=True).verified
    assert database.counts() == counts
    store_bus(bus, database)
    assert rows_of(database) == whole
    assert check_database(database).problems == ()


def rows_of(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables but those that say when something was done."""
    tables = [table for table in metadata.sorted_tables if table.name not in ("meta", "recorder_cursors")]
    with database.reading() as connection:
        return {table.name: sorted(map(tuple, connection.execute(select(table))), key=repr) for table in tables}


# ---- killed in the middle


def killed_at(count: int, work: Callable[[], object]) -> bool:
    """Do some work in a process that kills itself before its `count`th change of the file system; return whether it came that far."""
    pid = os.fork()
    if pid == 0:
        left = [count]

        def counted(call: Callable[..., Any]) -> Callable[..., Any]:
            def instead(*arguments: Any, **options: Any) -> Any:
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), 9)
                return call(*arguments, **options)

            return instead

        for name in ("replace", "unlink", "write_text"):
            setattr(Path, name, counted(getattr(Path, name)))
        os.fsync = counted(os.fsync)
        pace = backup_module._Pace
        pace.__call__ = counted(pace.__call__)  # type: ignore[method-assign]
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -9


@pytest.mark.parametrize("name", ["saved.db", "saved.db.zst"])
def test_killed_backup_is_whole_or_not_there(home: Path, tmp_path: Path, name: str) -> None:
    """At whatever step the process dies: a file of that name can be restored, and the next backup is made as if nothing had been."""
    count = 1
    while killed_at(count, lambda: save(home, tmp_path / "far" / name)):
        saved = tmp_path / "far" / name
        if saved.exists():
            assert restore(saved, tmp_path / "new.db", replace=True).verified
            saved.unlink()
        count += 1
    assert count > 5
    assert restore(tmp_path / "far" / name, tmp_path / "new.db", replace=True).rows == {"ticks": 100}
    assert not list((tmp_path / "far").glob("*.part"))


def test_killed_restore_leaves_the_old_database_or_the_new_one(home: Path, bus: EventBus, tmp_path: Path) -> None:
    """At whatever step the process dies, the database is whole, and the next try succeeds."""
    saved = save(home, tmp_path / "saved.db")
    publish(bus, 100, 50)
    record(bus, home)
    shutil.copytree(home, tmp_path / "before")
    seen, count = set(), 1
    while killed_at(count, lambda: restore(saved, home / "gcg_quant.db", replace=True)):
        seen.add(len(times(home)))
        shutil.rmtree(home)
        shutil.copytree(tmp_path / "before", home)
        count += 1
    assert count > 5
    assert seen == {100, 150}
    assert times(home) == list(range(100))
    assert [file.name for file in home.iterdir()] == ["gcg_quant.db"]
