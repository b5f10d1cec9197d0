"""A fake TWS as a process of its own: `python tws.py [--port N] [--stock FOLDER] [--delayed] [--tape FILE]`.

It speaks TWS's socket protocol as server version 176: after "API\\0" and a range of versions, each message is its length (4 bytes, big
endian) and fields that end with NUL. Written from what ib_async 2.1 sends and reads (`client.py`, `decoder.py`) and from the TWS API's
pages "Connection", "Market Data: Live", "Historical Data" and "Message Codes". A connection that begins with "GET" or "POST" is the
test's own: see `Tws.control`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import struct
import sys
import time
from pathlib import Path
from typing import Any

if not __package__:  # run as a script
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from fakes import tws_market as market

VERSION = 176
QUOTES = "quotes"
BAR_SECONDS = {"5 secs": 5, "1 min": 60, "5 mins": 300, "15 mins": 900, "30 mins": 1800, "1 hour": 3600}


class Client:
    """A connection of an API client."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.number = -1
        self.data_type = 1
        self.subscribed: dict[int, tuple[str, str]] = {}  # request -> kind, symbol

    def say(self, *fields: Any) -> None:
        """Send a message."""
        self.raw("".join(f"{field}\0" for field in fields).encode())

    def raw(self, body: bytes) -> None:
        """Send a message's bytes."""
        self.writer.write(struct.pack(">I", len(body)) + body)

    def error(self, request: int, code: int, text: str) -> None:
        """Send an error or a notice."""
        self.say(4, 2, request, code, text, "")

    def requests(self, kind: str, symbol: str) -> list[int]:
        """Return the requests that a symbol is subscribed by."""
        return [request for request, one in self.subscribed.items() if one == (kind, symbol)]


