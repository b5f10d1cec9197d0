"""A trading engine that does a recorded life again, mute: the paper gateway is a new one, and must give the same fills."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from gcg_quant import bus as bus_module
from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError
from gcg_quant.events import ConfigChangeEvent, Event, Lane
from gcg_quant.reader import BusReader, Cursor
from gcg_quant.stateful import Follower

from ...strategy_engine.gateways.paper import PaperGateway
from ...strategy_engine.risk.limits import RiskRules
from ...strategy_engine.trading import TradingConfig, TradingEngine
from .bounded_reading import BoundedReading

if TYPE_CHECKING:
    from ...strategy_engine.desk.beginning import TradingBeginning
    from ...strategy_engine.desk.fold import TradingFold
    from ...strategy_engine.orders.manager import Publish
    from .judge import Judge
    from .lives import Life

__all__ = ["MuteEngine"]

_SEQ = (1 << 60) - 1


class MuteEngine(TradingEngine):
    """Does one life of a trading engine with a paper gateway again, on the thread that calls `run_again`.

    It is given the recorded requests, market data and timers in the recorded order, and changes of its limits where they took effect.
    """

    def __init__(self, judge: Judge, life: Life[TradingBeginning]) -> None:
        began = life.beginning
        super().__init__(
            msgspec.convert(began.config, TradingConfig),
            msgspec.convert(began.rules, RiskRules),
            PaperGateway(**(began.gateway or {})),
            name=life.component,
        )
        self.judge = judge
        self._life = life
        self._reading = BoundedReading(self, self.on_handler_error)

    def run_again(self, bus: EventBus) -> None:
        """Run the life from its beginning to its end.

        Raises:
            BacktestError: the account's state of its beginning is not on the journal.
        """
        self.start(bus, threaded=False)
        try:
            for mark in self._life.marks:
                self._reading.read_to(mark.at)
                with bus_module.handling(mark.control.id):
                    self.on_config(mark.control)
            self._reading.read_to(self._life.last_input)
            self.desk.drain(0)
        finally:
            self.stop()

    # ---- its life

    def open_reader(self, bus: EventBus) -> BusReader:
        """Return a reader that begins where the life's did; of the other lanes it reads nothing."""
        began = Cursor(bus.bus_id, 0, bus.head(Lane.CONTROL), self._life.beginning.start, bus.head(Lane.LOG))
        return BusReader(bus, None, durable=False, start=began, wait="sleep", sleep_s=0.001)

    def on_start(self) -> None:
        """Begin with what the journal knew then."""
        self._started_ns = self._life.beginning.started_ns
        super().on_start()

    def on_stop(self) -> None:
        """Close the gateway."""
        self._gateway.close()

    def on_end(self) -> None:
        """Leave nothing behind."""

    def head_of_bus(self) -> Cursor:
        """Return where the journal ended when the life began."""
        began = self._life.beginning
        return Cursor(self.bus.bus_id, self.bus.epoch, began.control, began.market, began.log)

    def on_config(self, event: ConfigChangeEvent) -> None:
        """Change the limits again; these events are not read, but come where they took effect."""
        super().on_config(event)

    def _recovered(self, head: Cursor) -> Any:
        follower = Follower(self.bus, self.name, self.new_fold, lambda text: None)
        try:
            follower.recover(head, keeps_snapshots=False)
            if follower.began > 1 and (follower.snapshots.traces or follower.fold.last_time_ns):
                raise BacktestError(
                    f"What the account {self.config.account} held when its process began (event {head.market:,} of the market lane) is not "
                    f"on the journal any more: it begins at event {follower.began:,}, and no snapshot reaches back.",
                    began=follower.began,
                )
            return follower.state()
        finally:
            follower.close()

    def _resume_at(self, fold: TradingFold) -> int:
        return (Lane.MARKET << 60) | self._life.beginning.start

    def _commit(self) -> None:
        pass

    def _rebuild(self) -> None:
        super()._rebuild()
        self._reading.guard(self._subscriptions)

    # ---- what it publishes

    def voice(self) -> Publish:
        """Return how the desk publishes."""
        return self.publish

    def publish(self, event: Event, *, cause: int | None = None, backfill: bool = False) -> int:
        """Give an event to the judge and return the id of the recorded one."""
        return self.judge.publish(event, bus_module.current_cause() if cause is None else cause)

    def on_handler_error(self, handler: Callable[[Any], Any], event: Event, error: Exception) -> None:
        """Raise what is the engine's own error."""
        raise error
