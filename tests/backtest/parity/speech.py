"""Backtrader's objects as exact text: floats keep their last bit, dicts and attributes their order, NaN its bits."""

from __future__ import annotations

import array
import datetime
import itertools
import re
import struct
from collections import deque
from collections.abc import Iterable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import backtrader as bt
import numpy as np
from backtrader.metabase import AutoInfoClass

__all__ = ["attributes", "say"]

PLAIN = frozenset({bool, int, str, type(None)})
NUMBERED = re.compile(r"_[0-9a-f]{32}$")  # Backtrader names some classes by chance
WORDS = (bool, int, str, bytes, type(None), datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo, itertools.count)
RECORDS = (bt.order.OrderData, bt.order.OrderExecutionBit, bt.Position, bt.Trade)
PARAMETRIC = (bt.CommInfoBase, bt.Sizer, bt.timer.Timer, bt.tradingcal.TradingCalendarBase)


def say(value: Any, within: tuple[int, ...] = ()) -> str:
    """Return `value` as text that differs whenever the value does. Feeds, strategies and brokers are told by name, not by content.

    Args:
        within: the ids of the objects that are being told already; they are only named again.
    """
    kind = type(value)
    if (kind is float and value == value) or kind in PLAIN:  # most of what there is to say
        return repr(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, WORDS):
        return repr(value)
    if isinstance(value, np.generic):
        return f"np.{type(value).__name__}({_number(float(value)) if isinstance(value, np.floating) else value.item()!r})"
    if id(value) in within:
        return f"<{type(value).__name__} again>"
    within = (*within, id(value))
    if isinstance(value, dict):
        return _mapping(value, within)
    if isinstance(value, list | tuple | deque | set | frozenset):
        return f"{type(value).__name__}[{_list(value, within)}]"
    if isinstance(value, bt.order.OrderBase):
        return _order(value, within)
    if isinstance(value, RECORDS):
        return f"{type(value).__name__}({attributes(value, within)})"
    if isinstance(value, PARAMETRIC):
        return f"{type(value).__name__}({say(dict(value.p._getkwargs()), within)} {attributes(value, within)})"
    return _name(value)


def attributes(owner: Any, within: tuple[int, ...] = ()) -> str:
    """Return the instance's own attributes in their order, but its parameters."""
    own = [(name, value) for name, value in vars(owner).items() if name not in ("p", "params")]
    return ", ".join([f"{name}={told}" for (name, _), told in zip(own, _each([value for _, value in own], within), strict=True)])


# `say` of each; that of most is written out here, as there are millions of them.
def _each(values: Iterable[Any], within: tuple[int, ...]) -> list[str]:
    return [repr(one) if (kind := type(one)) in PLAIN or (kind is float and one == one) else say(one, within) for one in values]


def _number(value: float) -> str:
    if value == value:
        return repr(float(value))
    return f"nan:{struct.pack('>d', value).hex()}"


def _list(values: Iterable[Any], within: tuple[int, ...]) -> str:
    told = _each(values, within)
    return ", ".join(sorted(told) if isinstance(values, set | frozenset) else told)


def _mapping(value: dict[Any, Any], within: tuple[int, ...]) -> str:
    body = ", ".join([f"{key}: {item}" for key, item in zip(_each(value, within), _each(value.values(), within), strict=True)])
    own = vars(value) if hasattr(value, "__dict__") else {}
    extra = "".join(f" {name}={say(item, within)}" for name, item in own.items() if not name.startswith("_OrderedDict"))
    return f"{type(value).__name__}{{{body}{extra}}}"


# Orders lead to each other (parents, OCO, histories of trades): each is told in full where it stands for itself, else by its number.
def _order(order: Any, within: tuple[int, ...]) -> str:
    if any(one in _TOLD for one in within[:-1]):
        return f"<order {order.ref} {order.status}>"
    _TOLD.add(id(order))
    try:
        return f"{type(order).__name__}({attributes(order, within)} terms={say(dict(order.p._getkwargs()), within)})"
    finally:
        _TOLD.discard(id(order))


_TOLD: set[int] = set()


def _name(value: Any) -> str:
    if isinstance(value, bt.AbstractDataBase):
        return f"<data {getattr(value, '_id', None)} {value._name}>"
    if isinstance(value, bt.Strategy):
        return f"<strategy {value._id} {type(value).__name__}>"
    if isinstance(value, bt.BrokerBase):
        return "<broker>"
    if isinstance(value, bt.Cerebro):
        return "<cerebro>"
    if isinstance(value, array.array):
        return f"<array {value.typecode} {len(value)}>"
    if isinstance(value, AutoInfoClass):
        return f"<{say(dict(value._getkwargs()))}>"
    if isinstance(value, type | FunctionType | BuiltinFunctionType):
        return f"<{value.__qualname__}>"
    if isinstance(value, MethodType):
        return f"<{type(value.__self__).__name__}.{value.__name__}>"
    return f"<{NUMBERED.sub('', type(value).__name__)}>"
