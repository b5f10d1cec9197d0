"""Eastmoney's pages on loopback, as akshare 1.19 asks for them: quotes, the list of all shares, bars, suspensions, dividends.

Paths, parameters and fields are those that akshare's functions send and read (`stock_bid_ask_em`, `stock_zh_a_spot_em`, `stock_zh_a_hist`,
`stock_zh_a_hist_min_em`, `stock_tfp_em`, `stock_fhps_detail_em`); the pages themselves were not seen. All of their hosts are this one.

    python -m fakes.eastmoney --store FILE --port 0      (from the folder `tests`)
"""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fakes.share_server import serve

# Fields of a row of the list, in order: akshare names the columns by their places, 31 of them (f140 and f141 come with f128).
LISTED = [f"f{number}" for number in (*range(1, 19), *range(20, 26), 62, 115, 128, 140, 141, 136, 152)]
BONUS = 30  # columns of a row of dividends
BOOK = {  # level -> fields of price and size, in lots
    "sell": (("f39", "f40"), ("f37", "f38"), ("f35", "f36"), ("f33", "f34"), ("f31", "f32")),
    "buy": (("f19", "f20"), ("f17", "f18"), ("f15", "f16"), ("f13", "f14"), ("f11", "f12")),
}


def quote(
    code: str,
    name: str,
    last: float,
    *,
    volume: int = 1000,
    listed: int = 20010827,
    made_s: int = 0,
    limit: float = 0.1,
    previous: float | None = None,
    traded: bool = True,
) -> dict[str, Any]:
    """Return the fields of a share's quote: five levels around the last price, volume in lots, turnover in yuan."""
    before = previous if previous is not None else last
    data: dict[str, Any] = {"f57": code, "f58": name, "f189": listed, "f86": made_s, "f60": before}
    data |= {"f51": round(before * (1 + limit) + 1e-9, 2), "f52": round(before * (1 - limit) + 1e-9, 2)}
    absent = ("f43", "f44", "f45", "f46", "f47", "f48", "f71")
    if traded:
        values = (last, round(last + 0.1, 2), round(last - 0.1, 2), last, volume, round(volume * 100 * last, 2), last)
        data |= dict(zip(absent, values, strict=True))
    else:
        data |= dict.fromkeys(absent, "-")
    for side, step in (("sell", 0.01), ("buy", -0.01)):
        for level, (price, size) in enumerate(BOOK[side]):
            data[price] = round(last + step * (level + (side == "sell")), 2) if traded else "-"
            data[size] = 10 * (level + 1) if traded else "-"
    return data | dict.fromkeys(("f170", "f169", "f168", "f50", "f49", "f161"), 0.0)


