"""One run that goes bar by bar: the classes exchanged, the loop in C, all put back.

Everything that the loop does not know to be Backtrader's own is called in Python where Backtrader would call it: a feed's `next()`, an
indicator's, an observer's or a whole strategy's `_next()`, a broker of another kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import backtrader as bt
from backtrader.linebuffer import LineBuffer

from .analyzers import Periods, bar_steps
from .beside import beside_growing
from .broker import FastBroker
from .collector import RareCollection
from .feeds import feed_row, is_plain
from .graph import INDICATORS, OBSERVERS, lines_of, observers_of
from .native import FastClock, fast_run_next, fast_set_guard, fast_set_position
from .program import has_stock_length, length_of, moves_like_stock, program_of, rows_of
from .run import observer_row, prices_of
from .sampling import Sampling
from .stock import overridden, shadowed
from .strategy import delivering, notifying
from .swap import Swap

__all__ = ["run_bar_by_bar"]

STRATEGY = (
    "_next", "_clk_update", "_notify", "_addnotification", "clear", "_getminperstatus", "_next_analyzers", "_next_observers", "forward",
    "__len__",
)  # fmt: skip
OBSERVER = ("_next", "_clk_update", "_notify", "forward", "__len__")


def run_bar_by_bar(cerebro: Any, strategies: Sequence[Any], bar_done: Callable[[], None], report_every: int, *, own_broker: bool) -> str:
    """Do what `Cerebro._runnext` does. Return "", or why it could not begin (then nothing was done).

    Args:
        cerebro: with `control`, `bars_done`, `_event_stop` and `_quiet`.
        strategies: its strategies, made and started.
        bar_done: called after every `report_every` bars, and after each bar while the control is not in the state "running".
        report_every: how many bars.
        own_broker: the broker is not known: it is called at each bar, and tells the strategies itself.
    """
    datas = sorted(cerebro.datas, key=lambda data: (data._timeframe, data._compression))
    own_broker = own_broker or not all(map(_is_stock, strategies))  # they hear of their orders in their own way
    try:
        swap = Swap(strategies, datas, preloaded=False, held=not own_broker)
        sampling = Sampling(datas)
        feeds = tuple(feed_row(data, clock) for data, clock in zip(datas, swap.data_clocks, strict=True))
        quiet = all(map(is_plain, datas))
        known = [_Known(strategy, own_broker) for strategy in strategies]
        swap.enter()
        try:
            swap.bind_datas()
            rows = tuple(one.row() for one in known)
        except BaseException:
            swap.leave()
            raise
    except (TypeError, RuntimeError) as error:  # the classes or this Python's arrays are laid out in another way
        return f"Backtrader's own path was taken: {error}"

    def loop(account: Any, deliver: Callable[[], None], settle: Callable[[], None], stand: Callable[[bool], None] | None) -> None:
        running = (cerebro, vars(cerebro), vars(cerebro.control), cerebro._broker, account)
        last, extras, start = _last_of(datas), beside_growing(cerebro, strategies), bt.date2num(datetime.max) - 2
        fast_run_next(
            *running, deliver, bar_done, settle, report_every, cerebro.stores, last, stand, min, bt.num2date, feeds, rows, extras, start
        )  # fmt: skip

    try:
        with RareCollection(), sampling:
            if own_broker:
                loop(None, _nothing, _nothing, None)
            else:
                _with_broker(cerebro, strategies, datas, swap, quiet, loop)
    finally:
        swap.leave()
        for strategy in filter(len, strategies):
            strategy._lineiterators[OBSERVERS]  # made by Backtrader's first look at it, in a bar
    return ""


# `quiet`: a bar does not change while it is seen, so that one which fills no order need not be matched.
def _with_broker(cerebro: Any, strategies: Sequence[Any], datas: Sequence[Any], swap: Swap, quiet: bool, loop: Callable[..., None]) -> None:
    broker = FastBroker(cerebro._broker, prices_of(datas), dict(zip(datas, swap.data_clocks, strict=True)))

    def be_careful() -> None:
        ahead = any(clock.loading for clock in swap.data_clocks)  # a feed rewrites what it has delivered, before the broker's part
        if ahead:
            broker.stand(True)
        broker.be_careful()
        if ahead:
            broker.stand(False)

    try:
        broker.enter()
        broker.be_prompt()
        if not quiet:
            broker.be_plain()
        for strategy in strategies:
            fast_set_position(strategy, cerebro._broker.positions, strategy.datas[0], broker.adopt)
        for data in datas:
            for line in lines_of(data):
                fast_set_guard(line, be_careful, line is not data.lines.datetime)
        loop(broker.account, delivering(cerebro._broker.notifs, strategies), broker.be_careful, broker.stand)
    finally:
        broker.leave()


# The loop's last round, in which filters may still have something.
def _last_of(datas: Sequence[Any]) -> Callable[[], int]:
    def last() -> int:
        found: int = datas[0]._last()
        for data in datas[1:]:
            found += data._last(datamaster=datas[0])
        return found

    return last


def _nothing(*arguments: object) -> None:
    return None


class _Known:
    """What is known of a strategy while everything has its own class; `row()` is how the loop reads it, once all is exchanged."""

    def __init__(self, strategy: Any, own_broker: bool) -> None:
        self._strategy = strategy
        self._own_broker = own_broker
        self._is_stock = _is_stock(strategy)
        if self._is_stock:
            self._indicators = rows_of(strategy)
            self._followed = {id(one): length_of(one._clock) for one in observers_of(strategy) if _follows_like_stock(one)}

    def row(self) -> tuple[Any, ...]:
        """Return the row of a known strategy, or of one that is asked."""
        strategy = self._strategy
        if not self._is_stock:
            return (strategy,)
        periods = Periods(strategy)
        notify, always = (strategy._notify, True) if self._own_broker else notifying(strategy)
        return (
            strategy,
            vars(strategy),
            tuple(lines_of(strategy)),
            strategy.lines.datetime,
            tuple(_clock_row(data, length) for data, length in zip(strategy.datas, strategy._dlens, strict=True)),
            strategy._minperiods,
            program_of(strategy, self._indicators),
            tuple(self._watcher_row(observer, periods) for observer in observers_of(strategy)),
            bar_steps(strategy.analyzers, periods),
            notify,
            always,
        )

    def _watcher_row(self, observer: Any, periods: Periods) -> tuple[Any, ...]:
        clock = self._followed.get(id(observer))
        return observer_row(observer, FastClock(), periods, asks=self._own_broker), clock, observer._minperiod


def _clock_row(data: Any, length: int) -> tuple[Any, ...]:
    return lines_of(data)[0], data.lines.datetime, length


def _is_stock(strategy: Any) -> bool:
    if overridden(type(strategy), bt.Strategy, STRATEGY) or shadowed(strategy, [name for name in STRATEGY if name != "_next_analyzers"]):
        return False
    if strategy._oldsync or not moves_like_stock(strategy) or not has_stock_length(strategy):
        return False
    times = [strategy.lines.datetime, *(data.lines.datetime for data in strategy.datas)]
    plain = all(type(line).__getitem__ is LineBuffer.__getitem__ and type(line).__setitem__ is LineBuffer.__setitem__ for line in times)
    return plain and all(map(has_stock_length, strategy.datas)) and all(type(one) is int for one in strategy._minperiods)


# An observer with indicators of its own, or ways of its own, is asked for its whole bar.
def _follows_like_stock(observer: Any) -> bool:
    if overridden(type(observer), bt.Observer, OBSERVER) or shadowed(observer, OBSERVER) or observer._lineiterators.get(INDICATORS):
        return False
    return moves_like_stock(observer) and has_stock_length(observer) and has_stock_length(observer._clock) and bool(lines_of(observer))
