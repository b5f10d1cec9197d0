"""What is taken for hanging: a silent group, and a component that is busy for too long."""

from __future__ import annotations

import pytest

from gcg_quant.admin.running import heartbeats
from gcg_quant.admin.running.heartbeats import Heartbeats
from gcg_quant.events import MetricEvent


class SetClock:
    """A clock that stands until it is set."""

    now_s = 100.0

    def monotonic(self) -> float:
        """Return what it is set to."""
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Return the clock that `Heartbeats` looks at."""
    made = SetClock()
    monkeypatch.setattr(heartbeats, "time", made)
    return made


def metric(name: str, value: float, component: str = "grid") -> MetricEvent:
    """Return what the group "strategies" says of itself."""
    return MetricEvent(component=component, name=name, value=value, labels={"group": "strategies"})


def test_silent_group_hangs_until_it_speaks_again(clock: SetClock) -> None:
    """A group that was heard once hangs when nothing has come of it for longer than the limit; any metric ends that."""
    beats = Heartbeats(20.0)
    assert beats.hanging("strategies") == ""  # it may be starting
    beats.note(metric("lag", 0.0))
    clock.now_s += 20.0
    assert beats.hanging("strategies") == ""
    clock.now_s += 0.1
    assert beats.hanging("strategies") == "group strategies"
    assert beats.hanging("market") == ""
    beats.note(metric("lag", 0.0))
    assert beats.hanging("strategies") == ""


def test_busy_component_hangs_by_name(clock: SetClock) -> None:
    """The component whose one event takes longer than the limit is named; other values of it mean nothing."""
    beats = Heartbeats(20.0)
    beats.note(metric("lag", 1e6))
    beats.note(metric("busy_s", 20.0))
    assert beats.hanging("strategies") == ""
    beats.note(metric("busy_s", 21.0, component="manager"))
    assert beats.hanging("strategies") == "manager"
    beats.note(metric("busy_s", 0.0, component="manager"))
    assert beats.hanging("strategies") == ""


def test_forgotten_group_does_not_hang(clock: SetClock) -> None:
    """What a process said before it was started again does not count."""
    beats = Heartbeats(20.0)
    beats.note(metric("busy_s", 30.0))
    clock.now_s += 100.0
    beats.forget("strategies")
    assert beats.hanging("strategies") == ""
    beats.note(metric("lag", 0.0))
    assert beats.hanging("strategies") == ""