class Site:
    """What the pages show, and what is to go wrong."""

    def __init__(self, store: dict[str, Any]) -> None:
        self.quotes: dict[str, dict[str, Any]] = store["quotes"]  # by secid, such as "1.600519"
        self.bars: dict[str, dict[str, list[str]]] = store.get("bars", {})  # secid -> klt ("101", "5", "1") -> rows
        self.suspended: list[list[Any]] = store.get("suspended", [])
        self.dividends: dict[str, list[list[Any]]] = store.get("dividends", {})
        self.times: list[float] = []
        self.asked: dict[str, int] = {}
        self.wrong: list[str] = []
        self.status = 200
        self.lock = threading.Lock()

    def do(self, words: dict[str, Any]) -> dict[str, Any]:
        """Do what the test says."""
        what = words["do"]
        with self.lock:
            if what == "quote":
                self.quotes[words["secid"]] = words["data"]
            elif what == "change":
                self.quotes[words["secid"]] |= words["data"]
            elif what == "wrong":
                self.wrong += words["kinds"]
            elif what == "right":
                self.wrong.clear()
            elif what == "status":
                self.status = words["status"]
            elif what == "suspend":
                self.suspended = words["rows"]
            elif what == "seen":
                return {"requests": len(self.times), "times": self.times[-5000:], "asked": self.asked}
        return {"done": what}

    def page(self, path: str, words: dict[str, str]) -> Any:
        """Return the JSON of a page."""
        head = {"rc": 0, "rt": 4, "svr": 181669437, "lt": 1, "full": 1}
        if path == "/api/qt/stock/get":
            return {**head, "data": self.quotes.get(words["secid"])}
        if path == "/api/qt/clist/get":
            return {**head, "data": self.listed(int(words["pn"]), int(words["pz"]))}
        if path == "/api/qt/stock/kline/get":
            rows = self.bars.get(words["secid"], {}).get(words["klt"], [])
            if len(words["beg"]) == 8:
                rows = [row for row in rows if words["beg"] <= row[:10].replace("-", "") <= words["end"]]
            return {**head, "data": {"code": words["secid"][2:], "klines": rows} if rows else None}
        if path == "/api/qt/stock/trends2/get":
            rows = self.bars.get(words["secid"], {}).get("1")
            return {**head, "data": {"trends": rows} if rows else None}
        if path == "/api/data/v1/get":
            return self.report(words)
        return {"rc": 102, "data": None}

    def listed(self, page: int, size: int) -> dict[str, Any]:
        """Return a page of the list of all shares."""
        rows = []
        for secid, data in list(self.quotes.items())[(page - 1) * size : page * size]:
            row: dict[str, Any] = dict.fromkeys(LISTED, 0)
            names = {
                "f2": "f43",
                "f5": "f47",
                "f6": "f48",
                "f15": "f44",
                "f16": "f45",
                "f17": "f46",
                "f18": "f60",
                "f12": "f57",
                "f14": "f58",
            }
            rows.append(row | {own: data[other] for own, other in names.items()} | {"f13": int(secid[0])})
        return {"total": len(self.quotes), "diff": rows}

    def report(self, words: dict[str, str]) -> Any:
        """Return a table of the data centre."""
        name = words["reportName"]
        if name == "RPT_CUSTOM_SUSPEND_DATA_INTERFACE":
            rows: list[list[Any]] = self.suspended
        else:
            rows = self.dividends.get(words["filter"].partition('"')[2].partition('"')[0], [])
        if not rows:
            return {"version": None, "result": None, "success": False, "message": "返回数据为空", "code": 9201}
        data = [{f"C{place:02}": cell for place, cell in enumerate(row)} for row in rows]
        return {"result": {"pages": 1, "count": len(data), "data": data}, "success": True, "code": 0}


def dividend(day: str, cash: float | None, new: float | None, state: str = "实施分配") -> list[Any]:
    """Return a row of the table of dividends, cash and new shares for ten held; without a day it is a plan."""
    row: list[Any] = [None] * BONUS
    row[5], row[8], row[11], row[12], row[13] = new, cash, day or None, "2023-12-31", state
    return row


def suspension(code: str, name: str, begin: str, end: str | None = None) -> list[Any]:
    """Return a row of the table of suspensions."""
    return [code, name, begin, end, "连续停牌", "拟筹划重大资产重组", "上交所主板", begin, None, 0, 0, 0]


class Handler(BaseHTTPRequestHandler):
    """One connection, kept open."""

    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        """Send answers at once."""
        super().setup()
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self) -> None:
        """Answer a request."""
        site: Site = self.server.content  # type: ignore[attr-defined]
        parts = urlsplit(self.path)
        words = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        with site.lock:
            site.times.append(time.monotonic())
            site.asked[parts.path] = site.asked.get(parts.path, 0) + 1
            wrong = site.wrong.pop(0) if site.wrong else ""
            status, data = site.status, json.dumps(site.page(parts.path, words), ensure_ascii=False).encode()
        if wrong == "html":
            data = "<html>请完成验证</html>".encode() * 3
        elif wrong == "json":
            data = b'{"rc":0,"data":{"f43":'
        elif wrong == "shape":
            data = b'{"rc":0,"data":[1,2,3]}'
        elif wrong == "null":
            data = b'{"rc":0,"data":null}'
        elif wrong == "binary":
            data = bytes(range(256))
        squeezed = len(data) > 1000
        body = gzip.compress(data, 1) if squeezed else data
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        if squeezed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if wrong == "cut" else body)
        self.close_connection = wrong == "cut"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


if __name__ == "__main__":
    serve(Handler, Site)
