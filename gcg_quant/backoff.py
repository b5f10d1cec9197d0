"""How long to wait before one tries again what has failed."""

from __future__ import annotations

import random

__all__ = ["Backoff"]


class Backoff:
    """How long to wait before the next attempt: doubled with each one up to `most_s`, and cut by a random part of up to `jitter`.

    The random numbers are seeded: many parties with different seeds do not come back all at once, and a test knows what comes.
    """

    def __init__(self, first_s: float = 0.25, most_s: float = 30.0, *, jitter: float = 0.3, seed: int = 0) -> None:
        if not 0 < first_s <= most_s or not 0 <= jitter < 1:
            raise ValueError(f"Backoff needs 0 < first_s <= most_s and 0 <= jitter < 1, found {first_s}, {most_s}, {jitter}.")
        self._first_s = first_s
        self._most_s = most_s
        self._jitter = jitter
        self._chance = random.Random(seed)
        self._attempts = 0

    def next_s(self) -> float:
        """Return the seconds to wait now, never more than `most_s`."""
        wait_s = min(self._most_s, self._first_s * 2.0 ** min(self._attempts, 60))
        self._attempts += 1
        return wait_s * (1.0 - self._jitter * self._chance.random())

    def longest_s(self) -> float:
        """Return the seconds to wait where an early attempt is of no use: `most_s`, cut by chance."""
        return self._most_s * (1.0 - self._jitter * self._chance.random())

    def reset(self) -> None:
        """Begin again with `first_s`."""
        self._attempts = 0
