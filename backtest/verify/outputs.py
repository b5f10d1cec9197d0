"""What the strategies of a manager published in one of its lives, strategy by strategy."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from gcg_quant.events import (
    AlertEvent,
    CancelRequest,
    Event,
    Lane,
    LogEvent,
    ModifyRequest,
    OrderRequest,
    SignalEvent,
    StrategyStatusEvent,
)

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.reader import BusReader

    from .lives import Life

__all__ = ["Outputs", "owner_of"]

_SEQ = (1 << 60) - 1
_TYPES: dict[Lane, tuple[type[Event], ...]] = {
    Lane.CONTROL: (StrategyStatusEvent,),
    Lane.MARKET: (OrderRequest, CancelRequest, ModifyRequest, SignalEvent),
    Lane.LOG: (LogEvent, AlertEvent),
}


def owner_of(event: Event) -> tuple[str, Lane] | None:
    """Return the strategy that an event belongs to, and its lane, or None if it is no strategy's output."""
    if isinstance(event, LogEvent | AlertEvent):
        return event.component, Lane.LOG
    if isinstance(event, StrategyStatusEvent):
        return event.strategy, Lane.CONTROL
    if isinstance(event, OrderRequest | CancelRequest | ModifyRequest | SignalEvent):
        return event.strategy, Lane.MARKET
    return None


class Outputs:
    """The recorded outputs of a life, read as they are asked for; from any thread."""

    def __init__(self, bus: EventBus, life: Life) -> None:
        began = life.beginning
        at = {Lane.CONTROL: began.control, Lane.MARKET: began.market, Lane.LOG: began.log}
        self._end = {Lane.CONTROL: life.end.control, Lane.MARKET: life.end.market, Lane.LOG: life.end.log}
        self._queues: defaultdict[tuple[str, Lane], deque[Event]] = defaultdict(deque)
        self._lock = threading.Lock()
        self._readers: dict[Lane, BusReader] = {}
        for lane, types in _TYPES.items():
            reader = bus.reader(start="begin", events=types, sources=[life.component])
            here = reader.cursor
            name = lane.name.lower()
            reader.seek(msgspec.structs.replace(here, **{name: max(at[lane], getattr(here, name))}))
            self._readers[lane] = reader

    def take(self, strategy: str, lane: Lane) -> Event | None:
        """Return a strategy's next recorded output in a lane, or None if there is no other."""
        with self._lock:
            queue = self._queue(strategy, lane)
            return queue.popleft() if queue else None

    def next_status(self, strategy: str) -> StrategyStatusEvent | None:
        """Return the next recorded state of a strategy in which it runs, without taking it."""
        with self._lock:
            while self._fill(Lane.CONTROL):
                pass
            for event in self._queues[strategy, Lane.CONTROL]:
                if isinstance(event, StrategyStatusEvent) and event.state == "running":
                    return event
        return None

    def left(self) -> Iterator[Event]:
        """Yield all that was not taken, strategy by strategy."""
        with self._lock:
            for lane in _TYPES:
                while self._fill(lane):
                    pass
            for queue in self._queues.values():
                yield from queue

    def close(self) -> None:
        """Read no more."""
        for reader in self._readers.values():
            reader.close()

    def _queue(self, strategy: str, lane: Lane) -> deque[Event]:
        queue = self._queues[strategy, lane]
        while not queue and self._fill(lane):
            pass
        return queue

    def _fill(self, lane: Lane) -> bool:
        events = self._readers[lane].read_many(1000)
        own = [event for event in events if event.id & _SEQ < self._end[lane]]
        for event in own:
            owner = owner_of(event)
            if owner is not None:
                self._queues[owner].append(event)
        return bool(events) and len(own) == len(events)
