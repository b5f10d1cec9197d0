"""The table of China's futures sessions: the hours of the code it came from, a sentence for each wrong row, the user's tables over it."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.calendar import Calendar
from gcg_quant.china_hours import china_rows, china_sessions, own_tables, tables_in_use, use_tables
from gcg_quant.china_table import COLUMNS, EXCHANGES, OURS, read_table
from gcg_quant.clock import from_iso, to_iso
from gcg_quant.errors import SettingsError
from gcg_quant.session_lines import session_lines
from gcg_quant.session_table import session_table
from gcg_quant.settings import Settings

HEADER = ",".join(COLUMNS)
UPDATED = "updated,,,2027-01-04,,,"
# What the code that the table replaced gave for all days of 2013 to 2027: digest of the sessions = products.
FROZEN = {
    "98a53559f3fa": "CFFEX CFFEX.IF CFFEX.IC CFFEX.IH CFFEX.IM",
    "39bb7c01f1df": "CFFEX.T CFFEX.TF CFFEX.TS CFFEX.TL",
    "d6031e26a0cd": "SHFE SHFE.br SHFE.fu SHFE.op SHFE.ru SHFE.sp",
    "e54517aaa70c": "SHFE.ad SHFE.al SHFE.ao SHFE.cu SHFE.ni SHFE.pb SHFE.sn SHFE.ss SHFE.zn",
    "c801a2a861ff": "SHFE.ag SHFE.au",
    "038adc86839e": "SHFE.bu SHFE.hc SHFE.rb",
    "f4c1ade6d442": (
        "SHFE.wr INE.ec DCE.bb DCE.fb DCE.jd DCE.lg DCE.lh CZCE.AP CZCE.CJ CZCE.JR CZCE.LR CZCE.PK CZCE.PM CZCE.RI "
        "CZCE.RS CZCE.SF CZCE.SM CZCE.UR CZCE.WH GFEX GFEX.lc GFEX.pd GFEX.ps GFEX.pt GFEX.si"
    ),
    "4a841277a918": "INE INE.lu INE.nr",
    "c402651adde4": "INE.bc",
    "f0e784ee1d72": "INE.sc",
    "2076aa8b74be": (
        "DCE DCE.a DCE.b DCE.bz DCE.c DCE.cs DCE.eb DCE.eg DCE.i DCE.j DCE.jm DCE.l DCE.m DCE.p DCE.pg DCE.pp DCE.rr DCE.v DCE.y"
    ),
    "64abf93de33e": (
        "CZCE CZCE.CF CZCE.CY CZCE.FG CZCE.MA CZCE.OI CZCE.PF CZCE.PL CZCE.PR CZCE.PX CZCE.RM CZCE.SA CZCE.SH CZCE.SR CZCE.TA CZCE.ZC"
    ),
}


def frozen_days() -> list[int]:
    """Return the trading days that were frozen: XSHG's until 2025, weekdays after that."""
    days = [day for day in session_table("XSHG").days.tolist() if 20130101 <= day <= 20251231]
    ahead = (date(2026, 1, 1) + timedelta(days=number) for number in range(730))
    days += [int(f"{when:%Y%m%d}") for when in ahead if when.weekday() < 5]
    assert digest(days) == "7fc25339236f"  # else exchange_calendars has changed the past
    return days


def digest(value: object) -> str:
    """Return a short digest of a plain value."""
    return hashlib.sha256(repr(value).encode()).hexdigest()[:12]


@pytest.fixture(autouse=True)
def _ours_alone() -> Iterator[None]:
    yield
    use_tables([])


def written(folder: Path, *rows: str, name: str = "mine.csv") -> Path:
    """Return a table file with these rows under the header."""
    path = folder / name
    path.write_text("\n".join((HEADER, *rows)) + "\n")
    return path


def hours(name: str, day: int) -> list[str]:
    """Return the sessions of a day in China's time."""
    return [f"{to_iso(begin, 'Asia/Shanghai')[5:16]} {to_iso(end, 'Asia/Shanghai')[11:16]}" for begin, end in Calendar(name).sessions(day)]


def test_every_product_has_the_sessions_it_had() -> None:
    """For each exchange and product and all days of 2013 to 2027, as the frozen digests say."""
    days = frozen_days()
    known: dict[str, str] = {}  # by the rows behind them, on which alone the sessions depend
    found = {}
    for name in " ".join(FROZEN.values()).split():
        rows = repr(china_rows(name))
        if rows not in known:
            known[rows] = digest(china_sessions(name, days))
        found[name] = known[rows]
    assert found == {name: key for key, names in FROZEN.items() for name in names.split()}


