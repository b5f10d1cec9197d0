"""baostock's server on loopback: its text protocol, as its client library 0.9 speaks it (`baostock.util.socketutil`, `data.messageheader`).

A request is a header of 21 bytes (version, type, length of the body, parted by \\1), the body (parted by \\1), \\1, the CRC32 of both, \\n.
An answer has the same header and body, \\1, a CRC, and ends with "<![CDATA[]]>\\n"; bodies of the type 96 are compressed by zlib, and the
header then gives the compressed length. A body begins with the error's code and text; then come the method, the user, and pages of 2,000
rows as JSON. What the server does was not seen: it is what the client needs, and the codes of `baostock.common.contants`.

    python -m fakes.baostock --store FILE --port 0      (from the folder `tests`)
"""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import time
import zlib
from typing import Any

from fakes.share_data import BASIC, DAILY, DIVIDENDS
from fakes.share_server import serve

SPLIT, END = "\1", b"<![CDATA[]]>\n"
MINUTES = ("date", "time", "code", "open", "high", "low", "close", "volume", "amount", "adjustflag")
FACTORS = ("code", "dividOperateDate", "foreAdjustFactor", "backAdjustFactor", "adjustFactor")
ANSWERS = {"00": "01", "02": "03", "13": "14", "15": "16", "33": "34", "35": "36", "45": "46", "95": "96", "98": "99", "9A": "9B"}


class Shop:
    """What is served, who is logged in, and what is to go wrong."""

    def __init__(self, store: dict[str, Any]) -> None:
        self.shares: dict[str, dict[str, Any]] = store["shares"]
        self.trade_dates: list[str] = store["trade_dates"]
        self.users: set[int] = set()
        self.times: list[float] = []
        self.wrong: list[str] = []  # kinds of rubbish for the next answers
        self.refusal = ""
        self.lock = threading.Lock()

    def do(self, words: dict[str, Any]) -> dict[str, Any]:
        """Do what the test says."""
        what = words["do"]
        with self.lock:
            if what == "expire":
                self.users.clear()
            elif what == "wrong":
                self.wrong += words["kinds"]
            elif what == "refuse":
                self.refusal = words["code"]
            elif what == "rows":
                self.shares[words["code"]][words["table"]] += words["rows"]
            elif what == "cut":
                one = self.shares[words["code"]]
                one["daily"] = [row for row in one["daily"] if row[0] < words["day"]]
            elif what == "seen":
                return {"requests": len(self.times), "times": self.times[-2000:]}
        return {"done": what}

    def answer(self, kind: str, parts: list[str], who: int) -> list[str]:
        """Return the body of the answer to a request."""
        method, user = parts[0], parts[1]
        if self.refusal:
            return [self.refusal, "黑名单用户"]
        if kind == "00":
            self.users.add(who)
            return ["0", "success", method, user]
        if who not in self.users:
            return ["10001001", "用户未登录"]
        if kind == "02":
            self.users.discard(who)
            return ["0", "success", method, user]
        if kind in ("98", "9A"):
            return ["0", "success", method, user, *self.day(parts[2], fund=kind == "9A")]
        page, size = int(parts[2]), int(parts[3])
        found = self.rows(kind, parts[4:])
        if isinstance(found, str):
            return [found, "错误"]
        fields, rows, echo = found
        record = json.dumps({"record": rows[(page - 1) * size : page * size]}, ensure_ascii=False)
        head = ["0", "success", method, user, str(page), str(size), record]
        return [*head, *echo(",".join(fields))]

    def day(self, day: str, *, fund: bool) -> list[str]:
        """Return the rows of all shares (or funds) of a day, and their fields."""
        rows = [row for one in self.shares.values() for row in one["daily"] if row[0] == day and (one["basic"][4] == "5") == fund]
        return [json.dumps({"record": rows}), ",".join(DAILY)]

    def rows(self, kind: str, words: list[str]) -> Any:
        """Return (fields, rows, what stands behind the rows) or the code of an error."""
        if kind == "33":
            start, end = words
            dates = [[day, "1"] for day in self.trade_dates if start <= day <= end]
            return ("calendar_date", "is_trading_day"), dates, lambda fields: [start, end, fields]
        if kind == "35":
            (day,) = words
            every = [[code, "1", one["basic"][1]] for code, one in self.shares.items() if one["basic"][2] <= day < (one["basic"][3] or "9")]
            return ("code", "tradeStatus", "code_name"), every, lambda fields: [day, fields]
        code = words[0]
        if kind == "45":
            every = [one["basic"] for key, one in self.shares.items() if code in ("", key)]
            return BASIC, every, lambda fields: [code, words[1], fields]
        if code not in self.shares:
            return "10004011"
        one = self.shares[code]
        if kind == "13":
            year = words[1]
            found = [row for row in one["dividends"] if row[6].startswith(year)]
            return DIVIDENDS, found, lambda fields: [code, year, words[2], fields]
        if kind == "15":
            start, end = words[1:3]
            found = [row for row in one["factors"] if start <= row[1] <= end]
            return FACTORS, found, lambda fields: [code, start, end, fields]
        return self.bars(one, words)

    def bars(self, one: dict[str, Any], words: list[str]) -> Any:
        """Return the answer to a request for bars."""
        code, fields, start, end, frequency, adjust = words
        table = {"d": "daily", "w": "weekly", "m": "monthly"}.get(frequency, frequency)
        known = DAILY if frequency in "dwm" else MINUTES
        asked = fields.split(",")
        if not set(asked) <= set(known):
            return "10004012"
        places = [known.index(field) for field in asked]
        found = [[row[place] for place in places] for row in one.get(table, []) if start <= row[0] <= end]
        return asked, found, lambda fields: [code, fields, start, end, frequency, adjust]


