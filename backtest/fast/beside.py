"""What a run does beside its bars, where it was asked for: timers, orders before the open is matched, writers of columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from sys import maxsize
from typing import Any

import backtrader as bt

__all__ = ["Beside", "acts_before_matching", "beside", "beside_growing"]

check_timers, next_writers = bt.Cerebro._check_timers, bt.Cerebro._next_writers
Opening = Callable[[float], bool]
Timing = Callable[[float], None]
Writing = Callable[[], None]
Beside = tuple[Opening | None, Timing | None, Writing | None]


def acts_before_matching(cerebro: Any) -> bool:
    """Return whether user code runs at a bar before the broker has seen it: then the account must stand as the bar before left it."""
    return bool(cerebro.p.cheat_on_open or cerebro._timerscheat)


def beside(cerebro: Any, strategies: Sequence[Any], clocks: Sequence[Any]) -> Beside:
    """Return what the loop calls: before the broker, after it, and after each strategy; None where nothing is to be done.

    The first returns whether the run is over. Times are Backtrader's float days.

    Args:
        cerebro: its timers are prepared, its writers have their headers.
        strategies: the run's.
        clocks: of each strategy.
    """
    return _extras(cerebro, strategies, _opening(cerebro, strategies, clocks))


def beside_growing(cerebro: Any, strategies: Sequence[Any]) -> Beside:
    """Return the same for a run that goes bar by bar."""
    turns = strategies if cerebro.p.cheat_on_open else ()

    def opening(now: float) -> bool:
        check_timers(cerebro, strategies, now, cheat=True)
        for strategy in turns:
            strategy._next_open()
            if cerebro._event_stop:
                return True
        return False

    return _extras(cerebro, strategies, opening)


def _extras(cerebro: Any, strategies: Sequence[Any], opening: Opening) -> Beside:
    timing = (lambda now: check_timers(cerebro, strategies, now, cheat=False)) if cerebro._timers else None
    writing = (lambda: next_writers(cerebro, strategies)) if cerebro.runwriters and cerebro.writers_csv else None
    return opening if acts_before_matching(cerebro) else None, timing, writing


def _opening(cerebro: Any, strategies: Sequence[Any], clocks: Sequence[Any]) -> Opening:
    turns = [(strategy, clock) for strategy, clock in zip(strategies, clocks, strict=True)] if cerebro.p.cheat_on_open else []

    def opening(now: float) -> bool:
        check_timers(cerebro, strategies, now, cheat=True)
        for strategy, clock in turns:
            # Strategy._oncepost_open: what was missing at the bar before decides.
            missing = clock.missing if clock.position else maxsize
            if missing < 0:
                strategy.next_open()
            elif missing == 0:
                strategy.nextstart_open()
            else:
                strategy.prenext_open()
            if cerebro._event_stop:
                return True
        return False

    return opening
