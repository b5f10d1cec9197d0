"""Which rows of an array of records may be published."""

from __future__ import annotations

from typing import Any

import numpy as np

from gcg_quant.events import Bar, BookDelta, Depth, Tick, TradeTick

from ..blank import RecordArray

__all__ = ["plausible_rows"]

_Mask = np.ndarray[Any, np.dtype[np.bool_]]


def plausible_rows(array: RecordArray) -> tuple[_Mask | None, dict[str, int]]:
    """Return a mask of the rows that make sense (None: all), and how many do not, by what is wrong with them."""
    good: _Mask | None = None
    refused: dict[str, int] = {}
    for kind, bad in (*_faults(array), ("out of order", None)):
        if bad is None:
            bad = _late(array, good)
        if bad is None or not bad.any():
            continue
        good = np.ones(len(array), bool) if good is None else good
        refused[kind] = int(np.count_nonzero(bad & good))
        good &= ~bad
    return good, {kind: count for kind, count in refused.items() if count}


def _faults(array: RecordArray) -> list[tuple[str, _Mask]]:
    # A comparison with NaN is false: what is absent is refused as empty, where it must not be.
    dtype = array.dtype
    if dtype == TradeTick.dtype or dtype == BookDelta.dtype:
        price = array["price"]
        return [("empty", np.isnan(price)), ("negative", (price <= 0) | (array["size"] < 0))]
    if dtype == Tick.dtype:
        last, bid, ask = array["last_price"], array["bid_price"], array["ask_price"]
        return [
            ("empty", np.isnan(last) & np.isnan(bid) & np.isnan(ask)),
            ("negative", (last <= 0) | (bid < 0) | (ask < 0) | (array["volume"] < 0)),
            ("crossed", bid > ask),
        ]
    if dtype == Depth.dtype:
        bid, ask = array["bid_prices"][:, 0], array["ask_prices"][:, 0]
        return [("empty", np.isnan(bid) & np.isnan(ask)), ("negative", (bid <= 0) | (ask <= 0)), ("crossed", bid > ask)]
    if dtype == Bar.dtype:
        prices = np.stack([array[name] for name in ("open", "high", "low", "close")])
        lowest, highest = prices.min(axis=0), prices.max(axis=0)
        return [
            ("empty", np.isnan(prices).any(axis=0)),
            ("negative", (lowest <= 0) | (array["volume"] < 0)),
            ("crossed", (array["high"] < highest) | (array["low"] > lowest)),
        ]
    return []


def _late(array: RecordArray, good: _Mask | None) -> _Mask | None:
    # Rows whose time is before that of an earlier row of their instrument.
    times, numbers = array["event_ns"], array["instrument"]
    if len(array) < 2 or not (times[1:] < times[:-1]).any():
        return None
    late = np.zeros(len(array), bool)
    usable = np.ones(len(array), bool) if good is None else good
    for number in np.unique(numbers):
        mine = np.flatnonzero((numbers == number) & usable)
        late[mine] = times[mine] < np.maximum.accumulate(times[mine])
    return late
