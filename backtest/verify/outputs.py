"""What a component published in one of its lives, lane by lane, and that of a strategy manager strategy by strategy."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from gcg_quant.events import (
    AccountEvent,
    AlertEvent,
    Applied,
    CancelCommand,
    CancelRequest,
    Event,
    Fill,
    GatewayStatus,
    Lane,
    LogEvent,
    ModifyRequest,
    OrderCommand,
    OrderEvent,
    OrderRequest,
    PlotEvent,
    PositionEvent,
    RiskVerdict,
    SignalEvent,
    StrategyStatusEvent,
)

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.reader import BusReader

    from .lives import Life

__all__ = ["OF_STRATEGIES", "OF_TRADING", "OutputKind", "Outputs"]

_SEQ = (1 << 60) - 1


class OutputKind(NamedTuple):
    """Which events are outputs, by lane, and whose an event is: a strategy's, or the component's as a whole."""

    types: Mapping[Lane, tuple[type[Event], ...]]
    name_of: Callable[[Event, str], str]

    def owner(self, event: Event, component: str) -> tuple[str, Lane] | None:
        """Return whose output an event of a component is, and its lane; None if it is none."""
        for lane, types in self.types.items():
            if isinstance(event, types):
                return self.name_of(event, component), lane
        return None


def _strategy_of(event: Any, component: str) -> str:
    name: str = event.component if isinstance(event, LogEvent | AlertEvent) else event.strategy
    return name


OF_STRATEGIES = OutputKind(
    {
        Lane.CONTROL: (StrategyStatusEvent,),
        Lane.MARKET: (OrderRequest, CancelRequest, ModifyRequest, SignalEvent),
        Lane.LOG: (LogEvent, AlertEvent, PlotEvent),
    },
    _strategy_of,
)
OF_TRADING = OutputKind(
    {
        Lane.MARKET: (
            RiskVerdict,
            OrderEvent,
            OrderCommand,
            CancelCommand,
            Fill,
            PositionEvent,
            AccountEvent,
            GatewayStatus,
            Applied,
        ),
        Lane.LOG: (LogEvent, AlertEvent),
    },
    lambda event, component: component,
)


class Outputs:
    """The recorded outputs of a life, read as they are asked for; from any thread."""

    def __init__(self, bus: EventBus, life: Life[Any], kind: OutputKind) -> None:
        began = life.beginning
        self._kind, self._component = kind, life.component
        at = {Lane.CONTROL: began.control, Lane.MARKET: began.market, Lane.LOG: began.log}
        self._end = {Lane.CONTROL: life.end.control, Lane.MARKET: life.end.market, Lane.LOG: life.end.log}
        self._queues: defaultdict[tuple[str, Lane], deque[Event]] = defaultdict(deque)
        self._lock = threading.Lock()
        self._readers: dict[Lane, BusReader] = {}
        for lane, types in kind.types.items():
            reader = bus.reader(start="begin", events=types, sources=[life.component])
            here = reader.cursor
            name = lane.name.lower()
            reader.seek(msgspec.structs.replace(here, **{name: max(at[lane], getattr(here, name))}))
            self._readers[lane] = reader

    def take(self, name: str, lane: Lane) -> Event | None:
        """Return the next recorded output of a name in a lane, or None if there is no other."""
        with self._lock:
            queue = self._queue(name, lane)
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

    def next(self, name: str, lane: Lane) -> Event | None:
        """Return what `take` will return, without taking it."""
        with self._lock:
            queue = self._queue(name, lane)
            return queue[0] if queue else None

    def left(self) -> Iterator[Event]:
        """Yield all that was not taken, name by name."""
        with self._lock:
            for lane in self._kind.types:
                while self._fill(lane):
                    pass
            for queue in self._queues.values():
                yield from queue

    def close(self) -> None:
        """Read no more."""
        for reader in self._readers.values():
            reader.close()

    def _queue(self, name: str, lane: Lane) -> deque[Event]:
        queue = self._queues[name, lane]
        while not queue and self._fill(lane):
            pass
        return queue

    def _fill(self, lane: Lane) -> bool:
        events = self._readers[lane].read_many(1000)
        own = [event for event in events if event.id & _SEQ < self._end[lane]]
        for event in own:
            owner = self._kind.owner(event, self._component)
            if owner is not None:
                self._queues[owner].append(event)
        return bool(events) and len(own) == len(events)
