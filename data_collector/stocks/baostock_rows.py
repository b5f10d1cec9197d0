"""What baostock's tables say, as our records. Pure functions; every cell is a text, and an absent value is an empty one.

Sources: baostock.com, pages "A股K线数据" (bars: volume in shares, amount in yuan, `time` YYYYMMDDHHMMSSsss is a bar's end), "除权除息信息"
(dividends a share before tax, bonus shares and shares from reserves a share), "复权因子" (factors), "证券基本资料" (names).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gcg_quant.clock import NS_PER_MINUTE, day_start

from .baostock_session import Table
from .corporate_actions import Action
from .share_bars import ZONE, BarRows, bars_of, number_of, numbers_of

__all__ = [
    "BASIC",
    "DAILY",
    "FREQUENCIES",
    "MINUTES",
    "WEEKLY",
    "Basic",
    "DayRow",
    "basics_of",
    "day_rows",
    "dividends_of",
    "ex_days",
    "parse_bars",
]

DAILY = "date,code,open,high,low,close,preclose,volume,amount,tradestatus,isST"
WEEKLY = "date,code,open,high,low,close,volume,amount"
MINUTES = "date,time,code,open,high,low,close,volume,amount"
BASIC = ("code", "code_name", "ipoDate", "outDate", "type", "status")
FREQUENCIES = {"1d": "d", "1w": "w", "5m": "5", "15m": "15", "30m": "30", "1h": "60"}
_PRICES = ("open", "high", "low", "close")


class Basic(NamedTuple):
    """A security of the list: its name, and the days (YYYYMMDD, 0: none) of its listing and delisting."""

    code: str
    name: str
    listed: int
    delisted: int


class DayRow(NamedTuple):
    """What a day's row says beside its prices."""

    code: str
    trading_day: int
    suspended: bool
    st: bool


def parse_bars(table: Table, period: str, recv_ns: int) -> BarRows:
    """Return the bars of a table of one security; days on which it was suspended have none.

    Raises:
        ValueError: a column is missing, or a date or time is none.
    """
    columns = _columns(table, ("date", *_PRICES, "volume", "amount"))
    days = np.array([_day(text) for text in columns["date"]], np.int64)
    ends = None
    if period not in ("1d", "1w"):
        ends = np.array([_moment(text) for text in _columns(table, ("time",))["time"]], np.int64)
    wanted = None
    if "tradestatus" in table.fields:
        wanted = np.array([status != "0" for status in _columns(table, ("tradestatus",))["tradestatus"]], bool)
    prices = {name: numbers_of(columns[name]) for name in _PRICES}
    return bars_of(period, days, ends, prices, numbers_of(columns["volume"]), numbers_of(columns["amount"]), recv_ns, wanted=wanted)


def day_rows(table: Table) -> list[DayRow]:
    """Return what the rows of days say of suspensions and special treatment."""
    columns = _columns(table, ("date", "code", "tradestatus", "isST"))
    return [
        DayRow(code, _day(date), status == "0", st == "1")
        for date, code, status, st in zip(columns["date"], columns["code"], columns["tradestatus"], columns["isST"], strict=True)
    ]


def basics_of(table: Table) -> dict[str, Basic]:
    """Return the securities of the list by their code, such as "sh.600519"."""
    columns = _columns(table, BASIC)
    return {
        code: Basic(code, name, _day(listed) if listed else 0, _day(out) if out else 0)
        for code, name, listed, out in zip(columns["code"], columns["code_name"], columns["ipoDate"], columns["outDate"], strict=True)
    }


def dividends_of(table: Table) -> list[Action]:
    """Return the dividends and share issues of a table, by their ex-days; plans without one are left out."""
    found = []
    for row in table.dicts():
        if not row["dividOperateDate"]:
            continue
        day = _day(row["dividOperateDate"])
        cash, bonus, reserve = (number_of(row[name]) for name in ("dividCashPsBeforeTax", "dividStocksPs", "dividReserveToStockPs"))
        if cash > 0:
            found.append(Action("dividend", day, amount=cash, currency="CNY", detail="before tax"))
        more = np.nansum([bonus, reserve])
        if more > 0:
            found.append(Action("split", day, ratio=round(1 + float(more), 8), detail="bonus shares"))
    return found


def ex_days(table: Table) -> list[int]:
    """Return the days YYYYMMDD of a table of adjustment factors, rising."""
    return sorted({_day(text) for text in _columns(table, ("dividOperateDate",))["dividOperateDate"]})


def _columns(table: Table, names: tuple[str, ...]) -> dict[str, list[str]]:
    missing = [name for name in names if name not in table.fields]
    if missing:
        raise ValueError(f"no column {missing[0]!r} among {', '.join(table.fields)}")
    places = {name: table.fields.index(name) for name in names}
    return {name: [row[place] for row in table.rows] for name, place in places.items()}


def _day(text: str) -> int:
    if len(text) != 10 or text[4] != "-" or text[7] != "-":
        raise ValueError(f"{text!r} is no date")
    return int(text[:4] + text[5:7] + text[8:])


def _moment(text: str) -> int:
    if len(text) < 12 or not text.isdigit():
        raise ValueError(f"{text!r} is no time")
    return day_start(int(text[:8]), ZONE) + (int(text[8:10]) * 60 + int(text[10:12])) * NS_PER_MINUTE
