"""Text to time."""

from datetime import datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant.clock import from_iso
from gcg_quant.data_collector.importing.import_times import find_time_format, parse_times
from gcg_quant.errors import ImportFileError

_MOMENTS = st.tuples(st.datetimes(datetime(1680, 1, 1), datetime(2261, 12, 31)), st.integers(0, 999))


def _parse(texts: list[str | None], option: str | None = None) -> tuple[list[int], list[bool], list[bool]]:
    first = next(text for text in texts if text)
    times = parse_times(pa.array(texts, pa.string()), find_time_format(option, first))
    return times.ns.tolist(), times.bad.tolist(), times.utc.tolist()


@settings(deadline=None)
@given(st.lists(_MOMENTS, min_size=1), st.sampled_from(["T", " "]), st.sampled_from(["-", "/", "."]))
def test_iso_times_are_exact_to_the_nanosecond(moments: list[tuple[datetime, int]], middle: str, dash: str) -> None:
    """Whatever the separators, the nanoseconds are those that are written."""
    texts = [
        f"{when.year:04d}{dash}{when.month:02d}{dash}{when.day:02d}{middle}{when:%H:%M:%S}.{when.microsecond:06d}{nano:03d}"
        for when, nano in moments
    ]
    ns, bad, utc = _parse(texts)
    assert not any(bad)
    assert not any(utc)
    assert ns == [from_iso(text.replace(dash, "-", 2)) for text in texts]


@settings(deadline=None)
@given(st.lists(st.integers(100_000_000_000_000_000, 9_000_000_000_000_000_000), min_size=1), st.sampled_from(["s", "ms", "us", "ns"]))
def test_numbers_since_1970_are_exact(numbers: list[int], unit: str) -> None:
    """A decimal number of seconds, milliseconds, microseconds or nanoseconds gives exactly its nanoseconds."""
    digits = {"s": 9, "ms": 6, "us": 3, "ns": 0}[unit]
    texts = [f"{number // 10**digits}.{number % 10**digits:0{digits}d}" if digits else str(number) for number in numbers]
    ns, bad, utc = _parse(texts, unit)
    assert ns == numbers
    assert not any(bad)
    assert all(utc)


@pytest.mark.parametrize(
    ("text", "name", "instant"),
    [
        ("2013-10-07", "iso", "2013-10-07"),
        ("20131007", "iso", "2013-10-07"),
        ("2013/10/07 04:00", "iso", "2013-10-07T04:00:00"),
        ("20131007 040000.5", "iso", "2013-10-07T04:00:00.5"),
        ("201310070930", "compact", "2013-10-07T09:30:00"),
        ("20131007093000", "compact", "2013-10-07T09:30:00"),
        ("20131007093000123", "compact", "2013-10-07T09:30:00.123"),
        ("2013-10-07T04:00:00+08:00", "iso", "2013-10-06T20:00:00"),
        ("2013-10-07T04:00:00-0530", "iso", "2013-10-07T09:30:00"),
        ("2013-10-07 04:00:00Z", "iso", "2013-10-07T04:00:00"),
        ("1381118400", "s", "2013-10-07T04:00:00"),
        ("1381118400.25", "s", "2013-10-07T04:00:00.25"),
        ("1381118400123", "ms", "2013-10-07T04:00:00.123"),
        ("1381118400123456", "us", "2013-10-07T04:00:00.123456"),
        ("1381118400123456789", "ns", "2013-10-07T04:00:00.123456789"),
    ],
)
def test_formats_are_told_apart_by_their_look(text: str, name: str, instant: str) -> None:
    """These formats need no option."""
    assert find_time_format(None, text).name == name
    assert _parse([text])[0] == [from_iso(instant)]


@pytest.mark.parametrize(
    ("option", "text", "instant"),
    [
        ("%d/%m/%Y %H:%M:%S.%f", "07/10/2013 04:00:00.25", "2013-10-07T04:00:00.25"),
        ("%m/%d/%Y", "10/7/2013", "2013-10-07"),
        ("%d-%b-%y", "07-Oct-13", "2013-10-07"),
        ("%d.%m.%Y %H:%M:%S%z", "07.10.2013 04:00:00+0200", "2013-10-07T02:00:00"),
        ("s", "-1.5", "1969-12-31T23:59:58.5"),
        ("ns", "0", "1970-01-01"),
    ],
)
def test_stated_formats_are_followed(option: str, text: str, instant: str) -> None:
    """A pattern or unit reads what no look could tell."""
    assert _parse([text], option)[0] == [from_iso(instant)]


@pytest.mark.parametrize(
    "text",
    [
        "2015-02-29",
        "2013-13-01",
        "2013-00-10",
        "2013-10-32",
        "1600-01-01",
        "2400-01-01",
        "x",
        "2013-10-07T24:00:00",
        "2013-10-07T23:60:00",
        "2013-10-07T23:59:60",
        "2013-10-07T04:00:00.1234567890",
        "2013-10-07T04:00:00+25:00",
    ],
)
def test_impossible_time_is_bad(text: str) -> None:
    """What no calendar or clock shows, or no 64 bits hold, is marked and not bent into something else."""
    assert _parse(["2013-10-07", text])[1] == [False, True]


def test_missing_time_is_bad() -> None:
    """An empty cell is no time."""
    assert _parse(["2013-10-07", None])[1] == [False, True]


@pytest.mark.parametrize(
    ("unit", "text"), [("s", "1.1234567891"), ("ms", "1.1234567"), ("ns", "1.5"), ("ns", "9999999999999999999"), ("s", "1e9")]
)
def test_number_that_64_bits_of_nanoseconds_cannot_hold_is_bad(unit: str, text: str) -> None:
    """Too fine or too large a number is not rounded."""
    assert _parse(["1", text], unit)[1] == [False, True]


@pytest.mark.parametrize("text", ["01/02/2014", "0", "12345", "13:45:00", "yesterday"])
def test_ambiguous_time_asks_for_its_format(text: str) -> None:
    """A day is never guessed."""
    with pytest.raises(ImportFileError, match="can be read in several ways") as caught:
        find_time_format(None, text)
    assert caught.value.context["option"] == "time_format"


@pytest.mark.parametrize(
    ("option", "sentence"),
    [("%Q", "holds %Q"), ("%H:%M", "lacks a year, month or day"), ("%Y%m%d %Y", "names the same part twice")],
)
def test_unusable_format_is_refused_with_a_sentence(option: str, sentence: str) -> None:
    """A pattern that cannot give a time says why."""
    with pytest.raises(ImportFileError, match=sentence):
        find_time_format(option, "")
