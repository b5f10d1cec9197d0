"""How long to wait before trying again."""

import pytest

from gcg_quant.backoff import Backoff


def test_backoff_doubles_up_to_its_bound_and_begins_again() -> None:
    """Without jitter the waits are 1, 2, 4 ... and never above the bound."""
    backoff = Backoff(1.0, 10.0, jitter=0.0)
    assert [backoff.next_s() for _ in range(6)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    backoff.reset()
    assert backoff.next_s() == 1.0
    many = Backoff(1.0, 10.0, jitter=0.0)
    assert [many.next_s() for _ in range(3000)][-1] == 10.0


def test_backoff_jitter_is_seeded_and_only_shortens() -> None:
    """The same seed gives the same waits, another one others, all within the jitter."""
    first, again, other, whole = ([one.next_s() for _ in range(50)] for one in (Backoff(), Backoff(), Backoff(seed=2), Backoff(jitter=0.0)))
    assert first == again != other
    for wait_s, most_s in zip(first, whole, strict=True):
        assert 0.7 * most_s <= wait_s <= most_s


def test_backoff_refuses_what_makes_no_sense() -> None:
    """A wait of nothing would hammer the venue."""
    with pytest.raises(ValueError, match="0 < first_s <= most_s"):
        Backoff(0.0)


def test_the_longest_wait_is_the_bound_less_the_jitter() -> None:
    """Where an early attempt is of no use, the first wait is as long as the last."""
    assert Backoff(1.0, 10.0, jitter=0.0).longest_s() == 10.0
    assert 7.0 <= Backoff(1.0, 10.0).longest_s() <= 10.0
