"""Strategy manager and trading engine driven by hand: one thread, one event after the other, the same result every time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gcg_quant.component import Component
from gcg_quant.events import Bar, Event

from ..strategy_engine.manager import StrategyManager
from ..strategy_engine.session import StrategyState
from ..strategy_engine.trading import TradingEngine

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.history import History

__all__ = ["SteppedEngine", "SteppedManager"]

BATCH = 10_000


class _Stepped(Component):
    """A component without a thread of its own: whoever opened it calls `turn()`."""

    def open(self, bus: EventBus, history: History | None = None) -> None:
        """Do all that starting does, on this thread."""
        self.start(bus, history)
        if self._thread is not None:
            self._thread.join()  # it had nothing to do; what asks for the component's thread from now on gets this one
        self.on_start()
        self.state = "running"

    def turn(self) -> int:
        """Handle what is on the bus and return how many events that were."""
        events = self.ordered(self.reader.read_many(BATCH, 0.0))
        for event in events:
            self.dispatch(event)
        if events:
            self.on_batch()
        return len(events)

    def ordered(self, events: list[Event]) -> list[Event]:
        """Return events in the order in which they are to be handled: that of the bus."""
        return events

    def shut(self) -> None:
        """Do all that stopping does."""
        self.on_stop()
        self.reader.close()
        self.state = "stopped"

    def _run(self) -> None:
        return


class SteppedEngine(_Stepped, TradingEngine):
    """A trading engine that is driven by hand."""


class SteppedManager(_Stepped, StrategyManager):
    """A strategy manager that is driven by hand.

    What a bar has done to working orders comes before the bar: live, the fill happens within the bar, and a strategy that is called with
    the bar knows its position. On the bus of a backtest the bar is first, because it is what the fills are made of.
    """

    def ordered(self, events: list[Event]) -> list[Event]:
        """Return events as they come, bars last."""
        return sorted(events, key=lambda event: isinstance(event, Bar))

    def failure(self, strategy_id: str) -> str | None:
        """Return why a strategy does not run, or None if it does."""
        hosted = self._roster.find(strategy_id)
        if hosted is None:
            return "it could not be loaded"
        return hosted.error or hosted.state.value if hosted.state is not StrategyState.RUNNING else None
