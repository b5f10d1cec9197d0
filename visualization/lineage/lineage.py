"""The chain of events behind an order: tick, signal, request, risk verdict, order, fill, with times and delays.

Upwards it follows `cause`; from a request downwards the id that verdicts, commands, reports and fills carry (`request`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_MILLISECOND
from gcg_quant.errors import EventError, GcgQuantError
from gcg_quant.events import (
    Event,
    Fill,
    Lane,
    MarketDataEvent,
    OrderCommand,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    RiskVerdict,
    SignalEvent,
)

from .chain_step import facts_of, kind_of, text_of

__all__ = ["ChainStep", "chain", "event_id", "event_name"]

_SEQ = (1 << 60) - 1
_MOST_CAUSES = 16
_AHEAD = 2_000_000  # events of the market lane behind a request that are looked through for what became of it
_NEAR = 50_000  # ... and behind a signal, for the orders it led to
_MOST_STEPS = 40
_OF_ORDER = (RiskVerdict, OrderCommand, OrderEvent, Fill)
_DONE = {OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.FAILED}


class ChainStep(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a chain.

    `event` is its number: "1204871" in the market lane, "control-17" elsewhere. `since_ms` is the time since the step before, None for the
    first one and where that step is gone. `kind` is tick, bar, signal, request, risk, order, command, fill, gone, or the class's name.
    """

    kind: str
    event: str
    time_ns: int | None
    since_ms: float | None
    text: str
    facts: dict[str, Any]


def event_name(number: int) -> str:
    """Return an event's id as a text: "1204871" in the market lane, "control-17" elsewhere."""
    lane, seq = Lane(number >> 60), number & _SEQ
    return str(seq) if lane == Lane.MARKET else f"{lane.name.lower()}-{seq}"


def event_id(name: str) -> int:
    """Return the id that a text such as "1204871", "#1204871" or "control-17" means.

    Raises:
        EventError: it is none.
    """
    lane, _, seq = name.strip().lower().removeprefix("#").rpartition("-")
    known = {one.name.lower(): one for one in Lane}
    if (lane and lane not in known) or not seq.isdecimal() or not 0 < int(seq) <= _SEQ:
        raise EventError(f"{name!r} is no event; give its number in the market lane (1204871), or lane and number (control-17).", name=name)
    return int(known.get(lane, Lane.MARKET)) << 60 | int(seq)


def chain(bus: EventBus, number: int) -> list[ChainStep]:
    """Return the steps that led to an event and, for a signal, a request or an order, what became of it; the oldest first.

    An event that the journal no longer holds is a step of the kind "gone".

    Raises:
        EventError: the journal has not come to this event yet.
    """
    head = bus.head(Lane(number >> 60))
    if number & _SEQ >= head:
        raise EventError(f"There is no event {event_name(number)}: the lane's newest one is {head - 1}.", event=number)
    event = _read(bus, number)
    if event is None:
        return [_gone(number)]
    request_id = event.id if isinstance(event, OrderRequest) else int(getattr(event, "request", 0))
    if isinstance(event, SignalEvent):
        request_id = _request_behind(bus, event)
    request = _read(bus, request_id) if request_id and request_id != event.id else event
    found: dict[int, Event | None] = {event.id: event}
    if request_id:
        found[request_id] = request
        until = event.id if isinstance(event, Fill) else None
        found |= {one.id: one for one in _answers(bus, request_id, until)}
    found |= _causes(bus, request if request is not None else event)
    if isinstance(event, Fill):
        trigger = _read(bus, event.cause)
        if isinstance(trigger, MarketDataEvent) and trigger.symbol == event.symbol:
            found[trigger.id] = trigger
    if isinstance(request, OrderRequest) and not any(isinstance(one, SignalEvent) for one in found.values()):
        found |= {signal.id: signal for signal in _signals(bus, request)}
    return _steps(found)


def _steps(found: dict[int, Event | None]) -> list[ChainStep]:
    ordered = sorted(found.items(), key=lambda pair: (pair[1].time_ns if pair[1] is not None else -1, pair[0]))
    steps: list[ChainStep] = []
    before_ns: int | None = None
    for number, event in ordered:
        if event is None:
            steps.append(_gone(number))
            continue
        since = None if before_ns is None else (event.time_ns - before_ns) / NS_PER_MILLISECOND
        before_ns = event.time_ns
        facts = facts_of(event)
        steps.append(
            ChainStep(
                kind=kind_of(event),
                event=event_name(number),
                time_ns=event.time_ns,
                since_ms=since,
                text=text_of(event, facts),
                facts={**facts, "source": event.source},
            )
        )
    return steps if len(steps) <= _MOST_STEPS else [*steps[: _MOST_STEPS // 2], *steps[-_MOST_STEPS // 2 :]]


def _gone(number: int) -> ChainStep:
    text = f"Event {event_name(number)} is gone: the journal's old pages were removed."
    return ChainStep(kind="gone", event=event_name(number), time_ns=None, since_ms=None, text=text, facts={})


def _read(bus: EventBus, number: int) -> Event | None:
    # None: it is gone.
    if not number:
        return None
    with bus.reader(start="end") as reader:
        try:
            reader.seek_id(number)
        except GcgQuantError:
            return None
        found = next((event for event in reader if event.id >> 60 == number >> 60), None)
    return found if found is not None and found.id == number else None


def _between(bus: EventBus, first: int, last: int, kinds: tuple[type[Event], ...]) -> Iterator[Event]:
    # The events of these kinds of the market lane from id `first` to id `last`.
    with bus.reader(start="end", events=list(kinds)) as reader:
        try:
            reader.seek_id(first)
        except GcgQuantError:
            return
        for event in reader:
            if event.id >> 60 != int(Lane.MARKET):
                continue
            if event.id > last:
                return
            yield event


def _causes(bus: EventBus, event: Event) -> dict[int, Event | None]:
    # What led to an event, up to the market data that began it.
    found: dict[int, Event | None] = {}
    number = event.cause
    while number and number not in found and len(found) < _MOST_CAUSES:
        cause = _read(bus, number)
        found[number] = cause
        if cause is None or isinstance(cause, MarketDataEvent):
            break
        number = cause.cause
    return found


def _answers(bus: EventBus, request: int, until: int | None) -> Iterator[Event]:
    # Verdict, command, reports and fills of a request, up to event `until` or its end.
    for event in _between(bus, request, until or request + _AHEAD, _OF_ORDER):
        if getattr(event, "request", 0) != request:
            continue
        yield event
        if until is None and isinstance(event, OrderEvent) and event.status in _DONE:
            return


def _signals(bus: EventBus, request: OrderRequest) -> Iterator[Event]:
    # A strategy says its opinion and asks for the order while it handles one event: that is the cause of both.
    if not request.cause or request.cause >> 60 != int(Lane.MARKET):
        return
    for event in _between(bus, request.cause, request.id, (SignalEvent,)):
        if isinstance(event, SignalEvent) and event.cause == request.cause and event.strategy == request.strategy:
            yield event


def _request_behind(bus: EventBus, signal: SignalEvent) -> int:
    for event in _between(bus, signal.id, signal.id + _NEAR, (OrderRequest,)):
        same = isinstance(event, OrderRequest) and event.strategy == signal.strategy and event.symbol == signal.symbol
        if same and event.cause in (signal.cause, signal.id):
            return event.id
    return 0
