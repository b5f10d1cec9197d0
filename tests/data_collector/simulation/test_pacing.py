"""Simulated time against a clock."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant.data_collector.simulation.pacing import Pacer

_SECOND = 1_000_000_000


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_ns = 123_456_789

    def __call__(self) -> int:
        """Return its time."""
        return self.now_ns


def test_simulated_time_keeps_up_with_the_clock() -> None:
    """What has passed is due."""
    clock = Clock()
    pacer = Pacer(clock)
    assert pacer.due() == 0
    clock.now_ns += 5_000_000
    assert pacer.due() == 5_000_000
    assert pacer.lost_ns == 0


def test_short_stall_is_caught_up_wholly() -> None:
    """Under a second nothing is lost."""
    clock = Clock()
    pacer = Pacer(clock)
    clock.now_ns += _SECOND
    assert pacer.due() == _SECOND
    assert pacer.lost_ns == 0


def test_long_stall_is_caught_up_by_one_second() -> None:
    """After ten seconds one second's worth is due, and nine are lost for good."""
    clock = Clock()
    pacer = Pacer(clock)
    clock.now_ns += 10 * _SECOND
    assert pacer.due() == _SECOND
    assert pacer.lost_ns == 9 * _SECOND
    clock.now_ns += 1_000
    assert pacer.due() == _SECOND + 1_000


def test_waiting_time_is_what_the_clock_still_needs() -> None:
    """Nothing to wait for what is due already."""
    clock = Clock()
    pacer = Pacer(clock, ahead_ns=_SECOND)
    assert pacer.due() == _SECOND
    assert pacer.wait_s(_SECOND + 250_000_000) == 0.25
    assert pacer.wait_s(0) == 0


@settings(deadline=None)
@given(st.lists(st.integers(0, 5 * _SECOND), max_size=30))
def test_time_never_goes_back_and_never_leaps(steps: list[int]) -> None:
    """Whatever the stalls, simulated time is monotone, never leaps more than a second, and all time is granted or lost."""
    clock = Clock()
    pacer = Pacer(clock)
    before = 0
    for step in steps:
        clock.now_ns += step
        due = pacer.due()
        assert before <= due <= before + _SECOND
        before = due
    assert before + pacer.lost_ns == sum(steps)
