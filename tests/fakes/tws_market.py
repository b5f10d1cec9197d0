"""What the fake TWS knows: contracts, price steps, and history from files or by a rule that a test can compute, too."""

from __future__ import annotations

import csv
import gzip
import re
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

NY, HK = "US/Eastern", "Hongkong"
# Market rules: price steps as (from this price, step). 26 is Reg NMS, 32 a piece of the Hong Kong spread table.
RULES = {
    26: [(0.0, 0.0001), (1.0, 0.01)],
    32: [(0.0, 0.001), (0.25, 0.005), (10.0, 0.01), (20.0, 0.02), (100.0, 0.1), (200.0, 0.2), (500.0, 0.5)],
}


class Listed(NamedTuple):
    """A contract."""

    number: int
    symbol: str
    primary: str
    name: str
    currency: str = "USD"
    stock_type: str = "COMMON"
    lot: float = 1.0

    @property
    def hong_kong(self) -> bool:
        """Whether it is listed in Hong Kong."""
        return self.currency == "HKD"

    def fields(self, exchange: str) -> list[object]:
        """Return the fields of message 10 behind the request's number (server versions from 164 on)."""
        exchanges, rules = ("SEHK", "32") if self.hong_kong else ("SMART,NYSE,NASDAQ", "26,26,26")
        step = 0.001 if self.hong_kong else 0.01
        hours = "20131007:0930-20131007:1600;20131008:CLOSED"
        head = [self.symbol, "STK", "", 0, "", exchange, self.currency, self.symbol, self.symbol, self.symbol, self.number, step]
        body = ["", "LMT,MKT", exchanges, 1, 0, self.name, self.primary, "", "", "", ""]
        open_in = [HK if self.hong_kong else NY, hours, hours]
        return [*head, *body, *open_in, "", "", 0, 1, "", "", rules, "", self.stock_type, self.lot, self.lot, self.lot]


_LISTED = [
    Listed(70, "700", "SEHK", "TENCENT HOLDINGS LTD", "HKD", lot=100),
    Listed(5, "5", "SEHK", "HSBC HOLDINGS PLC", "HKD", lot=400),
    Listed(265598, "AAPL", "NASDAQ", "APPLE INC"),
    Listed(756733, "SPY", "ARCA", "SS SPDR S&P 500 ETF TRUST-US", stock_type="ETF"),
    Listed(8314, "IBM", "NYSE", "INTL BUSINESS MACHINES CORP"),
    Listed(72063691, "BRK B", "NYSE", "BERKSHIRE HATHAWAY INC-CL B"),
    Listed(901, "TWIN", "NYSE", "TWIN OF NEW YORK"),
    Listed(902, "TWIN", "NASDAQ", "TWIN OF NASDAQ"),
]


def found(number: int, symbol: str, currency: str) -> list[Listed]:
    """Return the contracts that a look-up finds; every S0000 to S9999 is one."""
    if number:
        return [one for one in _LISTED if one.number == number]
    if re.fullmatch(r"S\d{4}", symbol):
        return [Listed(10_000 + int(symbol[1:]), symbol, "NYSE", f"SHARE {symbol}")]
    return [one for one in _LISTED if one.symbol == symbol and one.currency == currency]


def listed(number: int) -> Listed:
    """Return the contract of a number."""
    if 10_000 <= number < 20_000:
        return Listed(number, f"S{number - 10_000:04}", "NYSE", "")
    return next(one for one in _LISTED if one.number == number)


def daily(folder: Path, symbol: str, end: datetime, days: int) -> list[list[object]]:
    """Return the daily bars of a file of /stock in the days before a moment: date, open, high, low, close, volume, average, count."""
    path = folder / f"{symbol}_daily.csv.gz"
    if not path.exists():
        return []
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file))
    first, last = (end - timedelta(days=days)).strftime("%Y-%m-%d"), end.strftime("%Y-%m-%d")
    return [
        [row["time"][:10].replace("-", ""), row["open"], row["high"], row["low"], row["close"], row["volume"], row["close"], 1]
        for row in rows
        if first <= row["time"][:10] <= last
    ]


def minute_bar(start_s: int, length_s: int = 60) -> list[object]:
    """Return the bar of an interval that begins at a second: its price follows from the second alone."""
    price = 100.0 + start_s // length_s % 50
    return [start_s, price, price + 0.5, price - 0.5, price + 0.25, 10 + start_s // length_s % 7, price, 3]


def minutes(end: datetime, length_s: int, seconds: int) -> list[list[object]]:
    """Return the bars in the seconds before a moment."""
    end_s = int(end.timestamp())
    first = -(-(end_s - seconds) // length_s) * length_s
    return [minute_bar(at, length_s) for at in range(first, end_s, length_s)]


def trades_in(second: int) -> list[tuple[float, int]]:
    """Return the trades (price, size) of a second: none to three."""
    return [(100 + (second + number) % 20 / 4, 100 + number) for number in range(second % 4)]


def trades_from(start: datetime, count: int, until_s: int) -> list[list[object]]:
    """Return at least so many trades from a moment on, all of the last one's second; fields of message 98."""
    at, rows = int(start.timestamp()), []
    while at < until_s and len(rows) < count:
        rows += [[at, 0, price, size, "NYSE", ""] for price, size in trades_in(at)]
        at += 1
    return rows


def page_of(trades: list[list[Any]], start_s: int, count: int) -> list[list[object]]:
    """Return at least so many of these trades (time, price, size) from a second on, all of the last one's second; fields of message 98."""
    first = bisect_left(trades, start_s, key=lambda trade: trade[0])
    over = first + count
    while first < over < len(trades) and trades[over][0] == trades[over - 1][0]:
        over += 1
    return [[time_s, 0, price, size, "NASDAQ", ""] for time_s, price, size in trades[first:over]]


def moment(text: str) -> datetime:
    """Return the moment of "20131007 20:00:00 UTC"; now for nothing."""
    return datetime.strptime(text, "%Y%m%d %H:%M:%S UTC").replace(tzinfo=UTC) if text else datetime.now(UTC)
