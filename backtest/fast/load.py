"""Loads a `bt.feeds.PandasData` as a whole: the same values to the last bit, without a million calls."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from .native import fast_days
from .stock import overridden, shadowed

__all__ = ["BulkLoading", "columns_of"]

PandasData = bt.feeds.PandasData
METHODS = ("_load", "load", "preload", "_last", "home", "forward", "_fromstack", "_start", "start")


class BulkLoading:
    """A `with` block in which the preloading of frames takes the short way, where it is sure to come out the same."""

    def __init__(self, datas: list[Any]) -> None:
        self._datas = [data for data in datas if isinstance(data, PandasData) and _is_plain(data)]

    def __enter__(self) -> None:
        for data in self._datas:
            data.preload = _Preload(data)

    def __exit__(self, *error: object) -> None:
        for data in self._datas:
            if isinstance(vars(data).get("preload"), _Preload):
                del data.preload


class _Preload:
    def __init__(self, data: Any) -> None:
        self._data = data

    def __call__(self) -> None:
        data = self._data
        columns = columns_of(data)
        if columns is None:
            PandasData.preload(data)
            return
        for line, column in zip(data.lines.lines, columns, strict=True):
            line.array.frombytes(column.view(np.uint8))
        data._idx = len(data.p.dataname)
        data._last()
        data.home()


def _is_plain(data: Any) -> bool:
    return not (overridden(type(data), PandasData, METHODS) or shadowed(data, METHODS) or data._filters or data.p.fromdate or data.p.todate)


def columns_of(data: Any) -> list[NDArray[np.float64]] | None:
    """Return the columns of a started `PandasData` in the order of its lines, times in Backtrader's days.

    None where Backtrader's way has to be gone (it may raise, warn, or know more).
    """
    frame = data.p.dataname
    if not len(frame) or data._tzinput or data._barstack or data._barstash or data.lines.extrasize():
        return None
    if any(line.extension or line.mode or len(line.array) for line in data.lines.lines):
        return None
    columns = []
    for alias in data.getlinealiases():
        place = data._colmapping[alias]
        if alias == "datetime":
            column = _days(frame.index if place is None else frame.iloc[:, place])
        elif place is None:
            column = np.full(len(frame), np.nan)
        else:
            column = _numbers(frame.iloc[:, place])
        if column is None:
            return None
        columns.append(column)
    return columns


def _numbers(column: Any) -> NDArray[np.float64] | None:
    kind = column.dtype
    if not isinstance(kind, np.dtype) or kind.kind not in "fiu" or kind.itemsize > 8:
        return None
    return np.ascontiguousarray(column.to_numpy(), dtype=np.float64)


# date2num of each stamp's to_pydatetime(), which cuts what is below a microsecond and warns of it.
def _days(stamps: Any) -> NDArray[np.float64] | None:
    if not isinstance(stamps.dtype, np.dtype) or stamps.dtype.kind != "M" or stamps.isna().any():
        return None
    times = stamps.to_numpy()
    whole = times.astype("datetime64[us]")
    if (whole.astype(times.dtype) != times).any():
        return None
    days = np.empty(len(times), np.float64)
    fast_days(np.ascontiguousarray(whole.astype(np.int64)), days)
    return days
