"""Runs the coroutines of async callbacks on the manager's own thread, a step at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any

__all__ = ["CoroutineRunner"]


class CoroutineRunner:
    """An event loop that is turned by hand, so that a strategy that awaits holds nobody else up. One thread.

    What does not really wait ends in its first turn. What waits goes on when the manager turns the loop: after every batch of events,
    and about every 50 ms when the market is quiet.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pending: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Whether a coroutine is waiting."""
        return bool(self._pending)

    def start(
        self, awaitable: Awaitable[None], enter: Callable[[], None] = lambda: None, leave: Callable[[], None] = lambda: None
    ) -> asyncio.Task[None]:
        """Begin a coroutine and run it as far as it goes; return its task, which may be done already.

        `enter` and `leave` are called around each of its steps.
        """
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        task = self._loop.create_task(_run(_Steps(awaitable, enter, leave)))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)
        self.turn()
        return task

    def turn(self) -> None:
        """Let every coroutine that can go on take a step."""
        loop = self._loop
        if loop is not None and self._pending:
            loop.call_soon(loop.stop)
            loop.run_forever()

    def finish(self, task: asyncio.Task[None], timeout_s: float) -> bool:
        """Wait up to `timeout_s` for a task, then cancel it; return whether it ended by itself."""
        if task.done() or self._loop is None:
            return True
        self._loop.run_until_complete(asyncio.wait({task}, timeout=timeout_s))
        if task.done():
            return True
        self.cancel(task)
        return False

    def cancel(self, task: asyncio.Task[None]) -> None:
        """Cancel a task and let it clean up."""
        if self._loop is not None and not task.done():
            task.cancel()
            self._loop.run_until_complete(asyncio.wait({task}, timeout=1.0))

    def close(self) -> None:
        """Cancel what is still waiting and close the loop."""
        for task in list(self._pending):
            self.cancel(task)
        if self._loop is not None:
            self._loop.close()
            self._loop = None


async def _run(awaitable: Awaitable[None]) -> None:
    await awaitable


class _Steps:
    # An awaitable that says when the one within it is really running, and not just waiting.
    def __init__(self, inner: Awaitable[None], enter: Callable[[], None], leave: Callable[[], None]) -> None:
        self._inner = inner
        self._enter = enter
        self._leave = leave

    def __await__(self) -> Generator[Any, Any, None]:
        steps: Any = self._inner.__await__()
        go, value = steps.send, None
        while True:
            self._enter()
            try:
                waited_for = go(value)
            except StopIteration:
                return
            finally:
                self._leave()
            try:
                value, go = (yield waited_for), steps.send
            except BaseException as error:
                value, go = error, steps.throw
