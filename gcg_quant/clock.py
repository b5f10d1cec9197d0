"""Time as gcg_quant keeps it: an `int` of nanoseconds since the Unix epoch, UTC.

Everything inside counts such integers; texts, dates and `datetime` objects exist at the edges only, and the functions here are
those edges. No float seconds anywhere: a float holds today's time to about 200 ns only.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from gcg_quant.errors import EventError

__all__ = [
    "NS_PER_DAY",
    "NS_PER_HOUR",
    "NS_PER_MICROSECOND",
    "NS_PER_MILLISECOND",
    "NS_PER_MINUTE",
    "NS_PER_SECOND",
    "day_end",
    "day_of",
    "day_start",
    "from_datetime",
    "from_iso",
    "now_ns",
    "to_datetime",
    "to_iso",
    "zone_of",
]

NS_PER_MICROSECOND = 1_000
NS_PER_MILLISECOND = 1_000_000
NS_PER_SECOND = 1_000_000_000
NS_PER_MINUTE = 60 * NS_PER_SECOND
NS_PER_HOUR = 60 * NS_PER_MINUTE
NS_PER_DAY = 24 * NS_PER_HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)"
    r"(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9})\d*)?)?)?"
    r"\s*(Z|[+-]\d\d(?::?\d\d)?)?"
)

now_ns = time.time_ns  # the wall clock; only sources of events and timers ask it, everybody else has the time of the event at hand


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo:
    """Return the time zone of an IANA name such as "Asia/Shanghai"; raise EventError if there is none."""
    if name.upper() in ("UTC", "Z"):
        return UTC
    try:
        return ZoneInfo(name)
    except (LookupError, OSError, ValueError, ImportError) as error:
        raise EventError(f"{name!r} is not a time zone; write an IANA name such as 'Asia/Shanghai' or 'UTC'.", zone=name) from error


def from_iso(text: str, zone: str = "UTC") -> int:
    """Return nanoseconds for an ISO 8601 text such as "2013-10-07", "20131007 09:30:00" or "2013-10-07T09:30:00.123456789+08:00".

    `zone` is where the clock hung that wrote the text; an offset in the text itself wins. An hour that a change of clocks
    repeats is read as its first one. Digits beyond the nanosecond are cut. Raises EventError for anything else.
    """
    match = _ISO.fullmatch(text.strip())
    if match is None:
        raise EventError(f"{text!r} is not an ISO time; expected something like '2013-10-07 09:30:00'.", text=text)
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    local = None if offset else zone_of(zone)
    try:
        where = local or _offset_zone(offset)
        moment = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=where)
        since = moment - _EPOCH
    except (ValueError, OverflowError) as error:
        raise EventError(f"{text!r} is not a time: {error}.", text=text) from error
    return (since.days * 86_400 + since.seconds) * NS_PER_SECOND + int((fraction or "").ljust(9, "0"))


def to_iso(ns: int, zone: str = "UTC") -> str:
    """Return the ISO 8601 text of `ns` in `zone`, with 0, 3, 6 or 9 decimals as needed, such as "2013-10-07T09:30:00.250Z"."""
    seconds, fraction = divmod(int(ns), NS_PER_SECOND)
    text = (_EPOCH + timedelta(seconds=seconds)).astimezone(zone_of(zone)).isoformat(timespec="seconds")
    head, offset = text[:19], text[19:]
    digits = f"{fraction:09d}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return head + ("." + digits if digits else "") + ("Z" if offset == "+00:00" else offset)


def to_datetime(ns: int, zone: str = "UTC") -> datetime:
    """Return `ns` as an aware datetime in `zone`; what is below a microsecond is cut, since datetime holds no more."""
    return (_EPOCH + timedelta(microseconds=int(ns) // NS_PER_MICROSECOND)).astimezone(zone_of(zone))


def from_datetime(moment: datetime) -> int:
    """Return the nanoseconds of an aware datetime, exactly; raise EventError for one without a zone."""
    if moment.tzinfo is None:
        raise EventError(f"The time {moment} has no time zone; add one (tzinfo=) so that it means one moment.", moment=moment)
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * NS_PER_SECOND + since.microseconds * NS_PER_MICROSECOND


def day_of(ns: int, zone: str = "UTC") -> int:
    """Return the calendar day of `ns` in `zone` as a number YYYYMMDD."""
    moment = to_datetime(ns, zone)
    return moment.year * 10_000 + moment.month * 100 + moment.day


def day_start(day: int, zone: str = "UTC") -> int:
    """Return the nanoseconds of midnight at which the day YYYYMMDD begins in `zone`."""
    try:
        when = date(day // 10_000, day // 100 % 100, day % 100)
    except ValueError as error:
        raise EventError(f"{day} is not a day; expected YYYYMMDD such as 20131007.", day=day) from error
    return from_datetime(datetime(when.year, when.month, when.day, tzinfo=zone_of(zone)))


def day_end(day: int, zone: str = "UTC") -> int:
    """Return the nanoseconds of midnight at which the day YYYYMMDD ends in `zone`: 23 or 25 hours later where clocks change."""
    return day_start(day_of(day_start(day, zone) + NS_PER_DAY + NS_PER_DAY // 2, zone), zone)


@lru_cache(maxsize=256)
def _offset_zone(offset: str) -> tzinfo:
    return UTC if offset == "Z" else datetime.strptime(offset.replace(":", "").ljust(5, "0"), "%z").tzinfo or UTC
