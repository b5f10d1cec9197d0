"""Trading calendars: when a market is open, and which trading day a moment belongs to.

"24/7" is always open. Stock exchanges and CME ("XSHG", "XHKG", "XNYS", "CMES", "24/5" ...) come from the exchange_calendars
library, which is loaded when the first question is asked. China's futures exchanges have day and night sessions that no library
knows; they are in the table below, as "SHFE" or, where products differ, "SHFE.au". A night session belongs to the next trading day.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from gcg_quant.clock import NS_PER_DAY, NS_PER_HOUR, day_of, day_start, from_datetime, zone_of
from gcg_quant.errors import InstrumentError, nearest

__all__ = ["Calendar"]

Times: TypeAlias = npt.NDArray[np.int64]

# Sessions of China's futures exchanges, local times, as their rules have them in 2026.
_COMMODITY_DAY = ((time(9, 0), time(10, 15)), (time(10, 30), time(11, 30)), (time(13, 30), time(15, 0)))
_INDEX_DAY = ((time(9, 30), time(11, 30)), (time(13, 0), time(15, 0)))
_BOND_DAY = ((time(9, 30), time(11, 30)), (time(13, 0), time(15, 15)))
_NIGHT_OPEN = time(21, 0)
# Hours of the night session by exchange, and of the products that differ from it (0 = none).
_NIGHT_HOURS = {"CFFEX": 0.0, "SHFE": 2.0, "INE": 2.0, "DCE": 2.0, "CZCE": 2.0, "GFEX": 0.0}
_PRODUCT_NIGHT_HOURS = {
    "SHFE": {**dict.fromkeys(("cu", "al", "zn", "pb", "ni", "sn", "ss", "ao", "ad"), 4.0), "au": 5.5, "ag": 5.5, "wr": 0.0},
    "INE": {"sc": 5.5, "bc": 4.0, "ec": 0.0},
    "DCE": dict.fromkeys(("jd", "lh", "fb", "bb", "lg"), 0.0),
    "CZCE": dict.fromkeys(("AP", "CJ", "PK", "UR", "SF", "SM", "RS", "WH", "PM", "RI", "LR", "JR"), 0.0),
}
_BONDS = ("T", "TF", "TS", "TL")
_NO_NIGHTS = (20200203, 20200506)  # trading days from .. to before: night trading was suspended
_PRE_OPEN_NS = 3 * NS_PER_HOUR  # the evening's new trading day begins this long before its night session
_FIRST_DAY = "1991-01-02"
_YEARS_AHEAD = 3


class _Table(NamedTuple):
    # One row a trading day: its number, when it begins (up to the next row's), its first open and last close; one row a segment.
    timezone: str
    days: Times
    boundaries: Times
    opens: Times
    closes: Times
    segment_opens: Times
    segment_closes: Times


class Calendar:
    """The calendar of one market; cheap to make, loaded at the first question. Any thread may ask.

    Beyond the last day that is known (about a year ahead) Monday to Friday count as trading days with the last known hours.
    """

    def __init__(self, name: str = "24/7") -> None:
        """Raise InstrumentError, with the nearest known name, if there is no such calendar."""
        self.name = name
        exchange = name.split(".", 1)[0]
        if name != "24/7" and exchange not in _NIGHT_HOURS:
            _check_library_name(name)

    def __repr__(self) -> str:
        return f"Calendar({self.name!r})"

    @property
    def timezone(self) -> str:
        """The market's time zone."""
        return _table(self.name).timezone

    def is_open(self, ns: int) -> bool:
        """Return whether the market trades at this moment (the moment of the close is closed)."""
        table = _table(self.name)
        row = int(np.searchsorted(table.segment_opens, ns, "right")) - 1
        return row >= 0 and ns < int(table.segment_closes[row])

    def next_open(self, ns: int) -> int | None:
        """Return the first opening (also after a break) later than `ns`; None if the calendar knows of none."""
        return _first_after(_table(self.name).segment_opens, ns)

    def next_close(self, ns: int) -> int | None:
        """Return the first closing (also for a break) later than `ns`; None if the calendar knows of none ("24/7")."""
        table = _table(self.name)
        return None if self.name == "24/7" else _first_after(table.segment_closes, ns)

    def day_close(self, ns: int) -> int | None:
        """Return when the first trading day that closes later than `ns` closes; None if the calendar knows of none ("24/7")."""
        return None if self.name == "24/7" else _first_after(_table(self.name).closes, ns)

    def segments(self) -> tuple[Times, Times]:
        """Return when the market opens and closes, all that is known, in order; a break ends one segment and begins the next."""
        table = _table(self.name)
        apart = table.segment_opens[1:] > table.segment_closes[:-1]  # round the clock one day goes over into the next
        return table.segment_opens[np.append(True, apart)], table.segment_closes[np.append(apart, True)]

    def trading_day(self, ns: int) -> int:
        """Return the trading day YYYYMMDD that a moment belongs to.

        Until midnight after the close it is the day that closed, then the next one; the evening before a night session already
        belongs to the day that session belongs to. Before the calendar begins it is the local date.
        """
        table = _table(self.name)
        row = int(np.searchsorted(table.boundaries, ns, "right")) - 1
        return int(table.days[row]) if row >= 0 else day_of(ns, table.timezone)

    def trading_days(self, ns: Times) -> Times:
        """Return the trading day of each of many moments."""
        table = _table(self.name)
        rows = np.searchsorted(table.boundaries, ns, "right") - 1
        days = table.days[np.maximum(rows, 0)]
        for early in np.flatnonzero(rows < 0):
            days[early] = day_of(int(ns[early]), table.timezone)
        return days

    def is_trading_day(self, day: int) -> bool:
        """Return whether the market trades on this day YYYYMMDD."""
        table = _table(self.name)
        row = int(np.searchsorted(table.days, day))
        return row < len(table.days) and int(table.days[row]) == day

    def sessions(self, day: int) -> list[tuple[int, int]]:
        """Return the (open, close) times of a trading day's sessions, its night session first; [] if the market is closed."""
        if self.name == "24/7":
            return [self.bounds(day)]
        if not self.is_trading_day(day):
            return []
        table = _table(self.name)
        row = int(np.searchsorted(table.days, day))
        first = int(np.searchsorted(table.segment_opens, table.opens[row], "left"))
        last = int(np.searchsorted(table.segment_opens, table.closes[row], "left"))
        return [(int(table.segment_opens[i]), int(table.segment_closes[i])) for i in range(first, last)]

    def bounds(self, day: int) -> tuple[int, int]:
        """Return when a trading day begins and ends, for daily bars: its calendar day, stretched by its night session.

        A day on which the market is closed has the bounds of its calendar day.
        """
        table = _table(self.name)
        midnight = day_start(day, table.timezone)
        next_midnight = day_start(day_of(midnight + 36 * NS_PER_HOUR, table.timezone), table.timezone)
        if not self.is_trading_day(day):
            return midnight, next_midnight
        row = int(np.searchsorted(table.days, day))
        start = min(int(table.opens[row]), midnight)
        end = max(int(table.closes[row]), next_midnight)
        if row + 1 < len(table.boundaries):
            end = min(end, int(table.boundaries[row + 1]))
        return max(start, int(table.boundaries[row])), end


