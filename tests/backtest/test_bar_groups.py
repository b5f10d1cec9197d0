"""Bars of several symbols are brought together by the journal's time, the same way whenever they are looked at."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.backtest.hosting.bar_groups import PATIENCE_NS, BarGroups
from gcg_quant.events import Bar, OrderEvent

MS = 1_000_000


def bar(symbol: str, end: int) -> Bar:
    """Return a bar of a symbol that ends at a second."""
    return Bar(symbol=symbol, venue="SIM", period="1s", start_ns=(end - 1) * 10**9, end_ns=end * 10**9, close=1.0)


def shown(items: list) -> list:
    """Return what was handed on, in words."""
    return ["".join(one.symbol for one in item) if isinstance(item, list) else type(item).__name__ for item, _ in items]


def test_bars_with_one_end_are_brought_together() -> None:
    """The first waits for the others; the group has the moment of the last."""
    groups = BarGroups(2)
    assert groups.take(bar("A", 1), (0, 11)) == []
    (only,) = groups.take(bar("B", 1), (5, 12))
    assert ([one.symbol for one in only[0]], only[1]) == (["A", "B"], (5, 12))
    assert not groups


def test_one_symbol_never_waits() -> None:
    """Each bar is handed on at once, alone."""
    one = bar("A", 1)
    assert BarGroups(1).take(one, (0, 1)) == [(one, (0, 1))]


def test_bar_of_a_later_end_or_too_late_sends_off_the_one_that_waited() -> None:
    """A missing bar is waited for half a second, and not longer than until the next one of the symbol."""
    groups = BarGroups(2)
    groups.take(bar("A", 1), (0, 1))
    assert shown(groups.take(bar("A", 2), (3, 2))) == ["A"]
    assert groups.due(3 + PATIENCE_NS - 1) == []
    assert shown(groups.due(3 + PATIENCE_NS)) == ["A"]
    groups.take(bar("A", 3), (0, 3))
    assert shown(groups.take(bar("B", 3), (PATIENCE_NS, 4))) == ["A"]
    assert shown(groups.release()) == ["B"]


def test_other_events_go_before_bars_that_wait() -> None:
    """What becomes of orders is not held back."""
    groups = BarGroups(2)
    groups.take(bar("A", 1), (0, 1))
    assert shown(groups.take(OrderEvent(client_id="x"), (1, 2))) == ["OrderEvent"]
    assert shown(groups.take(bar("B", 1), (2, 3))) == ["AB"]


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(1, 4), st.integers(0, 900)), max_size=30), st.data())
def test_looking_in_between_changes_nothing(rows: list[tuple[str, int, int]], data: st.DataObject) -> None:
    """The groups and their order are the same, however often somebody asks what is due."""
    now, plain, asked = 0, BarGroups(3), BarGroups(3)
    plainly: list = []
    often: list = []
    for number, (symbol, end, wait_ms) in enumerate(rows):
        for step in data.draw(st.lists(st.integers(0, wait_ms), max_size=2)):
            often += asked.due(now + step * MS)
        now += wait_ms * MS
        plainly += plain.take(bar(symbol, end), (now, number))
        often += asked.take(bar(symbol, end), (now, number))
    assert shown(plainly + plain.release()) == shown(often + asked.release())
    assert sum(len(item) for item, _ in plainly) <= len(rows)
