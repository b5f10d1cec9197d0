"""Damping: what is told, and when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.admin.monitoring.damping import Damper, Step


def steps(damper: Damper, looks: list[bool | None], repeat_s: float | None = None) -> list[tuple[int, Step]]:
    """Return (second, what is told) for one look a second."""
    told = [(second, damper.look(crossed, float(second), repeat_s)) for second, crossed in enumerate(looks)]
    return [one for one in told if one[1] is not Step.NOTHING]


def test_a_moment_raises_nothing() -> None:
    """A threshold that is crossed for less than the hold is not told."""
    assert steps(Damper(3, 3), [True, True, False, True, True, None, True, True]) == []


def test_what_lasts_is_told_once_and_ended_once() -> None:
    """It is raised after the hold, and over once all was well for the rest."""
    assert steps(Damper(3, 3), [True] * 8 + [False] * 8) == [(3, Step.RAISE), (11, Step.CLEAR)]


def test_near_the_threshold_it_is_not_over() -> None:
    """Within the band of the hysteresis an alert goes on, however long."""
    assert steps(Damper(0, 2), [True] + [None, False] * 10) == [(0, Step.RAISE)]


def test_it_is_told_again_at_its_pace() -> None:
    """While it lasts it is told every `repeat_s` seconds, and never without that."""
    assert steps(Damper(0, 2), [True] * 9, 4.0) == [(0, Step.RAISE), (4, Step.REPEAT), (8, Step.REPEAT)]
    assert steps(Damper(0, 2), [True] * 9) == [(0, Step.RAISE)]


def test_what_was_told_before_a_restart_is_not_raised_again() -> None:
    """It is told again only when that is due, or ended."""
    damper = Damper(0, 2)
    damper.resume(-3.0, 2)
    assert steps(damper, [True] * 6, 5.0) == [(2, Step.REPEAT)]
    assert damper.told == 3


@given(st.lists(st.sampled_from([True, False, None]), max_size=60), st.integers(0, 5), st.integers(0, 5))
def test_raised_and_cleared_take_turns(looks: list[bool | None], hold: int, rest: int) -> None:
    """Whatever is measured, no alert is raised twice without an end between, and none ends that was not raised."""
    told = [step for _, step in steps(Damper(hold, rest), looks, 3.0) if step is not Step.REPEAT]
    assert told == [Step.RAISE, Step.CLEAR] * (len(told) // 2) + [Step.RAISE] * (len(told) % 2)
