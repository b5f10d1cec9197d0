"""A reading: one watched value beside its limit, and what to say of it."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Reading"]

_BAND = 0.8  # an alert is over only once the value is so far back from its limit


class Reading(NamedTuple):
    """What was measured of a component.

    `limit` None: the setting is off. `problem` is the sentence of the alert, and names what to do; `well` is the one that ends it.
    With `below` the value must not fall under the limit. `at_once`: told without being held first, for what is a moment, not a state.
    """

    component: str
    name: str
    value: float
    limit: float | None
    problem: str
    well: str
    level: str = "warning"
    below: bool = False
    at_once: bool = False

    @property
    def crossed(self) -> bool | None:
        """Whether the limit is crossed; None if it no longer is, but nearly."""
        if self.limit is None:
            return False
        if self.below:
            return True if self.value < self.limit else False if self.value > self.limit / _BAND else None
        return True if self.value > self.limit else False if self.value <= self.limit * _BAND else None
