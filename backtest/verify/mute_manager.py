"""A strategy manager that runs a recorded life again, mute: what it reads is the journal, what it publishes goes to a judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from gcg_quant import bus as bus_module
from gcg_quant.bus import EventBus
from gcg_quant.component import event_handler
from gcg_quant.events import Applied, Event, Lane, StrategyControlEvent, TimerEvent
from gcg_quant.reader import BusReader, Cursor
from gcg_quant.stateful import Follower

from ...strategy_engine.hosting.manager import StrategyManager
from ...strategy_engine.hosting.recovery import Past
from ...strategy_engine.strategy.bar_book import BarBook
from .bounded_reading import BoundedReading
from .stored import RecordedBars

if TYPE_CHECKING:
    from gcg_quant.history import History

    from ...strategy_engine.hosting.adapter import StrategyAdapter
    from ...strategy_engine.hosting.diary import Beginning
    from .files import RecordedLoader
    from .judge import Judge
    from .lives import Life, Mark

__all__ = ["MuteManager", "Settling"]


@runtime_checkable
class Settling(Protocol):
    """A strategy with a thread of its own."""

    def settle(self) -> None:
        """Wait until it has dealt with all that it was brought."""
        ...

    def break_off(self) -> None:
        """End its run as a killed process would."""
        ...


class MuteManager(StrategyManager):
    """Does one life of a manager again, on the thread that calls `run_again`.

    The same code that ran then reads the same events in the same order: commands, and starts of its own accord, come where the journal
    says that they took effect; timers are those that were published; the clock is that of the events. Nothing is written: the bus is
    opened for reading, and whatever is published is given to the judge.

    Args:
        judge: of this life.
        life: what is done again.
        loader: of the strategies' files.
        adapters: for classes of other frameworks.
        sources: where stored bars may be found that strategies were told then; the first is what adapters ask.
    """

    def __init__(
        self,
        judge: Judge,
        life: Life[Beginning],
        loader: RecordedLoader,
        adapters: Sequence[StrategyAdapter],
        sources: Sequence[History],
    ) -> None:
        self._life = life
        began = life.beginning
        super().__init__(
            load=began.load,
            adapters=adapters,
            account=began.account,
            accounts=began.accounts,
            bar_periods=began.bar_periods,
            event_time=began.event_time,
            name=self._life.component,
        )
        self.judge = judge
        self._loader = self._recorded_loader = loader
        self._sources = sources
        self._mark: Mark | None = None
        self._reading = BoundedReading(self, self.on_handler_error, self._look_at_coroutines)

    def run_again(self, bus: EventBus) -> None:
        """Run the life from its beginning to its end.

        Where the journal begins later than what the strategies hold, and no snapshot tells of it, they begin with what it knows, as the
        recorded life did.
        """
        life = self._life
        self.start(bus, self._sources[0] if life.beginning.history else None, threaded=False)
        try:
            for mark in life.marks:
                self._reading.read_to(mark.at)
                self._settle()
                self._act(mark)
            self._reading.read_to(life.last_input)
            self._settle()
            if life.ended:
                self.accepts_orders = False
                self._roster.close(life.ended_ns)
        finally:
            self.stop()

    # ---- its life

    def open_reader(self, bus: EventBus) -> BusReader:
        """Return a reader that begins where the life's did; of the other lanes it reads nothing."""
        began = Cursor(bus.bus_id, 0, bus.head(Lane.CONTROL), self._life.beginning.market, bus.head(Lane.LOG))
        return BusReader(bus, None, durable=False, start=began, wait="sleep", sleep_s=0.001)

    def on_start(self) -> None:
        """Take up what the journal knew then, and load what was loaded."""
        self._now_ns = self._life.beginning.now_ns
        self._prepare()
        self._take_up(self._past())

    def on_stop(self) -> None:
        """Let go of the strategies; one that was killed has not stopped them."""
        self.accepts_orders = False
        self._roster.closing = True
        for hosted in self._roster:
            if isinstance(hosted.strategy, Settling):
                hosted.strategy.break_off()
            hosted.loaded.release()
        self._roster.runner.close()
        self._feeds.close()

    def on_end(self) -> None:
        """Leave nothing behind."""

    def _prepare(self) -> None:
        super()._prepare()
        began = self._life.beginning
        stored = RecordedBars(self._life.reads, self._sources, self.judge.gone) if began.history else None
        self.bar_book = BarBook(stored, began.bar_periods, self.market.sessions)
        self._roster.mark = self.judge.mark

    def _past(self) -> Past:
        began = self._life.beginning
        end = Cursor(self.bus.bus_id, self.bus.epoch, began.control, began.market, began.log)
        follower = Follower(self.bus, self.name, Past, lambda text: None)
        try:
            return follower.recover(end, keeps_snapshots=False)
        finally:
            follower.close()

    # ---- what it publishes

    def publish(self, event: Event, *, cause: int | None = None, backfill: bool = False) -> int:
        """Give an event to the judge and return the id of the recorded one."""
        if isinstance(event, Applied) and self._mark is not None and event.control == self._mark.control.id:
            self.judge.answered(self._mark, event.ok, event.detail)
        return self.judge.publish(event, bus_module.current_cause() if cause is None else cause)

    # ---- what it reads

    @event_handler(TimerEvent)
    def handle_timer(self, event: TimerEvent) -> None:
        """Hand on a recorded timer, which must be one that the strategy has set."""
        if event.source == self.name and self._timers.knows(event.component, event.name) and not self._timers.take(event):
            self.judge.odd_timer(event)
        super().handle_timer(event)

    def handle_control(self, event: StrategyControlEvent) -> None:
        """Do a command again; these are not read, but come with the marks."""
        super().handle_control(event)

    def on_handler_error(self, handler: Callable[[Any], Any], event: Event, error: Exception) -> None:
        """Raise what is no strategy's error."""
        raise error

    def _act(self, mark: Mark) -> None:
        self._mark = mark
        self._recorded_loader.control = mark.control.id
        if isinstance(mark.control, StrategyControlEvent):
            with bus_module.handling(mark.control.id):
                self.handle_control(mark.control)
        elif self._waiting.remove(mark.control.strategy):
            self._waiting.start(mark.control.strategy, mark.control.id, self._now_ns)
        self._mark = None
        self._look_at_coroutines()

    # A strategy with a thread of its own has dealt with all that it was brought.
    def _settle(self) -> None:
        for hosted in self._roster:
            if isinstance(hosted.strategy, Settling):
                hosted.strategy.settle()

    def _look_at_coroutines(self) -> None:
        if self._roster.runner.busy:
            waiting = [hosted.id for hosted in self._roster if hosted.waiting]
            self.judge.give_up(waiting, "A coroutine of it waited for something that is not on the journal.")
            self._roster.turn()

    def _rebuild(self) -> None:
        super()._rebuild()
        self._reading.guard(self._subscriptions)
