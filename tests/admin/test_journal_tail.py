"""The newest events of a bus: the same as reading all of it would give, without reading all of it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue, TypeAdapter

from gcg_quant.admin.reports.journal_tail import as_json, newest
from gcg_quant.bus import BusReader, Cursor, EventBus
from gcg_quant.errors import EventError
from gcg_quant.events import Lane, LogEvent, MetricEvent, SignalEvent, SystemEvent, Tick


@pytest.fixture
def mixed(bus: EventBus) -> EventBus:
    """Return a bus with 6,000 ticks of three symbols, and a few rare events among them."""
    bus.publish(SystemEvent(action="start"))
    for number in range(6000):
        bus.publish(Tick(symbol="ABC"[number % 3], venue="SIM", event_ns=number), source=f"feed-{number % 2}")
        if number % 500 == 0:
            bus.publish(LogEvent(level="info", component="x", message=str(number)))
        if number == 100:
            bus.publish(SignalEvent(symbol="B", venue="SIM", strategy="s", name="cross", event_ns=number))
    return bus


@pytest.mark.parametrize("lines", [1, 20, 700, 100_000])
@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"types": ["Tick"], "symbols": ["B"]},
        {"types": ["SignalEvent"]},
        {"sources": ["feed-1"]},
        {"types": ["LogEvent", "SystemEvent"]},
        {"symbols": ["nobody"], "types": ["Tick"]},
    ],
)
def test_tail_is_the_end_of_the_whole(mixed: EventBus, filters: dict[str, Any], lines: int) -> None:
    """Whatever the filter, the last events are those that a reader of everything finds last."""
    names = {"Tick": Tick, "SignalEvent": SignalEvent, "LogEvent": LogEvent, "SystemEvent": SystemEvent}
    events = [names[name] for name in filters["types"]] if "types" in filters else None
    reader = mixed.reader(start="begin", events=events, symbols=filters.get("symbols"), sources=filters.get("sources"))
    whole = sorted(reader, key=lambda event: (event.time_ns, event.id))
    assert [event.id for event in newest(mixed, lines, **filters)] == [event.id for event in whole[-lines:]]


def test_tail_looks_at_the_end_only(mixed: EventBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """For common filters the journal's length does not matter: only the last few hundred events are read."""
    sought: list[Cursor] = []
    seek = BusReader.seek

    def seek_and_note(reader: BusReader, cursor: Cursor) -> None:
        sought.append(cursor)
        seek(reader, cursor)

    monkeypatch.setattr(BusReader, "seek", seek_and_note)
    head = mixed.head(Lane.MARKET)
    assert len(newest(mixed, 20)) == 20
    assert len(newest(mixed, 20, types=["Tick"], symbols=["C"])) == 20
    assert min(cursor.market for cursor in sought) >= head - 256


def test_tail_of_nothing(bus: EventBus, tmp_path: Path) -> None:
    """An empty bus and no lines are no errors; an unknown class is named."""
    assert newest(bus, 20) == []
    bus.publish(Tick(symbol="A", venue="SIM"))
    assert newest(bus, 0) == []
    with pytest.raises(EventError, match="Did you mean 'Tick'"):
        newest(bus, 1, types=["Tik"])


def test_events_are_plain_json() -> None:
    """Tuples, absent numbers and enumerations of any event come as what the REST answer may hold."""
    answer = TypeAdapter(dict[str, JsonValue])
    for event in (
        MetricEvent(component="recorder", name="mean_us", value=50.0, counts=(1, 2)),
        MetricEvent(component="recorder", name="mean_us", value=math.nan),
        Tick(symbol="A", venue="SIM", event_ns=1),
    ):
        found = as_json(event)
        assert answer.validate_python(found, strict=True) == found
        assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert as_json(MetricEvent(component="a", name="b", value=1.0, counts=(1, 2)))["counts"] == [1, 2]
