"""Rows to bars: a trade bar becomes one Bar, a quote bar one for each side that has a price."""

from __future__ import annotations

import numpy as np

from gcg_quant.events import Bar, BarBasis
from gcg_quant.periods import period_ns

from ..blank import RecordArray, blank, picked
from .built import Built
from .cells import BoolArray, FloatArray
from .import_plan import ImportPlan
from .import_report import ImportReport
from .row_times import RowTimes
from .sheet import Sheet

__all__ = ["BarRows"]

_PARTS = ("open", "high", "low", "close")
_NOT_POSITIVE = "a price is zero or negative (see the option allow_nonpositive)"


class BarRows:
    """Builds the bars of sheets of kind "bars", "quote_bars"."""

    def __init__(self, plan: ImportPlan, times: RowTimes, report: ImportReport) -> None:
        self._plan = plan
        self._times = times
        self._report = report
        self._length_ns = period_ns(plan.period)

    def build(self, sheet: Sheet) -> Built:
        """Return the bars of all rows; rows that make no bar are refused in `sheet`."""
        starts, ends, days = self._times.intervals(sheet, self._length_ns, self._plan.stamp)
        if sheet.has("trading_day"):
            days = sheet.day("trading_day")
        records = self._trades(sheet) if self._plan.kind == "bars" else self._quotes(sheet)
        rows = np.repeat(np.arange(len(sheet)), len(records) // max(len(sheet), 1))
        records["start_ns"], records["event_ns"] = starts[rows], ends[rows]
        records["trading_day"], records["period"] = days[rows], self._plan.period.encode()
        present = ~np.isnan(records["open"])
        records, rows = picked(records, present), rows[present]
        return Built(records=records, rows=rows, order_ns=starts, series=records["basis"].astype(np.int64))

    def _trades(self, sheet: Sheet) -> RecordArray:
        records = blank(Bar, len(sheet))
        prices = self._prices(sheet, "")
        for part, values in prices.items():
            sheet.refuse(np.isnan(values), f"{part} is missing", *_PARTS)
            records[part] = values
        self._check(sheet, prices, "", np.ones(len(sheet), bool))
        for field in ("volume", "turnover", "open_interest"):
            records[field] = sheet.size(field)
        records["count"] = sheet.integer("count", -1)
        sheet.refuse(records["count"] < -1, "count is negative", "count")
        return records

    def _quotes(self, sheet: Sheet) -> RecordArray:
        records = blank(Bar, 2 * len(sheet))
        sides = [self._side(sheet, "bid", records[0::2]), self._side(sheet, "ask", records[1::2])]
        records["basis"][0::2], records["basis"][1::2] = BarBasis.BID, BarBasis.ASK
        sheet.refuse(~sides[0] & ~sides[1], "neither side has a price", "bid_open", "ask_open")
        self._report.note("one side has no price, only the other side's bar is stored", int((sheet.alive & (sides[0] ^ sides[1])).sum()))
        return records

    def _side(self, sheet: Sheet, side: str, records: RecordArray) -> BoolArray:
        prices = self._prices(sheet, f"{side}_")
        empty = [np.isnan(values) for values in prices.values()]
        present: BoolArray = ~np.logical_and.reduce(empty)
        names = tuple(f"{side}_{part}" for part in _PARTS)
        sheet.refuse(present & np.logical_or.reduce(empty), f"the {side} side has only some of its prices", *names)
        self._check(sheet, prices, f"{side}_", present)
        sizes = sheet.size(f"{side}_size")
        unpublished = present & (sizes == 0)
        self._report.note(f"{side}_size is 0 beside a price, which means: not published", int((sheet.alive & unpublished).sum()))
        for part, values in prices.items():
            records[part] = values
        records["quote_size"] = np.where(unpublished, np.nan, sizes)
        return present

    def _prices(self, sheet: Sheet, prefix: str) -> dict[str, FloatArray]:
        return {part: sheet.number(prefix + part) for part in _PARTS}

    def _check(self, sheet: Sheet, prices: dict[str, FloatArray], prefix: str, present: BoolArray) -> None:
        opened, high, low, close = (prices[part] for part in _PARTS)
        names = tuple(prefix + part for part in _PARTS)
        sheet.refuse(present & (high < low), f"{prefix}high is below {prefix}low", *names)
        for name, values in (("open", opened), ("close", close)):
            sheet.refuse(present & ((values < low) | (values > high)), f"{prefix}{name} lies outside {prefix}low to {prefix}high", *names)
        if not self._plan.options.allow_nonpositive:
            sheet.refuse(present & (low <= 0), _NOT_POSITIVE, *names)
