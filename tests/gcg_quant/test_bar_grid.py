"""Intervals: by the clock, by trading days, and by the sessions of a market with its breaks, nights and auctions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant.bar_grid import BarGrid, Interval
from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_MINUTE, NS_PER_SECOND, from_iso, to_iso

CHINA = "Asia/Shanghai"


def bars_of(calendar: str, period: str, moments: list[str], zone: str) -> list[tuple[str, str]]:
    """Return the (start, end) of the interval of each moment, as local "DDTHH:MM"; ("", "") for none."""
    grid = BarGrid(period, Calendar(calendar))
    found = (grid.at(from_iso(moment, zone)) for moment in moments)
    return [("", "") if one is None else (to_iso(one.start_ns, zone)[8:16], to_iso(one.end_ns, zone)[8:16]) for one in found]


def day_of_bars(calendar: str, period: str, day: int) -> str:
    """Return where the bars of a trading day begin and end, "09:00-10:00 ...", going through it minute by minute."""
    grid = BarGrid(period, Calendar(calendar))
    zone = Calendar(calendar).timezone
    starts: dict[int, Interval] = {}
    for begin, end in Calendar(calendar).sessions(day):
        for at in range(begin, end, NS_PER_MINUTE):
            interval = grid.at(at)
            assert interval is not None
            starts.setdefault(interval.start_ns, interval)
    return " ".join(f"{to_iso(one.start_ns, zone)[11:16]}-{to_iso(one.end_ns, zone)[11:16]}" for one in starts.values())


@pytest.mark.parametrize(
    ("calendar", "period", "expected"),
    [
        ("XSHG:session", "1h", "09:30-10:30 10:30-11:30 13:00-14:00 14:00-15:00"),
        ("XSHG:day", "1h", "09:30-10:30 10:30-11:30 13:00-14:00 14:00-15:00"),
        ("XSHG", "1h", "09:00-10:00 10:00-11:00 11:00-12:00 13:00-14:00 14:00-15:00"),
        ("XSHG:session", "2h", "09:30-11:30 13:00-15:00"),
        ("XSHG:session", "4h", "09:30-11:30 13:00-15:00"),
        ("XSHG:day", "4h", "09:30-15:00"),
        ("XHKG:session", "1h", "09:30-10:30 10:30-11:30 11:30-12:00 13:00-14:00 14:00-15:00 15:00-16:00"),
        ("XHKG:day", "1h", "09:30-10:30 10:30-11:30 11:30-13:30 13:30-14:30 14:30-15:30 15:30-16:00"),
        ("GFEX.si:session", "30m", "09:00-09:30 09:30-10:00 10:00-10:15 10:30-11:00 11:00-11:30 13:30-14:00 14:00-14:30 14:30-15:00"),
        ("GFEX.si:day", "30m", "09:00-09:30 09:30-10:00 10:00-10:45 10:45-11:15 11:15-13:45 13:45-14:15 14:15-14:45 14:45-15:00"),
        ("GFEX.si:session", "1h", "09:00-10:00 10:00-10:15 10:30-11:30 13:30-14:30 14:30-15:00"),
        ("GFEX.si:day", "1h", "09:00-10:00 10:00-11:15 11:15-14:15 14:15-15:00"),
        ("SHFE.rb:session", "1h", "21:00-22:00 22:00-23:00 09:00-10:00 10:00-10:15 10:30-11:30 13:30-14:30 14:30-15:00"),
        ("SHFE.rb:day", "1h", "21:00-22:00 22:00-23:00 09:00-10:00 10:00-11:15 11:15-14:15 14:15-15:00"),
        ("SHFE.au:day", "4h", "21:00-01:00 01:00-13:45 13:45-15:00"),
        ("CFFEX.T:session", "1h", "09:30-10:30 10:30-11:30 13:00-14:00 14:00-15:00 15:00-15:15"),
        ("XNYS:session", "1h", "09:30-10:30 10:30-11:30 11:30-12:30 12:30-13:30 13:30-14:30 14:30-15:30 15:30-16:00"),
        ("FX:session", "4h", "17:00-21:00 21:00-01:00 01:00-05:00 05:00-09:00 09:00-13:00 13:00-17:00"),
    ],
)
def test_bars_of_a_day(calendar: str, period: str, expected: str) -> None:
    """What a market's traders know as its hours: by the clock, from each opening, or in trading time across the breaks."""
    assert day_of_bars(calendar, period, 20241104) == expected