def test_every_row_names_its_source_and_every_exchange_has_hours() -> None:
    """Our own file is checked as a user's is."""
    table = read_table(OURS)
    assert all(row.source for row in table.rows)
    for rule in ("day", "night"):
        assert {exchange for row in table.rows if row.rule == rule for exchange in row.exchanges} == set(EXCHANGES)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (
            "nigth,SHFE,*,,,21:00-23:00,x",
            "there is no rule 'nigth'; known are day, night, no-night, closed, open and updated. Did",
        ),
        ("night,SHEF,*,,,21:00-23:00,x", "there is no exchange 'SHEF'; known are CFFEX, SHFE, INE, DCE, CZCE, GFEX. Did you mean 'SHFE'"),
        ("night,,*,,,21:00-23:00,x", "exchange is empty"),
        ("night,SHFE,,,,21:00-23:00,x", "products is empty; write * for all"),
        ("night,SHFE,rb2501,,,21:00-23:00,x", "'rb2501' is no code of a product"),
        ("night,SHFE,*,20270101,,21:00-23:00,x", "from is '20270101'; write a day as 2026-11-27"),
        ("night,SHFE,*,2027-02-30,,21:00-23:00,x", "from is '2027-02-30'"),
        ("night,SHFE,*,2027-02-02,2027-02-01,21:00-23:00,x", "from (2027-02-02) is after until (2027-02-01)"),
        ("night,SHFE,*,,,9-10,x", "hours has '9-10'; write begin-end as 09:00-10:15"),
        ("night,SHFE,*,,,25:00-26:00,x", "hours has '25:00-26:00'"),
        ("night,SHFE,*,,,09:00-10:00,x", "a night is one session that begins after 18:00"),
        ("night,SHFE,*,,,,x", "hours is empty; write them as 21:00-23:00, or none"),
        ("day,SHFE,*,,,none,x", "hours has 'none'"),
        ("day,SHFE,*,,,10:00-11:00 09:00-09:30,x", "the sessions of a day stand in order"),
        ("day,SHFE,*,,,09:00-11:30,", "source is empty; name the notice"),
        ("day,SHFE,*,,,09:00-11:30,a,b", "expected 7 cells, found 8"),
        ("closed,SHFE,*,2027-01-01,,,x", "a row 'closed' needs both from and until"),
        ("closed,SHFE,cu,2027-01-01,2027-01-01,,x", "a row 'closed' is about a whole exchange"),
        ("no-night,SHFE,*,2027-01-01,2027-01-02,21:00-23:00,x", "a row 'no-night' has no hours"),
        ("open,SHFE,*,2027-01-01,2027-02-01,,x", "write a row for each day"),
    ],
)
def test_a_wrong_row_is_one_sentence_with_its_line(tmp_path: Path, row: str, says: str) -> None:
    """Line, what is wrong, and what to write."""
    path = written(tmp_path, "# a remark", UPDATED, row)
    with pytest.raises(SettingsError) as caught:
        read_table(path)
    assert str(caught.value).startswith(f"{path}:4: ")
    assert says in str(caught.value)
    assert str(caught.value).endswith((".", "?"))


def test_a_file_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    """No header, no day, two rows for the same, no text, no file."""
    headless = tmp_path / "headless.csv"
    headless.write_text("day,SHFE,*,,,09:00-11:30,x\n")
    with pytest.raises(SettingsError, match=r":1: the first row must be rule,exchange"):
        read_table(headless)
    with pytest.raises(SettingsError, match="does not say of which day it is"):
        read_table(written(tmp_path, "day,SHFE,*,,,09:00-11:30,x"))
    with pytest.raises(SettingsError, match=r":4: line 3 has day hours of SHFE \* from the same day"):
        read_table(written(tmp_path, UPDATED, "day,SHFE,*,,,09:00-11:30,x", "day,SHFE DCE,*,,,09:00-11:00,x"))
    headless.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(SettingsError, match="no CSV text in UTF-8"):
        read_table(headless)
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        read_table(tmp_path / "none.csv")


@given(st.text(max_size=60), st.lists(st.text(alphabet='day,night*SHFE0123456789-: "\n', max_size=40), max_size=4))
def test_rubbish_is_a_table_or_a_sentence(tmp_path_factory: pytest.TempPathFactory, head: str, rows: list[str]) -> None:
    """Whatever stands in a file, it is read, or it is a SettingsError."""
    path = tmp_path_factory.getbasetemp() / "rubbish.csv"
    for text in (head, "\n".join((HEADER, UPDATED, *rows))):
        path.write_text(text, encoding="utf-8", errors="replace")
        with contextlib.suppress(SettingsError):
            read_table(path)


