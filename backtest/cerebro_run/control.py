"""Pausing, stepping and stopping a run from another thread, between two bars."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

__all__ = ["RunControl"]


class RunControl:
    """The switch of one run. Any thread may turn it; the running thread calls `checkpoint()` before and `bar_done()` after a bar.

    Invariant: a bar is never interrupted. Whatever is asked takes effect before the next bar. While something is to be done the state is
    "attending" inside, so that a loop which looks at single bars only if it is not "running" comes to its checkpoint.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._state = "running"
        self._steps = 0
        self._asked: deque[Callable[[], None]] = deque()

    @property
    def state(self) -> str:
        """Return "running", "paused" or "stopping"."""
        return "running" if self._state == "attending" else self._state

    @property
    def stopping(self) -> bool:
        """Return True once `stop()` was called."""
        return self._state == "stopping"

    def pause(self) -> None:
        """Hold the run before its next bar."""
        self._turn("paused")

    def resume(self) -> None:
        """Let a paused run go on."""
        self._turn("running")

    def step(self, bars: int = 1) -> None:
        """Let a run do `bars` more bars and pause then; raise ValueError if `bars` is not positive."""
        if bars < 1:
            raise ValueError(f"step() takes at least one bar, not {bars}.")
        with self._condition:
            if self._state != "stopping":
                self._state = "paused"
                self._steps += bars
                self._condition.notify_all()

    def stop(self) -> None:
        """End the run before its next bar; it cannot be resumed."""
        self._turn("stopping")

    def ask(self, action: Callable[[], None]) -> None:
        """Let the running thread call `action` between two bars; while paused that is at once."""
        with self._condition:
            self._asked.append(action)
            if self._state == "running":
                self._state = "attending"
            self._condition.notify_all()

    def checkpoint(self) -> bool:
        """Do what was asked and wait while paused; return False if the run shall stop. Only the running thread calls this."""
        if self._state == "running":
            return True
        while True:
            with self._condition:
                while self._state == "paused" and not self._steps and not self._asked:
                    self._condition.wait()
                if not self._asked:
                    if self._state == "attending":
                        self._state = "running"
                    return self._state != "stopping"
                action = self._asked.popleft()
            action()

    def bar_done(self) -> None:
        """Count one bar against the steps that were asked for. Only the running thread calls this."""
        if self._steps:
            with self._condition:
                self._steps = max(0, self._steps - 1)

    def _turn(self, state: str) -> None:
        with self._condition:
            if self._state != "stopping":
                self._state = "attending" if state == "running" and self._asked else state
                self._steps = 0
                self._condition.notify_all()