@pytest.mark.parametrize(
    ("calendar", "moment", "expected"),
    [
        ("XSHG", "2024-11-04T09:25:01", "04T09:30"),  # the opening auction's price
        ("XSHG", "2024-11-04T09:14:59", ""),
        ("XSHG", "2024-11-04T11:30:02.5", "04T11:29"),
        ("XSHG", "2024-11-04T12:15", ""),
        ("XSHG", "2024-11-04T12:59:59", "04T13:00"),
        ("XSHG", "2024-11-04T15:00:03", "04T14:59"),  # the closing auction's
        ("XSHG", "2024-11-04T15:05", ""),  # trading at the closing price
        ("XHKG", "2024-11-04T09:20", "04T09:30"),
        ("XHKG", "2024-11-04T16:09:30", "04T15:59"),
        ("SHFE.au", "2024-11-01T20:59", "01T21:00"),  # Friday's night session
        ("SHFE.au", "2024-11-02T02:30:00.5", "02T02:29"),
        ("SHFE.au", "2024-11-04T08:59", "04T09:00"),  # since May 2023 there is an auction behind the night, too
        ("SHFE.au", "2024-11-04T10:15:00.5", "04T10:14"),
        ("SHFE.au", "2024-11-04T10:20", ""),
        ("CFFEX.IF", "2021-01-04T09:29:00.4", "04T09:30"),  # as in the recorded file, like the two below
        ("CFFEX.IF", "2021-01-04T15:00:00.4", "04T14:59"),
        ("CFFEX.IF", "2021-01-04T15:30:48.9", ""),  # the settlement
        ("CZCE.TA", "2024-09-30T21:10", ""),  # before a holiday there is no night
    ],
)
def test_auctions_and_what_comes_after_the_close(calendar: str, moment: str, expected: str) -> None:
    """Prices a little before an opening or after a close belong to the bar beside them; all else outside counts nowhere."""
    assert bars_of(f"{calendar}:session", "1m", [moment], CHINA)[0][0] == expected
    in_day = bars_of(f"{calendar}:session", "1d", [moment], CHINA)[0] != ("", "")
    assert in_day == bool(expected)


def test_last_prices_of_a_session_are_waited_for() -> None:
    """A bar that ends with its session is due a little later than it ends; one in its middle at its end."""
    grid = BarGrid("1m", Calendar("CFFEX.IF:session"))
    for text, wait_s in (("2021-01-04T10:00", 0), ("2021-01-04T11:29:30", 60), ("2021-01-04T14:59:59", 60)):
        interval = grid.at(from_iso(text, CHINA))
        assert interval is not None
        assert interval.due_ns - interval.end_ns == wait_s * NS_PER_SECOND
    first, second = grid.at(from_iso("2021-01-04T09:30", CHINA)), grid.at(from_iso("2021-01-04T09:31", CHINA))
    assert first is not None
    assert second is not None
    assert (first.whole, second.whole) == (True, False)


@pytest.mark.parametrize(
    ("moment", "opening"),
    [
        ("2013-11-01T10:00", "2013-11-01T13:30Z"),
        ("2013-11-04T10:00", "2013-11-04T14:30Z"),
        ("2014-03-07T10:00", "2014-03-07T14:30Z"),
        ("2014-03-10T10:00", "2014-03-10T13:30Z"),
    ],
)
def test_sessions_move_with_daylight_saving(moment: str, opening: str) -> None:
    """New York's first hour begins at 09:30 there, whatever that is in UTC; its day is that of its own midnight."""
    ns = from_iso(moment, "America/New_York")
    hour = BarGrid("1h", Calendar("XNYS:session")).at(ns)
    day = BarGrid("1d", Calendar("XNYS")).at(ns)
    assert hour is not None
    assert day is not None
    assert hour.start_ns == from_iso(opening)
    assert to_iso(day.start_ns, "America/New_York")[11:16] == to_iso(day.end_ns, "America/New_York")[11:16] == "00:00"


