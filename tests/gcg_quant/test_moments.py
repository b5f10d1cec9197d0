"""Times as people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

from gcg_quant.clock import NS_PER_DAY, NS_PER_HOUR, from_iso
from gcg_quant.errors import EventError
from gcg_quant.moments import first_ns, is_day, last_ns

NOON = from_iso("2013-10-07T12:00Z")


@pytest.mark.parametrize(
    "value",
    [
        NOON,
        np.int64(NOON),
        datetime(2013, 10, 7, 12, tzinfo=UTC),
        datetime(2013, 10, 7, 20, tzinfo=timezone(timedelta(hours=8))),
        datetime(2013, 10, 7, 8),
        pd.Timestamp("2013-10-07 12:00", tz="UTC"),
        "2013-10-07 08:00",
        "2013-10-07T12:00Z",
        "20131007 080000",
    ],
)
def test_every_way_to_write_a_moment(value: object) -> None:
    """Numbers, datetimes and texts mean one moment; without a zone they hang on New York's clock."""
    assert first_ns(value, zone="America/New_York") == last_ns(value, zone="America/New_York") == NOON  # type: ignore[arg-type]
    assert not is_day(value)  # type: ignore[arg-type]


def test_nanoseconds_of_a_timestamp_count() -> None:
    """Pandas knows what a datetime does not."""
    assert first_ns(pd.Timestamp(NOON + 7, tz="UTC")) == NOON + 7


@pytest.mark.parametrize("value", [date(2013, 11, 3), "2013-11-03", "20131103"])
def test_a_date_is_a_whole_day_of_the_zone(value: date | str) -> None:
    """The day on which the clocks change has 25 hours."""
    start, end = (ask(value, zone="America/New_York") for ask in (first_ns, last_ns))
    assert start == from_iso("2013-11-03T00:00-04:00")
    assert end - start == 25 * NS_PER_HOUR
    assert is_day(value)


def test_a_date_is_a_trading_day_with_its_night() -> None:
    """A futures day begins on the evening before; a holiday is a calendar day; around the clock the zone decides."""
    asked = {"zone": "Asia/Shanghai", "calendar": "SHFE.au"}
    assert first_ns("2021-01-05", **asked) == from_iso("2021-01-04T21:00+08:00")
    assert last_ns("2021-01-04", **asked) <= first_ns("2021-01-05", **asked)
    assert first_ns("2021-01-03", **asked) == from_iso("2021-01-03T00:00+08:00")
    assert last_ns("2021-01-03", **asked) - first_ns("2021-01-03", **asked) == NS_PER_DAY
    assert first_ns("2021-01-05", zone="Asia/Shanghai") == from_iso("2021-01-05T00:00+08:00")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("yesterday", "start: 'yesterday' is not an ISO time"),
        ("2013-13-07", "start: '2013-13-07' is not a day"),
        (20131007, "start: 20131007 as nanoseconds is in 1970; write a day as the text '20131007'"),
        (1.5, "start must be a datetime, a date, an ISO text or nanoseconds, found float 1.5"),
        (True, "start: True"),
    ],
)
def test_what_is_no_time_is_said(value: object, message: str) -> None:
    """One sentence that names the argument."""
    with pytest.raises(EventError, match=message.replace("(", r"\(")):
        first_ns(value)  # type: ignore[arg-type]
