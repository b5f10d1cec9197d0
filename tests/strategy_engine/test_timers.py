"""The timers of strategies, as they are due and as a recorded session had them."""

from __future__ import annotations

import pytest

from gcg_quant.events import TimerEvent
from gcg_quant.strategy_engine.strategy.timers import Timers


def event(at_ns: int, name: str = "beat") -> TimerEvent:
    """Return a recorded timer event."""
    return TimerEvent(component="one", name=name, event_ns=at_ns)


def test_recorded_timer_fits_on_time_and_late_by_whole_intervals() -> None:
    """A repeated timer goes on from the recorded event; one in between is not its own."""
    timers = Timers()
    timers.set("one", "beat", 0, 100, True)
    assert [timers.take(event(at)) for at in (100, 200, 500)] == [True, True, True]
    assert timers.due_ns == 600
    assert not timers.take(event(650))


def test_recorded_timer_of_once_is_forgotten_when_it_is_done() -> None:
    """A timer that is not repeated is due once; what was published before it was set anew leaves it as it is."""
    timers = Timers()
    timers.set("one", "beat", 50, 100, False)
    assert timers.take(event(120)), "it belongs to the setting before"
    timers.done(event(120))
    assert timers.knows("one", "beat")
    assert timers.take(event(150))
    timers.done(event(150))
    assert not timers.knows("one", "beat")


@pytest.mark.parametrize("name", ["other", "beat"])
def test_recorded_timer_that_nobody_has_set_is_nobodys(name: str) -> None:
    """It may have been cancelled between its publishing and its handling."""
    timers = Timers()
    assert timers.take(event(1, name))
