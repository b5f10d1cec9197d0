"""Calendars: sessions, breaks, nights and trading days."""

from __future__ import annotations

import numpy as np
import pytest

from gcg_quant.calendar import Calendar
from gcg_quant.clock import from_iso, to_iso
from gcg_quant.errors import InstrumentError


@pytest.mark.parametrize(
    ("name", "moment", "is_open", "day"),
    [
        ("24/7", "2024-11-03T12:00Z", True, 20241103),
        ("XSHG", "2024-11-04T09:30+08:00", True, 20241104),
        ("XSHG", "2024-11-04T11:30+08:00", False, 20241104),
        ("XSHG", "2024-11-04T12:00+08:00", False, 20241104),
        ("XSHG", "2024-11-04T15:00+08:00", False, 20241104),
        ("XSHG", "2024-11-05T00:30+08:00", False, 20241105),
        ("XSHG", "2024-10-03T10:00+08:00", False, 20241008),
        ("XNYS", "2024-11-29T12:59-05:00", True, 20241129),
        ("XNYS", "2024-11-29T13:00-05:00", False, 20241129),
        ("XNYS", "2024-11-29T17:00-05:00", False, 20241129),
        ("XNYS", "2024-11-30T12:00-05:00", False, 20241202),
        ("XHKG", "2024-11-04T12:30+08:00", False, 20241104),
        ("CMES", "2024-11-03T16:59-06:00", False, 20241104),
        ("CMES", "2024-11-03T17:00-06:00", True, 20241104),
        ("24/5", "2024-11-03T12:00Z", False, 20241104),
        ("CFFEX", "2024-11-04T09:29+08:00", False, 20241104),
        ("CFFEX.IF", "2024-11-04T14:59+08:00", True, 20241104),
        ("CFFEX.T", "2024-11-04T15:10+08:00", True, 20241104),
        ("SHFE.au", "2024-11-01T22:00+08:00", True, 20241104),
        ("SHFE.au", "2024-11-02T02:29+08:00", True, 20241104),
        ("SHFE.au", "2024-11-02T02:30+08:00", False, 20241104),
        ("SHFE.rb", "2024-11-01T23:00+08:00", False, 20241104),
        ("SHFE.cu", "2024-11-02T00:59+08:00", True, 20241104),
        ("SHFE", "2024-11-04T10:20+08:00", False, 20241104),
        ("DCE.m", "2024-11-04T16:00+08:00", False, 20241104),
        ("DCE.m", "2024-11-04T20:55+08:00", False, 20241105),
        ("DCE.jd", "2024-11-04T21:30+08:00", False, 20241104),
        ("CZCE.TA", "2024-09-30T21:30+08:00", False, 20240930),
        ("SHFE.rb", "2020-03-02T21:30+08:00", False, 20200302),
    ],
)
def test_moments_are_open_or_closed_and_belong_to_a_day(name: str, moment: str, is_open: bool, day: int) -> None:
    """Breaks, early closes, holidays and nights are known; a night session belongs to the next trading day."""
    calendar = Calendar(name)
    assert (calendar.is_open(from_iso(moment)), calendar.trading_day(from_iso(moment))) == (is_open, day)


def test_sessions_of_a_day_begin_with_its_night() -> None:
    """The sessions of Monday's trading day begin on Friday evening."""
    calendar = Calendar("SHFE.au")
    shown = [(to_iso(begin, "Asia/Shanghai")[5:16], to_iso(end, "Asia/Shanghai")[5:16]) for begin, end in calendar.sessions(20241104)]
    assert shown == [
        ("11-01T21:00", "11-02T02:30"),
        ("11-04T09:00", "11-04T10:15"),
        ("11-04T10:30", "11-04T11:30"),
        ("11-04T13:30", "11-04T15:00"),
    ]
    assert calendar.sessions(20241102) == []
    assert [len(Calendar("XSHG").sessions(20241104)), len(Calendar("XNYS").sessions(20241104)), len(Calendar().sessions(20241103))] == [
        2,
        1,
        1,
    ]


