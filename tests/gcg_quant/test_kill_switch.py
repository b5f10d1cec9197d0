"""What the journal says of the kill switch."""

from __future__ import annotations

from pathlib import Path

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.errors import ComponentError
from gcg_quant.events import Applied, ConfigChangeEvent
from gcg_quant.kill_switch import KillSwitch, applied_changes, check_kill_file, kill_change, kill_file
from gcg_quant.packing import pack_state, unpack_state


def folded(bus: EventBus) -> KillSwitch:
    """Return the switch after all that is on the bus."""
    switch = KillSwitch()
    with bus.reader(start="begin", events=KillSwitch.EVENTS) as reader:
        for event in reader:
            switch.apply(event)
    return switch


def answer(bus: EventBus, control: int, detail: str, ok: bool = True) -> None:
    """Answer a request as an engine does."""
    bus.publish(Applied(control=control, component="trading-paper", ok=ok, detail=detail))


def test_what_an_engine_has_applied_counts(bus: EventBus) -> None:
    """A request alone changes nothing; its answer does, with who asked."""
    control = bus.publish(kill_change(True, "console"))
    assert not folded(bus).on
    answer(bus, control, '{"risk.kill_switch":true}')
    switch = folded(bus)
    assert (switch.on, switch.origin) == (True, "console")
    assert switch.since_ns > 0
    answer(bus, bus.publish(kill_change(False, "page")), '{"risk.kill_switch":false}')
    assert (folded(bus).on, folded(bus).origin) == (False, "page")


def test_refused_and_other_answers_change_nothing(bus: EventBus) -> None:
    """A refusal, another component's words and other limits are no news."""
    answer(bus, bus.publish(kill_change(True, "console")), "it cannot be", ok=False)
    answer(bus, bus.publish(kill_change(True, "console")), '{"risk.kill_switch":true}', ok=False)
    answer(bus, bus.publish(ConfigChangeEvent(revision=2, changes={"simulated.ticks_per_second": 5})), "5 ticks per second")
    answer(bus, 1, '{"risk.max_order_value":5}')
    answer(bus, 1, "{broken")
    assert not folded(bus).on


def test_run_begins_with_it_on_but_never_off(bus: EventBus) -> None:
    """The settings of a run's start can switch it on, not off."""
    bus.publish(ConfigChangeEvent(revision=1, changes={"risk.kill_switch": True}, origin="gcg_quant.toml"))
    assert folded(bus).on
    bus.publish(ConfigChangeEvent(revision=1, changes={"risk.kill_switch": False}))
    assert (folded(bus).on, folded(bus).origin) == (True, "gcg_quant.toml")


def test_since_is_the_time_of_the_change(bus: EventBus) -> None:
    """Being told again that it is on does not make it younger."""
    answer(bus, bus.publish(kill_change(True, "console")), '{"risk.kill_switch":true}')
    since = folded(bus).since_ns
    answer(bus, bus.publish(kill_change(True, "page")), '{"risk.kill_switch":true}')
    assert (folded(bus).since_ns, folded(bus).origin) == (since, "console")


def test_state_and_tail_are_the_whole(bus: EventBus) -> None:
    """Put down after any event and taken up again, it ends the same; unanswered requests are part of it."""
    controls = [bus.publish(kill_change(number % 2 == 0, f"origin {number}")) for number in range(40)]
    for control in controls[::3]:
        answer(bus, control, f'{{"risk.kill_switch":{"true" if controls.index(control) % 2 == 0 else "false"}}}')
    with bus.reader(start="begin", events=KillSwitch.EVENTS) as reader:
        events = list(reader)
    whole = folded(bus).dump()
    for cut in range(0, len(events), 3):
        first, second = KillSwitch(), KillSwitch()
        for event in events[:cut]:
            first.apply(event)
        second.load(unpack_state(pack_state(first.dump())))
        for event in events[cut:]:
            second.apply(event)
        assert second.dump() == whole


def test_only_risk_settings_of_an_answer_are_told(bus: EventBus) -> None:
    """An answer that is JSON of something else, or none, has no settings in it."""
    assert applied_changes(Applied(control=1, component="c", detail='{"risk.price_band":0.1,"other":1}')) == {"risk.price_band": 0.1}
    assert applied_changes(Applied(control=1, component="c", detail="[1]")) == {}


def test_file_keeps_it_on(tmp_path: Path) -> None:
    """With the file there the switch can go on, not off; the sentence names the file and what to do."""
    check_kill_file(tmp_path, on=False)
    kill_file(tmp_path).touch()
    check_kill_file(tmp_path, on=True)
    with pytest.raises(ComponentError, match=r"KILL keeps the kill switch on: remove it, then switch off\."):
        check_kill_file(tmp_path, on=False)
