"""The cursor: each tick is new once, however often and in what pieces a terminal tells it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.data_collector.fx.terminal import NEVER
from gcg_quant.data_collector.fx.tick_cursor import TICKS, TickCursor, tick_rows


@given(
    steps=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 2)), max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=10),
)
def test_each_tick_is_new_once(steps: list[tuple[int, int]], cuts: list[int]) -> None:
    """Also equal ticks of one millisecond, as many as there are, with an answer that begins at the newest known time."""
    rows = np.zeros(len(steps), TICKS)
    rows["time_msc"] = 1000 + np.cumsum([step for step, _ in steps]) if steps else []
    rows["bid"] = [price for _, price in steps]
    cursor = TickCursor(NEVER)
    found = []
    for cut in [*sorted(cuts), len(rows)]:
        part = rows[:cut]
        found.append(cursor.new(part[part["time_msc"] >= cursor.newest_ms]))
    assert b"".join(one.tobytes() for one in found) == rows.tobytes()


def test_a_tick_that_comes_late_among_its_equals_is_new() -> None:
    """The terminal may put it before others of its millisecond."""
    rows = np.zeros(3, TICKS)
    rows["time_msc"], rows["bid"] = 5, [1.0, 2.0, 3.0]
    cursor = TickCursor(NEVER)
    assert len(cursor.new(rows[[0, 2]])) == 2
    assert cursor.new(rows)["bid"].tolist() == [2.0]
    assert not len(cursor.new(rows))


def test_what_begins_is_known_and_what_is_rubbish_is_said() -> None:
    """A cursor that begins sends nothing of what is there; bytes that are no ticks are refused."""
    rows = np.zeros(2, TICKS)
    rows["time_msc"] = [5, 6]
    cursor = TickCursor(-1)
    cursor.begin(rows)
    assert not len(cursor.new(rows))
    with pytest.raises(ValueError, match="61 bytes are no ticks of 60 bytes each"):
        tick_rows(bytes(61))
