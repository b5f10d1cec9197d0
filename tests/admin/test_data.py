"""`data`: the console's commands on stored market data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Console, call

HEAD = "time,open,high,low,close,volume\n"


def write_minutes(path: Path, day: str, count: int) -> Path:
    """Write a CSV file of minute bars of one day from 09:00 on."""
    lines = [f"{day}T{9 + minute // 60:02}:{minute % 60:02}:00,1,2,0.5,1.{minute % 10},10" for minute in range(count)]
    path.write_text(HEAD + "\n".join(lines) + "\n")
    return path


def import_minutes(console: Console, path: Path, symbol: str = "ABC/X") -> None:
    """Import such a file with `data import`."""
    result = console(
        "data", "import", str(path), "--symbol", symbol, "--venue", "V", "--timezone", "UTC", "--stamp", "start", "--period", "1m"
    )
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Console:
    """Return the console of a home with two days of ABC/X and a little of DEF; only to look at."""
    folder = tmp_path_factory.mktemp("filled")

    def console(*words: str, **options: object) -> object:
        return call(folder / "home", *words, **options)  # type: ignore[arg-type]

    for day in ("2026-11-20", "2026-11-21"):
        import_minutes(console, write_minutes(folder / f"{day}.csv", day, 70))  # type: ignore[arg-type]
    import_minutes(console, write_minutes(folder / "def.csv", "2026-11-20", 3), "DEF")  # type: ignore[arg-type]
    return console  # type: ignore[return-value]


def test_list_shows_every_series(filled: Console) -> None:
    """A line a series with rows, first, last and source; a pattern narrows; --json has the exact numbers."""
    lines = [line.split() for line in filled("data", "list").stdout.splitlines()[1:]]
    assert [line[:4] for line in lines] == [["ABC/X@V", "1m", "bars", "140"], ["DEF@V", "1m", "bars", "3"]]
    assert lines[0][4:8] == ["2026-11-20", "09:00:00", "2026-11-21", "10:09:00"]
    assert lines[0][-1] == "import"
    rows = json.loads(filled("data", "list", "D*", "--json").stdout)
    assert [(row["symbol"], row["rows"], row["exact"]) for row in rows] == [("DEF", 3, True)]


def test_info_accounts_for_one_symbol(filled: Console) -> None:
    """Terms, days, and the files that brought the rows."""
    text = filled("data", "info", "ABC/X").stdout
    assert "ABC/X" in text
    assert ["2026-11-21", "70"] in [line.split() for line in text.splitlines()]
    assert "2026-11-20.csv" in text
    answer = json.loads(filled("data", "info", "ABC/X@V", "--json").stdout)
    assert answer["days"] == {"1m bars": {"20261120": 70, "20261121": 70}}
    assert [one["rows"] for one in answer["imports"]] == [70, 70]


def test_what_is_not_there_is_one_line(filled: Console, console: Console) -> None:
    """An unknown symbol is named with the nearest one; without a database there is nothing to list."""
    for words in (("list", "ABX"), ("info", "DEG")):
        result = filled("data", *words)
        assert (result.returncode, result.stdout) == (1, "")
        assert "Nothing is stored of" in result.stderr
    assert "Did you mean 'DEF'?" in filled("data", "info", "DEG").stderr
    assert "There is no database" in console("data", "list").stderr


def test_commands_of_the_group_are_the_old_ones(filled: Console, tmp_path: Path) -> None:
    """`data export` and `data import` do what `export` and `import` do."""
    assert "DEF" not in filled("data", "export", str(tmp_path / "out"), "--symbol", "ABC/X").stdout
    assert filled("export", str(tmp_path / "two"), "--symbol", "ABC/X").stdout.endswith("bars.parquet: 140 rows\n")
    assert (tmp_path / "out" / "bars.parquet").read_bytes() == (tmp_path / "two" / "bars.parquet").read_bytes()
    assert filled("data", "import", "--help").stdout.split("\n", 1)[1] == filled("import", "--help").stdout.split("\n", 1)[1]


def test_delete_shows_asks_and_deletes(console: Console, tmp_path: Path) -> None:
    """What goes is shown first; a no, and --dry-run, delete nothing; afterwards the file can be imported again."""
    file = write_minutes(tmp_path / "abc.csv", "2026-11-20", 70)
    import_minutes(console, file)
    words = ("data", "delete", "ABC/X", "--period", "1m", "--from", "2026-11-20T10:00:00")
    refused = console(*words, say="n\n")
    assert (refused.returncode, "Delete 10 rows?" in refused.stderr) == (1, True)
    assert "10 rows would be deleted" in console(*words, "--dry-run").stdout
    assert json.loads(console("data", "list", "--json").stdout)[0]["rows"] == 70
    done = console(*words, "--yes")
    assert done.stdout.splitlines()[1].split()[:8] == ["ABC/X@V", "1m", "bars", "10", "2026-11-20", "10:00:00", "2026-11-20", "10:09:00"]
    assert "10 rows deleted" in done.stdout
    assert "Nothing is stored of that" in console(*words, "--yes").stdout
    assert "rows deleted" in console("data", "info", "ABC/X").stdout
    import_minutes(console, file)
    assert json.loads(console("data", "list", "--json").stdout)[0]["rows"] == 70
    answer = json.loads(console("data", "delete", "ABC/X", "--import", "2", "--yes", "--json").stdout)
    assert (answer["rows"], answer["series"][0]["imports"]) == (10, {"2": str(file)})


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ((), 1, "Say which data"),
        (("ABC/Y",), 1, "Did you mean 'ABC/X'"),
        (("ABC/X", "--kind", "bar"), 1, "Did you mean 'bars'"),
        (("ABC/X", "--from", "2026-02-01", "--to", "2026-01-01"), 1, "is not after the start"),
        (("ABC/X", "--from", "never"), 2, "neither a time"),
        (("ABC/X", "--json"), 2, "add --yes or --dry-run"),
    ],
)
def test_delete_of_what_makes_no_sense_is_one_line(filled: Console, words: tuple[str, ...], code: int, message: str) -> None:
    """One sentence, and nothing goes."""
    result = filled("data", "delete", *words)
    assert result.returncode == code
    assert message in result.stderr
    assert json.loads(filled("data", "list", "ABC/X", "--json").stdout)[0]["rows"] == 140


def test_gaps_are_shown_and_refilled_from_files(console: Console, tmp_path: Path) -> None:
    """A hole of twenty minutes is named with the bars it lacks; a folder that has them closes it, and the rest is stored already."""
    whole = write_minutes(tmp_path / "whole.csv", "2026-11-20", 60)
    lines = whole.read_text().splitlines(keepends=True)
    (tmp_path / "holed.csv").write_text("".join(lines[:21] + lines[41:]))
    import_minutes(console, tmp_path / "holed.csv")
    text = console("data", "gaps", "ABC/X", "--period", "1m").stdout
    assert text.splitlines()[1].split()[:6] == ["1m", "2026-11-20", "09:20:00", "2026-11-20", "09:40:00", "20"]
    (gap,) = json.loads(console("data", "gaps", "ABC/X@V", "--json").stdout)
    assert (gap["rows_expected"], gap["reason"]) == (20, "silent")
    assert "Nothing is missing" in console("data", "gaps", "ABC/X", "--longer", "30m").stdout

    other = lambda *words, **options: call(tmp_path / "other", *words, **options)  # noqa: E731
    import_minutes(other, whole)
    assert other("export", str(tmp_path / "out"), "--partition", "day").returncode == 0
    filled = console("data", "gaps", "ABC/X", "--refill", str(tmp_path / "out"))
    assert filled.stdout.splitlines() == [f"20 rows stored from {tmp_path / 'out'}.", "Nothing is missing of ABC/X."], filled.stderr
    assert json.loads(console("data", "list", "--json").stdout)[0]["rows"] == 60


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("ABC/Y",), "Did you mean 'ABC/X'"),
        (("ABC/X", "--period", "1 minute"), "1 minute"),
        (("ABC/X", "--longer", "soon"), "is not a bar period"),
        (("ABC/X", "--from", "2026-11-21", "--to", "2026-11-20"), "is not before end"),
        (("ABC/X", "--period", "1m", "--from", "2026-11-20", "--to", "2026-11-21", "--refill", "no/such"), "no/such cannot be read"),
    ],
)
def test_gaps_of_what_makes_no_sense_are_one_line(filled: Console, words: tuple[str, ...], message: str) -> None:
    """One sentence that names what is wrong, and nothing is imported."""
    result = filled("data", "gaps", *words)
    assert result.returncode == 1
    assert message in result.stderr
