"""Local times to UTC."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant.clock import from_iso
from gcg_quant.data_collector.zones import ABSENT_HOUR, ONCE, TWICE, LocalZone
from gcg_quant.errors import ImportFileError

_ZONES = ("America/New_York", "Asia/Shanghai", "Europe/London", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Cairo", "UTC")


def _local(*texts: str) -> np.ndarray:
    return np.array([from_iso(text) for text in texts], np.int64)


@settings(deadline=None)
@given(st.sampled_from(_ZONES), st.lists(st.datetimes(datetime(1950, 1, 1), datetime(2037, 12, 31)), min_size=1), st.booleans())
def test_local_times_convert_as_zoneinfo_does(zone: str, moments: list[datetime], later: bool) -> None:
    """Every local time becomes the instant that zoneinfo gives it, with fold 0 or, for the repeated hour, fold 1."""
    ns = np.array([(moment - datetime(1970, 1, 1)) // timedelta(microseconds=1) * 1000 for moment in moments], np.int64)
    utc, kinds = LocalZone(zone).to_utc(ns, later=later)
    for moment, instant, kind in zip(moments, utc.tolist(), kinds.tolist(), strict=True):
        fold = 1 if later and kind == TWICE else 0
        expected = moment.replace(tzinfo=ZoneInfo(zone), fold=fold) - datetime(1970, 1, 1, tzinfo=UTC)
        assert instant == expected // timedelta(microseconds=1) * 1000


def test_hour_skipped_in_spring_is_marked_absent() -> None:
    """New York's clocks jump from 02:00 to 03:00 on 10 March 2013."""
    zone = LocalZone("America/New_York")
    utc, kinds = zone.to_utc(_local("2013-03-10T01:59:59.999999999", "2013-03-10T02:00:00", "2013-03-10T02:59:59", "2013-03-10T03:00:00"))
    assert kinds.tolist() == [ONCE, ABSENT_HOUR, ABSENT_HOUR, ONCE]
    assert utc[3] - utc[0] == 1


def test_hour_repeated_in_autumn_is_marked_twice() -> None:
    """New York's clocks go back from 02:00 to 01:00 on 3 November 2013; both instants can be had."""
    zone = LocalZone("America/New_York")
    local = _local("2013-11-03T00:59:59", "2013-11-03T01:30:00", "2013-11-03T02:00:00")
    first, kinds = zone.to_utc(local)
    second, _ = zone.to_utc(local, later=True)
    assert kinds.tolist() == [ONCE, TWICE, ONCE]
    assert (second - first).tolist() == [0, 3_600_000_000_000, 0]
    assert first[1] == from_iso("2013-11-03T05:30:00Z")


def test_skipped_midnight_is_the_moment_of_the_change() -> None:
    """Brazil's clocks jumped at midnight: the day began at 01:00, which is 03:00 UTC."""
    utc, kinds = LocalZone("America/Sao_Paulo").to_utc(_local("2017-10-15"))
    assert kinds.tolist() == [ABSENT_HOUR]
    assert utc[0] == from_iso("2017-10-15T03:00:00Z")


def test_nanoseconds_survive_the_conversion() -> None:
    """No digit of a nanosecond time is lost."""
    utc, _ = LocalZone("Asia/Shanghai").to_utc(_local("2021-01-04T09:29:00.123456789"))
    assert utc[0] == from_iso("2021-01-04T01:29:00.123456789Z")


@settings(deadline=None)
@given(st.sampled_from(_ZONES), st.lists(st.integers(0, 2_000_000_000), min_size=1))
def test_local_clock_and_back_is_the_same_instant(zone: str, seconds: list[int]) -> None:
    """to_local and to_utc undo each other wherever the local time is not repeated."""
    utc = np.array(seconds, np.int64) * 1_000_000_000
    local_zone = LocalZone(zone)
    again, kinds = local_zone.to_utc(local_zone.to_local(utc))
    assert (again == utc)[kinds == ONCE].all()


@pytest.mark.parametrize("name", ["America/New_Yrok", "", "../etc/passwd", "New York"])
def test_unknown_zone_is_refused_with_a_sentence(name: str) -> None:
    """A name that is no IANA zone raises an error that names it."""
    with pytest.raises(ImportFileError, match="Time zone .* is unknown") as caught:
        LocalZone(name)
    assert caught.value.context["option"] == "timezone"


def test_misspelt_zone_suggests_the_nearest() -> None:
    """A misspelt zone gets a suggestion."""
    with pytest.raises(ImportFileError, match="Did you mean 'America/New_York'"):
        LocalZone("America/New_Yrok")
