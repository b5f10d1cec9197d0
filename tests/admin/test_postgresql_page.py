"""docs/postgresql.md, walked through with a real server; and the console when its server is away."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.data_storage.reading.history import DatabaseHistory
from gcg_quant.data_storage.sql.database import Database
from gcg_quant.data_storage.writing.recorder import Recorder
from gcg_quant.events import Tick

from .conftest import Console

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "postgresql.md").read_text()
AWAY = "postgresql+psycopg://me:hush@127.0.0.1:1/gcg"
URL = "postgresql+psycopg://gcg@localhost/gcg_quant"


def record(bus: EventBus, database: Database, first: int, count: int) -> None:
    """Publish ticks and store what a bus holds."""
    bus.publish_many([Tick(symbol="A", venue="V", event_ns=at, last_price=float(at)) for at in range(first, first + count)])
    recorder = Recorder(database, flush_ms=1)
    recorder.start(bus)
    assert recorder.stop(60.0)


def test_page_moves_a_database_to_postgresql_and_back(console: Console, bus: EventBus, postgresql: Any, tmp_path: Path) -> None:
    """Each statement and command of the page, in its order, does what it says; the recorder goes on in the new database."""
    for statement in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)[0].splitlines():
        postgresql.sql(statement)
    real = postgresql.url("gcg_quant").replace("postgres:@", "gcg@")
    commands = [line.split()[3:] for line in PAGE.splitlines() if line.startswith("    python -m gcg_quant ")]
    commands = [[word.replace(URL, real).replace("back.db", f"{tmp_path}/back.db") for word in words] for words in commands]
    assert [words[0] for words in commands] == ["database", "database", "data", "run", "database"]
    with Database(home=tmp_path / "home") as database:
        record(bus, database, 0, 100)
    copied = console(*commands[0], cwd=tmp_path)
    assert copied.returncode == 0, copied.stderr
    assert re.search(r"^ticks +100 rows$", copied.stdout, re.MULTILINE)
    (tmp_path / "gcg_quant.toml").write_text(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0].replace(URL, real))
    with Database(real) as database:
        record(bus, database, 100, 50)
        assert DatabaseHistory(database).ticks("A")["last_price"].tolist() == list(range(150))
    checked = console(*commands[1], cwd=tmp_path)
    assert "'gcg_quant' on" in checked.stdout, checked.stderr
    assert "150 rows, no damage" in checked.stdout
    assert re.search(r"A@V +.*150", console(*commands[2], cwd=tmp_path).stdout)
    back = console(*commands[4], cwd=tmp_path)
    assert back.returncode == 0, back.stderr
    with Database(f"sqlite:///{tmp_path}/back.db") as database:
        assert DatabaseHistory(database).ticks("A")["last_price"].tolist() == list(range(150))


def test_copy_refuses_a_target_that_is_in_use(console: Console, tmp_path: Path) -> None:
    """One sentence, and nothing is changed; a password in the URL is not shown."""
    Database(home=tmp_path / "home").close()
    again = console("database", "copy", "--to", f"sqlite:///{tmp_path / 'home' / 'gcg_quant.db'}")
    assert again.returncode == 1
    assert "cannot be copied onto itself" in again.stderr
    away = console("database", "copy", "--to", AWAY)
    assert away.returncode == 1
    assert "cannot be reached" in away.stderr
    assert "hush" not in away.stderr + away.stdout


@pytest.mark.parametrize(
    "words",
    [("data", "list"), ("export", "out"), ("database", "check"), ("backtest", "list"), ("import", "rows.csv")],
    ids=lambda words: words[0],
)
def test_command_whose_server_is_away_is_one_sentence(console: Console, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Exit code 1, the server named, no traceback, nothing made."""
    (tmp_path / "gcg_quant.toml").write_text(f'[database]\nurl = "{AWAY.replace(":hush", "")}"\n')
    (tmp_path / "rows.csv").write_text("time,open,high,low,close,volume\n2024-01-02T00:00:00Z,1,1,1,1,1\n")
    result = console(*words, cwd=tmp_path)
    assert result.returncode == 1, result.stdout
    said = [line for line in result.stderr.splitlines() if line.strip()]
    assert len(said) == 1, result.stderr
    assert "The database 'gcg' on 127.0.0.1:1 cannot be reached" in said[0]
    assert not (tmp_path / "out").exists() or not os.listdir(tmp_path / "out")
