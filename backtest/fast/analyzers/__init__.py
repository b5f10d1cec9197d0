"""A strategy's analyzers in a fast run: the same calls in the same order, without those that do nothing."""

from __future__ import annotations

from .listeners import Listeners
from .periods import Periods
from .steps import BarSteps, bar_steps

__all__ = ["BarSteps", "Listeners", "Periods", "bar_steps"]
