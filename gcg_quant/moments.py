"""Moments as people write them: a `datetime`, a `date`, an ISO text or nanoseconds; and the days that stand for whole trading days."""

from __future__ import annotations

import re
from datetime import date, datetime
from operator import index
from typing import TypeAlias

from gcg_quant.calendar import Calendar
from gcg_quant.clock import from_datetime, from_iso, zone_of
from gcg_quant.errors import EventError

__all__ = ["Moment", "first_ns", "is_day", "last_ns"]

Moment: TypeAlias = datetime | date | str | int

_DAY = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)")


def is_day(value: Moment | None, name: str = "end") -> bool:
    """Return whether `value` stands for a whole day."""
    return value is not None and _day(value, name) is not None


def first_ns(value: Moment, *, zone: str = "UTC", calendar: str = "24/7", name: str = "start") -> int:
    """Return the nanoseconds at which a range begins that is said to start with `value`: see `last_ns`."""
    day = _day(value, name)
    return _moment(value, zone, name) if day is None else _bounds(day, zone, calendar)[0]


def last_ns(value: Moment, *, zone: str = "UTC", calendar: str = "24/7", name: str = "end") -> int:
    """Return the nanoseconds at which a range ends that is said to end with `value`.

    A time without a zone is one of `zone`. A date, also as the text "2013-10-07" or "20131007", is a whole trading day of `calendar`, night
    session included, and a whole day of `zone` where the market is closed or always open: its end is where the next one begins.

    Raises:
        EventError: it is no time at all; the sentence begins with `name`.
    """
    day = _day(value, name)
    return _moment(value, zone, name) if day is None else _bounds(day, zone, calendar)[1]


def _day(value: Moment, name: str) -> date | None:
    if isinstance(value, datetime):
        return None
    if isinstance(value, date):
        return value
    match = _DAY.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError as error:
        raise EventError(f"{name}: {value!r} is not a day: {error}.", **{name: value}) from error


def _bounds(day: date, zone: str, calendar: str) -> tuple[int, int]:
    number = day.year * 10_000 + day.month * 100 + day.day
    if calendar != "24/7" and (market := Calendar(calendar)).is_trading_day(number):
        return market.bounds(number)
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone_of(zone))
    try:
        following = date.fromordinal(day.toordinal() + 1)
    except (ValueError, OverflowError) as error:
        raise EventError(f"{day} is too late a day.", day=day) from error
    return from_datetime(midnight), from_datetime(datetime(following.year, following.month, following.day, tzinfo=zone_of(zone)))


def _moment(value: Moment, zone: str, name: str) -> int:
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=zone_of(zone))
        return from_datetime(aware) + getattr(value, "nanosecond", 0)  # pandas' Timestamp counts those apart
    if isinstance(value, str):
        try:
            return from_iso(value, zone)
        except EventError as error:
            raise EventError(f"{name}: {error}", **{name: value}) from error
    try:
        ns = index(value)  # type: ignore[arg-type]
    except TypeError as error:
        raise EventError(
            f"{name} must be a datetime, a date, an ISO text or nanoseconds, found {type(value).__name__} {value!r}.", **{name: value}
        ) from error
    if isinstance(value, bool) or 1900_01_01 <= ns <= 2262_12_31:
        raise EventError(f"{name}: {value!r} as nanoseconds is in 1970; write a day as the text '{value}' or as a date.", **{name: value})
    return ns
