"""Backtrader's orders, made without its general machinery: the same objects with the same attributes.

An order of stock Backtrader is built by a metaclass that walks through its parameters. Nothing of that shows in the result.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import backtrader as bt
from backtrader.order import BuyOrder, OrderExecutionBit, SellOrder

from .native import fast_make_order

__all__ = ["BUY", "SELL", "fill", "make_order", "moved"]

BUY, SELL = BuyOrder, SellOrder
Order = bt.Order
PARTIAL, COMPLETED = Order.Partial, Order.Completed
DAY_END = dt.time(23, 59, 59, 9999)  # as Backtrader has it
ONE_DAY = dt.timedelta(days=1)
LAST_END, NEARLY_A_DAY = dt.time(23, 59, 59, 999990), 0.999
KEPT_NUMBERS = 10_000
_numbers: dict[int, float] = {}  # the ends of days as Backtrader's float days


def make_order(
    kind: type,
    owner: Any,
    data: Any,
    size: Any,
    price: Any,
    plimit: Any,
    exectype: Any,
    valid: Any,
    tradeid: Any,
    trailamount: Any,
    trailpercent: Any,
    parent: Any,
    transmit: Any,
    histnotify: Any,
) -> Any:
    """Return the order that `kind(owner=owner, data=data, ...)` would be."""
    reference, close, now = next(Order.refbasis), data.close[0], data.datetime[0]
    expiry = None
    if isinstance(valid, dt.date | dt.timedelta):
        expiry = _expiry(data, valid)
    elif valid:
        now + valid  # Backtrader adds them up too, forgets the sum, and so refuses what cannot be added
    return fast_make_order(
        kind, kind.params, reference, kind is SELL, now, close, expiry, _session_end(data, now),  # type: ignore[attr-defined]
        owner, data, size, price, plimit, exectype, valid, tradeid, trailamount, trailpercent, parent, transmit, histnotify,
    )  # fmt: skip


def _expiry(data: Any, valid: dt.date | dt.timedelta) -> Any:
    if isinstance(valid, dt.date):
        return data.date2num(valid)
    day = valid == Order.DAY
    return data.date2num(dt.datetime.combine(data.datetime.date(), DAY_END) if day else data.datetime.datetime() + valid)


def _session_end(data: Any, now: float) -> float:
    end = data.p.sessionend
    if data._tz is None and end == LAST_END:  # the usual case: one number a day, unless the bar is of the day's last minute
        day = int(now)
        if now - day < NEARLY_A_DAY:
            if day not in _numbers:
                if len(_numbers) > KEPT_NUMBERS:
                    _numbers.clear()
                _numbers[day] = data.date2num(dt.datetime.combine(dt.date.fromordinal(day), end))
            return _numbers[day]
    time = data.datetime.datetime(0)
    found = dt.datetime.combine(time, end, time.tzinfo)
    if found < time:
        found += ONE_DAY
    number: float = data.date2num(found)
    return number


def moved(held: Any, price: Any, size: Any, at: Any) -> tuple[Any, Any, Any, Any]:
    """Return (size, price, opened, closed) of a position of `held` at `price` after `size` more at the price `at`."""
    total = held + size
    if not total:
        return total, 0.0, 0, size
    if not held:
        return total, at, size, 0
    if size > 0 if held > 0 else size < 0:
        return total, (price * held + size * at) / total, size, 0
    if total > 0 if held > 0 else total < 0:
        return total, price, 0, size
    return total, at, total, -held


def fill(order: Any, bit: tuple[Any, ...], margin: Any) -> None:
    """Enter an execution into an order; `bit` are the arguments of an OrderExecutionBit."""
    executed = order.executed
    executed.addbit(OrderExecutionBit(*bit))
    executed.margin = margin
    order.status = PARTIAL if executed.remsize else COMPLETED
