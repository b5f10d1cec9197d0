"""Stretches of time, from a beginning to an end in nanoseconds: put together, and cut out of one another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

__all__ = ["Stretch", "joined", "without"]

Stretch: TypeAlias = tuple[int, int]


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Return the same time in as few stretches as can be, sorted."""
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def without(whole: Stretch, cut: list[Stretch]) -> list[Stretch]:
    """Return what is left of a stretch without others (as `joined` returns them)."""
    left = []
    begin, over = whole
    for start, end in cut:
        if end <= begin or start >= over:
            continue
        if start > begin:
            left.append((begin, start))
        begin = max(begin, end)
    if begin < over:
        left.append((begin, over))
    return left
