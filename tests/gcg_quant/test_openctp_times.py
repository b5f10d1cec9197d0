"""When a futures counter's message happened, and on which trading day: every exchange, through the night."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.clock import NS_PER_SECOND, from_iso, to_iso
from gcg_quant.openctp_times import EXCHANGES, event_moment

ZONE = "Asia/Shanghai"
# What happened when (Shanghai), and the trading day that it belongs to: an evening in the week, Friday's, and one before a holiday.
NIGHTS = [
    ("2021-01-06T20:59:00", 20210107),
    ("2021-01-06T21:00:00", 20210107),
    ("2021-01-06T23:59:59", 20210107),
    ("2021-01-07T00:00:00", 20210107),
    ("2021-01-07T02:30:00", 20210107),
    ("2021-01-07T09:00:00", 20210107),
    ("2021-01-08T20:59:00", 20210111),
    ("2021-01-08T21:00:00", 20210111),
    ("2021-01-08T23:59:59", 20210111),
    ("2021-01-09T00:00:00", 20210111),
    ("2021-01-09T02:30:00", 20210111),
    ("2021-02-10T14:59:59", 20210210),  # the last session before the new year's holiday: none at night
    ("2021-02-18T09:00:00", 20210218),
    ("2021-02-18T21:00:00", 20210219),
]


def stated(exchange: str, when: str, trading_day: int) -> tuple[str, str, str]:
    """Return TradingDay, ActionDay and UpdateTime as an exchange states them."""
    date, time = when.replace("-", "").split("T")
    if exchange == "CZCE":
        return date, date, time
    return str(trading_day), str(trading_day) if exchange == "DCE" else date, time


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize(("when", "trading_day"), NIGHTS)
def test_each_exchanges_dates_are_read_as_it_means_them(exchange: str, when: str, trading_day: int) -> None:
    """DCE's day of happening is the trading day at night, CZCE's trading day the day of happening; the moment is the same."""
    day, action, time = stated(exchange, when, trading_day)
    expected = from_iso(when, ZONE)
    for late_ns in (3_000_000, 90 * NS_PER_SECOND, 10**18):  # at once, late, and replayed long afterwards
        found = event_moment(exchange, day, action, time, 500, expected + late_ns)
        assert (to_iso(found.event_ns, ZONE), found.trading_day) == (to_iso(expected + 500_000_000, ZONE), trading_day)


@pytest.mark.parametrize("exchange", [one for one in EXCHANGES if one != "CZCE"])
@pytest.mark.parametrize(("when", "trading_day"), NIGHTS)
def test_without_a_day_of_happening_the_calendar_says_it(exchange: str, when: str, trading_day: int) -> None:
    """From the trading day alone the evening and the small hours before it are found, over a weekend, too."""
    moment = from_iso(when, ZONE)
    assert event_moment(exchange, str(trading_day), "", when[11:], 0, moment) == (moment, trading_day)


def test_around_midnight_a_date_of_the_other_side_is_put_right() -> None:
    """The exchange's time and the front's date come from two clocks; a message of midnight can have one of yesterday."""
    midnight = from_iso("2021-01-07T00:00:00", ZONE)
    late = event_moment("SHFE", "20210107", "20210107", "23:59:59", 500, midnight + 1_000_000)
    assert late.event_ns == midnight - 500_000_000
    early = event_moment("SHFE", "20210107", "20210106", "00:00:00", 0, midnight - 1_000_000)
    assert early.event_ns == midnight
    assert event_moment("SHFE", "20210107", "20210107", "00:20:00", 0, midnight).event_ns == midnight + 1200 * NS_PER_SECOND


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("20210107", "20210107", "9:3"), "'9:3' is not a time HH:MM:SS"),
        (("20210107", "20210107", "24:00:00"), "'24:00:00' is not a time of the day"),
        (("", "2021-1-7", "09:00:00"), "neither TradingDay '' nor ActionDay '2021-1-7' is a day"),
        (("20211399", "", "09:00:00"), "neither TradingDay '20211399' nor"),
    ],
)
def test_what_is_no_time_is_said(arguments: tuple[str, str, str], words: str) -> None:
    """A time or day that cannot be read is a ValueError that shows it."""
    with pytest.raises(ValueError, match=words):
        event_moment("SHFE", *arguments, 0, 0)


@given(st.text(max_size=10), st.text(max_size=10), st.text(max_size=10), st.sampled_from(EXCHANGES))
def test_rubbish_is_a_value_error_or_a_moment(day: str, action: str, time: str, exchange: str) -> None:
    """No text raises anything else."""
    try:
        found = event_moment(exchange, day, action, time, 0, 0)
    except ValueError:
        return
    assert found.trading_day > 0
