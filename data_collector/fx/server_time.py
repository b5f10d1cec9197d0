"""A broker's clock. Copied for the bridge client, too: needs nothing but NumPy, Python 3.9 and (on Windows) the package tzdata.

MetaTrader 5 counts its times as if what the clock of the broker's server shows were UTC. Most brokers let it run seven hours ahead of New
York, so that the day ends when New York closes: 2 hours ahead of UTC in winter, 3 in summer, by the dates of the USA. Others follow Athens,
by the dates of the EU, and some stay at UTC. All of these clocks change while the currencies' week is closed.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

__all__ = ["AUTO", "USUAL", "ClockWatch", "ServerTime", "measured_ms", "usual_time"]

Times = np.ndarray[Any, np.dtype[np.int64]]

AUTO = "auto"
USUAL = ("new_york+7", "Europe/Athens", "UTC")  # in the order in which a measured offset is explained
_QUARTER_MS = 900_000  # no zone changes more often
_FIXED = re.compile(r"([+-])(\d{1,2})(?::([0-5]\d))?")
_MOST_OFFSET_MS = 14 * 3_600_000
_OLDEST_MS, _AHEAD_MS = 60_000, 10_000  # a tick that has just come is no older, and no further ahead of our clock
_CONVINCING = 20  # looks in a row that measure the same other offset
_UTC = timezone(timedelta(0))  # datetime.UTC came with Python 3.11
_EPOCH = datetime(1970, 1, 1)


class ServerTime:
    """Turns a server's times into UTC and back.

    Args:
        rule: "new_york+7", the name of a time zone ("Europe/Athens"), or a fixed offset ("+3", "-05:30").

    Raises:
        ValueError: there is no such rule.
    """

    def __init__(self, rule: str) -> None:
        self.rule = rule
        fixed = _FIXED.fullmatch(rule)
        self._ahead = timedelta(0)
        if rule == "new_york+7":
            self._zone: tzinfo = ZoneInfo("America/New_York")
            self._ahead = timedelta(hours=7)
        elif fixed:
            offset = timedelta(hours=int(fixed[2]), minutes=int(fixed[3] or 0))
            if offset > timedelta(hours=14):
                raise ValueError(f"a server's clock is at most 14 hours away from UTC, found {rule!r}")
            self._zone = timezone(-offset if fixed[1] == "-" else offset)
        else:
            try:
                self._zone = ZoneInfo(rule)
            except (KeyError, ValueError, OSError):
                raise ValueError(f"expected 'new_york+7', a time zone such as 'Europe/Athens', or '+3', found {rule!r}") from None
        self._offsets: dict[tuple[int, int], int] = {}

    def utc_ms(self, server_ms: Times, now_ms: int | None = None) -> Times:
        """Return the UTC of times of the server, ms.

        Of an hour that the clock showed twice it is the first, or with `now_ms` (UTC) the one that is nearer to that.
        """
        quarters, where = np.unique(server_ms // _QUARTER_MS, return_inverse=True)
        first = np.array([self._offset(quarter, 0) for quarter in quarters.tolist()], np.int64)[where]
        found: Times = server_ms - first
        if now_ms is not None:
            second = server_ms - np.array([self._offset(quarter, 1) for quarter in quarters.tolist()], np.int64)[where]
            # Of an hour that the clock left out both are guesses: it is the first then, as ever.
            nearer = (second > found) & (np.abs(second - now_ms) < np.abs(found - now_ms))
            found = np.where(nearer, second, found)
        return found

    def server_ms(self, utc_ms: int) -> int:
        """Return what the server's clock shows at a time, ms."""
        return utc_ms + self.offset_ms(utc_ms)

    def offset_ms(self, utc_ms: int) -> int:
        """Return how far the server is ahead of UTC at a time, ms."""
        at = datetime.fromtimestamp(utc_ms // 1000, _UTC).astimezone(self._zone)
        offset = at.utcoffset()
        assert offset is not None
        return round((offset + self._ahead).total_seconds() * 1000)

    def _offset(self, quarter: int, fold: int) -> int:
        found = self._offsets.get((quarter, fold))
        if found is None:
            local = (_EPOCH + timedelta(milliseconds=quarter * _QUARTER_MS) - self._ahead).replace(tzinfo=self._zone, fold=fold)
            offset = local.utcoffset()
            assert offset is not None
            found = self._offsets[quarter, fold] = round((offset + self._ahead).total_seconds() * 1000)
        return found


def measured_ms(server_ms: int, now_ms: int) -> int | None:
    """Return how far a server is ahead of UTC by a tick that has come just now, ms, in whole quarters of an hour; None if unclear."""
    ahead = server_ms - now_ms
    offset = round(ahead / _QUARTER_MS) * _QUARTER_MS
    if abs(offset) > _MOST_OFFSET_MS or not -_OLDEST_MS <= ahead - offset <= _AHEAD_MS:
        return None
    return offset


def usual_time(offset_ms: int, now_ms: int) -> ServerTime:
    """Return the first of the `USUAL` rules that has this offset now, else the fixed offset."""
    for rule in USUAL:
        time = ServerTime(rule)
        if time.offset_ms(now_ms) == offset_ms:
            return time
    hours, minutes = divmod(abs(offset_ms) // 60_000, 60)
    return ServerTime(f"{'-' if offset_ms < 0 else '+'}{hours}:{minutes:02d}")


class ClockWatch:
    """Keeps the rule of a server's clock, and compares it with the newest ticks.

    A measured offset is explained by the first usual rule that has it now, so that the past is read by that rule, too. Another offset that
    is measured again and again replaces a measured rule; a stated one stays, and `problem` says it.

    Args:
        stated: a rule of `ServerTime`, or "auto".
    """

    def __init__(self, stated: str) -> None:
        self._measured = stated == AUTO
        self.known = not self._measured
        self.time = ServerTime(USUAL[0] if self._measured else stated)
        self.problem = ""
        self._other_ms, self._times = 0, 0

    def see_rule(self, rule: str) -> None:
        """Take over a rule that was measured before.

        Raises:
            ValueError: there is no such rule.
        """
        self.time, self.known = ServerTime(rule), True

    def see(self, newest_ms: int, now_ms: int) -> bool:
        """Take note of a tick that has just come, and return whether the rule or the problem is another one now.

        Args:
            newest_ms: its time by the server's clock.
            now_ms: our clock, UTC.
        """
        offset_ms = measured_ms(newest_ms, now_ms)
        if offset_ms is None:
            return False
        if not self.known:
            self.known = True
            self.time = usual_time(offset_ms, now_ms)
            return True
        if offset_ms == self.time.offset_ms(now_ms):
            self._times = 0
            solved, self.problem = bool(self.problem), ""
            return solved
        self._times = self._times + 1 if offset_ms == self._other_ms else 1
        self._other_ms = offset_ms
        if self._times != _CONVINCING:
            return False
        hours = offset_ms / 3_600_000
        if self._measured:
            self.time, self._times = usual_time(offset_ms, now_ms), 0
        else:
            self.problem = f"the server's clock is {hours:+g} h from UTC, and server_time {self.time.rule!r} says otherwise"
        return True
