"""A fake Yahoo as a process of its own: `python yahoo.py [--port N] [--stock FOLDER]`, plain HTTP.

It answers what yfinance 1.7 asks for: a cookie (fc.yahoo.com), a crumb (/v1/test/getcrumb), charts (/v8/finance/chart/SYMBOL). yfinance's
collector sends the host that it means in X-Forwarded-Host. Daily rows come from the files of /stock, adjusted as Yahoo does: prices and
dividends divided by later splits and rounded to single precision, volumes multiplied. Written from what yfinance reads
(`scrapers/history.py`, `utils.py`). `GET` and `POST /control` are the test's own.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import gzip
import json
import os
import struct
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

if not __package__:  # run as a script
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

# Splits (ex-day, ratio) and dividends as they were paid (ex-day, amount): some of the real ones of these shares.
SPLITS = {"AAPL": [("2000-06-21", 2.0), ("2005-02-28", 2.0), ("2014-06-09", 7.0), ("2020-08-31", 4.0)]}
DIVIDENDS = {
    "AAPL": [("2012-08-09", 2.65), ("2013-11-06", 3.05), ("2014-08-07", 0.47), ("2020-08-07", 0.82), ("2021-02-05", 0.205)],
    "SPY": [("2013-09-20", 0.838), ("2020-12-18", 1.58)],
}
NAMES = {
    "AAPL": ("Apple Inc.", "EQUITY", "USD", "America/New_York"),
    "SPY": ("SPDR S&P 500 ETF", "ETF", "USD", "America/New_York"),
    "0700.HK": ("TENCENT", "EQUITY", "HKD", "Asia/Hong_Kong"),
}
SECONDS = {"1m": 60, "5m": 300, "15m": 900, "1h": 3600}


class Yahoo:
    """The server."""

    def __init__(self, stock: Path | None) -> None:
        self.stock = stock
        self.orders: list[dict[str, Any]] = []  # what the next charts meet: status, body, only
        self.calls: list[str] = []
        self.shift_s = 0
        self._files: dict[str, list[list[Any]]] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests until the connection ends."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = next((int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
                body = await reader.readexactly(length)
                status, answer, kind = self.answer(*head.split(" ", 2)[:2], head, body)
                more = "Set-Cookie: A3=fake; Domain=yahoo.com; Path=/\r\n" if "fc.yahoo.com" in head else ""
                date = formatdate(time.time() + self.shift_s, usegmt=True)
                line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nDate: {date}\r\nContent-Type: {kind}\r\n"
                writer.write(f"{line}{more}Content-Length: {len(answer)}\r\n\r\n".encode() + answer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        writer.close()

    def answer(self, method: str, target: str, head: str, body: bytes) -> tuple[int, bytes, str]:
        """Return status, body and kind of an answer."""
        parts = urlsplit(target)
        if parts.path == "/control":
            if body:
                order = json.loads(body)
                self.do(order.pop("do"), order)
            return 200, json.dumps({"calls": self.calls}).encode(), "application/json"
        self.calls.append(f"{parts.path}?{parts.query}" if parts.query else parts.path)
        if parts.path == "/v1/test/getcrumb":
            return 200, b"crumb", "text/plain"
        if not parts.path.startswith("/v8/finance/chart/"):
            return 404, b"<html></html>", "text/html"
        if order := next((one for one in self.orders if one.get("only", "") in parts.query), None):
            self.orders.remove(order)
            return order.get("status", 200), order.get("body", "").encode("latin-1"), order.get("kind", "application/json")
        chart = self.chart(parts.path.rpartition("/")[2], dict(parse_qsl(parts.query)))
        return 404 if chart["error"] else 200, json.dumps({"chart": chart}).encode(), "application/json"

    def do(self, what: str, order: dict[str, Any]) -> None:
        """Do what the test says: "meet" (status, body, kind, count) for the next charts whose query has `only`, "set", "calm"."""
        if what == "meet":
            self.orders += [order] * order.pop("count", 1)
        elif what == "calm":
            self.orders.clear()
        else:
            for name, value in order.items():
                setattr(self, name, value)

    def chart(self, symbol: str, asked: dict[str, str]) -> dict[str, Any]:
        """Return the chart that is asked for."""
        if symbol not in NAMES and not _is_made_up(symbol):
            return _none("No data found, symbol may be delisted")
        now = int(time.time()) + self.shift_s
        last = int(asked.get("period2", now))
        first = int(asked.get("period1", now - 86_400))
        interval = asked["interval"]
        if interval == "1m" and now - first > 30 * 86_400:
            return _none("1m data not available. The requested range must be within the last 30 days.")
        rows = self.days(symbol) if interval == "1d" else minutes(symbol, first, last, SECONDS[interval])
        rows = [row for row in rows if first <= row[0] < last]
        if not rows and "range" not in asked:
            return _none(f"Data doesn't exist for startDate = {first}, endDate = {last}")
        return {"result": [self.result(symbol, rows, first, last, interval, asked.get("includePrePost") == "True")], "error": None}

    def result(self, symbol: str, rows: list[list[Any]], first: int, last: int, interval: str, prepost: bool) -> dict[str, Any]:
        """Return a chart's result."""
        name, kind, currency, zone = NAMES.get(symbol, (symbol, "EQUITY", "USD", "America/New_York"))
        meta = {"currency": currency, "symbol": symbol, "instrumentType": kind, "exchangeTimezoneName": zone, "longName": name}
        meta |= {"dataGranularity": interval, "validRanges": ["1d", "5d", "1mo", "max"], "priceHint": 2, "timezone": "X", "gmtoffset": 0}
        if interval != "1d":
            days = sorted({datetime.fromtimestamp(row[0], ZoneInfo(zone)).date() for row in rows})
            spans = {name: [[_period(day, zone, *hours)] for day in days] for name, hours in HOURS.items()}
            meta["tradingPeriods"] = spans if prepost else spans["regular"]
        columns = list(zip(*rows, strict=True)) if rows else [[]] * 7
        quote = dict(zip(("open", "high", "low", "close", "volume"), map(list, columns[1:6]), strict=True))
        indicators: dict[str, Any] = {"quote": [quote]}
        if interval == "1d":
            indicators["adjclose"] = [{"adjclose": list(columns[6])}]
        return {"meta": meta, "timestamp": list(columns[0]), "indicators": indicators, "events": events(symbol, first, last)}

    def days(self, symbol: str) -> list[list[Any]]:
        """Return a share's daily rows: seconds, open, high, low, close, volume, adjusted close, as Yahoo has them."""
        if symbol not in self._files and self.stock is not None and (self.stock / f"{symbol}_daily.csv.gz").exists():
            with gzip.open(self.stock / f"{symbol}_daily.csv.gz", "rt") as file:
                self._files[symbol] = _adjusted(symbol, list(csv.DictReader(file)))
        return self._files.get(symbol, [])


