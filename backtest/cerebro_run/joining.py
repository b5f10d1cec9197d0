"""Feeds that are added to a live run: `cerebro.adddata` while it goes on, from the strategy or from another thread.

Backtrader fixes the feeds of its bar-by-bar loop when it enters it. All else that a run knows lies in the feeds, the strategies and the
broker; so between two rounds the loop can be left, the feed be made a part of all three, and the loop be entered again, and nobody
sees a difference but the new feed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from gcg_quant.errors import BacktestError, GcgQuantError

from ..feed import EventDrivenDataFeed

__all__ = ["Joining"]

NEVER_WAITED_FOR = -(2**62)  # as a minimum period: the calls of next() do not stop until the feed has a bar


class Joining:
    """The feeds that wait to join one run. Any thread may `ask`; the rest belongs to the thread of the run."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Any, str | None]] = deque()
        self.left_for = False  # the loop was left so that feeds may join

    def __bool__(self) -> bool:
        """Return whether a feed waits."""
        return bool(self._waiting)

    def ask(self, cerebro: Any, data: Any, name: str | None) -> None:
        """Let a feed join before the next round.

        Raises:
            BacktestError: it is no live `EventDrivenDataFeed`, its name is taken, or the run is closed or has writers or exactbars.
        """
        called = name or data._name or getattr(data.p, "dataname", "")
        if cerebro.closed_to_feeds:
            raise BacktestError(f"The feed {called} cannot join this run: {cerebro.closed_to_feeds}", feed=str(called))
        if not isinstance(data, EventDrivenDataFeed) or not data.islive():
            raise BacktestError(f"Only a live EventDrivenDataFeed can join a running cerebro, and {called} is none: add it before run().")
        if called in cerebro.datasbyname or any(called in (other, feed._name) for feed, other in self._waiting):
            raise BacktestError(f"There is a feed {called!r} in this run already: give the new one another name.", feed=str(called))
        if cerebro.runwriters or cerebro._exactbars:
            what = "writers" if cerebro.runwriters else "exactbars"
            raise BacktestError(f"The feed {called} cannot join a running cerebro that has {what}: add it before run().", feed=str(called))
        self._waiting.append((data, name))

    def take_in(self, cerebro: Any, strategies: Sequence[Any]) -> None:
        """Make the feeds that wait a part of the run. One that cannot be read stays out; the strategies hear NOTSUBSCRIBED and why."""
        while self._waiting:
            data, name = self._waiting.popleft()
            data._name = name or data._name or data.p.dataname
            data.setenvironment(cerebro)
            if data.wants_stream():
                cerebro._share_stream(data)
            try:
                data.reset()
                data._start()
                data.catch_up(cerebro.clock_days)
            except GcgQuantError as error:
                data.stop()
                cerebro._notify_data(data, data.NOTSUBSCRIBED, error)
                for strategy in strategies:
                    strategy.notify_data(data, data.NOTSUBSCRIBED, error)
                continue
            cerebro.datas.append(data)
            cerebro.datasbyname[data._name] = data
            data._id = next(cerebro._dataid)
            data.joined = True
            for strategy in strategies:
                _show(strategy, data)


# What Backtrader does for the feeds that a strategy is made with.
def _show(strategy: Any, data: Any) -> None:
    number = len(strategy.datas)
    strategy.datas.append(data)
    strategy.ddatas[data] = None
    strategy.dnames[data._name] = data
    setattr(strategy, f"data{number}", data)
    for at, line in enumerate(data.lines):
        for alias in (data._getlinealias(at), str(at)):
            setattr(strategy, f"data{number}_{alias}", line)
    strategy._minperiods.append(NEVER_WAITED_FOR)
    strategy._dlens.append(len(data))