def test_days_do_not_overlap_and_hold_their_sessions() -> None:
    """Each day's bounds end before the next day's begin, and every session lies within its day."""
    for name in ("XSHG", "XNYS", "CMES", "24/5", "SHFE.au", "CFFEX"):
        calendar = Calendar(name)
        before = 0
        for day in range(20241028, 20241032):
            if calendar.is_trading_day(day):
                start, end = calendar.bounds(day)
                assert before <= start < end, name
                assert all(start <= begin < close <= end for begin, close in calendar.sessions(day)), name
                assert calendar.trading_day(start) == calendar.trading_day(end - 1) == day
                before = end


def test_many_moments_at_once_agree_with_one_by_one() -> None:
    """The vectorised trading days are the scalar ones."""
    moments = np.arange(from_iso("2024-10-25"), from_iso("2024-11-08"), 37 * 60 * 10**9, dtype=np.int64)
    for name in ("24/7", "XNYS", "SHFE.au"):
        calendar = Calendar(name)
        assert calendar.trading_days(moments).tolist() == [calendar.trading_day(int(ns)) for ns in moments]


def test_next_open_and_close_step_through_the_day() -> None:
    """The next opening and closing include the lunch break; a market that never closes has none."""
    calendar, morning = Calendar("XSHG"), from_iso("2024-11-04T10:00+08:00")
    assert calendar.next_close(morning) == from_iso("2024-11-04T11:30+08:00")
    assert calendar.next_open(morning) == from_iso("2024-11-04T13:00+08:00")
    assert Calendar("24/7").next_open(morning) is None
    assert Calendar("24/7").next_close(morning) is None


def test_beyond_what_is_known_weekdays_count() -> None:
    """Long after the library's last day Monday to Friday are open, so that a system that is not updated goes on."""
    calendar = Calendar("XSHG")
    assert calendar.is_open(from_iso("2028-03-01T10:00+08:00"))
    assert not calendar.is_open(from_iso("2028-03-01T12:00+08:00"))
    assert not calendar.is_open(from_iso("2028-03-04T10:00+08:00"))


def test_before_the_calendar_begins_the_date_counts() -> None:
    """Prices from before 1991 belong to their local date."""
    calendar = Calendar("XNYS")
    early = from_iso("1987-10-19T10:00-04:00")
    assert calendar.trading_day(early) == 19871019
    assert calendar.trading_days(np.array([early])).tolist() == [19871019]
    assert not calendar.is_open(early)


def test_unknown_calendar_names_the_nearest() -> None:
    """A misspelt calendar is refused at once."""
    with pytest.raises(InstrumentError, match="There is no calendar 'SHFEX'.*Did you mean 'SHFE'"):
        Calendar("SHFEX")


@pytest.mark.parametrize(
    ("name", "moment", "close"),
    [
        ("XSHG", "2024-11-04T10:00+08:00", "2024-11-04T15:00+08:00"),
        ("XSHG", "2024-11-04T15:00+08:00", "2024-11-05T15:00+08:00"),
        ("SHFE.au", "2024-11-01T22:00+08:00", "2024-11-04T15:00+08:00"),  # a Friday night belongs to Monday
        ("XNYS", "2024-11-29T10:00-05:00", "2024-11-29T13:00-05:00"),
    ],
)
def test_day_close_is_that_of_the_trading_day(name: str, moment: str, close: str) -> None:
    """Not that of a break or of a night session; after it comes the next day's."""
    assert Calendar(name).day_close(from_iso(moment)) == from_iso(close)


def test_always_open_market_has_no_close() -> None:
    """No day of it ends by a close."""
    assert Calendar("24/7").day_close(0) is None


@pytest.mark.parametrize("name", ["24/7", "24/5", "XSHG", "CMES", "SHFE.au", "CFFEX"])
def test_segments_are_apart_and_agree_with_is_open(name: str) -> None:
    """Each opens after the one before has closed: sessions without a break between them are one."""
    calendar = Calendar(name)
    opens, closes = calendar.segments()
    assert (opens < closes).all()
    assert (closes[:-1] < opens[1:]).all()
    for row in range(max(0, len(opens) - 20), len(opens)):
        begin, end = int(opens[row]), int(closes[row])
        assert calendar.is_open(begin)
        assert not calendar.is_open(begin - 1)
        assert calendar.is_open(end - 1)
        assert not calendar.is_open(end)
