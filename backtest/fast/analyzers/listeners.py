"""Who of a strategy's analyzers is told of orders, trades, cash and funds, as rows of calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import backtrader as bt

from .methods import fast_method, has_own

__all__ = ["Listeners"]

Analyzer = bt.Analyzer
Tell = Callable[..., Any]


class Listeners:
    """The analyzers that listen, each in its place among all of a strategy's.

    Args:
        analyzers: the strategy's, then those of its observers.
    """

    def __init__(self, analyzers: Iterable[Any]) -> None:
        every = tuple(analyzers)
        self.of_order = tuple(call for one in every for call in _calls(one, "notify_order"))
        self.of_trade = tuple(call for one in every for call in _calls(one, "notify_trade"))
        # Each is told the cash first and then the fund, before the next one hears of either: (call, whether of the fund).
        self.of_worth = tuple(
            (call, fund)
            for one in every
            for name, fund in (("notify_cashvalue", False), ("notify_fund", True))
            for call in _calls(one, name)
        )


# An analyzer's `_notify_...()`, taken apart: its children's, then its own, without those that do nothing.
def _calls(analyzer: Any, name: str) -> Iterator[Tell]:
    if has_own(analyzer, Analyzer, f"_{name}"):
        yield getattr(analyzer, f"_{name}")
        return
    for child in analyzer._children:
        yield from _calls(child, name)
    if has_own(analyzer, Analyzer, name):
        yield fast_method(analyzer, name)
