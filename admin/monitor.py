"""The monitor: the state of the system, kept up to date for whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from gcg_quant.component import Component
from gcg_quant.events import Event

from .system_view import SystemView

__all__ = ["Monitor"]

Answer = TypeVar("Answer")


class Monitor(Component):
    """Keeps a `SystemView` up to date for the REST interface."""

    capabilities = ("monitor",)

    def __init__(self, name: str = "monitor") -> None:
        super().__init__(name, start="begin", wait="sleep", sleep_s=0.05)
        self._view = SystemView()
        self._guard = threading.Lock()
        for cls in SystemView.EVENTS:
            self.subscribe(cls, self._apply)

    def _apply(self, event: Event) -> None:
        with self._guard:
            self._view.apply(event)

    def ask(self, question: Callable[[SystemView], Answer]) -> Answer:
        """Return `question(view)` while the view stands still."""
        with self._guard:
            return question(self._view)
