"""The sessions behind a calendar, as arrays: one row a trading day, and one row a session.

Stock exchanges and CME come from the exchange_calendars library, which is loaded when the first table is asked for; China's futures
from `gcg_quant.china_hours` (a data file); the currencies' week ("FX") from Sunday to Friday, 17:00 in New York, is made here.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from gcg_quant.china_hours import CHINA_FUTURES, china_days, china_sessions, forget_with
from gcg_quant.clock import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, day_of, day_start
from gcg_quant.errors import InstrumentError, nearest

__all__ = ["SessionTable", "Times", "check_name", "margins", "session_table"]

Times: TypeAlias = npt.NDArray[np.int64]

ALWAYS, FX = "24/7", "FX"
_PRE_OPEN_NS = 3 * NS_PER_HOUR  # the evening's new trading day begins this long before its night session
_FIRST_DAY = "1991-01-02"
_YEARS_AHEAD = 3

# How long before an opening its auction begins, and how long after a close the last prices of it come. Shanghai and Shenzhen: auction from
# 09:15, closing prices until 15:00:06, trading at a fixed price from 15:05. Hong Kong: auctions from 09:00 and until 16:10. Futures: orders
# from 20:55 or 08:55, the auction's price at 20:59 or 08:59; a snapshot up to a second after the close, the settlement half an hour later.
_AUCTIONS = {
    **dict.fromkeys(("XSHG", "XSHE"), (15 * NS_PER_MINUTE, 3 * NS_PER_MINUTE)),
    "XHKG": (30 * NS_PER_MINUTE, 12 * NS_PER_MINUTE),
    **dict.fromkeys(CHINA_FUTURES, (5 * NS_PER_MINUTE, NS_PER_MINUTE)),
}
_BREAK_SLACK_NS = NS_PER_MINUTE
_LONG_PAUSE_NS = 3 * NS_PER_HOUR  # a shorter one is a break, without auctions


class SessionTable(NamedTuple):
    """By trading day: its number, when it begins (up to the next one), its first open and last close; by session: open and close."""

    timezone: str
    days: Times
    boundaries: Times
    opens: Times
    closes: Times
    segment_opens: Times
    segment_closes: Times


def check_name(name: str) -> None:
    """Raise InstrumentError, with the nearest known name, if there is no such calendar."""
    if name in (ALWAYS, FX) or name.split(".", 1)[0] in CHINA_FUTURES:
        return
    import exchange_calendars

    known = exchange_calendars.get_calendar_names(include_aliases=True)
    if name not in known:
        raise InstrumentError(f"There is no calendar {name!r}.{nearest(name, [*known, ALWAYS, FX, *CHINA_FUTURES])}", calendar=name)


def margins(name: str) -> tuple[Times, Times]:
    """Return from when and until when prices belong to each session of a calendar: what its auctions and its breaks add to it."""
    table = session_table(name)
    opens, closes = table.segment_opens, table.segment_closes
    auction, closing = _AUCTIONS.get(name.split(".", 1)[0], (0, 0))
    slack = _BREAK_SLACK_NS if auction else 0
    pauses = opens[1:] - closes[:-1]
    after = np.append(np.where(pauses > _LONG_PAUSE_NS, closing, np.minimum(slack, pauses)), closing)
    before = np.append(auction, np.where(pauses > _LONG_PAUSE_NS, auction, np.minimum(slack, pauses - after[:-1])))
    return opens - before, closes + after


@lru_cache(maxsize=64)
def session_table(name: str) -> SessionTable:
    """Return the table of a calendar; a known one costs nothing."""
    if name == ALWAYS:
        return _always_open()
    if name == FX:
        return _fx_week()
    return _china_futures(name) if name.split(".", 1)[0] in CHINA_FUTURES else _from_library(name)


forget_with(session_table.cache_clear)


def _always_open() -> SessionTable:
    starts = np.arange(0, 50_000, dtype=np.int64) * NS_PER_DAY  # until 2106
    ends = starts + NS_PER_DAY
    return SessionTable("UTC", _day_numbers(starts), starts, starts, ends, starts[:1], ends[-1:])


def _fx_week() -> SessionTable:
    zone = "America/New_York"
    nothing = _int64([])
    first, last = date(1991, 1, 1), date.today().year + _YEARS_AHEAD
    rows = []
    for ahead in range((date(last, 12, 31) - first).days):
        when = first + timedelta(days=ahead)
        if when.weekday() < 5:
            rows.append((_number(when), [(_five_pm(when - timedelta(days=1), zone), _five_pm(when, zone))]))
    return _build(zone, nothing, nothing, nothing, nothing, nothing, rows)


def _five_pm(when: date, zone: str) -> int:
    # Clocks change at 02:00 on Sundays: counted from the next midnight, which is the same day's.
    return day_start(_number(when + timedelta(days=1)), zone) - 7 * NS_PER_HOUR


def _from_library(name: str) -> SessionTable:
    import exchange_calendars

    try:
        found = exchange_calendars.get_calendar(name, start=_FIRST_DAY)
    except ValueError:  # some calendars begin later than that
        found = exchange_calendars.get_calendar(name)
    zone = str(found.tz)
    opens, closes = _int64(found.opens_nanos), _int64(found.closes_nanos)
    break_starts, break_ends = _int64(found.break_starts_nanos), _int64(found.break_ends_nanos)
    opens, closes = opens.copy(), closes.copy()
    days = _day_numbers(_int64(found.sessions_nanos))
    with_break = break_starts > 0  # no break is the smallest integer
    segment_opens = np.sort(np.concatenate([opens, break_ends[with_break]]))
    segment_closes = np.sort(np.concatenate([closes, break_starts[with_break]]))
    later = _weekdays_after(int(days[-1]), zone, _local_hours(opens, closes, break_starts, break_ends, days, zone))
    return _build(zone, days, opens, closes, segment_opens, segment_closes, later)


def _local_hours(opens: Times, closes: Times, break_starts: Times, break_ends: Times, days: Times, zone: str) -> list[tuple[int, int]]:
    # The last known day's sessions, counted from its midnight; a shortened last day would teach a shortened week, so the longest of ten.
    row = max(range(max(0, len(days) - 10), len(days)), key=lambda i: int(closes[i] - opens[i]))
    midnight = day_start(int(days[row]), zone)
    if break_starts[row] > 0:
        pairs = [(opens[row], break_starts[row]), (break_ends[row], closes[row])]
    else:
        pairs = [(opens[row], closes[row])]
    return [(int(begin) - midnight, int(end) - midnight) for begin, end in pairs]


def _weekdays_after(day: int, zone: str, hours: list[tuple[int, int]]) -> list[tuple[int, list[tuple[int, int]]]]:
    rows = []
    when = date(day // 10_000, day // 100 % 100, day % 100)
    for ahead in range(1, 365 * _YEARS_AHEAD):
        later = when + timedelta(days=ahead)
        if later.weekday() < 5:
            number = _number(later)
            midnight = day_start(number, zone)
            rows.append((number, [(midnight + begin, midnight + end) for begin, end in hours]))
    return rows


def _build(
    zone: str,
    days: Times,
    opens: Times,
    closes: Times,
    segment_opens: Times,
    segment_closes: Times,
    later: list[tuple[int, list[tuple[int, int]]]],
    pre_open_ns: int = 0,
) -> SessionTable:
    days = np.append(days, _int64([day for day, _ in later]))
    opens = np.append(opens, _int64([sessions[0][0] for _, sessions in later]))
    closes = np.append(closes, _int64([sessions[-1][1] for _, sessions in later]))
    segment_opens = np.append(segment_opens, _int64([begin for _, sessions in later for begin, _ in sessions]))
    segment_closes = np.append(segment_closes, _int64([end for _, sessions in later for _, end in sessions]))
    midnights = _int64([day_start(int(day), zone) for day in days])
    # A new day begins at midnight after the last one's date, but not before that closed nor after this one opens.
    begins = np.minimum(opens, midnights) - np.where(opens < midnights, pre_open_ns, 0)
    after_last = np.append(begins[:1], np.maximum(closes[:-1], _next_midnights(days[:-1], zone)))
    return SessionTable(zone, days, np.minimum(begins, after_last), opens, closes, segment_opens, segment_closes)


def _china_futures(name: str) -> SessionTable:
    nothing = _int64([])
    # The futures exchanges keep the stock exchange's holidays, but for what a table says.
    rows = china_sessions(name, china_days(name.split(".", 1)[0], session_table("XSHG").days.tolist()))
    return _build("Asia/Shanghai", nothing, nothing, nothing, nothing, nothing, rows, _PRE_OPEN_NS)


def _next_midnights(days: Times, zone: str) -> Times:
    return _int64([day_start(day_of(day_start(int(day), zone) + 36 * NS_PER_HOUR, zone), zone) for day in days])


def _number(when: date) -> int:
    return when.year * 10_000 + when.month * 100 + when.day


def _day_numbers(starts: Times) -> Times:
    months = starts.astype("datetime64[ns]").astype("datetime64[M]")
    month = months.astype(np.int64)
    day = (starts.astype("datetime64[ns]").astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64) + 1
    return _int64((month // 12 + 1970) * 10_000 + (month % 12 + 1) * 100 + day)


def _int64(values: object) -> Times:
    return np.asarray(values, dtype=np.int64)
