"""The monitor: the state of the system, kept up to date for whoever asks."""

from __future__ import annotations

import time

from gcg_quant.events import Lane

from .keeper import Keeper
from .views.system_view import SystemView

__all__ = ["Monitor"]


class Monitor(Keeper[SystemView]):
    """Keeps a `SystemView` up to date for the REST interface, from its newest snapshot on."""

    capabilities = ("monitor",)

    def __init__(self, name: str = SystemView.KEEPER) -> None:
        super().__init__(name)

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
        self.keep_up()
        return count

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
