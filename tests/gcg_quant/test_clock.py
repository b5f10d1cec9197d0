"""Times: exact to the nanosecond at every edge."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.clock import day_of, day_start, from_datetime, from_iso, now_ns, to_datetime, to_iso
from gcg_quant.errors import EventError

MOMENTS = st.integers(from_iso("1950-01-01"), from_iso("2200-01-01"))
ZONES = st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu"])


@given(MOMENTS, ZONES)
def test_iso_text_comes_back_to_the_nanosecond(ns: int, zone: str) -> None:
    """What to_iso writes in any zone, from_iso reads as the same nanosecond."""
    assert from_iso(to_iso(ns, zone)) == ns


@given(MOMENTS, ZONES)
def test_datetime_cuts_below_the_microsecond(ns: int, zone: str) -> None:
    """A datetime holds microseconds: the rest is cut, nothing is rounded up."""
    assert from_datetime(to_datetime(ns, zone)) == ns // 1000 * 1000


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("1970-01-01", "UTC", 0),
        ("1969-12-31T23:59:59.999999999Z", "UTC", -1),
        ("2013-10-07 09:30:00", "America/New_York", 1_381_152_600_000_000_000),
        ("20131007 09:30", "America/New_York", 1_381_152_600_000_000_000),
        ("2013-10-07T09:30:00.5-0400", "Asia/Shanghai", 1_381_152_600_500_000_000),
        ("2013-10-07T09:30:00,123456789123-04:00", "UTC", 1_381_152_600_123_456_789),
        (" 2013-10-07T13:30:00 Z ", "Asia/Shanghai", 1_381_152_600_000_000_000),
        ("2021-01-04 09:29:00", "Asia/Shanghai", 1_609_723_740_000_000_000),
    ],
)
def test_texts_are_read_in_their_zone(text: str, zone: str, expected: int) -> None:
    """An offset in the text wins over the zone; digits below the nanosecond are cut."""
    assert from_iso(text, zone) == expected


def test_repeated_hour_is_its_first_one() -> None:
    """When the clocks go back, 01:30 happens twice: the first one is meant."""
    assert from_iso("2024-11-03 01:30", "America/New_York") == from_iso("2024-11-03T01:30-04:00")


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2013-13-01", "2013-02-30 10:00", "2013-10-07 25:00", "12:30", "2013-10-07T09:30:00+99:99"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """A text that is no time raises an EventError that quotes it."""
    with pytest.raises(EventError, match=r"is not (an ISO|a) time") as caught:
        from_iso(text)
    assert repr(text) in str(caught.value)


def test_unknown_zone_is_refused() -> None:
    """A zone that does not exist is named in the error."""
    with pytest.raises(EventError, match="'Mars/Olympus' is not a time zone"):
        from_iso("2013-10-07", "Mars/Olympus")


def test_naive_datetime_is_refused() -> None:
    """A datetime without a zone means no moment."""
    with pytest.raises(EventError, match="has no time zone"):
        from_datetime(datetime(2013, 10, 7))


def test_iso_text_shows_only_the_decimals_needed() -> None:
    """Whole seconds have no decimals, others 3, 6 or 9."""
    shown = [to_iso(ns) for ns in (0, 250_000_000, 1_000, 1)]
    assert shown == ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00.250Z", "1970-01-01T00:00:00.000001Z", "1970-01-01T00:00:00.000000001Z"]


def test_days_begin_at_local_midnight() -> None:
    """A day is a number, and begins when its zone says."""
    assert day_start(20210104, "Asia/Shanghai") == from_iso("2021-01-03T16:00Z")
    assert day_of(from_iso("2021-01-03T16:00Z"), "Asia/Shanghai") == 20210104
    with pytest.raises(EventError, match="20210230 is not a day"):
        day_start(20210230)


def test_now_is_the_wall_clock() -> None:
    """now_ns counts nanoseconds since the epoch."""
    assert abs(now_ns() - from_datetime(datetime.now(UTC))) < 5_000_000_000
