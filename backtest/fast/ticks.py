"""The `tick_open`, `tick_high`, ... of a feed: read from its lines when asked, where Backtrader writes them at each bar."""

from __future__ import annotations

from typing import Any

import backtrader as bt
from backtrader.feed import DataClone

__all__ = ["tick_properties", "write_ticks"]

Data = bt.feed.AbstractDataBase


def tick_properties(cls: Any) -> dict[str, Any]:
    """Return the names for a feed's class: the properties, and an `advance()` that has no ticks to write."""
    aliases = [alias for alias in cls.lines._getlines() if isinstance(alias, str) and alias != "datetime"]
    names: dict[str, Any] = {f"tick_{alias}": _tick(f"tick_{alias}", alias) for alias in aliases}
    names["tick_last"] = _tick("tick_last", cls.lines._getlinealias(0))
    names["advance"] = _advance_clone if issubclass(cls, DataClone) else _advance
    return names


def write_ticks(data: Any) -> None:
    """Write what Backtrader would have left in the feed's attributes at the bar where it now stands."""
    mine = vars(data)
    last = len(data) >= data.buflen()
    for alias in data.getlinealiases():
        if alias != "datetime":
            mine[f"tick_{alias}"] = None if last else getattr(data.lines, alias)[0]
    mine["tick_last"] = None if last else getattr(data.lines, data._getlinealias(0))[0]


# At the last bar of a preloaded feed they are None, and whoever asks takes the line itself.
def _tick(name: str, alias: str) -> property:
    def value(self: Any) -> Any:
        if not len(self):
            raise AttributeError(name)
        return None if len(self) >= self.buflen() else getattr(self.lines, alias)[0]

    def keep(self: Any, given: Any) -> None:
        vars(self)[name] = given

    return property(value, keep)


# Indicators that have no once() move their feeds bar by bar before the run itself.
def _advance(self: Any, size: int = 1, datamaster: Any = None, ticks: bool = True) -> None:
    if datamaster is not None:
        Data.advance(self, size, datamaster, ticks)
        return
    for line in self.lines.lines:
        line.advance(size)


def _advance_clone(self: Any, size: int = 1, datamaster: Any = None, ticks: bool = True) -> None:
    self._dlen += size
    _advance(self, size, datamaster, ticks)
