"""What a strategy's class gets for a fast run: its position, and the way of order notifications to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import backtrader as bt

from .analyzers import Listeners
from .native import FastSeries, fast_deliver, fast_tell

__all__ = ["delivering", "notifying", "strategy_names"]

Strategy = bt.Strategy
WORTH_METHODS = ("notify_cashvalue", "notify_fund")


def strategy_names(cls: type, *, growing: bool = False) -> dict[str, Any]:
    """Return the names for a strategy's class that replace Backtrader's own; `growing`: the run goes bar by bar."""
    names: dict[str, Any] = {} if growing else {"_minperstatus": property(_missing, _set_missing)}
    if cls.position is Strategy.position and cls.getposition is Strategy.getposition:  # type: ignore[attr-defined]
        names["position"] = FastSeries.__dict__["position"]
    return names


def delivering(notifications: deque[Any], strategies: Sequence[Any]) -> Callable[[], None]:
    """Return what hands a broker's notifications to the strategies whose orders they are about."""
    first = strategies[0]

    def deliver() -> None:
        fast_deliver(notifications, first)

    def deliver_at_once() -> None:  # Backtrader's own: it tells the strategy
        while notifications:
            order = notifications.popleft()
            owner = order.p.owner
            (first if owner is None else owner)._addnotification(order, quicknotify=True)

    return deliver_at_once if first.cerebro.p.quicknotify else deliver


def notifying(strategy: Any) -> tuple[Callable[[], None], bool]:
    """Return what does as a strategy's `_notify()`, and whether somebody is told cash and value, so that it is called at each bar."""
    listeners = Listeners(chain(strategy.analyzers, strategy._slave_analyzers))
    of_orders = _nothing if strategy.cerebro.p.quicknotify else _telling_orders(strategy, listeners)
    if isinstance(strategy, bt.SignalStrategy):
        of_orders = _forgetting_signals(strategy, of_orders)
    if not listeners.of_worth and not _changed(strategy, Strategy, WORTH_METHODS):
        return of_orders, False
    return _telling_worth(strategy, listeners, of_orders), True


def _nothing() -> None:
    return None


def _changed(thing: Any, stock: type, names: tuple[str, ...]) -> bool:
    cls, mine = type(thing), vars(thing)
    return any(name in mine or getattr(cls, name) is not getattr(stock, name) for name in names)


def _missing(self: Any) -> Any:
    return max(least - len(data) for least, data in zip(self._minperiods, self.datas, strict=True))


def _set_missing(self: Any, value: Any) -> None:
    vars(self)["_minperstatus"] = value


# Strategy._notify for a strategy where somebody is told of cash and value: those who listen, in Backtrader's order.
def _telling_worth(strategy: Any, listeners: Listeners, of_orders: Callable[[], None]) -> Callable[[], None]:
    broker = strategy.broker
    cash_too, fund_too = (_changed(strategy, Strategy, (name,)) for name in WORTH_METHODS)

    def tell() -> None:
        if strategy._orderspending or strategy._tradespending:
            of_orders()
        cash, value, fund_value, fund_shares = broker.getcash(), broker.getvalue(), broker.fundvalue, broker.fundshares
        if cash_too:
            strategy.notify_cashvalue(cash, value)
        if fund_too:
            strategy.notify_fund(cash, value, fund_value, fund_shares)
        for call, of_fund in listeners.of_worth:
            call(cash, value, fund_value, fund_shares) if of_fund else call(cash, value)

    return tell


# Strategy._notify without cash and value.
def _telling_orders(strategy: Any, listeners: Listeners) -> Callable[[], None]:
    def tell() -> None:
        fast_tell(strategy, listeners.of_order, listeners.of_trade)

    return tell


# SignalStrategy._notify: the order of a signal that has come to its end makes room for another.
def _forgetting_signals(strategy: Any, of_orders: Callable[[], None]) -> Callable[[], None]:
    def tell() -> None:
        waiting = strategy._sentinel
        if waiting is not None and any(order == waiting and not order.alive() for order in strategy._orderspending):
            strategy._sentinel = None
        of_orders()

    return tell
