"""After a restart: a Backtrader class is run again over what its journal holds, mute, so that its Python state is what it was.

A class's state is what its calls have made of it, and its calls follow from its bars and executions alone. Both are on the journal, in
one order. So the new run begins where the old one began, with the same bars for its warm-up; it is brought the recorded bars, order
events and fills in the order of the journal; and the orders that it gives meanwhile are not sent but found among the recorded requests,
under whose names their recorded answers come. When the journal is used up the run speaks, with the next event of the market.

What is not on the journal cannot be had again: the machine's clock, random numbers without a seed, files. A run that gives another order
than the recorded one has diverged; it is given up, and the class begins anew.
"""

from __future__ import annotations

import hashlib
import inspect
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from gcg_quant.errors import StrategyError
from gcg_quant.events import AccountEvent, Bar, Event, Fill, OrderEvent, OrderRequest, RiskVerdict, from_array
from gcg_quant.periods import period_ns

from ..conversion.facts import place_of
from ..conversion.order_terms import terms_of
from ..conversion.parameters import ParameterChange, plain_parameters
from ..history.bars import PREFERENCE, BarArray
from ..history.made_bars import BarMaking, BarStart, bars_to_begin_with
from ..history.warmup import bars_before
from ..streaming.stream import QueueStream

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.history import History
    from gcg_quant.instruments import Instrument

    from ...strategy_engine.strategy.session import Session
    from ..routing.sender import OrderSender

__all__ = [
    "Recorded",
    "RecordedSender",
    "RecordedStream",
    "RunBegin",
    "RunDiverged",
    "RunRecord",
    "bars_again",
    "code_of",
    "extent_of",
    "read_recorded",
]

Moment = tuple[int, int]  # the host's time, and the id of the event that an answer follows from

_SEQ = (1 << 60) - 1
_QUANTITY_TOLERANCE = 1e-9


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run began, told with the strategy's state: what must be the same for it to be done again.

    Args:
        begin: the event id of the market lane from which on it was brought events.
        warmup: by instrument, how many bars it began with, and the starts of the first and the last of them.
        held: by instrument, the position it began with and its price.
        code: the SHA-256 of the strategy's file.
        parameters: those of the class, and ours, at the beginning.
        begin_ns: when it began, by its host's clock.
        seeds: by instrument, as `warmup`, the shorter bars of a bar that was not over then.
        changes: parameters that were changed while it ran, each with the id of the first event behind the change.
    """

    begin: int
    warmup: dict[str, tuple[int, int, int]]
    held: dict[str, tuple[float, float]]
    code: str
    parameters: dict[str, Any]
    begin_ns: int = 0
    seeds: dict[str, tuple[int, int, int]] = {}
    changes: list[tuple[int, dict[str, Any]]] = []

    def parameters_now(self) -> dict[str, Any]:
        """Return the parameters after all changes."""
        now = dict(self.parameters)
        for _, values in self.changes:
            now.update(values)
        return now

    def chosen_then(self, chosen: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that the class was made with, given those that are chosen now."""
        then = dict(chosen)
        for name in {name for _, values in self.changes for name in values}:
            then.pop(name, None)
            if self.parameters[name] != plain_parameters({name: defaults[name]})[name]:
                then[name] = self.parameters[name]
        return then


class RunDiverged(Exception):
    """A class that is run again gives another order than it gave before."""


class Recorded(msgspec.Struct, frozen=True):
    """What the journal holds of a run: what it was brought, each with its moment, and the requests that it made of it."""

    events: list[tuple[Event | ParameterChange, Moment]]
    requests: list[OrderRequest]


class RunBegin(NamedTuple):
    """What a run begins with; `recorded` is None for a new one."""

    record: RunRecord
    bars: dict[str, BarArray]
    making: BarMaking
    chosen: dict[str, Any]
    recorded: Recorded | None