def _check_library_name(name: str) -> None:
    import exchange_calendars

    known = exchange_calendars.get_calendar_names(include_aliases=True)
    if name not in known:
        raise InstrumentError(f"There is no calendar {name!r}.{nearest(name, [*known, '24/7', *_NIGHT_HOURS])}", calendar=name)


def _first_after(times: Times, ns: int) -> int | None:
    row = int(np.searchsorted(times, ns, "right"))
    return int(times[row]) if row < len(times) else None


@lru_cache(maxsize=64)
def _table(name: str) -> _Table:
    if name == "24/7":
        return _always_open()
    exchange = name.split(".", 1)[0]
    return _china_futures(name) if exchange in _NIGHT_HOURS else _from_library(name)


def _always_open() -> _Table:
    starts = np.arange(0, 50_000, dtype=np.int64) * NS_PER_DAY  # until 2106
    ends = starts + NS_PER_DAY
    return _Table("UTC", _day_numbers(starts), starts, starts, ends, starts[:1], ends[-1:])


def _from_library(name: str) -> _Table:
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
            number = later.year * 10_000 + later.month * 100 + later.day
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
) -> _Table:
    days = np.append(days, _int64([day for day, _ in later]))
    opens = np.append(opens, _int64([sessions[0][0] for _, sessions in later]))
    closes = np.append(closes, _int64([sessions[-1][1] for _, sessions in later]))
    segment_opens = np.append(segment_opens, _int64([begin for _, sessions in later for begin, _ in sessions]))
    segment_closes = np.append(segment_closes, _int64([end for _, sessions in later for _, end in sessions]))
    midnights = _int64([day_start(int(day), zone) for day in days])
    # A new day begins at midnight after the last one's date, but not before that closed nor after this one opens.
    begins = np.minimum(opens, midnights) - np.where(opens < midnights, pre_open_ns, 0)
    after_last = np.append(begins[:1], np.maximum(closes[:-1], _next_midnights(days[:-1], zone)))
    return _Table(zone, days, np.minimum(begins, after_last), opens, closes, segment_opens, segment_closes)