@pytest.mark.parametrize(
    ("sunday", "opens"), [("2024-10-27", "21:00"), ("2024-11-03", "22:00"), ("2025-03-02", "22:00"), ("2025-03-09", "21:00")]
)
def test_currency_week_begins_on_sunday_evening_in_new_york(sunday: str, opens: str) -> None:
    """The week opens at 17:00 in New York on both sides of a change of clocks, and Sunday evening is Monday's."""
    calendar = Calendar("FX")
    opening = from_iso(f"{sunday}T{opens}Z")
    assert not calendar.is_open(opening - 1)
    assert calendar.is_open(opening)
    assert calendar.next_open(opening - 1) == opening
    week = BarGrid("1w", calendar).at(opening)
    assert week is not None
    assert week.start_ns == opening
    assert to_iso(week.end_ns, "America/New_York")[11:16] == "00:00"
    assert not calendar.is_open(from_iso(f"{sunday}T{opens}Z") + 5 * 24 * 60 * NS_PER_MINUTE)


def test_weeks_are_those_of_trading_days() -> None:
    """Monday's local morning and Friday's night session belong to the week of the trading day, which by UTC they would not."""
    moments = ["2024-11-01T14:00", "2024-11-01T22:00", "2024-11-04T07:00", "2024-11-08T14:59"]
    assert bars_of("SHFE.au", "1w", moments, CHINA) == [("25T21:00", "01T18:00"), *[("01T21:00", "08T18:00")] * 3]
    assert bars_of("24/7", "1w", ["2024-11-03T23:00"], "UTC") == [("28T00:00", "04T00:00")]
    holidays = BarGrid("1w", Calendar("XSHG")).at(from_iso("2024-10-03T10:00", CHINA))  # belongs to the next trading day
    assert holidays is not None
    assert (holidays.trading_day, to_iso(holidays.start_ns, CHINA)[:10]) == (20241011, "2024-10-08")


def test_days_and_weeks_of_several_are_counted_by_date() -> None:
    """Three days or two weeks are those whose dates a count from the epoch puts together, closed days or not."""
    for period, days in (("3d", 3), ("2w", 14)):
        grid = BarGrid(period, Calendar("XNYS"))
        dates = [from_iso(f"2024-11-{day:02}T12:00", "America/New_York") for day in range(4, 9)]
        groups = [grid.at(ns) for ns in dates]
        assert all(one is not None and one.start_ns <= ns < one.end_ns for one, ns in zip(groups, dates, strict=True))
        plain = [(ns // (24 * 60 * NS_PER_MINUTE) - (4 if period == "2w" else 0)) // days for ns in dates]
        assert len(set(groups)) == len(set(plain))


def test_before_the_calendar_begins_dates_count() -> None:
    """Days and weeks of 1987 have their dates' midnights; by sessions nothing is known of them."""
    early = from_iso("1987-10-19T10:00", "America/New_York")
    week = BarGrid("1w", Calendar("XNYS")).at(early)
    assert week is not None
    assert to_iso(week.start_ns, "America/New_York")[:16] == "1987-10-19T00:00"
    assert to_iso(week.end_ns, "America/New_York")[:16] == "1987-10-26T00:00"
    assert BarGrid("1m", Calendar("XNYS:session")).at(early) is None


NAMES = ["24/7", "FX", "XSHG", "XNYS:session", "XHKG:day", "SHFE.au:session", "SHFE.au:day", "CMES:session", "CFFEX.IF:session"]


@given(
    st.sampled_from(NAMES),
    st.sampled_from(["1s", "7m", "30m", "1h", "4h", "1d", "3d", "1w"]),
    st.lists(st.integers(0, 40 * 24 * 3600), min_size=1, max_size=30),
)
@settings(max_examples=60)
def test_many_moments_at_once_agree_with_one_by_one(name: str, period: str, seconds: list[int]) -> None:
    """The vectorised intervals are the scalar ones, never go back, and hold what they say they hold."""
    grid = BarGrid(period, Calendar(name))
    moments = np.array(sorted(seconds), np.int64) * NS_PER_SECOND + from_iso("2024-10-01")
    many = grid.many(moments)
    known = []
    for row, moment in enumerate(moments.tolist()):
        one = grid.at(moment)
        assert (one is not None) == bool(many.inside[row])
        if one is None:
            continue
        known.append(one)
        assert one[:5] == (*(int(column[row]) for column in many[:4]), bool(many.whole[row]))
        assert one.start_ns < one.end_ns <= one.due_ns
        if one.from_ns <= moment < one.until_ns:
            for sure in (one.from_ns, one.until_ns - 1):
                found = grid.at(sure)
                assert found is not None
                assert found.start_ns == one.start_ns
    assert all(one.start_ns == other.start_ns or one.end_ns <= other.start_ns for one, other in itertools.pairwise(known))
