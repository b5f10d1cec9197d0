"""Backtrader's orders and trades, made and copied without its general machinery: the same objects with the same attributes.

An order of stock Backtrader is built by a metaclass that walks through its parameters, and each of its notifications is a copy made by way
of the pickle protocol. Nothing of that shows in the result, which is an object with a dictionary.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from typing import Any

import backtrader as bt
from backtrader.order import BuyOrder, OrderData, OrderExecutionBit, SellOrder
from backtrader.utils import AutoOrderedDict

__all__ = ["BUY", "COMPLETED", "PARTIAL", "SELL", "clone_of", "copy_of", "fill", "make_order", "moved"]

BUY, SELL = BuyOrder, SellOrder
Order = bt.Order
MARKET, TRAILING = Order.Market, (Order.StopTrail, Order.StopTrailLimit)
CREATED, PARTIAL, COMPLETED = Order.Created, Order.Partial, Order.Completed
DAY_END = dt.time(23, 59, 59, 9999)  # as Backtrader has it
ONE_DAY = dt.timedelta(days=1)
LAST_END, NEARLY_A_DAY = dt.time(23, 59, 59, 999990), 0.999
KEPT_NUMBERS = 10_000
_new = object.__new__
_numbers: dict[int, float] = {}  # the ends of days as Backtrader's float days


# Backtrader keeps every copy of every order. Attributes that are set one by one, and copied into an object's own dictionary, share their
# names with all others of the class; a dictionary of a thing's own would take three times as much memory.
def copy_of(thing: Any) -> Any:
    """Return a shallow copy of an order or a trade."""
    copy = _new(thing.__class__)
    copy.__dict__.update(thing.__dict__)
    return copy


def clone_of(order: Any) -> Any:
    """Return what `order.clone()` returns; as there, the order's own marks of what was told move on."""
    executed = order.executed
    executed.p1, executed.p2 = executed.p2, len(executed.exbits)
    done = _new(OrderData)
    done.__dict__.update(executed.__dict__)
    copy = _new(order.__class__)
    copy.__dict__.update(order.__dict__)
    copy.executed = done
    return copy


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
    params: Any = _new(kind.params)  # type: ignore[attr-defined]
    params.owner = owner
    params.data = data
    params.size = size
    params.price = price
    params.pricelimit = plimit
    params.exectype = exectype
    params.valid = valid
    params.tradeid = tradeid
    params.oco = None
    params.trailamount = trailamount
    params.trailpercent = trailpercent
    params.parent = parent
    params.transmit = transmit
    params.simulated = False
    params.histnotify = histnotify
    order: Any = _new(kind)
    order.params = order.p = params
    order.ref = next(Order.refbasis)
    order.broker = None
    order.info = AutoOrderedDict()
    order.comminfo = None
    order.triggered = False
    order._active = parent is None
    order.status = CREATED
    order._plimit = plimit
    if exectype is None:
        order.exectype = exectype = MARKET
    if kind is SELL:
        order.size = size = -size
    close, now = data.close[0], data.datetime[0]
    wanted = close if not price and not plimit else price
    order.created = created = _order_data(now, size, wanted, plimit, 0, close, trailamount, trailpercent)
    if exectype in TRAILING:
        order._limitoffset = created.price - created.pricelimit
        start, created.price = created.price, float("inf") if kind is BUY else float("-inf")
        order.trailadjust(start)
    else:
        order._limitoffset = 0.0
    order.executed = _order_data(None, 0, 0.0, 0.0, size, 0.0, 0.0, 0.0)
    order.position = 0
    if isinstance(valid, dt.date | dt.timedelta):
        order.valid = _expiry(data, valid)
    elif valid:
        now + valid  # Backtrader adds them up too, forgets the sum, and so refuses what cannot be added
    order.dteos = _session_end(data, now)
    return order


# `OrderData(...)`: the attributes in its order.
def _order_data(now: Any, size: Any, price: Any, plimit: Any, left: Any, close: Any, trailamount: Any, trailpercent: Any) -> Any:
    made: Any = _new(OrderData)
    made.pclose = close
    made.exbits = deque()
    made.p1 = made.p2 = 0
    made.dt = now
    made.size = size
    made.remsize = left
    made.price = plimit if plimit and not price else price
    made.pricelimit = plimit or price
    made.trailamount = trailamount
    made.trailpercent = trailpercent
    made._plimit = plimit
    made.value = made.comm = 0.0
    made.margin = None
    made.pnl = 0.0
    made.psize = made.pprice = 0
    return made


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
