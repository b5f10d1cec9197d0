"""`Front`: what every fake venue is towards its clients: REST, websockets and a control endpoint on one port."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
import time
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Iterable, MutableMapping
from typing import Any

import msgspec
import uvicorn

from fakes.control import Control
from fakes.exchange import Exchange
from fakes.faults import Faults, Pending
from fakes.market import Market
from fakes.session import Answer, Receive, Request, Send, Session

MOST_MOVES = 200  # of crowds in one step, about 15 ms


class Front(ABC):
    """An ASGI application around an exchange. The venue's own front says how things are written."""

    def __init__(self, exchange: Exchange, step_ms: int = 100, moves: int = 2) -> None:
        self.exchange = exchange
        self.step_ms = step_ms  # 0: nothing moves but by the control endpoint
        self.moves = moves
        self.faults = Faults()
        self.sessions: set[Session] = set()
        self.by_stream: defaultdict[str, set[Session]] = defaultdict(set)
        self.calls: Counter[str] = Counter()
        self.paused = False
        self.strict = False
        self.parent = 0  # the process without which this one ends; 0: none
        self.control = Control(self)
        self._task: asyncio.Task[None] | None = None
        self._next = 0

    # What a venue adds

    @abstractmethod
    async def rest(self, request: Request) -> Answer:
        """Answer a call."""

    @abstractmethod
    async def opened(self, session: Session) -> bool:
        """Greet a new websocket; False turns it away."""

    @abstractmethod
    def message_limit(self, session: Session) -> int:
        """Return how many messages a second a client may send before a strict venue hangs up."""

    @abstractmethod
    async def said(self, session: Session, text: str) -> None:
        """Deal with a client's message."""

    @abstractmethod
    def happened(self, market: Market) -> None:
        """Publish what has just happened in a market: trades and best prices."""

    @abstractmethod
    def flush_book(self, market: Market) -> None:
        """Publish the changes of a market's book now, not at the next beat."""

    @abstractmethod
    def beat(self, count: int) -> None:
        """Publish what comes by the clock; called every 100 ms."""

    @abstractmethod
    def refusal(self, fault: Pending) -> Answer:
        """Return the venue's answer for a fault of the kinds reject, limit and down."""

    @abstractmethod
    def spoil(self, data: Any, fault: Pending, symbol: str) -> Any:
        """Return a message's content with a negative price, or crossed."""

    @abstractmethod
    def expire(self, what: str) -> int:
        """Let listen keys or logins expire; return how many."""

    # Streams

    def join(self, session: Session, streams: Iterable[str]) -> None:
        """Subscribe."""
        for stream in streams:
            session.streams.add(stream)
            self.by_stream[stream].add(session)

    def leave(self, session: Session, streams: Iterable[str]) -> None:
        """Unsubscribe."""
        for stream in list(streams):
            session.streams.discard(stream)
            self.by_stream[stream].discard(session)
            if not self.by_stream[stream]:
                del self.by_stream[stream]

    def publish(self, stream: str, channel: str, symbol: str, data: Any) -> None:
        """Send one message to all who have subscribed to its stream."""
        sessions = self.by_stream.get(stream)
        if not sessions:
            return
        fault = self.faults.of_message(channel, symbol) if self.faults.pending else None
        if fault is not None and fault.do in ("negative", "crossed"):
            data = self.spoil(json.loads(msgspec.json.encode(data)), fault, symbol)
        for text, ours in self.faults.outgoing(fault, encode(data), stream):
            wrapped = self.wrapped(stream, text) if ours else text
            for session in list(sessions):
                session.send(wrapped if session.wraps else text)

    def wrapped(self, stream: str, text: str) -> str:
        """Return a message as a combined stream sends it."""
        return f'{{"stream":"{stream}","data":{text}}}'

    def tell(self, session: Session, symbol: str, data: Any) -> None:
        """Send a client something about itself."""
        fault = self.faults.of_message("user", symbol) if self.faults.pending else None
        for text, _ in self.faults.outgoing(fault, encode(data), f"user {session.number}"):
            session.send(text)

    def flush(self, market: Market) -> None:
        """Publish what has just happened in a market, once it is written down."""
        if self.exchange.memory is not None:
            self.exchange.memory.note(market)
        self.happened(market)

    def flush_all(self) -> None:
        """Publish all that has happened and is not out yet."""
        for market in self.exchange.markets.values():
            if market.awake:
                self.flush(market)

    # The application

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection, as ASGI 3 says."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._task = asyncio.ensure_future(self._live())
                await send({"type": "lifespan.startup.complete"})
            else:
                if self._task is not None:
                    self._task.cancel()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _live(self) -> None:
        # The market goes its steps, and what comes by the clock comes.
        loop, count = asyncio.get_running_loop(), 0
        period = (self.step_ms or 100) / 1000
        due, beat_due = loop.time(), loop.time()
        while True:
            due = max(due + period, loop.time() - 1)
            await asyncio.sleep(max(0, due - loop.time()))
            if self.step_ms and not self.paused:
                for market in self._turn():
                    self.exchange.step(market, self.moves)
                    self.flush(market)
            if loop.time() >= beat_due:
                beat_due = max(beat_due + 0.1, loop.time() - 0.1)
                count += 1
                self.beat(count)
                if self.parent and os.getppid() != self.parent:
                    os._exit(0)

    def _turn(self) -> list[Market]:
        # The markets whose turn it is: all, unless they are too many for one step.
        awake = [market for market in self.exchange.markets.values() if market.awake]
        most = max(1, MOST_MOVES // max(1, self.moves))
        if len(awake) <= most:
            return awake
        self._next = (self._next + most) % len(awake)
        return (awake + awake)[self._next : self._next + most]

    async def _websocket(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        await receive()
        session = Session(scope["path"], scope["query_string"].decode(), receive, send)
        if self.faults.of_opening(session.path) is not None or not await self.opened(session):
            await send({"type": "websocket.close", "code": 1008})
            return
        await send({"type": "websocket.accept"})
        self.sessions.add(session)
        try:
            await session.run(self._heard)
        finally:
            self.sessions.discard(session)
            self.leave(session, session.streams)

    async def _heard(self, session: Session, text: str) -> None:
        # A strict venue hangs up on who says too much.
        if self.strict:
            now = time.monotonic()
            session.heard.append(now)
            while session.heard[0] < now - 1:
                session.heard.popleft()
            if len(session.heard) > self.message_limit(session):
                session.close(1008)
                return
        await self.said(session, text)

    async def _http(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        request = Request(scope["method"], scope["path"], scope["query_string"].decode(), body, headers)
        if request.path == "/control":
            answer = self.control.answer(request)
        else:
            self.calls[f"{request.method} {request.path}"] += 1
            fault = self.faults.of_call(request.method, request.path)
            answer_or_none = await self._faulty(fault, request) if fault is not None else await self.rest(request)
            if answer_or_none is None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                return
            answer = answer_or_none
        self.flush_all()
        content = answer.body if isinstance(answer.body, bytes) else encode(answer.body).encode()
        head = {"content-type": "application/json;charset=UTF-8", **answer.headers}
        raw = [(name.encode(), value.encode()) for name, value in head.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "http.response.body", "body": content})

    async def _faulty(self, fault: Pending, request: Request) -> Answer | None:
        # None: the client waits in vain.
        if fault.do == "silent":
            await self.rest(request)  # it is done, and nobody says so
            self.flush_all()
            return None
        if fault.do == "lost":
            return None  # it never arrived
        if fault.do == "delay":
            await asyncio.sleep(fault.terms.get("ms", 1000) / 1000)
            return await self.rest(request)
        return self.refusal(fault)

    def serve(self, port: int, host: str = "127.0.0.1") -> None:
        """Listen until killed; the port is printed as a JSON line."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
        print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
        config = uvicorn.Config(
            self,
            log_level="error",
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            ws_ping_interval=None,
            http="h11",
            access_log=False,
        )
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])
        sys.exit(0)


def encode(data: Any) -> str:
    """Return JSON without spaces."""
    return msgspec.json.encode(data).decode()
