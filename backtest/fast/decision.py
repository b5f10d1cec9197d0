"""Whether a run may take the fast path. Asked before anything is touched; the answer is a reason against it, or nothing."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import backtrader as bt
from backtrader.feed import DataClone
from backtrader.linebuffer import LineActions, LineBuffer

from ..broker import EventDrivenBroker
from ..preset_broker import PresetBroker
from .graph import indicators_of, lines_of, nodes_of, observers_of, unclear_clock
from .stock import overridden, shadowed

__all__ = ["is_known_broker", "reason_against", "reason_bar_by_bar"]

BackBroker, Data = bt.brokers.BackBroker, bt.feed.AbstractDataBase
NODE = ("advance", "forward", "home", "__len__")
MOVES = (*NODE, "_once", "reset", "rewind", "array")
FEED = (*MOVES, "advance_peek", "_tick_fill", "_tick_nullify", "__getitem__", "buflen", "num2date", "date2num")
STRATEGY = (
    *MOVES, "_oncepost", "_oncepost_open", "_notify", "_addnotification", "clear", "_getminperstatus", "_next_analyzers", "_next_observers",
    "__getitem__",
)  # fmt: skip


def reason_against(cerebro: Any, strategies: Sequence[Any], hooks: tuple[type, tuple[str, ...]]) -> str:
    """Return why a preloaded run must take Backtrader's own path, as one sentence, or "".

    Args:
        cerebro: the running one.
        strategies: its strategies, made and started.
        hooks: the class that knows the fast path, and those of its methods that the path stands in for.
    """
    reason = (
        _of_cerebro(cerebro, hooks)
        or ("there is no strategy" if not strategies else "")
        or _of_broker(cerebro._broker)
        or next(filter(None, map(_of_feed, cerebro.datas)), "")
        or next(filter(None, (_of_strategy(one, cerebro.datas) for one in strategies)), "")
        or unclear_clock(strategies, cerebro.datas)
        or _of_lines(strategies, cerebro.datas)
    )
    return f"Backtrader's own path was taken: {reason}." if reason else ""


def reason_bar_by_bar(cerebro: Any, strategies: Sequence[Any], hooks: tuple[type, tuple[str, ...]]) -> str:
    """Return why a run that goes bar by bar must do so on Backtrader's own lines, as one sentence, or "". Arguments as above."""
    reason = _of_cerebro(cerebro, hooks) or ("there is no strategy" if not strategies else "") or _of_lines(strategies, cerebro.datas)
    return f"Backtrader's own path was taken: {reason}." if reason else ""


def is_known_broker(broker: Any) -> bool:
    """Return whether the fast path may do a broker's part of a run, where it begins."""
    return not _of_broker(broker)


def _of_cerebro(cerebro: Any, hooks: tuple[type, tuple[str, ...]]) -> str:
    p = cerebro.p
    facts = {
        "lookahead is set": p.lookahead,
        "exactbars is on": cerebro._exactbars,
        "there is an order history": cerebro._ohistory,
        "there is a fund history": cerebro._fhistory is not None,
    }
    found = next((text for text, fact in facts.items() if fact), "")
    if found:
        return found
    name = overridden(type(cerebro), *hooks) or shadowed(cerebro, hooks[1])
    return f"{type(cerebro).__name__} overrides {name}()" if name else ""


def _of_broker(broker: Any) -> str:
    cls = type(broker)
    if cls not in (BackBroker, EventDrivenBroker, PresetBroker):
        return f"the broker is a {cls.__name__}"
    if cls is PresetBroker and any(broker.getcommissioninfo(data) is not broker.comminfo[data._name] for data in broker.cerebro.datas):
        return "two feeds of the preset broker have one name"
    if getattr(broker, "_route", None) is not None:
        return "the orders go to the trading engine"
    own = next((name for name, value in vars(broker).items() if callable(value) and hasattr(cls, name)), "")
    if own:
        return f"the broker's {own}() was replaced"
    if broker._userhist or broker._fundhist:
        return "the broker has an order or fund history"
    if any(position.size for position in broker.positions.values()):
        return "the run begins with open positions"
    if broker.pending or broker.submitted or broker.notifs or broker._toactivate:
        return "the run begins with open orders"
    return ""


def _of_feed(data: Any) -> str:
    name = overridden(type(data), DataClone if isinstance(data, DataClone) else Data, FEED) or shadowed(data, FEED)
    if name:
        return f"the feed {type(data).__name__} overrides {name}"
    if data.replaying:
        return f"the feed {data._name or type(data).__name__} is made of another one"
    return "" if len(data.lines.datetime.array) else f"the feed {data._name or type(data).__name__} is empty"


def _of_strategy(strategy: Any, datas: Sequence[Any]) -> str:
    cls = type(strategy)
    stock = bt.SignalStrategy if issubclass(cls, bt.SignalStrategy) else bt.Strategy
    name = overridden(cls, stock, STRATEGY) or shadowed(strategy, STRATEGY)
    if name:
        return f"{cls.__name__} overrides {name}"
    if [id(data) for data in strategy.datas] != [id(data) for data in datas]:
        return f"{cls.__name__} has other feeds than the run"
    if strategy.broker is not strategy.cerebro._broker:
        return f"{cls.__name__} has a broker of its own"
    for node in indicators_of(strategy):
        name = overridden(type(node), LineActions if isinstance(node, LineActions) else bt.Indicator, NODE) or shadowed(node, NODE)
        if name:
            return f"the indicator {type(node).__name__} overrides {name}"
    for node in observers_of(strategy):
        name = overridden(type(node), bt.Observer, NODE) or shadowed(node, NODE)
        if name:
            return f"the observer {type(node).__name__} overrides {name}"
    return ""


def _of_lines(strategies: Sequence[Any], datas: Sequence[Any]) -> str:
    for node in nodes_of(strategies, datas):
        cls = type(node)
        if overridden(cls, object, ("__getattribute__",)):
            return f"{cls.__name__} overrides __getattribute__"
        if any("__init_subclass__" in vars(base) for base in cls.__mro__[:-1]):
            return f"{cls.__name__} has an __init_subclass__"
        for line in lines_of(node):
            if not isinstance(line, LineBuffer) or line.mode != LineBuffer.UnBounded or line.extension:
                return f"a line of {cls.__name__} keeps a part of its values only"
            if type(line.array) is not array or line.array.typecode != "d":
                return f"a line of {cls.__name__} keeps its values in no array of floats"
            if overridden(type(line), LineBuffer, ("idx", "get_idx", "set_idx")):
                return f"a line of {cls.__name__} has a position of its own"
    return ""
