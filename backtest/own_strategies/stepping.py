"""The strategy manager of a backtest: driven by hand, one event after the other, the same result every time."""

from __future__ import annotations

from gcg_quant.events import Bar

from ...strategy_engine.hosting.manager import StrategyManager
from ...strategy_engine.strategy.session import StrategyState

__all__ = ["SteppedManager"]

BATCH = 10_000


class SteppedManager(StrategyManager):
    """A strategy manager that is driven by hand.

    What a bar has done to working orders comes before the bar: live, the fill happens within the bar, and a strategy that is called with
    the bar knows its position. On the bus of a backtest the bar is first, because it is what the fills are made of.
    """

    def turn(self) -> int:
        """Handle what is on the bus, bars last, and return how many events that were."""
        events = sorted(self.reader.read_many(BATCH, 0.0), key=lambda event: isinstance(event, Bar))
        for event in events:
            self.dispatch(event)
        if events:
            self.on_batch()
        return len(events)

    def failure(self, strategy_id: str) -> str | None:
        """Return why a strategy does not run, or None if it does."""
        hosted = self._roster.find(strategy_id)
        if hosted is None:
            return "it could not be loaded"
        return hosted.error or hosted.state.value if hosted.state is not StrategyState.RUNNING else None
