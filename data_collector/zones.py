"""Local times to UTC, vectorised and exact to the nanosecond, with the hours that daylight saving skips or repeats made visible."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np

from gcg_quant.clock import NS_PER_DAY, NS_PER_MINUTE, NS_PER_SECOND
from gcg_quant.errors import ImportFileError, nearest

__all__ = ["ABSENT_HOUR", "ONCE", "TWICE", "LocalZone"]

Int64Array: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Uint8Array: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]

MINUTES_PER_DAY = 1_440

ONCE = 0  # the local time exists once
ABSENT_HOUR = 1  # the clocks went forward over it
TWICE = 2  # the clocks went back over it

_FEW_DAYS = 40
_EPOCH = datetime(1970, 1, 1)
_FIRST_DAY = -719_162  # of year 1: what datetime can hold
_LAST_DAY = 2_932_895


class LocalZone:
    """A time zone that turns arrays of local times (ns since 1970-01-01 00:00 on the local clock) into UTC.

    Offsets are asked for once per calendar day, and once per minute on the few days on which the clock changes.

    Raises:
        ImportFileError: the name is no IANA time zone.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        try:
            self._zone = ZoneInfo(name)
        except (ValueError, OSError, LookupError) as error:
            raise ImportFileError(
                f"Time zone {name!r} is unknown: use an IANA name such as America/New_York, Asia/Shanghai or UTC.{_near_zone(name)}",
                option="timezone",
                value=name,
            ) from error
        self._days: dict[int, int | None] = {}

    def to_utc(self, local_ns: Int64Array, *, later: bool = False) -> tuple[Int64Array, Uint8Array]:
        """Return (UTC ns, one of ONCE, ABSENT_HOUR, TWICE per element).

        A repeated local time becomes the first of the two instants, or the second one if `later`. A skipped local time
        becomes the instant at which the clock would have shown it, had it not been changed.
        """
        if (offset := self._common_offset(local_ns)) is not None:
            return local_ns - offset, np.zeros(len(local_ns), np.uint8)
        days, index = np.unique(local_ns // NS_PER_DAY, return_inverse=True)
        offsets = np.zeros(len(days), np.int64)
        changing = np.zeros(len(days), bool)
        for position, day in enumerate(days.tolist()):
            offset = self._day_offset(day)
            changing[position] = offset is None
            offsets[position] = offset or 0
        utc = local_ns - offsets[index]
        kinds = np.zeros(len(local_ns), np.uint8)
        odd = changing[index]
        if odd.any():
            utc[odd], kinds[odd] = self._by_minute(local_ns[odd], later)
        return utc, kinds

    def to_local(self, utc_ns: Int64Array) -> Int64Array:
        """Return what the local clock shows at UTC times."""
        hours, index = np.unique(utc_ns // (15 * NS_PER_MINUTE), return_inverse=True)
        offsets = [self._offset_at(hour * 15 * NS_PER_MINUTE) for hour in hours.tolist()]
        shifted: Int64Array = utc_ns + np.array(offsets, np.int64)[index]
        return shifted

    def _offset_at(self, utc_ns: int) -> int:
        instant = datetime.fromtimestamp(utc_ns // NS_PER_SECOND, UTC).astimezone(self._zone)
        return _ns(instant.utcoffset())

    def _common_offset(self, local_ns: Int64Array) -> int | None:
        # The offset on all the days between the first and the last time, if those are few and the clock does not change on any.
        if len(local_ns) == 0:
            return 0
        first, last = int(local_ns.min()) // NS_PER_DAY, int(local_ns.max()) // NS_PER_DAY
        if last - first > _FEW_DAYS:
            return None
        offsets = {self._day_offset(day) for day in range(first, last + 1)}
        return offsets.pop() if len(offsets) == 1 else None

    def _day_offset(self, day: int) -> int | None:
        # None for a day on which the offset changes, and for days at the edge of what datetime holds.
        if day not in self._days:
            pairs = {self._offsets(day * MINUTES_PER_DAY), self._offsets((day + 1) * MINUTES_PER_DAY)}
            first, second = next(iter(pairs))
            self._days[day] = first if len(pairs) == 1 and first == second else None
        return self._days[day]

    def _by_minute(self, local_ns: Int64Array, later: bool) -> tuple[Int64Array, Uint8Array]:
        minutes, index = np.unique(local_ns // NS_PER_MINUTE, return_inverse=True)
        pairs = np.array([self._offsets(minute) for minute in minutes.tolist()], np.int64).reshape(-1, 2)
        first, second = pairs[:, 0], pairs[:, 1]
        kinds = np.where(first < second, ABSENT_HOUR, np.where(first > second, TWICE, ONCE)).astype(np.uint8)
        chosen = np.where((kinds == TWICE) & later, second, first)
        return local_ns - chosen[index], kinds[index]

    def _offsets(self, minute: int) -> tuple[int, int]:
        # The offsets before and after a change (PEP 495: fold 0 and 1); equal on all but the skipped and repeated times.
        if not _FIRST_DAY < minute // MINUTES_PER_DAY < _LAST_DAY:
            return 0, 0
        local = _EPOCH + timedelta(minutes=minute)
        return _ns(local.replace(tzinfo=self._zone).utcoffset()), _ns(local.replace(tzinfo=self._zone, fold=1).utcoffset())


def _ns(offset: timedelta | None) -> int:
    return 0 if offset is None else (offset.days * 86_400 + offset.seconds) * NS_PER_SECOND


def _near_zone(name: str) -> str:
    from zoneinfo import available_timezones

    return nearest(name, available_timezones())
