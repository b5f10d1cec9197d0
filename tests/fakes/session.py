"""`Session`: one websocket of a client, and `Request` and `Answer`: one REST call."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from fakes.account import Account

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
MOST_WAITING = 200_000  # messages; who reads slower is hung up on, as the venues do
NUMBERS = itertools.count(1)


@dataclass
class Request:
    """A REST call."""

    method: str
    path: str
    raw_query: str
    body: bytes
    headers: dict[str, str]
    query: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.query = dict(parse_qsl(self.raw_query, keep_blank_values=True))


@dataclass
class Answer:
    """What a REST call is answered with; `body` is made JSON unless it is bytes."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Session:
    """A websocket; `send` never waits. It ends when either side closes."""

    def __init__(self, path: str, query: str, receive: Receive, send: Send) -> None:
        self.number = next(NUMBERS)
        self.path = path
        self.query = dict(parse_qsl(query, keep_blank_values=True))
        self.streams: set[str] = set()
        self.account: Account | None = None
        self.wraps = False  # Binance: whether streams are combined
        self.notes: dict[str, Any] = {}  # the venue's own
        self.heard: deque[float] = deque()  # when the client said something, within the last second
        self._receive, self._send = receive, send
        self._outbox: deque[str | None] = deque()
        self._filled = asyncio.Event()
        self._code = 1000
        self.closed = False

    def send(self, text: str) -> None:
        """Put a message on its way."""
        if self.closed:
            return
        self._outbox.append(text)
        self._filled.set()
        if len(self._outbox) > MOST_WAITING:
            self.close(1008)

    def close(self, code: int = 1000) -> None:
        """Hang up when what was sent before is out."""
        self._code, self.closed = code, True
        self._outbox.append(None)
        self._filled.set()

    async def run(self, said: Callable[[Session, str], Awaitable[None]]) -> None:
        """Read until the end."""
        writer = asyncio.ensure_future(self._write())
        try:
            while (message := await self._receive())["type"] == "websocket.receive":
                await said(self, message.get("text") or (message.get("bytes") or b"").decode("utf-8", "replace"))
        finally:
            self.closed = True
            writer.cancel()

    async def _write(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._outbox:
                text = self._outbox.popleft()
                try:
                    if text is None:
                        await self._send({"type": "websocket.close", "code": self._code})
                        return
                    await self._send({"type": "websocket.send", "text": text})
                except (OSError, RuntimeError):  # the client is gone
                    return
