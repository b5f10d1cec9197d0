"""The live side of a run: one reader of the bus for all its feeds and its broker, in the order of the market lane.

Backtrader polls its feeds in turn, each with its own patience. With a reader for each, a bar of the second feed would wait until the
first one's patience is over, and a fill could overtake the bar it followed. So feeds and broker of one run share one `BusStream`:
whoever has nothing asks it to go on, it reads event by event, and hands each to whom it concerns.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from itertools import groupby
from operator import itemgetter
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from numpy.typing import NDArray

from gcg_quant.events import Event, Lane

from .bar_rows import rows_of

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

    from .bar_rows import Columns, FeedRow
    from .inbox import Inbox

__all__ = ["BusStream", "QueueStream", "Stream", "market_head", "market_id"]

Listener = Callable[[Any], bool]
SETTLE_LOOK_S = 0.0001
BEHIND = 64  # events: whoever has so many waiting reads ahead
MOST_AHEAD = 4096
SHORT_RUN = 16
SINGLE_EVENTS = 256

# An event; what the only feed shows of a run of them; or what each of several shows of one.
_Ahead: TypeAlias = "Event | tuple[Inbox, Columns] | list[tuple[Inbox, FeedRow]]"


def market_id(seq: int) -> int:
    """Return the event id of a seq of the market lane."""
    return (int(Lane.MARKET) << 60) | seq


def market_head(bus: EventBus) -> int:
    """Return the id that the next event of the market lane will get."""
    return market_id(bus.head(Lane.MARKET))


class Stream(Protocol):
    """What feeds and broker need of a stream."""

    def listen(self, event_type: type[Event], listener: Listener, symbols: Iterable[str] | None = None) -> None:
        """Call `listener(event)` for the events of a class (of `symbols`)."""
        ...

    def listen_rows(self, inbox: Inbox, symbols: Iterable[str]) -> None:
        """Put into an inbox what its feed shows of the events of `symbols`."""
        ...

    def pump(self, timeout_s: float) -> bool:
        """Hand out what comes within `timeout_s` seconds, up to the first bar that a feed takes; return False if nothing came."""
        ...

    def drain(self) -> None:
        """Hand out everything that is there."""
        ...

    def end_round(self) -> None:
        """Note that every feed of the run was asked in this round, and that its broker takes in what came."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


class _Listeners:
    """Who wants which events."""

    def __init__(self) -> None:
        self._by_type: dict[type[Any], list[Listener]] = {}

    def add(self, event_type: type[Any], listener: Listener) -> None:
        self._by_type.setdefault(event_type, []).append(listener)

    def clear(self) -> None:
        self._by_type.clear()

    def hand_out(self, event: Any) -> bool:
        wanted = False
        for listener in self._by_type.get(type(event), ()):
            wanted |= bool(listener(event))
        return wanted


class BusStream:
    """A shared reader that begins at the head of the bus when it is made. One thread; whoever made it closes it.

    Live it reads event by event. Once it is behind it reads ahead: a run of records of one class as columns, which costs a tenth; a feed
    that is the only one then gets its part of the run at once.

    Invariant: an event is handed out once, in lane order, before any later one is.
    """

    def __init__(self, bus: EventBus) -> None:
        self.bus = bus
        self._reader = bus.reader(start="end", wait="adaptive")
        self._reader.block()
        self._listeners = _Listeners()
        self._inboxes: list[Inbox] = []
        self._ahead: deque[_Ahead] = deque()  # read, but not handed out yet
        self._singly = 0  # so many events are read one by one before reading ahead is tried again
        self.start_id = market_id(self._reader.cursor.market)

    @property
    def read_id(self) -> int:
        """The id of the market lane's next event that has not been read."""
        return market_id(self._reader.cursor.market)

    def listen(self, event_type: type[Event], listener: Listener, symbols: Iterable[str] | None = None) -> None:
        """Call `listener(event)` for the events of a class (of `symbols`) from `read_id` on; filled-in history is left out.

        The listener returns True if a feed now has a bar to deliver, so that `pump` pauses there.
        """
        self._reader.add_rule((event_type,), symbols, None, False)
        self._listeners.add(event_type, listener)

    def listen_rows(self, inbox: Inbox, symbols: Iterable[str]) -> None:
        """Put into an inbox what its feed shows of the events of `symbols`, from `read_id` on."""
        names = list(symbols)
        for event_type in inbox.classes:
            self.listen(event_type, inbox.take, names)
        self._inboxes.append(inbox)

    def end_round(self) -> None:
        """Go on: what comes is handed out whoever asks."""

    def close(self) -> None:
        """Give the reader back."""
        self._reader.close()

    def pump(self, timeout_s: float) -> bool:
        """Wait up to `timeout_s` seconds for an event and hand out what is there, up to the first bar that a feed takes.

        Returns:
            False if nothing at all came.
        """
        came = bool(self._ahead)
        if came and self._hand_out_ahead():
            return True
        event = self._reader.read(0.0 if came else timeout_s)
        while event is not None:
            came = True
            if self._listeners.hand_out(event):
                self._look_ahead(type(event))
                return True
            event = self._reader.read(0.0)
        return came

    def drain(self) -> None:
        """Hand out everything up to the head."""
        while self.pump(0.0):
            pass

    def _hand_out_ahead(self) -> bool:
        while self._ahead:
            thing = self._ahead.popleft()
            if isinstance(thing, tuple):
                thing[0].give(thing[1])
                return True
            if isinstance(thing, list):
                for inbox, row in thing:
                    inbox.give_one(row)
                return True
            if self._listeners.hand_out(thing):
                return True
        return False

    # Where ticks and trades (or bars and fills) alternate, runs are short and columns dearer than events: these are read for a while.
    def _look_ahead(self, event_type: type[Event]) -> None:
        if self._singly:
            self._singly -= 1
            return
        inboxes = [inbox for inbox in self._inboxes if event_type in inbox.classes]
        if not inboxes or self._reader.lag_in(Lane.MARKET) < BEHIND:
            return
        rows, stopper = self._reader.read_run(event_type, MOST_AHEAD)  # type: ignore[arg-type]  # feeds take records only
        if len(rows) < SHORT_RUN:
            self._singly = SINGLE_EVENTS
        if len(rows):
            self._keep_rows(inboxes, rows)
        if stopper is not None:
            self._ahead.append(stopper)

    # Several feeds get theirs row by row, and each asks in its turn, as with single events.
    def _keep_rows(self, inboxes: list[Inbox], rows: NDArray[Any]) -> None:
        found = [(inbox, *inbox.take_rows(rows, self.bus.instruments.name)) for inbox in inboxes]
        if len(self._inboxes) == 1:
            self._ahead.extend((inbox, shown) for inbox, places, shown in found if len(places))
            return
        each = [zip(places.tolist(), rows_of(shown), strict=True) for _, places, shown in found]
        turns = [(at, number, row) for number, pairs in enumerate(each) for at, row in pairs]
        turns.sort(key=itemgetter(0, 1))
        for _, group in groupby(turns, key=itemgetter(0)):
            self._ahead.append([(found[number][0], row) for _, number, row in group])


