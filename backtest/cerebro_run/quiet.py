"""The quiet warm-up: history before LIVE fills lines and indicators, but the strategy does not act on it.

Backtrader calls `strategy.next()` for every bar, also for the history that a live feed delivers first. Many classes do not look at the
feed's status, so they would trade on yesterday's bars. While the warm-up lasts the strategy's own `next`, `prenext`, `nextstart`, their
`_open` twins, `notify_timer` and its analyzers are shadowed by instance attributes that do nothing: Python looks at the instance before
the class, so neither the class nor `type(strategy)` changes, and deleting the attributes undoes it. Indicators, observers and the
notifications of data, orders, cash and value run as always.

Things that do not work: raising the minimum period (Backtrader then calls `prenext`, and the habit `prenext = next` would trade);
a subclass made on the fly (its name shows in messages and pickles); rejecting the orders only (the strategy would believe in trades
that never were: it remembers the orders it sent). The broker refuses orders before LIVE all the same, as the second lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["QuietWarmup"]

SILENT = ("prenext", "next_open", "prenext_open", "nextstart_open", "notify_timer")


class QuietWarmup:
    """Keeps strategies still until `lift()`; the first bar after it that has its minimum period goes to `nextstart`."""

    def __init__(self, strategies: Sequence[Any]) -> None:
        self._strategies = list(strategies)
        for strategy in self._strategies:
            _hush(strategy)

    def lift(self) -> None:
        """Let the strategies act from now on; further calls do nothing."""
        for strategy in self._strategies:
            _wake(strategy)
        self._strategies = []


def _nothing(*args: object, **kwargs: object) -> None:
    return None


def _hush(strategy: Any) -> None:
    for name in (*SILENT, "next", "nextstart", "_next_analyzers"):
        setattr(strategy, name, _nothing)


# Backtrader calls `nextstart` once, at the bar that completes the minimum period. If that bar was part of the warm-up the call was
# swallowed; strategy and analyzers get it at the first bar they see.
def _wake(strategy: Any) -> None:
    for name in (*SILENT, "next", "nextstart", "_next_analyzers"):
        del strategy.__dict__[name]
    if strategy._minperstatus > 0:
        return

    def first_next() -> None:
        del strategy.__dict__["next"]
        strategy.nextstart()

    def first_analyzers(minperstatus: int, once: bool = False) -> None:
        del strategy.__dict__["_next_analyzers"]
        strategy._next_analyzers(0, once=once)

    strategy.next = first_next
    strategy._next_analyzers = first_analyzers