HOURS = {"pre": (4.0, 9.5), "regular": (9.5, 16.0), "post": (16.0, 20.0)}


def _is_made_up(symbol: str) -> bool:
    # A share without a history: QAAA to QZZZ.
    return len(symbol) == 4 and symbol[0] == "Q" and symbol.isalpha()


def events(symbol: str, first: int, last: int) -> dict[str, Any]:
    """Return the splits and dividends of a stretch."""
    splits = [(_at(day), ratio) for day, ratio in SPLITS.get(symbol, [])]
    paid = [(_at(day), single(amount / later(symbol, day))) for day, amount in DIVIDENDS.get(symbol, [])]
    found: dict[str, Any] = {}
    if inside := {str(at): {"date": at, "amount": amount} for at, amount in paid if first <= at < last}:
        found["dividends"] = inside
    if cut := {str(at): _split(at, ratio) for at, ratio in splits if first <= at < last}:
        found["splits"] = cut
    return found


def minutes(symbol: str, first: int, last: int, length: int) -> list[list[Any]]:
    """Return bars of the regular session and half an hour around it; the price follows from the time alone; each 13th is empty."""
    zone, found = ZoneInfo(NAMES[symbol][3]), []
    for at in range(first - first % length, last, length):
        local = datetime.fromtimestamp(at, zone)
        if local.weekday() < 5 and 9 <= local.hour + local.minute / 60 < 16.5:
            price: float | None = None if at // length % 13 == 0 else 50.0 + at // length % 10
            low, high = (None, None) if price is None else (price - 0.5, price + 0.5)
            found.append([at, price, high, low, price, None if price is None else 100, price])
    return found


def later(symbol: str, day: str) -> float:
    """Return the product of the splits later than a day."""
    product = 1.0
    for split, ratio in SPLITS.get(symbol, []):
        product *= ratio if day < split else 1.0
    return product


def single(value: float) -> float:
    """Return a number in single precision."""
    found: float = struct.unpack("f", struct.pack("f", value))[0]
    return found


def _adjusted(symbol: str, rows: list[dict[str, str]]) -> list[list[Any]]:
    # From the newest to the oldest: each dividend scales what came before it by 1 - D / P (both as split-adjusted).
    found, factor, cash = [], 1.0, dict(DIVIDENDS.get(symbol, []))
    for place in range(len(rows) - 1, -1, -1):
        row, day = rows[place], rows[place]["time"][:10]
        splits = later(symbol, day)
        prices = [float(row[name]) / splits for name in ("open", "high", "low", "close")]
        found.append([_at(day), *map(single, prices), round(float(row["volume"]) * splits), single(prices[3] * factor)])
        if day in cash and place:
            before = rows[place - 1]
            factor *= 1 - cash[day] / splits / (float(before["close"]) / later(symbol, before["time"][:10]))
    return found[::-1]


def _at(day: str) -> int:
    return int((datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("America/New_York")) + timedelta(hours=9.5)).timestamp())


def _split(at: int, ratio: float) -> dict[str, Any]:
    return {"date": at, "numerator": ratio, "denominator": 1.0, "splitRatio": f"{ratio:g}:1"}


def _period(day: Any, zone: str, begin: float, end: float) -> dict[str, Any]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    start, stop = (int((midnight + timedelta(hours=hours)).astimezone(UTC).timestamp()) for hours in (begin, end))
    return {"timezone": "X", "start": start, "end": stop, "gmtoffset": 0}


def _none(text: str) -> dict[str, Any]:
    return {"result": None, "error": {"code": "Not Found", "description": text}}


async def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--parent", type=int, default=0)
    parser.add_argument("--stock", type=Path)
    given = parser.parse_args()
    server = await asyncio.start_server(Yahoo(given.stock).serve, "127.0.0.1", given.port)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    while not given.parent or os.getppid() == given.parent:
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    asyncio.run(main())