class Tws:
    """The server."""

    def __init__(self, stock: Path | None, delayed: bool, tape: Path | None = None) -> None:
        self.stock, self.delayed, self.tape = stock, delayed, tape
        self.taped: dict[str, list[list[Any]]] = {}  # symbol -> time, price, size of each trade that a test has printed
        for line in tape.read_text().splitlines() if tape is not None and tape.exists() else ():
            symbol, *trade = json.loads(line)
            self.taped.setdefault(symbol, []).append(trade)
        self.cut_off = False  # from Interactive Brokers' servers: nobody hears of quotes, and of trades that are printed
        self.clients: set[Client] = set()
        self.refused_ids: set[int] = set()
        self.refusals: list[dict[str, Any]] = []  # of history: code, text
        self.closed_symbols: dict[str, list[int]] = {}  # symbol -> code of its market data, its single trades, its depth
        self.silent = False
        self.shift_s = 0
        self.calls: dict[str, int] = {}
        self.busiest = 0  # most messages in a second, of one connection
        self.logins = 0
        self.quiet_trades = 0  # seconds of 1970 up to which there are historical trades

    # ---- connections

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection, of a client or of the test."""
        head = await reader.readexactly(4)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if head == b"API\0":
                await self.login(reader, Client(writer))
            else:
                await self.control(head, reader, writer)
        writer.close()

    async def login(self, reader: asyncio.StreamReader, client: Client) -> None:
        """Shake hands, and answer requests until the end."""
        versions = (await self.message(reader)).decode()
        assert versions.startswith("v"), versions
        client.say(VERSION, "20131007 09:30:00 EST")
        kind, _version, number, _ = (await self.message(reader)).decode().split("\0")[:4]
        assert kind == "71"
        client.number = int(number)
        if client.number in self.refused_ids or any(one.number == client.number for one in self.clients):
            client.error(-1, 326, "Unable to connect as the client id is already in use. Retry with a unique client id.")
            await client.writer.drain()
            return
        self.clients.add(client)
        self.logins += 1
        try:
            client.say(15, 1, "DU1234567")
            client.say(9, 1, 1)
            client.error(-1, 2104, "Market data farm connection is OK:usfarm")
            await self.answer_all(reader, client)
        finally:
            self.clients.discard(client)

    async def answer_all(self, reader: asyncio.StreamReader, client: Client) -> None:
        """Answer requests until the connection ends."""
        second, count = 0.0, 0
        while True:
            fields = (await self.message(reader)).decode().split("\0")[:-1]
            if time.monotonic() - second >= 1:
                second, count = time.monotonic(), 0
            count += 1
            self.busiest = max(self.busiest, count)
            act = getattr(self, f"on_{fields[0]}", None)
            self.calls[fields[0]] = self.calls.get(fields[0], 0) + 1
            if act is not None and not self.silent:
                act(client, fields)
            await client.writer.drain()

    @staticmethod
    async def message(reader: asyncio.StreamReader) -> bytes:
        """Read a message."""
        return await reader.readexactly(struct.unpack(">I", await reader.readexactly(4))[0])

    # ---- requests, by their numbers

    def on_1(self, client: Client, fields: list[str]) -> None:
        """Market data."""
        self.subscribe(client, int(fields[2]), QUOTES, fields[3:], 0)
        if int(fields[2]) in client.subscribed:
            client.say(58, 1, fields[2], 3 if self.delayed else client.data_type)

    def on_2(self, client: Client, fields: list[str]) -> None:
        """Cancel market data; the same for single trades and depth."""
        client.subscribed.pop(int(fields[-1] if fields[0] != "11" else fields[2]), None)

    on_98 = on_11 = on_2

    def on_9(self, client: Client, fields: list[str]) -> None:
        """Contract details."""
        request, contract = int(fields[2]), fields[3:]
        listed = market.found(int(contract[0] or 0), contract[1], contract[9])
        if not listed:
            client.error(request, 200, "No security definition has been found for the request")
            return
        for one in listed:
            client.say(10, request, *one.fields(contract[7]))
        client.say(52, 1, request)

    def on_10(self, client: Client, fields: list[str]) -> None:
        """Depth."""
        self.subscribe(client, int(fields[2]), "depth", fields[3:], 2)

    def on_20(self, client: Client, fields: list[str]) -> None:
        """Historical bars."""
        request, contract, end, size, duration = int(fields[1]), fields[2:], fields[15], fields[16], fields[17]
        if self.refuses(client, request):
            return
        listed, (count, unit) = market.listed(int(contract[0])), duration.split()
        if size == "1 day":
            rows = market.daily(self.stock, listed.symbol, market.moment(end), int(count)) if self.stock else []
        else:
            rows = market.minutes(market.moment(end), BAR_SECONDS[size], int(count) * (1 if unit == "S" else 86_400))
        if not rows:
            client.error(request, 162, "Historical Market Data Service error message:HMDS query returned no data: " + listed.symbol)
            return
        client.say(17, request, "", "", len(rows), *(value for row in rows for value in row))

    def on_49(self, client: Client, fields: list[str]) -> None:
        """The time."""
        client.say(49, 1, int(time.time()) + self.shift_s)

    def on_59(self, client: Client, fields: list[str]) -> None:
        """The type of market data."""
        client.data_type = int(fields[2])

    def on_91(self, client: Client, fields: list[str]) -> None:
        """A market rule."""
        steps = market.RULES[int(fields[1])]
        client.say(93, fields[1], len(steps), *(value for step in steps for value in step))

    def on_96(self, client: Client, fields: list[str]) -> None:
        """Historical trades."""
        start, count = market.moment(fields[15]), int(fields[17])
        if self.refuses(client, int(fields[1])):
            return
        if self.tape is not None:
            taped = self.taped.get(market.listed(int(fields[2])).symbol, [])
            rows = market.page_of(taped, int(start.timestamp()), count)
            client.say(98, fields[1], len(rows), *(value for row in rows for value in row), 1)
            return
        rows = market.trades_from(start, count, self.quiet_trades or int(time.time()))
        client.say(98, fields[1], len(rows), *(value for row in rows for value in row), 1)

    def on_97(self, client: Client, fields: list[str]) -> None:
        """Single trades."""
        self.subscribe(client, int(fields[1]), "trades", fields[2:], 1)

    def refuses(self, client: Client, request: int) -> bool:
        """Refuse a request for history if the next one is to be."""
        if not self.refusals:
            return False
        refusal = self.refusals.pop(0)
        client.error(request, refusal["code"], refusal["text"])
        return True

    def subscribe(self, client: Client, request: int, kind: str, contract: list[str], place: int) -> None:
        """Take on a subscription, or refuse it."""
        listed = market.listed(int(contract[0]))
        code = self.closed_symbols.get(listed.symbol, [0, 0, 0])[place]
        if code:
            client.error(request, code, "Requested market data is not subscribed.")
        else:
            client.subscribed[request] = (kind, listed.symbol)

    # ---- the test's commands

    async def control(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer `GET /control` with how it stands, and do what `POST /control` says."""
        text = head + await reader.readuntil(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in text.lower().split(b"\r\n") if line.startswith(b"content-length")), 0)
        order = json.loads(await reader.readexactly(length)) if length else None
        if order is not None:
            getattr(self, f"do_{order.pop('do')}")(**order)
        body = json.dumps(
            {
                "clients": sorted(client.number for client in self.clients),
                "subscribed": sorted([kind, symbol] for client in self.clients for kind, symbol in client.subscribed.values()),
                "calls": self.calls,
                "busiest": self.busiest,
                "logins": self.logins,
                "data_types": [client.data_type for client in self.clients],
            }
        ).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        await writer.drain()

    def each(self, kind: str, symbol: str) -> list[tuple[Client, int]]:
        """Return who is subscribed to a symbol, and by which request."""
        return [(client, request) for client in self.clients for request in client.requests(kind, symbol)]

    def do_quote(self, symbol: str, **terms: float) -> None:
        """Send bid, ask, last (with their sizes), volume, close: what is given; -1 for none."""
        shift = 65 if self.delayed else 0
        for client, request in [] if self.cut_off else self.each(QUOTES, symbol):
            for kind, name in ((1, "bid"), (2, "ask"), (4, "last")):
                if name in terms:
                    client.say(1, 6, request, kind + shift - (kind == 4) * (shift > 0), terms[name], terms.get(f"{name}_size", 100), 0)
            for kind, name in ((8, "volume"), (9, "close")):
                if name in terms:
                    own = {8: 74, 9: 75}[kind] if self.delayed else kind
                    client.say(*(2, 6, request, own, terms[name]) if kind == 8 else (1, 6, request, own, terms[name], 0, 0))

    def do_text(self, symbol: str, kind: int, text: str) -> None:
        """Send a text tick: 45 the last trade's time, 48 a trade, 59 dividends."""
        for client, request in self.each(QUOTES, symbol):
            client.say(46, 6, request, kind, text)

    def do_number(self, symbol: str, kind: int, value: float) -> None:
        """Send a number: 49 whether trading is halted."""
        for client, request in self.each(QUOTES, symbol):
            client.say(45, 6, request, kind, value)

    def do_trade(self, symbol: str, time_s: int, price: float, size: float, mask: int = 0, times: int = 1) -> None:
        """Send single trades, one a second from a time on if there are several."""
        for client, request in self.each("trades", symbol):
            for number in range(times):
                client.say(99, request, 1, time_s + number, price, size, mask, "NASDAQ", " T")

    def do_print(self, symbol: str, trades: list[list[float]]) -> None:
        """Let trades happen: time in seconds, price, size. Who is subscribed hears of them; history has them, over a restart, too."""
        assert self.tape is not None
        self.taped.setdefault(symbol, []).extend(trades)
        with self.tape.open("a") as file:
            file.write("".join(json.dumps([symbol, *trade]) + "\n" for trade in trades))
        for client, request in [] if self.cut_off else self.each("trades", symbol):
            for time_s, price, size in trades:
                client.say(99, request, 1, time_s, price, size, 0, "NASDAQ", "")

    def do_levels(self, symbol: str, levels: list[list[float]]) -> None:
        """Change levels of a book: position, operation, side, price, size."""
        for client, request in self.each("depth", symbol):
            for level in levels:
                client.say(12, 1, request, *level)

    def do_notice(self, code: int, text: str, symbol: str = "", kind: str = "") -> None:
        """Send a notice or an error, of a subscription if a symbol and a kind are given."""
        for client, request in self.each(kind, symbol) if symbol else [(client, -1) for client in self.clients]:
            client.error(request, code, text)
            if code == 1101:
                client.subscribed.clear()

    def do_rubbish(self, texts: list[str], framed: bool = True) -> None:
        """Send messages that are none, or bytes that are no message at all."""
        for client in self.clients:
            for text in texts:
                (client.raw if framed else client.writer.write)(text.encode("latin-1"))

    def do_restart(self) -> None:
        """Close all connections, as TWS does once a day."""
        for client in list(self.clients):
            client.writer.close()

    def do_set(self, **values: Any) -> None:
        """Set silent, shift_s, quiet_trades, closed_symbols, refusals, cut_off."""
        for name, value in values.items():
            setattr(self, name, value)

    def do_refuse_ids(self, numbers: list[int]) -> None:
        """Let these client ids be in use."""
        self.refused_ids = set(numbers)


async def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--parent", type=int, default=0)
    parser.add_argument("--stock", type=Path)
    parser.add_argument("--delayed", action="store_true")
    parser.add_argument("--tape", type=Path)
    given = parser.parse_args()
    tws = Tws(given.stock, given.delayed, given.tape)
    server = await asyncio.start_server(tws.serve, "127.0.0.1", given.port)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await outlive(given.parent)


async def outlive(parent: int) -> None:
    """Return when the process that started this one has ended; 0 = never."""
    while not parent or os.getppid() == parent:
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    asyncio.run(main())
