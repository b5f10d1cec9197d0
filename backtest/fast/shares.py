"""Executions of what is paid in full when it is bought (shares, coins), under Backtrader's own commission schemes.

The same operations on the same numbers in the same order as `BackBroker._execute` with `CommInfoBase`, whose methods are not called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrader.comminfo import CommInfoBase
from backtrader.order import OrderExecutionBit

from .native import FastAccount
from .orders import COMPLETED, PARTIAL, moved
from .positions import LazyPositions
from .stock import overridden

__all__ = ["is_paid_in_full", "reckoning", "trading"]

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
_new = object.__new__
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


def trading(account: FastAccount, positions: LazyPositions) -> Callable[..., None]:
    """Return what executes a pending order: `(broker, order, data, scheme, size, price, time)`."""

    def trade(broker: Any, order: Any, data: Any, scheme: Any, size: Any, price: Any, time: Any) -> None:
        position, terms = broker.positions[data], scheme.p
        mine, quiet = position.__dict__, account.quiet
        held, before = mine["size"], mine["price"]
        new_size, new_price, opened, closed = moved(held, before, size, price)
        pnl = -closed * (price - before) * terms.mult
        cash, rate, percent = broker.cash, terms.commission, scheme._commtype == PERCENT
        if quiet and held:  # the close of the bar before, as the broker saw it
            mine["adjbase"] = positions.last_close(data)
        closed_value = closed_commission = 0.0
        if closed:
            closed_value = -closed * before
            cash += (closed_value / terms.leverage if closed_value > 0 else closed_value) + pnl * True
            closed_commission = abs(closed) * rate * price if percent else abs(closed) * rate
            cash -= closed_commission
            cash += 0.0
            broker.cash = cash
        wanted = opened
        opened_value = opened_commission = 0.0
        if opened:
            opened_value = opened * price
            cash -= opened_value / terms.leverage if opened_value > 0 else opened_value
            opened_commission = abs(opened) * rate * price if percent else abs(opened) * rate
            cash -= opened_commission
            if cash < 0.0:
                opened, opened_value, opened_commission = 0, 0.0, 0.0
            else:
                if abs(new_size) > abs(opened):
                    cash += 0.0
                mine["adjbase"] = price
                broker.cash = cash
        done = closed + opened
        if done:
            popped = closed and broker.p.int2pnl
            if quiet and held and not popped:
                positions.write_credit(data)
            position.update(done, price, data.datetime.datetime())
            if popped:
                closed_commission += broker.d_credit.pop(data, 0.0)
            if quiet:
                positions.executed(data, position, bool(popped or not held))
            executed = order.executed
            executed.addbit(
                _bit(
                    time, done, price, closed, closed_value, closed_commission, opened, opened_value, opened_commission,
                    pnl, new_size, new_price,
                )
            )  # fmt: skip
            executed.margin = terms.margin
            order.status = PARTIAL if executed.remsize else COMPLETED
            order.comminfo = scheme
            broker.notify(order)
            broker._ococheck(order)
        if wanted and not opened:
            order.margin()
            broker.notify(order)
            broker._ococheck(order)
            broker._bracketize(order, cancel=True)

    return trade


# `OrderExecutionBit(...)`: the attributes in its order.
def _bit(
    time: Any, size: Any, price: Any, closed: Any, closed_value: Any, closed_commission: Any,
    opened: Any, opened_value: Any, opened_commission: Any, pnl: Any, held: Any, held_price: Any,
) -> Any:  # fmt: skip
    made: Any = _new(OrderExecutionBit)
    made.dt = time
    made.size = size
    made.price = price
    made.closed = closed
    made.opened = opened
    made.closedvalue = closed_value
    made.openedvalue = opened_value
    made.closedcomm = closed_commission
    made.openedcomm = opened_commission
    made.value = closed_value + opened_value
    made.comm = closed_commission + opened_commission
    made.pnl = pnl
    made.psize = held
    made.pprice = held_price
    return made
