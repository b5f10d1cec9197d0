"""The event loop of one connection at a time, on the gateway's thread; other threads begin something on it, and end it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from gcg_quant.errors import GatewayError

__all__ = ["ConnectionLoop"]


class ConnectionLoop:
    """A loop that is made for a connection and closed with it.

    Args:
        name: of the gateway.
        closing: set when the gateway is closed for good.
        keep: is given what other threads begin, and holds it until it is done.
    """

    def __init__(self, name: str, closing: threading.Event, keep: Callable[[asyncio.Future[Any]], object]) -> None:
        self._name = name
        self._closing = closing
        self._keep = keep
        self._guard = threading.Lock()  # of the two below, which any thread may need to hang up
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None

    def make(self) -> None:
        """Make a new loop."""
        with self._guard:
            self._loop = asyncio.new_event_loop()

    def run(self, work: Coroutine[Any, Any, None], timeout_s: float | None = None) -> None:
        """Run the loop until some work is done.

        Raises:
            GatewayError: it took too long, or was ended by `hang_up`.
        """
        loop = self._loop
        assert loop is not None
        with self._guard:
            self._main = loop.create_task(work)
        if self._closing.is_set():
            self._main.cancel()
        try:
            loop.run_until_complete(asyncio.wait_for(self._main, timeout_s))
        except TimeoutError:
            raise GatewayError(f"{self._name} did not answer within {timeout_s:g} s.") from None
        except asyncio.CancelledError:
            raise GatewayError("the connection was ended from here") from None

    def begin(self, make: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """Begin something on the loop, from any thread; return false if there is none, so that nothing has begun."""

        def start() -> None:
            self._keep(asyncio.ensure_future(make()))

        with self._guard:
            if self._loop is None or self._loop.is_closed():
                return False
            self._loop.call_soon_threadsafe(start)
            return True

    def hang_up(self) -> None:
        """End `run`, from any thread."""
        with self._guard:
            loop, main = self._loop, self._main
            if loop is not None and main is not None and not loop.is_closed():
                loop.call_soon_threadsafe(main.cancel)

    def shut(self, close: Callable[[], Coroutine[Any, Any, None]] | None) -> None:
        """End every request and socket of the connection and close the loop: nothing of it is reported later."""
        with self._guard:
            loop, self._main = self._loop, None
        if loop is None:
            return
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        with contextlib.suppress(Exception):
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        if close is not None:
            loop.run_until_complete(close())
        loop.run_until_complete(loop.shutdown_asyncgens())
        with self._guard:
            loop.close()
            self._loop = None
