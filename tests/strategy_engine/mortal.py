"""Trading engines that die: in the middle of whatever they were doing, before one of their events."""

from __future__ import annotations

from gcg_quant.events import Event
from gcg_quant.strategy_engine import TradingEngine
from gcg_quant.strategy_engine.orders.manager import Publish

__all__ = ["Killed", "Mortal"]


class Killed(BaseException):
    """The end of an engine, in the middle of whatever it was doing."""


class Mortal(TradingEngine):
    """An engine that dies before it publishes event number `life`, as if it was killed there; never with a negative one."""

    life = -1
    at_end = False  # nothing was waiting and nothing half done

    def on_rest(self, idle: bool) -> None:
        """Note whether that was all."""
        super().on_rest(idle)
        self.at_end = self.reader.lag == 0

    def publish(self, event: Event, *, cause: int | None = None, backfill: bool = False) -> int:
        """Publish, or die."""
        if self.life == 0:
            raise Killed
        self.life -= 1
        return super().publish(event, cause=cause, backfill=backfill)

    def voice(self) -> Publish:
        """Let the desk die, too."""
        return self.publish

    def on_death(self) -> None:
        """Do what the kernel would do when its process ends."""

    def _run(self) -> None:
        try:
            super()._run()
        except Killed:
            self.on_death()
            self.state = "killed"
