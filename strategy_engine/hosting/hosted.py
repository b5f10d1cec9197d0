"""One loaded strategy in its manager: calls its callbacks, measures them, and catches what they throw."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gcg_quant.busy_mark import BusyMark
from gcg_quant.errors import StrategyError
from gcg_quant.events import Event, MetricEvent

from ..strategy.base import Strategy
from ..strategy.callbacks import CALLBACKS
from ..strategy.session import Session, StrategyState
from .coroutines import CoroutineRunner
from .loader import LoadedClass

__all__ = ["CallbackTimes", "HostedStrategy", "StrategyInfo"]

_BACKLOG_LIMIT = 20_000  # events that may wait for a coroutine


@dataclass(slots=True)
class CallbackTimes:
    """How often a callback was called and how long it took."""

    calls: int = 0
    total_ns: int = 0
    max_ns: int = 0

    @property
    def mean_us(self) -> float:
        """The mean time of a call in microseconds."""
        return self.total_ns / self.calls / 1e3 if self.calls else 0.0

    def add(self, spent_ns: int) -> None:
        """Count a call."""
        self.calls += 1
        self.total_ns += spent_ns
        if spent_ns > self.max_ns:
            self.max_ns = spent_ns


@dataclass(frozen=True, slots=True)
class StrategyInfo:
    """What one strategy is and how long its callbacks take."""

    id: str
    state: str
    kind: str
    file: str
    class_name: str
    symbols: tuple[str, ...]
    parameters: Mapping[str, Any]
    error: str
    times: Mapping[str, CallbackTimes]


@dataclass(slots=True)
class HostedStrategy:
    """A strategy with its session. Used by the manager's thread alone.

    `on_error(self, callback, error)` is called for whatever a callback throws, at once or later from a coroutine. While a coroutine of
    the strategy waits, the strategy's further events wait for it, so that it sees them one after the other.
    """

    strategy: Strategy
    session: Session
    loaded: LoadedClass
    runner: CoroutineRunner
    mark: BusyMark
    on_error: Callable[[HostedStrategy, str, BaseException], None]
    given: dict[str, Any] = field(default_factory=dict)  # the parameters that were set from outside; the others have their defaults
    chosen: tuple[str, ...] = ()  # the symbols that were set from outside; without them the class's own hold
    error: str = ""
    announced: int = 0  # the id of its last status event
    times: dict[str, CallbackTimes] = field(default_factory=dict)
    _callbacks: dict[str, Callable[..., Any]] = field(default_factory=dict)
    _entries: dict[str, bytes] = field(default_factory=dict)  # what the mark shows during each callback
    _backlog: deque[tuple[str, Event, int, int]] = field(default_factory=deque)
    _task: asyncio.Task[None] | None = None
    _waiting_callback: str = ""

    def __post_init__(self) -> None:
        """Bind the strategy to its session."""
        self.bind(self.strategy, self.loaded)

    @property
    def id(self) -> str:
        """The strategy's id."""
        return self.session.strategy_id

    @property
    def state(self) -> StrategyState:
        """The strategy's state."""
        return self.session.state

    @property
    def waiting(self) -> bool:
        """Whether a coroutine of it has not ended."""
        return self._task is not None

    def bind(self, strategy: Strategy, loaded: LoadedClass) -> None:
        """Take in a strategy object: the first one, or another after a reload."""
        self.strategy, self.loaded, self.error = strategy, loaded, ""
        self.session.state = StrategyState.LOADED
        if strategy.subscribes:
            self.session.symbols = ()
        strategy.attach(self.session)
        self._callbacks = {
            name: getattr(strategy, name)
            for name in (*CALLBACKS, "on_parameters")
            if getattr(type(strategy), name) is not getattr(Strategy, name)
        }
        self.times = {name: CallbackTimes() for name in self._callbacks}
        self._entries = {name: BusyMark.entry_of(self.id, name) for name in self._callbacks}

    def info(self) -> StrategyInfo:
        """Return what it is at this moment."""
        return StrategyInfo(
            id=self.id,
            state=self.state.value,
            kind=self.loaded.kind,
            file=str(self.loaded.file),
            class_name=self.loaded.cls.__name__,
            symbols=self.session.symbols,
            parameters=self.strategy.parameters,
            error=self.error,
            times=dict(self.times),
        )

    def metrics(self, component: str) -> Iterator[MetricEvent]:
        """Yield the mean and the longest time of each callback, in microseconds."""
        for callback, times in self.times.items():
            labels = {"strategy": self.id, "callback": callback}
            if times.calls:
                yield MetricEvent(component=component, name="strategy_callback_mean_us", value=times.mean_us, labels=labels)
                yield MetricEvent(component=component, name="strategy_callback_max_us", value=times.max_ns / 1e3, labels=labels)

    def handles(self, callback: str) -> bool:
        """Return whether the strategy has defined this callback."""
        return callback in self._callbacks

    def handle(self, callback: str, event: Event, cause: int, now_ns: int) -> None:
        """Call a callback with an event, if the strategy runs and has it; `cause` is the id that its orders will name."""
        if self.session.state is not StrategyState.RUNNING or callback not in self._callbacks:
            return
        if self._task is not None:
            self._wait(callback, event, cause, now_ns)
            return
        self._call(callback, (event,), cause, now_ns)

    def start(self, cause: int, now_ns: int) -> None:
        """Call on_start; the strategy runs afterwards unless that failed."""
        self.session.state = StrategyState.STARTING
        self._call("on_start", (), cause, now_ns)
        if self.session.state is StrategyState.STARTING:
            self.session.state = StrategyState.RUNNING

    def stop(self, cause: int, now_ns: int, timeout_s: float = 1.0) -> None:
        """Call on_stop, waiting up to `timeout_s` for coroutines; the strategy is stopped afterwards unless that failed."""
        self._end_task(timeout_s)
        if self.session.state is not StrategyState.FAILED:
            self.session.state = StrategyState.STOPPING
            self._call("on_stop", (), cause, now_ns)
            self._end_task(timeout_s)
        if self.session.state is StrategyState.STOPPING:
            self.session.state = StrategyState.STOPPED

    def turn(self) -> bool:
        """Go on if the coroutine has ended: report its exception, handle the events that waited for it; return whether it had."""
        self._collect()
        if self._task is not None:
            return False
        while self._backlog and self._task is None and self.session.state is StrategyState.RUNNING:
            callback, event, cause, now_ns = self._backlog.popleft()
            self._call(callback, (event,), cause, now_ns)
        return True

    def change(self, changed: dict[str, Any], cause: int, now_ns: int) -> None:
        """Tell the strategy about parameters that were changed, if it runs."""
        if self.session.state is StrategyState.RUNNING:
            self._call("on_parameters", (changed,), cause, now_ns)

    def give_up(self) -> None:
        """Cancel a waiting coroutine and drop the events behind it."""
        self._backlog.clear()
        if self._task is not None:
            task, self._task = self._task, None
            self.runner.cancel(task)

    def _wait(self, callback: str, event: Event, cause: int, now_ns: int) -> None:
        if len(self._backlog) >= _BACKLOG_LIMIT:
            message = f"{self._waiting_callback} has not ended while {_BACKLOG_LIMIT} further events came: it waits too long"
            self.on_error(self, self._waiting_callback, StrategyError(message, strategy=self.id))
            return
        self._backlog.append((callback, event, cause, now_ns))

    def _call(self, callback: str, arguments: tuple[Any, ...], cause: int, now_ns: int) -> None:
        function = self._callbacks.get(callback)
        self.session.cause, self.session.now_ns = cause, now_ns
        if function is None:
            return
        begin = time.perf_counter_ns()
        entry = self._entries[callback]
        self.mark.enter(entry)
        try:
            outcome = function(*arguments)
            if outcome is not None and inspect.isawaitable(outcome):
                self._task = self.runner.start(outcome, lambda: self.mark.enter(entry), self.mark.leave)
                self._waiting_callback = callback
                self._collect()
        except (Exception, SystemExit) as error:
            self.on_error(self, callback, error)
        finally:
            self.mark.leave()
            self.times[callback].add(time.perf_counter_ns() - begin)

    def _collect(self) -> None:
        task = self._task
        if task is None or not task.done():
            return
        self._task = None
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.on_error(self, self._waiting_callback, error)

    def _end_task(self, timeout_s: float) -> None:
        self._backlog.clear()
        if self._task is not None:
            self.runner.finish(self._task, timeout_s)
            self._collect()
            self._task = None
