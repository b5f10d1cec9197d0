"""Rows to ticks: quotes, snapshots and open interest become Tick records; single trades become TradeTick records."""

from __future__ import annotations

import numpy as np

from gcg_quant.events import Quality, Side, Tick, TradeTick, VolumeKind

from ..blank import RecordArray, blank
from .built import Built
from .cells import BoolArray, FloatArray
from .import_plan import ImportPlan
from .import_report import ImportReport
from .row_times import RowTimes
from .sheet import Sheet

__all__ = ["TickRows", "TradeRows"]

_ABSENT = 1.7e308  # CTP writes the largest double where it has no price
_SNAPSHOT_PRICES = (
    "last_price",
    "open",
    "high",
    "low",
    "prev_close",
    "prev_settlement",
    "settlement",
    "average_price",
    "upper_limit",
    "lower_limit",
)
_SNAPSHOT_SIZES = ("last_size", "volume", "turnover", "open_interest", "prev_open_interest")
_SINGLES = {"single_volume": "volume", "single_turnover": "turnover", "open_interest_change": "open_interest"}
_VOLUME_KINDS = {"": VolumeKind.UNKNOWN, "day": VolumeKind.DAY, "24h": VolumeKind.ROLLING_24H, "single": VolumeKind.SINGLE}
_SUSPICIOUS = {
    **dict.fromkeys(("1", "true", "yes", "y", "t"), Quality.SUSPICIOUS),
    **dict.fromkeys(("", "0", "false", "no", "n", "f"), Quality.NORMAL),
}
_AGGRESSORS = {"buy": Side.BUY, "b": Side.BUY, "sell": Side.SELL, "s": Side.SELL, "": Side.NONE, "none": Side.NONE, "n": Side.NONE}


class TickRows:
    """Builds the ticks of sheets of kind "ticks", "quotes" and "open_interest"."""

    def __init__(self, plan: ImportPlan, times: RowTimes, report: ImportReport) -> None:
        self._plan = plan
        self._times = times
        self._report = report
        self._before: dict[tuple[str, int], float] = {}

    def build(self, sheet: Sheet) -> Built:
        """Return one tick for each row; rows that make none are refused in `sheet`."""
        records = blank(Tick, len(sheet))
        records["event_ns"] = times = self._times.instants(sheet)
        if self._plan.kind == "open_interest":
            records["open_interest"] = sheet.size("open_interest")
            sheet.refuse(np.isnan(records["open_interest"]), "open_interest is missing", "open_interest")
        else:
            self._fill(sheet, records)
        _fill_origin(sheet, records)
        return Built(records=records, rows=np.arange(len(sheet)), order_ns=times, series=np.zeros(len(sheet), np.int64))

    def _fill(self, sheet: Sheet, records: RecordArray) -> None:
        sides = [self._side(sheet, side, records) for side in ("bid", "ask")]
        for field in filter(sheet.has, _SNAPSHOT_PRICES):
            records[field] = self._price(sheet, field)
        for field in filter(sheet.has, _SNAPSHOT_SIZES):
            records[field] = sheet.size(field)
        records["volume_kind"] = _VOLUME_KINDS[self._plan.volume_kind]
        if self._plan.kind == "quotes":
            sheet.refuse(~sides[0] & ~sides[1], "neither side has a price", "bid_price", "ask_price")
            self._report.note("one side has no price", int((sheet.alive & (sides[0] ^ sides[1])).sum()))
        else:
            if sheet.has("low") and sheet.has("high"):
                sheet.refuse(records["high"] < records["low"], "high is below low", "high", "low")
        for single, total in _SINGLES.items():
            if sheet.has(single):
                self._compare(sheet, single, total, sheet.number(single), records[total])

    def _side(self, sheet: Sheet, side: str, records: RecordArray) -> BoolArray:
        # A price of 0 means that the row does not speak of this side; neither does its size then.
        if not sheet.has(f"{side}_price"):
            return np.zeros(len(sheet), bool)
        prices, sizes = self._price(sheet, f"{side}_price"), sheet.size(f"{side}_size")
        present: BoolArray = ~np.isnan(prices)
        unpublished = present & (sizes == 0)
        self._report.note(f"{side}_size is 0 beside a price, which means: not published", int((sheet.alive & unpublished).sum()))
        records[f"{side}_price"] = prices
        records[f"{side}_size"] = np.where(present & ~unpublished, sizes, np.nan)
        return present

    def _price(self, sheet: Sheet, field: str) -> FloatArray:
        values = sheet.number(field)
        if not self._plan.options.allow_nonpositive:
            sheet.refuse(values < 0, "a price is negative (see the option allow_nonpositive)", field)
        absent = (values == 0) | (values > _ABSENT)
        if not absent.any():
            return values
        if self._plan.kind == "ticks":
            self._report.note(f"{field} is 0 or the largest number, which means: absent", int((sheet.alive & absent).sum()))
        return np.where(absent, np.nan, values)

    def _compare(self, sheet: Sheet, single: str, total: str, changes: FloatArray, totals: FloatArray) -> None:
        # A single amount is not stored, since it is the change of the total; where it is not, say so.
        differing = 0
        for one in np.unique(sheet.instruments[sheet.alive]).tolist():
            rows = np.flatnonzero(sheet.alive & (sheet.instruments == one))
            before = np.concatenate(([self._before.get((total, one), np.nan)], totals[rows][:-1]))
            self._before[total, one] = float(totals[rows][-1])
            known = ~np.isnan(before) & ~np.isnan(changes[rows])
            if single != "open_interest_change":
                known &= totals[rows] >= before  # a total that falls begins a new day
            differing += int((known & (totals[rows] - before != changes[rows])).sum())
        self._report.note(f"{single} differs from the change of {total}, and only {total} is stored", differing)


class TradeRows:
    """Builds the single trades of sheets of kind "trades". A size of 0 is stored as it is: the source has such trades."""

    def __init__(self, plan: ImportPlan, times: RowTimes) -> None:
        self._plan = plan
        self._times = times

    def build(self, sheet: Sheet) -> Built:
        """Return one trade for each row; rows that make none are refused in `sheet`."""
        records = blank(TradeTick, len(sheet))
        records["event_ns"] = times = self._times.instants(sheet)
        records["price"] = prices = sheet.number("price")
        sheet.refuse(np.isnan(prices), "price is missing", "price")
        if not self._plan.options.allow_nonpositive:
            sheet.refuse(prices <= 0, "price is zero or negative (see the option allow_nonpositive)", "price")
        for field in filter(sheet.has, ("size", "turnover")):
            records[field] = sheet.size(field)
        if sheet.has("aggressor"):
            records["aggressor"] = sheet.word("aggressor", _AGGRESSORS)
        if sheet.has("trade_id"):
            records["trade_id"] = sheet.text("trade_id", 32)
        _fill_origin(sheet, records)
        return Built(records=records, rows=np.arange(len(sheet)), order_ns=times, series=np.zeros(len(sheet), np.int64))


def _fill_origin(sheet: Sheet, records: RecordArray) -> None:
    if sheet.has("trading_day"):
        records["trading_day"] = sheet.day("trading_day")
    if sheet.has("venue_seq"):
        records["venue_seq"] = sheet.integer("venue_seq", -1)
    if sheet.has("suspicious"):
        records["quality"] = sheet.word("suspicious", _SUSPICIOUS)
    for field, width in (("exchange", 8), ("condition", 16)):
        if sheet.has(field):
            records[field] = sheet.text(field, width)
