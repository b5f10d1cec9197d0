"""The trading hours of China's futures exchanges by product and date, which no library knows: worked out of `china_futures.csv`.

What is known of each exchange, and from where, stands in that file; the user's own tables lie over it (`use_tables`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path

from gcg_quant.china_table import EXCHANGES, OURS, HoursRow, HoursTable, changed_days, read_table
from gcg_quant.clock import from_datetime, zone_of

__all__ = [
    "CHINA_FUTURES",
    "OWN_FOLDER",
    "china_days",
    "china_rows",
    "china_sessions",
    "forget_with",
    "own_tables",
    "tables_in_use",
    "use_tables",
]

CHINA_FUTURES = EXCHANGES
OWN_FOLDER = "calendars"  # in the home folder: the user's own tables
Session = tuple[int, int]

_HANDED_ON = "GCG_QUANT_CALENDAR_FILES"  # environment: what a process's children use that read no settings

_own: tuple[HoursTable, ...] | None = None  # None: nobody has said yet
_when_changed: list[Callable[[], None]] = []


def own_tables(home: Path, files: Sequence[Path] = ()) -> list[Path]:
    """Return the user's own table files: those of the settings, then all *.csv in `calendars` of the home folder, by name."""
    return [*(file.expanduser().absolute() for file in files), *sorted((home / OWN_FOLDER).glob("*.csv"))]


def use_tables(paths: Sequence[Path]) -> None:
    """Lay the user's own tables over ours in this process; what is known of calendars is worked out anew if they changed.

    Raises:
        SettingsError: a file cannot be read or a row of it is wrong.
    """
    global _own
    own = tuple(read_table(path) for path in paths)
    if own != (_own or ()):
        for forget in _when_changed:
            forget()
    _own = own
    if own:
        os.environ[_HANDED_ON] = os.pathsep.join(str(path) for path in paths)
    else:
        os.environ.pop(_HANDED_ON, None)


def forget_with(cache: Callable[[], None]) -> None:
    """Have a cache emptied whenever the tables change."""
    _when_changed.append(cache)


@lru_cache(maxsize=1)
def _ours() -> HoursTable:
    return read_table(OURS)


def tables_in_use() -> list[HoursTable]:
    """Return the tables, ours and the user's, by the day they are of: the oldest first."""
    own = _own
    if own is None:
        handed_on = os.environ.get(_HANDED_ON, "")
        use_tables([Path(path) for path in handed_on.split(os.pathsep) if path])
        own = _own or ()
    return sorted((_ours(), *own), key=lambda table: table.updated)


def china_days(exchange: str, days: Sequence[int]) -> list[int]:
    """Return an exchange's trading days YYYYMMDD, given the stock exchange's."""
    return changed_days(tables_in_use(), exchange, days)


def china_sessions(name: str, days: Iterable[int]) -> list[tuple[int, list[Session]]]:
    """Return the (open, close) times of each trading day of a futures exchange ("CFFEX") or product of it ("SHFE.au"), its night first.

    There is no night session before a holiday: only before a day that follows at once, or after a plain weekend.
    """
    day_rows, night_rows, without = china_rows(name)
    rows = []
    previous: date | None = None
    for number in days:
        when = date(number // 10_000, number // 100 % 100, number % 100)
        day = _holding(day_rows, number)
        sessions = [(_moment(when, begin), _moment(when, end)) for begin, end in day.spans] if day else []
        night = _holding(night_rows, number)
        if night and night.spans and previous is not None and _follows(previous, when) and not _holding(without, number):
            begin, end = night.spans[0]
            last = previous if end > begin else previous + timedelta(days=1)
            sessions.insert(0, (_moment(previous, begin), _moment(last, end)))
        if sessions:
            rows.append((number, sessions))
        previous = when
    return rows


def china_rows(name: str) -> tuple[list[HoursRow], list[HoursRow], list[HoursRow]]:
    """Return the rows about an exchange or product: of the day, of the night, and without nights; what goes first stands first."""
    exchange, _, product = name.partition(".")
    newest_first = list(reversed(tables_in_use()))
    found: dict[str, list[HoursRow]] = {}
    for rule in ("day", "night", "no-night"):
        rows = [
            (bool(row.products), -place, row.first, row)
            for place, table in enumerate(newest_first)
            for row in table.rows
            if row.rule == rule and row.concerns(exchange, product)
        ]
        rows.sort(key=lambda one: one[:3], reverse=True)
        found[rule] = [row for *_, row in rows]
    return found["day"], found["night"], found["no-night"]


def _holding(rows: Sequence[HoursRow], day: int) -> HoursRow | None:
    return next((row for row in rows if row.first <= day <= row.last), None)


def _follows(previous: date, when: date) -> bool:
    return (when - previous).days == 1 or ((when - previous).days == 3 and previous.weekday() == 4)


def _moment(when: date, at: time) -> int:
    return from_datetime(datetime.combine(when, at, zone_of("Asia/Shanghai")))
