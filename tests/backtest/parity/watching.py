"""Strategies that write down, to the last bit, what Backtrader tells them and what they read themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import backtrader as bt

from .speech import say

__all__ = ["TRACE", "Plain", "Watching", "note", "trading"]

TRACE: list[str] = []  # of the run that goes on; whoever starts one empties it


def note(*facts: Any) -> None:
    """Write a line into the trace of this run."""
    TRACE.append(" ".join([fact if type(fact) is str else say(fact) for fact in facts]))


class Plain(bt.Strategy):
    """Reads every bar, and takes notice of nothing."""

    def prenext(self) -> None:
        """Note how far the feeds are."""
        note("prenext", len(self), [len(data) for data in self.datas])

    def nextstart(self) -> None:
        """Note the first bar."""
        note("nextstart", len(self))
        self.next()

    def next(self) -> None:
        """Note the bar, then act."""
        for data in self.datas:
            held = self.getposition(data)
            note("next", len(data), data.datetime[0], data.open[0], data.close[0], data.volume[0], held.size, held.price)
        note("account", self.broker.getvalue(), self.broker.getcash())
        self.act(len(self))

    def act(self, bar: int) -> None:
        """Trade; `bar` counts from 1."""


class Watching(Plain):
    """Overrides every notification there is."""

    def start(self) -> None:
        """Note the start."""
        note("start", self.broker.getcash())

    def stop(self) -> None:
        """Note the end."""
        note("stop", len(self), self.broker.getvalue())

    def notify_order(self, order: Any) -> None:
        """Note an order."""
        note("order", order, list(order.executed.iterpending()), order.alive(), order.getstatusname())

    def notify_trade(self, trade: Any) -> None:
        """Note a trade."""
        note("trade", trade)

    def notify_cashvalue(self, cash: float, value: float) -> None:
        """Note cash and value."""
        note("cashvalue", cash, value)

    def notify_fund(self, cash: float, value: float, fundvalue: float, shares: float) -> None:
        """Note the fund."""
        note("fund", cash, value, fundvalue, shares)

    def notify_timer(self, timer: Any, when: Any, *args: Any, **kwargs: Any) -> None:
        """Note a timer."""
        note("timer", timer.p.tid, when, args, kwargs, len(self))

    def notify_store(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Note a store's message."""
        note("store", msg, args, kwargs)

    def notify_data(self, data: Any, status: int, *args: Any, **kwargs: Any) -> None:
        """Note a feed's state."""
        note("data", data, data._getstatusname(status), args, kwargs)


def trading(place: Callable[[Any, int], None], every: int = 5, base: type = Watching, period: int = 5) -> type:
    """Return a class that calls `place(strategy, count)` every so many bars; an average of `period` bars makes it wait."""

    class Trading(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__()
            self.average = bt.ind.SMA(period=period)

        def act(self, bar: int) -> None:
            if bar % every == 0:
                place(self, bar // every)

    return Trading
