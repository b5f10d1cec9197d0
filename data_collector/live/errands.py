"""Errands: what a collector asks its venue beside the stream, on a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

__all__ = ["Errands"]


class Errands:
    """Runs functions one after the other on a daemon thread that is started with the first of them.

    Args:
        name: of the thread.
        failed: takes the exception of an errand.
    """

    def __init__(self, name: str, failed: Callable[[Exception], None]) -> None:
        self._name = name
        self._failed = failed
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def send(self, errand: Callable[[], None]) -> None:
        """Run a function soon; from any thread."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        self._queue.put(errand)

    def end(self, timeout_s: float) -> bool:
        """End after the errand of now, drop the rest, and return whether the thread ended within `timeout_s` seconds."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is None:
            return True
        while True:
            try:
                self._queue.get_nowait()
            except queue.Empty:
                break
        self._queue.put(None)
        thread.join(timeout_s)
        return not thread.is_alive()

    def _run(self) -> None:
        while (errand := self._queue.get()) is not None:
            try:
                errand()
            except Exception as error:  # the next errand has nothing to do with it
                self._failed(error)
