"""State as bytes: plain values and whole events come back as they were."""

from __future__ import annotations

import math

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import AlertEvent, ColdEvent, Record, Side, StrategyStatusEvent, Tick, event_types
from gcg_quant.packing import STATE_ERRORS, pack_event, pack_state, unpack_state


@pytest.mark.parametrize("cls", list(event_types(Record)))
def test_record_comes_back_whole(bus: EventBus, cls: type[Record]) -> None:
    """Every record class keeps its fields, id, time, cause, source and instrument number."""
    bus.publish(cls(symbol="A", venue="X", event_ns=5), cause=7, source="somebody")
    with bus.reader(start="begin") as reader:
        (event,) = list(reader)
    again = unpack_state(pack_state([pack_event(event)]))[0]
    assert type(again) is cls
    assert again == event
    for name in ("id", "time_ns", "cause", "source", "flags", "instrument"):
        assert getattr(again, name) == getattr(event, name)
    assert again.cause == 7


def test_cold_event_comes_back_whole(bus: EventBus) -> None:
    """A cold event keeps its class and what the bus filled in."""
    bus.publish(StrategyStatusEvent(strategy="s", state="running", parameters={"n": 1.5}, symbols=["A"]), cause=3)
    with bus.reader(start="begin") as reader:
        (event,) = list(reader)
    assert isinstance(event, ColdEvent)
    again = unpack_state(pack_state({"status": pack_event(event)}))["status"]
    assert again == event
    assert again.id == event.id


def test_plain_values_come_back() -> None:
    """Floats keep their last bit and NaN, dictionaries their order and whole-number keys, enumerations their numbers."""
    state = unpack_state(pack_state({"b": 0.1 + 0.2, "a": (None, True, Side.SELL), "n": {7: "x", 3: b"y"}, "nan": math.nan}))
    assert list(state) == ["b", "a", "n", "nan"]
    assert state["b"] == 0.1 + 0.2
    assert state["a"] == [None, True, int(Side.SELL)]
    assert state["n"] == {7: "x", 3: b"y"}
    assert math.isnan(state["nan"])


@pytest.mark.parametrize("damage", [b"", b"\xc1", b"\x81\xa1", pack_state(pack_event(Tick(symbol="A")))[:-5]])
def test_damaged_state_is_one_of_the_state_errors(damage: bytes) -> None:
    """What cannot be read raises something that STATE_ERRORS names."""
    with pytest.raises(STATE_ERRORS):
        unpack_state(damage)


def test_event_of_an_unknown_type_is_refused() -> None:
    """A state with an event of a later version is not half read."""
    data = pack_state([pack_event(AlertEvent(level="info", component="c", name="n", message="m"))])
    assert unpack_state(data)[0].message == "m"
    with pytest.raises(LookupError):
        unpack_state(data.replace(bytes([AlertEvent.TYPE]), bytes([250]), 1))
