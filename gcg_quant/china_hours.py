"""The trading hours of China's futures exchanges by product and date, which no library knows.

Written from the exchanges' rules as they are in 2026, with the changes since night trading began that concern whole groups of
products: Dalian closed at 02:30 until May 2015 and at 23:30 until March 2019, Zhengzhou at 23:30 until December 2019, Shanghai's rebar,
hot-rolled coil and bitumen at 01:00 until May 2016. All of it holds from trading day 20191212 on. Before that, a product that joined the
nights later than its group had none yet (corn and plastics in Dalian before 20190401), and days off at short notice are missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time

from gcg_quant.clock import NS_PER_HOUR, from_datetime, zone_of

__all__ = ["CHINA_FUTURES", "china_sessions"]

Session = tuple[int, int]

_COMMODITY_DAY = ((time(9, 0), time(10, 15)), (time(10, 30), time(11, 30)), (time(13, 30), time(15, 0)))
_INDEX_DAY = ((time(9, 30), time(11, 30)), (time(13, 0), time(15, 0)))
_BOND_DAY = ((time(9, 30), time(11, 30)), (time(13, 0), time(15, 15)))
_OLD_CFFEX_DAY = ((time(9, 15), time(11, 30)), (time(13, 0), time(15, 15)))
_BONDS = ("T", "TF", "TS", "TL")
_INDEX_SINCE, _BOND_SINCE = 20160104, 20200720  # trading days from which the days above hold; before them the old one
_NIGHT_OPEN = time(21, 0)

# Hours of the night session by exchange, and of the products that differ from it (0 = none).
CHINA_FUTURES = {"CFFEX": 0.0, "SHFE": 2.0, "INE": 2.0, "DCE": 2.0, "CZCE": 2.0, "GFEX": 0.0}
_METALS = ("cu", "al", "zn", "pb", "ni", "sn", "ss", "ao", "ad")
_PRODUCTS = {
    "SHFE": {**dict.fromkeys(_METALS, 4.0), "au": 5.5, "ag": 5.5, "wr": 0.0},
    "INE": {"sc": 5.5, "bc": 4.0, "ec": 0.0},
    "DCE": dict.fromkeys(("jd", "lh", "fb", "bb", "lg"), 0.0),
    "CZCE": dict.fromkeys(("AP", "CJ", "PK", "UR", "SF", "SM", "RS", "WH", "PM", "RI", "LR", "JR"), 0.0),
}
# What held before: (up to, but not including, this trading day; hours), the oldest first; by exchange, or by product where it differs.
_EARLIER = {
    "SHFE": ((20141229, 0.0),),
    **{f"SHFE.{product}": ((20131223, 0.0),) for product in _METALS},
    **{f"SHFE.{product}": ((20130708, 0.0),) for product in ("au", "ag")},
    **{f"SHFE.{product}": ((20141229, 0.0), (20160504, 4.0)) for product in ("rb", "hc", "bu")},
    "INE": ((20180327, 0.0),),
    "DCE": ((20140707, 0.0), (20150511, 5.5), (20190401, 2.5)),
    "CZCE": ((20141215, 0.0), (20191212, 2.5)),
}
_NO_NIGHTS = (20200203, 20200506)  # trading days from .. to before: night trading was suspended


def china_sessions(name: str, days: Iterable[int]) -> list[tuple[int, list[Session]]]:
    """Return the (open, close) times of each trading day of a futures exchange ("CFFEX") or product of it ("SHFE.au"), its night first.

    There is no night session before a holiday: only before a day that follows at once, or after a plain weekend.
    """
    rows = []
    previous: date | None = None
    for number in days:
        when = date(number // 10_000, number // 100 % 100, number % 100)
        sessions = [(_moment(when, begin), _moment(when, end)) for begin, end in _day_hours(name, number)]
        hours = _night_hours(name, number)
        if hours and previous is not None and _follows(previous, when) and not _NO_NIGHTS[0] <= number < _NO_NIGHTS[1]:
            begin_ns = _moment(previous, _NIGHT_OPEN)
            sessions.insert(0, (begin_ns, begin_ns + int(hours * NS_PER_HOUR)))
        rows.append((number, sessions))
        previous = when
    return rows


def _day_hours(name: str, number: int) -> tuple[tuple[time, time], ...]:
    exchange, _, product = name.partition(".")
    if exchange != "CFFEX":
        return _COMMODITY_DAY
    bond = product in _BONDS
    if number < (_BOND_SINCE if bond else _INDEX_SINCE):
        return _OLD_CFFEX_DAY
    return _BOND_DAY if bond else _INDEX_DAY


def _night_hours(name: str, number: int) -> float:
    exchange, _, product = name.partition(".")
    now = _PRODUCTS.get(exchange, {}).get(product, CHINA_FUTURES[exchange])
    if not now:
        return 0.0
    return next((hours for before, hours in _EARLIER.get(name, _EARLIER.get(exchange, ())) if number < before), now)


def _follows(previous: date, when: date) -> bool:
    return (when - previous).days == 1 or ((when - previous).days == 3 and previous.weekday() == 4)


def _moment(when: date, at: time) -> int:
    return from_datetime(datetime.combine(when, at, zone_of("Asia/Shanghai")))
