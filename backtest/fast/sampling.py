"""Feeds that are loaded bar by bar: loading, resampling and replaying in C for the time of a run, where it is sure to come out the same.

A feed of Backtrader's own ways gets methods of a `FastFeed` as attributes of its own, which hide those of its class. The Resamplers and
Replayers among its filters have their state in C then, and get it back at the end. Other filters are called as always; what a feed or a
resampler overrides, and time zones and calendars, leave it on Backtrader's own path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import time
from typing import Any

import backtrader as bt
import numpy as np
from backtrader.dataseries import _Bar
from backtrader.feed import DataClone
from backtrader.resamplerfilter import Replayer, Resampler, _BaseResampler

from ..feed import EventDrivenDataFeed
from .feeds import is_plain
from .load import columns_of
from .native import FastFeed
from .stock import overridden, shadowed

__all__ = ["Sampling"]

Data, PandasData = bt.feed.AbstractDataBase, bt.feeds.PandasData
INSTALLED = {
    "next": "next", "load": "load", "_check": "check", "_last": "last", "_tick_fill": "tick_fill", "forward": "forward",
    "backwards": "backwards", "rewind": "rewind",
}  # fmt: skip
LOADED = {"_load": "load_one"}
FEED = (
    "next", "load", "_last", "_tick_fill", "forward", "backwards", "rewind", "_fromstack", "_add2stack", "_save2stack", "_updatebar",
    "_tick_nullify", "buflen", "size", "itersize", "__len__", "getlinealiases", "_getlinealias", "__setattr__",
)  # fmt: skip
TIMES = ("_getnexteos", "num2date", "date2num")


class Sampling:
    """A `with` block in which feeds are loaded by `FastFeed`s. The lines of all feeds must be those of a run by then.

    A feed that the loop moves by itself (`is_plain`) only gets its `_load()`.

    Args:
        datas: the run's feeds, started. Asked before their classes are exchanged.
    """

    def __init__(self, datas: Sequence[Any]) -> None:
        zones = any(data._tz is not None for data in datas)  # a bar may be asked for in the time of any of the feeds
        self._plans = [_Plan(data, zones) for data in datas if _is_stock(data, datas)]
        self._feeds: list[tuple[Any, Any, dict[str, Any]]] = []

    def __enter__(self) -> None:
        try:
            self._install()
        except BaseException:
            self.__exit__()
            raise

    def _install(self) -> None:
        for plan in self._plans:
            if plan.source is None and plan.looped:
                continue
            data, feed = plan.data, plan.feed()
            names = LOADED if plan.looped else INSTALLED
            methods = {name: getattr(feed, method) for name, method in names.items()}
            if "_check" in methods and isinstance(data, EventDrivenDataFeed) and data.islive():
                methods["_check"] = _checking(feed)
            self._feeds.append((data, feed, methods))
            vars(data).update(methods)

    def __exit__(self, *error: object) -> None:
        for data, feed, methods in self._feeds:
            for name in methods:
                vars(data).pop(name, None)
            feed.store()
        self._feeds = []


class _Plan:
    def __init__(self, data: Any, zones: bool) -> None:
        self.data, self.source, self.looped = data, _source(data), is_plain(data)
        self._samplers = () if zones else _samplers(data)

    def feed(self) -> FastFeed:
        data, root = self.data, _root(self.data)
        lines = tuple(data.lines.lines)
        end = _microseconds(root.p.sessionend) if self._samplers else 0
        ends = (root.lines.lines[0], root.lines.datetime, end)
        dates = (data.fromdate, data.todate)
        return FastFeed(data, Data, lines, data.size(), _ticks(data), self._samplers, ends, dates, self.source)


# EventDrivenDataFeed._check of a live feed.
def _checking(feed: FastFeed) -> Callable[..., None]:
    def check(forcedata: Any = None) -> None:
        if forcedata is not None:
            feed.check(forcedata=forcedata)

    return check


def _root(data: Any) -> Any:
    while data._clone:
        data = data.data
    return data


def _is_stock(data: Any, datas: Sequence[Any]) -> bool:
    cls = type(data)
    if data._clone:
        if not any(data.data is one for one in datas) or overridden(cls, DataClone, ("_load", "advance")):
            return False
    elif cls.advance is not Data.advance:
        return False
    if cls._check is not (EventDrivenDataFeed if isinstance(data, EventDrivenDataFeed) else Data)._check:
        return False
    if overridden(cls, Data, FEED) or shadowed(data, (*FEED, "_check", "_load", "advance")):
        return False
    names = [alias for alias in data.getlinealiases() if isinstance(alias, str)]
    return not data._tzinput and names[:7] == list(Data.lines._getlines()) and len(names) == data.size() == len(data.lines.lines)


# Where the next bar comes from: see FastFeed. None: from the feed's `_load()`.
def _source(data: Any) -> tuple[Any, ...] | None:
    cls = type(data)
    if data._clone:
        return tuple(data.data.lines.lines)
    if isinstance(data, PandasData) and cls._load is PandasData._load:
        columns = columns_of(data)
        return None if columns is None else ("_idx", True, tuple(columns))
    if isinstance(data, EventDrivenDataFeed) and not data.p.live and not overridden(cls, EventDrivenDataFeed, ("_load", "columns")):
        return "_row", False, tuple(np.ascontiguousarray(column, np.float64) for column in data.columns())
    return None


def _ticks(data: Any) -> tuple[tuple[str, int], ...]:
    aliases = [(f"tick_{alias}", at) for at, alias in enumerate(data.getlinealiases()) if alias != "datetime"]
    return (*aliases, ("tick_last", 0))


def _samplers(data: Any) -> tuple[tuple[Any, ...], ...]:
    root = _root(data)
    end = root.p.sessionend
    if any(one._calendar is not None or overridden(type(one), Data, TIMES) or shadowed(one, TIMES) for one in (data, root)):
        return ()
    if type(end) is not time or end.tzinfo is not None:
        return ()
    return tuple(_settings(one) for one, _, _ in data._filters if _is_known(one, data))


def _is_known(sampler: Any, data: Any) -> bool:
    stock = next((cls for cls in (Resampler, Replayer) if isinstance(sampler, cls)), None)
    if stock is None:
        return False
    names = {name for cls in (_BaseResampler, stock) for name, value in vars(cls).items() if callable(value) and name != "params"}
    if overridden(type(sampler), stock, names | {"__setattr__", "__getattribute__"}) or shadowed(sampler, names):
        return False
    p = sampler.p
    whole = type(p.compression) is int and type(p.boundoff) is int and type(p.timeframe) is int
    fits = whole and p.compression >= 1 and p.boundoff >= 0 and p.timeframe in range(bt.TimeFrame.Ticks, bt.TimeFrame.NoTimeFrame)
    return fits and p.rightedge in (0, 1) and sampler.data is data and type(sampler.bar) is _Bar


def _settings(sampler: Any) -> tuple[Any, ...]:
    p = sampler.p
    flags = (
        type(sampler).replaying, p.bar2edge, p.rightedge, p.takelate, sampler.doadjusttime, sampler.subdays, sampler.subweeks,
        sampler.componly,
    )  # fmt: skip
    return (sampler, p.timeframe, p.compression, p.boundoff, *map(bool, flags))


def _microseconds(moment: time) -> int:
    return ((moment.hour * 60 + moment.minute) * 60 + moment.second) * 1_000_000 + moment.microsecond
