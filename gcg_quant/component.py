"""Components: named parts of the system with their own thread, reader and handlers. They meet on the bus and never call each other.

class Watcher(Component):
    capabilities = ("watcher",)

    @event_handler(Tick, symbols={"BTC/USDT"})
    def on_tick(self, tick: Tick) -> None:
        self.log(f"last {tick.last_price}")

watcher = Watcher("watcher")
watcher.start(bus)
...
watcher.stop()
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from gcg_quant import bus as bus_module
from gcg_quant.bus import EventBus, Subscription
from gcg_quant.errors import ComponentError, JournalError
from gcg_quant.events import Event, LogEvent, Record, event_types
from gcg_quant.handler_statistics import HandlerTally
from gcg_quant.handlers import Health, event_handler, marked_handlers
from gcg_quant.reader import BusReader, Cursor
from gcg_quant.redaction import hidden

if TYPE_CHECKING:
    from gcg_quant.history import History

__all__ = ["Component", "Health", "event_handler"]


class Component:
    """A part of the system with a name, handlers, a thread and a reader of its own.

    Subclasses mark methods with `event_handler` and override the `on_` hooks, which all run on the component's own thread. Its only
    clock is the time of the event it handles.

    Args:
        name: unique on its bus; the source of what it publishes, and the name of its reader.
        start: where it begins to read: "end", "begin" or a Cursor.
        durable: its cursor is stored after each batch, and it goes on from it after a restart (`start` is for the first time).
        wait: "adaptive", "busy" or "sleep" (polls every `sleep_s` seconds: cheap for whoever need not be quick).
        batch: the most events taken at a time.
    """

    capabilities: ClassVar[tuple[str, ...]] = ()
    drain_on_stop: ClassVar[bool] = False  # handle all that was published before stop()

    def __init__(
        self,
        name: str,
        *,
        start: str | Cursor = "end",
        durable: bool = False,
        wait: str = "adaptive",
        sleep_s: float = 0.001,
        batch: int = 1000,
    ) -> None:
        self.name = name
        self.state = "new"
        self.history: History | None = None
        self._options = {"durable": durable, "wait": wait, "sleep_s": sleep_s}
        self._start_at = start
        self._durable = durable
        self._batch = batch
        self._bus: EventBus | None = None
        self._reader: BusReader | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = threading.Event()
        self._subscriptions: list[Subscription] = []
        self._table: dict[type, list[Subscription]] = {}
        self._requests: deque[tuple[Callable[[], None], threading.Event]] = deque()
        self._done = HandlerTally()  # besides what the reader of today has counted
        self._released = False
        self._failures = self._started_ns = self._busy_since = 0

    # ---- for subclasses

    def on_start(self) -> None:
        """Prepare: called on the component's thread before the first event."""

    def on_stop(self) -> None:
        """Clean up: called on the component's thread after the last event; the bus is still open."""

    def on_batch(self) -> None:
        """Finish a batch: called after each drained batch of events."""

    def on_idle(self) -> None:
        """Use a quiet moment: called about every 50 ms while nothing comes."""

    def on_rest(self, idle: bool) -> None:
        """Use the moment between two batches, when no event is half handled; `idle` says that nothing came for a while."""

    def on_end(self) -> None:
        """Leave something behind: called after `on_stop`, when nothing more is handled; the bus is still open."""

    def read_batch(self) -> int:
        """Handle one batch of events, waiting up to 50 ms for it; return how many it held.

        Override it to read columns instead of events.
        """
        return self.handle_waiting(0.05)

    def handle_waiting(self, timeout_s: float) -> int:
        """Call the handlers of the events that are waiting, at most one batch; wait up to `timeout_s` seconds for the first.

        Returns:
            How many events those were.
        """
        return self.reader.dispatch(self._batch, timeout_s, self.on_handler_error, self._run_coroutine)

    def note_handled(self, events: int, spent_ns: int) -> None:
        """Count events that an own `read_batch` has handled without `dispatch`, and the time they took."""
        self._done.add(spent_ns, calls=events)

    # ---- for everybody

    @property
    def bus(self) -> EventBus:
        """The bus it runs on. Raises ComponentError before start()."""
        if self._bus is None:
            raise ComponentError(f"Component {self.name!r} has not been started: call start(bus) first.", name=self.name)
        return self._bus

    @property
    def reader(self) -> BusReader:
        """Its reader; only its own thread may read from it. Raises ComponentError before start()."""
        if self._reader is None:
            raise ComponentError(f"Component {self.name!r} has not been started: call start(bus) first.", name=self.name)
        return self._reader

    def publish(self, event: Event, *, cause: int | None = None, backfill: bool = False) -> int:
        """Publish under the component's name; the cause is the event being handled unless given. Return the id."""
        return (self._bus or self.bus).publish(event, cause=cause, backfill=backfill, source=self.name)

    def publish_many(self, events: Sequence[Record], *, cause: int | None = None, backfill: bool = False) -> list[int]:
        """Publish several hot records under one lock; from any thread. Return their ids."""
        return self.bus.publish_many(events, cause=cause, backfill=backfill, source=self.name)

    def publish_batch(self, array: np.ndarray[Any, Any], *, cause: int | None = None, backfill: bool = False) -> int:
        """Publish a structured array of a record's dtype; from any thread. Return the first id."""
        return self.bus.publish_batch(array, cause=cause, backfill=backfill, source=self.name)

    def log(self, message: str, *, level: str = "info", about: int = 0, detail: str = "") -> None:
        """Publish a LogEvent on the log lane, secrets masked; `about` is the id of the event it concerns."""
        self.publish(LogEvent(level=level, component=self.name, message=hidden(message), about=about, detail=hidden(detail)))

    def subscribe(
        self,
        event_type: Any,
        handler: Callable[[Any], Any],
        *,
        symbols: Iterable[str] | None = None,
        sources: Iterable[str] | None = None,
        backfill: bool = False,
        latest: bool = False,
        batch: int = 0,
        within_s: float = 0.0,
    ) -> Subscription:
        """Add a handler while running or before; from any thread. `latest`, `batch` and `within_s`: see `Subscription`."""
        subscription = Subscription(
            event_types(event_type),
            handler,
            None if symbols is None else frozenset(symbols),
            None if sources is None else frozenset(sources),
            backfill,
            latest,
            batch,
            within_s,
        )
        self._on_own_thread(lambda: self._subscriptions.append(subscription))
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a handler; from any thread. One that is not there is passed over."""

        def remove() -> None:
            self._subscriptions = [one for one in self._subscriptions if one is not subscription]

        self._on_own_thread(remove)

    def start(self, bus: EventBus, history: History | None = None, *, threaded: bool = True) -> None:
        """Open the reader and start the thread; all that is published after this call is seen.

        With `threaded` false there is no thread: the caller drives the component by `turn()` and ends it by `stop()`, all on one thread of
        its own. So several components run in lockstep, the same way every time.

        Raises:
            ComponentError: it is running already.
        """
        if self._thread is not None and self._thread.is_alive():
            raise ComponentError(f"Component {self.name!r} is running already: stop it first.", name=self.name)
        self._bus, self.history = bus, history
        marked = marked_handlers(self)
        own = {one.handler for one in marked}
        self._subscriptions = marked + [one for one in self._subscriptions if one.handler not in own]
        self._reader = self.open_reader(bus)
        self._released = False
        self._rebuild()
        self._stopping.clear()
        self.state, self._started_ns = "starting", time.time_ns()
        if not threaded:
            self._thread = None
            self.on_start()
            self.state = "running"
            return
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def open_reader(self, bus: EventBus) -> BusReader:
        """Return the reader to work with; override it to begin at a cursor of your own."""
        return BusReader(bus, self.name, start=self._start_at, **self._options)  # type: ignore[arg-type]

    def stop(self, timeout_s: float = 3.0) -> bool:
        """Stop the thread and close the reader; return whether it ended within `timeout_s` seconds."""
        thread = self._thread
        if thread is None:
            if self.state == "running":
                self._end()
            return True
        self._stopping.set()
        if self._bus is not None and not self._bus.closed:
            with contextlib.suppress(JournalError):
                self._bus.wake()
        if thread is not threading.current_thread():
            thread.join(timeout_s)
        return not thread.is_alive()

    def turn(self) -> int:
        """Handle what is on the bus now, without waiting, and return how many events that were; for a start without a thread."""
        count = self.handle_waiting(0.0)
        if count:
            self.on_batch()
        self.on_rest(not count)
        return count

    @property
    def stopping(self) -> bool:
        """Whether stop() was called."""
        return self._stopping.is_set()

    def health(self) -> Health:
        """Return what it is doing; from any thread."""
        reader = self._reader
        lag = 0
        if reader is not None and self.state == "running":
            with contextlib.suppress(JournalError):
                lag = reader.lag
        done = self._done.statistics() if reader is None or self._released else self._done.statistics().plus(reader.statistics())
        busy_since = done.busy_since_ns or self._busy_since
        return Health(
            name=self.name,
            state=self.state,
            lag=lag,
            handled=done.handled,
            errors=done.errors + self._failures,
            mean_us=done.mean_us,
            max_us=done.longest_ns / 1e3,
            started_ns=self._started_ns,
            busy_s=(time.monotonic_ns() - busy_since) / 1e9 if busy_since and self.state in ("running", "stopping") else 0.0,
            calls=done.calls,
        )

    def dispatch(self, event: Event) -> None:
        """Call the handlers of one event that somebody else has read; an exception is reported on the log lane and stops nothing."""
        for subscription in self._table.get(type(event), ()):
            if subscription.wants(event):
                self._call(subscription.handler, event, [event] if subscription.batch else event)

    # ---- inside

    def _rebuild(self) -> None:
        self._table = {}
        for subscription in self._subscriptions:
            for cls in subscription.types:
                self._table.setdefault(cls, []).append(subscription)
        self.reader.handle(self._subscriptions)

    def _on_own_thread(self, change: Callable[[], None]) -> None:
        thread = self._thread
        if thread is None or not thread.is_alive() or thread is threading.current_thread():
            change()
            if self._reader is not None:
                self._rebuild()
            return
        done = threading.Event()
        self._requests.append((change, done))
        self.bus.wake()
        if not done.wait(5.0):
            raise ComponentError(f"Component {self.name!r} is busy and took no new subscription for 5 s.", name=self.name)

    def _call(self, handler: Callable[[Any], Any], event: Event, argument: Any) -> None:
        begin, failed = time.perf_counter_ns(), 0
        with bus_module.handling(event.id):
            try:
                result = handler(argument)
                if inspect.iscoroutine(result):
                    self._run_coroutine(result)
            except Exception as error:
                failed = 1
                self.on_handler_error(handler, event, error)
        self._done.add(time.perf_counter_ns() - begin, errors=failed)

    def on_handler_error(self, handler: Callable[[Any], Any], event: Event, error: Exception) -> None:
        """Report a handler's exception on the log lane with the event's id; override it to do more."""
        message = f"{getattr(handler, '__qualname__', repr(handler))} raised {type(error).__name__}: {error}"
        self.log(message, level="error", about=event.id, detail="".join(traceback.format_exception(error)))

    def _run_coroutine(self, awaitable: Coroutine[Any, Any, Any]) -> None:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(awaitable)

    def _run(self) -> None:
        try:
            self.on_start()
            self.state = "running"
            while not self._stopping.is_set():
                self._step()
            self._end()
        except Exception as error:  # the one place where a component's thread ends: say why, and be seen as failed
            self._failures += 1
            with contextlib.suppress(JournalError):
                self.log(f"{self.name} stopped: {error}", level="error", detail=traceback.format_exc())
            self.state = "failed"
        finally:
            self._release()

    def _end(self) -> None:
        self.state = "stopping"
        if self.drain_on_stop:
            self._drain()
        if self.reader.pending:
            self.reader.flush(self.on_handler_error, self._run_coroutine)
            self._commit()
        self.on_stop()
        self.on_end()
        self.state = "stopped"
        self._release()

    def _release(self) -> None:
        if self._loop is not None:
            self._loop.close()
            self._loop = None
        if not self._released:
            self._done.add_all(self.reader.statistics())
            self._released = True
        self.reader.close()

    def _step(self) -> None:
        while self._requests:
            change, done = self._requests.popleft()
            change()
            self._rebuild()
            done.set()
        self._busy_since = 0
        count = self._timed_batch()
        if count == 0:
            self.on_idle()
            self.on_rest(True)
            return
        self.on_batch()
        self._commit()
        self.on_rest(False)

    def _commit(self) -> None:
        # Events that wait in an unfinished batch have not been handled.
        if self._durable and not self.reader.pending:
            self.reader.commit()

    def _timed_batch(self) -> int:
        # `busy_since` is what a supervisor looks at to see a hanging handler; waiting for events does not count.
        self._busy_since = time.monotonic_ns()
        return self.read_batch()

    def _drain(self) -> None:
        while self.read_batch() > 0:
            self.on_batch()
            self._commit()
