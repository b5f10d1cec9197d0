"""The threads on which akshare's pages are asked for; the connection's own thread asks nothing, as it must be able to end at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any

from .akshare_pages import EmptyPage

__all__ = ["PagePool"]

_LOOK_S = 0.05  # between two looks at whether it has ended


class PagePool:
    """Requests that are under way.

    Args:
        name: of the threads.
        connections: how many requests may be under way at once.
        ended: set when the connection is hung up.
    """

    def __init__(self, name: str, connections: int, ended: threading.Event) -> None:
        self._name = name
        self._connections = connections
        self._ended = ended
        self._pool: ThreadPoolExecutor | None = None
        self._thread = threading.local()

    def begin(self) -> None:
        """Take requests from now on."""
        self._pool = ThreadPoolExecutor(self._connections, thread_name_prefix=f"{self._name}-page")

    def end(self) -> None:
        """Take no more; requests that are under way end by themselves. Any thread."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    @property
    def abandoned(self) -> bool:
        """Whether this is one of its threads, and the connection that it works for was hung up."""
        return getattr(self._thread, "works", False) and self._ended.is_set()

    def send(self, act: Callable[..., Any], *words: Any, **named: Any) -> Future[Any]:
        """Call `act` on one of the threads. Raises ConnectionError: hung up."""

        def work() -> Any:
            self._thread.works = True
            return act(*words, **named)

        pool = self._pool
        try:
            if pool is not None:
                return pool.submit(work)
        except RuntimeError:  # it was shut down just now
            pass
        raise ConnectionError("hung up")

    def wait(self, futures: Sequence[Future[Any]], check: Callable[[], None]) -> None:
        """Wait until all are done, or it is hung up; `check` is called meanwhile. Raises what they do, but for pages that are empty."""
        for future in futures:
            error: BaseException | None = None
            while not self._ended.is_set():
                check()
                try:
                    error = future.exception(timeout=_LOOK_S)
                except TimeoutError:
                    continue
                except CancelledError:
                    return
                break
            else:
                for one in futures:
                    one.cancel()
                return
            if error is not None and not isinstance(error, EmptyPage):
                raise error
