"""Yahoo's tables as bars without any adjustment, and its events as corporate actions.

Yahoo divides all prices, and the dividends, by the splits that came later, and multiplies volumes. That is undone here, so that what is
stored is what was traded, and `gcg_quant.adjustment` makes adjusted series of it as of any day.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gcg_quant.calendar import Calendar
from gcg_quant.enumerations import BarOrigin
from gcg_quant.events import Bar
from gcg_quant.periods import period_ns

from ..blank import RecordArray, blank, picked
from .corporate_actions import Action

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Split", "actions_of", "bars_of", "day_of_stamp", "later_splits", "rounded"]

_DIGITS, _PLACES, _PLACES_BELOW_1 = 7, 4, 6  # Yahoo's prices are of single precision


class Split(NamedTuple):
    """So many shares after the day for one before it."""

    ex_day: int
    ratio: float


def day_of_stamp(stamp: Any) -> int:
    """Return the day YYYYMMDD of a pandas timestamp, in its own time zone."""
    return int(stamp.year) * 10_000 + int(stamp.month) * 100 + int(stamp.day)


def later_splits(days: npt.NDArray[np.int64], splits: Sequence[Split]) -> npt.NDArray[np.float64]:
    """Return the product of the ratios of all splits later than each day."""
    product = np.ones(len(days))
    for split in splits:
        product[days < split.ex_day] *= split.ratio
    return product


def rounded(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return prices with seven significant digits, at most four decimals and at least two (six below 1): more is noise."""
    found = values.copy()
    whole = np.isfinite(values) & (values > 0)
    places = np.clip(_DIGITS - 1 - np.floor(np.log10(values[whole])), 2, _PLACES).astype(int)
    places[values[whole] < 1] = _PLACES_BELOW_1
    found[whole] = [round(value, place) for value, place in zip(values[whole].tolist(), places.tolist(), strict=True)]
    return found


def actions_of(dividends: pd.Series[float], splits: pd.Series[float], currency: str) -> tuple[list[Action], list[Split]]:
    """Return the actions of a share in order of their days, dividends as they were paid; and its splits.

    Args:
        dividends: Yahoo's, divided by later splits, by their ex-days.
        splits: ratios by their ex-days.
        currency: of the dividends.
    """
    own = [Split(day_of_stamp(day), float(ratio)) for day, ratio in splits.items() if ratio > 0 and ratio != 1]
    found = [Action("split", split.ex_day, ratio=split.ratio) for split in own]
    paid = [(day_of_stamp(day), float(amount)) for day, amount in dividends.items() if amount > 0]
    factors = later_splits(np.array([day for day, _ in paid], np.int64), own)
    for (day, amount), factor in zip(paid, factors.tolist(), strict=True):
        found.append(Action("dividend", day, amount=round(amount * factor, 6), currency=currency))
    return sorted(found, key=lambda action: (action.ex_day, action.kind)), own


def bars_of(table: pd.DataFrame, what: str, number: int, splits: Sequence[Split], calendar: str, recv_ns: int) -> tuple[RecordArray, int]:
    """Return the finished bars of a table of yfinance's (auto_adjust=False), and how many rows make none; rows without prices do not count.

    Args:
        table: its index holds the beginnings in the exchange's time zone.
        what: the period.
        number: of the instrument on the bus.
        splits: all splits of the share.
        calendar: of the instrument.
        recv_ns: when it was asked for.
    """
    days = np.array([day_of_stamp(stamp) for stamp in table.index], np.int64)
    factors = later_splits(days, splits)
    rows = blank(Bar, len(days))
    if what == "1d":
        rows["start_ns"], rows["event_ns"] = np.array([Calendar(calendar).bounds(int(day)) for day in days], np.int64).reshape(-1, 2).T
    else:
        rows["start_ns"] = table.index.as_unit("ns").asi8  # type: ignore[attr-defined]
        rows["event_ns"] = rows["start_ns"] + period_ns(what)
    rows["recv_ns"], rows["instrument"], rows["trading_day"] = recv_ns, number, days
    rows["period"], rows["origin"] = what.encode(), int(BarOrigin.VENUE)
    for name in ("Open", "High", "Low", "Close"):
        rows[name.lower()] = rounded(table[name].to_numpy(np.float64) * factors)
    rows["volume"] = np.round(table["Volume"].to_numpy(np.float64) / factors)
    opened, high, low, close = (rows[name] for name in ("open", "high", "low", "close"))
    there = np.isfinite(opened) & np.isfinite(close)
    sound = there & (low > 0) & (low <= np.minimum(opened, close)) & (high >= np.maximum(opened, close)) & ~(rows["volume"] < 0)
    finished = picked(rows, np.flatnonzero(sound & (rows["event_ns"] <= recv_ns)))
    order = np.argsort(finished["event_ns"], kind="stable")
    last = np.append(np.diff(finished["event_ns"][order]) > 0, True)[: len(order)]
    return picked(finished, order[last]), int(there.sum() - sound.sum())
