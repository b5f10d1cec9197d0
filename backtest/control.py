"""Pausing, stepping and stopping a run from another thread, between two bars."""

from __future__ import annotations

import threading

__all__ = ["RunControl"]


class RunControl:
    """The switch of one run. Any thread may turn it; the running thread calls `checkpoint()` before and `bar_done()` after a bar.

    Invariant: a bar is never interrupted. Whatever is asked takes effect before the next bar.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._state = "running"
        self._steps = 0

    @property
    def state(self) -> str:
        """Return "running", "paused" or "stopping"."""
        return self._state

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

    def checkpoint(self) -> bool:
        """Wait while paused; return False if the run shall stop. Only the running thread calls this."""
        if self._state == "running":
            return True
        with self._condition:
            while self._state == "paused" and not self._steps:
                self._condition.wait()
            return self._state != "stopping"

    def bar_done(self) -> None:
        """Count one bar against the steps that were asked for. Only the running thread calls this."""
        if self._steps:
            with self._condition:
                self._steps = max(0, self._steps - 1)

    def _turn(self, state: str) -> None:
        with self._condition:
            if self._state != "stopping":
                self._state = state
                self._steps = 0
                self._condition.notify_all()
