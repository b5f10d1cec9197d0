"""The feeds of a run that goes bar by bar, as the loop in C reads them."""

from __future__ import annotations

from math import inf
from typing import Any

import backtrader as bt
from backtrader.linebuffer import LineBuffer
from backtrader.lineseries import Lines

from ..feed import EventDrivenDataFeed
from ..streaming.bar_rows import VALUES
from .graph import lines_of
from .program import has_stock_length, moves_like_stock
from .stock import overridden, shadowed

__all__ = ["feed_row", "is_plain"]

Data = bt.feed.AbstractDataBase
BAR = ("next", "load", "advance", "rewind", "backwards", "_fromstack", "buflen", "_tick_nullify", "__len__", "forward")
LIVE_ROWS = ("_load", "_put", "haslivedata", "__getattribute__")
MOVES = ("rewind", "backwards", "advance", "buflen", "__len__", "forward", "home")


def is_plain(data: Any) -> bool:
    """Return whether all that a feed does at a bar is Backtrader's own, but for `_load()`, and no filter has a part in it."""
    if overridden(type(data), Data, BAR) or shadowed(data, BAR) or data._filters or data._tzinput:
        return False
    if overridden(type(data.lines), Lines, MOVES) or not has_stock_length(data) or not moves_like_stock(data):
        return False
    return not any(overridden(type(line), LineBuffer, MOVES) or shadowed(line, MOVES) for line in lines_of(data))


def feed_row(data: Any, clock: Any) -> tuple[Any, ...]:
    """Return a feed as `fast_run_next` reads it. To be asked while everything has its own class.

    What is not Backtrader's own is called: then its place is empty or True.
    """
    plain = is_plain(data)
    mine = vars(data)
    return (
        data,
        mine,
        clock,
        tuple(lines_of(data)),
        data.lines.datetime,
        _ticks(data) if _is_stock(data, "_tick_fill") else (),
        data._filters if plain else None,
        data._barstack,
        data._barstash,
        data.notifs if _is_stock(data, "get_notifications") else None,
        data.p if _is_stock(data, "do_qcheck") else None,
        _waiting(data),
        float(getattr(data, "fromdate", -inf)),
        float(getattr(data, "todate", inf)),
        not plain or not _is_stock(data, "_check"),
        not _is_stock(data, "haslivedata"),
        not _is_stock(data, "num2date") or data._tz is not None,
        bool(data.resampling and not data.replaying),
        bool(data.replaying),
        bool(data._clone),
    )


def _is_stock(data: Any, name: str) -> bool:
    return getattr(type(data), name) is getattr(Data, name) and name not in vars(data)


# What a live feed of ours delivers next, if it says so in no other way than ours.
def _waiting(data: Any) -> tuple[Any, ...] | None:
    if not isinstance(data, EventDrivenDataFeed):
        return None
    if overridden(type(data), EventDrivenDataFeed, LIVE_ROWS) or shadowed(data, LIVE_ROWS):
        return None
    return data._waiting, tuple(getattr(data.lines, alias) for alias in VALUES), data.LIVE


# What `_tick_fill(force=True)` writes, in its order.
def _ticks(data: Any) -> tuple[tuple[str, Any], ...]:
    lines = [(f"tick_{alias}", getattr(data.lines, alias)) for alias in data.getlinealiases() if alias != "datetime"]
    lines.append(("tick_last", getattr(data.lines, data._getlinealias(0))))
    plain = all(type(line).__getitem__ is LineBuffer.__getitem__ for _, line in lines)
    return tuple(lines) if plain else ()
