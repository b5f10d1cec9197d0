"""`import`: every row of every real file is stored or refused, once, and the counts agree with the data's own README."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from gcg_quant.admin.home import Home
from gcg_quant.admin.importing import import_file
from gcg_quant.data_collector import ImportOptions
from gcg_quant.data_storage.sql.database import Database
from gcg_quant.errors import ImportFileError

from .conftest import Console

ZONES = {"stock": "America/New_York", "fx": "UTC", "future": "UTC", "crypto": "UTC"}


def _documented(shared_data: Path) -> dict[str, int]:
    text = (shared_data / "README.md").read_text()
    return {path: int(rows) for path, rows in re.findall(r"^\| `([^`]+\.csv\.gz)` \|[^|]*\|[^|]*\| (\d+) \|", text, re.MULTILINE)}


@pytest.mark.slow
def test_every_real_file_is_stored_row_by_row(tmp_path: Path, shared_data: Path) -> None:
    """Source rows = stored + refused for each file, as many as its README says; a second import stores nothing."""
    documented = _documented(shared_data)
    files = sorted(path for folder in ZONES for path in (shared_data / folder).glob("*.csv.gz"))
    assert {str(path.relative_to(shared_data)) for path in files} == set(documented)
    home = Home(tmp_path)
    records: dict[str, int] = {}
    with Database("", home=tmp_path) as database:
        for path in files:
            zone = None if "CFFEX" in path.name else ZONES[path.parent.name]
            options = ImportOptions(timezone=zone, stamp="start")
            outcome = import_file(home, database, path, options)
            report = outcome.report
            assert report.rows == documented[str(path.relative_to(shared_data))], path.name
            assert report.rows == report.stored_rows + report.refused_rows
            assert sum(report.reasons.values()) == report.refused_rows
            assert sum(report.records.values()) == sum(outcome.stored.values()) + sum(outcome.already.values())
            for table, count in outcome.stored.items():
                records[table] = records.get(table, 0) + count
            again = import_file(home, database, path, options)
            assert again.earlier
            assert again.stored == {}
        assert {name: database.counts()[name] for name in records} == records
    # IBM's quotes and gold's trades hold thousands of rows that are equal in every column; all of them are there.
    with sqlite3.connect(tmp_path / "gcg_quant.db") as connection:
        same = "select sum(n - 1) from (select count(*) n from trade_ticks group by instrument, event_ns, price, size having n > 1)"
        assert connection.execute(same).fetchone()[0] > 5000
    assert list((tmp_path / "imports").iterdir()) == []


def test_console_asks_for_what_a_file_does_not_say(console: Console, tmp_path: Path) -> None:
    """Without a terminal to ask on, the missing option is named with its question, and nothing is stored."""
    file = tmp_path / "data.csv"
    file.write_text("time,open,high,low,close,volume\n2024-01-02T09:30:00,1,2,0.5,1.5,10\n")
    result = console("import", str(file))
    assert result.returncode == 1
    assert "option symbol is missing" in result.stderr


def test_console_reports_refused_rows_with_their_lines(console: Console, tmp_path: Path) -> None:
    """A bad row is named with file, line and reason, and the good ones are stored."""
    file = tmp_path / "X_1m.csv"
    file.write_text(
        "time,open,high,low,close,volume\n2024-01-02T09:30:00,1,2,0.5,1.5,10\n2024-01-02T09:31:00,1,0.5,2,1.5,10\nrubbish,1,2,1,1,1\n"
    )
    result = console("import", str(file), "--timezone", "UTC", "--stamp", "start", "--period", "1m", "--symbol", "X")
    assert result.returncode == 0, result.stderr
    assert "3 rows = 1 stored + 2 refused" in result.stdout
    assert "line 3:" in result.stdout
    assert "line 4:" in result.stdout


def test_strict_import_stores_nothing(tmp_path: Path) -> None:
    """With `strict` a bad row stops the import, and the database is as it was."""
    file = tmp_path / "X_1m.csv"
    file.write_text("time,open,high,low,close,volume\n2024-01-02T09:30:00,1,2,0.5,1.5,10\nrubbish,1,2,1,1,1\n")
    with Database("", home=tmp_path) as database:
        options = ImportOptions(symbol="X", timezone="UTC", stamp="start", period="1m", strict=True)
        with pytest.raises(ImportFileError, match="line 3"):
            import_file(Home(tmp_path), database, file, options)
        assert database.counts().get("bars", 0) == 0


def test_missing_file_is_one_line(console: Console) -> None:
    """A file that is not there is named."""
    result = console("import", "nothing.csv")
    assert result.returncode == 1
    assert "nothing.csv does not exist" in result.stderr
    assert "Traceback" not in result.stderr
