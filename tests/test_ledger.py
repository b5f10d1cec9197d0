"""The ledger of the soak tests finds what it is to find."""

from __future__ import annotations

import pytest
from ledger import CAME, FILLED, PASSED, TOLD, Ledger

from gcg_quant.events import GapEvent, TradeTick


def trade(number: int, ordinal: int = 0, at: int | None = None) -> TradeTick:
    """Return a trade of symbol A."""
    return TradeTick(symbol="A", venue="V", event_ns=10 * number if at is None else at, price=1.0, size=1.0, ordinal=ordinal)


def gap(kind: str, start_ns: int, end_ns: int, detail: str = "trade") -> GapEvent:
    """Return a gap of symbol A."""
    return GapEvent(symbol="A", venue="V", kind=kind, start_ns=start_ns, end_ns=end_ns, detail=detail)


def ledger(count: int = 8, **options: int) -> Ledger:
    """Return a ledger of so many trades that were sent, each 10 ns."""
    made = Ledger("trade", **options)
    for number in range(count):
        assert made.send("A", 10 * number) == number
    return made


def come(made: Ledger, *numbers: int, backfill: bool = False) -> None:
    """Let trades come."""
    for number in numbers:
        made.take(number, trade(number), backfill=backfill)


def test_what_nobody_tells_of_is_silent() -> None:
    """From the first that came to the last; a gap explains it, and what is filled in is there."""
    made = ledger()
    come(made, 1, 2, 5)
    assert made.silent() == [("A", 3), ("A", 4)]
    made.tell(gap("disconnect", 20, 50))
    assert made.silent() == []
    assert (made.count(CAME), made.count(TOLD), made.gaps) == (3, 2, 1)
    come(made, 3, 4, backfill=True)
    made.tell(gap("refilled", 20, 50))
    assert (made.count(FILLED), made.count(TOLD)) == (2, 0)
    come(made, 7)
    assert made.silent() == [("A", 6)]


def test_a_gap_that_is_not_filled_in_as_it_says_is_found() -> None:
    """Of other rows it says nothing about these."""
    made = ledger()
    come(made, 1, 5)
    made.tell(gap("disconnect", 10, 50))
    made.tell(gap("refilled", 10, 50, "tick"))
    with pytest.raises(AssertionError, match="A 2 is said to be filled in"):
        made.tell(gap("refilled", 10, 50))


def test_nothing_may_come_twice_late_or_in_anothers_place() -> None:
    """The same row again as BACKFILL, in its place, is no second one."""
    made = ledger()
    come(made, 1, 2)
    come(made, 2, backfill=True)
    for number, event, backfill, says in (
        (2, trade(2), False, "A 2 came behind 2"),
        (2, trade(2, 1), True, "A 2 came as 0 and as 1"),
        (3, trade(3, at=31), False, "A 3 has the time 31 instead of 30"),
    ):
        with pytest.raises(AssertionError, match=says):
            made.take(number, event, backfill=backfill)
    made = Ledger()
    for _ in range(3):
        made.send("A", 0)
    made.take(0, trade(0), backfill=False)
    made.take(2, trade(0, 2), backfill=False)
    with pytest.raises(AssertionError, match="A 1 has the place of 2"):
        made.take(1, trade(0, 2), backfill=True)


def test_a_venue_that_shows_states_may_pass_some_over() -> None:
    """Between two that came within its rhythm."""
    made = ledger(rhythm_ns=30)
    come(made, 0, 3)
    assert made.silent() == []
    assert made.count(PASSED) == 2
    come(made, 7)
    assert made.silent() == [("A", 4), ("A", 5), ("A", 6)]
