"""The monitor: the state of the system, kept up to date for whoever asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import ClassVar, TypeVar

from gcg_quant.errors import ComponentError
from gcg_quant.events import Lane
from gcg_quant.stateful import Stateful

from .views.system_view import SystemView

__all__ = ["Monitor"]

Answer = TypeVar("Answer")


class Monitor(Stateful[SystemView]):
    """Keeps a `SystemView` up to date for the REST interface, from its newest snapshot on."""

    capabilities = ("monitor",)
    follows_always: ClassVar[bool] = True

    def __init__(self, name: str = SystemView.KEEPER) -> None:
        super().__init__(name, wait="sleep", sleep_s=0.05)
        self._guard = threading.Lock()

    def new_fold(self) -> SystemView:
        """Return an empty view."""
        return SystemView()

    def on_start(self) -> None:
        """Read what was so before."""
        with self._guard:
            self.recover()

    def read_batch(self) -> int:
        """Bring the view up to date, which needs no handlers."""
        count = super().read_batch()
        follower, more = self._follower, True
        while follower is not None and more and not self.stopping:
            with self._guard:
                more = follower.follow()
        return count

    def on_rest(self, idle: bool) -> None:
        """Put the view down, if it is time."""
        with self._guard:
            super().on_rest(idle)

    def on_end(self) -> None:
        """Put the view down."""
        with self._guard:
            super().on_end()

    def ask(self, question: Callable[[SystemView], Answer]) -> Answer:
        """Return `question(view)` while the view stands still.

        Raises:
            ComponentError: it does not run.
        """
        with self._guard:
            if self._follower is None:
                raise ComponentError(f"Component {self.name!r} does not run: start it first.", name=self.name)
            return question(self._follower.fold)

    def catch_up(self, timeout_s: float = 10.0) -> None:
        """Wait until the view holds all that the control lane and the market lane held at this call, or for `timeout_s` seconds.

        From any thread but its own. What needs no answer, such as that a backtest was removed, is on the control lane alone.
        """
        control, market = self.bus.head(Lane.CONTROL), self.bus.head(Lane.MARKET)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            with self._guard:
                follower = self._follower
                if follower is None:
                    return
                read = follower.cursor
                if read.control >= control and read.market >= market:
                    return
            time.sleep(0.005)
