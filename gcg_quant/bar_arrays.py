"""Bars from arrays: of shorter bars, of ticks or of trades, all at once; equal to a `BarAggregator` that takes them one by one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from gcg_quant.bar_grid import BarGrid, Intervals
from gcg_quant.calendar import Calendar
from gcg_quant.errors import EventError
from gcg_quant.events import Bar, BarBasis, BarOrigin, Quality, Tick, TradeTick, VolumeKind, record_rows
from gcg_quant.history import RecordArray
from gcg_quant.periods import period_ns
from gcg_quant.traded import traded_parts

__all__ = ["aggregate", "prices_of", "resample"]

NAN = math.nan
Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
_TAKEN: dict[type[Any], tuple[str, ...]] = {
    Tick: ("volume_kind", "volume", "turnover", "open_interest"),
    TradeTick: ("size", "turnover"),
}
_PRICES = {BarBasis.LAST: "last_price", BarBasis.BID: "bid_price", BarBasis.ASK: "ask_price"}


def aggregate(rows: RecordArray, period: str, basis: BarBasis = BarBasis.LAST, calendar: Calendar | None = None) -> RecordArray:
    """Return the bars of an array of ticks or trades of one instrument, in the order in which they came.

    The last one may be unfinished. The bars are those of a `BarAggregator` that gets the rows one by one; late ones are dropped.
    Raises EventError for rows of several instruments or of another kind.
    """
    found = record_rows(rows)
    if found is None or found[0] not in (Tick, TradeTick):
        raise EventError("Bars are made of an array of ticks or of trades (Tick.dtype, TradeTick.dtype); for bars there is resample().")
    kind, rows = found
    _check_one(rows, "instrument", "make bars of")
    if kind is TradeTick and basis != BarBasis.LAST:
        return np.empty(0, Bar.dtype)
    prices = prices_of(rows, basis)
    good = ~np.isnan(prices) & (rows["quality"] == int(Quality.NORMAL))
    intervals = BarGrid(period, calendar).many(rows["event_ns"])
    # Of what belongs to an interval, that is late which comes behind something of a later one.
    starts = np.where(good & intervals.inside, intervals.start_ns, np.iinfo(np.int64).min)
    counts = good & intervals.inside & (starts == np.maximum.accumulate(starts))
    if not counts.any():
        return np.empty(0, Bar.dtype)
    # Rows are wide: their columns are picked, never the rows.
    chosen: Any = slice(None) if counts.all() else counts
    ticks = {name: rows[name][chosen] for name in ("event_ns", "trading_day", *_TAKEN[kind])}
    prices, instruments = prices[chosen], rows["instrument"][chosen]
    intervals = intervals if counts.all() else intervals.picked(counts)
    newest = ticks["event_ns"] == np.maximum.accumulate(ticks["event_ns"])
    groups = _Groups(intervals.start_ns)
    made = _begun(instruments, groups, intervals, period, basis)
    made["open"], made["close"] = prices[groups.first], groups.last_known(np.where(newest, prices, NAN))
    made["high"], made["low"] = np.maximum.reduceat(prices, groups.first), np.minimum.reduceat(prices, groups.first)
    made["count"] = groups.sizes
    volumes, turnovers = _amounts(ticks, basis, newest, intervals.whole)
    made["volume"], made["turnover"] = groups.sums(volumes), groups.sums(turnovers)
    made["open_interest"] = groups.last_known(np.where(newest, ticks["open_interest"], NAN)) if kind is Tick else NAN
    sizes = {BarBasis.BID: "bid_size", BarBasis.ASK: "ask_size"}.get(basis) if kind is Tick else None
    made["quote_size"] = NAN if sizes is None else groups.last_known(np.where(newest, rows[sizes][chosen], NAN))
    made["trading_day"] = _days(ticks["trading_day"], groups, intervals, newest)
    return made


def resample(bars: RecordArray, period: str, calendar: Calendar | None = None) -> RecordArray:
    """Return bars of a longer period made of an array of bars: of one instrument and basis, sorted by start_ns.

    The last one may be unfinished. Rows without prices are passed over. Equal to feeding a BarAggregator one by one; where one row
    completes a bar and another of its interval follows (behind a session's close), to the bar's last revision.
    Raises EventError for bars that are not sorted, of several bases, or longer than `period`.
    """
    _check_bars(bars, period)
    rows = bars[~np.isnan(bars["open"] + bars["high"] + bars["low"] + bars["close"])]
    intervals = BarGrid(period, calendar).many(rows["start_ns"], rows["event_ns"])
    rows = rows[intervals.inside]
    if not len(rows):
        return np.empty(0, Bar.dtype)
    intervals = intervals.picked(intervals.inside)
    groups = _Groups(intervals.start_ns)
    made = _begun(rows["instrument"], groups, intervals, period, BarBasis(int(rows["basis"][0])))
    made["open"], made["close"] = rows["open"][groups.first], rows["close"][groups.last]
    made["high"], made["low"] = np.maximum.reduceat(rows["high"], groups.first), np.minimum.reduceat(rows["low"], groups.first)
    for field in ("volume", "turnover"):
        made[field] = groups.sums(rows[field])
    for field in ("open_interest", "quote_size"):
        made[field] = groups.last_known(rows[field])
    counts = rows["count"]
    made["count"] = np.where(np.minimum.reduceat(counts, groups.first) < 0, -1, np.add.reduceat(counts, groups.first))
    made["trading_day"] = _days(rows["trading_day"], groups, intervals, np.ones(len(rows), bool))
    return made


def prices_of(rows: RecordArray, basis: BarBasis) -> Floats:
    """Return the prices of trades, or those of a basis of ticks; NaN where there is none."""
    if "price" in (rows.dtype.names or ()):
        prices: Floats = rows["price"]
    elif basis == BarBasis.MID:
        prices = (rows["bid_price"] + rows["ask_price"]) / 2
    else:
        prices = rows[_PRICES[basis]]
    return prices


class _Groups:
    # Rows beside each other that make one bar.

    def __init__(self, starts: npt.NDArray[np.int64]) -> None:
        self.first: Rows = np.flatnonzero(np.append(True, starts[1:] != starts[:-1]))
        self.sizes: Rows = np.diff(np.append(self.first, len(starts)))
        self.last: Rows = self.first + self.sizes - 1
        self._of_row: Rows = np.repeat(np.arange(len(self.first)), self.sizes)

    def sums(self, values: Floats) -> Floats:
        # bincount adds in order, as the incremental aggregator does; reduceat would add pairwise and differ in the last bit.
        known = ~np.isnan(values)
        groups = self._of_row[known]
        sums = np.bincount(groups, weights=values[known], minlength=len(self.first))
        return np.where(np.bincount(groups, minlength=len(self.first)) > 0, sums, NAN)

    def last_known(self, values: Floats) -> Floats:
        found = np.full(len(self.first), NAN)
        known = ~np.isnan(values)
        found[self._of_row[known]] = values[known]  # of several values for one group the last one stays
        return found


def _begun(instruments: npt.NDArray[Any], groups: _Groups, intervals: Intervals, period: str, basis: BarBasis) -> RecordArray:
    made = np.zeros(len(groups.first), Bar.dtype)
    made["start_ns"], made["event_ns"] = intervals.start_ns[groups.first], intervals.end_ns[groups.first]
    made["instrument"] = instruments[groups.first]
    made["period"] = period.encode()
    made["basis"] = basis
    made["origin"] = BarOrigin.AGGREGATED
    return made


def _amounts(
    ticks: dict[str, npt.NDArray[Any]], basis: BarBasis, newest: npt.NDArray[np.bool_], whole: npt.NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    if "size" in ticks:
        return ticks["size"], ticks["turnover"]
    volumes, turnovers = np.full(len(newest), NAN), np.full(len(newest), NAN)
    if basis == BarBasis.LAST:
        told = newest | (ticks["volume_kind"] == VolumeKind.SINGLE)  # an older total says nothing
        kinds, days = ticks["volume_kind"][told], ticks["trading_day"][told]
        volumes[told], turnovers[told] = traded_parts(kinds, ticks["volume"][told], ticks["turnover"][told], days, whole[told])
    return volumes, turnovers


def _days(days: npt.NDArray[Any], groups: _Groups, intervals: Intervals, newest: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    told = groups.last_known(np.where(newest & (days != 0), days, NAN))
    return np.where(np.isnan(told), intervals.trading_day[groups.first], np.nan_to_num(told)).astype(np.int64)


def _check_bars(bars: RecordArray, period: str) -> None:
    backwards = np.flatnonzero(bars["start_ns"][1:] < bars["start_ns"][:-1])
    if len(backwards):
        raise EventError(f"Bars to resample must be sorted by start_ns; row {int(backwards[0]) + 1} goes back.", row=int(backwards[0]) + 1)
    for field in ("basis", "instrument"):
        _check_one(bars, field, "resample")
    for source in np.unique(bars["period"]):
        if period_ns(bytes(source).decode()) > period_ns(period):
            raise EventError(f"A bar of {bytes(source).decode()} cannot be part of a bar of {period}.", period=period)


def _check_one(rows: RecordArray, field: str, what: str) -> None:
    if len(rows) and bool((rows[field] != rows[field][0]).any()):
        subject = "Bars" if what == "resample" else "Ticks"
        raise EventError(f"{subject} to {what} must be of one {field}; split the array first.", field=field)
