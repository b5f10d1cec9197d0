"""`EventDrivenCerebro`: what a user writes instead of `bt.Cerebro`. The same numbers, and a run that can be held, stepped and watched."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import backtrader as bt
import numpy as np

from gcg_quant.errors import BacktestError
from gcg_quant.events import BacktestProgressEvent

from .broker import EventDrivenBroker
from .cerebro_run.control import RunControl
from .cerebro_run.drawn import Pen, no_pen, with_pen
from .cerebro_run.joining import Joining
from .cerebro_run.plotting import drawing
from .cerebro_run.quiet import QuietWarmup
from .conversion.days import ns_from_days
from .conversion.parameters import bt_parameters, change_parameters, status_of
from .fast import BulkLoading, is_known_broker, reason_against, reason_bar_by_bar, run_bar_by_bar, run_fast
from .feed import EventDrivenDataFeed
from .streaming.stream import BusStream

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

    from .cerebro_run.cerebro_result import CerebroResult

__all__ = ["EventDrivenCerebro"]

PROGRESS_STEPS = 50
SWITCHED_OFF = "Backtrader's own path was taken: the fast one is switched off (fast=False)."
OLD_SYNC = "Backtrader's own path was taken: oldsync is on."
ELSEWHERE = "The runs of optstrategy are made in worker processes, and each decides there."

CALLED = ("_brokernotify", "_next_writers", "_check_timers", "_bar_passed")  # what the fast path does, or leaves out
Progress = Callable[[BacktestProgressEvent], None]


class EventDrivenCerebro(bt.Cerebro):  # type: ignore[misc]
    """A `bt.Cerebro` with start, pause, resume, step and stop, progress as events, and a quiet warm-up for live feeds.

    Nothing of Backtrader's order of calls changes: the class only looks in between two bars. `run()` runs in the caller's
    thread as always; `start()` runs in a thread of its own, and the other calls may come from any thread.

    Args:
        bus: where `BacktestProgressEvent`s are published (the run's own bus), or None.
        run: the run's name in these events.
        on_progress: called with every progress event, in the running thread.
        total_bars: how many bars the run will see, where the feeds are not preloaded; 0 if unknown.
        fast: take the fast path where it is sure to give the same numbers; `fast_reason` tells after a run why it did not.
    """

    def __init__(
        self,
        bus: EventBus | None = None,
        run: str = "",
        on_progress: Progress | None = None,
        total_bars: int = 0,
        fast: bool = True,
    ) -> None:
        super().__init__()
        self.fast = fast
        self.fast_reason = ""
        self.control = RunControl()
        self.bars_done = 0
        self.bars_total = total_bars
        self._bus = bus
        self._run_name = run
        self._seconds = 0.0
        self._on_progress = on_progress
        self._given_total = total_bars
        self._progress_every = 1
        self._reported = -1
        self._turns = 0
        self._quiet: QuietWarmup | None = None
        self.pen: Pen = no_pen  # what draws the points of its strategies
        self.closed_to_feeds = ""  # why none may join while it runs
        self._joining = Joining()
        self._looping = False  # bar by bar
        self._streams: dict[int, BusStream] = {}
        self._thread: threading.Thread | None = None
        self._outcome: list[Any] = []
        self._failure: BaseException | None = None

    # --- what the user calls -------------------------------------------------------------------------------------------------

    def start(self, *, paused: bool = False, **kwargs: Any) -> None:
        """Begin `run(**kwargs)` in a thread of its own, held before its first bar if `paused`; BacktestError if it runs already."""
        if self._thread is not None and self._thread.is_alive():
            raise BacktestError("This cerebro is running already: call stop() and wait() first.", run=self._run_name)
        self.control = RunControl()
        if paused:
            self.control.pause()
        self._outcome, self._failure = [], None
        self._thread = threading.Thread(target=self._run_in_thread, kwargs=kwargs, name=f"cerebro {self._run_name}".strip(), daemon=True)
        self._thread.start()

    def pause(self) -> None:
        """Hold the run before its next bar."""
        self.control.pause()

    def resume(self) -> None:
        """Let a held run go on."""
        self.control.resume()

    def step(self, bars: int = 1) -> None:
        """Do `bars` more bars, then hold."""
        self.control.step(bars)

    def stop(self) -> None:
        """End the run before its next bar; `stop()` of the strategies and analyzers is still called."""
        self.control.stop()
        self.runstop()

    def wait(self, timeout_s: float | None = None) -> list[Any]:
        """Return what `run()` returns once the started run has ended.

        Raises:
            BacktestError: nothing was started, or the run did not end within `timeout_s` seconds.
            Exception: whatever the strategy raised.
        """
        if self._thread is None:
            raise BacktestError("wait() needs a run that was begun with start().", run=self._run_name)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise BacktestError(f"The run did not end within {timeout_s} s.", run=self._run_name, timeout_s=timeout_s)
        if self._failure is not None:
            raise self._failure
        return self._outcome

    def adddata(self, data: Any, name: str | None = None) -> Any:
        """Add a feed, as `bt.Cerebro.adddata` does, and return it; a live one joins a running live cerebro before the next bar.

        The strategies then hear `notify_data` (DELAYED, LIVE) and have it in `self.datas` and by `getdatabyname`, with its history up
        to now; their `next()` does not wait for its first bar. Any thread may call it.

        Raises:
            BacktestError: the cerebro is running, and the feed cannot join it.
        """
        if not self._looping or not self._dolive:
            return super().adddata(data, name)
        self._joining.ask(self, data, name)
        self.control.ask(lambda: None)  # have the loop come to its checkpoint
        return data

    def set_parameters(self, values: Mapping[str, Any], strategy: int = 0) -> None:
        """Set parameters (`strategy.p.x`) of one strategy between two bars: while paused at once, else before the next bar.

        A strategy that has a method `notify_parameters(changed)` is told. What it has made of a parameter in its `__init__` (an indicator's
        period) stays as it is. The change is told on the run's bus by a `StrategyStatusEvent`. Any thread may call it.

        Args:
            values: new values by name; a text takes the type of the parameter's default.
            strategy: which one, in the order of `addstrategy`.

        Raises:
            StrategyError: the class has no such parameter (the nearest is named), or the value is none. BacktestError: no such strategy.
        """
        if self._dooptimize or not 0 <= strategy < len(self.strats):
            count = 0 if self._dooptimize else len(self.strats)
            raise BacktestError(f"There is no strategy number {strategy} to set parameters of: the run has {count} added by addstrategy().")
        changed = bt_parameters(self.strats[strategy][0][0], values)
        self.control.ask(lambda: self._change_parameters(strategy, changed))

    def plot(self, *args: Any, **kwargs: Any) -> Any:
        """Draw the run as `bt.Cerebro.plot` does and return its figures; without a display nothing is shown (see plotting.py)."""
        with drawing():
            return super().plot(*args, **kwargs)

    def result(self, *, periods_per_year: float = 252.0) -> CerebroResult:
        """Return the result of the last run: measures, trades, the value bar by bar, `show()`, `save_report(FILE)`, `to_json()`.

        It is made of what Backtrader keeps anyway, of all strategies together; a `ResultAnalyzer` that was added is heeded.

        Args:
            periods_per_year: trading days a year, to annualise by (365 for markets that never close).

        Raises:
            BacktestError: there was no run, or one with `optstrategy` or `exactbars`; without `stdstats`, cash that came otherwise than by
            trades.
        """
        from .cerebro_run.cerebro_result import result_of  # the report is only wanted here

        return result_of(self, periods_per_year, self._seconds)

    @property
    def run_name(self) -> str:
        """Return the run's name in events."""
        return self._run_name

    @property
    def clock_days(self) -> float:
        """Return the time of the newest bar the strategies have seen, in Backtrader's float days (0.0 before the first)."""
        seen = [strategy.lines.datetime[0] for strategy in getattr(self, "runningstrats", []) if len(strategy)]
        return float(max(seen, default=0.0))

    # --- in between Backtrader's calls ---------------------------------------------------------------------------------------

    def run(self, **kwargs: Any) -> Any:
        """Run as `bt.Cerebro.run` does: the same arguments, the same result, in the caller's thread."""
        if self.control.stopping and threading.current_thread() is not self._thread:
            self.control = RunControl()  # as stock: a run that was stopped may be run again
        self.fast_reason = ELSEWHERE if self._dooptimize and kwargs.get("maxcpus", self.p.maxcpus) != 1 else ""
        begin = time.perf_counter()
        try:
            return super().run(**kwargs)
        finally:
            self._seconds = time.perf_counter() - begin

    def runstrategies(self, iterstrat: Sequence[Any], predata: bool = False) -> Any:
        """Run one set of strategies (called by `run`)."""
        self.bars_done = self._turns = 0
        self._reported = -1
        self._joining = Joining()
        self._share_streams()
        try:
            with BulkLoading(self.datas if self.fast else []):
                return super().runstrategies(with_pen(iterstrat, self.pen), predata)
        finally:
            for stream in self._streams.values():
                stream.close()
            self._streams = {}

    # One stream a bus for all live feeds and the broker, so that nobody waits for another's silence and no fill overtakes a bar.
    def _share_streams(self) -> None:
        users: list[Any] = [data for data in self.datas if isinstance(data, EventDrivenDataFeed) and data.wants_stream()]
        if users and isinstance(self.broker, EventDrivenBroker) and self.broker.wants_stream():
            users.append(self.broker)
        for user in users:
            self._share_stream(user)

    def _share_stream(self, user: Any) -> None:
        bus = user.p.bus
        if id(bus) not in self._streams:
            self._streams[id(bus)] = BusStream(bus)
        user.use_stream(self._streams[id(bus)])

    def _run_in_thread(self, **kwargs: Any) -> None:
        try:
            self._outcome = self.run(**kwargs)
        except BaseException as error:  # handed to wait()
            self._failure = error

    def _runonce(self, runstrats: list[Any]) -> None:
        self.bars_total = _distinct_times(self.datas)
        self._progress_every = max(1, self.bars_total // PROGRESS_STEPS)
        if self.control.checkpoint():
            self.fast_reason = self._run_fast(runstrats) if self.fast else SWITCHED_OFF
            if self.fast_reason:
                super()._runonce(runstrats)
        self._report_progress()

    def _runonce_old(self, runstrats: list[Any]) -> None:
        self.fast_reason = OLD_SYNC if self.fast else SWITCHED_OFF
        super()._runonce_old(runstrats)

    def _runnext_old(self, runstrats: list[Any]) -> None:
        self.fast_reason = OLD_SYNC if self.fast else SWITCHED_OFF
        super()._runnext_old(runstrats)

    def _run_fast(self, runstrats: list[Any]) -> str:
        reason = reason_against(self, runstrats, (EventDrivenCerebro, CALLED))
        return reason or run_fast(self, runstrats, self._bar_passed, self._progress_every)

    def _run_bar_by_bar(self, runstrats: list[Any]) -> str:
        reason = reason_bar_by_bar(self, runstrats, (EventDrivenCerebro, (*CALLED, "_storenotify", "_datanotify")))
        own_broker = not is_known_broker(self._broker)
        return reason or run_bar_by_bar(self, runstrats, self._bar_passed, self._progress_every, own_broker=own_broker)

    def _runnext(self, runstrats: list[Any]) -> None:
        self.bars_total = self._given_total
        self._progress_every = max(1, self.bars_total // PROGRESS_STEPS) if self.bars_total else 1000
        if any(data.islive() and getattr(data.p, "warmup", "") == "quiet" for data in self.datas):
            self._quiet = QuietWarmup(runstrats)
        self._looping = True
        try:
            self._loop(runstrats)
            while self._joining.left_for:
                self._let_join(runstrats)
                self._loop(runstrats)
        finally:
            self._looping = False
            self._lift_warmup()
        self._say_disconnected()
        self._report_progress()

    def _loop(self, runstrats: list[Any]) -> None:
        self.fast_reason = self._run_bar_by_bar(runstrats) if self.fast else SWITCHED_OFF
        if self.fast_reason:
            super()._runnext(runstrats)

    def _let_join(self, runstrats: list[Any]) -> None:
        self._joining.left_for = self._event_stop = False
        self._joining.take_in(self, runstrats)
        if self.control.stopping:
            self._event_stop = True

    # Called first in every round of the bar-by-bar loop, before any feed moves: the place to hold a live run, and to let feeds join.
    def _storenotify(self) -> None:
        if not self.control.checkpoint():
            self._event_stop = True
            return
        if self._joining and not self._event_stop:
            self._joining.left_for = self._event_stop = True
            return
        super()._storenotify()

    def _datanotify(self) -> None:
        super()._datanotify()
        if self._quiet is not None and all(data._laststatus == data.LIVE for data in self.datas if data.islive()):
            self._lift_warmup()

    # Called after the broker has got the bar's data and before the strategies see it. A run that is being stopped ends here, so that
    # no order is filled on a bar which no strategy will see.
    def _brokernotify(self) -> None:
        if self.control.stopping:
            self._event_stop = True
            return
        super()._brokernotify()

    # The last call for every strategy and bar: count it, and hold here in the preloaded loop (it has no call before a bar).
    def _next_writers(self, runstrats: list[Any]) -> None:
        super()._next_writers(runstrats)
        self._turns += 1
        if self._turns < len(runstrats):
            return  # the other strategies have yet to see this bar
        self._turns = 0
        self.bars_done += 1
        self._bar_passed()

    def _bar_passed(self) -> None:
        self.control.bar_done()
        if self.bars_done % self._progress_every == 0:
            self._report_progress()
        if self._dopreload and self._dorunonce:
            self.control.checkpoint()

    def _change_parameters(self, number: int, changed: dict[str, Any]) -> None:
        strategy = self.runningstrats[number]
        change_parameters(strategy, changed)
        if self._bus is not None:
            event = status_of(strategy, self._run_name, self.control.state)
            self._bus.publish(event)

    def _say_disconnected(self) -> None:
        ours = [data for data in self.datas if isinstance(data, EventDrivenDataFeed) and data.islive()]
        for data in ours:  # a live feed of another class says for itself how it is
            data.put_notification(data.DISCONNECTED)
        if ours:
            self._datanotify()

    def _lift_warmup(self) -> None:
        if self._quiet is not None:
            self._quiet.lift()
            self._quiet = None

    def _report_progress(self) -> None:
        if (self._bus is None and self._on_progress is None) or self._reported == self.bars_done:
            return
        self._reported = self.bars_done
        days = self.clock_days
        event = BacktestProgressEvent(
            run=self._run_name,
            done=self.bars_done,
            total=self.bars_total,
            event_ns=ns_from_days(days) if days else 0,
            value=float(self.broker.getvalue()),
        )
        if self._bus is not None:
            self._bus.publish(event)
        if self._on_progress is not None:
            self._on_progress(event)

    # `optstrategy` sends the cerebro to worker processes: threads, locks and the bus stay here.
    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        for name in ("control", "_thread", "_bus", "_on_progress", "_quiet", "_outcome", "_failure", "_joining", "_streams", "pen"):
            state.pop(name, None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.control, self._joining, self._streams = RunControl(), Joining(), {}
        self._thread = self._bus = self._on_progress = self._quiet = self._failure = None
        self._outcome = []
        self.pen = no_pen


def _distinct_times(datas: Sequence[Any]) -> int:
    columns = [np.frombuffer(data.lines.datetime.array, dtype=np.float64) for data in datas if len(data.lines.datetime.array)]
    if not columns:
        return 0
    return len(columns[0]) if len(columns) == 1 else len(np.unique(np.concatenate(columns)))
