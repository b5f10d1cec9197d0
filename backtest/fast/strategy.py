"""What a strategy's class gets for a fast run: its position, and the way of order notifications to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain
from types import MethodType
from typing import Any

import backtrader as bt
from backtrader.trade import Trade

from .native import FastSeries, fast_copy

__all__ = ["active_analyzers", "delivering", "notifying", "strategy_names", "wants_worth"]

Strategy, Analyzer = bt.Strategy, bt.Analyzer
HISTORICAL = bt.Order.Historical
BAR_METHODS = ("_next", "_nextstart", "_prenext", "next", "nextstart", "prenext")
WORTH_METHODS = ("notify_cashvalue", "notify_fund")
ORDER_METHODS = ("_notify_order", "_notify_trade", "notify_order", "notify_trade")


def strategy_names(cls: type) -> dict[str, Any]:
    """Return the names for a strategy's class that replace Backtrader's own."""
    names: dict[str, Any] = {"_minperstatus": property(_missing, _set_missing)}
    if cls.position is Strategy.position and cls.getposition is Strategy.getposition:  # type: ignore[attr-defined]
        names["position"] = FastSeries.__dict__["position"]
    return names


def active_analyzers(analyzers: Any) -> tuple[Any, ...]:
    """Return those of a strategy's analyzers that do something at a bar."""
    return tuple(one for one in analyzers if _acts(one, BAR_METHODS))


def wants_worth(strategy: Any) -> bool:
    """Return whether the strategy or one of its analyzers is told cash and value at each bar."""
    if _changed(strategy, Strategy, WORTH_METHODS):
        return True
    names = (*WORTH_METHODS, *(f"_{name}" for name in WORTH_METHODS))
    return any(_acts(one, names) for one in chain(strategy.analyzers, strategy._slave_analyzers))


def delivering(notifications: deque[Any], strategies: Sequence[Any]) -> Callable[[], None]:
    """Return what hands a broker's notifications to the strategies whose orders they are about."""
    first = strategies[0]

    def deliver() -> None:
        while notifications:
            order = notifications.popleft()
            owner = order.p.owner
            if owner is None:
                owner = first
            if not order.p.simulated:
                owner._orderspending.append(order)
            if order.executed.size:
                _add_trades(owner, order)

    return deliver


def notifying(strategy: Any) -> Callable[[], None]:
    """Return what tells a strategy what its orders and trades have become."""
    return _telling_worth(strategy) if wants_worth(strategy) else MethodType(_notify_orders, strategy)


def _acts(analyzer: Any, names: tuple[str, ...]) -> bool:
    return _changed(analyzer, Analyzer, names) or any(_acts(child, names) for child in analyzer._children)


def _changed(thing: Any, stock: type, names: tuple[str, ...]) -> bool:
    cls, mine = type(thing), vars(thing)
    return any(name in mine or getattr(cls, name) is not getattr(stock, name) for name in names)


def _missing(self: Any) -> Any:
    return max(least - len(data) for least, data in zip(self._minperiods, self.datas, strict=True))


def _set_missing(self: Any, value: Any) -> None:
    vars(self)["_minperstatus"] = value


# Strategy._addnotification for an order that was executed, in whole or in part.
def _add_trades(self: Any, order: Any) -> None:
    terms = order.p
    data = terms.data._compensate
    if data is None:
        data = terms.data
    trades = self._trades[data][terms.tradeid]
    if not trades:
        trades.append(Trade(data=data, tradeid=terms.tradeid, historyon=self._tradehistoryon))
    trade, told = trades[-1], self._tradespending
    for bit in order.executed.iterpending():
        if bit is None:
            break
        if bit.closed:
            trade.update(order, bit.closed, bit.price, bit.closedvalue, bit.closedcomm, bit.pnl, comminfo=order.comminfo)
            if trade.isclosed:
                told.append(fast_copy(trade))
        if bit.opened:
            if trade.isclosed:
                trade = Trade(data=data, tradeid=terms.tradeid, historyon=self._tradehistoryon)
                trades.append(trade)
            trade.update(order, bit.opened, bit.price, bit.openedvalue, bit.openedcomm, bit.pnl, comminfo=order.comminfo)
            if trade.isclosed:
                told.append(fast_copy(trade))
        if trade.justopened:
            told.append(fast_copy(trade))


# Strategy._notify for a strategy where somebody is told of cash and value: those who listen, in Backtrader's order.
def _telling_worth(strategy: Any) -> Callable[[], None]:
    broker = strategy.broker
    cash_too, fund_too = (_changed(strategy, Strategy, (name,)) for name in WORTH_METHODS)
    listening = [
        (one, *(_acts(one, (name, f"_{name}")) for name in WORTH_METHODS)) for one in chain(strategy.analyzers, strategy._slave_analyzers)
    ]
    listeners = [row for row in listening if row[1] or row[2]]

    def tell() -> None:
        if strategy._orderspending or strategy._tradespending:
            _notify_orders(strategy)
        cash, value, fund_value, fund_shares = broker.getcash(), broker.getvalue(), broker.fundvalue, broker.fundshares
        if cash_too:
            strategy.notify_cashvalue(cash, value)
        if fund_too:
            strategy.notify_fund(cash, value, fund_value, fund_shares)
        for analyzer, of_cash, of_fund in listeners:
            if of_cash:
                analyzer._notify_cashvalue(cash, value)
            if of_fund:
                analyzer._notify_fund(cash, value, fund_value, fund_shares)

    return tell


# Strategy._notify without cash and value, for a strategy where nobody is told of them.
def _notify_orders(self: Any) -> None:
    analyzers = [one for one in chain(self.analyzers, self._slave_analyzers) if _acts(one, ORDER_METHODS)]
    for order in self._orderspending:
        if order.exectype != HISTORICAL or order.histnotify:
            self.notify_order(order)
        for analyzer in analyzers:
            analyzer._notify_order(order)
    for trade in self._tradespending:
        self.notify_trade(trade)
        for analyzer in analyzers:
            analyzer._notify_trade(trade)