class Handler(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        """Answer requests until the client goes."""
        shop: Shop = self.server.content  # type: ignore[attr-defined]
        who = id(self)
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for line in self.rfile:
            with shop.lock:
                shop.times.append(time.monotonic())
                wrong = shop.wrong.pop(0) if shop.wrong else ""
                body, kind = self.body(shop, line.rstrip(b"\n"), who)
            if not self.send(kind, SPLIT.join(body), wrong):
                break
        with shop.lock:
            shop.users.discard(who)

    def body(self, shop: Shop, line: bytes, who: int) -> tuple[list[str], str]:
        """Return the answer's body and type to one request."""
        head, _, checksum = line.rpartition(SPLIT.encode())
        text = head.decode()
        _, kind, length = text[:21].split(SPLIT)
        body = text[21:]
        if zlib.crc32(head) != int(checksum) or len(body) != int(length) or kind not in ANSWERS:
            return ["10004019", "消息格式不正确"], "04"
        return shop.answer(kind, body.split(SPLIT), who), ANSWERS[kind]

    def send(self, kind: str, body: str, wrong: str) -> bool:
        """Send an answer, or what is wrong instead; return whether the connection goes on."""
        if kind in ("96", "99", "9B"):
            data = zlib.compress((body + ("\n" if kind == "96" else "")).encode())
            message = self.head(kind, len(data)) + data
        else:
            message = self.head(kind, len(body)) + body.encode()
        message += f"{SPLIT}{zlib.crc32(message)}".encode()
        if wrong == "rubbish":
            message = b"\x00\xff rubbish \x81" * 9
        elif wrong == "json":
            bad = SPLIT.join(["0", "success", "q", "anonymous", "1", "2000", '{"record":[[1,', "a", "b", "c", "d", "e", "f"]) + "\n"
            data = zlib.compress(bad.encode())
            message = self.head("96", len(data)) + data
        elif wrong == "zlib":
            message = self.head("96", 40) + b"x" * 40
        elif wrong == "short":
            message = self.head("96", 9) + zlib.compress(b"0\1ok")
        elif wrong == "cut":
            self.wfile.write(message[: len(message) // 2])
            return False
        elif wrong == "silent":
            return True
        self.wfile.write(message + END)
        return True

    @staticmethod
    def head(kind: str, length: int) -> bytes:
        """Return an answer's header."""
        return f"00.9.40{SPLIT}{kind}{SPLIT}{length:010}".encode()


if __name__ == "__main__":
    serve(Handler, Shop)
