"""CSV files in chunks of whole lines."""

import csv
import gzip
import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcg_quant.data_collector.importing.csv_file import CsvFile
from gcg_quant.errors import ImportFileError


def _rows(file: CsvFile) -> tuple[dict[int, list[str | None]], dict[int, str]]:
    good: dict[int, list[str | None]] = {}
    bad: dict[int, str] = {}
    for chunk in file.chunks():
        columns = [chunk.columns[name].to_pylist() for name in file.header]
        good.update({line: [column[index] for column in columns] for index, line in enumerate(chunk.lines.tolist())})
        bad.update(chunk.bad)
    return good, bad


def test_rows_come_with_their_line_numbers(write: Callable[..., Path]) -> None:
    """The header is line 1; an empty line counts as a line, and is no row."""
    good, bad = _rows(CsvFile(write("a,b\n1,2\n\n3,4\n")))
    assert good == {2: ["1", "2"], 4: ["3", "4"]}
    assert bad == {}


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz"])
def test_line_ends_marks_and_packing_change_nothing(write: Callable[..., Path], ending: str, last: str, mark: bytes, name: str) -> None:
    """Windows line ends, a missing last one, a byte order mark and gzip all read alike."""
    text = ending.join(["a,b", "1,2", "3,4"]) + (ending if last else "")
    assert _rows(CsvFile(write(mark + text.encode(), name)))[0] == {2: ["1", "2"], 3: ["3", "4"]}


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiter_is_that_of_the_header(write: Callable[..., Path], mark: str) -> None:
    """The mark that divides the header divides the rows."""
    assert _rows(CsvFile(write(f"a{mark}b\n1{mark}2\n")))[0] == {2: ["1", "2"]}


def test_quoted_cells_may_hold_the_delimiter(write: Callable[..., Path]) -> None:
    """A quoted cell keeps its commas and doubled quotes."""
    assert _rows(CsvFile(write('a,b\n"x,y","say ""z"""\n1,"2"\n')))[0] == {2: ["x,y", 'say "z"'], 3: ["1", "2"]}


def test_absent_words_are_empty_cells(write: Callable[..., Path]) -> None:
    """NaN, null and their like are no values."""
    assert _rows(CsvFile(write("a,b\nNaN,1\nnull,\nNone,N/A\n")))[0] == {2: [None, "1"], 3: [None, None], 4: [None, None]}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1", "wrong number of cells: 2 were expected, 1 found"),
        (b"1,2,3", "wrong number of cells: 2 were expected, 3 found"),
        (b'"1,2', "broken quotes"),
        (b'"1"x,2', "broken quotes"),
        (b"\xff\xfe,2", "not UTF-8 text"),
        (b"1\x00,2", "a control character in the line"),
        (b"1\r,2", "a control character in the line"),
    ],
)
def test_line_that_is_no_row_is_refused_with_line_and_reason(write: Callable[..., Path], line: bytes, reason: str) -> None:
    """The neighbours of a bad line are read as if it were not there."""
    good, bad = _rows(CsvFile(write(b"a,b\n1,2\n" + line + b"\n5,6\n")))
    assert good == {2: ["1", "2"], 4: ["5", "6"]}
    assert list(bad) == [3]
    assert bad[3].startswith(reason)


_CELL = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=6)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(rows=st.lists(st.tuples(_CELL, _CELL, _CELL)), chunk_bytes=st.integers(1, 60))
def test_what_a_csv_writer_writes_comes_back(tmp_path: Path, rows: list[tuple[str, str, str]], chunk_bytes: int) -> None:
    """Any cells survive, in any chunks, with the right line numbers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["a", "b", "c"])
    writer.writerows(rows)
    path = tmp_path / "random.csv"
    path.write_text(text.getvalue(), newline="", encoding="utf-8")
    good, bad = _rows(CsvFile(path, chunk_bytes=chunk_bytes))
    absent = {"", "NaN", "nan", "NAN", "null", "NULL", "None", "NA", "N/A"}
    assert bad == {}
    assert good == {line: [None if cell in absent else cell for cell in row] for line, row in enumerate(rows, 2)}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(lines=st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=20), chunk_bytes=st.integers(1, 80))
def test_every_line_of_garbage_is_accounted_for(tmp_path: Path, lines: list[bytes], chunk_bytes: int) -> None:
    """Each line is a row, a refused line or blank; none is lost, whatever the bytes."""
    path = tmp_path / "garbage.csv"
    path.write_bytes(b"\n".join([b"a,b", *lines]) + b"\n")
    good, bad = _rows(CsvFile(path, chunk_bytes=chunk_bytes))
    blank = {number for number, line in enumerate(lines, 2) if not line.strip()}
    numbers = set(range(2, len(lines) + 2))
    assert not good.keys() & bad.keys()
    assert good.keys() | bad.keys() | blank == numbers
    for line in good:
        assert lines[line - 2].decode()


def test_hash_is_that_of_the_unpacked_content(write: Callable[..., Path]) -> None:
    """A file and its packed copy have one hash."""
    text = b"a,b\n1,2\n"
    assert CsvFile(write(text, "x.csv")).sha256 == CsvFile(write(text, "x.csv.gz")).sha256 == hashlib.sha256(text).hexdigest()


def test_damaged_gzip_is_refused_before_any_row(write: Callable[..., Path], tmp_path: Path) -> None:
    """A cut-off or corrupt packed file raises when it is opened."""
    packed = gzip.compress(b"a,b\n" + b"1,2\n" * 10_000)
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(packed[:-20])
    broken = tmp_path / "broken.csv.gz"
    broken.write_bytes(packed[:40] + b"\xff" * 20 + packed[60:])
    for path in (cut, broken):
        with pytest.raises(ImportFileError, match="is damaged: its gzip data cannot be unpacked"):
            CsvFile(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\x00\x01\x02", "is no CSV file: its first line is not UTF-8 text"),
        (b"\xff\xfea,b\n", "is no CSV file: its first line is not UTF-8 text"),
        (b"a,,c\n1,2,3\n", "line 1: a column has no name"),
        (b"\na,b\n", "line 1: a column has no name"),
        (b"2013-10-07,100,1.5\n", "line 1: expected a header line"),
    ],
)
def test_file_without_a_usable_header_is_refused_with_a_sentence(write: Callable[..., Path], content: bytes, sentence: str) -> None:
    """What cannot be a CSV file with a header says so."""
    with pytest.raises(ImportFileError, match=sentence):
        CsvFile(write(content))


def test_names_replace_a_missing_header(write: Callable[..., Path]) -> None:
    """With names the first line is a row."""
    assert _rows(CsvFile(write("1,2\n3,4\n"), names=("a", "b")))[0] == {1: ["1", "2"], 2: ["3", "4"]}


def test_names_that_do_not_fit_are_refused(write: Callable[..., Path]) -> None:
    """As many names as cells."""
    with pytest.raises(ImportFileError, match="Option names lists 3 columns, and the first line has 2 cells"):
        CsvFile(write("1,2\n"), names=("a", "b", "c"))


def test_unreadable_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """A file that is not there raises an error that names it."""
    with pytest.raises(ImportFileError, match="cannot be read: No such file"):
        CsvFile(tmp_path / "none.csv")
