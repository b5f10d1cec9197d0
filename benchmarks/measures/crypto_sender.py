"""A websocket on loopback that sends messages as fast as they are taken, and what a reader must know of its market."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from typing import Any

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BLOCK = 100  # messages written at once


def serve(ports: Any, messages: list[bytes], snapshot: bytes) -> None:
    """Tell the port by the queue `ports`, and serve: all messages to whoever has subscribed, then the end; `snapshot` to any GET."""
    blocks = [b"".join(map(_frame, messages[i : i + _BLOCK])) for i in range(0, len(messages), _BLOCK)]
    asyncio.run(_serve(ports, blocks, snapshot))


async def _serve(ports: Any, blocks: list[bytes], snapshot: bytes) -> None:
    sent = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return
        key = next((line[19:] for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key: ")), None)
        if key is None:
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(snapshot)
            writer.write(head + snapshot)
            await writer.drain()
            return
        accept = base64.b64encode(hashlib.sha1(key + _MAGIC).digest())
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        writer.write(b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        with contextlib.suppress(OSError):  # a peer that has seen enough
            await reader.read(100)  # the first subscription
            if sent.is_set():
                return  # a peer's further connections stay silent
            sent.set()
            await asyncio.sleep(0.3)  # the others are under way
            for block in blocks:
                writer.write(block)
                await writer.drain()
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    ports.put(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _frame(text: bytes) -> bytes:
    size = len(text)
    if size < 126:
        return bytes((0x81, size)) + text
    return (bytes((0x81, 126)) + size.to_bytes(2, "big") if size < 1 << 16 else bytes((0x81, 127)) + size.to_bytes(8, "big")) + text


def market(name: str, exchange: str) -> dict[str, Any]:
    """Return an entry of ccxt's market table."""
    symbol = "BTC/USDT" if name in ("BTCUSDT", "BTC-USDT") else name
    contract = exchange == "okx" and symbol != "BTC/USDT"
    kind = "spot" if not contract else "swap" if name.endswith("SWAP") else "future"
    return {
        "id": name,
        "lowercaseId": name.lower(),
        "symbol": symbol,
        "base": "BTC",
        "quote": "USDT",
        "baseId": "BTC",
        "quoteId": "USDT",
        "active": True,
        "type": kind,
        "spot": not contract,
        "swap": kind == "swap",
        "future": kind == "future",
        "option": False,
        "contract": contract,
        "margin": False,
        "linear": False if contract else None,
        "inverse": contract or None,
        "contractSize": 1 if contract else None,
        "precision": {"price": 0.01, "amount": 1e-8},
        "limits": {},
        "info": {"instFamily": "X"},
        "settle": "BTC" if contract else None,
    }


class TableRest:
    """Stands in for ExchangeRest: one small market table, and books from the sender."""

    def __init__(self, exchange: str, port: int) -> None:
        self.exchange = exchange
        self._port = port

    def market(self, symbol: str) -> dict[str, Any]:
        """Return a symbol's entry."""
        return market("BTCUSDT" if self.exchange == "binance" else symbol, self.exchange)

    def websocket_url(self, *path: str) -> str:
        """Return the sender's address."""
        return f"ws://127.0.0.1:{self._port}/stream/ws" if path else f"ws://127.0.0.1:{self._port}/ws/v5"

    def book(self, symbol: str, levels: int) -> bytes:
        """Return the book that the sender has."""
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        connection.request("GET", "/api/v3/depth")
        body = connection.getresponse().read()
        connection.close()
        return body

    def clock_ns(self) -> int | None:
        """Return no clock."""
        return None