def _china_futures(name: str) -> _Table:
    exchange, _, product = name.partition(".")
    hours = _PRODUCT_NIGHT_HOURS.get(exchange, {}).get(product, _NIGHT_HOURS[exchange])
    day_sessions = _COMMODITY_DAY if exchange != "CFFEX" else _BOND_DAY if product in _BONDS else _INDEX_DAY
    shanghai = _table("XSHG")  # the futures exchanges keep the stock exchange's holidays
    rows: list[tuple[int, list[tuple[int, int]]]] = []
    previous: date | None = None
    for number in shanghai.days.tolist():
        when = date(number // 10_000, number // 100 % 100, number % 100)
        sessions = [(_moment(when, begin), _moment(when, end)) for begin, end in day_sessions]
        if hours and previous is not None and _has_night(previous, when, number):
            begin_ns = _moment(previous, _NIGHT_OPEN)
            sessions.insert(0, (begin_ns, begin_ns + int(hours * NS_PER_HOUR)))
        rows.append((number, sessions))
        previous = when
    nothing = _int64([])
    return _build("Asia/Shanghai", nothing, nothing, nothing, nothing, nothing, rows, _PRE_OPEN_NS)


def _has_night(previous: date, when: date, number: int) -> bool:
    # No night session before a holiday: only overnight, or over a plain weekend.
    plain = (when - previous).days == 1 or ((when - previous).days == 3 and previous.weekday() == 4)
    return plain and not _NO_NIGHTS[0] <= number < _NO_NIGHTS[1]


def _moment(when: date, at: time) -> int:
    return from_datetime(datetime.combine(when, at, zone_of("Asia/Shanghai")))


def _next_midnights(days: Times, zone: str) -> Times:
    return _int64([day_start(day_of(day_start(int(day), zone) + 36 * NS_PER_HOUR, zone), zone) for day in days])


def _day_numbers(starts: Times) -> Times:
    months = starts.astype("datetime64[ns]").astype("datetime64[M]")
    month = months.astype(np.int64)
    day = (starts.astype("datetime64[ns]").astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64) + 1
    return _int64((month // 12 + 1970) * 10_000 + (month % 12 + 1) * 100 + day)


def _int64(values: object) -> Times:
    return np.asarray(values, dtype=np.int64)
