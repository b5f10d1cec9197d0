"""Stretches of time."""

from __future__ import annotations

from gcg_quant.stretches import joined, without


def test_stretches_are_joined_and_cut() -> None:
    """Touching ones become one; what is cut out leaves the rest."""
    assert joined([(5, 7), (0, 2), (2, 3), (6, 9)]) == [(0, 3), (5, 9)]
    assert without((0, 10), [(-3, 1), (3, 4), (9, 12)]) == [(1, 3), (4, 9)]
    assert without((0, 10), [(0, 10)]) == []
    assert without((0, 10), []) == [(0, 10)]
