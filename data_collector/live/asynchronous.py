"""The base of collectors whose client is written for asyncio: one event loop a collector, on the connection's thread."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, TypeVar

from .collector import ExchangeCollector

__all__ = ["AsyncExchangeCollector"]

_T = TypeVar("_T")
_SHUT_S = 3.0
_LOOK_S = 0.5  # who waits for a coroutine looks whether its loop is still there


class AsyncExchangeCollector(ExchangeCollector):
    """An `ExchangeCollector` for asyncio clients: a subclass overrides the coroutines, all of which run on the collector's loop.

    `open` connects and logs in, `run` reads until the connection ends, `shut` closes what is open. Tasks that are left over when a
    connection has ended are cancelled.
    """

    _loop_of_connection: asyncio.AbstractEventLoop | None = None
    _main: asyncio.Task[None] | None = None

    # ---- what a subclass says

    async def open(self) -> None:
        """Connect and log in within `connect_s`. Raises OSError (tried again soon) or CollectorError (said once, tried again late)."""
        raise NotImplementedError

    async def run(self) -> None:
        """Read until the connection ends: return, or raise OSError."""
        raise NotImplementedError

    async def shut(self) -> None:
        """Close what is open, also when nothing is."""
        raise NotImplementedError

    async def async_ask(self, symbols: Sequence[str]) -> None:
        """Subscribe at the venue. Raises OSError or CollectorError."""

    async def async_drop(self, symbols: Sequence[str]) -> None:
        """Unsubscribe at the venue. Raises OSError."""

    # ---- what a subclass gets

    def wait_for(self, coroutine: Coroutine[Any, Any, _T], timeout_s: float | None = None) -> _T:
        """Run a coroutine on the collector's loop and return its result; from any thread but the loop's own.

        Raises:
            OSError: there is no connection, or it took longer than `timeout_s` (`connect_s` if None). Others: what it raises.
        """
        loop = self._loop_of_connection
        if loop is None or loop.is_closed():
            coroutine.close()
            raise OSError(f"{self.name} is not connected")
        limit_s = self.connect_s if timeout_s is None else timeout_s
        if not loop.is_running() and self.connection.own_thread:
            return loop.run_until_complete(asyncio.wait_for(coroutine, limit_s))
        ended = f"the connection of {self.name} has ended"
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, loop)
        except RuntimeError:  # the loop was closed just now
            coroutine.close()
            raise OSError(ended) from None
        end_s = time.monotonic() + limit_s
        while True:
            try:
                return future.result(max(0.0, min(_LOOK_S, end_s - time.monotonic())))
            except CancelledError:  # what is left over when a connection ends
                raise OSError(ended) from None
            except FutureTimeoutError:
                if not future.done() and loop.is_closed():  # nobody will begin it any more
                    coroutine.close()
                    raise OSError(ended) from None
                if future.done() or time.monotonic() >= end_s:
                    future.cancel()
                    raise OSError(f"the venue of {self.name} did not answer within {limit_s:g} s") from None

    # ---- the synchronous face

    def dial(self) -> None:
        """Open the connection on the loop."""
        self._loop_of_connection = self._loop_of_connection or asyncio.new_event_loop()
        self._perform(self.open())

    def serve(self) -> None:
        """Run until the connection ends."""
        self._perform(self.run())

    def hang_up(self) -> None:
        """Cancel what runs; on the connection's own thread, close what is open."""
        loop, main = self._loop_of_connection, self._main
        if loop is None or loop.is_closed():
            return
        if main is not None:  # it may be about to run
            with contextlib.suppress(RuntimeError):  # it was closed in the meantime
                loop.call_soon_threadsafe(main.cancel)
        elif not loop.is_running() and self.connection.own_thread:
            self._close(loop)

    def ask(self, symbols: Sequence[str]) -> None:
        """Subscribe on the loop."""
        self.wait_for(self.async_ask(symbols))

    def drop(self, symbols: Sequence[str]) -> None:
        """Unsubscribe on the loop."""
        self.wait_for(self.async_drop(symbols))

    # ---- inside

    def _perform(self, coroutine: Coroutine[Any, Any, None]) -> None:
        loop = self._loop_of_connection
        assert loop is not None
        self._main = loop.create_task(coroutine)
        if self.connection.closing or self.connection.broken_off:
            self._main.cancel()
        try:
            loop.run_until_complete(self._main)
        except asyncio.CancelledError:
            raise OSError("it was hung up") from None
        finally:
            self._main = None

    def _close(self, loop: asyncio.AbstractEventLoop) -> None:
        # Whatever the adapter has left running ends with its connection.
        try:
            with contextlib.suppress(Exception):
                loop.run_until_complete(asyncio.wait_for(self.shut(), _SHUT_S))
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
            if left:
                loop.run_until_complete(asyncio.wait(left, timeout=_SHUT_S))
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()
            self._loop_of_connection = None
