"""One preloaded run on the fast path: exchange the classes, let the loop in C call the user's code bar by bar, put all back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import backtrader as bt

from .analyzers import Periods, bar_steps
from .beside import acts_before_matching, beside
from .broker import FastBroker
from .collector import RareCollection
from .graph import indicators_of, lines_of, observers_of
from .kernels import install_kernels
from .native import fast_run_once, fast_set_guard, fast_set_position
from .strategy import delivering, notifying
from .swap import Swap

__all__ = ["observer_row", "prices_of", "run_fast"]

ASKS, BROKER, QUIET, BUY_SELL = range(4)  # `Watch` in fast_loop.h
observers = bt.observers


def run_fast(cerebro: Any, strategies: Sequence[Any], bar_done: Callable[[], None], report_every: int) -> str:
    """Do what `Cerebro._runonce` does. Return "", or why it could not begin (then nothing was done).

    Args:
        cerebro: with `control`, `bars_done` and `_event_stop`.
        strategies: its strategies, made and started.
        bar_done: called after every `report_every` bars, and after each bar while the control is not in the state "running".
        report_every: how many bars.
    """
    datas = sorted(cerebro.datas, key=lambda data: (data._timeframe, data._compression))
    with RareCollection():
        forget_kernels = install_kernels([one for strategy in strategies for one in indicators_of(strategy)])
        try:
            try:
                swap = Swap(strategies, datas)
                swap.enter()
            except (TypeError, RuntimeError) as error:  # the classes or this Python's arrays are laid out in another way
                return f"Backtrader's own path was taken: {error}"
            try:
                for strategy in strategies:
                    strategy._once()
                    strategy.reset()
                swap.bind()
                _loop(cerebro, strategies, datas, swap, bar_done, report_every)
            finally:
                swap.leave()
        finally:
            forget_kernels()
    return ""


def prices_of(datas: Sequence[Any]) -> dict[Any, tuple[Any, ...]]:
    """Return the lines that a broker looks at, of each feed."""
    return {data: tuple(getattr(data.lines, name) for name in ("datetime", "open", "high", "low", "close")) for data in datas}


def _loop(
    cerebro: Any, strategies: Sequence[Any], datas: Sequence[Any], swap: Swap, bar_done: Callable[[], None], report_every: int
) -> None:
    broker = FastBroker(cerebro._broker, prices_of(datas), dict(zip(datas, swap.data_clocks, strict=True)))
    rows = tuple(_strategy_row(strategy, at, datas, swap) for at, strategy in enumerate(strategies))
    columns = tuple((clock, data.lines.datetime) for data, clock in zip(datas, swap.data_clocks, strict=True))
    deliver = delivering(cerebro._broker.notifs, strategies)

    try:
        broker.enter()
        if acts_before_matching(cerebro):
            broker.be_plain()
        for strategy in strategies:
            fast_set_position(strategy, cerebro._broker.positions, strategy.datas[0], broker.adopt)
        for data in datas:
            for line in lines_of(data):
                # The array of times is asked for by date() and time(), too; nobody writes into it.
                fast_set_guard(line, broker.be_careful, line is not data.lines.datetime)
        loop = (deliver, bar_done, broker.be_careful, report_every, columns, rows, beside(cerebro, strategies, swap.strategy_clocks))
        fast_run_once(vars(cerebro), vars(cerebro.control), cerebro._broker, broker.account, *loop)
    finally:
        broker.leave()
        for strategy, clock in zip(strategies, swap.strategy_clocks, strict=True):
            if clock.position:
                vars(strategy)["_minperstatus"] = clock.missing


def _strategy_row(strategy: Any, at: int, datas: Sequence[Any], swap: Swap) -> tuple[Any, ...]:
    clocks = {id(data): clock for data, clock in zip(datas, swap.data_clocks, strict=True)}
    periods = Periods(strategy)
    notify, always = notifying(strategy)
    return (
        strategy,
        swap.strategy_clocks[at],
        tuple(strategy.lines.lines),
        strategy.lines.datetime,
        tuple((least, clocks[id(data)]) for least, data in zip(strategy._minperiods, strategy.datas, strict=True)),
        tuple(swap.indicator_clocks[at]),
        tuple(observer_row(observer, swap.observer_clocks[id(observer)], periods) for observer in observers_of(strategy)),
        bar_steps(strategy.analyzers, periods),
        notify,
        always,
    )


def observer_row(observer: Any, clock: Any, periods: Periods, *, asks: bool = False) -> tuple[Any, ...]:
    """Return an observer as the loops in C read it; `asks`: it is called at each bar."""
    watch = ASKS if asks else _watch(observer)
    value, cash = (observer.lines.value, observer.lines.cash) if watch == BROKER else (None, None)
    return observer, clock, watch, tuple(observer.lines.lines), value, cash, bar_steps(observer._analyzers, periods)


# What the stock observers do at a bar without news of orders is known: nothing, or noting cash and value.
def _watch(observer: Any) -> int:
    cls = type(observer)
    stock = cls.nextstart is bt.Observer.nextstart and cls.prenext is bt.Observer.prenext
    if not stock or any(name in vars(observer) for name in ("next", "nextstart", "prenext")):
        return ASKS
    if cls.next is observers.Broker.next and not observer._fundmode:
        return BROKER
    if cls.next in (observers.Trades.next, observers.DataTrades.next):
        return QUIET
    return BUY_SELL if cls.next is observers.BuySell.next else ASKS