class QueueStream:
    """A stream whose events another thread brings: the StrategyManager's, which has read, filtered and aggregated them already.

    `push` may be called from any thread; everything else belongs to the thread of the run.
    """

    def __init__(self, moment: tuple[int, int] = (0, 0)) -> None:
        self._queue: SimpleQueue[tuple[Any, tuple[int, int]] | None] = SimpleQueue()
        self._listeners = _Listeners()
        self.moment = moment  # of the event that was handed out last: its host's time, and the id of what it follows from
        self._asked_ns = time.monotonic_ns()

    @property
    def silent_s(self) -> float:
        """For how many seconds the run has not asked for events: it asks all the time, unless it is busy. From any thread."""
        return (time.monotonic_ns() - self._asked_ns) / 1e9

    @property
    def empty(self) -> bool:
        """Whether everything that was pushed has been handed out. From any thread."""
        return self._queue.empty()

    def push(self, event: Any, moment: tuple[int, int] | None = None) -> None:
        """Bring an event; `moment` is the time at its host, and the event id that an answer to it follows from."""
        self._queue.put((event, moment or (0, 0)))

    def wake(self) -> None:
        """End a `pump` that waits."""
        self._queue.put(None)

    def settle(self, alive: Callable[[], bool], timeout_s: float) -> None:
        """Wait until the run has dealt with everything that was pushed (it then asks again), has ended, or the time is over.

        From the thread that pushes, where the market waits for the strategies: what the run answers is on the bus afterwards.
        """
        deadline = time.monotonic() + timeout_s
        while not self._queue.empty() and alive() and time.monotonic() < deadline:
            time.sleep(SETTLE_LOOK_S)
        for _ in range(2):  # the first time it asks it may have had events of before
            asked_ns = self._asked_ns
            self.wake()
            while self._asked_ns == asked_ns and alive() and time.monotonic() < deadline:
                time.sleep(SETTLE_LOOK_S)

    def listen(self, event_type: type[Any], listener: Listener, symbols: Iterable[str] | None = None) -> None:
        """Call `listener(event)` for the events of a class; whoever pushes has chosen the symbols."""
        self._listeners.add(event_type, listener)

    def listen_rows(self, inbox: Inbox, symbols: Iterable[str]) -> None:
        """Put into an inbox what its feed shows of the events of its classes."""
        for event_type in inbox.classes:
            self.listen(event_type, inbox.take)

    def end_round(self) -> None:
        """Go on: what comes is handed out whoever asks."""

    def close(self) -> None:
        """Forget the listeners."""
        self._listeners.clear()

    def pump(self, timeout_s: float) -> bool:
        """Wait up to `timeout_s` seconds for an event and hand out what is there, up to the first bar that a feed takes."""
        self.note_asked()
        try:
            item = self._queue.get(timeout=timeout_s) if timeout_s > 0 else self._queue.get_nowait()
            while item is None or not self.hand_out(*item):
                item = self._queue.get_nowait()
        except Empty:
            return False
        return True

    def hand_out(self, event: Any, moment: tuple[int, int]) -> bool:
        """Give an event to whom it concerns; return whether a feed now has a bar to deliver."""
        self.moment = moment
        return self._listeners.hand_out(event)

    def note_asked(self) -> None:
        """Note that the run asks for events: it does not hang."""
        self._asked_ns = time.monotonic_ns()

    def drain(self) -> None:
        """Hand out everything that was pushed."""
        while self.pump(0.0):
            pass