def test_a_table_of_the_user_lies_over_ours(tmp_path: Path) -> None:
    """New nights, a day off and a day on; what it has no row for stays, and without it all is as before."""
    before = hours("GFEX.lc", 20270302), hours("SHFE.rb", 20270302)
    lines = session_lines("GFEX.lc", "session")
    path = written(
        tmp_path,
        UPDATED,
        "night,GFEX,lc si,2027-03-01,,21:00-23:00,a notice",
        "closed,GFEX,*,2027-03-04,2027-03-05,,a notice",
        "open,GFEX,*,2027-03-06,2027-03-06,,a notice",
    )
    use_tables([path])
    assert hours("GFEX.lc", 20270302) == ["03-01T21:00 23:00", *before[0]]
    assert hours("GFEX.lc", 20270226) == hours("GFEX.ps", 20270226)
    assert hours("GFEX.ps", 20270302) == before[0]
    assert hours("SHFE.rb", 20270302) == before[1]
    assert (hours("GFEX.lc", 20270305), hours("SHFE.rb", 20270305)[1:]) == ([], [f"03-05{text[5:]}" for text in before[1][1:]])
    assert hours("GFEX.lc", 20270306) == [f"03-06{text[5:]}" for text in before[0]]  # the night before followed a day off
    assert len(session_lines("GFEX.lc", "session").opens) > len(lines.opens)
    use_tables([])
    assert hours("GFEX.lc", 20270302) == before[0]


def test_the_newer_table_wins(tmp_path: Path) -> None:
    """By the day in `updated`, not by the order in which they are named."""
    newer = written(tmp_path, "updated,,,2028-01-01,,,", "night,GFEX,*,2027-03-01,,21:00-01:00,x", name="a.csv")
    older = written(tmp_path, "updated,,,2027-01-01,,,", "night,GFEX,*,2027-03-01,,21:00-23:00,x", name="b.csv")
    oldest = written(tmp_path, "updated,,,2020-01-01,,,", "day,GFEX,*,,,10:00-11:00,x", name="c.csv")
    for order in ([newer, older, oldest], [oldest, older, newer]):
        use_tables(order)
        assert hours("GFEX.lc", 20270302)[0] == "03-01T21:00 01:00"
        assert hours("GFEX.lc", 20270302)[1] == "03-02T09:00 10:15"


def test_settings_name_tables_and_the_home_has_them(tmp_path: Path) -> None:
    """Those of [calendars] files and those in the home folder; a broken one is a sentence at the start, not wrong hours."""
    named = written(tmp_path, UPDATED, "night,GFEX,*,2027-03-01,,21:00-23:00,x", name="named.csv")
    config = tmp_path / "gcg_quant.toml"
    config.write_text(f'[calendars]\nfiles = ["{named.as_posix()}"]\n')
    folder = tmp_path / "home" / "calendars"
    folder.mkdir(parents=True)
    at_home = written(folder, UPDATED, "day,GFEX,*,2027-03-01,,09:00-10:00,x")
    settings = Settings.load(config, home=tmp_path / "home", environ={})
    assert own_tables(settings.home, settings.calendars.files) == [named, at_home]
    assert hours("GFEX", 20270302) == ["03-01T21:00 23:00", "03-02T09:00 10:00"]
    Settings.restore(settings.dump(), environ={})  # a process of its own
    assert len(tables_in_use()) == 3
    at_home.write_text(HEADER + "\nnonsense\n")
    with pytest.raises(SettingsError, match=r"mine.csv:2: there is no rule 'nonsense'"):
        Settings.load(config, home=tmp_path / "home", environ={})
    Settings.load(None, home=tmp_path / "other", environ={})
    assert len(tables_in_use()) == 1


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        (20260306, "2026-03-05T22:00", "2026-03-06T22:00"),
        (20260309, "2026-03-08T21:00", "2026-03-09T21:00"),  # clocks went forward that Sunday morning
        (20261030, "2026-10-29T21:00", "2026-10-30T21:00"),
        (20261102, "2026-11-01T22:00", "2026-11-02T22:00"),  # ... and back
        (20261225, "2026-12-24T22:00", "2026-12-25T22:00"),  # brokers differ: weekdays count
        (20270101, "2026-12-31T22:00", "2027-01-01T22:00"),
    ],
)
def test_the_currencies_week_keeps_new_york_time(day: int, opens: str, closes: str) -> None:
    """17:00 in New York over both changes of its clocks, and at the turn of the year."""
    calendar = Calendar("FX")
    assert calendar.sessions(day) == [(from_iso(opens + "Z"), from_iso(closes + "Z"))]
    assert calendar.trading_day(from_iso(opens + "Z")) == day


def test_the_currencies_rest_from_friday_to_sunday() -> None:
    """Closed from Friday 17:00 on, over the change of clocks, to Sunday 17:00; 24/7 is always open."""
    calendar, always = Calendar("FX"), Calendar("24/7")
    for moment, is_open in (
        ("2026-03-06T21:59Z", True),
        ("2026-03-06T22:00Z", False),
        ("2026-03-08T20:59Z", False),
        ("2026-03-08T21:00Z", True),
        ("2026-10-30T21:00Z", False),
        ("2026-11-01T21:30Z", False),
        ("2026-11-01T22:00Z", True),
    ):
        assert calendar.is_open(from_iso(moment)) == is_open
        assert always.is_open(from_iso(moment))
    assert not calendar.is_trading_day(20260307)
    assert always.sessions(20260308) == [(from_iso("2026-03-08T00:00Z"), from_iso("2026-03-09T00:00Z"))]
