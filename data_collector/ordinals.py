"""Ordinals: records of one series with equal event times are told apart by 0, 1, 2 ... in the order in which they came."""

from __future__ import annotations

import numpy as np

from .zones import Int64Array

__all__ = ["Ordinals"]


class Ordinals:
    """Counts equal times per series (an instrument, or an instrument and a bar basis) across chunks.

    With `sorted_times` the times of a series never go back, and only its newest one is remembered; otherwise all are.
    """

    def __init__(self, *, sorted_times: bool = True) -> None:
        self._sorted = sorted_times
        self._counts: dict[int, dict[int, int]] = {}

    def number(self, series: Int64Array, times: Int64Array) -> Int64Array:
        """Return the ordinal of each record, given its series and event time."""
        if len(times) == 0:
            return np.zeros(0, np.int64)
        order = np.lexsort((times, series))
        series, times = series[order], times[order]
        new_series = np.concatenate(([True], series[1:] != series[:-1]))
        starts = np.flatnonzero(new_series | np.concatenate(([True], times[1:] != times[:-1])))
        lengths = np.diff(np.append(starts, len(times)))
        ordinals = np.arange(len(times)) - np.repeat(starts, lengths)
        firsts = np.flatnonzero(new_series[starts])
        lasts = np.append(firsts[1:], len(starts)) - 1
        touched = np.union1d(firsts, lasts) if self._sorted else np.arange(len(starts))
        for group in touched.tolist():
            start, length = int(starts[group]), int(lengths[group])
            before = self._count(int(series[start]), int(times[start]), length)
            ordinals[start : start + length] += before
        numbered = np.empty(len(times), np.int64)
        numbered[order] = ordinals
        return numbered

    def save(self) -> list[tuple[int, int, int]]:
        """Return what it remembers: (series, time, count)."""
        return [(series, time, count) for series, counts in self._counts.items() for time, count in counts.items()]

    def restore(self, remembered: list[tuple[int, int, int]]) -> None:
        """Go on from what `save` has returned; nothing was numbered yet."""
        for series, time, count in remembered:
            self._counts.setdefault(series, {})[time] = count

    def _count(self, series: int, time: int, length: int) -> int:
        # Return how many of this time came before, and remember these.
        counts = self._counts.setdefault(series, {})
        before = counts.get(time, 0)
        if self._sorted:
            counts.clear()
        counts[time] = before + length
        return before
