"""When a message of a futures counter happened, and on which trading day: its date fields mean other things at each exchange.

A message states a time of the exchange's clock (UpdateTime, UpdateMillisec), a day on which it happened (ActionDay) and a trading day. By
day all agree. In the night session, which belongs to the next trading day,

- SHFE, INE, CFFEX and GFEX state both as they are;
- DCE states the trading day as the day on which it happened, too;
- CZCE states the day on which it happened as the trading day, too, and no milliseconds.

The rule, in this order:

1. The time of the day is UpdateTime and UpdateMillisec, in Shanghai.
2. From 06:00 to 18:00 the date is ActionDay, or the trading day where none is stated.
3. At night, of DCE and wherever no ActionDay is stated (CZCE's trading day is one): from 18:00 on it is the last trading day before the
   stated one, before 06:00 the day after that - of Friday's night session, which belongs to Monday, Friday and Saturday. An ActionDay
   that is the trading day is no date of an evening at any exchange but CZCE, and is treated alike.
4. At night elsewhere it is ActionDay.
5. Around midnight the date and the time come from different clocks, so that one may be of yesterday and the other of today. If the time is
   within ten minutes of midnight and so is our clock, the date is the one that brings both together.
6. The trading day is the stated one; CZCE's, and one that is not stated, is what the calendar says of the moment.

Source: the struct's fields are those of CThostFtdcDepthMarketDataField in the exchanges' own header (ThostFtdcUserApiStruct.h). What each
exchange puts into them at night is documented by nobody; it is as WonderTrader (ParserCTP.cpp) and, for DCE, vnpy_ctp (ctp_gateway.py) have
found it, and rule 3 derives DCE's date from the calendar instead of our clock, so that it also holds for what is replayed or comes late.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND, day_of, day_start

__all__ = ["EXCHANGES", "Moment", "event_moment", "time_of_day_ns"]

EXCHANGES = ("SHFE", "INE", "DCE", "CZCE", "CFFEX", "GFEX")
_ZONE = "Asia/Shanghai"
_MORNING_NS, _EVENING_NS = 6 * NS_PER_HOUR, 18 * NS_PER_HOUR
_MIDNIGHT_NS = 10 * NS_PER_MINUTE
_SHIFT_NS = 8 * NS_PER_HOUR  # Shanghai's clocks are not changed


class Moment(NamedTuple):
    """When something happened (ns since the epoch, UTC), and its trading day YYYYMMDD."""

    event_ns: int
    trading_day: int


def event_moment(exchange: str, trading_day: str, action_day: str, time: str, millisecond: int, recv_ns: int) -> Moment:
    """Return when a message happened, by the rule above.

    Args:
        exchange: "SHFE", "DCE" ...
        trading_day: as the message states it, YYYYMMDD; may be empty.
        action_day: likewise; may be empty.
        time: "HH:MM:SS".
        millisecond: of UpdateMillisec; 0 where the exchange states none.
        recv_ns: our clock when it came.

    Raises:
        ValueError: the time is none, or no day is stated.
    """
    clock_ns = time_of_day_ns(time)
    stated, acted = _day(trading_day), _day(action_day)
    if not stated and not acted:
        raise ValueError(f"neither TradingDay {trading_day!r} nor ActionDay {action_day!r} is a day")
    if exchange == "CZCE":
        date = acted or stated
    elif stated and _is_night(clock_ns) and (exchange == "DCE" or not acted or (acted == stated and clock_ns >= _EVENING_NS)):
        date = _evening_before(stated, clock_ns >= _EVENING_NS)
    else:
        date = acted or stated
    event_ns = _near_midnight(_midnight(date) + clock_ns, clock_ns, recv_ns) + millisecond * (NS_PER_SECOND // 1000)
    if exchange != "CZCE" and stated:
        return Moment(event_ns, stated)
    return Moment(event_ns, Calendar(exchange).trading_day(event_ns))


def time_of_day_ns(time: str) -> int:
    """Return "HH:MM:SS" as nanoseconds since midnight; raise ValueError if it is none."""
    parts = time.strip().split(":")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) <= 2 for part in parts):
        raise ValueError(f"{time!r} is not a time HH:MM:SS")
    hour, minute, second = map(int, parts)
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(f"{time!r} is not a time of the day")
    return ((hour * 60 + minute) * 60 + second) * NS_PER_SECOND


def _is_night(clock_ns: int) -> bool:
    return not _MORNING_NS <= clock_ns < _EVENING_NS


def _near_midnight(event_ns: int, clock_ns: int, recv_ns: int) -> int:
    ours_ns = (recv_ns + _SHIFT_NS) % NS_PER_DAY
    if min(clock_ns, NS_PER_DAY - clock_ns) > _MIDNIGHT_NS or min(ours_ns, NS_PER_DAY - ours_ns) > _MIDNIGHT_NS:
        return event_ns
    apart = recv_ns - event_ns
    if not NS_PER_DAY // 2 < abs(apart) < NS_PER_DAY * 3 // 2:
        return event_ns  # right as it is, or of another time altogether: a recording
    return event_ns + (NS_PER_DAY if apart > 0 else -NS_PER_DAY)


@lru_cache(maxsize=64)
def _day(day: str) -> int:
    # YYYYMMDD as a number, 0 if it is none.
    day = day.strip(" \0")
    if len(day) != 8 or not (day.isascii() and day.isdigit()):
        return 0
    try:
        day_start(int(day), _ZONE)
    except ValueError:
        return 0
    return int(day)


@lru_cache(maxsize=64)
def _midnight(day: int) -> int:
    return day_start(day, _ZONE)


@lru_cache(maxsize=64)
def _evening_before(trading_day: int, evening: bool) -> int:
    # The date of the evening on which a trading day's night session begins, or of the small hours in which it ends.
    days = Calendar("SHFE").day_starts()[1]  # the days of all exchanges are the same
    row = int(np.searchsorted(days, trading_day))
    before = int(days[row - 1]) if row > 0 else day_of(day_start(trading_day, _ZONE) - NS_PER_HOUR, _ZONE)
    return before if evening else day_of(day_start(before, _ZONE) + NS_PER_DAY + NS_PER_HOUR, _ZONE)
