"""What the journal holds of a run: the bars it began with, what it was brought, and the requests that it made of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from gcg_quant.events import AccountEvent, Bar, Event, Fill, OrderEvent, OrderRequest, RiskVerdict, from_array
from gcg_quant.periods import period_ns

from ..conversion.parameters import ParameterChange
from ..history.bars import PREFERENCE
from ..history.made_bars import BarMaking, BarStart, bars_to_begin_with
from ..history.warmup import bars_before

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.history import History
    from gcg_quant.instruments import Instrument

    from ...strategy_engine.strategy.session import Session
    from .run_record import RunRecord

__all__ = ["Recorded", "bars_again", "read_recorded"]

Moment = tuple[int, int]  # the host's time, and the id of the event that an answer follows from

_SEQ = (1 << 60) - 1


class Recorded(msgspec.Struct, frozen=True):
    """What the journal holds of a run: what it was brought, each with its moment, and the requests that it made of it."""

    events: list[tuple[Event | ParameterChange, Moment]]
    requests: list[OrderRequest]


def bars_again(
    bus: EventBus, history: History | None, terms: Instrument, period: str, base: str, record: RunRecord, *, late: bool = False
) -> BarStart:
    """Return the bars that a recorded run began with, as far as they are still there.

    History that is filled in while a run begins may be in the store before the run's host has read it: `late` says that it was.
    """
    count, first_ns, last_ns = record.warmup[terms.name]
    if not count and not record.seeds.get(terms.name, (0,))[0]:
        seen = bars_to_begin_with(bus, record.begin, history, terms, period, base, limit=1)
        return seen._replace(bars=seen.bars[:0])
    start = bars_to_begin_with(bus, record.begin, history, terms, period, base, start_ns=first_ns if count else None, late=late)
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
