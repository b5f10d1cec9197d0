"""Ordinals across chunks."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant.data_collector.ordinals import Ordinals

_ROWS = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 4)), max_size=40)


def _number(chunks: list[list[tuple[int, int]]], *, sorted_times: bool) -> list[int]:
    ordinals = Ordinals(sorted_times=sorted_times)
    found: list[int] = []
    for chunk in chunks:
        pairs = np.array(chunk, np.int64).reshape(-1, 2)
        found += ordinals.number(pairs[:, 0], pairs[:, 1]).tolist()
    return found


def _expected(rows: list[tuple[int, int]]) -> list[int]:
    seen: Counter[tuple[int, int]] = Counter()
    found = []
    for row in rows:
        found.append(seen[row])
        seen[row] += 1
    return found


@settings(deadline=None)
@given(_ROWS, st.integers(1, 7))
def test_unsorted_times_are_counted_over_all_chunks(rows: list[tuple[int, int]], size: int) -> None:
    """Equal times of one series get 0, 1, 2 ... in the order of the file, however it is cut."""
    chunks = [rows[first : first + size] for first in range(0, len(rows), size)]
    assert _number(chunks, sorted_times=False) == _expected(rows)


@settings(deadline=None)
@given(_ROWS, st.integers(1, 7))
def test_sorted_times_need_only_the_newest(rows: list[tuple[int, int]], size: int) -> None:
    """With times in order, remembering the newest of each series is enough."""
    rows = sorted(rows, key=lambda row: row[1])
    chunks = [rows[first : first + size] for first in range(0, len(rows), size)]
    assert _number(chunks, sorted_times=True) == _expected(rows)
