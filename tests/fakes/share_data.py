"""Invented shares with the shapes and units of baostock's and Eastmoney's answers: bars, dividends, suspensions, names.

Written from the documentation of baostock (pages "A股K线数据", "除权除息信息", "证券基本资料") and from what its client and akshare read.
Everything is a function of the code: the same shares at each run.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

DAILY = (
    "date",
    "code",
    "open",
    "high",
    "low",
    "close",
    "preclose",
    "volume",
    "amount",
    "adjustflag",
    "turn",
    "tradestatus",
    "pctChg",
    "isST",
)
DIVIDENDS = (
    "code",
    "dividPreNoticeDate",
    "dividAgmPumDate",
    "dividPlanAnnounceDate",
    "dividPlanDate",
    "dividRegistDate",
    "dividOperateDate",
    "dividPayDate",
    "dividStockMarketDate",
    "dividCashPsBeforeTax",
    "dividCashPsAfterTax",
    "dividStocksPs",
    "dividCashStock",
    "dividReserveToStockPs",
)
BASIC = ("code", "code_name", "ipoDate", "outDate", "type", "status")


def dashed(day: int) -> str:
    """Return "2024-01-02" for 20240102."""
    return f"{day // 10000}-{day // 100 % 100:02}-{day % 100:02}"


def share(
    code: str,
    name: str,
    days: Sequence[int],
    *,
    price: float = 20.0,
    suspended: Iterable[int] = (),
    st_from: int = 99_999_999,
    actions: Mapping[int, tuple[float, float, float]] | None = None,
    rights: Mapping[int, tuple[float, float]] | None = None,
    out: int | None = None,
) -> dict[str, Any]:
    """Return one share's rows: "basic", "daily", "weekly", "dividends", "factors", each as lists of texts.

    Args:
        days: its trading days YYYYMMDD, the first is the one of its listing.
        suspended: days on which it does not trade.
        actions: ex-day -> (cash a share, bonus shares a share, shares from reserves a share).
        rights: ex-day -> (shares offered a share, their price); baostock tells of them in the factors alone.
    """
    rng = random.Random(code)
    actions, rights = actions or {}, rights or {}
    away = set(suspended)
    daily: list[list[str]] = []
    dividends: list[list[str]] = []
    steps: list[tuple[int, float]] = []
    close = price
    for day in days:
        before = close
        if day in actions or day in rights:
            cash, bonus, reserve = actions.get(day, (0.0, 0.0, 0.0))
            offered, paid = rights.get(day, (0.0, 0.0))
            before = round((close - cash + offered * paid) / (1 + bonus + reserve + offered) + 1e-9, 2)
            steps.append((day, close / before))
            if day in actions:
                dividends.append(_dividend(code, day, cash, bonus, reserve))
        treated = "1" if day >= st_from else "0"
        if day in away:
            flat = f"{before:.4f}"
            daily.append([dashed(day), code, flat, flat, flat, flat, flat, "0", "0.0000", "3", "", "0", "0.000000", treated])
            close = before
            continue
        opened = max(0.01, round(before * (1 + rng.uniform(-0.02, 0.02)), 2))
        close = max(0.01, round(before * (1 + rng.uniform(-0.04, 0.04)), 2))
        high = round(max(opened, close) + rng.randrange(0, 20) / 100, 2)
        low = max(0.01, round(min(opened, close) - rng.randrange(0, 5) / 100, 2))
        volume = rng.randrange(1_000, 900_000) * 100
        amount = volume * (high + low) / 2
        move = (close / before - 1) * 100
        cells = [f"{value:.4f}" for value in (opened, high, low, close, before)]
        daily.append([dashed(day), code, *cells, str(volume), f"{amount:.4f}", "3", "0.512300", "1", f"{move:.6f}", treated])
    return {
        "basic": [code, name, dashed(days[0]), dashed(out) if out else "", "1", "0" if out else "1"],
        "daily": daily,
        "weekly": _weekly(daily),
        "dividends": dividends,
        "factors": _factors(code, steps),
    }


def _dividend(code: str, day: int, cash: float, bonus: float, reserve: float) -> list[str]:
    when = dashed(day)
    after = f"{cash * 0.9:.6g}或{cash:.6g}" if cash else ""
    taken = [f"{cash:.6g}" if cash else "", after, f"{bonus:.6f}", "10派", f"{reserve:.6f}" if reserve else ""]
    return [code, "", when, when, when, when, when, when, when if bonus or reserve else "", *taken]


def _factors(code: str, steps: list[tuple[int, float]]) -> list[list[str]]:
    back, rows = 1.0, []
    total = 1.0
    for _, step in steps:
        total *= step
    for day, step in steps:
        back *= step
        rows.append([code, dashed(day), f"{back / total:.6f}", f"{back:.6f}", f"{back:.6f}"])
    return rows


def _weekly(daily: list[list[str]]) -> list[list[str]]:
    # A week is named by its last day with prices.
    import datetime

    weeks: dict[tuple[int, int], list[list[str]]] = {}
    for row in daily:
        if row[11] == "1":
            weeks.setdefault(datetime.date.fromisoformat(row[0]).isocalendar()[:2], []).append(row)
    made = []
    for rows in weeks.values():
        volume = str(sum(int(row[7]) for row in rows))
        amount = f"{sum(float(row[8]) for row in rows):.4f}"
        highest, lowest = max((row[3] for row in rows), key=float), min((row[4] for row in rows), key=float)
        made.append([rows[-1][0], rows[0][1], rows[0][2], highest, lowest, rows[-1][5], "", volume, amount, "3", "", "", "", ""])
    return made


def minutes(code: str, days: Sequence[int], step: int = 5, price: float = 20.0) -> list[list[str]]:
    """Return bars of `step` minutes: date, time (of the bar's end), code, open, high, low, close, volume, amount, adjustflag."""
    rng = random.Random(f"{code} {step}")
    ends = [m for start, end in ((570, 690), (780, 900)) for m in range(start + step, end + 1, step)]
    rows, last = [], price
    for day in days:
        for end in ends:
            opened = last
            last = max(0.01, round(last + rng.randrange(-5, 6) / 100, 2))
            high, low = max(opened, last), min(opened, last)
            volume = rng.randrange(0, 5_000) * 100
            cells = [f"{value:.4f}" for value in (opened, high, low, last)]
            when = f"{day}{end // 60:02}{end % 60:02}00000"
            rows.append([dashed(day), when, code, *cells, str(volume), f"{volume * last:.4f}", "3"])
    return rows
