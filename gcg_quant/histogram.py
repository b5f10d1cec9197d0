"""A histogram as Prometheus counts: how many values are at most so large, and their sum."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

__all__ = ["LATENCY_BOUNDS_S", "Histogram"]

LATENCY_BOUNDS_S = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip


class Histogram:
    """Counts values into buckets; a value on a bound belongs to the lower one. One thread at a time."""

    def __init__(self, bounds: Sequence[float] = LATENCY_BOUNDS_S) -> None:
        self.bounds = tuple(bounds)
        self.sum = 0.0
        self._counts = [0] * (len(self.bounds) + 1)

    @classmethod
    def of(cls, bounds: Sequence[float], counts: Sequence[int], total: float) -> Histogram:
        """Return what was counted elsewhere: how many values in each bucket (not added up; one more than bounds), and their sum."""
        made = cls(bounds)
        made._counts = [count for _, count in zip((*made.bounds, None), counts, strict=True)]
        made.sum = total
        return made

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self._counts)

    def observe(self, value: float) -> None:
        """Count a value; one below 0 (two clocks, or a step of one) counts as 0."""
        value = max(value, 0.0)
        self._counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """Return (upper bound, how many are at most that), the last bound "+Inf"."""
        total, rows = 0, []
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self._counts, strict=True):
            total += count
            rows.append((bound, float(total)))
        return rows
