"""The adapters that the StrategyManager is given: strategy classes of other frameworks."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .hosting.backtrader_strategy import BacktraderStrategy

__all__ = ["BacktraderAdapter"]


class BacktraderAdapter:
    """Takes `bt.Strategy` classes into the StrategyManager: `StrategyManager(adapters=[BacktraderAdapter()])`."""

    kind = "backtrader"

    def matches(self, cls: type) -> bool:
        """Return whether `cls` is a user's Backtrader strategy."""
        # Backtrader takes half a second to import; whoever derives from it has done so.
        bt = sys.modules.get("backtrader")
        return bt is not None and issubclass(cls, bt.Strategy) and not cls.__module__.startswith("backtrader")

    def wrap(self, cls: type, parameters: Mapping[str, Any]) -> BacktraderStrategy:
        """Return a Strategy that runs `cls`. Raises StrategyError for parameters that the class does not have."""
        from .hosting.backtrader_strategy import BacktraderStrategy

        return BacktraderStrategy(cls, parameters)
