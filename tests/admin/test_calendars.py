"""`calendars`: what it shows, checks and takes in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gcg_quant.china_hours import use_tables

from .conftest import Console

ROWS = "rule,exchange,products,from,until,hours,source\nupdated,,,{day},,,\nnight,GFEX,*,2027-03-01,,21:00-23:00,a notice\n"


@pytest.fixture(autouse=True)
def _own_tables_end_with_the_test() -> Iterator[None]:
    yield
    use_tables([])  # they are this process's, and handed on to its children


def test_show_tells_sessions_and_sources(console: Console) -> None:
    """The night with the day it belongs to, a day off, and the rows behind; other calendars, too."""
    words = ("calendars", "show", "SHFE.au", "--from", "2024-11-02", "--to", "2024-11-04")
    text = console(*words).stdout
    assert "2024-11-02 Sat  closed" in text
    assert "2024-11-04 Mon  2024-11-01 21:00-02:30  09:00-10:15" in text
    assert "gold and silver" in text
    found = json.loads(console(*words, "--json").stdout)
    assert [len(row["sessions"]) for row in found["days"]] == [0, 0, 4]
    assert "closed" in console("calendars", "show", "XSHG", "--from", "2024-10-03", "--to", "2024-10-03").stdout
    wrong = console("calendars", "show", "SHFF")
    assert (wrong.returncode, "Did you mean 'SHFE'" in wrong.stderr) == (1, True)
    assert console("calendars", "show", "FX", "--from", "2024-10-03", "--to", "2024-10-01").returncode == 2


def test_update_checks_a_table_and_takes_it_into_the_home(console: Console, tmp_path: Path) -> None:
    """A wrong one is refused with line and fix, an older one does not replace a newer, and the next command uses it."""
    file = tmp_path / "mine.csv"
    file.write_text(ROWS.format(day="2027-01-04").replace("GFEX", "GFXE"))
    for command in ("check", "update"):
        wrong = console("calendars", command, str(file))
        assert wrong.returncode == 1
        assert "mine.csv:3: there is no exchange 'GFXE'" in wrong.stderr
        assert "Did you mean 'GFEX'" in wrong.stderr
    file.write_text(ROWS.format(day="2027-01-04"))
    assert json.loads(console("calendars", "check", str(file), "--json").stdout)["rows"] == 1
    assert "uses it" in console("calendars", "update", str(file)).stdout
    shown = console("calendars", "show", "GFEX.lc", "--from", "2027-03-02", "--to", "2027-03-02").stdout
    assert "2027-03-01 21:00-23:00" in shown
    assert "mine.csv:3 night: a notice" in shown
    file.write_text(ROWS.format(day="2027-01-03"))
    assert "newer than" in console("calendars", "update", str(file)).stderr
