"""What is paid in full when it is bought (shares, coins), under Backtrader's own commission schemes.

The same operations on the same numbers in the same order as `BackBroker._execute` with `CommInfoBase`, whose methods are not called; real
executions are in fast_fills.cpp.
"""

from __future__ import annotations

from typing import Any

from backtrader.comminfo import CommInfoBase

from .orders import moved
from .stock import overridden

__all__ = ["is_paid_in_full", "reckoning"]

PERCENT = CommInfoBase.COMM_PERC
FORMULAS = (
    "getvaluesize",
    "getoperationcost",
    "get_leverage",
    "profitandloss",
    "cashadjust",
    "getcommission",
    "_getcommission",
    "confirmexec",
)
_kinds: dict[type, bool] = {}


def is_paid_in_full(scheme: Any) -> bool:
    """Return whether this module knows all that `scheme` does at an execution."""
    cls = type(scheme)
    if cls not in _kinds:
        _kinds[cls] = not overridden(cls, CommInfoBase, (*FORMULAS, "margin", "stocklike"))
    return _kinds[cls] and bool(scheme._stocklike)


def reckoning(order: Any, scheme: Any, cash: Any, held: tuple[Any, Any]) -> tuple[Any, tuple[Any, Any]]:
    """Return (cash, (size, price)) as they would be if the order were filled at the price it was created with."""
    terms, price, before = scheme.p, order.created.price, order.created.price
    size, at, opened, closed = moved(held[0], held[1], order.executed.remsize, price)
    rate, percent = terms.commission, scheme._commtype == PERCENT
    if closed:
        value = -closed * before
        cash += value / terms.leverage if value > 0 else value
        cash -= abs(closed) * rate * price if percent else abs(closed) * rate
    if opened:
        value = opened * price
        cash -= value / terms.leverage if value > 0 else value
        cash -= abs(opened) * rate * price if percent else abs(opened) * rate
    return cash, (size, at)