def code_of(cls: type) -> str:
    """Return the SHA-256 of a class's file, "" if it has none."""
    try:
        return hashlib.sha256(Path(inspect.getfile(cls)).read_bytes()).hexdigest()
    except (OSError, TypeError):
        return ""


def extent_of(bars: BarArray) -> tuple[int, int, int]:
    """Return how many bars there are, and the starts of the first and the last (0 without any)."""
    return (len(bars), int(bars["start_ns"][0]), int(bars["start_ns"][-1])) if len(bars) else (0, 0, 0)


def bars_again(bus: EventBus, history: History | None, terms: Instrument, period: str, base: str, record: RunRecord) -> BarStart:
    """Return the bars that a recorded run began with, as far as they are still there."""
    count, first_ns, last_ns = record.warmup[terms.name]
    if not count and not record.seeds.get(terms.name, (0,))[0]:
        seen = bars_to_begin_with(bus, record.begin, history, terms, period, base, limit=1)
        return seen._replace(bars=seen.bars[:0])
    start = bars_to_begin_with(bus, record.begin, history, terms, period, base, start_ns=first_ns if count else None)
    bars = start.bars[start.bars["start_ns"] <= last_ns] if count else start.bars[:0]
    return start._replace(bars=bars)


def read_recorded(
    bus: EventBus,
    history: History | None,
    record: RunRecord,
    end_id: int,
    session: Session,
    terms: Sequence[Instrument],
    making: BarMaking,
) -> Recorded | None:
    """Return what was recorded of a run up to the event `end_id`, and behind it the bars that only the store has.

    None if the journal does not reach back to the run's beginning.
    """
    events: list[Event] = []
    requests: list[OrderRequest] = []
    with bus.reader(start="begin") as reader:
        if reader.cursor.market > record.begin & _SEQ:
            return None
        reader.add_rule((Bar,), [one.name for one in terms], None, False)
        reader.add_rule((OrderRequest, OrderEvent, Fill, RiskVerdict, AccountEvent), None, None, False)
        reader.seek_id(record.begin)
        for event in reader:
            if event.id >= end_id:
                break
            if isinstance(event, Bar):
                if event.period in making.periods and not event.revision:
                    events.append(event)
            elif isinstance(event, OrderRequest):
                if event.strategy == session.strategy_id:
                    requests.append(event)
            elif getattr(event, "account", "") == session.account:
                events.append(event)
    events = list(_of_one_basis(events))
    brought = _brought(events, record.changes, making)
    brought += _brought(_missed(events, bus, history, terms, making, end_id, record), [], making)
    return Recorded(brought, requests)


# What the run was brought: bars of its period, made of shorter ones as they were then, and between them the changes of its parameters.
def _brought(
    events: Sequence[Event], changes: Sequence[tuple[int, dict[str, Any]]], making: BarMaking
) -> list[tuple[Event | ParameterChange, Moment]]:
    brought: list[tuple[Event | ParameterChange, Moment]] = []
    left = deque(changes)
    for event in events:
        while left and event.id >= left[0][0]:
            brought.append((ParameterChange(left[0][1]), (event.time_ns, left.popleft()[0])))
        shown = making.take(event) if isinstance(event, Bar) else [event]
        brought += [(one, (event.time_ns, event.id)) for one in shown]
    return brought + [(ParameterChange(values), (0, at)) for at, values in left]


def _missed(
    events: Sequence[Event],
    bus: EventBus,
    history: History | None,
    terms: Sequence[Instrument],
    making: BarMaking,
    end_id: int,
    record: RunRecord,
) -> list[Bar]:
    missed: list[Bar] = []
    for one in terms:
        period = making.period_of(one.symbol, one.venue)
        seen = [
            event
            for event in events
            if isinstance(event, Bar) and (event.symbol, event.venue, event.period) == (one.symbol, one.venue, period)
        ]
        known_ns = record.warmup[one.name][2]
        if known_ns:
            known_ns += period_ns(making.periods[0]) - period_ns(period)  # where the last of the shorter ones began
        last_ns = max(known_ns, record.seeds.get(one.name, (0, 0, 0))[2], seen[-1].start_ns if seen else 0)
        if last_ns:
            basis = seen[-1].basis if seen else None
            rows = bars_before(bus, end_id, history, one.symbol, period, venue=one.venue, start_ns=last_ns + 1, basis=basis)
            missed += from_array(rows, one.symbol, one.venue)
    return sorted(missed, key=lambda bar: bar.end_ns)


