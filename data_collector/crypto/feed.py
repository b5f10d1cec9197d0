"""The feed: a venue's streams, split over as many websockets as its limits ask for.

aiohttp reads them (it comes with ccxt): 1 us a message, where websockets takes 5 us. What has arrived together is handed on together.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any

from .desk import Desk, Key

if TYPE_CHECKING:
    import aiohttp

__all__ = ["Feed"]

_HEARTBEAT_S = 15.0  # a connection that answers no ping for half as long again is dead
_PING_S = 20.0
_ROUND = 512  # messages that are handed on at once at most
_MOST_BYTES = 1 << 24  # of a message
_GOODBYE_S, _CLOSE_S = 0.3, 1.0


class Feed:
    """Connections to one venue; all methods on one event loop.

    Args:
        desk: takes the messages, and knows how to ask for streams and how many.
        base_url: to which the path of a stream is added, "wss://stream.binance.com:9443".
        clock: ours, ns.
        flush: called after each round of messages.
        malformed: takes why a message could not be read, and the message.
    """

    def __init__(
        self,
        desk: Desk,
        base_url: str,
        clock: Callable[[], int],
        flush: Callable[[], None],
        malformed: Callable[[str, bytes], None],
    ) -> None:
        self._desk, self._base_url, self._clock, self._flush, self._malformed = desk, base_url.rstrip("/"), clock, flush, malformed
        self._session: aiohttp.ClientSession | None = None
        self._sockets: list[_Socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Future[None] | None = None
        self._pending = 0  # messages of this round
        self._numbers = itertools.count(1)

    async def open(self, path: str) -> None:
        """Make the first connection. Raises OSError."""
        import aiohttp

        self._ended = asyncio.get_running_loop().create_future()
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        await self._connect(path)

    async def add(self, keys: Iterable[Key]) -> None:
        """Begin streams; those that have begun are passed over. They are asked for soon, as fast as the venue allows. Raises OSError."""
        for key in keys:
            if any(key in socket.keys for socket in self._sockets):
                continue
            room = (one for one in self._sockets if one.path == key[0] and len(one.keys) < self._desk.most_streams)
            socket = next(room, None) or await self._connect(key[0])
            socket.want(key, subscribe=True)

    async def remove(self, keys: Iterable[Key]) -> None:
        """End streams."""
        for key in keys:
            for socket in self._sockets:
                if key in socket.keys:
                    socket.want(key, subscribe=False)

    async def run(self) -> None:
        """Wait until a connection ends. Raises OSError, which says why."""
        assert self._ended is not None
        await asyncio.shield(self._ended)  # who waits may be cancelled, it may not

    async def close(self) -> None:
        """Close all connections."""
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        sockets, self._sockets = self._sockets, []
        if self._ended is not None and not self._ended.cancel():
            self._ended.exception()  # it is known
        if sockets:  # each by itself: the session's end would leave them to the garbage collector
            with contextlib.suppress(Exception):
                await asyncio.wait_for(asyncio.gather(*(one.websocket.close() for one in sockets), return_exceptions=True), _GOODBYE_S)
        if self._session is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._session.close(), _CLOSE_S)
            self._session = None
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSE_S)

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._sockets)

    # ---- inside

    async def _connect(self, path: str) -> _Socket:
        import aiohttp

        if self._session is None:
            raise OSError("the feed is closed")
        url = self._base_url + path
        try:
            websocket = await self._session.ws_connect(
                url,
                heartbeat=_HEARTBEAT_S,
                max_msg_size=_MOST_BYTES,
                decode_text=False,
                compress=0,
                timeout=aiohttp.ClientWSTimeout(ws_close=1),
            )
        except (TimeoutError, aiohttp.ClientError) as error:
            raise OSError(f"{url}: {error or type(error).__name__}") from error
        socket = _Socket(path, websocket)
        self._sockets.append(socket)
        self._spawn(self._read(socket))
        self._spawn(self._write(socket))
        if self._desk.ping:
            self._spawn(self._keep_alive(socket))
        return socket

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception() or OSError("the venue closed the connection")  # asked for in any case, or asyncio logs it as forgotten
        if self._ended is None or self._ended.done():
            return
        self._ended.set_exception(error if isinstance(error, OSError) else OSError(f"{type(error).__name__}: {error}"))

    async def _read(self, socket: _Socket) -> None:
        import aiohttp

        receive, take, clock = socket.websocket.receive, self._desk.take, self._clock
        text, binary, call_soon = aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY, asyncio.get_running_loop().call_soon
        while True:
            message = await receive()  # does not leave this loop while there are messages
            if message.type is not text and message.type is not binary:
                break
            if not self._pending:
                call_soon(self._hand_on)
            self._pending += 1
            try:
                take(message.data, clock())
            except Exception as error:  # whatever a venue sends must not end the connection
                self._malformed(f"{type(error).__name__}: {error}", message.data)
            if self._pending >= _ROUND:
                self._hand_on()
                await asyncio.sleep(0)  # a flood must not keep the loop from pings and subscriptions
        reason = message.data if isinstance(message.data, Exception) else f"code {socket.websocket.close_code}"
        raise OSError(f"the connection to {self._base_url}{socket.path} ended: {reason}")

    def _hand_on(self) -> None:
        if self._pending:
            self._pending = 0
            self._flush()

    async def _write(self, socket: _Socket) -> None:
        desk = self._desk
        while True:
            await socket.wanted.wait()
            subscribe, keys = socket.take(desk.request_streams)
            if keys:
                await socket.websocket.send_str(desk.request(keys, next(self._numbers), subscribe=subscribe))
                await asyncio.sleep(desk.request_pause_s)

    async def _keep_alive(self, socket: _Socket) -> None:
        while True:
            await asyncio.sleep(_PING_S)
            await socket.websocket.send_str(self._desk.ping)


class _Socket:
    # One connection: its streams, and what must still be asked for, in order.

    def __init__(self, path: str, websocket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        self.path = path
        self.websocket = websocket
        self.keys: set[Key] = set()
        self.wanted = asyncio.Event()
        self._wishes: deque[tuple[bool, Key]] = deque()

    def want(self, key: Key, *, subscribe: bool) -> None:
        (self.keys.add if subscribe else self.keys.discard)(key)
        self._wishes.append((subscribe, key))
        self.wanted.set()

    def take(self, most: int) -> tuple[bool, list[Key]]:
        # The next wishes of one kind.
        subscribe = self._wishes[0][0] if self._wishes else True
        keys: list[Key] = []
        while self._wishes and len(keys) < most and self._wishes[0][0] == subscribe:
            keys.append(self._wishes.popleft()[1])
        if not self._wishes:
            self.wanted.clear()
        return subscribe, keys
