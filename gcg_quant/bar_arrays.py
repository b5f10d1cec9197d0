"""Bars from arrays: of shorter bars, of ticks or of trades, all at once; equal to a `BarAggregator` that takes them one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gcg_quant import _native
from gcg_quant.bar_grid import BarGrid
from gcg_quant.calendar import Calendar
from gcg_quant.errors import EventError
from gcg_quant.events import Bar, BarBasis, Tick, TradeTick, record_rows
from gcg_quant.history import RecordArray
from gcg_quant.periods import period_ns

__all__ = ["aggregate", "prices_of", "resample"]

Floats = npt.NDArray[np.float64]
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
    return _made(kind, rows, rows["event_ns"], BarGrid(period, calendar), basis)


def resample(bars: RecordArray, period: str, calendar: Calendar | None = None) -> RecordArray:
    """Return bars of a longer period made of an array of bars: of one instrument and basis, sorted by start_ns.

    The last one may be unfinished. Rows without prices are passed over. Equal to feeding a BarAggregator one by one; where one row
    completes a bar and another of its interval follows (behind a session's close), to the bar's last revision.
    Raises EventError for rows that are no bars, not sorted, of several bases, or longer than `period`.
    """
    found = record_rows(bars)
    if found is None or found[0] is not Bar:
        raise EventError("resample() takes an array of bars (Bar.dtype); for ticks and trades there is aggregate().")
    bars = found[1]
    _check_bars(bars, period)
    basis = BarBasis(int(bars["basis"][0])) if len(bars) else BarBasis.LAST
    made = _made(Bar, bars, bars["start_ns"], BarGrid(period, calendar), basis)
    last = np.append(made["start_ns"][1:] != made["start_ns"][:-1], True)[: len(made)]  # of several revisions
    if not last.all():
        made = made.view(f"V{made.itemsize}")[last].view(Bar.dtype)  # as bytes: NumPy copies no padding
    made["revision"] = 0
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


def _made(kind: type[Any], rows: RecordArray, times: npt.NDArray[np.int64], grid: BarGrid, basis: BarBasis) -> RecordArray:
    if not len(rows):
        return np.empty(0, Bar.dtype)
    native = grid.native(int(times.min()), int(times.max()))
    maker = _native.BarMaker(grid.period, native, int(basis), int(rows["instrument"][0]), kind is Bar)
    finished = bytearray(maker.update_rows(kind, rows))  # one that can be written to
    last = maker.current
    if last is not None:
        finished += memoryview(last)
    made: RecordArray = np.frombuffer(finished, Bar.dtype)
    return made


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
