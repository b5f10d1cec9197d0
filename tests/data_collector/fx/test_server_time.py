"""The broker's clock: times of the server into UTC and back, over both changes of a year, and how the clock is told."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.data_collector.fx.server_time import ClockWatch, ServerTime, measured_ms, usual_time

HOUR_MS = 3_600_000


def ms(text: str) -> int:
    """Return a moment of UTC, ms."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("rule", "before", "after", "hours"),
    [
        ("new_york+7", "2024-03-08T21:59:59", "2024-03-10T21:00:00", (2, 3)),  # from Friday's close to Sunday's opening
        ("new_york+7", "2024-11-01T20:59:59", "2024-11-03T22:00:00", (3, 2)),
        ("Europe/Athens", "2024-03-29T20:59:59", "2024-03-31T21:00:00", (2, 3)),
        ("Europe/Athens", "2024-10-25T20:59:59", "2024-10-27T22:00:00", (3, 2)),
        ("UTC", "2024-03-08T21:59:59", "2024-11-03T22:00:00", (0, 0)),
        ("-05:30", "2024-03-08T21:59:59", "2024-11-03T22:00:00", (-5.5, -5.5)),
    ],
)
def test_both_changes_of_a_year(rule: str, before: str, after: str, hours: tuple[float, float]) -> None:
    """Up to the last moment of the week before and from the first of the week after, each by its own offset."""
    clock = ServerTime(rule)
    times = [ms(before), ms(after)]
    shown = [at + round(hour * HOUR_MS) for at, hour in zip(times, hours, strict=True)]
    assert [clock.server_ms(at) for at in times] == shown
    assert clock.utc_ms(np.array(shown)).tolist() == times


def test_every_quarter_of_the_weeks_of_two_years_goes_there_and_back() -> None:
    """While the currencies trade, no time of the server is of two moments; pandas has the same of it."""
    moments = pd.date_range("2023-01-01", "2025-01-01", freq="15min", tz="UTC")
    there = moments.tz_convert("America/New_York")
    week = (there.day_of_week < 4) | ((there.day_of_week == 4) & (there.hour < 17)) | ((there.day_of_week == 6) & (there.hour >= 17))
    utc = moments[week].astype("datetime64[ms, UTC]").astype("int64").to_numpy()
    shown = (there[week].tz_localize(None) + pd.Timedelta(hours=7)).astype("datetime64[ms]").astype("int64").to_numpy()
    assert (ServerTime("new_york+7").utc_ms(shown) == utc).all()


def test_an_hour_that_was_shown_twice_is_the_one_that_is_nearer() -> None:
    """In the past it is the first; of what has just come it is told by our clock."""
    clock = ServerTime("Europe/Athens")
    first, second = ms("2024-10-27T00:30"), ms("2024-10-27T01:30")
    shown = np.array([clock.server_ms(first)])
    assert clock.server_ms(second) == shown[0]
    assert clock.utc_ms(shown)[0] == first
    assert [clock.utc_ms(shown, now)[0] for now in (first, second)] == [first, second]


@given(hours=st.integers(-48, 48).map(lambda quarters: quarters / 4), age_s=st.floats(-5, 55))
def test_an_offset_is_measured_to_the_quarter(hours: float, age_s: float) -> None:
    """By a tick that is up to a minute old."""
    now = ms("2024-06-05T12:00")
    assert measured_ms(now + round(hours * HOUR_MS) - round(age_s * 1000), now) == hours * HOUR_MS


def test_a_measured_offset_is_explained_by_a_usual_rule() -> None:
    """New York's when both fit, Athens' in the weeks between the changes, else the plain offset."""
    assert usual_time(3 * HOUR_MS, ms("2024-06-05T12:00")).rule == "new_york+7"
    assert usual_time(3 * HOUR_MS, ms("2024-03-20T12:00")).rule == "new_york+7"
    assert usual_time(2 * HOUR_MS, ms("2024-03-20T12:00")).rule == "Europe/Athens"
    assert usual_time(0, ms("2024-06-05T12:00")).rule == "UTC"
    assert usual_time(-round(5.5 * HOUR_MS), ms("2024-06-05T12:00")).rule == "-5:30"
    assert measured_ms(ms("2024-06-05T12:05"), ms("2024-06-05T12:00")) is None


def test_another_offset_replaces_a_measured_rule_and_contradicts_a_stated_one() -> None:
    """Not at once: twenty looks in a row have to say so."""
    now = ms("2024-06-05T12:00")
    watch, stated = ClockWatch("auto"), ClockWatch("new_york+7")
    assert watch.see(now + 3 * HOUR_MS, now)
    for _ in range(19):
        assert not watch.see(now + HOUR_MS, now)
        assert not stated.see(now + HOUR_MS, now)
    assert watch.see(now + HOUR_MS, now)
    assert watch.time.rule == "+1:00"
    assert stated.see(now + HOUR_MS, now)
    assert stated.problem == "the server's clock is +1 h from UTC, and server_time 'new_york+7' says otherwise"
    assert stated.see(now + 3 * HOUR_MS, now)
    assert stated.problem == ""


@pytest.mark.parametrize("rule", ["EET+1", "", "+15", "../etc/passwd"])
def test_a_rule_that_is_none_is_one_sentence(rule: str) -> None:
    """It says what there is."""
    with pytest.raises(ValueError, match=r"expected 'new_york\+7'|at most 14 hours"):
        ServerTime(rule)
