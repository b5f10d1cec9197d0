"""The parameters of a Backtrader class that runs on paper or live, with ours beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gcg_quant.errors import StrategyError
from gcg_quant.periods import period_ns

from ..conversion.parameters import bt_defaults, bt_parameters, plain_parameters

__all__ = ["ClassParameters"]

WARMUP_BARS = 500


class ClassParameters:
    """Those of the class, and two of ours: `period` of the bars, and `warmup_bars`, how many of history come before the first live one.

    Where the class has a parameter `period` itself, ours is called `bar_period`. `chosen` are the values of the class's own that are not
    its defaults.
    """

    def __init__(self, cls: type) -> None:
        self._cls = cls
        self._period_name = "bar_period" if "period" in bt_defaults(cls) else "period"
        self._ours: dict[str, Any] = {self._period_name: "1m", "warmup_bars": WARMUP_BARS}
        self.chosen: dict[str, Any] = {}

    @property
    def period(self) -> str:
        """The period of the bars."""
        return str(self._ours[self._period_name])

    @property
    def warmup_bars(self) -> int:
        """How many bars of history come first."""
        return int(self._ours["warmup_bars"])

    @property
    def our_names(self) -> frozenset[str]:
        """What ours are called."""
        return frozenset(self._ours)

    @property
    def values(self) -> dict[str, Any]:
        """All of them, with their present values."""
        return plain_parameters({**self._ours, **bt_defaults(self._cls), **self.chosen})

    def change(self, values: Mapping[str, Any]) -> None:
        """Set several: all of them, or none. Raises StrategyError, or EventError for what is no period."""
        ours = {name: value for name, value in values.items() if name in self._ours}
        theirs = bt_parameters(self._cls, {name: value for name, value in values.items() if name not in ours})
        if self._period_name in ours:
            period_ns(ours[self._period_name])
        if "warmup_bars" in ours:
            ours["warmup_bars"] = _count(ours["warmup_bars"])
        self._ours.update(ours)
        self.chosen.update(theirs)


def _count(value: Any) -> int:
    try:
        count = int(value)
    except (TypeError, ValueError):
        count = -1
    if count < 0:
        raise StrategyError(f"warmup_bars must be a number of bars from 0, not {value!r}.", value=value)
    return count
