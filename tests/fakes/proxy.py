"""`FaultProxy`: a TCP proxy on loopback, in a thread of its own, that does to connections what a network does on a bad day."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import weakref
from collections.abc import Callable
from types import TracebackType

CHUNK = 1 << 16


class Tunnel:
    """One connection through the proxy; its limits hold for what comes from the venue."""

    def __init__(self, client: asyncio.StreamWriter) -> None:
        self.client = client
        self.venue: asyncio.StreamWriter | None = None
        self.budget: int | None = None  # bytes that still pass before the reset
        self.dead = False  # half-open: nothing passes any more, and nothing is closed

    def reset(self) -> None:
        """Send RST to both ends."""
        for end in (self.client, self.venue):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.transport.abort()

    def close(self) -> None:
        """Close both ends in good order."""
        for end in (self.client, self.venue):
            if end is not None:
                end.close()


class FaultProxy:
    """Forwards `127.0.0.1:port` to `127.0.0.1:target_port`, well or badly.

    Every method may be called from any thread, and holds when it returns.
    What is not said otherwise lasts until `open()`. The port stays the proxy's own while it refuses.
    """

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.accepted = 0  # connections, ever
        self.forwarded = 0  # bytes from the venue, ever
        self._tunnels: set[Tunnel] = set()
        self._ends: weakref.WeakSet[asyncio.WriteTransport] = weakref.WeakSet()  # both ends of all tunnels, also of those that close slowly
        self._tasks: set[asyncio.Task[None]] = set()
        self._half_open = False
        self._reset_bytes: int | None = None
        self._reset_again = False
        self._bytes_per_s = 0
        self._loop = asyncio.new_event_loop()
        self._listener, self.port = _bound(0)
        self._listener.listen(1024)
        self._accepting = False
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        self._thread.start()
        self._do(self._listen)

    def __enter__(self) -> FaultProxy:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def alive(self) -> int:
        """How many connections stand."""
        return len(self._tunnels)

    def open(self) -> None:
        """Forward all again; connections that became half-open stay so, as they do in a network."""
        self._do(self._open)

    def refuse(self, keep: bool = False) -> None:
        """Refuse new connections (the caller gets ECONNREFUSED), and reset those that stand unless `keep`."""

        def act() -> None:
            if not keep:
                for tunnel in list(self._tunnels):
                    tunnel.reset()
            self._deafen()

        self._do(act)

    def reset(self, after_bytes: int = 0, again: bool = False) -> None:
        """Reset (RST) each connection that stands when `after_bytes` more from the venue have passed; if none stands, the next one.

        Args:
            after_bytes: 0 resets at once those that stand.
            again: also every later connection, each after so many bytes, until `open()`.
        """

        def act() -> None:
            self._reset_bytes = after_bytes if again or not self._tunnels else None
            self._reset_again = again
            for tunnel in list(self._tunnels):
                tunnel.budget = after_bytes
                if not after_bytes:
                    tunnel.reset()

        self._do(act)

    def half_open(self) -> None:
        """Forward nothing any more on the connections that stand and on new ones, and close none of them."""

        def act() -> None:
            self._half_open = True
            for tunnel in self._tunnels:
                tunnel.dead = True

        self._do(act)

    def slow(self, bytes_per_s: int) -> None:
        """Forward at most so many bytes a second from the venue, on each connection."""
        self._do(lambda: setattr(self, "_bytes_per_s", bytes_per_s))

    def drop(self) -> None:
        """Close the connections that stand in good order (FIN); new ones are welcome."""

        def act() -> None:
            for tunnel in list(self._tunnels):
                tunnel.close()

        self._do(act)

    def close(self) -> None:
        """End the proxy and all its connections."""
        if self._loop.is_closed():
            return

        self._do(self._deafen)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._listener.close()

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())

    async def _end(self) -> None:
        # Nothing stays open, also what a peer does not read: a socket that is only forgotten warns at some later test.
        for tunnel in list(self._tunnels):
            tunnel.reset()
        pending = asyncio.all_tasks() - {asyncio.current_task()}
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for end in list(self._ends):
            end.abort()
        await asyncio.sleep(0)  # an aborted transport closes its socket in the loop's next turn

    def _do(self, act: Callable[[], object]) -> None:
        # Does it on the loop's thread and returns when it is done.
        async def step() -> None:
            act()

        asyncio.run_coroutine_threadsafe(step(), self._loop).result(10)

    def _open(self) -> None:
        self._half_open, self._reset_bytes, self._reset_again, self._bytes_per_s = False, None, False, 0
        for tunnel in self._tunnels:
            tunnel.budget = None
        self._listen()

    def _listen(self) -> None:
        if not self._accepting:
            self._listener.listen(1024)
            self._listener.setblocking(False)
            self._loop.add_reader(self._listener, self._accept)
            self._accepting = True

    def _deafen(self) -> None:
        # A socket that is bound and does not listen refuses, and nobody else gets its port meanwhile.
        if self._accepting:
            self._accepting = False
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener, _ = _bound(self.port)

    def _accept(self) -> None:
        # No coroutine of the loop's: cancelled at the wrong moment, that would forget the socket that it has just accepted.
        try:
            connection, _ = self._listener.accept()
        except OSError:  # it has gone again
            return
        connection.setblocking(False)
        self.accepted += 1
        task = self._loop.create_task(self._serve(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection, limit=CHUNK)
        self._ends.add(writer.transport)
        tunnel = Tunnel(writer)
        tunnel.dead = self._half_open
        tunnel.budget = self._reset_bytes
        if not self._reset_again:
            self._reset_bytes = None
        self._tunnels.add(tunnel)
        try:
            if tunnel.budget == 0:
                tunnel.reset()
                return
            if tunnel.dead:
                await asyncio.Event().wait()
            try:
                venue_reader, tunnel.venue = await asyncio.open_connection("127.0.0.1", self.target_port, limit=CHUNK)
            except OSError:
                tunnel.reset()  # the venue is down: what a load balancer's client sees
                return
            self._ends.add(tunnel.venue.transport)
            up = asyncio.ensure_future(self._pump(reader, tunnel.venue, tunnel, down=False))
            try:
                await self._pump(venue_reader, writer, tunnel, down=True)
            finally:
                up.cancel()
        finally:
            self._tunnels.discard(tunnel)
            tunnel.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, tunnel: Tunnel, down: bool) -> None:
        try:
            while (data := await source.read(CHUNK)) and not tunnel.dead:
                while data and not tunnel.dead:
                    data = await self._pass(data, sink, tunnel, down)
            if tunnel.dead:
                await asyncio.Event().wait()
            if not down:
                sink.write_eof()
        except OSError:
            if tunnel.dead:
                await asyncio.Event().wait()
            tunnel.reset()

    async def _pass(self, data: bytes, sink: asyncio.StreamWriter, tunnel: Tunnel, down: bool) -> bytes:
        # Forwards the head of the data at the speed there is, and returns what is left of it.
        slow = self._bytes_per_s if down else 0
        most = max(1, slow // 20) if slow else len(data)
        if down and tunnel.budget is not None:
            most = min(most, tunnel.budget)
            tunnel.budget -= min(most, len(data))
        head, rest = data[:most], data[most:]
        sink.write(head)
        await sink.drain()
        if down:
            self.forwarded += len(head)
            if tunnel.budget == 0:
                tunnel.reset()
                raise ConnectionResetError
        if slow:
            await asyncio.sleep(len(head) / slow)
        return rest


def _bound(port: int) -> tuple[socket.socket, int]:
    # A socket bound on loopback, and its port.
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", port))
    return made, int(made.getsockname()[1])
