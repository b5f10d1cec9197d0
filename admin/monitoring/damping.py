"""Damping: a threshold that is crossed for a moment raises nothing, and what lasts is told now and then, not every second."""

from __future__ import annotations

from enum import Enum

__all__ = ["Damper", "Step"]


class Step(Enum):
    """What is to be told now."""

    NOTHING = 0
    RAISE = 1
    REPEAT = 2
    CLEAR = 3


class Damper:
    """One threshold's memory. Times are seconds of a monotonic clock.

    Invariant: between two RAISEs there is a CLEAR.

    Args:
        hold_s: how long the threshold must be crossed before it is told.
        rest_s: how long all must be well before it is over.
    """

    def __init__(self, hold_s: float = 5.0, rest_s: float = 20.0) -> None:
        self.raised = False
        self.told = 0
        self._hold_s = hold_s
        self._rest_s = rest_s
        self._crossed_s: float | None = None
        self._well_s: float | None = None
        self._told_s = 0.0

    def resume(self, told_s: float, told: int) -> None:
        """Go on with what was told `told` times before a restart, the last time at `told_s`."""
        self.raised, self.told, self._told_s = True, told, told_s

    def look(self, crossed: bool | None, now_s: float, repeat_s: float | None) -> Step:
        """Return what is to be told.

        Args:
            crossed: whether the threshold is crossed; None: not so far back that it is over (hysteresis).
            now_s: the present time.
            repeat_s: how often it is told again; None: never.
        """
        if crossed is not False:
            self._well_s = None
        if crossed is not True:
            self._crossed_s = None
        if not self.raised:
            return self._may_raise(crossed, now_s)
        if crossed is False:
            self._well_s = now_s if self._well_s is None else self._well_s
            if now_s - self._well_s >= self._rest_s:
                self.raised, self.told, self._well_s = False, 0, None
                return Step.CLEAR
            return Step.NOTHING
        if crossed and repeat_s is not None and now_s - self._told_s >= repeat_s:
            self._told_s, self.told = now_s, self.told + 1
            return Step.REPEAT
        return Step.NOTHING

    def _may_raise(self, crossed: bool | None, now_s: float) -> Step:
        if not crossed:
            return Step.NOTHING
        self._crossed_s = now_s if self._crossed_s is None else self._crossed_s
        if now_s - self._crossed_s < self._hold_s:
            return Step.NOTHING
        self.raised, self.told, self._told_s, self._crossed_s = True, 1, now_s, None
        return Step.RAISE
