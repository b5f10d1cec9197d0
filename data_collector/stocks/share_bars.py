"""Rows of a table of bars to arrays of Bar: the same for every source of Chinese shares, each value as it was served."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gcg_quant.bar_grid import BarGrid
from gcg_quant.calendar import Calendar
from gcg_quant.clock import NS_PER_HOUR, day_start
from gcg_quant.events import Bar, BarOrigin
from gcg_quant.periods import period_ns

from ..blank import RecordArray, blank, picked
from .share_terms import CALENDAR

__all__ = ["BarRows", "bars_of", "number_of", "numbers_of"]

ZONE = "Asia/Shanghai"
Floats = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]


class BarRows(NamedTuple):
    """The bars of a table in the order of their times, and how many of its rows are none."""

    bars: RecordArray
    refused: int


def number_of(cell: object) -> float:
    """Return a cell's number; NaN for what is none ("", "-", "----", None)."""
    if isinstance(cell, int | float):
        return float(cell)
    try:
        return float(str(cell))
    except ValueError:
        return float("nan")


def numbers_of(cells: Sequence[object]) -> Floats:
    """Return the numbers of a column's cells."""
    try:
        return np.array(cells, np.float64)
    except (ValueError, TypeError):
        return np.array([number_of(cell) for cell in cells], np.float64)


def bars_of(
    period: str,
    days: Int64s,
    ends: Int64s | None,
    prices: dict[str, Floats],
    volume: Floats,
    turnover: Floats,
    recv_ns: int,
    *,
    wanted: npt.NDArray[np.bool_] | None = None,
) -> BarRows:
    """Return the bars of many rows; of two rows with the same time the later one counts.

    Args:
        period: "1m" to "1h", "1d", "1w".
        days: the trading day YYYYMMDD of each row; of a week any of its days.
        ends: when each bar ends, for periods within the day; None for longer ones, whose bounds are those of the days.
        prices: "open", "high", "low", "close".
        volume: in shares.
        turnover: in yuan.
        recv_ns: our clock.
        wanted: rows that are meant to be bars; the others are not counted as refused.
    """
    rows = blank(Bar, len(days))
    if ends is None and period == "1d":  # also of a day that our calendar takes for a holiday
        bounds = [Calendar(CALENDAR).bounds(int(day)) for day in days]
        rows["start_ns"], rows["event_ns"] = np.array(bounds, np.int64).reshape(-1, 2).T
    elif ends is None:
        noons = np.array([day_start(int(day), ZONE) for day in days], np.int64) + 12 * NS_PER_HOUR
        found = BarGrid(period, Calendar(CALENDAR)).many(noons)
        rows["start_ns"], rows["event_ns"] = found.start_ns, found.end_ns
    else:
        rows["start_ns"], rows["event_ns"] = ends - period_ns(period), ends
    rows["trading_day"], rows["period"], rows["recv_ns"] = days, period.encode(), recv_ns
    rows["origin"] = BarOrigin.VENUE
    for name, values in prices.items():
        rows[name] = values
    rows["volume"], rows["turnover"] = volume, turnover
    asked = np.ones(len(days), bool) if wanted is None else wanted
    sound = asked & _are_bars(rows)
    kept = picked(rows, np.flatnonzero(sound))
    order = np.argsort(kept["event_ns"], kind="stable")
    last = np.append(np.diff(kept["event_ns"][order]) > 0, True)[: len(order)]
    return BarRows(picked(kept, order[last]), int(asked.sum() - sound.sum()))


def _are_bars(rows: RecordArray) -> npt.NDArray[np.bool_]:
    opened, high, low, close = (rows[name] for name in ("open", "high", "low", "close"))
    ordered = (low <= np.minimum(opened, close)) & (high >= np.maximum(opened, close))  # False beside a NaN
    sound: npt.NDArray[np.bool_] = ordered & (low > 0) & np.isfinite(high) & ~(rows["volume"] < 0) & ~(rows["turnover"] < 0)
    return sound
