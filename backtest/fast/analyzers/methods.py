"""The methods of Backtrader's analyzers that run at each bar, written for one analyzer: the same operations on the same attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import backtrader as bt

from ..stock import overridden
from .trades import trade_analysis

__all__ = ["fast_method", "has_own"]

kinds = bt.analyzers
Method = Callable[..., Any]


def has_own(analyzer: Any, stock: type, name: str) -> bool:
    """Return whether an analyzer's method is another than that of the class `stock`."""
    return name in vars(analyzer) or getattr(type(analyzer), name) is not getattr(stock, name)


def fast_method(analyzer: Any, name: str) -> Method:
    """Return what does as `analyzer.name`: the method itself, or a faster one if it is one of Backtrader's that is known here."""
    if name not in vars(analyzer) and _is_plain(type(analyzer)):
        make = FAST.get(getattr(type(analyzer), name))
        if make is not None:
            return make(analyzer)
    method: Method = getattr(analyzer, name)
    return method


# Behind Backtrader's own classes there is nobody whom their `super()` would reach.
def _is_plain(cls: type) -> bool:
    if overridden(cls, object, ("__setattr__", "__getattribute__")):
        return False
    own = [one.__module__.partition(".")[0] != "backtrader" for one in cls.__mro__[:-1]]
    return True not in own[own.index(False) :] if False in own else False


def _draw_down(one: Any) -> Method:
    def following() -> None:
        found, top = one.rets, one._maxvalue
        found["moneydown"] = down = top - one._value
        found["drawdown"] = share = 100.0 * down / top
        most = found["max"]
        if down > most["moneydown"]:
            most["moneydown"] = down
        if share > most["drawdown"]:
            most["drawdown"] = share
        found["len"] = length = found["len"] + 1 if share else 0
        if length > most["len"]:
            most["len"] = length

    return following


def _draw_down_worth(one: Any) -> Method:
    def heard(cash: float, value: float, fund_value: float, shares: float) -> None:
        if one._fundmode:
            value = fund_value
        one._value = value
        if value > one._maxvalue:
            one._maxvalue = value

    return heard


def _time_draw_down(one: Any) -> Method:
    broker = one.strategy.broker

    def begin() -> None:
        value = broker.fundvalue if one._fundmode else broker.getvalue()
        if value > one.peak:
            one.peak = value
            one.ddlen = 0
        one.dd = share = 100.0 * (one.peak - value) / one.peak
        one.ddlen += bool(share)
        if share > one.maxdd:
            one.maxdd = share
        if one.ddlen > one.maxddlen:
            one.maxddlen = one.ddlen

    return begin


def _count_period(one: Any) -> Method:
    def begin() -> None:
        one._tcount += 1

    return begin


# TimeReturn and LogReturnsRolling hear of a data's price in place of the account's value.
def _tracked_worth(one: Any) -> Method:
    data = one.p.data

    def heard(cash: float, value: float, fund_value: float, shares: float) -> None:
        if data is not None:
            one._value = data[0]
        else:
            one._value = fund_value if one._fundmode else value

    return heard


def _time_return(one: Any) -> Method:
    def following() -> None:
        one.rets[one.dtkey] = one._value / one._value_start - 1.0
        one._lastvalue = one._value

    return following


def _variability_worth(one: Any) -> Method:
    def heard(cash: float, value: float, fund_value: float, shares: float) -> None:
        one._pns[-1] = fund_value if one._fundmode else value

    return heard


def _variability(one: Any) -> Method:
    def begin() -> None:
        one._pis.append(one._pns[-1])
        one._pns.append(None)

    return begin


def _leverage_worth(one: Any) -> Method:
    def heard(cash: float, value: float, fund_value: float, shares: float) -> None:
        one._cash = cash
        one._value = fund_value if one._fundmode else value

    return heard


def _leverage(one: Any) -> Method:
    times = one.data0.datetime

    def following() -> None:
        value = one._value
        share = (value - one._cash) / value
        one.rets[times.datetime()] = share

    return following


# At a bar without an execution there is nothing to enter and nothing to clear.
def _transactions(one: Any) -> Method:
    stock = one.next

    def following() -> None:
        if one._positions:
            stock()

    return following


FAST: dict[Any, Callable[[Any], Method]] = {
    kinds.DrawDown.next: _draw_down,
    kinds.DrawDown.notify_fund: _draw_down_worth,
    kinds.TimeDrawDown.on_dt_over: _time_draw_down,
    kinds.Returns.on_dt_over: _count_period,
    kinds.TimeReturn.next: _time_return,
    kinds.TimeReturn.notify_fund: _tracked_worth,
    kinds.LogReturnsRolling.notify_fund: _tracked_worth,
    kinds.VWR.on_dt_over: _variability,
    kinds.VWR.notify_fund: _variability_worth,
    kinds.GrossLeverage.next: _leverage,
    kinds.GrossLeverage.notify_fund: _leverage_worth,
    kinds.Transactions.next: _transactions,
    kinds.TradeAnalyzer.notify_trade: trade_analysis,
}