# A symbol with bid and ask bars has those of its own basis in the manager: the first of last, mid, bid, ask.
def _of_one_basis(events: Sequence[Event]) -> Iterator[Event]:
    best: dict[tuple[str, str], int] = {}
    for event in events:
        if isinstance(event, Bar):
            place = event.symbol, event.venue
            best[place] = min(best.get(place, len(PREFERENCE)), PREFERENCE.index(event.basis))
    for event in events:
        if not isinstance(event, Bar) or PREFERENCE[best[event.symbol, event.venue]] == event.basis:
            yield event


class RecordedStream(QueueStream):
    """A stream that first hands out what was recorded, one bar at a time, and then what is pushed."""

    def __init__(self, recorded: Recorded, begin: int, moment: tuple[int, int]) -> None:
        super().__init__(moment)
        self.start_id = begin
        self._live_moment = moment
        self._recorded = deque(recorded.events)
        self._requests = recorded.requests
        self.used = 0  # of the recorded requests
        self.replaying = bool(recorded.events)

    def pump(self, timeout_s: float) -> bool:
        """Hand out the next recorded bar with what came before it; after the last one go on with what is pushed.

        Raises:
            RunDiverged: at the end, if recorded orders were not given again.
        """
        if not self.replaying:
            return super().pump(timeout_s)
        self.note_asked()
        while self._recorded:
            if self.hand_out(*self._recorded.popleft()):
                return True
        if self.used < len(self._requests):
            raise RunDiverged(f"it has not given {len(self._requests) - self.used} of its {len(self._requests)} recorded orders")
        self.moment = self._live_moment
        self.replaying = False
        return True

    def drain(self) -> None:
        """Hand out what was pushed; nothing while recorded events are left: a feed takes what it is given here for warm-up."""
        if not self.replaying:
            super().drain()


class RecordedSender:
    """Finds the orders of a run that is done again among its recorded requests; afterwards sends as `live` does."""

    def __init__(self, live: OrderSender, session: Session, stream: RecordedStream, recorded: Recorded) -> None:
        self.account = live.account
        self._live = live
        self._session = session
        self._stream = stream
        self._requests = deque(recorded.requests)

    def send(self, order: Any) -> tuple[str, int]:
        """Return the name of the recorded request that this order was, or send it if the journal is used up.

        Raises:
            RunDiverged: the recorded request is another one. StrategyError: none was recorded, since the process was down then.
        """
        if not self._stream.replaying:
            return self._live.send(order)
        if not self._requests:
            raise StrategyError("The order was given on a bar that came while the strategy's process was not running.")
        request = self._requests.popleft()
        self._stream.used += 1
        symbol, venue = place_of(order.data)
        terms = terms_of(order, self._session.instrument(f"{symbol}@{venue}" if venue else symbol))
        same = terms["side"] == request.side and abs(terms["quantity"] - request.quantity) < _QUANTITY_TOLERANCE
        if request.symbol != symbol or not same or terms["order_type"] != request.order_type:
            wanted = f"{terms['side'].name} {terms['quantity']:g} {symbol}"
            raise RunDiverged(f"it gives {wanted} where {request.side.name} {request.quantity:g} {request.symbol} was recorded")
        return request.client_id, request.id

    def cancel(self, client_id: str, request: int, order: Any) -> None:
        """Ask for a cancellation, unless it was asked for before."""
        if not self._stream.replaying:
            self._live.cancel(client_id, request, order)
